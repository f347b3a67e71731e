package dependents

import (
	"context"
	"maps"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
)

// Edge is a foreign key, of the catalog or declared only.
type Edge struct {
	Child     connectors.Table
	Fields    []string
	Parent    connectors.Table
	RefFields []string
	OnDelete  string                  // "" for a declared edge that the engine does not know
	do        map[*judge.Judge]string // what the records of a judge declare: delete or set_null
}

// declare notes what the records of a judge say of an edge, and adds one that the catalog does not have.
// Where it does not say what the fields refer to, and the catalog knows several tables, it is the
// records' own or the first by name.
func (gr *Graph) declare(g *judge.Judge, d policy.Dependent) {
	child, _ := gr.store.Tables.Find(d.Table)
	parents := append([]string{g.Table.Name}, slices.Sorted(maps.Keys(gr.Edges))...)
	if d.References != "" {
		parents = []string{d.References}
	}
	for _, parent := range parents {
		for _, ed := range gr.Edges[parent] {
			if ed.Child.Name == d.Table && slices.Equal(ed.Fields, d.FK) {
				ed.do[g] = d.Do
				return
			}
		}
	}
	parent := g.Table
	if d.References != "" {
		parent, _ = gr.store.Tables.Find(d.References)
	}
	gr.Edges[parent.Name] = append(gr.Edges[parent.Name], Edge{
		Child: child, Fields: d.FK, Parent: parent, RefFields: parent.Key, do: map[*judge.Judge]string{g: d.Do},
	})
}

// children reads the rows that refer to the given nodes along one edge, and returns those that are newly
// to be deleted.
func (gr *Graph) children(ctx context.Context, ed Edge, parents []int) ([]int, error) {
	tuples, err := gr.refTuples(ctx, ed, parents)
	if err != nil {
		return nil, err
	}
	byRef := map[connectors.Key][]int{}
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

	var found []int
	err = gr.referring(ctx, ed, keys, func(ref, key connectors.Key, addressable bool) {
		parents := byRef[ref]
		if parents == nil { // the source matched by a coarser comparison than bytes: all of them are referred to
			parents = slices.Sorted(slices.Values(slices.Concat(slices.Collect(maps.Values(byRef))...)))
		}
		if !addressable {
			gr.block(parents)
			return
		}
		if i, isNew := gr.claim(ed, RowID{ed.Child.Name, key}, parents); isNew {
			found = append(found, i)
		}
	})
	return found, err
}

// referring reads the rows that refer along an edge to one of the keys: what each refers to, and its own
// key, where it is addressable by one.
func (gr *Graph) referring(
	ctx context.Context, ed Edge, keys *connectors.Keys, visit func(ref, key connectors.Key, addressable bool),
) error {
	if len(keys.Tuples) == 0 {
		return nil
	}
	fields, keyCols, fkCols := Union(ed.Child.Key, ed.Fields)
	query := connectors.Query{Table: ed.Child.Name, Fields: fields, Keys: keys}
	for batch, err := range gr.store.Conn.Scan(ctx, query) {
		if err != nil {
			return err
		}
		for row := range int(batch.Rows.NumRows()) {
			ref, _ := connectors.KeyOf(batch.Rows, fkCols, row)
			key, ok := connectors.KeyOf(batch.Rows, keyCols, row)
			visit(ref, key, ok && len(keyCols) > 0)
		}
	}
	return nil
}

// block says of nodes that they cannot go.
func (gr *Graph) block(nodes []int) {
	for _, i := range nodes {
		gr.nodes[i].blocked = true
	}
}

// refTuples returns for each node the values that an edge refers to; "" where there are none.
func (gr *Graph) refTuples(ctx context.Context, ed Edge, nodes []int) ([]connectors.Key, error) {
	tuples := make([]connectors.Key, len(nodes))
	if slices.Equal(ed.RefFields, ed.Parent.Key) {
		for i, n := range nodes {
			tuples[i] = gr.nodes[n].Key
		}
		return tuples, nil
	}
	keys := &connectors.Keys{Fields: ed.Parent.Key}
	at := map[connectors.Key]int{}
	for i, n := range nodes {
		keys.Tuples = append(keys.Tuples, gr.nodes[n].Key)
		at[gr.nodes[n].Key] = i
	}
	fields, keyCols, refCols := Union(ed.Parent.Key, ed.RefFields)
	query := connectors.Query{Table: ed.Parent.Name, Fields: fields, Keys: keys}
	for batch, err := range gr.store.Conn.Scan(ctx, query) {
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
