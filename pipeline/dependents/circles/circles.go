// Package circles finds the rows that refer to each other in a circle, and those that hang together. Its nouns are the
// circle: rows, by their numbers, of which each leads to each other one; and Joined.
package circles

import "slices"

// Of are the circles of more than one row (strongly connected components; Tarjan, SIAM J. Comput. 1(2), 1972). All rows
// have numbers below a limit. next is where a row leads to: with -1 the first such place, and with what came with that
// the next one; it answers with -1 where there is no more.
func Of(rows []int32, limit int, next func(row, after int32) (to, at int32)) (found [][]int32) {
	if len(rows) == 0 {
		return nil
	}
	t := &tarjan{next: next, index: make([]int32, limit), low: make([]int32, limit)}
	for _, n := range rows {
		if t.index[n] == 0 {
			t.visit(n)
		}
	}
	return t.found
}

type tarjan struct {
	next   func(row, after int32) (to, at int32)
	index  []int32 // when a row was met, from 1 on
	low    []int32 // 0: the row is off the stack
	met    int32
	stack  []int32
	frames []frame
	found  [][]int32
}

// frame is a row being visited, and where it has led so far.
type frame struct{ n, at int32 }

func (t *tarjan) enter(n int32) {
	t.met++
	t.index[n], t.low[n] = t.met, t.met
	t.stack, t.frames = append(t.stack, n), append(t.frames, frame{n, -1})
}

func (t *tarjan) visit(from int32) {
	for t.enter(from); len(t.frames) > 0; {
		f := &t.frames[len(t.frames)-1]
		n := f.n
		to, at := t.next(n, f.at)
		if f.at = at; at >= 0 {
			if t.index[to] == 0 {
				t.enter(to)
			} else if t.low[to] > 0 {
				t.low[n] = min(t.low[n], t.index[to])
			}
			continue
		}
		t.frames = t.frames[:len(t.frames)-1]
		if len(t.frames) > 0 {
			p := t.frames[len(t.frames)-1].n
			t.low[p] = min(t.low[p], t.low[n])
		}
		if t.low[n] == t.index[n] {
			t.close(n)
		}
	}
}

// close takes a component off the stack.
func (t *tarjan) close(n int32) {
	at := len(t.stack) - 1
	for t.stack[at] != n {
		at--
	}
	circle := slices.Clone(t.stack[at:])
	t.stack = t.stack[:at]
	for _, c := range circle {
		t.low[c] = 0
	}
	if len(circle) > 1 {
		t.found = append(t.found, circle)
	}
}
