package pipeline_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline"
	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/incidents"
	"lethe/pipeline/setup"
)

// checked are the results of what a run checked, with how many.
func checked(f audit.Facts) map[string][2]any {
	out := map[string][2]any{}
	for _, v := range f.Verification {
		out[v.What] = [2]any{v.Result, v.Missing}
	}
	return out
}

func TestARunSaysWhatItCheckedOfTheEvidence(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.nights(2)
	require.Equal(t, map[string][2]any{"manifests": {"holds", int64(0)}, "files": {"holds", int64(0)},
		"log": {"holds", int64(0)}, "answers": {"holds", int64(0)}, "journal": {"holds", int64(0)},
		"purges": {"holds", int64(0)}, "registry": {"holds", int64(0)}}, checked(w.facts()))

	found, err := filepath.Glob(filepath.Join(w.Setup.Reports, "table=summary/*/*/*.parquet"))
	require.NoError(t, err)
	require.NotEmpty(t, found)
	require.NoError(t, os.Remove(found[0]))
	w.nights(1)
	require.Equal(t, [2]any{"broken", int64(1)}, checked(w.facts())["files"])
}

func TestARunSaysWhatPeopleAnsweredAndAdopted(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.adopts("P1M", "P1Y", true)
	w.nights(1)
	f := w.facts()
	require.Len(t, f.Answers, 2)
	for _, a := range f.Answers {
		require.True(t, a.Counts, a.Because)
		require.Equal(t, "adopt", a.Act)
	}
	require.Len(t, f.PolicyChanges, 1)
	require.Equal(t, "the first", f.PolicyChanges[0].Effect)

	seven := int64(7)
	w.adopts("P2M", "P1Y", true, &answers.Effect{Rows: &seven})
	w.nights(1)
	f = w.facts()
	require.Len(t, f.PolicyChanges, 1)
	c := f.PolicyChanges[0]
	require.Equal(t, []string{"Evidence.RowLevel", "P1M", "P2M", "may destroy more", "", "anna;bo"},
		[]string{c.Place, c.Before, c.After, c.Effect, c.EffectRows, c.AdoptedBy})
	w.nights(1)
	require.Empty(t, w.facts().PolicyChanges)
	require.Len(t, w.facts().Answers, 4)

	delete(w.Setup.People, "bo")
	w.Now = w.Now.AddDate(0, 0, 1)
	_, _ = w.night()
	for _, a := range w.facts().Answers {
		require.Equal(t, a.Actor == "anna", a.Counts)
	}
}

// TestWhoAssessesAHint says it once, and the next night has it.
func TestWhoAssessesAHint(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.nights(2)
	found, err := filepath.Glob(filepath.Join(w.Setup.Reports, "log", "checkpoint"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.NoError(t, os.Remove(found[0]))
	w.Now = w.Now.Add(24 * time.Hour)
	_, err = pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Apply: true})
	require.ErrorIs(t, err, setup.ErrTampered)
	hints, err := incidents.List(t.Context(), w.Setup)
	require.NoError(t, err)
	require.Len(t, hints, 1)
	require.Equal(t, incidents.Altered, hints[0].Kind)

	say := func(hint, who, comment string) error {
		return incidents.Assess(t.Context(), w.Setup, hint, who, comment, w.Signers[who])
	}
	require.ErrorIs(t, say("none", "anna", "x"), setup.ErrConfig)
	require.ErrorIs(t, say(hints[0].HintID, "anna", " "), setup.ErrConfig)
	require.NoError(t, say(hints[0].HintID, "anna", "the disk was full; nobody had access"))
	hints, err = incidents.List(t.Context(), w.Setup)
	require.NoError(t, err)
	require.Equal(t, "anna", hints[0].AssessedBy)
	w.nights(1)
	require.Equal(t, "anna", w.facts().Hints[0].AssessedBy, "the next night says what it was")
	w.nights(1)
	require.Empty(t, w.facts().Hints, "its cause is gone, and it is assessed")
}

// TestWhatIsKnownAfterAnIncident is answered from the reports alone, also where rows are over their term.
func TestWhatIsKnownAfterAnIncident(t *testing.T) {
	w := aged(t, "P1M", "P1Y", true)
	ask := func(source, object string) (incidents.Answer, error) {
		return incidents.Query(t.Context(), incidents.Question{Reports: w.Setup.Reports, From: "2026-11-20", To: "2027-12-31",
			Source: source, Object: object})
	}
	ended := func(a incidents.Answer) (rows int64) {
		for _, n := range a.Nights {
			rows += n.Change["delete done"]
		}
		return rows
	}
	before, err := ask("crm", "people")
	require.NoError(t, err)
	require.EqualValues(t, 2, ended(before))
	require.Equal(t, []incidents.SiloSaid{{Silo: "news", People: 1, Rows: 1}}, before.Silos)
	var fields []string
	for _, f := range before.Fields {
		fields = append(fields, f.Field)
	}
	require.Equal(t, []string{"email", "name"}, fields)

	_, err = w.night()
	require.NoError(t, err)
	require.Len(t, w.found("F_EVIDENCE_PURGED"), 1)
	after, err := ask("crm", "")
	require.NoError(t, err)
	require.EqualValues(t, 2, ended(after))
	_, err = ask("crm", "nothing")
	require.ErrorIs(t, err, setup.ErrConfig)
	require.ErrorContains(t, err, "no report from 2026-11-20 to 2027-12-31 speaks of crm.nothing")
}
