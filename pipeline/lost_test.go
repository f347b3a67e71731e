package pipeline_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline"
	"lethe/pipeline/ask"
	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/plan"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	folder "lethe/pipeline/state"
)

// reopened is the keystore of a world as the next process opens it.
func (w *world) reopened() {
	w.T.Helper()
	keys, err := keystore.Open(w.T.Context(), filepath.Join(w.Dir, "keys"), filepath.Join(w.Dir, "id.age"))
	require.NoError(w.T, err)
	w.Setup.Keys = keys
}

// rebuild is the run by which anna, an owner, and bo, a custodian, let the nights go on.
func (w *world) rebuild() setup.Options {
	return setup.Options{Job: "nightly", Apply: true, Phases: setup.RebuildOnly, Rebuild: setup.Rebuilding{
		Two: []setup.Witness{{Name: "anna", Signer: w.Signers["anna"]}, {Name: "bo", Signer: w.Signers["bo"]}}, Comment: "a disk"}}
}

// verified says how many reports stand, all as they were signed.
func (w *world) verified() int {
	w.T.Helper()
	runner, err := w.Setup.Keys.Runner()
	require.NoError(w.T, err)
	key, err := keystore.ParsePublic(runner.Public())
	require.NoError(w.T, err)
	report, err := evidence.Verify(w.T.Context(), w.Setup.Reports, key)
	require.NoError(w.T, err, report.Problems)
	return len(report.Nights)
}

// TestNothingIsChangedThatCouldNotBeProved lets a night meet what keeps it from leaving evidence, with a plan that is
// approved: nothing is changed, and when it is mended the plan is applied.
func TestNothingIsChangedThatCouldNotBeProved(t *testing.T) {
	moved := func(parts ...string) func(w *world) (mend func()) {
		return func(w *world) func() {
			path := filepath.Join(append([]string{w.Dir}, parts...)...)
			require.NoError(w.T, os.Rename(path, path+"-away"))
			return func() { require.NoError(w.T, os.Rename(path+"-away", path)) }
		}
	}
	file := func(parts ...string) func(w *world) (mend func()) {
		return func(w *world) func() {
			mend := moved(parts...)(w)
			path := filepath.Join(append([]string{w.Dir}, parts...)...)
			require.NoError(w.T, os.WriteFile(path, nil, 0o600))
			return func() { require.NoError(w.T, os.Remove(path)); mend() }
		}
	}
	for name, test := range map[string]struct {
		spoil func(w *world) (mend func())
		says  string
	}{
		"the runner's key is missing":                   {moved("keys", "runner.age"), "the runner: no such key"},
		"a silo's key is missing":                       {moved("keys", "silo", "news.age"), "no such key"},
		"the reports folder is a file":                  {file("reports"), "reports"},
		"a table's folder is a file":                    {file("reports", "table=runs"), "no report can be written"},
		"the log of nights is a file":                   {file("reports", "log"), "no report can be written"},
		"the checkpoints are a file":                    {file("reports", "log", "checkpoints"), "no report can be written"},
		"a table's day is a file":                       {file("reports", "table=runs", "date=2026-11-20"), "no report can be written"},
		"the manifests of the day are gone, and a file": {file("reports", "manifests", "date=2026-11-20"), "cannot be looked at"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(nil), people())
			w.UsualEvents()
			w.planned()
			before := w.Rows("people")
			mend := test.spoil(w)
			w.reopened()
			for range 2 {
				_, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Phases: setup.ApplyOnly, Apply: true})
				require.ErrorContains(t, err, test.says)
				require.Equal(t, 2, setup.ExitCode(err))
				require.Equal(t, before, w.Rows("people"), "nothing is changed")
				_, err = ask.Check(t.Context(), w.Setup)
				require.ErrorContains(t, err, test.says)
			}
			mend()
			w.reopened()
			require.NotEmpty(t, w.applied())
			require.NotEqual(t, before, w.Rows("people"))
			require.Equal(t, 2, w.verified())
		})
	}
}

