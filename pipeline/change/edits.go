package change

import (
	"lethe/connectors"
	"lethe/pipeline/judge"
)

// Edits collects what happens to the rows of one batch, each from its own change.
type Edits struct {
	Ops   []connectors.Op
	batch connectors.Batch
	nulls map[string][]bool // fields to be emptied, and in which rows
	set   map[*judge.Judge][]judge.Planned
}

// NewEdits leaves all rows of a batch as they are.
func NewEdits(b connectors.Batch) *Edits {
	return &Edits{Ops: make([]connectors.Op, b.Rows.NumRows()), batch: b, nulls: map[string][]bool{},
		set: map[*judge.Judge][]judge.Planned{}}
}

// Add says what happens to a row by a change, whose values are those that its judge has; nulls are the fields that a
// SetNull empties.
func (e *Edits) Add(row int, c *Row, j *judge.Judge, op judge.Change, nulls []string) {
	switch op {
	case judge.None:
	case judge.Delete:
		e.Ops[row] = connectors.Delete
	case judge.SetNull:
		e.Ops[row] = connectors.Update
		for _, f := range nulls {
			if e.nulls[f] == nil {
				e.nulls[f] = make([]bool, len(e.Ops))
			}
			e.nulls[f][row] = true
		}
	default:
		e.Ops[row] = connectors.Update
		if e.set[j] == nil {
			e.set[j] = make([]judge.Planned, len(e.Ops))
		}
		e.set[j][row] = c.Planned()
	}
}

// Edit is the answer to the batch.
func (e *Edits) Edit() (connectors.Edit, error) {
	out := connectors.Edit{Ops: e.Ops}
	for j, planned := range e.set {
		mine := make([]connectors.Op, len(e.Ops))
		for row := range mine {
			if planned[row].Change != judge.None {
				mine[row] = connectors.Update
			}
		}
		set, err := j.Assign(e.batch, mine, planned)
		if err != nil {
			return out, err
		}
		out.Set = append(out.Set, set...)
	}
	for field, rows := range e.nulls {
		col := new(connectors.Column)
		for range rows {
			col.AppendNull()
		}
		out.Set = append(out.Set, connectors.Assignment{Field: field, Rows: rows, Values: col.Array()})
	}
	return out, nil
}
