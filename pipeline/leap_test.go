package pipeline_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline"
	"lethe/pipeline/audit"
	"lethe/pipeline/duties"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
)

// TestAClockThatLeaptIsLookedAt lets the clock go on by a day and by half a year: a standing order lets a plan go after
// the first, and after the second people have to approve one, however many dry runs there were in between.
func TestAClockThatLeaptIsLookedAt(t *testing.T) {
	found := func(w *world) bool {
		return slices.ContainsFunc(w.facts().Findings, func(f audit.Finding) bool { return f.Kind == "F_CLOCK_AHEAD" })
	}
	for name, tc := range map[string]struct {
		days, pause int
		dry         bool // a run that changes nothing comes first, and another clock's night
		asks        bool
	}{
		"a day":                      {1, 40, false, false},
		"as long as may be":          {40, 40, false, false},
		"longer":                     {41, 40, false, true},
		"longer, after a dry run":    {200, 40, true, true},
		"longer, and nobody minds":   {200, 0, false, false},
		"longer, and that may be":    {200, 400, false, false},
		"a day, and a day is a leap": {2, 1, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(nil), people())
			w.UsualEvents()
			w.Setup.Orders = onlyWithdrawn()
			w.Setup.Breakers.PauseDays = int64(tc.pause)
			_, err := w.night()
			require.NoError(t, err)
			w.approve()
			w.applied()
			require.False(t, found(w), "the first night")
			w.Now = w.Now.AddDate(0, 0, tc.days)
			if tc.dry {
				w.Setup.Orders[0].Until = mustDate("2029-01-01")
				_, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly"})
				require.NoError(t, err)
				w.Now = w.Now.AddDate(0, 0, 1)
			}
			w.Setup.Orders[0].Until = mustDate("2029-01-01")
			w.Event(event.Withdrawn, "ada@lago.it", "news", w.Now)
			r, err := w.night()
			require.Equal(t, tc.asks, found(w))
			if !tc.asks {
				require.NoError(t, err)
				require.Empty(t, r.Waiting)
				require.Empty(t, w.Rows("people"))
				return
			}
			require.ErrorContains(t, err, "B_CLOCK_AHEAD")
			require.Len(t, w.Rows("people"), 1)
			w.approve()
			w.applied()
			require.Empty(t, w.Rows("people"))
			w.Now = w.Now.AddDate(0, 0, 1)
			_, err = w.night()
			require.NoError(t, err)
			require.False(t, found(w), "people have approved a plan since")
		})
	}
}

// TestTwoPeopleSayThatTheClockIsRight lets them sign it after a leap: a standing order lets a plan go from then on, until
// the clock leaps again, or goes on still further before a night has seen it.
func TestTwoPeopleSayThatTheClockIsRight(t *testing.T) {
	leapt := func(w *world) {
		w.T.Helper()
		w.UsualEvents()
		w.Setup.Orders = onlyWithdrawn()
		w.Setup.Orders[0].Until = mustDate("2029-01-01")
		w.Setup.Breakers.PauseDays = 40
		_, err := w.night()
		require.NoError(w.T, err)
		w.approve()
		w.applied()
		w.Now = w.Now.AddDate(0, 0, 200)
		w.Event(event.Withdrawn, "ada@lago.it", "news", w.Now)
	}
	sign := func(w *world, comment string, names ...string) error {
		var two []setup.Witness
		for _, name := range names {
			two = append(two, setup.Witness{Name: name, Signer: w.Signers[name]})
		}
		_, err := duties.Clock(t.Context(), w.Setup, two, comment)
		return err
	}
	for name, c := range map[string]struct {
		before bool // a night sees the leap before they sign
		then   int  // by how many days the clock goes on after they signed
		asks   bool
	}{
		"before a night":            {false, 0, false},
		"after a night":             {true, 1, false},
		"and it leaps again":        {true, 41, true},
		"and it goes on by a day":   {false, 1, false},
		"and it goes on still more": {false, 41, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(nil), people())
			leapt(w)
			if c.before {
				_, err := w.night()
				require.ErrorContains(t, err, "B_CLOCK_AHEAD")
			}
			require.ErrorContains(t, sign(w, "closed", "anna"), "two people")
			require.ErrorContains(t, sign(w, "closed", "anna", "anna"), "named twice")
			require.ErrorContains(t, sign(w, " ", "anna", "bo"), "say what happened")
			require.NoError(t, sign(w, "closed", "anna", "bo"))
			if c.before { // a plan that was sealed before still asks: somebody answers it
				docs, err := plan.List(t.Context(), w.Setup, journal.Waiting)
				require.NoError(t, err)
				require.Len(t, docs, 1)
				_, _, err = plan.Approve(t.Context(), w.Setup, docs[0].PlanID, "anna", "reject", "", w.Signers["anna"])
				require.NoError(t, err)
			}
			require.ErrorContains(t, sign(w, "closed", "anna", "bo"), "nothing to acknowledge")
			w.Now = w.Now.AddDate(0, 0, c.then)
			_, err := w.night()
			if c.asks {
				require.ErrorContains(t, err, "B_CLOCK_AHEAD")
				require.Len(t, w.Rows("people"), 1)
				return
			}
			require.NoError(t, err)
			require.Empty(t, w.Rows("people"))
		})
	}
}
