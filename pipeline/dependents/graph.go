// Package dependents finds which rows go with which. Its nouns: a Graph is the rows of one source that are to
// go, and all that refer to them; a row is known by its number there, and so is a reference between two of them. A row
// may go only if every row that refers to it goes too, or forgets it; what a silo governs goes by its own decision
// alone. It reads the source, and changes nothing.
package dependents

import (
	"slices"

	"lethe/connectors"
	"lethe/pipeline/dependents/edges"
	"lethe/pipeline/judge"
	"lethe/pipeline/numbered"
	"lethe/pipeline/stores"
	"lethe/pipeline/waiting"
)

// Graph is the rows of a source that are to go, with the rows that refer to them.
type Graph struct {
	*edges.Set
	room    *numbered.Room // where what there is very much of lies
	runID   string         // under which guards are made
	pending *waiting.Rows
	live    *Graph // of the source that this one is a backup of, nil where there is none

	tables []table
	byName map[string]int32
	judges map[*judge.Judge]int32 // their numbers in sets of them
	names  numbered.Names
	rows   numbered.Column[row] // in the order in which they were found
	refs   numbered.Refs
	roots  numbered.Column[place]
	sets   numbered.Sets // of judges, and of edges
	used   []bool        // by edge: there are references along it

	// Of few rows and references.
	named   map[edgeTo]connectors.Key // the values by which a row is referred to, where they are not its key
	values  map[int32]connectors.Key  // those by which a row refers, where the other is named by no such
	unnamed map[int32]uint32          // the edges by which rows without a key refer to one: they neither go nor forget
	detach  map[int32][]string        // what settle finds that a row forgets before it goes

	upTo int32 // the row from which on next looks

	work
}

// work is room that settling uses again and again.
type work struct {
	asked, seen numbered.Marks
	queue       []int32
	leaving     []int32
	waits       numbered.Column[int32] // by row
	items       []item
	keys        [2][]byte              // that are compared
	itemOf      numbered.Column[int32] // by row: the item that it is, and one; 0: none
	listed      map[edgeTo]bool        // references of the item at hand
	circular    []bool                 // by table: rows of it may refer to each other in a circle
}

// table is one of which there are rows.
type table struct {
	name   string
	barred bool // it cannot be changed
}

// edgeTo is a row, and an edge by which it is referred to.
type edgeTo struct{ row, edge int32 }

// root is a row that its own decision ends; the zero value is none.
type root struct {
	*judge.Root
	by *judge.Judge
}

// place is where a root is: among the judges, and those of its judge.
type place struct{ judge, at int32 }

// row is what is known of one: 32 bytes, for there are very many.
type row struct {
	root     int32  // among the roots, and one; 0: none
	contexts uint32 // the set of the judges from whose roots it is followed
	expanded bool   // all that refer to it is known
	governed bool   // a silo decides the row: it goes by its own decision only
	held     bool   // it cannot go, whatever else does
	waits    bool   // it stands in a plan that waits, or is held back by such a row
	ends     ending
	sealed   sealed // how it stands in a plan already
	offered  sealed // how it stands in what was selected last
	wasEnds  ending // before that was selected
	wasHeld  bool

	// What settle finds.
	live  bool   // it goes, or ends
	owned bool   // it goes with what owns it
	via   uint32 // the set of the judges from whose records it is reached by what is live
	with  int32  // the first root that it goes with, or the first of those that own it
	level int32
}

// ending is what becomes of a root.
type ending uint8

const (
	stays   ending = iota
	goes           // the row is deleted
	emptied        // the row stays, and nobody in it
)

// sealed is how a row stands in a plan.
type sealed uint8

const (
	nowhere sealed = iota
	deleted
	changed
)

// New makes the graph of a source, which knows of no row yet, and lies in a room. pending are rows of plans that wait.
func New(s *stores.Store, runID string, pending *waiting.Rows, in *numbered.Room) *Graph {
	g := &Graph{Set: edges.Of(s), room: in, runID: runID, pending: pending, byName: map[string]int32{},
		judges: map[*judge.Judge]int32{}, named: map[edgeTo]connectors.Key{}, values: map[int32]connectors.Key{},
		unnamed: map[int32]uint32{}, detach: map[int32][]string{}}
	g.used, g.listed = make([]bool, len(g.List)), map[edgeTo]bool{}
	for i, j := range s.Judges {
		g.judges[j] = int32(i)
	}
	g.rows.Room, g.roots.Room, g.waits.Room, g.itemOf.Room = in, in, in, in
	g.names.In(in)
	g.refs.In(in)
	return g
}

