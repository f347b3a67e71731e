// Package dependents finds which rows go with which. Its nouns: a Graph is the rows of one source that are to
// go, and all that refer to them; a node is one row, a ref one reference between two nodes, an edge the way
// in which they refer. A row may go only if every row that refers to it goes too, or forgets it; what a silo
// governs goes by its own decision alone. It reads the source, and changes nothing.
package dependents

import (
	"context"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/stores"
)

// Graph is the rows of a source that are to go, with the rows that refer to them.
type Graph struct {
	store   *stores.Store
	runID   string // under which guards are made
	pending map[judge.Place]bool
	edges   []*edge
	to      map[string][]*edge // by the table referred to
	nodes   []*node
	index   map[id]*node
}

// id names a row.
type id struct {
	table string
	key   connectors.Key
}

// edge is a foreign key of the catalog, or one that a policy declares.
type edge struct {
	change.Edge
	at       int // among the graph's edges
	child    connectors.Table
	parent   connectors.Table
	outside  connectors.Outside      // of an edge from a table that is not in the catalog
	nullable []string                // of its fields those that can be NULL
	do       map[*judge.Judge]string // what the records of a silo declare of it
	owned    map[*judge.Judge]bool   // the silos whose records own the parent by it
}

// node is a row.
type node struct {
	id
	seq      int          // in the order in which it was found
	judge    *judge.Judge // of a row that its own decision ends
	root     *judge.Root
	governed bool  // a silo decides the row: it goes by its own decision only
	in       []ref // rows that refer to it
	out      []ref // rows that it refers to
	contexts []*judge.Judge
	expanded bool                     // all that refer to it is known
	barred   bool                     // its table cannot be changed
	held     bool                     // it cannot go, whatever else does
	named    map[*edge]connectors.Key // the values by which it is referred to, where they are not its key
	unnamed  []*edge                  // by which rows refer to it that have no key: they can neither go nor forget
	waits    bool                     // it stands in a plan that waits, or is held back by such a row
	ends     ending
	sealed   judge.Change // how it stands in a plan already

	// What settle finds.
	live   bool           // it goes, or ends
	via    []*judge.Judge // the silos' records from which it is reached by what is live
	origin *node          // the first root that it goes with
	owner  *node          // the first row that owns it, of those with which it goes
	detach []string
	level  int
}

// ending is what becomes of a root.
type ending uint8

const (
	stays   ending = iota
	goes           // the row is deleted
	emptied        // the row stays, and nobody in it
)

// ref is a reference from one row to another.
type ref struct {
	child, parent *node
	edge          *edge
	values        connectors.Key // of the child's fields
}

// New collects the edges between the tables of a source. What the records of a silo declare holds for their
// own rows and for what follows from them. pending are rows of plans that wait.
func New(s *stores.Store, runID string, pending map[judge.Place]bool) *Graph {
	g := &Graph{store: s, runID: runID, pending: pending, to: map[string][]*edge{}, index: map[id]*node{}}
	for _, child := range s.Tables {
		for _, fk := range child.ForeignKeys {
			if parent, ok := s.Tables.Find(fk.RefTable); ok {
				g.add(change.Edge{Child: child.Name, Fields: fk.Fields, Parent: fk.RefTable, RefFields: fk.RefFields,
					OnDelete: fk.OnDelete}, child, parent)
			}
		}
	}
	for _, parent := range s.Tables {
		for _, o := range parent.Outside {
			g.add(change.Edge{Child: o.Table, Fields: o.Fields, Parent: parent.Name, RefFields: o.RefFields,
				OnDelete: o.OnDelete}, connectors.Table{Name: o.Table}, parent).outside = o
		}
	}
	for _, j := range s.Judges {
		for _, d := range j.Records.Dependents {
			g.declare(j, d)
		}
		for _, o := range j.Records.Owns {
			parent, _ := s.Tables.Find(o.Table)
			g.named(j.Table, o.FK, parent).owned[j] = true
		}
		g.identified(j)
	}
	return g
}

// identified adds the references that lead from rows to what says whose they are: while such a row stays, so does
// what it refers to.
func (g *Graph) identified(j *judge.Judge) {
	for p := range j.Via.Len() {
		for _, h := range j.Via.Hops(p) {
			parent, _ := g.store.Tables.Find(h.Table)
			if child, ok := g.store.Tables.Find(h.Refers.Table); ok && slices.Equal(parent.Key, []string{h.Field}) {
				g.named(child, h.Refers.Fields, parent)
			}
		}
	}
}

