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

// TestTheSmallestGroupIsMeasured: rows that were anonymized and can be told apart by what is left of people in them are
// said to be weak, with the figure; those that are alike are not.
func TestTheSmallestGroupIsMeasured(t *testing.T) {
	for name, c := range map[string]struct {
		technique string // of the name
		want      string
	}{"the name is gone": {"constant", "(email, name) has 2; 2 rows"}, "the name is left": {"", "(email, name) has 1; 2 rows"}} {
		t.Run(name, func(t *testing.T) {
			null := "null"
			w := newWorld(t, news(func(s *policy.Silo) {
				s.Rules[0].End = policy.Anonymize
				s.Anonymize = map[string]*string{"email": &null}
				if c.technique != "" {
					s.Anonymize["name"] = &c.technique
				}
			}), people())
			w.UsualEvents()
			w.planned()
			require.Equal(t, map[string]int64{"people anonymize done": 2}, w.applied())
			w.Now = w.Now.AddDate(0, 0, 1)
			_, err := pipeline.Run(t.Context(), w.Setup, setup.Options{Job: "nightly", Apply: true})
			require.NoError(t, err)
			found := w.found("F_ANON_WEAK")
			require.Len(t, found, 1)
			require.EqualValues(t, 2, found[0].Count)
			require.Contains(t, found[0].Words, c.want)
			e := w.facts().Exceptions
			require.Len(t, e, 1)
			require.Equal(t, "E_ANON_WEAK", e[0].Code)
			require.EqualValues(t, 2, e[0].Count)
		})
	}
}
