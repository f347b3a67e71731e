// Package targets says which fields a change of a row writes, and how. Its noun: a Target is one such field.
package targets

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
	Field     string
	Column    int
	Technique anonymize.Technique
	Anonymize bool // set by anonymizing; else only by clearing, when no live ground covers the field
}

// Of are the fields of a table that anonymizing or clearing may change, and what is wrong with those that the table
// cannot serve. A silo's techniques serve all of its tables: a field that this one lacks is not meant. A field that
// only clearing touches becomes NULL unless the silo names a technique.
func Of(silo *policy.Compiled, t connectors.Table) (targets []Target, wrong []error) {
	spec := silo.Clearable()
	maps.Copy(spec, silo.Silo.Anonymize)
	list, wrong := anonymize.ForTable(t, spec)
	for _, n := range list {
		field := t.Fields[n.Column].Name
		_, always := silo.Silo.Anonymize[field]
		targets = append(targets, Target{Field: field, Column: n.Column, Technique: n.Technique, Anonymize: always})
	}
	return targets, wrong
}

// Named takes a unique constraint that stands for a primary key from each table of a system in which a silo writes a
// field of it: no row of it is named then.
func Named(silos []*policy.Compiled, system string, tables []connectors.Table) {
	for _, silo := range silos {
		writes := silo.Clearable()
		maps.Copy(writes, silo.Silo.Anonymize)
		for i := range tables {
			t := &tables[i]
			governs := func(r policy.Records) bool { return r.Source == system && r.Table == t.Name }
			written := func(field string) bool { _, ok := writes[field]; return ok }
			if slices.ContainsFunc(silo.Silo.Records, governs) && slices.ContainsFunc(t.Key, written) {
				t.Nameless()
			}
		}
	}
}

// Weak reports whether anonymizing leaves something that is derived from what identified the person.
func (t Target) Weak() bool { return t.Anonymize && t.Technique.Result() == anonymize.Pseudonymised }

// HeldBy reports whether a row holds already what the technique yields.
func (t Target) HeldBy(rows arrow.Record, row int) bool {
	col := rows.Column(t.Column).(*array.Binary)
	return t.Technique.Holds(cells.Value(col, row), col.IsNull(row))
}

// Anonymized reports whether every field that anonymizing changes holds what its technique yields, and there is one.
func Anonymized(list []Target, rows arrow.Record, row int) bool {
	some := false
	for _, t := range list {
		if t.Anonymize && !t.HeldBy(rows, row) {
			return false
		}
		some = some || t.Anonymize
	}
	return some
}
