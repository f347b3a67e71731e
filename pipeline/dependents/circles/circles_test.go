package circles_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

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
