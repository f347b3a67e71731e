package mssqldump

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/keyset"
)

// target is a query on its way.
type target struct {
	*table
	dumpfile.Target
	unchecked bool
	scratch   []byte
}

// Target makes the target of a query.
func (f format) Target(t *table, q connectors.Query) (*target, error) {
	g, err := dumpfile.NewTarget(&t.Entry, q, t.alike)
	return &target{table: t, Target: g, unchecked: f.unchecked}, err
}

// alike says which keys may be equal though their bytes differ: texts, by nearly every collation of a server.
func (t *table) alike(keyed []int) keyset.Fold {
	if !slices.ContainsFunc(keyed, func(i int) bool { return t.info[i].kind == connectors.Text && t.info[i].base != "uniqueidentifier" }) {
		return nil
	}
	return func(values [][]byte) (string, error) { return t.fold(keyed, values) }
}

// fold maps keys that a server may take for equal to one text: it is coarser than any collation.
func (t *table) fold(keyed []int, values [][]byte) (string, error) {
	if len(values) != len(keyed) {
		return "", connectors.ErrConfig
	}
	parts := make([][]byte, len(values))
	for n, v := range values {
		switch info := &t.info[keyed[n]]; {
		case info.kind != connectors.Text || info.base == "uniqueidentifier":
		case info.exact:
			v = bytes.TrimRight(v, " ")
		default:
			var b strings.Builder
			for _, r := range cases.Fold().String(norm.NFKD.String(string(v))) {
				if unicode.IsLetter(r) || unicode.IsDigit(r) {
					b.WriteRune(r)
				}
			}
			v = []byte(b.String())
		}
		parts[n] = v
	}
	return string(connectors.MakeKey(parts...)), nil
}

// statement learns the places of the fields from the header of an INSERT.
func (g *target) statement(h header) error {
	if g.Knows(h.columns) {
		return nil
	}
	if err := g.Learn(len(g.Fields), h.columns, g.index); err != nil {
		return err
	}
	if h.columns == nil {
		places := g.filled()
		for p, i := range places {
			g.Place[i] = p
		}
		g.Arity = len(places)
	}
	return nil
}

// value returns the canonical value of a field of the table. It is valid until the next call.
func (g *target) value(d dialect, field int, row []byte, values []span) (v []byte, null bool, err error) {
	p := g.Place[field]
	if p < 0 || p >= len(values) {
		return nil, true, nil
	}
	c, err := d.constant(row[values[p].start:values[p].end], g.scratch)
	switch {
	case err == nil && c.null:
		return nil, true, nil
	case err == nil:
		v, err = d.canonical(c, &g.info[field])
	}
	if errors.Is(err, errExpression) && g.unchecked {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("field %s of table %s: %w: %w", g.Fields[field].Name, g.Name, err,
			connectors.ErrDamaged)
	}
	return v, false, nil
}

// take adds the row to the batch if the query asks for it.
func (g *target) take(d dialect, row []byte, values []span) (bool, error) {
	if !g.Reached() {
		return false, nil
	}
	for _, i := range g.Keyed {
		v, null, err := g.value(d, i, row, values)
		if null || err != nil {
			return false, err
		}
		g.AddKey(v)
	}
	if found, err := g.Found(); !found {
		return false, err
	}
	for col, i := range g.Wanted {
		v, null, err := g.value(d, i, row, values)
		switch {
		case err != nil:
			return false, err
		case null:
			g.Builder.AppendNull(col)
		default:
			g.Builder.Append(col, v)
		}
	}
	g.Builder.EndRow()
	return true, nil
}
