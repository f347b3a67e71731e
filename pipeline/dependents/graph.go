package dependents

import (
	"context"
	"slices"
	"sort"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/stores"
)

// Graph is the set of rows that go when governed rows are deleted: the rows themselves (roots) and their dependents, found along the
// catalog's foreign keys and the declared ones. A row may go only if every row that refers to it goes too, or forgets it.
type Graph struct {
	store *stores.Store
	nodes []node
	index map[RowID]int
	needs []need
	Edges map[string][]edge // by the table referred to
}

type RowID struct {
	Table string
	Key   connectors.Key
}

// node is one row that is to go (or, with null set, to forget the row it refers to).
type node struct {
	RowID
	root    *judge.Root // nil: a dependent
	judge   *judge.Judge
	parents []int
	null    []string // set_null: the fields to clear instead of deleting the row
	blocked bool
	live    bool
	rank    int
	sealed  bool // stands in a plan already
}

// need says that a node may go only if another row goes as well.
type need struct {
	node int
	row  RowID
}

// edge is a foreign key, of the catalog or declared only.
type edge struct {
	Child     connectors.Table
	Fields    []string
	Parent    connectors.Table
	RefFields []string
	OnDelete  string // "" for a declared edge that the engine does not know
	do        map[*judge.Judge]string
}

// New collects the edges between the tables of a source. What a group declares holds for its own rows and for what follows from them.
func New(s *stores.Store) *Graph {
	e := &Graph{store: s, index: map[RowID]int{}, Edges: map[string][]edge{}}
	for _, child := range s.Tables {
		for _, fk := range child.ForeignKeys {
			if parent, ok := s.Tables.Find(fk.RefTable); ok {
				e.Edges[fk.RefTable] = append(e.Edges[fk.RefTable], edge{Child: child, Fields: fk.Fields, Parent: parent, RefFields: fk.RefFields, OnDelete: fk.OnDelete, do: map[*judge.Judge]string{}})
			}
		}
	}
	for _, g := range s.Judges {
		for _, d := range g.Records.Dependents {
			e.declare(g, d)
		}
	}
	return e
}

func (e *Graph) declare(g *judge.Judge, d policy.Dependent) {
	child, _ := e.store.Tables.Find(d.Table)
	for parent, edges := range e.Edges {
		for i := range edges {
			if edges[i].Child.Name == d.Table && slices.Equal(edges[i].Fields, d.FK) && (d.References == "" || d.References == parent) {
				edges[i].do[g] = d.Do
				return
			}
		}
	}
	parent := g.Table
	if d.References != "" {
		parent, _ = e.store.Tables.Find(d.References)
	}
	e.Edges[parent.Name] = append(e.Edges[parent.Name], edge{Child: child, Fields: d.FK, Parent: parent, RefFields: parent.Key, do: map[*judge.Judge]string{g: d.Do}})
}

// Follow finds everything that refers to the rows to be deleted, level by level, until nothing new turns up; then it settles which of
// them can go. Roots that cannot are marked as kept.
func (e *Graph) Follow(ctx context.Context) error {
	var level []int
	for _, g := range e.store.Judges {
		for _, r := range g.Roots {
			if r.Change == judge.Delete {
				level = append(level, e.add(node{RowID: RowID{g.Table.Name, r.Key}, root: r, judge: g}))
			}
		}
	}
	for len(level) > 0 {
		byTable := map[string][]int{}
		for _, i := range level {
			byTable[e.nodes[i].Table] = append(byTable[e.nodes[i].Table], i)
		}
		level = level[:0]
		tables := make([]string, 0, len(byTable))
		for t := range byTable {
			tables = append(tables, t)
		}
		sort.Strings(tables)
		for _, t := range tables {
			for _, ed := range e.Edges[t] {
				found, err := e.children(ctx, ed, byTable[t])
				if err != nil {
					return err
				}
				level = append(level, found...)
			}
		}
	}
	e.settle()
	return nil
}

func (e *Graph) add(n node) int {
	i := len(e.nodes)
	e.nodes = append(e.nodes, n)
	e.index[n.RowID] = i
	return i
}

// children reads the rows that refer to the given nodes along one edge, and returns those that are newly to be deleted.
func (e *Graph) children(ctx context.Context, ed edge, parents []int) ([]int, error) {
	byRef := map[connectors.Key][]int{}
	tuples, err := e.refTuples(ctx, ed, parents)
	if err != nil {
		return nil, err
	}
	keys := &connectors.Keys{Fields: ed.Fields}
	for i, p := range parents {
		if tuples[i] == "" {
			continue
		}
		if byRef[tuples[i]] == nil {
			keys.Tuples = append(keys.Tuples, tuples[i])
		}
		byRef[tuples[i]] = append(byRef[tuples[i]], p)
	}
	if len(keys.Tuples) == 0 {
		return nil, nil
	}
	fields, keyCols, fkCols := Union(ed.Child.Key, ed.Fields)
	var found []int
	for batch, err := range e.store.Conn.Scan(ctx, connectors.Query{Table: ed.Child.Name, Fields: fields, Keys: keys}) {
		if err != nil {
			return nil, err
		}
		for row := range int(batch.Rows.NumRows()) {
			ref, _ := connectors.KeyOf(batch.Rows, fkCols, row)
			parents := byRef[ref]
			if parents == nil {
				parents = e.everyone(byRef) // the source matched by a coarser comparison than bytes: all of them are referred to
			}
			key, ok := connectors.KeyOf(batch.Rows, keyCols, row)
			if !ok || len(ed.Child.Key) == 0 {
				e.block(parents)
				continue
			}
			if i, isNew := e.claim(ed, RowID{ed.Child.Name, key}, parents); isNew {
				found = append(found, i)
			}
		}
	}
	return found, nil
}

