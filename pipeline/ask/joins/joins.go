// Package joins finds fields that look like references though no foreign key says so: when a row goes, those that refer
// to it by such a field would stay, and refer to nobody. Its noun: a Reference is such a field, with how many of its
// values are keys of the table. Rows are only looked at; of their values nothing is kept.
package joins

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
)

// Reference is a field whose values are keys of a table.
type Reference struct {
	Table, Field string
	To, Key      string
	Fit, Looked  int // different values that are keys of To, of those that were looked at
}

const (
	sampled  = 1000 // rows of a table that are looked at
	few      = 5    // different values that say anything where the name says little
	asked    = 30   // values that are looked up of a field whose name says nothing, before all are
	fewest   = 10   // different values of such a field that say anything
	shortest = 6    // bytes of them, as shorter ones are codes
)

// Share of values that are keys, from which on a field is a reference: by how plainly its name says so.
var enough = map[sense]float64{none: 0.95, somewhat: 0.9, plainly: 0.5}

// Find looks at each field of the tables that may refer to one of those in to, which have a key of one field: by the
// field's name and by its values, or by the values alone where they are long. declared leaves fields out of which it is
// known what they refer to. A table that cannot be read is passed over.
func Find(ctx context.Context, src connectors.Source, tables connectors.Tables, to []string,
	declared func(table, field string) bool) (found []Reference, err error) {
	l := &look{src: src, names: namesOf(tables)}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(to))) {
		if t, ok := tables.Find(name); ok && len(t.Key) == 1 {
			l.to = append(l.to, t)
		}
	}
	for _, t := range tables {
		if t.Unreadable != nil || len(l.to) == 0 {
			continue
		}
		list, err := l.table(ctx, t, declared)
		switch {
		case errors.Is(err, connectors.ErrDenied), errors.Is(err, connectors.ErrSchemaChanged):
			continue
		case err != nil:
			return nil, err
		}
		found = append(found, list...)
	}
	return found, nil
}

// look is one search in a source.
type look struct {
	src   connectors.Source
	names names
	to    []connectors.Table
}

// candidate is a field that may refer to a table.
type candidate struct {
	field string
	to    connectors.Table
	says  sense
}

func (l *look) table(ctx context.Context, t connectors.Table,
	declared func(table, field string) bool) (found []Reference, err error) {
	var list []candidate
	var fields []string
	for _, f := range t.Fields {
		if f.Generated || declared(t.Name, f.Name) || refers(t, f.Name) {
			continue
		}
		n := len(list)
		for _, to := range l.to {
			if c, ok := l.candidate(t, f, to); ok {
				list = append(list, c)
			}
		}
		if len(list) > n {
			fields = append(fields, f.Name)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	values, err := l.values(ctx, t.Name, fields)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		r, ok, err := l.holds(ctx, c, values[c.field])
		if err != nil {
			return nil, err
		}
		if ok {
			r.Table = t.Name
			found = append(found, r)
		}
	}
	return found, nil
}

// refers reports whether a foreign key says what a field refers to.
func refers(t connectors.Table, field string) bool {
	return slices.ContainsFunc(t.ForeignKeys, func(k connectors.ForeignKey) bool {
		return slices.Contains(k.Fields, field)
	})
}

// candidate says whether a field may refer to a table at all.
func (l *look) candidate(t connectors.Table, f connectors.Field, to connectors.Table) (candidate, bool) {
	key, _ := to.Field(to.Key[0])
	whole := f.Kind == connectors.Integer && key.Kind == connectors.Integer
	text := f.Kind == connectors.Text && key.Kind == connectors.Text && family(f.Type) == family(key.Type)
	if t.Name == to.Name || !whole && !text {
		return candidate{}, false
	}
	c := candidate{field: f.Name, to: to, says: l.names.says(t, f.Name, to)}
	return c, c.says > none || text && (f.Length == 0 || f.Length > shortest)
}

// family is a type without its length; all texts of characters are one.
func family(declared string) string {
	name, _, _ := strings.Cut(strings.ToLower(declared), "(")
	if strings.Contains(name, "char") || strings.Contains(name, "text") {
		return "text"
	}
	return name
}

// values are the different values of fields in some rows of a table. Neither NULL nor what stands for nobody is among
// them.
func (l *look) values(ctx context.Context, table string, fields []string) (map[string][]connectors.Key, error) {
	seen := map[string]map[connectors.Key]bool{}
	for _, f := range fields {
		seen[f] = map[connectors.Key]bool{}
	}
	rows := int64(0)
	for b, err := range l.src.Scan(ctx, connectors.Query{Table: table, Fields: fields, Sample: sampled}) {
		if err != nil {
			return nil, err
		}
		for i, f := range fields {
			col := b.Rows.Column(i).(*array.Binary)
			for row := range col.Len() {
				if v := col.Value(row); !col.IsNull(row) && len(v) > 0 && string(v) != "0" && len(seen[f]) < sampled {
					seen[f][connectors.MakeKey(v)] = true
				}
			}
		}
		if rows += b.Rows.NumRows(); rows >= 4*sampled { // a table that is read whole
			break
		}
	}
	values := map[string][]connectors.Key{}
	for f, of := range seen {
		values[f] = slices.Sorted(maps.Keys(of))
	}
	return values, nil
}

// holds looks the values of a field up among the keys of the table that it may refer to.
func (l *look) holds(ctx context.Context, c candidate, values []connectors.Key) (r Reference, ok bool, err error) {
	r = Reference{Field: c.field, To: c.to.Name, Key: c.to.Key[0], Looked: len(values)}
	if c.says == none {
		if len(values) < fewest || mean(values) < shortest {
			return r, false, nil
		}
		n := min(len(values), asked)
		first, err := l.fit(ctx, c.to, values[:n])
		if err != nil || float64(first) < enough[none]*float64(n) {
			return r, false, err
		}
	}
	if len(values) == 0 || c.says == somewhat && len(values) < few {
		return r, false, nil
	}
	r.Fit, err = l.fit(ctx, c.to, values)
	return r, err == nil && float64(r.Fit) >= enough[c.says]*float64(len(values)), err
}

// fit counts the values that are keys of a table. One that the engine does not take for such a key at all, as it is out
// of its range, makes none of them one.
func (l *look) fit(ctx context.Context, to connectors.Table, values []connectors.Key) (n int, err error) {
	met := map[int]bool{}
	q := connectors.Query{Table: to.Name, Fields: to.Key, Keys: &connectors.Keys{Fields: to.Key, Tuples: values}}
	for b, err := range l.src.Scan(ctx, q) {
		if errors.Is(err, connectors.ErrRefused) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		for row := range int(b.Rows.NumRows()) {
			if b.Tuples == nil { // each row is its own
				n++
			} else {
				met[b.Tuples[row]] = true
			}
		}
	}
	return n + len(met), nil
}

// mean is how long values are in the middle, in bytes.
func mean(values []connectors.Key) int {
	n := 0
	for _, v := range values {
		n += len(v)
	}
	return n / len(values)
}
