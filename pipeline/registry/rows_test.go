package registry

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/chain"
)

// TestRowsBesideTheChain edits, as a superuser, what stands beside the chain.
func TestRowsBesideTheChain(t *testing.T) {
	for name, c := range map[string]struct{ edit, what string }{
		"somebody else's identifier": {`UPDATE subject_alias SET collection = 2 WHERE collection = 1`,
			"subject_alias is not what the events say"},
		"an identifier removed": {`DELETE FROM subject_alias WHERE collection = 1`,
			"subject_alias is not what the events say"},
		"a hold released": {`UPDATE legal_hold SET released_by = 'eve', release_approved_by = 'bo', released_at = 1`,
			"the row of hold case7 is not"},
		"a hold approved":         {`UPDATE legal_hold SET approved_by = 'eve'`, "the row of hold case7 is not"},
		"a hold of somebody else": {`UPDATE legal_hold SET placed_by = 'eve'`, "the row of hold case7 is not"},
		"a hold removed":          {`DELETE FROM legal_hold`, "the row of hold case7 is gone"},
		"a later deadline":        {`UPDATE request SET due_at = due_at + 86400000000`, "the row of request r1 is not"},
		"a pause":                 {`UPDATE request SET paused_at = 1`, "the row of request r1 is not"},
		"a request closed": {`UPDATE request SET closed_at = 1, outcome = 'completed' WHERE request = 'r1'`,
			"the row of request r1 is not"},
		"another kind": {`UPDATE request SET kind = 'erasure' WHERE request = 'r1'`,
			"the row of request r1 is not"},
		"a request removed": {`DELETE FROM request WHERE request = 'r1'`, "the row of request r1 is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			onEngines(t, func(t *testing.T, newFixture newFixture) {
				f := newFixture(t)
				f.now = day("2026-11-05")
				f.importCSV("crm", header1+
					"a@example.org,given,news,2026-01-10,,n,p\nb@example.org,given,news,2026-01-10,,n,p\n")
				require.NoError(t, f.r.PlaceHold(t.Context(), "crm", cases.Hold{ID: "case7", CaseRef: "7/2026",
					PlacedBy: "anna"}, 1))
				require.NoError(t, f.r.ApproveHold(t.Context(), "crm", "case7", "bo"))
				require.NoError(t, f.r.OpenRequest(t.Context(), "crm",
					cases.Request{ID: "r1", Kind: cases.RequestAccess, Received: day("2026-11-01"),
						Due: day("2026-12-02")}, 1))
				require.NoError(t, f.r.PauseRequest(t.Context(), "crm", "r1"))
				f.now = f.now.Add(36 * time.Hour)
				require.NoError(t, f.r.ResumeRequest(t.Context(), "crm", "r1", f.now, months))
				require.NoError(t, f.r.OpenRequest(t.Context(), "crm",
					cases.Request{ID: "r2", Kind: cases.RequestRectification, Received: day("2026-11-01"),
						Due: day("2026-12-02")}, 2))
				require.NoError(t, f.r.CloseRequest(t.Context(), "crm", "r2", cases.OutcomeCompleted, ""))
				require.NoError(t, f.r.VerifyRows(t.Context(), "crm", f.key("crm")))
				_, err := f.raw().Exec(c.edit)
				require.NoError(t, err)
				require.NoError(t, f.r.Verify(t.Context(), "crm", chain.Head{}), "the chain does not see it")
				err = f.r.VerifyRows(t.Context(), "crm", f.key("crm"))
				require.ErrorIs(t, err, chain.ErrTampered)
				require.ErrorContains(t, err, c.what)
			})
		})
	}
}
