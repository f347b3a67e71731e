package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/event"
)

// A night takes hours. What people say while it runs counts for what it has not changed yet, though it is
// later than the instant as of which the night decides.
func TestWhatIsSaidWhileTheNightRuns(t *testing.T) {
	for name, say := range map[string]func(*world){
		"a consent": func(w *world) { w.Event(event.Given, "bob@lago.it", "news", w.Now) },
		"a hold": func(w *world) {
			config := w.Setup.Registry
			r, err := registry.Open(w.T.Context(), config)
			require.NoError(w.T, err)
			require.NoError(w.T, r.PlaceHold(w.T.Context(), "news",
				cases.Hold{ID: "h", CaseRef: "c", PlacedBy: "anna"}))
			require.NoError(w.T, r.Close())
		},
		"a restriction": func(w *world) { w.Event(event.Restricted, "bob@lago.it", "", w.Now) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, news(nil), people())
			w.UsualEvents()
			w.planned()
			said := false
			w.Setup.Crash = func(point string) {
				if point == "intent" && !said {
					said = true
					w.Now = w.Now.Add(2 * time.Hour)
					say(w)
				}
			}
			settled := w.applied()
			require.True(t, said)
			require.Contains(t, w.Rows("people"), "2 bob@lago.it Bob active 2026-01-01", "%v", settled)
		})
	}
}
