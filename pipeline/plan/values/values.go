// Package values shows what stands now in the rows of a plan, read live from the sources, to an owner of their silos,
// who signs that they look: a Look, and the Values of a row.
package values

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/answers"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Value is what stands in a field of a row.
type Value struct {
	Field string
	Text  string // bytes that are no text as 0x and hex
	Null  bool
}

// Look is somebody who looks at the values of a plan's rows.
type Look struct {
	setup  *setup.Setup
	person setup.Person
	open   map[string]*opened
}

// opened is a source that is read.
type opened struct {
	conn   connectors.Source
	tables connectors.Tables
	skip   map[string]string
}

// Begin lets an owner of a silo of the plan sign that they look, before they see anything. Of is what they look at, a
// table; "" all.
func Begin(ctx context.Context, p *setup.Setup, sealed *plan.Sealed, who setup.Witness, of string) (*Look, error) {
	person, err := p.Signs(who.Name, who.Signer)
	if err != nil {
		return nil, err
	}
	l := &Look{setup: p, person: person, open: map[string]*opened{}}
	if !slices.ContainsFunc(sealed.Sets, func(s plan.Set) bool { return slices.ContainsFunc(s.Silos, l.Sees) }) {
		return nil, fmt.Errorf("%w: --values shows records: it takes an owner of a silo of the plan, and %s is none",
			setup.ErrConfig, who.Name)
	}
	j, book, err := state.Book(ctx, p)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	a := answers.Answer{Act: answers.Look, About: answers.AboutValues(sealed.PlanID), Digest: sealed.Digest,
		Actor: who.Name, Comment: of}
	for _, s := range sealed.Sets {
		a.Rows += s.Rows
	}
	_, err = state.Say(ctx, p, book, a, who.Signer, nil)
	return l, err
}

// Sees reports whether the values of a silo's rows are shown: to its owner.
func (l *Look) Sees(silo string) bool { return l.person.Owns(silo) }

// Of reads what stands now in rows of a table; those that are not there are not in the answer. Fields that the
// configuration says are not read are left out.
func (l *Look) Of(ctx context.Context, source, table string, keys []connectors.Key) (map[connectors.Key][]Value,
	error) {
	s, err := l.source(ctx, source)
	if err != nil {
		return nil, err
	}
	t, ok := s.tables.Find(table)
	if !ok || len(t.Key) == 0 {
		return nil, fmt.Errorf("%w: source %s has no table of the plan any more, or it has no key: the next night "+
			"plans anew", setup.ErrConfig, source)
	}
	fields := slices.Clone(t.Key)
	for _, f := range t.Fields {
		if _, skipped := s.skip[t.Name+"."+f.Name]; !skipped && !slices.Contains(t.Key, f.Name) {
			fields = append(fields, f.Name)
		}
	}
	columns := make([]int, len(t.Key))
	for i := range columns {
		columns[i] = i
	}
	found := map[connectors.Key][]Value{}
	query := connectors.Query{Table: t.Name, Fields: fields, Keys: &connectors.Keys{Fields: t.Key, Tuples: keys}}
	for b, err := range s.conn.Scan(ctx, query) {
		if err != nil {
			return nil, setup.SourceError(err)
		}
		for row := range int(b.Rows.NumRows()) {
			if key, ok := connectors.KeyOf(b.Rows, columns, row); ok {
				found[key] = valuesOf(b, fields, row)
			}
		}
	}
	return found, nil
}

// source opens a source, once.
func (l *Look) source(ctx context.Context, name string) (*opened, error) {
	if s, ok := l.open[name]; ok {
		return s, nil
	}
	i := slices.IndexFunc(l.setup.Sources, func(s setup.Source) bool { return s.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("%w: source %s of the plan is not in the configuration any more", setup.ErrConfig, name)
	}
	conn, err := l.setup.Sources[i].Open(ctx)
	if err != nil {
		return nil, setup.SourceError(err)
	}
	s := &opened{conn: conn, skip: l.setup.Sources[i].Skip}
	l.open[name] = s
	if s.tables, err = conn.Tables(ctx); err != nil {
		return nil, setup.SourceError(err)
	}
	return s, nil
}

func valuesOf(b connectors.Batch, fields []string, row int) (list []Value) {
	for i, name := range fields {
		column := b.Rows.Column(i).(*array.Binary)
		v := Value{Field: name, Null: column.IsNull(row)}
		if raw := column.Value(row); !v.Null && utf8.Valid(raw) {
			v.Text = string(raw)
		} else if !v.Null {
			v.Text = fmt.Sprintf("0x%x", raw)
		}
		list = append(list, v)
	}
	return list
}

// Close closes the sources that were read.
func (l *Look) Close() (err error) {
	for _, s := range l.open {
		err = errors.Join(err, s.conn.Close())
	}
	return err
}
