package pipeline_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/connectors/mem"
	"lethe/pipeline"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

// erased is a company of which bob and eve are gone, a day later.
func erased(t *testing.T, tables ...mem.Table) *world {
	t.Helper()
	w := newWorld(t, news(nil), append([]mem.Table{people()}, tables...)...)
	w.UsualEvents()
	w.planned()
	require.Equal(t, map[string]int64{"people delete done": 2}, w.applied())
	w.Now = w.Now.AddDate(0, 0, 1)
	return w
}

// put puts the store back from a copy with these tables.
func (w *world) put(tables ...mem.Table) {
	w.T.Helper()
	w.Live = mem.New("crm", tables...)
}

// forged has tombstones name a plan that nobody let go.
func (w *world) forged() {
	w.T.Helper()
	r, err := registry.Open(w.T.Context(), w.Setup.Registry)
	require.NoError(w.T, err)
	stones, err := r.Tombstones(w.T.Context(), "news")
	require.NoError(w.T, err)
	var list []registry.Tombstone
	for t := range stones.All() {
		t.PlanDigest = "forged"
		list = append(list, t)
	}
	require.NotEmpty(w.T, list)
	require.NoError(w.T, r.PutTombstones(w.T.Context(), "news", list))
	require.NoError(w.T, r.Close())
}

func (w *world) reapply() (map[string]int64, error) {
	w.T.Helper()
	r, err := pipeline.Run(w.T.Context(), w.Setup, setup.Options{Job: "nightly", Phases: setup.ReapplyOnly, Apply: true,
		Source: "crm"})
	return settled(r), err
}

func TestANightNoticesWhatACopyBroughtBackAndEndsItOnceMore(t *testing.T) {
	w := erased(t)
	w.put(people())
	r, err := w.night()
	require.Equal(t, 14, setup.ExitCode(err), "%v", err)
	require.Empty(t, r.Waiting, "nobody is asked again")
	require.Equal(t, map[string]int64{"people delete done": 2}, settled(r))
	require.Len(t, w.Rows("people"), 1)
	f := w.facts()
	require.Len(t, w.found("F_RESTORED"), 1)
	require.Equal(t, int64(2), w.found("F_RESTORED")[0].Count)
	require.Len(t, f.Restores, 1)
	require.Equal(t, []any{"crm", int64(2), int64(2)}, []any{f.Restores[0].Source, f.Restores[0].RowsBack, f.Restores[0].RowsReerased})
	require.Equal(t, "restored_without_reapply", f.Hints[0].Kind)

	w.Now = w.Now.AddDate(0, 0, 1)
	_, err = w.night()
	require.NoError(t, err, "it is over")
	require.Empty(t, w.found("F_RESTORED"))
}

func TestReapplyEndsOnlyWhatIsStillDue(t *testing.T) {
	w := erased(t)
	w.put(people())
	w.Event(event.Given, "bob@lago.it", "news", w.Now.Add(-time.Hour))
	got, err := w.reapply()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people delete done": 1}, got)
	require.Len(t, w.Rows("people"), 2)
	got, err = w.reapply()
	require.NoError(t, err)
	require.Empty(t, got, "twice is once")
}

// TestReapplyDoesNotEndWhatNobodyEnded: what else is due in the source has to be asked about.
func TestReapplyDoesNotEndWhatNobodyEnded(t *testing.T) {
	w := erased(t)
	w.put(people())
	w.Event(event.Withdrawn, "ada@lago.it", "news", w.Now.Add(-time.Hour))
	got, err := w.reapply()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people delete done": 2}, got)
	r, err := w.night()
	require.NoError(t, err)
	require.Len(t, r.Waiting, 1)
	require.Equal(t, []string{"1 ada@lago.it Ada active 2026-01-01"}, w.Rows("people"))
}

// TestTombstonesOfNoPlanOnRecordLetNothingGo: who can write tombstones cannot have people's rows ended unasked.
func TestTombstonesOfNoPlanOnRecordLetNothingGo(t *testing.T) {
	w := erased(t)
	w.put(people())
	w.forged()
	got, err := w.reapply()
	require.Equal(t, 5, setup.ExitCode(err), "%v", err)
	require.Empty(t, got)
	r, err := w.night()
	require.Equal(t, 14, setup.ExitCode(err), "%v", err)
	require.Len(t, r.Waiting, 1)
	require.Len(t, w.Rows("people"), 3)
}

// TestAnAnonymizedRowThatIsBackIsAnonymizedOnceMore, and so is one of which fields were cleared.
func TestAnAnonymizedRowThatIsBackIsAnonymizedOnceMore(t *testing.T) {
	null := "null"
	w := newWorld(t, news(func(s *policy.Silo) {
		s.Rules[0].End = policy.Anonymize
		s.Anonymize = map[string]*string{"email": &null, "name": &null}
	}), people())
	w.UsualEvents()
	w.planned()
	require.Equal(t, map[string]int64{"people anonymize done": 2}, w.applied())
	w.Now = w.Now.AddDate(0, 0, 1)
	w.put(people())
	got, err := w.reapply()
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"people anonymize done": 2}, got)
	got, err = w.reapply()
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestADryNightSaysWhatIsBackAndLeavesIt(t *testing.T) {
	w := erased(t)
	w.put(people())
	r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly"})
	require.Equal(t, 14, setup.ExitCode(err), "%v", err)
	require.Empty(t, r.Waiting)
	require.Len(t, w.Rows("people"), 3)
	again := func(p audit.Plan) bool { return p.Part == "again" && p.State == "expired" }
	require.True(t, slices.ContainsFunc(w.facts().Plans, again), "%v", w.facts().Plans)
}
