package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
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
	docs, err := plan.List(t.Context(), w.Setup, journal.Approved)
	require.NoError(t, err)
	require.Len(t, docs, 1)
	p, err := plan.Open(w.Setup.State, docs[0].Entry)
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

func TestAPlanIsNotAppliedOnTheJournalsWord(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	r, err := w.night()
	require.NoError(t, err)
	j, err := w.Setup.Journal(t.Context())
	require.NoError(t, err)
	require.NoError(t, j.SetPlanState(t.Context(), r.Waiting[0], journal.Approved, ""))
	require.NoError(t, j.Close())
	_, err = pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Phases: setup.ApplyOnly, Apply: true})
	require.ErrorIs(t, err, setup.ErrUnapproved)
	require.Len(t, w.Rows("people"), 3)
}

func TestAPlanOfAnotherSchemaEnds(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.planned()
	altered := people()
	altered.Def.Fields[2].Kind = connectors.Binary
	w.Live = mem.New("crm", altered)
	_, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Phases: setup.ApplyOnly, Apply: true})
	require.ErrorIs(t, err, setup.ErrExpired)
	require.ErrorContains(t, err, "schema of source crm")
	require.Len(t, w.Rows("people"), 3)
}
