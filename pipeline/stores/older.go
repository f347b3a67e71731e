package stores

import (
	"fmt"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
)

// older is the records as a backup can be governed by them that need not be of today's schema, or hold every table:
// nothing goes along that is not there, by no reference that is not there, and nothing is blocked without the fields
// for it. What it cannot follow though rows are there, it says.
func (set *Set) older(s *Store, r policy.Records) (policy.Records, []string) {
	var lacks []string
	if r.Block != nil {
		for name := range r.Block.Set {
			if s.Column(r.Table, name) < 0 {
				r.Block = nil
				break
			}
		}
	}
	owns := r.Owns
	r.Owns = nil
	for _, o := range owns {
		if s.has(o.Table, nil) && s.has(r.Table, o.FK) {
			r.Owns = append(r.Owns, o)
		}
	}
	dependents := r.Dependents
	r.Dependents = nil
	for _, d := range dependents {
		d.References = set.refersTo(s, r, d)
		switch {
		case !s.has(d.Table, nil), d.References != "" && !s.has(d.References, nil):
		case !s.has(d.Table, d.FK):
			lacks = append(lacks, fmt.Sprintf("table %s has no field %s here, by which its rows go with those of %s: "+
				"of it nothing goes along; the file ends by `keep`", d.Table, strings.Join(d.FK, ", "), r.Table))
		default:
			r.Dependents = append(r.Dependents, d)
		}
	}
	return r, lacks
}

// refersTo is the table that a dependent refers to, "" for that of the records: where the policy leaves it to the
// catalog, that of the live source says it, for a backup may have the field and not the foreign key yet.
func (set *Set) refersTo(s *Store, r policy.Records, d policy.Dependent) string {
	live := set.Find(s.Of)
	if d.References != "" || live == nil {
		return d.References
	}
	child, _ := live.Tables.Find(d.Table)
	to := ""
	for _, fk := range child.ForeignKeys {
		switch {
		case !slices.Equal(fk.Fields, d.FK):
		case fk.RefTable == r.Table:
			return ""
		case to == "":
			to = fk.RefTable
		}
	}
	return to
}

// has reports whether the source has a table, with these fields.
func (s *Store) has(table string, fields []string) bool {
	t, ok := s.Tables.Find(table)
	return ok && !slices.ContainsFunc(fields, func(name string) bool {
		return !slices.ContainsFunc(t.Fields, func(f connectors.Field) bool { return f.Name == name })
	})
}

// lack says that a backup is governed only in part.
func (set *Set) lack(s *Store, table string, what ...string) {
	for _, words := range what {
		s.Lacks = append(s.Lacks, words)
		if set.notes != nil {
			set.notes.Find(audit.Finding{Kind: "F_SOURCE_FAILED", Severity: "high", Source: s.Name, Object: table,
				Article: "Art. 5(2)", Words: "Of the backup: " + words + "."})
		}
	}
}
