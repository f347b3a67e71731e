package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/event"
)

// A night takes hours. What people say while it runs counts for what it has not changed yet, though it is later than the instant as of which the night decides.
func TestWhatIsSaidWhileTheNightRuns(t *testing.T) {
	for name, say := range map[string]func(*world){
		"a consent": func(w *world) { w.event(event.Given, "bob@lago.it", "news", w.now) },
		"a hold": func(w *world) {
			config := w.p.Registry
			r, err := registry.Open(w.t.Context(), config)
			require.NoError(w.t, err)
			require.NoError(w.t, r.PlaceHold(w.t.Context(), "news", cases.Hold{ID: "h", CaseRef: "c", PlacedBy: "anna"}))
			require.NoError(w.t, r.Close())
		},
		"a restriction": func(w *world) { w.event(event.Restricted, "bob@lago.it", "", w.now) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(nil), people())
			w.usualEvents()
			w.planned()
			said := false
			w.p.Crash = func(point string) {
				if point == "intent" && !said {
					said = true
					w.now = w.now.Add(2 * time.Hour)
					say(w)
				}
			}
			settled := w.applied()
			require.True(t, said)
			require.Contains(t, w.rows("people"), "2 bob@lago.it Bob active 2026-01-01", "%v", settled)
		})
	}
}
