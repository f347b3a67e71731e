package apply

import (
	"slices"

	"lethe/connectors"
	"lethe/pipeline/dependents"
	"lethe/pipeline/judge"
)

// lateChild says that rows refer to planned ones which no plan holds: they came after it. The roots they
// would be lost with are left alone.
type lateChild struct{ roots map[int64]bool }

func (e *lateChild) Error() string { return "a referencing row was added after the plan" }

// lateChildren makes the steps that look, under the lock, for rows which refer to a row about to be deleted
// and are not about to be deleted themselves, along the foreign keys where the engine would not refuse but
// cascade, forget, or not know.
func (a *application) lateChildren(parts []part, acts map[int64]bool) (steps []step) {
	edges := dependents.New(a.store).Edges
	going := map[string]map[connectors.Key]bool{}
	for _, p := range parts {
		if going[p.table] == nil {
			going[p.table] = map[connectors.Key]bool{}
		}
		for _, r := range p.rows {
			going[p.table][r.Key] = true
		}
	}

	for _, p := range parts {
		roots := map[connectors.Key]int64{}
		var tuples []connectors.Key
		for _, r := range p.rows {
			if r.Change == judge.Delete {
				tuples = append(tuples, r.Key)
				roots[r.Key] = r.Root
			}
		}
		if len(tuples) == 0 {
			continue
		}
		for _, ed := range edges[p.table] {
			if ed.OnDelete == "RESTRICT" || ed.OnDelete == "NO ACTION" || !slices.Equal(ed.RefFields, ed.Parent.Key) ||
				len(ed.Child.Key) == 0 {
				continue
			}
			fields, keyCols, fkCols := dependents.Union(ed.Child.Key, ed.Fields)
			look := childLook{acts: acts, roots: roots, going: going[ed.Child.Name], keyCols: keyCols, fkCols: fkCols}
			steps = append(steps, step{
				query: connectors.Query{Table: ed.Child.Name, Fields: fields,
					Keys: &connectors.Keys{Fields: ed.Fields, Tuples: tuples}},
				edit: look.edit,
			})
		}
	}
	return steps
}

// childLook looks along one edge.
type childLook struct {
	acts            map[int64]bool           // roots that go ahead
	roots           map[connectors.Key]int64 // of the rows about to be deleted, by their key
	going           map[connectors.Key]bool  // rows of the referring table that the chunk holds
	keyCols, fkCols []int
}

// edit changes nothing; rows that came after the plan are its error.
func (l childLook) edit(b connectors.Batch) (connectors.Edit, error) {
	late := &lateChild{map[int64]bool{}}
	for row := range int(b.Rows.NumRows()) {
		key, _ := connectors.KeyOf(b.Rows, l.keyCols, row)
		ref, _ := connectors.KeyOf(b.Rows, l.fkCols, row)
		root, known := l.roots[ref]
		if known && l.acts[root] && !l.going[key] {
			late.roots[root] = true
		}
	}
	if len(late.roots) > 0 {
		return connectors.Edit{}, late
	}
	return connectors.Edit{}, nil
}
