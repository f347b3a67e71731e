// Package edges says in which ways rows of a source refer to each other, and what becomes of those that do: by foreign
// keys of the catalog, and by what a policy declares. Its nouns: an Edge is one such way, a Set all those of a source.
// It asks the source what stands in the way of changes, and reads no row.
package edges

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/stores"
)

// Set is the ways in which rows of a source refer to each other.
type Set struct {
	Store *stores.Store
	List  []*Edge
	To    map[string][]*Edge // by the table referred to
}

// Edge is a foreign key of the catalog, or one that a policy declares.
type Edge struct {
	change.Edge
	At       int // in the list of the set
	From, Of connectors.Table
	Outside  connectors.Outside      // of an edge from a table that is not in the catalog
	Nullable []string                // of its fields those that can be NULL
	Shares   []*Edge                 // edges of the child that use one of its fields too
	Do       map[*judge.Judge]string // what the records of a silo declare of it
	Owned    map[*judge.Judge]bool   // the silos whose records own the parent by it
}

// Of collects the edges between the tables of a source. What the records of a silo declare holds for their own rows
// and for what follows from them.
func Of(s *stores.Store) *Set {
	es := &Set{Store: s, To: map[string][]*Edge{}}
	for _, child := range s.Tables {
		for _, fk := range child.ForeignKeys {
			if parent, ok := s.Tables.Find(fk.RefTable); ok {
				es.add(change.Edge{Child: child.Name, Fields: fk.Fields, Parent: fk.RefTable, RefFields: fk.RefFields,
					OnDelete: fk.OnDelete}, child, parent)
			}
		}
	}
	for _, parent := range s.Tables {
		for _, o := range parent.Outside {
			es.add(change.Edge{Child: o.Table, Fields: o.Fields, Parent: parent.Name, RefFields: o.RefFields,
				OnDelete: o.OnDelete}, connectors.Table{Name: o.Table}, parent).Outside = o
		}
	}
	for _, j := range s.Judges {
		for _, d := range j.Records.Dependents {
			es.declare(j, d)
		}
		for _, o := range j.Records.Owns {
			parent, _ := s.Tables.Find(o.Table)
			es.named(j.Table, o.FK, parent).Owned[j] = true
		}
		es.identified(j)
	}
	for _, e := range es.List {
		for _, o := range es.List {
			if e != o && change.Shares(e.Edge, o.Edge) {
				e.Shares = append(e.Shares, o)
			}
		}
	}
	return es
}

// identified adds the references that lead from rows to what says whose they are: while such a row stays, so does
// what it refers to.
func (es *Set) identified(j *judge.Judge) {
	for p := range j.Via.Len() {
		for _, h := range j.Via.Hops(p) {
			parent, _ := es.Store.Tables.Find(h.Table)
			if child, ok := es.Store.Tables.Find(h.Refers.Table); ok && slices.Equal(parent.Key, []string{h.Field}) {
				es.named(child, h.Refers.Fields, parent)
			}
		}
	}
}

func (es *Set) add(of change.Edge, child, parent connectors.Table) *Edge {
	e := &Edge{Edge: of, At: len(es.List), From: child, Of: parent, Do: map[*judge.Judge]string{},
		Owned: map[*judge.Judge]bool{}}
	for _, name := range of.Fields {
		if f, ok := child.Field(name); ok && f.Nullable && !f.Generated && !slices.Contains(child.Key, name) {
			e.Nullable = append(e.Nullable, name)
		}
	}
	es.List = append(es.List, e)
	es.To[of.Parent] = append(es.To[of.Parent], e)
	return e
}

// named is the edge from these fields to a table; one that the catalog does not know refers to the table's key.
func (es *Set) named(child connectors.Table, fields []string, parent connectors.Table) *Edge {
	if e := es.find(child, fields, parent); e != nil {
		return e
	}
	return es.add(change.Edge{Child: child.Name, Fields: fields, Parent: parent.Name, RefFields: parent.Key},
		child, parent)
}

