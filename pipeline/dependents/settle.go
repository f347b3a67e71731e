package dependents

import (
	"cmp"
	"maps"
	"slices"

	"lethe/pipeline/change"
	"lethe/pipeline/dependents/circles"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
)

// settle finds the greatest set of rows that can go together. Where one cannot, and its rule says to
// anonymize instead, it is emptied if otherwise is set; else it stays.
func (g *Graph) settle(otherwise bool) {
	for {
		g.mark()
		if g.hold(otherwise) {
			continue
		}
		g.own()
		if g.order(otherwise) {
			return
		}
	}
}

// mark finds what is live: the roots that end, and what follows from them.
func (g *Graph) mark() {
	var queue []*node
	for _, n := range g.nodes {
		n.live, n.via, n.origin, n.owner = false, n.via[:0], nil, nil
		if n.root != nil && n.ends != stays && !n.held {
			n.live, n.origin, n.via = true, n, append(n.via, n.judge)
			queue = append(queue, n)
		}
	}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		for _, r := range p.in {
			c := r.child
			if c.governed && !c.live || c.held || c == p {
				continue
			}
			news := false
			for _, j := range p.via {
				if r.edge.do[j] == string(judge.Delete) && !slices.Contains(c.via, j) {
					c.via, news = append(c.via, j), true
				}
			}
			if !news {
				continue
			}
			if c.live = true; c.origin == nil {
				c.origin = p.origin
			}
			queue = append(queue, c)
		}
	}
}

// own finds the parents that go with their owners: the greatest set of them to which nothing refers that stays.
func (g *Graph) own() {
	var owned []*node
	for _, n := range g.nodes {
		if n.owner = n.freeing(); n.owner != nil {
			owned = append(owned, n)
		}
	}
	for found := true; found; {
		found = false
		for _, n := range owned {
			if n.owner != nil && slices.ContainsFunc(n.in, func(r ref) bool { return !r.child.leaves() && !r.lets() }) {
				n.owner, found = nil, true
			}
		}
	}
}

// freeing is the first row that owns n and goes, or no longer names it; nil if there is none, or n cannot go
// in any case.
func (n *node) freeing() (owner *node) {
	if n.governed || !n.expanded || n.live || n.held || n.sealed != judge.None || len(n.unnamed) > 0 {
		return nil
	}
	for _, r := range n.in {
		if c := r.child; c.root != nil && c.live && (c.leaves() || r.lets()) && r.edge.owned[c.judge] &&
			(owner == nil || c.seq < owner.seq) {
			owner = c
		}
	}
	return owner
}

// leaves reports whether a row is deleted.
func (n *node) leaves() bool { return n.going() || n.sealed == judge.Delete }

// going reports whether a row is deleted by what is being settled.
func (n *node) going() bool { return n.live && (n.root == nil || n.ends == goes) || n.owner != nil }

// canForget reports whether the row that refers could be emptied of the reference, and of no other that stays.
func (r ref) canForget() bool {
	if r.child.barred || len(r.edge.nullable) != len(r.edge.Fields) {
		return false
	}
	var stay []change.Edge
	for _, e := range r.edge.shares {
		if !slices.ContainsFunc(r.child.out, func(o ref) bool { return o.edge == e && o.parent.leaves() }) {
			stay = append(stay, e.Edge)
		}
	}
	return len(change.Own(r.edge.Edge, stay)) > 0
}

// forgets reports whether the row that refers forgets the one that goes.
func (r ref) forgets() bool {
	return r.canForget() &&
		slices.ContainsFunc(r.parent.via, func(j *judge.Judge) bool { return r.edge.do[j] == string(judge.SetNull) })
}

// lets reports whether an emptied row no longer refers to another: anonymizing sets a field of the reference NULL.
func (r ref) lets() bool {
	c := r.child
	return c.live && c.root != nil && c.ends == emptied && slices.ContainsFunc(r.edge.Fields, c.judge.Empties)
}

