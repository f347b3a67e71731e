package judge

import (
	"maps"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/anonymize"
	"lethe/pipeline/judge/cells"
	"lethe/pipeline/policy"
)

// Target is a field that anonymizing or clearing changes, and how.
type Target struct {
	field     string
	column    int
	technique anonymize.Technique
	anonymize bool // set by anonymizing; else only by clearing, when no live ground covers the field
}

// Techniques are those of the fields of a table that anonymizing or clearing may change, and what is
// wrong with those that the table cannot serve. A silo's techniques serve all of its tables: a field
// that this one lacks is not meant. A field that only clearing touches becomes NULL unless the silo
// names a technique.
func Techniques(silo *policy.Compiled, t connectors.Table) (targets []Target, wrong []error) {
	spec := silo.Clearable()
	maps.Copy(spec, silo.Silo.Anonymize)
	list, wrong := anonymize.ForTable(t, spec)
	for _, n := range list {
		field := t.Fields[n.Column].Name
		_, always := silo.Silo.Anonymize[field]
		targets = append(targets, Target{field: field, column: n.Column, technique: n.Technique, anonymize: always})
	}
	return targets, wrong
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
		_, cleared := clears[t.field]
		if goes, ends := b.ending[t.field]; cleared || t.anonymize && anonymizes || ends && !goes {
			fields = append(fields, t.field)
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// in reports whether a change touches the target.
func (t Target) in(p Planned) bool {
	return p.Change == Anonymize && t.anonymize || p.Change == Clear && slices.Contains(p.Fields, t.field)
}

// Weak reports whether anonymizing leaves something that is derived from what identified the person.
func (b *Binding) Weak() bool { return slices.ContainsFunc(b.Targets, Target.weak) }

func (t Target) weak() bool { return t.anonymize && t.technique.Result() == anonymize.Pseudonymised }

// heldBy reports whether a row holds already what the technique yields.
func (t Target) heldBy(rows arrow.Record, row int) bool {
	col := rows.Column(t.column).(*array.Binary)
	return t.technique.Holds(cells.Value(col, row), col.IsNull(row))
}
