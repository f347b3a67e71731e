package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy"
)

// However much of a set is done when a night is cut off, no row is left that refers to one that is gone.
func TestSetsNameWhatRefersFirst(t *testing.T) {
	w := newWorld(t, news(depends(policy.Dependent{Table: "orders", FK: []string{"person"}, Do: "delete"},
		policy.Dependent{Table: "lines", FK: []string{"ord"}, References: "orders", Do: "delete"})), people(),
		table("orders", []connectors.Field{id, field("person", connectors.Integer, false)},
			[]connectors.ForeignKey{fk("people", "person")}, []any{"20", "2"}, []any{"21", "2"}),
		table("lines", []connectors.Field{id, field("ord", connectors.Integer, false)},
			[]connectors.ForeignKey{fk("orders", "ord")}, []any{"200", "20"}, []any{"201", "21"}))
	w.UsualEvents()
	w.planned()
	docs, entries, err := plan.List(t.Context(), w.Setup, journal.Approved)
	require.NoError(t, err)
	require.Len(t, docs, 1)
	p, err := plan.Open(w.Setup.State, entries[0])
	require.NoError(t, err)
	identity, err := w.Setup.Keys.PlanIdentity(p.PlanID)
	require.NoError(t, err)
	set, err := p.Changes(p.Sets[0], identity)
	require.NoError(t, err)
	refs := 0
	for i, c := range set.Rows {
		for _, r := range c.Refs {
			refs++
			require.Greater(t, r.Row, i, "a row of %s stands before what it refers to", c.Table)
		}
	}
	require.Equal(t, 4, refs)
}