func (g *Graph) add(of change.Edge, child, parent connectors.Table) *edge {
	e := &edge{Edge: of, at: len(g.edges), child: child, parent: parent, do: map[*judge.Judge]string{},
		owned: map[*judge.Judge]bool{}}
	for _, name := range of.Fields {
		if f, ok := child.Field(name); ok && f.Nullable && !slices.Contains(child.Key, name) {
			e.nullable = append(e.nullable, name)
		}
	}
	g.edges = append(g.edges, e)
	g.to[of.Parent] = append(g.to[of.Parent], e)
	return e
}

// named is the edge from these fields to a table; one that the catalog does not know refers to the table's key.
func (g *Graph) named(child connectors.Table, fields []string, parent connectors.Table) *edge {
	if e := g.find(child, fields, parent); e != nil {
		return e
	}
	return g.add(change.Edge{Child: child.Name, Fields: fields, Parent: parent.Name, RefFields: parent.Key},
		child, parent)
}

// find is the edge from these fields to a table, nil where there is none yet.
func (g *Graph) find(child connectors.Table, fields []string, parent connectors.Table) *edge {
	for _, e := range g.to[parent.Name] {
		if e.Child == child.Name && slices.Equal(e.Fields, fields) {
			return e
		}
	}
	return nil
}

// declare notes what becomes of a dependent: by the reference to the table of the records, or by one to another table
// that the catalog has. What other records declare by the same fields is no reference of these.
func (g *Graph) declare(j *judge.Judge, d policy.Dependent) {
	child, _ := g.store.Tables.Find(d.Table)
	parent := j.Table
	if d.References != "" {
		parent, _ = g.store.Tables.Find(d.References)
	}
	e := g.find(child, d.FK, parent)
	if e == nil && d.References == "" {
		i := slices.IndexFunc(g.edges, func(e *edge) bool {
			return e.Child == d.Table && slices.Equal(e.Fields, d.FK) && e.OnDelete != ""
		})
		if i >= 0 {
			e = g.edges[i]
		}
	}
	if e == nil {
		e = g.named(child, d.FK, parent)
	}
	e.do[j] = d.Do
}

// Edges are the ways in which rows of the source refer to each other, as a set of changes names them.
func (g *Graph) Edges() []change.Edge {
	edges := make([]change.Edge, len(g.edges))
	for i, e := range g.edges {
		edges[i] = e.Edge
	}
	return edges
}

// Follow finds everything that refers to the rows that are to end, level by level, and settles which of them
// can. Roots that cannot be deleted are marked as kept, those that cannot be ended at all as held.
func (g *Graph) Follow(ctx context.Context) error {
	for _, j := range g.store.Judges {
		if j.Stopped {
			continue
		}
		for _, r := range j.Roots {
			if r.Change != judge.Delete && r.Change != judge.Anonymize {
				continue
			}
			n := g.node(id{j.Table.Name, r.Key})
			n.judge, n.root, n.governed, n.ends = j, r, true, goes
			if r.Change == judge.Anonymize {
				n.ends = emptied
			}
			g.reach(n, j)
		}
	}
	for byTable := g.next(); len(byTable) > 0; byTable = g.next() {
		for _, t := range sortedKeys(byTable) {
			for _, e := range g.to[t] {
				if err := g.referring(ctx, e, g.wanted(e, byTable[t])); err != nil {
					return err
				}
			}
		}
	}
	if err := g.ownedParents(ctx); err != nil {
		return err
	}
	g.settle(true)
	for _, n := range g.nodes {
		if n.root != nil {
			n.root.Waits = n.ends == stays && n.waits
			n.root.Held = n.ends == stays && !n.waits
			n.root.Kept = n.root.Held || n.ends == emptied && n.root.Change == judge.Delete
		}
	}
	return nil
}

// next are the rows, by table, of which it is not known yet what refers to them.
func (g *Graph) next() map[string][]*node {
	byTable := map[string][]*node{}
	for _, n := range g.nodes {
		if !n.expanded && len(n.contexts) > 0 {
			n.expanded = true
			byTable[n.table] = append(byTable[n.table], n)
		}
	}
	return byTable
}

// wanted leaves out rows that stay and of which nothing is declared to go by the edge.
func (g *Graph) wanted(e *edge, nodes []*node) []*node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n *node) bool {
		return n.root != nil && n.ends == emptied && e.do[n.judge] != string(judge.Delete)
	})
}

