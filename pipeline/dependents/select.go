package dependents

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/judge"
	"lethe/pipeline/numbered"
)

// Selected is a change with what the report says of it.
type Selected struct {
	change.Change
	Of    *judge.Root // the first root that it goes with; of a root itself
	Judge *judge.Judge
}

// Selection is the changes of chosen roots, with all that goes with them. It is there while it is used.
type Selection struct{ *Graph }

// Len is how many changes it has.
func (s Selection) Len() int { return len(s.items) }

// Rows are the changes, in the order of a set.
func (s Selection) Rows() iter.Seq[Selected] {
	return func(yield func(Selected) bool) {
		for i := range s.items {
			if !yield(s.row(&s.items[i])) {
				return
			}
		}
	}
}

// Select hands over the changes of the chosen roots, with all that goes with them. A root that cannot end without one
// that was not chosen is left out. What another selection holds already counts as gone.
func (g *Graph) Select(chosen func(*judge.Root) bool, use func(Selection) error) error {
	g.each(func(n int32, of *row) {
		of.wasEnds, of.wasHeld, of.offered = of.ends, of.held, nowhere
		if r := g.rootOf(n); r.Root != nil && (of.sealed != nowhere || !chosen(r.Root)) {
			of.ends = stays
		}
	})
	g.settle(false)
	g.list()
	for _, it := range g.items {
		switch it.fate.op() {
		case judge.Delete:
			g.at(it.n).offered = deleted
		case judge.Anonymize:
			g.at(it.n).offered = changed
		}
	}
	err := use(Selection{g})
	g.each(func(_ int32, of *row) { of.ends, of.held = of.wasEnds, of.wasHeld })
	return err
}

// Seal notes that the rows that were selected last stand in a plan.
func (g *Graph) Seal() {
	g.each(func(_ int32, of *row) {
		if of.offered != nowhere {
			of.sealed = of.offered
		}
	})
}

// WaitTogether lets people be asked about each root that may go only with one they are asked about.
func (g *Graph) WaitTogether() {
	var going numbered.Marks
	chosen := func(r *judge.Root) bool { return !r.Asks && !r.Ramped }
	_ = g.Select(chosen, func(s Selection) error {
		for _, it := range s.items {
			if it.fate.kind() == change.Root {
				going.Set(it.n)
			}
		}
		return nil
	})
	g.each(func(n int32, of *row) {
		if r := g.rootOf(n); r.Root != nil && of.ends != stays && !r.Ramped && !going.Has(n) {
			r.Asks = true
		}
	})
}

// fate is why a row is in a selection, and what becomes of it.
type fate uint8

const (
	rootGoes fate = iota
	rootEmptied
	follows
	freed   // it was owned
	forgets // what goes, and stays
)

func (f fate) kind() change.Kind {
	switch f {
	case rootGoes, rootEmptied:
		return change.Root
	case freed:
		return change.Owned
	}
	return change.Dependent
}

func (f fate) op() judge.Change {
	switch f {
	case rootEmptied:
		return judge.Anonymize
	case forgets:
		return judge.SetNull
	}
	return judge.Delete
}

// item is a row of a selection.
type item struct {
	n     int32
	from  int32 // the first root that it goes with
	unit  int32 // the place of another item of its unit; of the unit's first its own
	level int32
	fate  fate
	main  bool // what refers to the row refers to this one of its items
}

// list lists what is live, what forgets it, and what it alone owned. Who is emptied and forgets too is listed for
// both.
func (g *Graph) list() {
	g.items = g.items[:0]
	g.itemOf.Reset(g.rows.Len())
	add := func(n, from int32, f fate, level int32) {
		at := len(g.items)
		g.items = numbered.Append(g.room, g.items,
			item{n: n, from: from, fate: f, level: level, unit: int32(at), main: true})
		*g.itemOf.At(int(n)) = int32(at + 1)
	}
	g.each(func(n int32, of *row) {
		*g.itemOf.At(int(n)) = 0
		switch {
		case of.owned:
			add(n, of.with, freed, of.level)
		case !of.live || of.sealed == deleted:
		case of.root == 0:
			add(n, of.with, follows, of.level)
		case of.ends == goes:
			add(n, n, rootGoes, of.level)
		default:
			add(n, n, rootEmptied, 0)
		}
	})
	for n := range int32(g.rows.Len()) {
		if !g.leaves(n) {
			g.listForgetting(n)
		}
	}
	g.units()
	slices.SortFunc(g.items, g.compare)
	for i, it := range g.items {
		if it.main {
			*g.itemOf.At(int(it.n)) = int32(i + 1)
		}
	}
}

// listForgetting lists a row that stays, where it forgets one that goes.
func (g *Graph) listForgetting(n int32) {
	own, forgetting := g.item(n), -1
	for _, r := range g.refs.From(n) {
		p := g.item(r.Parent)
		if p == nil || !g.leaves(r.Parent) {
			continue
		}
		if g.lets(r) {
			own.level = max(own.level, p.level+1)
		} else if g.forgets(r) {
			level := p.level + 1
			if forgetting < 0 {
				forgetting = len(g.items)
				forgetter := item{n: n, from: p.from, fate: forgets, unit: int32(forgetting)}
				g.items = numbered.Append(g.room, g.items, forgetter)
				own = g.item(n) // the list may have moved
			}
			it := &g.items[forgetting]
			it.level = max(it.level, level)
		}
	}
	if own == nil && forgetting >= 0 {
		g.items[forgetting].main = true
		*g.itemOf.At(int(n)) = int32(forgetting + 1)
	}
}

