package circles_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/dependents/circles"
)

// of is circles.Of where rows lead to those of a list.
func of(rows []int32, to map[int32][]int32) [][]int32 {
	limit := int32(1)
	for _, n := range rows {
		limit = max(limit, n+1)
	}
	return circles.Of(rows, int(limit), func(n, after int32) (int32, int32) {
		if at := after + 1; int(at) < len(to[n]) {
			return to[n][at], at
		}
		return 0, -1
	})
}

func TestCircles(t *testing.T) {
	for name, c := range map[string]struct {
		to   map[int32][]int32
		want [][]int32
	}{
		"nothing":              {map[int32][]int32{1: nil}, nil},
		"a line":               {map[int32][]int32{1: {2}, 2: {3}, 3: nil}, nil},
		"itself":               {map[int32][]int32{1: {1}}, nil},
		"two":                  {map[int32][]int32{1: {2}, 2: {1}}, [][]int32{{1, 2}}},
		"a circle with a tail": {map[int32][]int32{1: {2}, 2: {3}, 3: {4}, 4: {2}, 5: {1}}, [][]int32{{2, 3, 4}}},
		"two that share a row": {map[int32][]int32{1: {2}, 2: {1, 3}, 3: {2}}, [][]int32{{1, 2, 3}}},
		"two apart":            {map[int32][]int32{1: {2}, 2: {1, 3}, 3: {4}, 4: {3}}, [][]int32{{3, 4}, {1, 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			var rows []int32
			for n := range int32(6) {
				if _, ok := c.to[n]; ok {
					rows = append(rows, n)
				}
			}
			found := of(rows, c.to)
			for _, circle := range found {
				slices.Sort(circle)
			}
			require.Equal(t, c.want, found)
		})
	}
}

// Two rows are in one circle where each reaches the other.
func TestCirclesAreThoseThatReachEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.Int32Range(1, 12).Draw(t, "rows")
		row := rapid.Int32Range(0, count-1)
		to := map[int32][]int32{}
		var rows []int32
		for n := range count {
			rows, to[n] = append(rows, n), rapid.SliceOfN(row, 0, 3).Draw(t, "to")
		}
		reaches := func(a, b int32) bool {
			seen := map[int32]bool{}
			for queue := slices.Clone(to[a]); len(queue) > 0; queue = queue[1:] {
				if !seen[queue[0]] {
					seen[queue[0]] = true
					queue = append(queue, to[queue[0]]...)
				}
			}
			return seen[b]
		}
		in := map[int32]int{}
		for i, circle := range of(rows, to) {
			require.Greater(t, len(circle), 1)
			for _, n := range circle {
				require.Zero(t, in[n], "a row is in one circle")
				in[n] = i + 1
			}
		}
		for _, a := range rows {
			for _, b := range rows[:a] {
				require.Equal(t, reaches(a, b) && reaches(b, a), in[a] > 0 && in[a] == in[b], "%d %d", a, b)
			}
		}
	})
}

// A number hangs together with what a walk over the pairs reaches.
func TestJoined(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.IntRange(0, 12)
		var joined circles.Joined
		beside := map[int][]int{}
		for range rapid.IntRange(0, 15).Draw(t, "pairs") {
			a, b := of.Draw(t, "a"), of.Draw(t, "b")
			joined.Join(a, b)
			beside[a], beside[b] = append(beside[a], b), append(beside[b], a)
		}
		for n := range 13 {
			first := n
			seen := map[int]bool{n: true}
			for queue := []int{n}; len(queue) > 0; queue = queue[1:] {
				first = min(first, queue[0])
				for _, next := range beside[queue[0]] {
					if !seen[next] {
						seen[next] = true
						queue = append(queue, next)
					}
				}
			}
			require.Equal(t, first, joined.First(n))
		}
	})
}
