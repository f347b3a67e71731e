package figures

import (
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

// Done says whether rows that were settled so are as it was planned.
func (o Outcome) Done() bool { return o.Status == "done" || o.Status == "recovered" }

// Ends says whether the change deletes or anonymizes rows.
func (o Outcome) Ends() bool { return o.Change == "delete" || o.Change == "anonymize" }
