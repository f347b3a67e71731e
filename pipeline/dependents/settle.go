package dependents

import (
	"slices"

	"lethe/pipeline/change"
	"lethe/pipeline/dependents/edges"
	"lethe/pipeline/judge"
	"lethe/pipeline/numbered"
	"lethe/pipeline/policy"
)

// settle finds the greatest set of rows that can go together. Where one cannot, and its rule says to
// anonymize instead, it is emptied if otherwise is set; else it stays.
func (g *Graph) settle(otherwise bool) {
	g.findCircular()
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
	queue := g.queue[:0]
	g.each(func(n int32, of *row) {
		of.live, of.via, of.owned = false, 0, false
		if of.root > 0 && of.ends != stays && !of.held {
			of.live, of.with, of.via = true, n, g.sets.With(0, g.judges[g.rootOf(n).by])
			queue = numbered.Append(g.room, queue, n)
		}
	})
	for i := 0; i < len(queue); i++ {
		p := g.at(queue[i])
		for _, r := range g.refs.To(queue[i]) {
			c, e := g.at(r.Child), g.edge(r)
			if c.governed && !c.live || c.held || r.Child == r.Parent {
				continue
			}
			via := c.via
			for _, j := range g.sets.Of(p.via) {
				if e.Do[g.Store.Judges[j]] == string(judge.Delete) {
					via = g.sets.With(via, j)
				}
			}
			if via == c.via {
				continue
			}
			if c.via = via; !c.live {
				c.live, c.with = true, p.with
			}
			queue = numbered.Append(g.room, queue, r.Child)
		}
	}
	g.queue = queue
}

// own finds the parents that go with their owners: the greatest set of them to which nothing refers that stays.
func (g *Graph) own() {
	owned := g.queue[:0]
	g.each(func(n int32, of *row) {
		if owner := g.freeing(n); owner >= 0 {
			of.owned, of.with = true, owner
			owned = numbered.Append(g.room, owned, n)
		}
	})
	names := func(r *numbered.Ref) bool { return !g.leaves(r.Child) && !g.lets(r) }
	for found := true; found; {
		found = false
		for _, n := range owned {
			if g.at(n).owned && numbered.Any(g.refs.To(n), names) {
				g.at(n).owned, found = false, true
			}
		}
	}
	g.queue = owned
}

// freeing is the first row that owns one and goes, or no longer names it; -1 if there is none, or that one
// cannot go in any case.
func (g *Graph) freeing(n int32) int32 {
	owner, of := int32(-1), g.at(n)
	if of.governed || !of.expanded || of.live || of.held || of.sealed != nowhere || g.unnamed[n] != 0 {
		return -1
	}
	for _, r := range g.refs.To(n) {
		if g.owns(r) && (owner < 0 || r.Child < owner) {
			owner = r.Child
		}
	}
	return owner
}

// owns reports whether a row owns the one that it refers to, and goes or no longer names it.
func (g *Graph) owns(r *numbered.Ref) bool {
	c := g.rootOf(r.Child)
	return c.Root != nil && g.at(r.Child).live && (g.leaves(r.Child) || g.lets(r)) && g.edge(r).Owned[c.by]
}

// leaves reports whether a row is deleted.
func (g *Graph) leaves(n int32) bool { return g.at(n).sealed == deleted || g.going(n) }

// going reports whether a row is deleted by what is being settled.
func (g *Graph) going(n int32) bool {
	of := g.at(n)
	return of.live && (of.root == 0 || of.ends == goes) || of.owned
}

// canForget reports whether the row that refers could be emptied of the reference, and of no other that stays.
func (g *Graph) canForget(r *numbered.Ref) bool {
	e := g.edge(r)
	if g.table(r.Child).barred || len(e.Nullable) != len(e.Fields) {
		return false
	}
	var stay []change.Edge
	for _, other := range e.Shares {
		goes := func(o *numbered.Ref) bool { return g.edge(o) == other && g.leaves(o.Parent) }
		if !numbered.Any(g.refs.From(r.Child), goes) {
			stay = append(stay, other.Edge)
		}
	}
	return len(change.Own(e.Edge, stay)) > 0
}

