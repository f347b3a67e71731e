package decide

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
)

// TestRowsThatDecideAlone holds a row that nobody knows to what is decided of a person of whom the registry says
// nothing, where rows decide alone; and where they do not, to neither deleting nor anonymizing it.
func TestRowsThatDecideAlone(t *testing.T) {
	ended := 0
	rapid.Check(t, func(rt *rapid.T) {
		s := silo()
		for i, n := 0, rapid.IntRange(1, 3).Draw(rt, "rules"); i < n; i++ {
			basis := rapid.SampledFrom([]policy.Basis{policy.Contract, policy.LegalObligation, policy.PublicTask,
				policy.LegitimateInterest}).Draw(rt, "basis")
			s.Rules = append(s.Rules, termRule(basis, purposes[i], func(r *policy.Rule) {
				r.Start = rapid.SampledFrom([]policy.Start{policy.Collected, policy.ActivityEnded, policy.RelationEnded,
					policy.Inactivated}).Draw(rt, "start")
				r.Period = calendar.Period{Days: 1 + rapid.IntRange(0, 40).Draw(rt, "period")}
				r.Article = "an article"
			}))
		}
		r := drawRecord(rt, s)
		asOf := drawTime(rt, "as of")
		r.Identity, r.Standing, r.Trust, r.Anonymized = policy.Unmatched, nil, policy.Sound, false

		s.NoMatch = ""
		asking, err := policy.Compile(s, time.UTC, "IT")
		require.NoError(rt, err)
		d := Decide(asking, r, asOf)
		require.NotContains(rt, []policy.Action{policy.Delete, policy.Anonymize}, d.Action)

		s.NoMatch = policy.DecideAlone
		alone, err := policy.Compile(s, time.UTC, "IT")
		require.NoError(rt, err)
		unknown := Decide(alone, r, asOf)
		r.Identity, r.Standing = policy.Matched, &policy.Standing{}
		require.Equal(rt, Decide(alone, r, asOf), unknown)
		if unknown.Action == policy.Delete {
			ended++
		}
		r.Standing.Hold = true
		require.Equal(rt, policy.Keep, Decide(alone, r, asOf).Action, "whom the registry protects stays")
	})
	require.Positive(t, ended, "some are past their term")
}
