package dependents

import (
	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/numbered"
)

// Behind says that the source is a backup of that of another graph, which was followed: what is due and stays there
// stays here too, for a restored backup must hold what the store does. What the store has no more goes as it may.
func (g *Graph) Behind(live *Graph) { g.live = live }

// due is what becomes of a root, unless something holds it back: what became of the same row in the live store.
func (g *Graph) due(n int32) ending {
	r, ends := g.rootOf(n), goes
	if r.Change() == judge.Anonymize {
		ends = emptied
	}
	g.at(n).ends = ends
	at, l := g.inLive(g.table(n).name, connectors.Key(g.names.Key(n)))
	if l == nil || l.root == 0 || l.waits {
		return ends
	}
	switch live := g.live.rootOf(at); {
	case live.Held:
		return stays
	case live.Kept && ends == goes:
		if !r.elseEmptied() {
			return stays
		}
		return emptied
	}
	return ends
}

// keeps reports whether a row that only follows others, or is owned, is held in the live store.
func (g *Graph) keeps(table string, key connectors.Key) bool {
	at, l := g.inLive(table, key)
	return l != nil && l.root == 0 && !l.waits &&
		(l.held || !l.governed && !l.live && !l.owned && numbered.Any(g.live.refs.To(at), g.live.owns))
}

// inLive is the same row of the live store; nil where that is not known.
func (g *Graph) inLive(table string, key connectors.Key) (int32, *row) {
	if g.live == nil {
		return 0, nil
	}
	t, ok := g.live.byName[table]
	if !ok {
		return 0, nil
	}
	n, ok := g.live.names.Find(t, string(key))
	if !ok {
		return 0, nil
	}
	return n, g.live.at(n)
}
