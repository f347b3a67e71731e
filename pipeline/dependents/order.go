package dependents

import (
	"slices"

	"lethe/pipeline/dependents/circles"
	"lethe/pipeline/numbered"
)

// order numbers the rows that go, so that each has a greater level than those it refers to, as far as the
// engine minds. Rows that refer to each other in a circle go if a reference of the circle can be NULL, or the
// engine looks when all is done. It reports false where some cannot, and holds them.
func (g *Graph) order(otherwise bool) bool {
	ordered := true
	clear(g.detach)
	leaving := g.leaving[:0]
	g.each(func(n int32, of *row) {
		if of.level = 0; g.going(n) {
			leaving = numbered.Append(g.room, leaving, n)
		}
	})
	g.leaving = leaving
	for _, n := range leaving { // a row that refers to itself is a circle of one
		if g.circular[g.names.Table(n)] && !g.letGo(n) {
			g.stay(n, otherwise)
			ordered = false
		}
	}
	// An action of the engine counts, too: what it cascades to may be referred to by a row that is to go later.
	for _, circle := range g.circlesOf(leaving, g.knows) {
		for _, r := range g.within(circle, g.knows) {
			g.empty(r)
		}
	}
	left := func(r *numbered.Ref) bool { return g.knows(r) && !g.detached(r) }
	for _, circle := range g.circlesOf(leaving, left) {
		if len(g.within(circle, func(r *numbered.Ref) bool { return g.minds(r) && left(r) })) == 0 {
			continue // the engine cascades all around it
		}
		for _, n := range circle {
			ordered = false
			g.stay(n, otherwise)
		}
	}
	if !ordered {
		return false
	}
	// Also an engine that checks references at the end cascades at once.
	g.levels(leaving, func(r *numbered.Ref) bool { return g.knows(r) || g.edge(r).OnDelete == "CASCADE" })
	return true
}

// letGo lets a row forget itself, where the engine minds; false: it cannot.
func (g *Graph) letGo(n int32) bool {
	for _, r := range g.refs.From(n) {
		if r.Parent != n || !g.minds(r) {
			continue
		}
		if g.empty(r); len(g.edge(r).Nullable) == 0 {
			return false
		}
	}
	return true
}

// empty lets a row forget what it refers to before it goes, as far as it can.
func (g *Graph) empty(r *numbered.Ref) {
	for _, f := range g.edge(r).Nullable {
		if !slices.Contains(g.detach[r.Child], f) {
			g.detach[r.Child] = append(g.detach[r.Child], f)
		}
	}
}

// within are such references between the rows of a circle.
func (g *Graph) within(circle []int32, such func(*numbered.Ref) bool) (refs []*numbered.Ref) {
	in := make(map[int32]bool, len(circle))
	for _, n := range circle {
		in[n] = true
	}
	for _, n := range circle {
		for _, r := range g.refs.From(n) {
			if in[r.Parent] && such(r) {
				refs = append(refs, r)
			}
		}
	}
	return refs
}

// findCircular finds the tables of which rows may refer to each other in a circle, over those of others perhaps.
func (g *Graph) findCircular() {
	to := make([][]int32, len(g.tables))
	for e, used := range g.used {
		if used {
			child := g.tableOf(g.List[e].Child)
			to[child] = append(to[child], g.tableOf(g.List[e].Parent))
		}
	}
	g.circular = circles.May(to)
}

// circlesOf are the groups of rows that reach each other by references that the engine minds, each in the order in
// which they were found.
func (g *Graph) circlesOf(rows []int32, minds func(*numbered.Ref) bool) [][]int32 {
	if !slices.Contains(g.circular, true) {
		return nil
	}
	may := func(n int32) bool { return g.circular[g.names.Table(n)] }
	var some []int32
	for _, n := range rows {
		if may(n) {
			some = append(some, n)
		}
	}
	found := circles.Of(some, g.rows.Len(), func(n, after int32) (to, at int32) {
		for at = g.refs.Next(n, after); at >= 0; at = g.refs.Next(n, at) {
			if r := g.refs.At(at); may(r.Parent) && g.going(r.Parent) && minds(r) {
				return r.Parent, at
			}
		}
		return 0, -1
	})
	for _, circle := range found {
		slices.Sort(circle)
	}
	return found
}

// leveling numbers rows so that each has a greater level than those it refers to: also where the engine does not
// mind, but within a circle of references that it does not know. The rows of a circle around which it cascades have
// one level: whichever of them is deleted first takes the others along, with what must not refer to them then.
type leveling struct {
	*Graph
	knows   func(*numbered.Ref) bool
	circle  map[int32]int     // number of the circle of any references that a row is in; 0: none
	leads   map[int32]int32   // of the rows of a circle that have one level: the first of them
	members map[int32][]int32 // by the first
}

func (g *Graph) levels(rows []int32, knows func(*numbered.Ref) bool) {
	l := &leveling{g, knows, map[int32]int{}, map[int32]int32{}, map[int32][]int32{}}
	for i, c := range g.circlesOf(rows, g.between) {
		for _, n := range c {
			l.circle[n] = i + 1
		}
	}
	for _, c := range g.circlesOf(rows, func(r *numbered.Ref) bool { return g.between(r) && knows(r) }) {
		l.members[c[0]] = c
		for _, n := range c {
			l.leads[n] = c[0]
		}
	}
	l.number(rows)
}

// between reports whether a reference leads from one row to another one and is not emptied before.
func (g *Graph) between(r *numbered.Ref) bool { return r.Child != r.Parent && !g.detached(r) }

// first is the first of the rows with which one has its level.
func (l *leveling) first(n int32) int32 {
	if first, ok := l.leads[n]; ok {
		return first
	}
	return n
}

// counts reports whether a reference needs a greater level of the row that refers.
func (l *leveling) counts(r *numbered.Ref) bool {
	if !l.between(r) || !l.going(r.Child) || !l.going(r.Parent) || l.first(r.Child) == l.first(r.Parent) {
		return false
	}
	return l.circle[r.Child] == 0 || l.circle[r.Child] != l.circle[r.Parent] || l.knows(r)
}

func (l *leveling) number(rows []int32) {
	l.waits.Reset(l.rows.Len())
	for _, n := range rows {
		*l.waits.At(int(n)) = 0
	}
	for _, n := range rows {
		for _, r := range l.refs.From(n) {
			if l.counts(r) {
				*l.waits.At(int(l.first(n)))++
			}
		}
	}
	ready := l.queue[:0]
	for _, n := range rows {
		if l.first(n) == n && *l.waits.At(int(n)) == 0 {
			ready = numbered.Append(l.room, ready, n)
		}
	}
	for len(ready) > 0 {
		p := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		together, ok := l.members[p]
		if !ok {
			together = []int32{p}
		}
		for _, m := range together {
			l.at(m).level = l.at(p).level
			for _, r := range l.refs.To(m) {
				if !l.counts(r) {
					continue
				}
				c := l.first(r.Child)
				l.at(c).level = max(l.at(c).level, l.at(p).level+1)
				if waits := l.waits.At(int(c)); *waits == 1 {
					ready = numbered.Append(l.room, ready, c)
				} else {
					*waits--
				}
			}
		}
	}
	l.queue = ready
}
