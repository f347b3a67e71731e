// Package dependents finds which rows go with which: a graph whose only I/O is reading the rows that
// refer to others.
//
// A Graph holds the rows that go when governed rows are deleted, found along its Edges; a RowID names
// one of them. A Follower is a row that goes, or forgets, with a root, and a RankedTable the place of
// its kind in the order of deleting.
package dependents

import (
	"context"
	"maps"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/stores"
)

// Graph is the set of rows that go when governed rows are deleted: the rows themselves (roots) and their
// dependents, found along the catalog's foreign keys and the declared ones. A row may go only if every
// row that refers to it goes too, or forgets it.
type Graph struct {
	store *stores.Store
	nodes []node
	index map[RowID]int
	needs []need
	Edges map[string][]Edge // by the table referred to
}

// RowID is a row of the graph's source.
type RowID struct {
	Table string
	Key   connectors.Key
}

// node is a row that is to go, or to forget a row that goes.
type node struct {
	RowID
	root    *judge.Root // nil: a dependent
	judge   *judge.Judge
	parents []int            // the nodes it refers to
	follows []int            // those of them that it goes with
	forgets map[int][]string // set_null: the fields by which it refers to the others
	blocked bool             // it cannot go
	live    bool             // it goes
	rank    int              // above those of its parents: it goes, or forgets, before they go
	sealed  []string         // the fields that it forgets in a plan already
	gone    bool             // it goes in a plan already
}

// need says that a node may go only if another row goes as well.
type need struct {
	node int
	row  RowID
}

// New collects the edges between the tables of a source. What the records of a judge declare holds for
// its own rows and for what follows from them.
func New(s *stores.Store) *Graph {
	gr := &Graph{store: s, index: map[RowID]int{}, Edges: map[string][]Edge{}}
	for _, child := range s.Tables {
		for _, fk := range child.ForeignKeys {
			if parent, ok := s.Tables.Find(fk.RefTable); ok {
				gr.Edges[fk.RefTable] = append(gr.Edges[fk.RefTable], Edge{
					Child: child, Fields: fk.Fields, Parent: parent, RefFields: fk.RefFields, OnDelete: fk.OnDelete,
					do: map[*judge.Judge]string{},
				})
			}
		}
	}
	for _, g := range s.Judges {
		for _, d := range g.Records.Dependents {
			gr.declare(g, d)
		}
	}
	return gr
}

// Follow finds everything that refers to the rows to be deleted, level by level, until nothing new turns
// up; then it settles which of them can go. Roots that cannot are marked as kept. Its errors are those
// of reading the source.
func (gr *Graph) Follow(ctx context.Context) error {
	var level []int
	for _, g := range gr.store.Judges {
		for _, r := range g.Roots {
			if r.Change == judge.Delete {
				level = append(level, gr.add(node{RowID: RowID{g.Table.Name, r.Key}, root: r, judge: g}))
			}
		}
	}
	for len(level) > 0 {
		byTable := map[string][]int{}
		for _, i := range level {
			byTable[gr.nodes[i].Table] = append(byTable[gr.nodes[i].Table], i)
		}
		level = level[:0]
		for _, t := range slices.Sorted(maps.Keys(byTable)) {
			for _, ed := range gr.Edges[t] {
				found, err := gr.children(ctx, ed, byTable[t])
				if err != nil {
					return err
				}
				level = append(level, found...)
			}
		}
	}
	gr.settle()
	return nil
}

func (gr *Graph) add(n node) int {
	i := len(gr.nodes)
	gr.nodes = append(gr.nodes, n)
	gr.index[n.RowID] = i
	return i
}

// claim records that a row refers to the given nodes; isNew if it is now to be deleted and was not before.
func (gr *Graph) claim(ed Edge, id RowID, parents []int) (i int, isNew bool) {
	for _, p := range parents {
		n := &gr.nodes[p]
		if n.RowID == id {
			continue // a row that refers to itself
		}
		switch ed.do[n.judge] {
		case string(judge.Delete):
			if at, found := gr.follow(id, p); found {
				i, isNew = at, true
			}
			gr.needs = append(gr.needs, need{p, id})
		case string(judge.SetNull):
			gr.forget(id, p, ed.Fields)
		default:
			gr.needs = append(gr.needs, need{p, id})
		}
	}
	return i, isNew
}

// follow lets a row go with a node it refers to; isNew if it was not to be deleted before.
func (gr *Graph) follow(id RowID, parent int) (i int, isNew bool) {
	i = gr.refer(id, parent)
	n := &gr.nodes[i]
	isNew = n.root == nil && len(n.follows) == 0
	n.follows = append(n.follows, parent)
	return i, isNew
}

// forget lets a row forget a node it refers to, unless it goes itself.
func (gr *Graph) forget(id RowID, parent int, fields []string) {
	n := &gr.nodes[gr.refer(id, parent)]
	if n.forgets == nil {
		n.forgets = map[int][]string{}
	}
	n.forgets[parent] = append(n.forgets[parent], missing(n.forgets[parent], fields)...)
}

// refer finds or adds the node of a row that refers to another one.
func (gr *Graph) refer(id RowID, parent int) int {
	i, known := gr.index[id]
	if !known {
		i = gr.add(node{RowID: id, judge: gr.nodes[parent].judge})
	}
	gr.nodes[i].parents = append(gr.nodes[i].parents, parent)
	return i
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
