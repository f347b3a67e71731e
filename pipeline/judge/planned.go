package judge

import (
	"slices"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/policy"
)

// Agreement is what a locked row says to its plan.
type Agreement uint8

const (
	agrees  Agreement = iota
	Already           // it holds what the change would write
	Drifted           // it, or the registry's answer, is not what the plan saw
)

// Still compares a locked row with the plan and decides it anew at the registry's head.
func (g *Judge) Still(rows arrow.Record, row int, p Planned, runID string, asOf time.Time) Agreement {
	if p.Change != Delete && g.HoldsNew(rows, row, p) {
		return Already
	}
	if !g.Mine(rows, row) || g.guard(runID, rows, row, p.Change, p.Fields) != p.Guard {
		return Drifted
	}
	r := g.Rule(rows, row, asOf)
	switch p.Change {
	case Block:
		if r.Change == Block || r.Block {
			return agrees
		}
	case Anonymize:
		if r.Change == Anonymize || r.Change == Delete && r.Else == policy.Anonymize {
			return agrees
		}
	case Clear:
		if r.Change == Clear && slices.Equal(r.Cleared, p.Fields) {
			return agrees
		}
	default:
		if r.Change == p.Change {
			return agrees
		}
	}
	return Drifted
}

// HoldsNew reports whether a row holds what a change would write.
func (g *Judge) HoldsNew(rows arrow.Record, row int, p Planned) bool {
	switch p.Change {
	case Block:
		return holds(rows, row, g.blocked)
	case Unblock:
		return holds(rows, row, g.unblocked)
	}
	for _, t := range g.Targets {
		col := rows.Column(t.column).(*array.Binary)
		if t.in(p) && !t.technique.Holds(value(col, row), col.IsNull(row)) {
			return false
		}
	}
	return true
}

// in reports whether a change touches the target.
func (t target) in(p Planned) bool {
	return p.Change == Anonymize && t.anonymize || p.Change == Clear && slices.Contains(p.Fields, t.field)
}

// Assign computes the new values of a batch, column by column.
func (g *Judge) Assign(b connectors.Batch, ops []connectors.Op, planned []Planned) ([]connectors.Assignment, error) {
	var set []connectors.Assignment
	rows := len(ops)
	constant := func(cells []cell, c Change) {
		for _, cell := range cells {
			marks := make([]bool, rows)
			col := new(connectors.Column)
			for i := range rows {
				marks[i] = ops[i] == connectors.Update && planned[i].Change == c
				if marks[i] {
					col.Append(cell.value)
				} else {
					col.AppendNull()
				}
			}
			if slices.Contains(marks, true) {
				set = append(set, connectors.Assignment{Field: cell.field, Rows: marks, Values: col.Array()})
			}
		}
	}
	constant(g.blocked, Block)
	constant(g.unblocked, Unblock)
	for _, t := range g.Targets {
		marks := make([]bool, rows)
		for i := range rows {
			marks[i] = ops[i] == connectors.Update && t.in(planned[i])
		}
		if !slices.Contains(marks, true) {
			continue
		}
		col := new(connectors.Column)
		if err := t.technique.Apply(col, b.Rows.Column(t.column).(*array.Binary), marks); err != nil {
			return nil, err
		}
		set = append(set, connectors.Assignment{Field: t.field, Rows: marks, Values: col.Array()})
	}
	return set, nil
}

// Planned is what executing a row needs; it is encrypted at rest and destroyed with the settled plan.
type Planned struct {
	Root    int64 // position of its root in the group's root segment
	Key     connectors.Key
	Guard   Guard
	Subject [32]byte
	Record  [32]byte
	Change  Change
	Fields  []string // clear: the fields; set_null: the foreign key's fields
}
