package pipeline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"lethe/pipeline/audit"
	"lethe/pipeline/policy/reason"
)

// The questions that a plan can raise. Two approvals of the plan's digest answer them.
const (
	askRows      = "B_MAX_ROWS"
	askPercent   = "B_MAX_PCT"
	askSpike     = "B_SPIKE"
	askNewSource = "B_NEW_SOURCE"
	askPolicy    = "B_POLICY_CHANGED"
	askEmpty     = "B_EMPTY_TABLE"
)

// The stops. They have no override short of removing the cause.
const (
	stopNoMatch     = "B_NOMATCH_RATIO"
	stopUnparseable = "B_UNPARSEABLE_RATIO"
	stopShrunk      = "B_REGISTRY_SHRUNK"
)

// stopRows is the size of table below which a ratio says nothing.
const stopRows = 50

// stops tests what must hold before anything is planned for a table: a registry that knows its people, and identifiers that can be read. A
// table that fails is left out of the plan; the others go on.
func (n *night) stops() error {
	for _, s := range n.stores {
		for _, g := range s.groups {
			if g.rows < stopRows {
				continue
			}
			var unmatched, unparseable int64
			for _, l := range g.summary {
				if l.Reason == string(reason.KAnonymized) {
					continue
				}
				unmatched += l.Unmatched
				unparseable += l.Unparseable
			}
			if limit := n.Breakers.NoMatchPercent; percent(unmatched, g.rows) > limit {
				n.stop(g, stopNoMatch, fmt.Sprintf("%.1f %% of the rows are unknown to the registry, more than the %.1f %% allowed: look for a failed import or a wrong key before anything else", percent(unmatched, g.rows), limit), unmatched)
			}
			if limit := n.Breakers.UnparseablePercent; percent(unparseable, g.rows) > limit {
				n.stop(g, stopUnparseable, fmt.Sprintf("%.1f %% of the rows have no readable identifier, more than the %.1f %% allowed: look at the mapping of `subject:`", percent(unparseable, g.rows), limit), unparseable)
			}
		}
	}
	for silo, was := range n.seen {
		if is, ok := n.heads[silo]; ok && is.Seq < was.Seq {
			return fmt.Errorf("%w: %s: silo %s has %d events where the last night saw %d: restore the registry", ErrTampered, stopShrunk, silo, is.Seq, was.Seq)
		}
	}
	return nil
}

func (n *night) stop(g *group, code, words string, rows int64) {
	g.stopped = true
	n.find(audit.Finding{Kind: code, Severity: "high", Source: g.store.Name, Object: g.table.Name, Count: rows, Article: "Art. 5(1)(d)", Words: "Nothing was changed in this table: " + words + "."})
	n.problem(fmt.Errorf("%w: %s: source %s table %s: %s", ErrUnapproved, code, g.store.Name, g.table.Name, words))
}

