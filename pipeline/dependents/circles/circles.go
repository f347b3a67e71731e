// Package circles finds the rows that refer to each other in a circle, and those that hang together. Its nouns are the
// circle: rows, whatever they are made of, of which each leads to each other one; and Joined.
package circles

import "slices"

// Of are the circles of more than one node (strongly connected components; Tarjan, SIAM J. Comput. 1(2), 1972). to are
// the nodes to which one leads, in a fixed order.
func Of[N comparable](nodes []N, to func(N) []N) (found [][]N) {
	t := &tarjan[N]{to: to, index: map[N]int{}, low: map[N]int{}, on: map[N]bool{}}
	for _, n := range nodes {
		if _, seen := t.index[n]; !seen {
			t.visit(n)
		}
	}
	return t.found
}

type tarjan[N comparable] struct {
	to    func(N) []N
	index map[N]int
	low   map[N]int
	on    map[N]bool
	stack []N
	found [][]N
}

// frame is a node being visited, and where it still leads.
type frame[N comparable] struct {
	n  N
	to []N
}

func (t *tarjan[N]) enter(n N) frame[N] {
	t.index[n] = len(t.index)
	t.low[n] = t.index[n]
	t.stack, t.on[n] = append(t.stack, n), true
	return frame[N]{n, t.to(n)}
}

func (t *tarjan[N]) visit(from N) {
	frames := []frame[N]{t.enter(from)}
	for len(frames) > 0 {
		f := &frames[len(frames)-1]
		if len(f.to) > 0 {
			next := f.to[0]
			f.to = f.to[1:]
			if _, seen := t.index[next]; !seen {
				frames = append(frames, t.enter(next))
			} else if t.on[next] {
				t.low[f.n] = min(t.low[f.n], t.index[next])
			}
			continue
		}
		n := f.n
		frames = frames[:len(frames)-1]
		if len(frames) > 0 {
			p := frames[len(frames)-1].n
			t.low[p] = min(t.low[p], t.low[n])
		}
		if t.low[n] == t.index[n] {
			t.close(n)
		}
	}
}

// close takes a component off the stack.
func (t *tarjan[N]) close(n N) {
	at := slices.Index(t.stack, n)
	circle := slices.Clone(t.stack[at:])
	t.stack = t.stack[:at]
	for _, c := range circle {
		t.on[c] = false
	}
	if len(circle) > 1 {
		t.found = append(t.found, circle)
	}
}
