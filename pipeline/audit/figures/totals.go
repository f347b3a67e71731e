package figures

import "lethe/pipeline/audit"

// Totals counts settled rows.
type Totals map[Outcome]Count

// Outcome is how rows of a table were settled.
type Outcome struct{ Plan, Silo, Source, Object, Change, Reason, Status string }

// Count is of the rows settled in one way, and of those that were read again and found gone or changed.
type Count struct{ Rows, Verified int64 }

// Add counts rows.
func (t Totals) Add(rows []audit.Action) {
	for i := range rows {
		r := &rows[i]
		at := Outcome{Plan: r.PlanID, Silo: r.Silo, Source: r.Source, Object: r.Object, Change: r.Change,
			Reason: r.Reason, Status: r.Status}
		n := t[at]
		n.Rows++
		if r.Absent {
			n.Verified++
		}
		t[at] = n
	}
}

// Done says whether rows that were settled so are as it was planned.
func (o Outcome) Done() bool { return o.Status == "done" || o.Status == "recovered" }

// Ends says whether the change deletes or anonymizes rows.
func (o Outcome) Ends() bool { return o.Change == "delete" || o.Change == "anonymize" }
