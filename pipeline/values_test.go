package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/pipeline"
	"lethe/pipeline/answers"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/plan/values"
	"lethe/pipeline/setup"
)

// An owner of a silo sees what stands in rows now, and that they looked is signed before they do.
func TestAnOwnerSeesWhatStandsThereNow(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	_, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Phases: setup.PlanOnly})
	require.NoError(t, err)
	docs, err := plan.List(t.Context(), w.Setup, journal.Waiting)
	require.NoError(t, err)
	require.NotEmpty(t, docs)
	sealed, _, err := plan.Look(t.Context(), w.Setup, docs[0].PlanID)
	require.NoError(t, err)
	looks := func() (list []answers.Signed) {
		j, err := w.Setup.Journal(t.Context())
		require.NoError(t, err)
		defer j.Close()
		b, err := answers.Open(t.Context(), j, w.Setup.Reports)
		require.NoError(t, err)
		return b.About(answers.AboutValues(sealed.PlanID), sealed.Digest)
	}
	for _, name := range []string{"bo", "dora"} {
		_, err := values.Begin(t.Context(), w.Setup, sealed, setup.Witness{Name: name, Signer: w.Signers[name]}, "people")
		require.ErrorIs(t, err, setup.ErrConfig, name)
		require.ErrorContains(t, err, "takes an owner of a silo of the plan")
	}
	require.Empty(t, looks())

	w.Setup.Sources[0].Skip = map[string]string{"people.name": "nobody needs it"}
	l, err := values.Begin(t.Context(), w.Setup, sealed, setup.Witness{Name: "anna", Signer: w.Signers["anna"]}, "people")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	require.Len(t, looks(), 1, "before anything is read")
	require.Equal(t, answers.Look, looks()[0].Answer.Act)
	require.True(t, l.Sees("news"))
	require.False(t, l.Sees("shop"))

	w.Set("people", "2", "status", "\xff")
	two, nine := connectors.MakeKey([]byte("2")), connectors.MakeKey([]byte("9"))
	now, err := l.Of(t.Context(), "crm", "people", []connectors.Key{two, nine})
	require.NoError(t, err)
	require.Len(t, now, 1, "what is not there is not in the answer")
	text := map[string]string{}
	for _, v := range now[two] {
		require.False(t, v.Null)
		text[v.Field] = v.Text
	}
	require.Equal(t, map[string]string{"id": "2", "email": "bob@lago.it", "status": "0xff", "created": "2026-01-01"}, text)

	_, err = l.Of(t.Context(), "crm", "nothing", []connectors.Key{two})
	require.ErrorContains(t, err, "no table of the plan any more")
	_, err = l.Of(t.Context(), "gone", "people", []connectors.Key{two})
	require.ErrorContains(t, err, "source gone of the plan is not in the configuration any more")
}
