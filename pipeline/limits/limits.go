// Package limits stops a run before it destroys too much.
//
// Limits hold the breakers of a setup against what a night is about to do: stops leave a table alone,
// questions ask people about a plan, the ramp spreads a backlog over nights, standing orders answer
// questions, and the cadence says when a backup is rewritten.
package limits

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/orders"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
)

// StopRows is the size of table below which a ratio says nothing.
const StopRows = 50

// followRows is how many rows of a table may follow decided ones in a plan before they can be a spike:
// one person may have so many orders.
const followRows = 50

// Limits are what stops a run before it destroys: stops, questions, the ramp, standing orders, and the
// cadence of backups.
type Limits struct {
	Setup    *setup.Setup
	Tonight  setup.Tonight
	Notes    *notes.Notes
	Journal  *journal.Journal
	Silos    *silos.Set
	Stores   *stores.Set
	Scanner  *scan.Scanner
	OrderUse map[string]map[int]int64 // rows that each standing order lets go, by plan
	Anew     []string                 // questions that stand until people have approved a plan, whatever is in it
	Told     map[[5]string]bool       // triggers that people were told of, by plan.Trigger.Key
}

// Hear reads anew what people said of standing orders: one may have been revoked since the night began.
func (l *Limits) Hear(ctx context.Context) error {
	b, err := answers.Open(ctx, l.Journal, l.Setup.Reports)
	if err != nil {
		return err
	}
	l.Setup, err = orders.Judge(l.Setup, b.Chain)
	return err
}

// Stops tests what must hold before anything is planned for a table: a registry that knows its people,
// and identifiers that can be read. A table that fails is left out of the plan; the others go on.
func (l *Limits) Stops() error {
	for _, s := range l.Stores.List {
		for _, g := range s.Judges {
			if g.Rows >= StopRows {
				l.ratios(g)
			}
		}
	}
	return l.Shrunk()
}

// Shrunk refuses a registry that has fewer events than the last night saw.
func (l *Limits) Shrunk() error {
	for silo, was := range l.Silos.Seen {
		if is, ok := l.Silos.Heads[silo]; ok && is.Seq < was.Seq {
			return fmt.Errorf("%w: %s: silo %s has %d events where the last night saw %d: restore the registry",
				setup.ErrTampered, notes.StopShrunk, silo, is.Seq, was.Seq)
		}
	}
	return nil
}

// ratios stops a table of which too many rows are unknown, or unreadable.
func (l *Limits) ratios(g *judge.Judge) {
	var unmatched, unparseable int64
	for _, line := range g.Summary {
		if line.Reason == string(reason.KAnonymized) || line.Reason == string(reason.EAnonWeak) {
			continue
		}
		if !g.Silo.Silo.Alone() { // nobody need know the people of rows that decide alone
			unmatched += line.Unmatched
		}
		unparseable += line.Unparseable
	}
	if of, limit := Percent(unmatched, g.Rows), l.Setup.Breakers.NoMatchPercent; of > limit {
		l.stop(g, notes.StopNoMatch, unmatched, fmt.Sprintf("%.1f %% of the rows are unknown to the registry, "+
			"more than the %.1f %% allowed: look for a failed import or a wrong key before anything else", of, limit))
	}
	if of, limit := Percent(unparseable, g.Rows), l.Setup.Breakers.UnparseablePercent; of > limit {
		l.stop(g, notes.StopUnparseable, unparseable, fmt.Sprintf("%.1f %% of the rows have no readable identifier, "+
			"more than the %.1f %% allowed: look at the mapping of `subject:`", of, limit))
	}
}

// stop leaves a table out of tonight's plans, and says why.
func (l *Limits) stop(g *judge.Judge, code string, rows int64, words string) {
	g.Stopped = true
	l.Notes.Find(audit.Finding{
		Kind: code, Severity: "high", Source: g.Source.Name, Object: g.Table.Name, Count: rows,
		Article: "Art. 5(1)(d)", Words: "Nothing was changed in this table: " + words + ".",
	})
	l.Notes.Problem(fmt.Errorf("%w: %s: source %s table %s: %s",
		setup.ErrUnapproved, code, g.Source.Name, g.Table.Name, words))
}