// TestATrialLeavesNothing looks for what the trial of the reports folder left, where it was and where it was not.
func TestATrialLeavesNothing(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	lines, err := ask.Check(t.Context(), w.Setup)
	require.NoError(t, err)
	require.Contains(t, lines, "evidence: the runner's key signs, and reports can be written")
	require.NoDirExists(t, w.Setup.Reports)
	require.NoDirExists(t, w.Setup.State)
	_, err = w.night()
	require.NoError(t, err)
	_, err = ask.Check(t.Context(), w.Setup)
	require.NoError(t, err)
	require.NoError(t, filepath.WalkDir(w.Setup.Reports, func(path string, _ os.DirEntry, err error) error {
		require.NotContains(t, path, ".tmp-")
		return err
	}))
}

// TestALostJournalIsRecognised loses the state folder in two ways while a plan is approved, and goes both ways out.
func TestALostJournalIsRecognised(t *testing.T) {
	for name, lose := range map[string]func(w *world, old string){
		"the journal":            func(w *world, _ string) { removeAll(t, filepath.Join(w.Setup.State, "journal.db*")) },
		"the whole state folder": func(w *world, _ string) { removeAll(t, w.Setup.State) },
		"put back from a copy of the first night": func(w *world, old string) {
			removeAll(t, w.Setup.State)
			require.NoError(w.T, os.CopyFS(w.Setup.State, os.DirFS(old)))
		},
	} {
		for _, out := range []string{"restored", "rebuilt"} {
			t.Run(name+", "+out, func(t *testing.T) {
				w := newWorld(t, news(nil), people())
				w.Event(event.Given, "ada@lago.it", "news", time.Date(2026, 1, 1, 9, 0, 0, 0, rome))
				w.Event(event.Given, "bob@lago.it", "news", time.Date(2026, 1, 1, 9, 0, 0, 0, rome))
				w.Event(event.Given, "eve@lago.it", "news", time.Date(2026, 1, 1, 9, 0, 0, 0, rome))
				_, err := w.night()
				require.NoError(t, err)
				old := filepath.Join(w.Dir, "old")
				require.NoError(t, os.CopyFS(old, os.DirFS(w.Setup.State)))
				w.Event(event.Withdrawn, "bob@lago.it", "news", w.Now)
				w.Now = w.Now.Add(24 * time.Hour)
				w.planned()
				newest := filepath.Join(w.Dir, "newest")
				require.NoError(t, os.CopyFS(newest, os.DirFS(w.Setup.State)))
				before := w.Rows("people")

				lose(w, old)
				for _, phases := range []setup.Phases{setup.WholeNight, setup.ApplyOnly, setup.PlanOnly} {
					r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Apply: true, Phases: phases})
					require.ErrorIs(t, err, setup.ErrTampered)
					require.Equal(t, 12, setup.ExitCode(err))
					require.ErrorContains(t, err, "lethe state rebuild")
					require.Empty(t, r.Waiting)
				}
				s, err := ask.StatusOf(t.Context(), w.Setup)
				require.ErrorIs(t, err, setup.ErrTampered)
				require.NotEmpty(t, s.Journal)
				_, err = ask.Check(t.Context(), w.Setup)
				require.ErrorIs(t, err, setup.ErrTampered)
				require.Equal(t, before, w.Rows("people"))
				require.Equal(t, 2, w.verified(), "no report was added")

				if out == "restored" {
					removeAll(t, w.Setup.State)
					require.NoError(t, os.CopyFS(w.Setup.State, os.DirFS(newest)))
					require.NotEmpty(t, w.applied())
					require.Equal(t, 3, w.verified())
					return
				}
				// A run that rebuilds it and is cut off has not said so: the next one does, without being told.
				w.Setup.Crash = func(point string) {
					if point == "ended" {
						panic(point)
					}
				}
				require.Panics(t, func() { _, _ = pipeline.Run(t.Context(), w.Setup, w.rebuild()) })
				w.Setup.Crash = func(string) {}
				removeAll(t, filepath.Join(w.Setup.State, "lock")) // the process died with it
				r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Apply: true, Again: true})
				require.Equal(t, 5, setup.ExitCode(err), err)
				require.ErrorContains(t, err, "B_STATE_REBUILT")
				require.NotEmpty(t, r.Waiting, "people are asked anew")
				require.Equal(t, before, w.Rows("people"))
				w.approve()
				require.NotEmpty(t, w.applied())
				w.Now = w.Now.Add(24 * time.Hour)
				r, err = w.night()
				require.NoError(t, err)
				require.Empty(t, found(t, w, r.RunID, "F_JOURNAL_REBUILT"), "it was said")
				_, err = pipeline.Run(t.Context(), w.Setup, w.rebuild())
				require.ErrorContains(t, err, "there is nothing to rebuild")
				require.Equal(t, 2, setup.ExitCode(err))
				w.verified()
			})
		}
	}
}

