package balance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
)

// TestAFewRowsSayNoLessThanAllOfThem: what a run counts that looked at one person's rows is no count of the table; what
// one counts that applied what a night planned is.
func TestAFewRowsSayNoLessThanAllOfThem(t *testing.T) {
	held := func(rows int64) audit.Exception {
		return audit.Exception{Silo: "club", Source: "shop", Object: "people", Code: "E_DEPENDENT_KEPT", Count: rows}
	}
	for phases, want := range map[setup.Phases]int64{setup.FulfilOnly: 9, setup.ReapplyOnly: 9, setup.ApplyOnly: 1} {
		n := &notes.Notes{}
		n.Recall(audit.Facts{Run: audit.Run{RunID: "night"}, Summary: []audit.Summary{{Silo: "club", Rows: 50}},
			Exceptions: []audit.Exception{held(9)}, Findings: []audit.Finding{{FindingID: "f", Kind: "F_HELD_BACK", Count: 9}}})
		n.Facts.Exceptions = []audit.Exception{held(1)}
		n.Facts.Findings = []audit.Finding{{FindingID: "f", Kind: "F_HELD_BACK", Count: 1}}
		b := &Book{Notes: n, Tonight: setup.Tonight{Options: setup.Options{Phases: phases}}}
		b.Carry()
		require.Equal(t, []audit.Exception{held(want)}, n.Facts.Exceptions)
		require.Len(t, n.Facts.Findings, 1)
		require.Equal(t, want, n.Facts.Findings[0].Count)
		require.Len(t, n.Facts.Summary, 1)
		require.Equal(t, "night", n.Facts.Run.Night)
	}
}

// TestARunThatGoesOnFromOneThatAppliedHasTheNightToo, whose facts are its own and those of the night.
func TestARunThatGoesOnFromOneThatAppliedHasTheNightToo(t *testing.T) {
	n := &notes.Notes{}
	n.Recall(audit.Facts{Run: audit.Run{RunID: "applied", Night: "night"}, Summary: []audit.Summary{{Silo: "club", Rows: 50}},
		Inventory: []audit.Inventory{{Object: "people"}}})
	require.Len(t, n.Newest.Summary, 1)
	require.Nil(t, n.Last)
	require.Empty(t, n.History[0].Summary, "it decided nothing itself")
	b := &Book{Notes: n, Tonight: setup.Tonight{Options: setup.Options{Phases: setup.ApplyOnly}}}
	b.Carry()
	require.Len(t, n.Facts.Summary, 1)
	require.Len(t, n.Facts.Inventory, 1)
	require.Equal(t, "night", n.Facts.Run.Night)
}