// item is that of a row to which others refer; nil: none.
func (g *Graph) item(n int32) *item {
	if at := *g.itemOf.At(int(n)); at > 0 {
		return &g.items[at-1]
	}
	return nil
}

// compare orders items as a set has them.
func (g *Graph) compare(a, b item) int {
	if a.unit != b.unit || a.level != b.level {
		return cmp.Or(cmp.Compare(a.unit, b.unit), cmp.Compare(b.level, a.level))
	}
	if c := strings.Compare(g.table(a.n).name, g.table(b.n).name); c != 0 {
		return c
	}
	g.keys[0], g.keys[1] = g.names.AppendKey(g.keys[0][:0], a.n), g.names.AppendKey(g.keys[1][:0], b.n)
	return cmp.Or(bytes.Compare(g.keys[0], g.keys[1]), strings.Compare(string(a.fate.op()), string(b.fate.op())))
}

// minds reports whether it matters to what happens to one of two rows, of which the first refers to the other, what
// happens to the other: it goes, or it is emptied and the first was to go with it.
func (s Selection) minds(it *item, r *numbered.Ref, other *item) bool {
	switch other.fate.op() {
	case judge.Delete:
		return true
	case judge.Anonymize:
		return it.fate.op() == judge.Delete &&
			(s.rootOf(other.n).Change() == judge.Delete || s.does(it, r) == change.Follows)
	}
	return false
}

// units gives connected rows the unit of their first one.
func (g *Graph) units() {
	first := func(i int32) int32 {
		for g.items[i].unit != i {
			next := &g.items[g.items[i].unit]
			g.items[i].unit = next.unit // the next time it is near
			i = next.unit
		}
		return i
	}
	s := Selection{g}
	for i := range g.items {
		it := &g.items[i]
		for _, r := range g.refs.From(it.n) {
			if other := g.item(r.Parent); other != nil && s.minds(it, r, other) {
				a, b := first(int32(i)), first(*g.itemOf.At(int(r.Parent))-1)
				g.items[max(a, b)].unit = min(a, b)
			}
		}
	}
	for i := range g.items {
		g.items[i].unit = first(int32(i))
	}
}

// row is the change of an item.
func (s Selection) row(it *item) Selected {
	from, table := s.rootOf(it.from), s.table(it.n).name
	c := Selected{Of: from.Root, Judge: from.by}
	c.Change = change.Change{Unit: int64(it.unit), Level: int(it.level), Kind: it.fate.kind(),
		Silo: from.by.Silo.Silo.Name, Table: table, Key: connectors.Key(s.names.Key(it.n)), Op: it.fate.op()}
	if c.Op == judge.Delete {
		c.Detach = s.detach[it.n]
	}
	if c.Kind == change.Root {
		c.Mapping = s.Store.Mapping(from.by)
		c.Guard, c.Subject, c.Record = from.Guard, from.Subject, from.by.RecordOf(from.by.KeyOf(from.Root))
		if c.Op == judge.Anonymize && from.Change() == judge.Delete {
			c.Guard = from.ElseGuard
		}
	}
	c.Refs = s.references(it, from.by)
	return c
}

// references are those of an item to others of its unit.
func (s Selection) references(it *item, by *judge.Judge) (refs []change.Ref) {
	clear(s.listed)
	for at, r := range s.refs.From(it.n) {
		other, to := s.item(r.Parent), edgeTo{r.Parent, r.By}
		if other == nil || r.Parent == it.n || !s.minds(it, r, other) || s.listed[to] {
			continue
		}
		s.listed[to] = true
		does, root := s.does(it, r), s.rootOf(it.n)
		if it.fate == forgets && root.Root != nil && does != change.Forgets { // the row's own change says so
			continue
		}
		e := s.edge(r)
		ref := change.Ref{Row: int(*s.itemOf.At(int(r.Parent)) - 1), Edge: e.At, Does: does,
			Owns:  root.Root != nil && e.Owned[root.by] && s.at(r.Parent).owned,
			Guard: change.GuardOf(by.Match, s.runID, e.Edge, s.valuesOf(at, r))}
		if named, ok := s.named[to]; ok {
			ref.To = change.GuardOf(by.Match, s.runID, e.Edge, named)
		}
		refs = append(refs, ref)
	}
	return refs
}

// does is what follows for a row when one that it refers to goes.
func (s Selection) does(it *item, r *numbered.Ref) change.Does {
	switch {
	case s.lets(r):
		return change.Loses
	case it.fate == rootEmptied && s.leaves(r.Parent) && s.forgets(r):
		return change.Forgets
	case it.fate == freed:
		return change.Holds
	case it.fate == forgets:
		if s.leaves(r.Parent) && s.forgets(r) {
			return change.Forgets
		}
		return change.Holds
	case s.Graph.does(s.at(r.Parent).via, s.edge(r), judge.Delete):
		return change.Follows
	}
	return change.Holds
}
