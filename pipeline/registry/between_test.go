package registry

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
)

// TestOneDecisionReadsOneInstant lets a hold be placed, on another connection, between two readings of one transaction:
// neither the silo's head, nor its events, nor the table of holds has moved for it. The next reading sees all of them.
func TestOneDecisionReadsOneInstant(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("hr", header1+"a@example.org,basis_started,contract,2020-01-10,,,\n")
		reads := f.open(Config{ReadOnly: true})
		known, err := reads.Standings(t.Context(), "hr", noon, map[string]event.Type{})
		require.NoError(t, err)

		tx, err := reads.store.Begin(t.Context(), true)
		require.NoError(t, err)
		head, err := reads.store.FindSilo(t.Context(), tx.Handle, "hr")
		require.NoError(t, err)
		require.NoError(t, f.r.PlaceHold(t.Context(), "hr", cases.Hold{ID: "h", CaseRef: "c", PlacedBy: "anna"}))
		require.NoError(t, f.r.ApproveHold(t.Context(), "hr", "h", "bo"))
		touched, err := known.RefreshIn(t.Context(), tx, head)
		require.NoError(t, err)
		require.Empty(t, touched)
		require.NoError(t, cases.EachHold(t.Context(), tx, head.Book, func(h cases.Hold) error {
			return fmt.Errorf("hold %s was placed after this instant", h.ID)
		}))
		again, err := reads.store.FindSilo(t.Context(), tx.Handle, "hr")
		require.NoError(t, err)
		require.Equal(t, head.Seq, again.Seq)
		tx.End()

		now, err := reads.Head(t.Context(), "hr")
		require.NoError(t, err)
		require.NotEqual(t, known.Head(), now, "who decides looks once more before it commits, and sees that this moved")
		_, err = reads.Refresh(t.Context(), known)
		require.NoError(t, err)
		require.Equal(t, now, known.Head())
		require.True(t, f.standing("hr", "a@example.org", noon).Hold)
	})
}

// TestHoldsWhileSomebodyLooks places, approves and releases holds while somebody else compares the rows of the silo with
// its events, again and again: a reading of two instants would find a row that no event speaks of.
func TestHoldsWhileSomebodyLooks(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.importCSV("hr", header1+"a@example.org,basis_started,contract,2020-01-10,,,\n")
		reads, done := f.open(Config{ReadOnly: true}), make(chan error, 1)
		go func() {
			for i := range 25 {
				id := fmt.Sprint("h", i)
				for _, step := range []func() error{
					func() error {
						return f.r.PlaceHold(t.Context(), "hr", cases.Hold{ID: id, CaseRef: "c", PlacedBy: "anna"}, 1)
					},
					func() error { return f.r.ApproveHold(t.Context(), "hr", id, "bo") },
					func() error { return f.r.ReleaseHold(t.Context(), "hr", id, "anna", "bo") },
				} {
					if err := step(); err != nil {
						done <- err
						return
					}
				}
			}
			done <- nil
		}()
		for looked := 0; ; looked++ {
			select {
			case err := <-done:
				require.NoError(t, err)
				require.Greater(t, looked, 5)
				return
			default:
				require.NoError(t, reads.Verify(t.Context(), "hr", chain.Head{}))
				require.NoError(t, reads.VerifyRows(t.Context(), "hr", f.key("hr")))
			}
		}
	})
}