// TestAJournalIsRebuiltFromSignedReportsAlone refuses a report that somebody wrote, and keeps what the registry was
// seen to hold.
func TestAJournalIsRebuiltFromSignedReportsAlone(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	r, err := w.night()
	require.NoError(t, err)
	heads := w.facts().Run.RegistryHeads
	require.NotEmpty(t, heads)
	date := "date=2026-11-20"
	manifest := filepath.Join(w.Setup.Reports, "manifests", date, "run="+r.RunID)
	removeAll(t, w.Setup.State)

	forged := filepath.Join(w.Setup.Reports, "manifests", date, "run="+stray)
	require.NoError(t, os.CopyFS(forged, os.DirFS(manifest)))
	_, err = pipeline.Run(t.Context(), w.Setup, w.rebuild())
	require.ErrorIs(t, err, setup.ErrTampered)
	require.ErrorContains(t, err, stray)
	removeAll(t, forged)

	j := openJournal(t, w)
	require.NoError(t, folder.Rebuild(t.Context(), w.Setup, j))
	runs, err := j.Runs(t.Context(), 10)
	require.NoError(t, err)
	require.NoError(t, j.Close())
	require.Len(t, runs, 1)
	seen, err := folder.LastHeads(runs)
	require.NoError(t, err)
	require.NotEmpty(t, seen)
	docs, err := plan.List(t.Context(), w.Setup)
	require.NoError(t, err)
	require.Empty(t, docs)
	r, err = pipeline.Run(t.Context(), w.Setup, w.rebuild())
	require.NoError(t, err)
	require.False(t, r.AlreadyDone)
	require.Len(t, found(t, w, r.RunID, "F_STATE_REBUILT"), 1)
	require.Len(t, found(t, w, r.RunID, "F_JOURNAL_REBUILT"), 1)
	require.NotEmpty(t, found(t, w, r.RunID, "F_PLAN_UNKNOWN"), "the plan that waited is left alone")
	require.Equal(t, 2, w.verified())
}

// TestDamagedEvidenceOfADestroyedKeyEndsNothing spoils what is left of the keys of plans that ended.
func TestDamagedEvidenceOfADestroyedKeyEndsNothing(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	w.planned()
	w.applied()
	notes, err := filepath.Glob(filepath.Join(w.Dir, "keys", "destroyed", "plan", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, notes)
	for i, note := range notes {
		require.NoError(t, os.WriteFile(note, []byte("{"[:1-i%2]), 0o600))
	}
	w.reopened()
	w.Now = w.Now.Add(24 * time.Hour)
	r, err := w.night()
	require.NoError(t, err)
	require.Len(t, found(t, w, r.RunID, "F_KEY_EVIDENCE_UNREAD"), 1)
	lines, err := ask.Check(t.Context(), w.Setup)
	require.NoError(t, err)
	require.Contains(t, lines, "keys: the evidence that "+w.Setup.Keys.Unread()[0]+
		" was destroyed cannot be read any more: put its file back from a copy")
}

func removeAll(t *testing.T, pattern string) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	require.NoError(t, err)
	for _, path := range paths {
		require.NoError(t, os.RemoveAll(path))
	}
}