func (g *Graph) node(at id) *node {
	n := g.index[at]
	if n == nil {
		n = &node{id: at, seq: len(g.nodes)}
		_, n.barred = g.store.Barred(at.table)
		n.held = n.barred
		_, n.waits = g.pending[judge.Place{Source: g.store.Name, Table: at.table, Key: at.key}]
		g.nodes = append(g.nodes, n)
		g.index[at] = n
	}
	return n
}

// reach lets a row be followed by what the records of a silo declare, and with it what it is known to be
// referred to by.
func (g *Graph) reach(n *node, from *judge.Judge) {
	if slices.Contains(n.contexts, from) {
		return
	}
	n.contexts = append(n.contexts, from)
	for _, r := range n.in {
		g.follow(r, from)
	}
}

// follow lets the row that refers be reached, where it goes with the one that it refers to. What a silo
// decides goes by itself, and is reached only if it does.
func (g *Graph) follow(r ref, from *judge.Judge) {
	if r.edge.do[from] == string(judge.Delete) && (!r.child.governed || r.child.root != nil) {
		g.reach(r.child, from)
	}
}

// referring reads the rows that refer to nodes along one edge.
func (g *Graph) referring(ctx context.Context, e *edge, parents []*node) error {
	if e.outside.Hidden { // rows that the engine would change along may be there
		for _, p := range parents {
			if e.outside.Acts() {
				p.unnamed = append(p.unnamed, e)
			}
		}
		return nil
	}
	keys, of, err := g.tuples(ctx, e, parents)
	if err != nil || len(keys.Tuples) == 0 {
		return err
	}
	fields, keyCols, refCols := Union(e.child.Key, e.Fields)
	judges := g.store.Governed[e.Child]
	if slices.ContainsFunc(judges, func(j *judge.Judge) bool { return len(j.Records.Where) > 0 }) {
		fields, keyCols, refCols = columns(e.child, e.Fields)
	}
	for batch, err := range g.store.Conn.Scan(ctx, connectors.Query{Table: e.Child, Fields: fields, Keys: keys}) {
		if err != nil {
			return err
		}
		for row := range int(batch.Rows.NumRows()) {
			values, _ := connectors.KeyOf(batch.Rows, refCols, row)
			referred := of[values]
			switch {
			case batch.Tuples != nil:
				referred = of[keys.Tuples[batch.Tuples[row]]]
			// the source matched by a coarser comparison than bytes, and does not say by which tuple
			case referred == nil:
				referred = parents
			}
			key, ok := connectors.KeyOf(batch.Rows, keyCols, row)
			if !ok || len(e.child.Key) == 0 {
				for _, p := range referred {
					p.unnamed = append(p.unnamed, e)
				}
				continue
			}
			child := g.node(id{e.Child, key})
			child.governed = child.governed ||
				slices.ContainsFunc(judges, func(j *judge.Judge) bool {
					return len(j.Records.Where) == 0 ||
						j.Mine(batch.Rows, row)
				})
			for _, p := range referred {
				g.refer(ref{child: child, parent: p, edge: e, values: values})
			}
		}
	}
	return nil
}

func (g *Graph) refer(r ref) {
	r.parent.in = append(r.parent.in, r)
	r.child.out = append(r.child.out, r)
	for _, j := range r.parent.contexts {
		g.follow(r, j)
	}
}

// tuples are the values that an edge refers to in the given rows, and which rows have them.
func (g *Graph) tuples(ctx context.Context, e *edge, nodes []*node) (*connectors.Keys, map[connectors.Key][]*node,
	error) {
	keys := &connectors.Keys{Fields: e.Fields, Of: &connectors.Referred{Table: e.Parent, Fields: e.RefFields}}
	of := map[connectors.Key][]*node{}
	add := func(values connectors.Key, n *node) {
		if of[values] == nil {
			keys.Tuples = append(keys.Tuples, values)
		}
		of[values] = append(of[values], n)
	}
	if slices.Equal(e.RefFields, e.parent.Key) {
		for _, n := range nodes {
			add(n.key, n)
		}
		return keys, of, nil
	}
	if len(nodes) == 0 {
		return keys, of, nil
	}
	byKey := map[connectors.Key]*node{}
	named := &connectors.Keys{Fields: e.parent.Key}
	for _, n := range nodes {
		named.Tuples = append(named.Tuples, n.key)
		byKey[n.key] = n
	}
	fields, keyCols, refCols := Union(e.parent.Key, e.RefFields)
	for batch, err := range g.store.Conn.Scan(ctx, connectors.Query{Table: e.Parent, Fields: fields, Keys: named}) {
		if err != nil {
			return nil, nil, err
		}
		for row := range int(batch.Rows.NumRows()) {
			key, _ := connectors.KeyOf(batch.Rows, keyCols, row)
			values, ok := connectors.KeyOf(batch.Rows, refCols, row)
			if n := byKey[key]; ok && n != nil {
				add(values, n)
				if n.named == nil {
					n.named = map[*edge]connectors.Key{}
				}
				n.named[e] = values
			}
		}
	}
	return keys, of, nil
}