// find is the edge from these fields to a table, nil where there is none yet.
func (es *Set) find(child connectors.Table, fields []string, parent connectors.Table) *Edge {
	for _, e := range es.To[parent.Name] {
		if e.Child == child.Name && slices.Equal(e.Fields, fields) {
			return e
		}
	}
	return nil
}

// declare notes what becomes of a dependent: by the reference to the table of the records, or by one to another table
// that the catalog has. What other records declare by the same fields is no reference of these.
func (es *Set) declare(j *judge.Judge, d policy.Dependent) {
	child, _ := es.Store.Tables.Find(d.Table)
	parent := j.Table
	if d.References != "" {
		parent, _ = es.Store.Tables.Find(d.References)
	}
	e := es.find(child, d.FK, parent)
	if e == nil && d.References == "" {
		i := slices.IndexFunc(es.List, func(e *Edge) bool {
			return e.Child == d.Table && slices.Equal(e.Fields, d.FK) && e.OnDelete != ""
		})
		if i >= 0 {
			e = es.List[i]
		}
	}
	if e == nil {
		e = es.named(child, d.FK, parent)
	}
	e.Do[j] = d.Do
}

// Edges are the ways in which rows of the source refer to each other, as a set of changes names them.
func (es *Set) Edges() []change.Edge { return plain(es.List) }

func plain(list []*Edge) []change.Edge {
	edges := make([]change.Edge, len(list))
	for i, e := range list {
		edges[i] = e.Edge
	}
	return edges
}

// Says is what records declare of those that refer by an edge to a row which goes by their word.
type Says struct{ Goes, Forgets, Owns bool }

// Known are the edges that a set of changes names, in its order; nil those that there are no more.
func (es *Set) Known(named []change.Edge) []*Edge {
	known := make([]*Edge, len(named))
	for i, of := range named {
		child, _ := es.Store.Tables.Find(of.Child)
		parent, _ := es.Store.Tables.Find(of.Parent)
		known[i] = es.find(child, of.Fields, parent)
	}
	return known
}

// Says is what any of these records declares of an edge; of one that is no more nobody declares anything.
func (e *Edge) Says(by ...*judge.Judge) (says Says) {
	if e == nil {
		return says
	}
	for _, j := range by {
		says.Goes = says.Goes || e.Do[j] == string(judge.Delete)
		says.Forgets = says.Forgets || e.Do[j] == string(judge.SetNull)
		says.Owns = says.Owns || e.Owned[j]
	}
	return says
}

// Computed reports whether the engine computes a field of the edge.
func (e *Edge) Computed() bool {
	return slices.ContainsFunc(e.Fields, func(name string) bool {
		f, _ := e.From.Field(name)
		return f.Generated
	})
}

// Cannot says which rows can never forget what they refer to, though a policy says that they do.
func (es *Set) Cannot() (list []connectors.Obstacle) {
	for _, e := range es.List {
		forgets := slices.Contains(slices.Collect(maps.Values(e.Do)), string(judge.SetNull))
		o := connectors.Obstacle{Table: e.Child, DSN: "apply_dsn", Kind: errors.ErrUnsupported,
			Mend: "say what else becomes of the rows, such as `do: delete`"}
		fields := strings.Join(e.Fields, ", ")
		switch {
		case !forgets:
		case e.Computed():
			o.What = "the engine computes " + fields + ", so that `do: set_null` cannot empty it"
			list = append(list, o)
		case len(e.Shares) > 0 && len(change.Own(e.Edge, plain(e.Shares))) == 0:
			o.What, o.Doubt = "each of "+fields+" is of another foreign key too: where that one stays, "+
				"`do: set_null` can empty none", true
			list = append(list, o)
		}
	}
	return list
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

// Whole is Union for whole rows of those that refer: nil is all fields, and where the key and the edge's fields stand.
func (e *Edge) Whole() (all []string, keyCols, cols []int) {
	at := func(name string) int {
		return slices.IndexFunc(e.From.Fields, func(f connectors.Field) bool { return f.Name == name })
	}
	for _, f := range e.From.Key {
		keyCols = append(keyCols, at(f))
	}
	for _, f := range e.Fields {
		cols = append(cols, at(f))
	}
	return nil, keyCols, cols
}
