package judge

import (
	"slices"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/judge/cells"
	"lethe/pipeline/judge/targets"
	"lethe/pipeline/policy"
)

// Planned is what executing a row needs; it is encrypted at rest and destroyed with the settled plan.
type Planned struct {
	Key     connectors.Key
	Guard   Guard
	Subject [32]byte
	Record  [32]byte
	Change  Change
	Fields  []string // clear: the fields; set_null: the foreign key's fields
}

// Agreement is what a locked row says to its plan.
type Agreement uint8

// The agreements. A row that agrees is changed as planned.
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
	if !g.Rule(rows, row, asOf).asksFor(p) {
		return Drifted
	}
	return agrees
}

// asksFor reports whether a ruling asks for what a plan does. Anonymizing also takes the place of
// deleting where another row holds it back.
func (r Ruling) asksFor(p Planned) bool {
	switch p.Change {
	case Block:
		return r.Change == Block || r.Block
	case Anonymize:
		return r.Change == Anonymize || r.Change == Delete && r.Else == policy.Anonymize
	case Clear:
		return r.Change == Clear && slices.Equal(r.Cleared, p.Fields)
	default:
		return r.Change == p.Change
	}
}

// HoldsNew reports whether a row holds what a change would write.
func (g *Judge) HoldsNew(rows arrow.Record, row int, p Planned) bool {
	switch p.Change {
	case Block:
		return cells.Held(rows, row, g.blocked)
	case Unblock:
		return cells.Held(rows, row, g.unblocked)
	}
	return !slices.ContainsFunc(g.Targets, func(t targets.Target) bool { return p.touches(t) && !t.HeldBy(rows, row) })
}

// Empties reports whether anonymizing sets a field NULL.
func (g *Judge) Empties(field string) bool {
	return slices.ContainsFunc(g.Targets, func(t targets.Target) bool {
		return t.Field == field && t.Anonymize && t.Technique.Empties()
	})
}

// Assign computes the new values of a batch, column by column. Its error is that of a technique that
// cannot serve a value.
func (g *Judge) Assign(
	b connectors.Batch, ops []connectors.Op, planned []Planned,
) (set []connectors.Assignment, err error) {
	updated := func(touched func(Planned) bool) []bool {
		marks := make([]bool, len(ops))
		for i := range marks {
			marks[i] = ops[i] == connectors.Update && touched(planned[i])
		}
		return marks
	}
	constant := func(list []cells.Cell, c Change) {
		marks := updated(func(p Planned) bool { return p.Change == c })
		if !slices.Contains(marks, true) {
			return
		}
		for _, cell := range list {
			set = append(set, connectors.Assignment{Field: cell.Field, Rows: marks, Values: cell.Values(marks)})
		}
	}
	constant(g.blocked, Block)
	constant(g.unblocked, Unblock)
	for _, t := range g.Targets {
		marks := updated(func(p Planned) bool { return p.touches(t) })
		if !slices.Contains(marks, true) {
			continue
		}
		col := new(connectors.Column)
		if err := t.Technique.Apply(col, b.Rows.Column(t.Column).(*array.Binary), marks); err != nil {
			return nil, err
		}
		set = append(set, connectors.Assignment{Field: t.Field, Rows: marks, Values: col.Array()})
	}
	return set, nil
}

// Writes are the fields that blocking, clearing and anonymizing rows may set.
func (b *Binding) Writes() (fields []string) {
	for _, c := range slices.Concat(b.blocked, b.unblocked) {
		fields = append(fields, c.Field)
	}
	rules, clears := b.Silo.Silo.Rules, b.Silo.Clearable()
	anonymizes := slices.ContainsFunc(rules, func(r policy.Rule) bool {
		return r.End == policy.Anonymize || r.Else == policy.Anonymize
	})
	for _, t := range b.Targets {
		_, cleared := clears[t.Field]
		if goes, ends := b.ending[t.Field]; cleared || t.Anonymize && anonymizes || ends && !goes {
			fields = append(fields, t.Field)
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// touches reports whether a change writes a target.
func (p Planned) touches(t targets.Target) bool {
	return p.Change == Anonymize && t.Anonymize || p.Change == Clear && slices.Contains(p.Fields, t.Field)
}

// Weak reports whether anonymizing leaves something that is derived from what identified the person.
func (b *Binding) Weak() bool { return slices.ContainsFunc(b.Targets, targets.Target.Weak) }
