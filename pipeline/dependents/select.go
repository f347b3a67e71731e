package dependents

import (
	"cmp"
	"slices"
	"strings"

	"lethe/pipeline/change"
	"lethe/pipeline/dependents/circles"
	"lethe/pipeline/judge"
)

// Selected is a change with what the report says of it.
type Selected struct {
	change.Change
	Of    *judge.Root // the first root that it goes with; of a root itself
	Judge *judge.Judge
}

// Select returns the changes of the chosen roots, with all that goes with them, in the order of a set. A root
// that cannot end without one that was not chosen is left out. What another selection holds already counts as
// gone.
func (g *Graph) Select(chosen func(*judge.Root) bool) []Selected {
	type state struct {
		ends ending
		held bool
	}
	was := make([]state, len(g.nodes))
	for i, n := range g.nodes {
		was[i] = state{n.ends, n.held}
		if n.root != nil && (n.sealed != judge.None || !chosen(n.root)) {
			n.ends = stays
		}
	}
	g.settle(false)
	rows := g.selected()
	for i, n := range g.nodes {
		n.ends, n.held = was[i].ends, was[i].held
	}
	return rows
}

// Seal notes that selected rows stand in a plan.
func (g *Graph) Seal(rows []Selected) {
	for i := range rows {
		if n := g.index[id{rows[i].Table, rows[i].Key}]; n != nil && rows[i].Op != judge.SetNull {
			n.sealed = rows[i].Op
		}
	}
}

// WaitTogether lets people be asked about each root that may go only with one they are asked about.
func (g *Graph) WaitTogether() {
	going := map[*judge.Root]bool{}
	for _, s := range g.Select(func(r *judge.Root) bool { return !r.Asks && !r.Ramped }) {
		if s.Kind == change.Root {
			going[s.Of] = true
		}
	}
	for _, n := range g.nodes {
		if n.root != nil && n.ends != stays && !n.root.Ramped && !going[n.root] {
			n.root.Asks = true
		}
	}
}

// item is a row of a selection.
type item struct {
	*node
	from  *node // the first root that it goes with
	kind  change.Kind
	op    judge.Change
	unit  int
	level int
}

// selected lists what is live, what forgets it, and what it alone owned. Who is emptied and forgets too is
// listed for both.
func (g *Graph) selected() []Selected {
	items := map[*node]*item{}
	var order []*item
	add := func(n, from *node, kind change.Kind, op judge.Change, level int) *item {
		it := &item{node: n, from: from, kind: kind, op: op, level: level, unit: len(order)}
		order = append(order, it)
		return it
	}
	for _, n := range g.nodes {
		switch {
		case n.owner != nil:
			items[n] = add(n, n.owner, change.Owned, judge.Delete, n.level)
		case !n.live || n.sealed == judge.Delete:
		case n.root == nil:
			items[n] = add(n, n.origin, change.Dependent, judge.Delete, n.level)
		case n.ends == goes:
			items[n] = add(n, n, change.Root, judge.Delete, n.level)
		default:
			items[n] = add(n, n, change.Root, judge.Anonymize, 0)
		}
	}
	for _, n := range g.nodes {
		if n.leaves() {
			continue
		}
		var forgets *item
		for _, r := range n.out {
			p := items[r.parent]
			if p == nil || !r.parent.leaves() {
				continue
			}
			if r.lets() {
				items[n].level = max(items[n].level, p.level+1)
			} else if r.forgets() {
				if forgets == nil {
					forgets = add(n, p.from, change.Dependent, judge.SetNull, 0)
				}
				forgets.level = max(forgets.level, p.level+1)
			}
		}
		if items[n] == nil && forgets != nil {
			items[n] = forgets
		}
	}
	units(items, order)
	slices.SortFunc(order, func(a, b *item) int {
		return cmp.Or(cmp.Compare(a.unit, b.unit), cmp.Compare(b.level, a.level), strings.Compare(a.table, b.table),
			strings.Compare(string(a.key), string(b.key)), strings.Compare(string(a.op), string(b.op)))
	})
	at := make(map[*node]int, len(order))
	for i, it := range order {
		if items[it.node] == it {
			at[it.node] = i
		}
	}
	rows := make([]Selected, len(order))
	for i, it := range order {
		rows[i] = g.selectedRow(it, items, at)
	}
	return rows
}

// minds reports whether it matters to what happens to one of two rows, of which the first refers to the other, what
// happens to the other: it goes, or it is emptied and the first was to go with it.
func (it *item) minds(r ref, other *item) bool {
	switch other.op {
	case judge.Delete:
		return true
	case judge.Anonymize:
		return it.op == judge.Delete && (other.root.Change == judge.Delete || it.does(r) == change.Follows)
	}
	return false
}

// units numbers the connected rows, by their first one.
func units(items map[*node]*item, order []*item) {
	var joined circles.Joined
	for _, it := range order {
		for _, r := range it.out {
			if other := items[r.parent]; other != nil && it.minds(r, other) {
				joined.Join(it.unit, other.unit)
			}
		}
	}
	for _, it := range order {
		it.unit = joined.First(it.unit)
	}
}

func (g *Graph) selectedRow(it *item, items map[*node]*item, at map[*node]int) Selected {
	s := Selected{Of: it.from.root, Judge: it.from.judge}
	s.Change = change.Change{Unit: int64(it.unit), Level: it.level, Kind: it.kind, Silo: s.Judge.Silo.Silo.Name,
		Table: it.table, Key: it.key, Op: it.op}
	if it.op == judge.Delete {
		s.Detach = it.detach
	}
	if r := it.root; it.kind == change.Root {
		s.Mapping = g.store.Mapping(s.Judge)
		s.Guard, s.Subject, s.Record = r.Guard, r.Subject, r.Record
		if it.op == judge.Anonymize && r.Change == judge.Delete {
			s.Guard = r.ElseGuard
		}
	}
	seen := map[int]bool{}
	for _, r := range it.out {
		row, ok := at[r.parent]
		if !ok || r.parent == it.node || !it.minds(r, items[r.parent]) || seen[row*len(g.edges)+r.edge.at] {
			continue
		}
		seen[row*len(g.edges)+r.edge.at] = true
		does := it.does(r)
		if it.op == judge.SetNull && it.root != nil && does != change.Forgets { // the row's own change says so
			continue
		}
		ref := change.Ref{Row: row, Edge: r.edge.at, Does: does,
			Owns:  it.root != nil && r.edge.owned[it.judge] && r.parent.owner != nil,
			Guard: change.GuardOf(s.Judge.Match, g.runID, r.edge.Edge, r.values)}
		if named, ok := r.parent.named[r.edge]; ok {
			ref.To = change.GuardOf(s.Judge.Match, g.runID, r.edge.Edge, named)
		}
		s.Refs = append(s.Refs, ref)
	}
	return s
}

// does is what follows for a row when one that it refers to goes.
func (it *item) does(r ref) change.Does {
	switch {
	case r.lets():
		return change.Loses
	case it.op == judge.Anonymize && r.parent.leaves() && r.forgets():
		return change.Forgets
	case it.kind == change.Owned:
		return change.Holds
	case it.op == judge.SetNull:
		if r.parent.leaves() && r.forgets() {
			return change.Forgets
		}
		return change.Holds
	case slices.ContainsFunc(r.parent.via, func(j *judge.Judge) bool { return r.edge.do[j] == string(judge.Delete) }):
		return change.Follows
	}
	return change.Holds
}