// TestARegistryKnowsWhoseNightsItHad loses state and reports, and every way in which they come to an end: nothing is
// changed until two people say so, and then nothing without people, until they have approved a plan.
func TestARegistryKnowsWhoseNightsItHad(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	_, err := w.night()
	require.NoError(t, err)
	before := w.Rows("people")
	removeAll(t, w.Setup.State)
	removeAll(t, w.Setup.Reports)
	for range 3 { // a night that was refused is no memory
		w.Now = w.Now.Add(24 * time.Hour)
		_, err = w.night()
		require.ErrorIs(t, err, setup.ErrTampered)
		require.ErrorContains(t, err, "lethe state rebuild")
		require.Equal(t, before, w.Rows("people"))
	}

	for name, spoil := range map[string]func(o *setup.Rebuilding){
		"one person":            func(o *setup.Rebuilding) { o.Two = o.Two[:1] },
		"the same person twice": func(o *setup.Rebuilding) { o.Two[1] = o.Two[0] },
		"another's key":         func(o *setup.Rebuilding) { o.Two[1].Signer = o.Two[0].Signer },
		"no reason":             func(o *setup.Rebuilding) { o.Comment = " " },
	} {
		o := w.rebuild()
		spoil(&o.Rebuild)
		_, err = pipeline.Run(t.Context(), w.Setup, o)
		require.Equal(t, 2, setup.ExitCode(err), name)
	}
	_, err = w.night()
	require.ErrorIs(t, err, setup.ErrTampered, "nothing of it counted")

	r, err := pipeline.Run(t.Context(), w.Setup, w.rebuild())
	require.NoError(t, err)
	require.Len(t, found(t, w, r.RunID, "F_STATE_REBUILT"), 1)
	w.Now = w.Now.Add(24 * time.Hour)
	_, err = w.night()
	require.ErrorContains(t, err, "B_STATE_REBUILT")
	w.approve()
	require.NotEmpty(t, w.applied())
	w.Now = w.Now.Add(24 * time.Hour)
	_, err = w.night()
	require.NoError(t, err)
	w.verified()
}

// TestAnOlderRegistryIsTakenByTwoPeople puts the registry back from an older copy: the night refuses it, and so do two
// people who do not say that they know.
func TestAnOlderRegistryIsTakenByTwoPeople(t *testing.T) {
	w := newWorld(t, news(nil), people())
	w.UsualEvents()
	file := w.Setup.Registry.DSN
	old, err := os.ReadFile(file)
	require.NoError(t, err)
	_, err = w.night()
	require.NoError(t, err)
	w.Event(event.Withdrawn, "ada@lago.it", "news", w.Now)
	w.Now = w.Now.Add(24 * time.Hour)
	_, err = w.night()
	require.NoError(t, err)

	w.Now = w.Now.Add(24 * time.Hour)
	removeAll(t, file+"*")
	require.NoError(t, os.WriteFile(file, old, 0o600))
	_, err = w.night()
	require.ErrorIs(t, err, setup.ErrTampered)
	r, err := pipeline.Run(t.Context(), w.Setup, w.rebuild())
	require.ErrorIs(t, err, setup.ErrTampered)
	require.ErrorContains(t, err, "--older-registry")
	require.Empty(t, found(t, w, r.RunID, "F_STATE_REBUILT"))
	_, err = w.night()
	require.ErrorIs(t, err, setup.ErrTampered, "a refused one is no registry that a night saw")

	o := w.rebuild()
	o.Rebuild.Older = true
	r, err = pipeline.Run(t.Context(), w.Setup, o)
	require.NoError(t, err)
	require.Len(t, found(t, w, r.RunID, "F_REGISTRY_OLDER"), 1)
	w.Now = w.Now.Add(24 * time.Hour)
	before := w.Rows("people")
	w.Setup.Orders = onlyWithdrawn()
	_, err = w.night()
	require.NoError(t, err)
	require.Equal(t, before, w.Rows("people"), "no order answers the plan that waits")
	w.verified()
}
