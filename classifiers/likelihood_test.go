package classifiers

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestLikelihoodIsFinite asks every number scheme and every built-in detector, in each way that its chance is read, for
// every count.
func TestLikelihoodIsFinite(t *testing.T) {
	index := newSchemeIndex()
	chances := []float64{0, 1}
	for i := range index.all {
		for _, digits := range []bool{false, true} {
			chances = append(chances, chance(&index.all[i], digits, false), chance(&index.all[i], digits, true))
		}
	}
	for _, b := range builtins() {
		chances = append(chances, b.detector.Chance)
	}
	rapid.Check(t, func(t *rapid.T) {
		ch := rapid.OneOf(rapid.SampledFrom(chances), rapid.Float64Range(0, 1)).Draw(t, "chance")
		floor := rapid.SampledFrom([]float64{0.2, 0.3, 0.5, 0.7, 0.75, 0.9, floorOf(ch)}).Draw(t, "floor")
		n := rapid.OneOf(rapid.IntRange(0, 600), rapid.Just(math.MaxInt)).Draw(t, "n")
		k := rapid.OneOf(rapid.Just(0), rapid.Just(min(1, n)), rapid.Just(n), rapid.IntRange(0, n)).Draw(t, "k")
		lo := likelihood(k, n, ch, floor)
		require.False(t, math.IsNaN(lo) || math.IsInf(lo, 0), "%d of %d at chance %v: %v", k, n, ch, lo)
		confidence := logistic(prior + lo)
		require.True(t, confidence >= 0 && confidence <= 1, "confidence %v", confidence)
		if float64(k) <= ch*float64(n) {
			require.LessOrEqual(t, lo, 0.0, "%d of %d pass, no more than of random values (%v)", k, n, ch)
		}
	})
}
