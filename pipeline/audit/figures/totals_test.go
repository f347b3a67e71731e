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