// forgets reports whether the row that refers forgets the one that goes.
func (g *Graph) forgets(r *numbered.Ref) bool {
	return g.canForget(r) && g.does(g.at(r.Parent).via, g.edge(r), judge.SetNull)
}

// lets reports whether an emptied row no longer refers to another: anonymizing sets a field of the reference NULL.
func (g *Graph) lets(r *numbered.Ref) bool {
	c := g.at(r.Child)
	return c.live && c.root > 0 && c.ends == emptied &&
		slices.ContainsFunc(g.edge(r).Fields, g.rootOf(r.Child).by.Empties)
}

// hold keeps rows that a row which stays refers to, and reports whether it found any.
func (g *Graph) hold(otherwise bool) (found bool) {
	g.each(func(n int32, p *row) {
		if !p.live {
			return
		}
		held, waits := g.heldBack(n)
		if !held {
			return
		}
		found = true
		switch {
		case p.root == 0:
			p.held, p.waits = true, p.waits || waits
		case waits: // for rows of a plan that waits itself
			p.ends, p.waits = stays, true
		default:
			g.stay(n, otherwise)
		}
	})
	return found
}

// heldBack reports whether a live row cannot go, or not be emptied, since one that refers to it stays; waits,
// whether that is because the other one stands in a plan that waits.
func (g *Graph) heldBack(n int32) (held, waits bool) {
	if of := g.at(n); of.root > 0 && of.ends == emptied {
		return g.leavesBehind(n)
	}
	held = g.unnamed[n] != 0
	for _, r := range g.refs.To(n) {
		if r.Child == n || g.leaves(r.Child) || g.lets(r) || g.forgets(r) {
			continue
		}
		held, waits = true, waits || g.at(r.Child).waits
	}
	return held, waits
}

// leavesBehind reports whether a row stays that was declared to go with one that is emptied, over others
// perhaps; waits is that of heldBack.
func (g *Graph) leavesBehind(n int32) (found, waits bool) {
	by := g.rootOf(n).by
	follows := func(e *edges.Edge) bool { return e.Do[by] == string(judge.Delete) }
	queue := append(g.queue[:0], n)
	g.seen.Set(n)
	for i := 0; i < len(queue); i++ {
		found = found || slices.ContainsFunc(g.nameless(queue[i]), follows)
		for _, r := range g.refs.To(queue[i]) {
			if g.seen.Has(r.Child) || !follows(g.edge(r)) || g.lets(r) {
				continue
			}
			if g.leaves(r.Child) {
				g.seen.Set(r.Child)
				queue = append(queue, r.Child)
				continue
			}
			found, waits = true, waits || g.at(r.Child).waits
		}
	}
	for _, n := range queue {
		g.seen.Unset(n)
	}
	g.queue = queue
	return found, waits
}

// elseEmptied reports whether the rule of a root that cannot be deleted wants it anonymized, and there is
// something to anonymize.
func (r root) elseEmptied() bool {
	return r.Open && r.by.RulingOf(r.Root).Else == policy.Anonymize && len(r.by.Targets) > 0 && !r.Anonymized
}

// knows reports whether the engine does anything about a reference when the row referred to is deleted.
func (g *Graph) knows(r *numbered.Ref) bool { return g.edge(r).OnDelete != "" && !g.Store.Defers() }

// stay keeps a row that cannot go in any order, or empties it where its rule says so and otherwise is set.
func (g *Graph) stay(n int32, otherwise bool) {
	of, r := g.at(n), g.rootOf(n)
	switch {
	case r.Root == nil:
		of.held = true
	case otherwise && of.ends == goes && r.Change() == judge.Delete && r.elseEmptied():
		of.ends = emptied
	default:
		of.ends = stays
	}
}

// minds reports whether the engine refuses to delete the row referred to before the one that refers.
func (g *Graph) minds(r *numbered.Ref) bool {
	switch g.edge(r).OnDelete {
	case "", "CASCADE", "SET NULL", "SET DEFAULT":
		return false
	}
	return !g.Store.Defers()
}

func (g *Graph) detached(r *numbered.Ref) bool {
	detach := g.detach[r.Child]
	return len(detach) > 0 &&
		slices.ContainsFunc(g.edge(r).Nullable, func(f string) bool { return slices.Contains(detach, f) })
}
