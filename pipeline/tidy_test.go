package pipeline_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline"
	"lethe/pipeline/census"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
	folder "lethe/pipeline/state"
)

// stray is a run of an earlier night, and a plan of it that the journal does not know.
const stray = "01a22626-348a-72f4-aa3d-3e65616b56c3"

func strayPlan(t *testing.T, w *world) (path string) {
	t.Helper()
	path = filepath.Join(w.Setup.State, "plans", stray+"-destructive")
	require.NoError(t, os.MkdirAll(path, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(path, "000.actions.arrow"), []byte("rows"), 0o600))
	_, err := w.Setup.Keys.NewPlan(stray + "-destructive")
	require.NoError(t, err)
	return path
}

// openJournal opens the journal of a world, for what an earlier night did.
func openJournal(t *testing.T, w *world) *journal.Journal {
	t.Helper()
	j, err := w.Setup.Journal(t.Context())
	require.NoError(t, err)
	return j
}

// found lists the findings of a kind of a published night, by what they are about.
func found(t *testing.T, w *world, runID, kind string) (objects []string) {
	t.Helper()
	j := openJournal(t, w)
	defer j.Close()
	run, ok, err := j.Find(t.Context(), runID)
	require.NoError(t, err)
	require.True(t, ok)
	facts, err := folder.FactsOf(run)
	require.NoError(t, err)
	for _, f := range facts.Findings {
		if f.Kind == kind {
			objects = append(objects, f.Object)
		}
	}
	return objects
}

func TestAPlanThatNobodyKnowsIsClearedUnlessSomethingMaySpeakOfIt(t *testing.T) {
	began := func(t *testing.T, w *world) {
		j := openJournal(t, w)
		defer j.Close()
		require.NoError(t, j.Begin(t.Context(), journal.Run{ID: stray, Key: "nightly/apply/2026-11-19", Apply: true,
			AsOf: w.Now.AddDate(0, 0, -1), StartedAt: w.Now.AddDate(0, 0, -1)}))
	}
	ended := func(t *testing.T, w *world, facts string) {
		began(t, w)
		j := openJournal(t, w)
		defer j.Close()
		require.NoError(t, j.End(t.Context(), journal.Run{ID: stray, EndedAt: w.Now.AddDate(0, 0, -1), ExitCode: 1,
			Facts: []byte(facts)}))
		require.NoError(t, j.Publish(t.Context(), stray, "")) // or this night would
	}
	for name, test := range map[string]struct {
		journal func(t *testing.T, w *world)
		cleared bool
	}{
		"a run that was cut off": {began, true},
		"a run that failed": {func(t *testing.T, w *world) {
			ended(t, w, `{"Run":{"RunID":"`+stray+`"}}`)
		}, true},
		"a run whose report names it": {func(t *testing.T, w *world) {
			ended(t, w, `{"Run":{"RunID":"`+stray+`"},"Plans":[{"PlanID":"`+stray+`-destructive"}]}`)
		}, false},
		"a run of which the journal knows nothing": {func(*testing.T, *world) {}, false},
		"a run that was not cut off when the copy was made": {func(t *testing.T, w *world) {
			began(t, w)
			date := calendar.DateOf(w.Now.AddDate(0, 0, -1), rome).String()
			require.NoError(t, os.MkdirAll(filepath.Join(w.Setup.Reports, "manifests", "date="+date, "run="+stray), 0o700))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(nil), people())
			w.UsualEvents()
			left := strayPlan(t, w)
			other := filepath.Join(w.Setup.State, "plans", "notes of the operator")
			require.NoError(t, os.MkdirAll(other, 0o700))
			test.journal(t, w)
			for night := range 2 {
				r, err := w.night()
				if err != nil { // the stray report of a run that failed cannot be made
					require.ErrorIs(t, err, setup.ErrTampered)
				}
				cleared, unknown := []string(nil), []string{stray + "-destructive"}
				if test.cleared {
					unknown = nil
				}
				if test.cleared && night == 0 {
					cleared = []string{stray + "-destructive"}
				}
				require.Equal(t, cleared, found(t, w, r.RunID, "F_PLAN_CLEARED"))
				require.Equal(t, unknown, found(t, w, r.RunID, "F_PLAN_UNKNOWN"))
				_, err = w.Setup.Keys.PlanIdentity(stray + "-destructive")
				if test.cleared {
					require.NoDirExists(t, left)
					require.Error(t, err)
				} else {
					require.FileExists(t, filepath.Join(left, "000.actions.arrow"))
					require.NoError(t, err)
				}
				require.DirExists(t, other)
				w.Now = w.Now.Add(24 * time.Hour)
			}
		})
	}
}

// TestTheStateFolderStaysSmall runs many nights that decide and change, and looks at what the state folder keeps.
func TestTheStateFolderStaysSmall(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.planned()
	sealed := func() []string {
		files, err := filepath.Glob(filepath.Join(w.Setup.State, "plans", "*", "*.changes.arrow.age"))
		require.NoError(t, err)
		return files
	}
	require.NotEmpty(t, sealed())
	require.NotEmpty(t, w.applied())
	require.Empty(t, sealed(), "its plan has ended")
	var runs []string
	for range 12 {
		w.Event(event.Withdrawn, "ada@lago.it", "news", w.Now)
		w.Event(event.Given, "ada@lago.it", "news", w.Now.Add(time.Minute))
		w.Now = w.Now.Add(24 * time.Hour)
		r, err := w.night()
		require.NoError(t, err)
		runs = append(runs, r.RunID)
		require.Empty(t, sealed(), "the key of what was sealed is gone")
	}
	kept, err := filepath.Glob(filepath.Join(w.Setup.State, "runs", "*", "decisions.arrow"))
	require.NoError(t, err)
	require.Len(t, kept, 7, "of five nights, of the one on whose list the first of them goes on, and of the last")
	counted, err := filepath.Glob(filepath.Join(w.Setup.State, "runs", "*", census.File))
	require.NoError(t, err)
	require.Len(t, counted, 1, "whom the last counted")
	rows, err := filepath.Glob(filepath.Join(w.Setup.State, "plans", "*", "*.arrow*"))
	require.NoError(t, err)
	require.Empty(t, rows, "of a plan that is settled")
	documents, err := filepath.Glob(filepath.Join(w.Setup.State, "plans", "*", "plan.json"))
	require.NoError(t, err)
	require.NotEmpty(t, documents, "what it was in numbers stays")

	for i, runID := range runs {
		_, err := pipeline.Republish(context.Background(), w.Setup, runID)
		if i < len(runs)-6 {
			require.ErrorIs(t, err, setup.ErrConfig)
			require.ErrorContains(t, err, "put it back from a copy")
		} else {
			require.NoError(t, err, "made anew, with the same bytes")
		}
	}
}
