package stores

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/setup"
)

// rewrites refuses what a policy changes of a source where the engine would change other rows with it, of which
// nobody decided: a foreign key ON UPDATE CASCADE, SET NULL or SET DEFAULT leads to the field. One that restricts
// leaves the rows as they are, and the engine refuses.
func (set *Set) rewrites(s *Store) error {
	_, mutates := s.Conn.(connectors.Mutator)
	if s.Backup() { // of a live source that can be changed, which is asked: its backups need not be of this schema yet
		mutates = s.Rewrite != nil
		if live := set.Find(s.Of); live != nil && live.Err == nil && !live.ReadOnly {
			return nil
		}
	}
	if !mutates {
		return nil
	}
	var errs []error
	refuse := func(j *judge.Judge, table string, fields []string) {
		for _, what := range carriedAlong(s.Tables, table, fields) {
			errs = append(errs, fmt.Errorf("%w: silo %s: source %s table %s: %s", setup.ErrConfig, j.Silo.Silo.Name,
				s.Name, table, what))
		}
	}
	for _, j := range s.Judges {
		refuse(j, j.Table.Name, j.Writes())
		for _, d := range j.Records.Dependents {
			if d.Do == string(judge.SetNull) {
				refuse(j, d.Table, d.FK)
			}
		}
	}
	return errors.Join(errs...)
}

// carriedAlong says, once for each foreign key, which rows the engine would change where fields of a table are.
func carriedAlong(tables connectors.Tables, table string, fields []string) (list []string) {
	t, _ := tables.Find(table)
	for _, child := range tables {
		for _, fk := range child.ForeignKeys {
			if fk.RefTable != table || !slices.Contains([]string{"CASCADE", "SET NULL", "SET DEFAULT"}, fk.OnUpdate) {
				continue
			}
			i := slices.IndexFunc(fields, func(written string) bool { return moves(t, written, fk.RefFields) })
			if i < 0 {
				continue
			}
			list = append(list, fmt.Sprintf("field %s is changed, and table %s refers to it by %s with ON UPDATE %s, "+
				"so that rows of others would change with it: leave the field as it is (it stands in `anonymize`, "+
				"`fields`, `block` or a `set_null`), or have the foreign key declared ON UPDATE RESTRICT",
				fields[i], child.Name, strings.Join(fk.Fields, ", "), fk.OnUpdate))
		}
	}
	return list
}

// moves reports whether a field that is written is among those that are referred to, or what such a field is computed
// of, as far as the catalog says it.
func moves(t connectors.Table, written string, referred []string) bool {
	return slices.ContainsFunc(referred, func(name string) bool {
		f, _ := t.Field(name)
		return strings.EqualFold(name, written) ||
			f.Generated && (len(t.Distinct) == 0 || slices.Contains(t.Distinct, written))
	})
}