// claim records that a row refers to the given nodes; isNew if it is now to be deleted and was not before.
func (e *Graph) claim(ed edge, id RowID, parents []int) (i int, isNew bool) {
	for _, p := range parents {
		n := &e.nodes[p]
		if n.RowID == id {
			continue // a row that refers to itself
		}
		switch ed.do[n.judge] {
		case "delete":
			j, known := e.index[id]
			if !known {
				j = e.add(node{RowID: id, judge: n.judge})
				i, isNew = j, true
			}
			if e.nodes[j].null != nil { // declared to forget one parent and to follow another: it follows
				e.nodes[j].null, i, isNew = nil, j, true
			}
			e.nodes[j].parents = append(e.nodes[j].parents, p)
			e.needs = append(e.needs, need{p, id})
		case string(judge.SetNull):
			if j, known := e.index[id]; known {
				e.nodes[j].parents = append(e.nodes[j].parents, p)
				if e.nodes[j].null != nil {
					e.nodes[j].null = append(e.nodes[j].null, missing(e.nodes[j].null, ed.Fields)...)
				}
			} else {
				e.add(node{RowID: id, judge: n.judge, parents: []int{p}, null: slices.Clone(ed.Fields)})
			}
		default:
			e.needs = append(e.needs, need{p, id})
		}
	}
	return i, isNew
}

func (e *Graph) everyone(byRef map[connectors.Key][]int) []int {
	var all []int
	for _, p := range byRef {
		all = append(all, p...)
	}
	sort.Ints(all)
	return all
}

func (e *Graph) block(nodes []int) {
	for _, i := range nodes {
		e.nodes[i].blocked = true
	}
}

// refTuples returns for each node the values that an edge refers to; "" where there are none.
func (e *Graph) refTuples(ctx context.Context, ed edge, nodes []int) ([]connectors.Key, error) {
	tuples := make([]connectors.Key, len(nodes))
	if slices.Equal(ed.RefFields, ed.Parent.Key) {
		for i, n := range nodes {
			tuples[i] = e.nodes[n].Key
		}
		return tuples, nil
	}
	keys := &connectors.Keys{Fields: ed.Parent.Key}
	at := map[connectors.Key]int{}
	for i, n := range nodes {
		keys.Tuples = append(keys.Tuples, e.nodes[n].Key)
		at[e.nodes[n].Key] = i
	}
	fields, keyCols, refCols := Union(ed.Parent.Key, ed.RefFields)
	for batch, err := range e.store.Conn.Scan(ctx, connectors.Query{Table: ed.Parent.Name, Fields: fields, Keys: keys}) {
		if err != nil {
			return nil, err
		}
		for row := range int(batch.Rows.NumRows()) {
			key, _ := connectors.KeyOf(batch.Rows, keyCols, row)
			if i, ok := at[key]; ok {
				tuples[i], _ = connectors.KeyOf(batch.Rows, refCols, row)
			}
		}
	}
	return tuples, nil
}

// settle finds the greatest set of nodes in which every need is met: a node that cannot go holds the rows it refers to.
func (e *Graph) settle() {
	e.rank()
	for again := true; again; {
		again = false
		for i := range e.nodes {
			e.nodes[i].live = e.nodes[i].root != nil && !e.nodes[i].blocked
		}
		for changed := true; changed; {
			changed = false
			for i := range e.nodes {
				n := &e.nodes[i]
				if n.live || n.blocked || n.root != nil {
					continue
				}
				if slices.ContainsFunc(n.parents, func(p int) bool { return e.nodes[p].live }) {
					n.live, changed = true, true
				}
			}
		}
		for _, nd := range e.needs {
			n := &e.nodes[nd.node]
			if !n.live {
				continue
			}
			j, known := e.index[nd.row]
			if !known || !e.nodes[j].live || e.nodes[j].null != nil {
				n.blocked, again = true, true
			}
		}
	}
	for i := range e.nodes {
		if r := e.nodes[i].root; r != nil && !e.nodes[i].live {
			r.Kept = true
		}
	}
}

