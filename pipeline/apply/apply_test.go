package apply

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/change"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
)

// units is a set of units that have so many rows.
func units(rows ...int) *change.Set {
	set := &change.Set{}
	for unit, n := range rows {
		for range n {
			set.Add(change.Change{Unit: int64(unit)})
		}
	}
	return set
}

func TestAChunkEndsWithAUnit(t *testing.T) {
	for _, c := range []struct {
		set        *change.Set
		from, rows int
		end        int
	}{
		{units(2, 3, 1), 0, 1, 2},
		{units(2, 3, 1), 0, 2, 2},
		{units(2, 3, 1), 0, 3, 5},
		{units(2, 3, 1), 2, 9, 6},
		{units(2, maxRows), 0, 3, 2},                   // before one that makes it too large
		{units(2, maxRows), 2, 3, 2 + maxRows},         // which fits alone
		{units(maxRows+1, 1), 0, 1, maxRows},           // no transaction holds it: its beginning
		{units(maxRows+1, 1), maxRows, 1, maxRows + 1}, // and its end
	} {
		require.Equal(t, c.end, (&application{set: c.set}).cut(c.from, c.rows), "%d rows from %d", c.rows, c.from)
	}
}

func TestOutcomesStandWhereTheirRowsDo(t *testing.T) {
	a := &application{set: units(1, 2, 2), plan: &plan.Sealed{}}
	got, err := a.outcomes([]journal.Chunk{{First: 1, Rows: 2, Outcome: []byte("ds")}, {First: 3, Rows: 2}})
	require.NoError(t, err)
	require.Equal(t, "\x00ds\x00\x00", string(got))
	for _, c := range []journal.Chunk{
		{First: -1, Rows: 1}, {First: 4, Rows: 2}, {First: 0, Rows: 2, Outcome: []byte("d")},
	} {
		_, err := a.outcomes([]journal.Chunk{c})
		require.ErrorIs(t, err, journal.ErrCorrupt)
	}
}

func TestWhatAPlanDoesCountsAndNotWhatItSays(t *testing.T) {
	p := &plan.Sealed{Document: plan.Document{Part: plan.Reversible}}
	sets := func(op judge.Change) []*change.Set {
		return []*change.Set{{}, change.SetOf(nil, change.Change{Op: judge.Block}, change.Change{Op: op})}
	}
	ap := &Applier{}
	require.NoError(t, ap.authorised(t.Context(), p, sets(judge.Unblock)), "nobody has to be asked")
	for _, op := range []judge.Change{judge.Delete, judge.Anonymize, judge.Clear, judge.SetNull} {
		require.ErrorIs(t, ap.authorised(t.Context(), p, sets(op)), setup.ErrTampered, "%s", op)
	}
}
