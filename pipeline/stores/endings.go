package stores

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/anonymize"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
)

// Without says of a value of a field who of a silo's people should be gone and stands in it, and what it is without
// them.
type Without func(silo string, t connectors.Table, field int, value []byte) anonymize.Told

// endings gives the tables in fields of which people of a silo end who should be gone a judge each, that decides no
// rows. An older or partial dump need not hold each.
func (set *Set) endings(s *Store, silo *policy.Compiled) error {
	fields, goes := map[string][]anonymize.Named{}, map[string]map[string]bool{}
	var errs []error
	for _, r := range silo.Silo.Remnants {
		if r.Source != s.System() {
			continue
		}
		t, _ := s.Tables.Find(r.Table)
		named, err := set.ending(s, silo, r, t)
		switch {
		case err != nil && s.Backup():
			set.lack(s, r.Table, fmt.Sprintf("people who should be gone stay in its field %s until the file ends by "+
				"`keep`: %v", r.Field, err))
		case err != nil:
			errs = append(errs, fmt.Errorf("%w: silo %s: remnants of source %s, table %s: %w", setup.ErrConfig,
				silo.Silo.Name, s.Name, r.Table, err))
		default:
			if goes[r.Table] == nil {
				goes[r.Table] = map[string]bool{}
			}
			fields[r.Table], goes[r.Table][r.Field] = append(fields[r.Table], named), r.Do == policy.DeleteRemnant
		}
	}
	for _, table := range slices.Sorted(maps.Keys(fields)) {
		t, _ := s.Tables.Find(table)
		b := &judge.Binding{Source: s.Source, Silo: silo, Table: t, State: set.Silos.Silos[silo.Silo.Name],
			Records: policy.Records{Source: s.System(), Table: table}}
		for _, key := range t.Key {
			b.Key = append(b.Key, s.Column(table, key))
		}
		g := judge.NewEnding(b, fields[table], goes[table])
		if err := g.Unlock(set.Setup.Keys, set.tonight.Epoch); err != nil {
			return err
		}
		s.Judges, s.Endings[table] = append(s.Judges, g), append(s.Endings[table], g)
	}
	return errors.Join(errs...)
}

// ending is the technique that ends people in one field.
func (set *Set) ending(s *Store, silo *policy.Compiled, r policy.Remnant, t connectors.Table) (n anonymize.Named,
	err error) {
	n.Column = s.Column(r.Table, r.Field)
	switch {
	case t.Name == "":
		return n, errors.New("the source has no such table: name one that it has")
	case n.Column < 0:
		return n, fmt.Errorf("it has no field %s: name one that it has", r.Field)
	case len(t.Key) == 0:
		return n, errors.New("it has no primary key, nor a unique constraint of fields that are NOT NULL, so that no " +
			"row can be named: give it one, or remove the entry")
	case slices.ContainsFunc(set.Setup.Silos, func(c *policy.Compiled) bool {
		return slices.ContainsFunc(c.Silo.Records, func(o policy.Records) bool {
			return o.Source == r.Source && o.Table == r.Table
		})
	}):
		return n, errors.New("a silo governs rows of it (records): those end by its rules, so remove the entry")
	}
	field := anonymize.FieldOf(t, t.Fields[n.Column])
	if r.Do == policy.DeleteRemnant { // which does not write the field
		field.Nullable, field.Key, field.Generated = true, false, false
	}
	n.Technique, err = anonymize.Tells(field, r.Do != policy.ReplaceRemnant, func(value []byte) anonymize.Told {
		if set.Without == nil {
			return anonymize.Told{Without: value}
		}
		return set.Without(silo.Silo.Name, t, n.Column, value)
	})
	return n, err
}

// Followers are the tables whose rows go with governed ones: what refers to them, what they own, and what says whose
// they are.
func (s *Store) Followers() []string {
	if s.follow != nil {
		return s.follow
	}
	list := append([]string{}, s.Carriers()...)
	for _, g := range s.Judges {
		for _, d := range g.Records.Dependents {
			list = append(list, d.Table)
		}
		for _, o := range g.Records.Owns {
			list = append(list, o.Table)
		}
	}
	for n := -1; n < len(list); {
		n = len(list)
		for _, t := range s.Tables {
			refers := slices.ContainsFunc(t.ForeignKeys, func(fk connectors.ForeignKey) bool {
				return len(s.Governed[fk.RefTable]) > 0 || slices.Contains(list, fk.RefTable)
			})
			if refers && !slices.Contains(list, t.Name) {
				list = append(list, t.Name)
			}
		}
	}
	s.follow = list
	return list
}

// Taken reports, of the rows of a batch, which a silo takes; nil where none takes any.
func (s *Store) Taken(batch connectors.Batch) func(row int) bool {
	groups := s.Governed[batch.Table]
	if len(groups) == 0 {
		return nil
	}
	return func(row int) bool {
		return slices.ContainsFunc(groups, func(g *judge.Judge) bool { return g.Mine(batch.Rows, row) })
	}
}
