package limits

import (
	"fmt"
	"slices"
	"sort"

	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
)

// StopRows is the size of table below which a ratio says nothing.
const StopRows = 50

// followRows is how many rows of a table may follow decided ones in a plan before they can be a spike: one person may have so many orders.
const followRows = 50

// Limits are what stops a run before it destroys: stops, questions, the ramp, standing orders, and the cadence of backups.
type Limits struct {
	Setup    *setup.Setup
	Tonight  setup.Tonight
	Notes    *notes.Notes
	Journal  *journal.Journal
	Silos    *silos.Set
	Stores   *stores.Set
	Scanner  *scan.Scanner
	OrderUse map[string]map[int]int64 // rows that each standing order lets go, by plan
}

// Stops tests what must hold before anything is planned for a table: a registry that knows its people, and identifiers
// that can be read. A table that fails is left out of the plan; the others go on.
func (l *Limits) Stops() error {
	for _, s := range l.Stores.List {
		for _, g := range s.Judges {
			if g.Rows >= StopRows {
				l.ratios(g)
			}
		}
	}
	for silo, was := range l.Silos.Seen {
		if is, ok := l.Silos.Heads[silo]; ok && is.Seq < was.Seq {
			return fmt.Errorf("%w: %s: silo %s has %d events where the last night saw %d: restore the registry", setup.ErrTampered, notes.StopShrunk, silo, is.Seq, was.Seq)
		}
	}
	return nil
}

// ratios stops a table of which too many rows are unknown, or unreadable.
func (l *Limits) ratios(g *judge.Judge) {
	var unmatched, unparseable int64
	for _, line := range g.Summary {
		if line.Reason == string(reason.KAnonymized) {
			continue
		}
		unmatched += line.Unmatched
		unparseable += line.Unparseable
	}
	if limit := l.Setup.Breakers.NoMatchPercent; Percent(unmatched, g.Rows) > limit {
		l.stop(g, notes.StopNoMatch, fmt.Sprintf("%.1f %% of the rows are unknown to the registry, more than the %.1f %% allowed: look for a failed import or a wrong key before anything else", Percent(unmatched, g.Rows), limit), unmatched)
	}
	if limit := l.Setup.Breakers.UnparseablePercent; Percent(unparseable, g.Rows) > limit {
		l.stop(g, notes.StopUnparseable, fmt.Sprintf("%.1f %% of the rows have no readable identifier, more than the %.1f %% allowed: look at the mapping of `subject:`", Percent(unparseable, g.Rows), limit), unparseable)
	}
}

func (l *Limits) stop(g *judge.Judge, code, words string, rows int64) {
	g.Stopped = true
	l.Notes.Find(audit.Finding{Kind: code, Severity: "high", Source: g.Source.Name, Object: g.Table.Name, Count: rows, Article: "Art. 5(1)(d)", Words: "Nothing was changed in this table: " + words + "."})
	l.Notes.Problem(fmt.Errorf("%w: %s: source %s table %s: %s", setup.ErrUnapproved, code, g.Source.Name, g.Table.Name, words))
}

func Percent(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// Questions returns what a plan asks of people: the limits that it passes. Blocking is reversible and asks nothing.
func (l *Limits) Questions(p *plan.Sealed) []string {
	asked := map[string]bool{}
	if p.Part == plan.Reversible {
		return []string{}
	}
	type object struct{ source, table string }
	rows := map[object]int64{}
	for _, c := range p.Counts {
		if c.Change == string(judge.SetNull) || l.Stores.IsBackup(c.Source) {
			continue // a backup holds what the live source held: it is asked about there
		}
		rows[object{c.Source, c.Table}] += c.Rows
		follows := !l.Stores.Governs(c.Silo, c.Source, c.Table) && c.Rows <= followRows
		if usual := plan.Usual(l.Notes.History, c); usual > 0 && float64(c.Rows) > l.Setup.Breakers.Spike*usual && !follows {
			asked[notes.AskSpike] = true
		}
		if l.finishedRuns(c.Source) < l.Setup.Breakers.NewSourceRuns {
			asked[notes.AskNewSource] = true
		}
	}
	for o, r := range rows {
		total := l.Scanner.RowsOf(o.source, o.table)
		if l.Setup.Breakers.MaxRows > 0 && r > l.Setup.Breakers.MaxRows {
			asked[notes.AskRows] = true
		}
		if total >= StopRows && Percent(r, total) > l.Setup.Breakers.MaxPercent {
			asked[notes.AskPercent] = true
		}
		if total >= StopRows && Percent(r, total) > l.Setup.Breakers.EmptyPercent {
			asked[notes.AskEmpty] = true
		}
	}
	if l.Notes.Last != nil && l.Notes.Last.Run.PolicyDigest != l.Setup.PolicyDigest {
		asked[notes.AskPolicy] = true
	}
	out := make([]string, 0, len(asked))
	for q := range asked {
		out = append(out, q)
	}
	sort.Strings(out)
	return out
}

func (l *Limits) finishedRuns(source string) (runs int) {
	for _, f := range l.Notes.History {
		if slices.ContainsFunc(f.Inventory, func(i audit.Inventory) bool { return i.Source == source && i.State == "scanned" }) {
			runs++
		}
	}
	return runs
}

// Ramp leaves the youngest of too many destructive changes for later nights, so that ten years of backlog do not go at once.
func (l *Limits) Ramp(drafts []*plan.Draft) {
	limit := l.Setup.Breakers.MaxRowsANight
	if limit <= 0 {
		return
	}
	var all []*judge.Root
	for _, d := range drafts {
		if d.Backup() {
			continue
		}
		for _, g := range d.Judges {
			for _, r := range g.Roots {
				if r.Change != judge.None && !r.Change.Reversible() {
					all = append(all, r)
				}
			}
		}
	}
	if int64(len(all)) <= limit {
		return
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Due < all[j].Due })
	for _, r := range all[limit:] {
		r.Ramped = true
	}
	l.Notes.Find(audit.Finding{Kind: "F_RAMP", Severity: "medium", Count: int64(len(all)) - limit, Article: "Art. 5(1)(e)",
		Words: fmt.Sprintf("More rows are due than max_rows_a_night (%d) allows; the oldest go first, these wait for later nights.", limit)})
}
