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
	lacks := set.unnamed(s, r)
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
		if s.has(o.Table, nil) && s.has(r.Table, o.FK) && s.unlike[o.Table] == "" {
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

// unlike takes the key from each table of a backup whose rows its live source names by other fields that the backup has
// as well, as before a table had its primary key: a number would name another row there, and be somebody else's where
// references to the key are read. A key that only grew names the same rows.
func (set *Set) unlike(s *Store, tables []connectors.Table) {
	live := set.Find(s.Of)
	if !s.Backup() || live == nil {
		return
	}
	for i := range tables {
		t := &tables[i]
		of, ok := live.Tables.Find(t.Name)
		grew := len(t.Key) < len(of.Key) &&
			!slices.ContainsFunc(t.Key, func(f string) bool { return !slices.Contains(of.Key, f) })
		known := !slices.ContainsFunc(of.Key, func(name string) bool { _, has := t.Field(name); return !has })
		if ok && len(of.Key) > 0 && len(t.Key) > 0 && known && !grew && !slices.Equal(t.Key, of.Key) {
			if s.unlike == nil {
				s.unlike = map[string]string{}
			}
			s.unlike[t.Name] = fmt.Sprintf("the rows of table %s are named by %s here, and by %s in %s: "+
				"none of them is changed; the file ends by `keep`", t.Name, strings.Join(t.Key, ", "),
				strings.Join(of.Key, ", "), live.Name)
			t.Key = nil
		}
	}
}

// unnamed are the words of a backup's tables that unlike took the key from, if the records have to do with them.
func (set *Set) unnamed(s *Store, r policy.Records) (lacks []string) {
	names := []string{r.Table}
	for _, d := range r.Dependents {
		names = append(names, d.Table, set.refersTo(s, r, d))
	}
	for _, o := range r.Owns {
		names = append(names, o.Table)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if words := s.unlike[name]; words != "" {
			lacks = append(lacks, words)
		}
	}
	return lacks
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
