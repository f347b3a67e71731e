package connectors

import (
	"fmt"
	"slices"
)

// sampleBlocks is in how many blocks of rows a sample is read.
const sampleBlocks = 50

// Blocks divides a sample of so many rows: how many blocks are read, and how many rows of each.
func Blocks(sample int) (blocks, rows int) {
	blocks = max(1, min(sampleBlocks, sample))
	return blocks, max(1, sample/blocks)
}

// Spread chooses, in a table whose key is one integer, the keys at which the blocks of a sample begin,
// ascending from least: again and again the widest stretch of keys is cut in the middle, and each half
// shrunk to the keys that there are, so that a gap in the numbers costs one cut and no block. around
// returns the greatest key at or below a value and the least above it; it costs the engine two steps down
// an index.
func Spread(least, most int64, blocks int, around func(int64) (below, above int64, err error)) ([]int64, error) {
	type stretch struct{ from, to int64 }
	width := func(s stretch) uint64 { return uint64(s.to) - uint64(s.from) }
	stretches := []stretch{{least, most}}
	for len(stretches) < blocks {
		widest := 0
		for i, s := range stretches {
			if width(s) > width(stretches[widest]) {
				widest = i
			}
		}
		s := stretches[widest]
		if width(s) < 2 {
			break
		}
		below, above, err := around(s.from + int64(width(s)/2))
		if err != nil {
			return nil, fmt.Errorf("choose a sample: %w", err)
		}
		stretches[widest].to = max(s.from, below)
		stretches = append(stretches, stretch{min(s.to, above), s.to})
	}
	starts := make([]int64, len(stretches))
	for i, s := range stretches {
		starts[i] = s.from
	}
	slices.Sort(starts)
	return slices.Compact(starts), nil
}