func percent(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// questions returns what a plan asks of people: the limits that it passes. Blocking is reversible and asks nothing.
func (n *night) questions(p *plan) []string {
	asked := map[string]bool{}
	if p.Part == "reversible" {
		return []string{}
	}
	type object struct{ source, table string }
	rows := map[object]int64{}
	for _, c := range p.Counts {
		if c.Change == string(setNull) || n.isBackup(c.Source) {
			continue // a backup holds what the live source held: it is asked about there
		}
		rows[object{c.Source, c.Table}] += c.Rows
		if usual := n.usual(c); usual > 0 && float64(c.Rows) > n.Breakers.Spike*usual && c.Rows > stopRows {
			asked[askSpike] = true
		}
		if n.finishedRuns(c.Source) < n.Breakers.NewSourceRuns {
			asked[askNewSource] = true
		}
	}
	for o, r := range rows {
		total := n.rowsOf(o.source, o.table)
		if n.Breakers.MaxRows > 0 && r > n.Breakers.MaxRows {
			asked[askRows] = true
		}
		if total >= stopRows && percent(r, total) > n.Breakers.MaxPercent {
			asked[askPercent] = true
		}
		if total >= stopRows && percent(r, total) > n.Breakers.EmptyPercent {
			asked[askEmpty] = true
		}
	}
	if n.last != nil && n.last.Run.PolicyDigest != n.PolicyDigest {
		asked[askPolicy] = true
	}
	out := make([]string, 0, len(asked))
	for q := range asked {
		out = append(out, q)
	}
	sort.Strings(out)
	return out
}

func (n *night) isBackup(source string) bool {
	return slices.ContainsFunc(n.stores, func(s *store) bool { return s.Name == source && s.backup() })
}

// usual is the median of a plan line over the last 30 finished runs; 0 where there is no history.
func (n *night) usual(c PlanCount) float64 {
	var rows []int64
	for _, f := range n.history {
		for _, p := range f.Plans {
			if p.Silo == c.Silo && p.Source == c.Source && p.Object == c.Table && p.Change == c.Change && p.Reason == c.Reason {
				rows = append(rows, p.Rows)
			}
		}
	}
	if len(rows) == 0 {
		return 0
	}
	slices.Sort(rows)
	if m := len(rows) / 2; len(rows)%2 == 1 {
		return float64(rows[m])
	} else {
		return float64(rows[m-1]+rows[m]) / 2
	}
}

func (n *night) finishedRuns(source string) (runs int) {
	for _, f := range n.history {
		if slices.ContainsFunc(f.Inventory, func(i audit.Inventory) bool { return i.Source == source && i.State == "scanned" }) {
			runs++
		}
	}
	return runs
}

// rowsOf is the number of rows that the night counted in a table.
func (n *night) rowsOf(source, table string) int64 {
	for _, s := range n.stores {
		if r := s.reading(table); s.Name == source && r != nil {
			return r.rows
		}
	}
	return 0
}

// ramp leaves the youngest of too many destructive changes for later nights, so that ten years of backlog do not go at once.
func (n *night) ramp() {
	limit := n.Breakers.MaxRowsANight
	if limit <= 0 {
		return
	}
	var all []*root
	for _, s := range n.stores {
		if s.backup() {
			continue
		}
		for _, g := range s.groups {
			for i := range g.roots {
				if c := g.roots[i].change; c != noChange && !c.reversible() {
					all = append(all, &g.roots[i])
				}
			}
		}
	}
	if int64(len(all)) <= limit {
		return
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].due < all[j].due })
	for _, r := range all[limit:] {
		r.ramped = true
	}
	n.find(audit.Finding{Kind: "F_RAMP", Severity: "medium", Count: int64(len(all)) - limit, Article: "Art. 5(1)(e)",
		Words: fmt.Sprintf("More rows are due than max_rows_a_night (%d) allows; the oldest go first, these wait for later nights.", limit)})
}

// mayWrite is asked before every chunk: it says why nothing more may be changed now, or nil.
func (n *night) mayWrite() error {
	if _, err := os.Stat(filepath.Join(n.State, "stop")); err == nil {
		return fmt.Errorf("%w: the stop file %s exists: remove it to go on", ErrStopped, filepath.Join(n.State, "stop"))
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look for the stop file: %w", err)
	}
	if !n.opts.Until.IsZero() && !n.Now().Before(n.opts.Until) {
		return fmt.Errorf("%w: the window ended at %s: the next night goes on from here", ErrStopped, n.opts.Until.In(n.Zone).Format("15:04"))
	}
	return nil
}

// QuestionWords says a question of a plan in words.
func QuestionWords(code string) string {
	switch code {
	case askRows:
		return "it changes more rows of a table than max_rows allows"
	case askPercent:
		return "it changes a larger part of a table than max_percent allows"
	case askSpike:
		return "it changes far more rows than the last nights did"
	case askNewSource:
		return "a source is new: its first plans are looked at by people"
	case askPolicy:
		return "the policy changed since the last night"
	case askEmpty:
		return "it would nearly empty a table"
	}
	return code
}
