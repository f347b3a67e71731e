package dependents

import (
	"slices"

	"lethe/pipeline/change"
	"lethe/pipeline/judge"
)

// Behind says that the source is a backup of that of another graph, which was followed: what is due and stays there
// stays here too, for a restored backup must hold what the store does. What the store has no more goes as it may.
func (g *Graph) Behind(live *Graph) { g.live = live }

// due is what becomes of a root, unless something holds it back: what became of the same row in the live store.
func (g *Graph) due(n *node) ending {
	if n.root.Change == judge.Anonymize {
		n.ends = emptied
	} else {
		n.ends = goes
	}
	l := g.inLive(n.id)
	switch {
	case l == nil || l.root == nil || l.waits:
	case l.root.Held:
		return stays
	case l.root.Kept && n.ends == goes:
		if !n.elseEmptied() {
			return stays
		}
		return emptied
	}
	return n.ends
}

// keeps reports whether a row that only follows others, or is owned, is held in the live store.
func (g *Graph) keeps(at id) bool {
	l := g.inLive(at)
	return l != nil && l.root == nil && !l.waits && (l.held || !l.governed && !l.live && l.owner == nil && l.owned())
}

// owned reports whether a row that goes, or no longer names it, owns the row.
func (n *node) owned() bool {
	return slices.ContainsFunc(n.in, func(r ref) bool {
		return r.child.root != nil && r.child.live && (r.child.leaves() || r.lets()) && r.edge.owned[r.child.judge]
	})
}

// inLive is the same row of the live store; nil where that is not known.
func (g *Graph) inLive(at id) *node {
	if g.live == nil {
		return nil
	}
	return g.live.index[at]
}

// Says is what records declare of those that refer by an edge to a row which goes by their word.
type Says struct{ Goes, Forgets, Owns bool }

// Says is what any of these records declares of an edge.
func (g *Graph) Says(of change.Edge, by []*judge.Judge) (says Says) {
	child, _ := g.store.Tables.Find(of.Child)
	parent, _ := g.store.Tables.Find(of.Parent)
	e := g.find(child, of.Fields, parent)
	if e == nil {
		return says
	}
	for _, j := range by {
		says.Goes = says.Goes || e.do[j] == string(judge.Delete)
		says.Forgets = says.Forgets || e.do[j] == string(judge.SetNull)
		says.Owns = says.Owns || e.owned[j]
	}
	return says
}
