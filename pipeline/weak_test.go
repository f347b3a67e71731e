package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
)

// TestAPseudonymIsNoAnonymity: what a hash leaves is said to be weak in each night after, and never anonymized.
func TestAPseudonymIsNoAnonymity(t *testing.T) {
	for technique, reason := range map[string]string{"hash": "E_ANON_WEAK", "mask": "E_ANON_WEAK",
		"constant": "K_ANONYMIZED"} {
		t.Run(technique, func(t *testing.T) {
			null := "null"
			w := newWorld(t, news(func(s *policy.Silo) {
				s.Rules[0].End = policy.Anonymize
				s.Anonymize = map[string]*string{"email": &null, "name": &technique}
			}), people())
			w.UsualEvents()
			w.planned()
			require.Equal(t, map[string]int64{"people anonymize done": 2}, w.applied())
			left := siloOf(w)
			require.EqualValues(t, 3, left.Rows)
			require.Zero(t, left.NotDone)
			for range 2 {
				w.Now = w.Now.AddDate(0, 0, 1)
				r, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Apply: true})
				require.NoError(t, err)
				require.Empty(t, r.Settled)
				require.Empty(t, r.Waiting)
				said := map[string]int64{}
				for _, l := range r.Summary {
					said[l.Reason] += l.Rows
				}
				require.Equal(t, map[string]int64{"K_CONSENT": 1, reason: 2}, said)
				if reason == "E_ANON_WEAK" {
					require.Equal(t, "E_ANON_WEAK", w.facts().Exceptions[0].Code)
					require.EqualValues(t, 2, w.facts().Exceptions[0].Count)
					require.EqualValues(t, 2, siloOf(w).InDoubt)
				} else {
					require.EqualValues(t, 3, siloOf(w).WithGround)
				}
				require.Equal(t, siloOf(w).InDoubt, left.InDoubt)
			}
		})
	}
}
