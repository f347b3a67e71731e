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

// Behind are the numbers behind which the blocks of a sample begin, but for the first block, in a table whose key is one
// integer from least to most: spread (Spread), and the last of them before the newest rows. newest is the key before those.
func Behind(least, most, newest int64, blocks int, around func(int64) (below, above int64, err error)) ([]int64, error) {
	starts, err := Spread(least, most, blocks-1, around)
	if err != nil {
		return nil, err
	}
	var behind []int64
	for _, n := range starts[1:] {
		if n-1 < newest {
			behind = append(behind, n-1)
		}
	}
	return append(behind, newest), nil
}

// Ranks are the places where the blocks of a sample begin, in a table of so many rows that are counted along its key: each
// block has so many rows, the first begins at a place before all, and the last ends with the table. after returns the place
// of the row that stands so many rows behind the next after a place; false if there is none.
func Ranks[P any](first P, total, blocks, rows int, after func(at P, skip int) (place P, there bool, err error)) ([]P, error) {
	places, rank := []P{first}, 0
	for i := 1; i < blocks; i++ {
		next := (total - rows) * i / (blocks - 1)
		at, there, err := after(places[len(places)-1], next-rank-1)
		if err != nil {
			return nil, err
		}
		if !there {
			break // rows went meanwhile
		}
		places, rank = append(places, at), next
	}
	return places, nil
}
