package figures

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/audit"
)

// Totals count each row once, however many ways there are in which rows were settled.
func TestTotalsCountEachRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching("[a-e]?")
		got, want := Totals{}, Totals{}
		for range rapid.IntRange(0, 3).Draw(t, "batches") {
			rows := make([]audit.Action, rapid.IntRange(0, 60).Draw(t, "rows"))
			for i := range rows {
				rows[i] = audit.Action{PlanID: word.Draw(t, "plan"), Silo: word.Draw(t, "silo"), Source: word.Draw(t, "source"),
					Object: word.Draw(t, "object"), Change: word.Draw(t, "change"), Reason: word.Draw(t, "reason"),
					Status: word.Draw(t, "status"), Absent: rapid.Bool().Draw(t, "absent")}
				rows[i].Root[0] = byte(rapid.IntRange(0, 1).Draw(t, "root"))
				if rapid.Bool().Draw(t, "again") && i > 0 {
					rows[i] = rows[rapid.IntRange(0, i-1).Draw(t, "which")]
				}
				r := rows[i]
				at := Outcome{r.PlanID, r.Silo, r.Source, r.Object, r.Change, r.Reason, r.Status, r.Root != r.Record}
				n := want[at]
				n.Rows++
				if r.Absent {
					n.Verified++
				}
				want[at] = n
			}
			got.Add(rows)
		}
		require.Equal(t, want, got)
	})
}

// TestOnlyWhatWasReadIsTakenOff: rows that a night ended before it read are not in its summary, and those that it ended
// afterwards are not left, nor those that other runs ended that went on from it.
func TestOnlyWhatWasReadIsTakenOff(t *testing.T) {
	line := audit.Summary{Silo: "a", Source: "crm", Object: "t", Action: "delete", Change: "delete", Reason: "D_CONSENT_EXPIRED",
		Use: "blocked", Rows: 10, InUse: 10}
	ended := func(plan string, rows int64) Totals {
		return Totals{{Plan: plan, Silo: "a", Source: "crm", Object: "t", Change: "delete", Reason: "D_CONSENT_EXPIRED",
			Status: "done"}: {Rows: rows, Verified: rows}}
	}
	left := func(f audit.Facts, totals Totals) int64 {
		f.Summary = []audit.Summary{line}
		return Silos(f, totals, nil)[0].InUse
	}
	require.EqualValues(t, 7, left(audit.Facts{}, ended("tonight", 3)))
	require.EqualValues(t, 10, left(audit.Facts{Early: []string{"before"}}, ended("before", 3)))
	early := []string{"before"}
	before := append(ended("tonight", 3).Settled("2026-11-20", early), ended("before", 2).Settled("2026-11-20", early)...)
	goesOn := audit.Facts{Before: before}
	require.EqualValues(t, 7, left(goesOn, nil))
	require.EqualValues(t, 3, left(goesOn, ended("waited", 4)))
	require.Equal(t, Totals{}.with(goesOn, func(audit.Settled) bool { return true }), Totals{}.OfDay(goesOn, "2026-11-20"))
	require.Empty(t, Totals{}.OfDay(goesOn, "2026-11-21"), "of another day")
}
