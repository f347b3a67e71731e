// Package waiting remembers rows that stand in plans which wait: there may be as many as a plan has. Its nouns: a Place
// is where a row stands, Rows are some.
package waiting

import (
	"iter"

	"lethe/connectors"
	"lethe/pipeline/numbered"
)

// Place is a row of a source.
type Place struct {
	Source, Table string
	Key           connectors.Key
}

// Rows are some, each with whether its plan anonymizes it. Nil has none.
type Rows struct {
	names      numbered.Names
	tables     []table
	number     map[table]int32
	anonymizes numbered.Marks
}

type table struct{ source, name string }

// In are none yet, which are to lie in a room.
func In(room *numbered.Room) *Rows {
	r := &Rows{}
	r.names.In(room)
	return r
}

// Add adds a row. One that is there already is as it is added now.
func (r *Rows) Add(p Place, anonymizes bool) {
	of := table{p.Source, p.Table}
	t, ok := r.number[of]
	if !ok {
		if r.number == nil {
			r.number = map[table]int32{}
		}
		t = int32(len(r.tables))
		r.tables, r.number[of] = append(r.tables, of), t
	}
	n, _ := r.names.Number(t, string(p.Key))
	if r.anonymizes.Unset(n); anonymizes {
		r.anonymizes.Set(n)
	}
}

// Len is how many there are.
func (r *Rows) Len() int {
	if r == nil {
		return 0
	}
	return r.names.Len()
}

// Has reports whether a row is among them.
func (r *Rows) Has(p Place) bool {
	_, is := r.find(p)
	return is
}

// Anonymizes reports whether the plan of a row anonymizes it.
func (r *Rows) Anonymizes(p Place) bool {
	n, is := r.find(p)
	return is && r.anonymizes.Has(n)
}

func (r *Rows) find(p Place) (n int32, is bool) {
	if r.Len() == 0 {
		return 0, false
	}
	t, ok := r.number[table{p.Source, p.Table}]
	if !ok {
		return 0, false
	}
	return r.names.Find(t, string(p.Key))
}

// All are the rows, in the order in which they were added, and whether they are anonymized.
func (r *Rows) All() iter.Seq2[Place, bool] {
	return func(yield func(Place, bool) bool) {
		for n := range int32(r.Len()) {
			of := r.tables[r.names.Table(n)]
			p := Place{of.source, of.name, connectors.Key(r.names.Key(n))}
			if !yield(p, r.anonymizes.Has(n)) {
				return
			}
		}
	}
}