// at is what is known of a row.
func (g *Graph) at(n int32) *row { return g.rows.At(int(n)) }

// rootOf is what its own decision says of a row that it ends.
func (g *Graph) rootOf(n int32) root {
	r := g.at(n).root
	if r == 0 {
		return root{}
	}
	p := g.roots.At(int(r - 1))
	by := g.Store.Judges[p.judge]
	return root{by.RootAt(p.at), by}
}

// table is where a row stands.
func (g *Graph) table(n int32) *table { return &g.tables[g.names.Table(n)] }

// edge is that of a reference.
func (g *Graph) edge(r *numbered.Ref) *edges.Edge { return g.List[r.By] }

// each visits all rows.
func (g *Graph) each(visit func(n int32, r *row)) {
	for n := range int32(g.rows.Len()) {
		if visit(n, g.at(n)); n%portion == portion-1 {
			g.room.Trim()
		}
	}
}

// does reports whether a judge of a set declares of an edge that what refers does so.
func (g *Graph) does(set uint32, e *edges.Edge, what judge.Change) bool {
	return slices.ContainsFunc(g.sets.Of(set), func(j int32) bool { return e.Do[g.Store.Judges[j]] == string(what) })
}

// tableOf is the number of a table.
func (g *Graph) tableOf(name string) int32 {
	t, ok := g.byName[name]
	if !ok {
		t = int32(len(g.tables))
		_, barred := g.Store.Barred(name)
		g.tables = append(g.tables, table{name, barred})
		g.byName[name] = t
	}
	return t
}

// number is the number of a row, which is added if it is not there yet.
func (g *Graph) number(name string, key connectors.Key) int32 {
	t := g.tableOf(name)
	n, fresh := g.names.Number(t, string(key))
	if !fresh {
		return n
	}
	g.rows.Add(row{held: g.tables[t].barred || g.keeps(name, key),
		waits: g.pending.Has(waiting.Place{Source: g.Store.Name, Table: name, Key: key})})
	g.refs.Row()
	return n
}

// refer notes that a row refers to another by such values.
func (g *Graph) refer(child, parent int32, e *edges.Edge, values connectors.Key) {
	at := g.refs.Add(child, parent, int32(e.At))
	g.used[e.At] = true
	if named, ok := g.named[edgeTo{parent, int32(e.At)}]; ok && named != values ||
		!ok && !g.names.Is(parent, string(values)) {
		g.values[at] = values
	}
	for _, j := range g.sets.Of(g.at(parent).contexts) {
		g.follow(g.refs.At(at), j)
	}
}

// valuesOf are those by which a row refers to another.
func (g *Graph) valuesOf(at int32, r *numbered.Ref) connectors.Key {
	if values, ok := g.values[at]; ok {
		return values
	}
	if named, ok := g.named[edgeTo{r.Parent, r.By}]; ok {
		return named
	}
	return connectors.Key(g.names.Key(r.Parent))
}

// reach lets a row be followed by what the records of a silo declare, and with it what it is known to be
// referred to by.
func (g *Graph) reach(n, from int32) {
	of := g.at(n)
	if g.sets.Has(of.contexts, from) {
		return
	}
	of.contexts = g.sets.With(of.contexts, from)
	for _, r := range g.refs.To(n) {
		g.follow(r, from)
	}
}

// follow lets the row that refers be reached, where it goes with the one that it refers to. What a silo
// decides goes by itself, and is reached only if it does.
func (g *Graph) follow(r *numbered.Ref, from int32) {
	child := g.at(r.Child)
	if g.edge(r).Do[g.Store.Judges[from]] == string(judge.Delete) && (!child.governed || child.root > 0) {
		g.reach(r.Child, from)
	}
}

// cannotName notes that a row is referred to by one that has no key.
func (g *Graph) cannotName(n int32, e *edges.Edge) {
	g.unnamed[n] = g.sets.With(g.unnamed[n], int32(e.At))
}

// nameless are the edges by which rows refer to one that have no key.
func (g *Graph) nameless(n int32) (list []*edges.Edge) {
	for _, e := range g.sets.Of(g.unnamed[n]) {
		list = append(list, g.List[e])
	}
	return list
}
