package jobs

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGarbageIsLeftWhereLittleIsHeld and not where much is.
func TestGarbageIsLeftWhereLittleIsHeld(t *testing.T) {
	for live, percent := range map[uint64]int{0: 800, 10 << 20: 800, 20 << 20: 400, 40 << 20: 200, 60 << 20: 100,
		71 << 20: 100, 73 << 20: 50, 300 << 20: 50} {
		require.Equal(t, percent, leanAt(live), live>>20)
	}
	for live := uint64(0); live < 500<<20; live += 1 << 20 {
		percent := uint64(leanAt(live))
		require.LessOrEqual(t, live+live*percent/100, max(uint64(leanBytes), live+live/2))
	}
}