// WaitTogether lets people be asked about each root that may go only after one they are asked about.
func (e *Graph) WaitTogether() {
	asks := make([]bool, len(e.nodes))
	for i, n := range e.nodes {
		asks[i] = n.root != nil && n.root.Asks
	}
	for again := true; again; {
		again = false
		for _, nd := range e.needs {
			if j, known := e.index[nd.row]; known && asks[j] && !asks[nd.node] {
				asks[nd.node], again = true, true
			}
		}
	}
	for i, n := range e.nodes {
		if n.root != nil {
			n.root.Asks = asks[i]
		}
	}
}

// rank numbers the nodes so that a row comes after every row it refers to. Rows that refer to each other in a circle have no such order: they stay.
func (e *Graph) rank() {
	children := make([][]int, len(e.nodes))
	waits := make([]int, len(e.nodes))
	for i, n := range e.nodes {
		for _, p := range n.parents {
			children[p] = append(children[p], i)
			waits[i]++
		}
	}
	var ready []int
	for i := range e.nodes {
		if waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	done := 0
	for len(ready) > 0 {
		var next []int
		for _, i := range ready {
			done++
			for _, c := range children[i] {
				e.nodes[c].rank = max(e.nodes[c].rank, e.nodes[i].rank+1)
				if waits[c]--; waits[c] == 0 {
					next = append(next, c)
				}
			}
		}
		ready = next
	}
	if done < len(e.nodes) {
		for i := range e.nodes {
			if waits[i] > 0 {
				e.nodes[i].blocked = true
			}
		}
	}
}

// Owned finds the parents that only deleted rows refer to: each with the roots whose going frees it.
func (e *Graph) Owned(ctx context.Context, g *judge.Judge) (map[RowID][]*judge.Root, error) {
	owned := map[RowID][]*judge.Root{}
	for _, r := range g.Roots {
		if r.Change != judge.Delete || r.Kept {
			continue
		}
		for k, key := range r.Owns {
			if key != "" {
				id := RowID{g.Owned[k].Table, key}
				owned[id] = append(owned[id], r)
			}
		}
	}
	for _, o := range g.Owned {
		keys := &connectors.Keys{}
		for id := range owned {
			if id.Table == o.Table {
				keys.Tuples = append(keys.Tuples, id.Key)
			}
		}
		slices.Sort(keys.Tuples)
		for _, ed := range e.Edges[o.Table] {
			keys.Fields = ed.Fields
			if len(keys.Tuples) == 0 {
				break
			}
			fields, keyCols, fkCols := Union(ed.Child.Key, ed.Fields)
			for batch, err := range e.store.Conn.Scan(ctx, connectors.Query{Table: ed.Child.Name, Fields: fields, Keys: keys}) {
				if err != nil {
					return nil, err
				}
				for row := range int(batch.Rows.NumRows()) {
					ref, _ := connectors.KeyOf(batch.Rows, fkCols, row)
					key, ok := connectors.KeyOf(batch.Rows, keyCols, row)
					if i, known := e.index[RowID{ed.Child.Name, key}]; ok && len(keyCols) > 0 && known && e.nodes[i].live && e.nodes[i].null == nil {
						continue
					}
					delete(owned, RowID{o.Table, ref})
				}
			}
		}
	}
	return owned, nil
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

// Follower is a row that goes, or forgets, with a root: position is the root's in the plan.
type Follower struct {
	RowID
	Position int64
	Root     *judge.Root
	Change   judge.Change
	Null     []string
}

// Unseal takes back that dependents stand in a plan.
func (e *Graph) Unseal() {
	for i := range e.nodes {
		e.nodes[i].sealed = false
	}
}

type RankedTable struct {
	Rank  int
	Table string
}

// Followers returns the dependents that go with the chosen roots of a group, by rank and table. A row that follows several roots goes with the first.
func (e *Graph) Followers(g *judge.Judge, position map[connectors.Key]int64, planned map[connectors.Key]*judge.Root) map[RankedTable][]Follower {
	type origin struct {
		position int64
		root     *judge.Root
	}
	from := make([]*origin, len(e.nodes))
	for i := range e.nodes {
		if n := &e.nodes[i]; n.root != nil && n.judge == g && n.live {
			if r := planned[n.Key]; r != nil && r.Change == judge.Delete {
				from[i] = &origin{position[n.Key], r}
			}
		}
	}
	out := map[RankedTable][]Follower{}
	for again := true; again; {
		again = false
		for i := range e.nodes {
			n := &e.nodes[i]
			if n.root != nil || !n.live {
				continue
			}
			for _, p := range n.parents {
				if o := from[p]; o != nil && (from[i] == nil || o.position < from[i].position) {
					from[i], again = o, true
				}
			}
		}
	}
	for i := range e.nodes {
		n := &e.nodes[i]
		if n.root != nil || from[i] == nil || n.sealed {
			continue
		}
		n.sealed = true
		c := judge.Delete
		if n.null != nil {
			c = judge.SetNull
		}
		k := RankedTable{n.rank, n.Table}
		out[k] = append(out[k], Follower{n.RowID, from[i].position, from[i].root, c, n.null})
	}
	return out
}
