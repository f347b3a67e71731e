package figures

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"lethe/pipeline/audit"
)

// Totals counts settled rows.
type Totals map[Outcome]Count

// Outcome is how rows of a table were settled.
type Outcome struct {
	Plan, Silo, Source, Object, Change, Reason, Status string
	Along                                              bool // they go with rows of which it was decided
}

// Count is of the rows settled in one way, and of those that were read again and found gone or changed.
type Count struct{ Rows, Verified int64 }

// Add counts rows.
func (t Totals) Add(rows []audit.Action) {
	type counted struct {
		Outcome
		Count
	}
	var met [8]counted // the last ones: rows of a few tables take turns
	next := 0
	for i := range rows {
		r := &rows[i]
		at := Outcome{Plan: r.PlanID, Silo: r.Silo, Source: r.Source, Object: r.Object, Change: r.Change,
			Reason: r.Reason, Status: r.Status, Along: r.Root != r.Record}
		k := slices.IndexFunc(met[:], func(c counted) bool { return c.Rows > 0 && c.Outcome == at })
		if k < 0 {
			k, next = next, (next+1)%len(met)
			t.add(met[k].Outcome, met[k].Count)
			met[k] = counted{Outcome: at}
		}
		if met[k].Rows++; r.Absent {
			met[k].Verified++
		}
	}
	for _, c := range met {
		t.add(c.Outcome, c.Count)
	}
}

func (t Totals) add(at Outcome, n Count) {
	if n.Rows == 0 {
		return
	}
	was := t[at]
	t[at] = Count{was.Rows + n.Rows, was.Verified + n.Verified}
}

// Settled are the totals as an earlier run's, of a day, with the plans that were approved before it read.
func (t Totals) Settled(day string, early []string) []audit.Settled {
	list := make([]audit.Settled, 0, len(t))
	for at, n := range t {
		list = append(list, audit.Settled{Day: day, Plan: at.Plan, Silo: at.Silo, Source: at.Source, Object: at.Object,
			Change: at.Change, Reason: at.Reason, Status: at.Status, Along: at.Along, Rows: n.Rows,
			Verified: n.Verified, Early: slices.Contains(early, at.Plan)})
	}
	slices.SortFunc(list, func(a, b audit.Settled) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return list
}

// OfDay are the totals of a run with those of a day's other runs of the night on which it goes on.
func (t Totals) OfDay(f audit.Facts, day string) Totals {
	return t.with(f, func(s audit.Settled) bool { return s.Day == day })
}

// OfWhatWasRead are the totals of what was settled of the rows that the summary of a run counts: by it and by the
// runs of the night on which it goes on, without what a night ended before it read.
func (t Totals) OfWhatWasRead(f audit.Facts) Totals {
	read := maps.Clone(t)
	maps.DeleteFunc(read, func(at Outcome, _ Count) bool { return slices.Contains(f.Early, at.Plan) })
	return read.with(f, func(s audit.Settled) bool { return !s.Early })
}

func (t Totals) with(f audit.Facts, which func(audit.Settled) bool) Totals {
	if len(f.Before) == 0 {
		return t
	}
	whole := maps.Clone(t)
	if whole == nil {
		whole = Totals{}
	}
	for _, s := range f.Before {
		if which(s) {
			whole.add(Outcome{Plan: s.Plan, Silo: s.Silo, Source: s.Source, Object: s.Object, Change: s.Change,
				Reason: s.Reason, Status: s.Status, Along: s.Along}, Count{s.Rows, s.Verified})
		}
	}
	return whole
}

// Done says whether rows that were settled so are as it was planned.
func (o Outcome) Done() bool { return o.Status == "done" || o.Status == "recovered" }

// Ends says whether the change deletes or anonymizes rows.
func (o Outcome) Ends() bool { return o.Change == "delete" || o.Change == "anonymize" }
