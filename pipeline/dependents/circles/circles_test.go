package circles_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/dependents/circles"
)

func TestCircles(t *testing.T) {
	for name, c := range map[string]struct {
		to   map[int][]int
		want [][]int
	}{
		"nothing":              {map[int][]int{1: nil}, nil},
		"a line":               {map[int][]int{1: {2}, 2: {3}, 3: nil}, nil},
		"itself":               {map[int][]int{1: {1}}, nil},
		"two":                  {map[int][]int{1: {2}, 2: {1}}, [][]int{{1, 2}}},
		"a circle with a tail": {map[int][]int{1: {2}, 2: {3}, 3: {4}, 4: {2}, 5: {1}}, [][]int{{2, 3, 4}}},
		"two that share a row": {map[int][]int{1: {2}, 2: {1, 3}, 3: {2}}, [][]int{{1, 2, 3}}},
		"two apart":            {map[int][]int{1: {2}, 2: {1, 3}, 3: {4}, 4: {3}}, [][]int{{3, 4}, {1, 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			var nodes []int
			for n := range 6 {
				if _, ok := c.to[n]; ok {
					nodes = append(nodes, n)
				}
			}
			found := circles.Of(nodes, func(n int) []int { return c.to[n] })
			for _, circle := range found {
				slices.Sort(circle)
			}
			require.Equal(t, c.want, found)
		})
	}
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