// hold keeps rows that a row which stays refers to, and reports whether it found any.
func (g *Graph) hold(otherwise bool) (found bool) {
	for _, p := range g.nodes {
		if !p.live {
			continue
		}
		held, waits := p.heldBack()
		if !held {
			continue
		}
		found = true
		switch {
		case p.root == nil:
			p.held, p.waits = true, p.waits || waits
		case waits: // for rows of a plan that waits itself
			p.ends, p.waits = stays, true
		default:
			p.stay(otherwise)
		}
	}
	return found
}

// heldBack reports whether a live row cannot go, or not be emptied, since one that refers to it stays; waits,
// whether that is because the other one stands in a plan that waits.
func (n *node) heldBack() (held, waits bool) {
	if n.root != nil && n.ends == emptied {
		return n.leavesBehind()
	}
	held = len(n.unnamed) > 0
	for _, r := range n.in {
		if r.child == n || r.child.leaves() || r.lets() || r.forgets() {
			continue
		}
		held, waits = true, waits || r.child.waits
	}
	return held, waits
}

// leavesBehind reports whether a row stays that was declared to go with one that is emptied, over others
// perhaps; waits is that of heldBack.
func (n *node) leavesBehind() (found, waits bool) {
	seen := map[*node]bool{n: true}
	for queue := []*node{n}; len(queue) > 0; queue = queue[1:] {
		p := queue[0]
		found = found || slices.ContainsFunc(p.unnamed,
			func(e *edge) bool { return e.do[n.judge] == string(judge.Delete) })
		for _, r := range p.in {
			if seen[r.child] || r.edge.do[n.judge] != string(judge.Delete) || r.lets() {
				continue
			}
			if seen[r.child] = true; r.child.leaves() {
				queue = append(queue, r.child)
				continue
			}
			found, waits = true, waits || r.child.waits
		}
	}
	return found, waits
}

// elseEmptied reports whether the rule of a row that cannot be deleted wants it anonymized, and there is
// something to anonymize.
func (n *node) elseEmptied() bool {
	return n.root.Ruling != nil && n.root.Ruling.Else == policy.Anonymize && len(n.judge.Targets) > 0 &&
		!n.root.Anonymized
}

// order numbers the rows that go, so that each has a greater level than those it refers to, as far as the
// engine minds. Rows that refer to each other in a circle go if a reference of the circle can be NULL, or the
// engine looks when all is done. It reports false where some cannot, and holds them.
func (g *Graph) order(otherwise bool) bool {
	ordered := true
	var leaving []*node
	for _, n := range g.nodes {
		n.detach, n.level = nil, 0
		if n.going() {
			leaving = append(leaving, n)
		}
	}
	for _, n := range leaving { // a row that refers to itself is a circle of one
		for _, r := range n.out {
			if r.parent != n || !g.minds(r) {
				continue
			}
			if n.detach = append(n.detach, missing(n.detach, r.edge.nullable)...); len(r.edge.nullable) == 0 {
				n.stay(otherwise)
				ordered = false
				break
			}
		}
	}
	// An action of the engine counts, too: what it cascades to may be referred to by a row that is to go later.
	for _, circle := range circlesOf(leaving, g.knows) {
		for _, r := range within(circle, g.knows) {
			r.child.detach = append(r.child.detach, missing(r.child.detach, r.edge.nullable)...)
		}
	}
	left := func(r ref) bool { return g.knows(r) && !detached(r) }
	for _, circle := range circlesOf(leaving, left) {
		if len(within(circle, func(r ref) bool { return g.minds(r) && left(r) })) == 0 {
			continue // the engine cascades all around it
		}
		for _, n := range circle {
			ordered = false
			n.stay(otherwise)
		}
	}
	if !ordered {
		return false
	}
	// Also an engine that checks references at the end cascades at once.
	levels(leaving, func(r ref) bool { return g.knows(r) || r.edge.OnDelete == "CASCADE" })
	return true
}

// within are such references between the rows of a circle.
func within(circle []*node, such func(ref) bool) (refs []ref) {
	in := make(map[*node]bool, len(circle))
	for _, n := range circle {
		in[n] = true
	}
	for _, n := range circle {
		for _, r := range n.out {
			if in[r.parent] && such(r) {
				refs = append(refs, r)
			}
		}
	}
	return refs
}