// Percent is a part in percent of a whole; 0 of nothing.
func Percent(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// Questions returns what a plan asks of people, sorted: the limits that it passes. Blocking is
// reversible and asks nothing; what is ended once more was answered.
func (l *Limits) Questions(p *plan.Sealed) []string {
	if p.Part == plan.Reversible || p.Part == plan.Again {
		return []string{}
	}
	asked := map[string]bool{}
	rows := map[notes.Object]int64{}
	for _, c := range p.Counts {
		if c.Change == string(judge.SetNull) || l.Stores.IsBackup(c.Source) {
			continue // a backup holds what the live source held: it is asked about there
		}
		rows[notes.Object{Source: c.Source, Table: c.Table}] += c.Rows
		if l.spikes(c) {
			asked[notes.AskSpike] = true
		}
		was := l.Notes.Place(c.Source)
		moved := was != "" && was != l.place(c.Source)
		if moved || l.finishedRuns(c.Source) < l.Setup.Breakers.NewSourceRuns {
			asked[notes.AskNewSource] = true
		}
	}
	for o, r := range rows {
		for _, question := range l.sizes(r, l.Scanner.RowsOf(o.Source, o.Table)) {
			asked[question] = true
		}
	}
	if l.changed() {
		asked[notes.AskPolicy] = true
	}
	for _, question := range l.Anew {
		asked[question] = true
	}
	if l.Untold(p) {
		asked[notes.AskTrigger] = true
	}
	return append([]string{}, slices.Sorted(maps.Keys(asked))...)
}

// changed reports whether the policy is another one than people adopted; while they have adopted none, than the last
// night's.
func (l *Limits) changed() bool {
	if l.Setup.Adopted != "" {
		return l.Setup.Adopted != l.Setup.PolicyDigest
	}
	return l.Notes.Last != nil && l.Notes.Last.Run.PolicyDigest != l.Setup.PolicyDigest
}

// spikes reports whether a count of a plan is far above what nights usually change. Rows that only
// follow decided ones are counted from a number on that one person may not have alone.
func (l *Limits) spikes(c plan.Count) bool {
	if c.Rows <= followRows && !l.Stores.Governs(c.Silo, c.Source, c.Table) {
		return false
	}
	usual := plan.Usual(l.Notes.History, c)
	return usual > 0 && float64(c.Rows) > l.Setup.Breakers.Spike*usual
}

// sizes are the questions that so many rows of a table raise.
func (l *Limits) sizes(rows, total int64) (asked []string) {
	breakers := &l.Setup.Breakers
	if breakers.MaxRows > 0 && rows > breakers.MaxRows {
		asked = append(asked, notes.AskRows)
	}
	if total < StopRows {
		return asked
	}
	if Percent(rows, total) > breakers.MaxPercent {
		asked = append(asked, notes.AskPercent)
	}
	if Percent(rows, total) > breakers.EmptyPercent {
		asked = append(asked, notes.AskEmpty)
	}
	return asked
}

// finishedRuns counts the runs in which a source was read to its end.
func (l *Limits) finishedRuns(source string) (runs int) {
	scanned := func(i audit.Inventory) bool { return i.Source == source && i.State == "scanned" }
	for _, f := range l.Notes.History {
		if slices.ContainsFunc(f.Inventory, scanned) {
			runs++
		}
	}
	return runs
}

// place is where a source is read.
func (l *Limits) place(source string) string {
	i := slices.IndexFunc(l.Setup.Sources, func(s setup.Source) bool { return s.Name == source })
	if i < 0 {
		return ""
	}
	return l.Setup.Sources[i].Place
}

// Ramp leaves the youngest of too many destructive changes for later nights, so that ten years of
// backlog do not go at once.
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
				if destroys(r) && !r.Ramped {
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
	l.Notes.Find(audit.Finding{
		Kind: "F_RAMP", Severity: "medium", Count: int64(len(all)) - limit, Article: "Art. 5(1)(e)",
		Words: fmt.Sprintf("More rows are due than max_rows_a_night (%d) allows; "+
			"the oldest go first, these wait for later nights.", limit),
	})
}

// destroys reports whether a row's change takes something away for good.
func destroys(r *judge.Root) bool { return r.Change() != judge.None && !r.Change().Reversible() }
