package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/ask"
	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/setup"
)

const triggerSaid = "trigger cd on table people runs at DELETE (writes to people)"

// triggered gives the people of a world a trigger whose text has a digest.
func (w *world) triggered(digest string) {
	w.T.Helper()
	def := mem.Table{Def: people().Def}
	def.Def.Triggers = []connectors.Trigger{{Name: "cd", Event: "DELETE", Digest: digest,
		Writes: []connectors.Written{{Table: "people", Event: "UPDATE"}}}}
	def.Rows = people().Rows
	w.Live = mem.New("crm", def)
}

func TestWhatATriggerDoesIsAskedOnce(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.Setup.Orders = onlyWithdrawn()
	w.Setup.Orders[0].Reasons = append(w.Setup.Orders[0].Reasons, reason.DConsentExpired)
	waiting := func() []plan.Listed {
		t.Helper()
		docs, err := plan.List(t.Context(), w.Setup, journal.Waiting)
		require.NoError(t, err)
		return docs
	}

	w.triggered("one")
	lines, err := ask.Check(t.Context(), w.Setup)
	require.NoError(t, err)
	require.Contains(t, lines, "source crm: "+triggerSaid)
	r, err := w.night()
	require.ErrorIs(t, err, setup.ErrUnapproved)
	require.Empty(t, settled(r), "a standing order does not answer it")
	require.Len(t, waiting(), 1)
	require.Equal(t, []string{notes.AskTrigger}, waiting()[0].Questions)
	require.Equal(t, triggerSaid, waiting()[0].Triggers[0].Said())
	found := map[string]string{}
	for _, f := range w.facts().Findings {
		found[f.Kind+" "+f.Object] = f.Severity
	}
	require.Equal(t, "high", found["F_TRIGGER people"], "it writes to rows that a silo governs")

	w.approve()
	require.NotEmpty(t, w.applied())

	w.Now = w.Now.AddDate(0, 0, 1)
	w.triggered("one")
	r, err = w.night()
	require.ErrorIs(t, err, setup.ErrRestored, "its rows are back")
	require.NotEmpty(t, settled(r), "people were told of it")

	w.Now = w.Now.AddDate(0, 0, 1)
	w.triggered("two")
	_, err = w.night()
	require.ErrorIs(t, err, setup.ErrUnapproved, "another text asks again, also of what had been ended")
	w.approve()
	w.triggered("three")
	before := w.Rows("people")
	_, err = pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Phases: setup.ApplyOnly, Apply: true})
	require.ErrorContains(t, err, "source crm: trigger cd on table people came, or was changed, since the plan was made")
	require.Equal(t, before, w.Rows("people"), "a plan ends where a trigger is another than people saw")
	require.Empty(t, waiting())
}