// ownedParents finds the parents that deleted rows own, and all that refers to these.
func (g *Graph) ownedParents(ctx context.Context) error {
	named := map[string]map[connectors.Key]bool{}
	for _, n := range g.nodes {
		if n.root == nil {
			continue
		}
		for k, key := range n.root.Owns {
			table := n.judge.Owned[k].Table
			if named[table] == nil {
				named[table] = map[connectors.Key]bool{}
			}
			if key != "" {
				named[table][key] = true
			}
		}
	}
	for _, table := range sortedKeys(named) {
		owned, err := g.ownedRows(ctx, table, sortedKeys(named[table]))
		if err != nil {
			return err
		}
		if len(g.store.Governed[table]) > 0 {
			owned = slices.DeleteFunc(owned, func(o *node) bool { return g.governs(ctx, o) })
		}
		for _, e := range g.to[table] {
			if err := g.referring(ctx, e, owned); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownedRows are the rows of a table that have these keys, as the engine compares them.
func (g *Graph) ownedRows(ctx context.Context, table string, keys []connectors.Key) (owned []*node, err error) {
	t, _ := g.store.Tables.Find(table)
	if len(keys) == 0 || len(t.Key) == 0 {
		return nil, nil
	}
	cols := make([]int, len(t.Key))
	for i := range cols {
		cols[i] = i
	}
	q := connectors.Query{Table: table, Fields: t.Key, Keys: &connectors.Keys{Fields: t.Key, Tuples: keys}}
	for batch, err := range g.store.Conn.Scan(ctx, q) {
		if err != nil {
			return nil, err
		}
		for row := range int(batch.Rows.NumRows()) {
			key, _ := connectors.KeyOf(batch.Rows, cols, row)
			if o := g.node(id{table, key}); !o.expanded && !o.governed {
				o.expanded = true
				owned = append(owned, o)
			}
		}
	}
	return owned, nil
}

// governs reports whether a silo decides an owned row by itself; where that cannot be read, it does.
func (g *Graph) governs(ctx context.Context, o *node) bool {
	o.governed = true
	for _, j := range g.store.Governed[o.table] {
		if len(j.Records.Where) == 0 {
			return true
		}
	}
	t, _ := g.store.Tables.Find(o.table)
	keys := &connectors.Keys{Fields: t.Key, Tuples: []connectors.Key{o.key}}
	for batch, err := range g.store.Conn.Scan(ctx, connectors.Query{Table: o.table, Keys: keys}) {
		if err != nil {
			return true
		}
		for row := range int(batch.Rows.NumRows()) {
			o.governed = slices.ContainsFunc(g.store.Governed[o.table],
				func(j *judge.Judge) bool { return j.Mine(batch.Rows, row) })
		}
	}
	return o.governed
}

// Union returns the fields of both lists without repetition, and where each list's fields stand in it.
func Union(a, b []string) (fields []string, aCols, bCols []int) {
	fields = slices.Clone(a)
	for i := range a {
		aCols = append(aCols, i)
	}
	for _, f := range b {
		i := slices.Index(fields, f)
		if i < 0 {
			i = len(fields)
			fields = append(fields, f)
		}
		bCols = append(bCols, i)
	}
	return fields, aCols, bCols
}

// columns is Union for a whole row: nil is all fields, and where the key and some fields stand.
func columns(t connectors.Table, fields []string) (all []string, keyCols, cols []int) {
	at := func(name string) int {
		return slices.IndexFunc(t.Fields, func(f connectors.Field) bool { return f.Name == name })
	}
	for _, f := range t.Key {
		keyCols = append(keyCols, at(f))
	}
	for _, f := range fields {
		cols = append(cols, at(f))
	}
	return nil, keyCols, cols
}