// knows reports whether the engine does anything about a reference when the row referred to is deleted.
func (g *Graph) knows(r ref) bool { return r.edge.OnDelete != "" && !g.store.Defers() }

// stay keeps a row that cannot go in any order, or empties it where its rule says so and otherwise is set.
func (n *node) stay(otherwise bool) {
	switch {
	case n.root == nil:
		n.held = true
	case otherwise && n.ends == goes && n.root.Change == judge.Delete && n.elseEmptied():
		n.ends = emptied
	default:
		n.ends = stays
	}
}

// minds reports whether the engine refuses to delete the row referred to before the one that refers.
func (g *Graph) minds(r ref) bool {
	switch r.edge.OnDelete {
	case "", "CASCADE", "SET NULL", "SET DEFAULT":
		return false
	}
	return !g.store.Defers()
}

func detached(r ref) bool {
	return slices.ContainsFunc(r.edge.nullable, func(f string) bool { return slices.Contains(r.child.detach, f) })
}

// leveling numbers rows so that each has a greater level than those it refers to: also where the engine does not
// mind, but within a circle of references that it does not know. The rows of a circle around which it cascades have
// one level: whichever of them is deleted first takes the others along, with what must not refer to them then.
type leveling struct {
	knows   func(ref) bool
	circle  map[*node]int     // number of the circle of any references that a row is in; 0: none
	first   map[*node]*node   // of the rows with which a row has its level
	members map[*node][]*node // by the first
}

func levels(nodes []*node, knows func(ref) bool) {
	l := &leveling{knows, map[*node]int{}, map[*node]*node{}, map[*node][]*node{}}
	for i, c := range circlesOf(nodes, between) {
		for _, n := range c {
			l.circle[n] = i + 1
		}
	}
	for _, n := range nodes {
		l.first[n] = n
	}
	for _, c := range circlesOf(nodes, func(r ref) bool { return between(r) && knows(r) }) {
		for _, n := range c {
			l.first[n] = c[0]
		}
	}
	for _, n := range nodes {
		l.members[l.first[n]] = append(l.members[l.first[n]], n)
	}
	l.number(nodes)
}

// between reports whether a reference leads from one row to another one and is not emptied before.
func between(r ref) bool { return r.child != r.parent && !detached(r) }

// counts reports whether a reference needs a greater level of the row that refers.
func (l *leveling) counts(r ref) bool {
	if !between(r) || !r.child.going() || !r.parent.going() || l.first[r.child] == l.first[r.parent] {
		return false
	}
	return l.circle[r.child] == 0 || l.circle[r.child] != l.circle[r.parent] || l.knows(r)
}

func (l *leveling) number(nodes []*node) {
	waits := map[*node]int{}
	for _, n := range nodes {
		for _, r := range n.out {
			if l.counts(r) {
				waits[l.first[n]]++
			}
		}
	}
	ready := slices.DeleteFunc(slices.Clone(nodes), func(n *node) bool { return l.first[n] != n || waits[n] > 0 })
	for len(ready) > 0 {
		p := ready[0]
		ready = ready[1:]
		for _, m := range l.members[p] {
			m.level = p.level
			for _, r := range m.in {
				if !l.counts(r) {
					continue
				}
				c := l.first[r.child]
				c.level = max(c.level, p.level+1)
				if waits[c]--; waits[c] == 0 {
					ready = append(ready, c)
				}
			}
		}
	}
}

// circlesOf are the groups of rows that reach each other by references that the engine minds, in the order in which
// they were found.
func circlesOf(nodes []*node, minds func(ref) bool) [][]*node {
	found := circles.Of(nodes, func(n *node) (to []*node) {
		for _, r := range n.out {
			if r.parent.going() && minds(r) {
				to = append(to, r.parent)
			}
		}
		return to
	})
	for _, circle := range found {
		slices.SortFunc(circle, func(a, b *node) int { return cmp.Compare(a.seq, b.seq) })
	}
	return found
}

// missing returns the fields of b that a lacks.
func missing(a, b []string) []string {
	var out []string
	for _, f := range b {
		if !slices.Contains(a, f) {
			out = append(out, f)
		}
	}
	return out
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
