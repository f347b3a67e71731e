package pgdump

import (
	"bytes"
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
	form      []byte // what a value's canonical form is written into
}

// Target makes the target of a query.
func (f format) Target(t *table, q connectors.Query) (*target, error) {
	g, err := dumpfile.NewTarget(&t.Entry, q, t.alike)
	return &target{table: t, Target: g, unchecked: f.unchecked}, err
}

// alike says which keys may be equal though their bytes differ.
func (t *table) alike(keyed []int) keyset.Fold {
	if !slices.ContainsFunc(keyed, func(i int) bool { return t.info[i].loose != exact }) {
		return nil
	}
	return func(values [][]byte) (string, error) { return t.fold(keyed, values) }
}

// statement learns the places of the fields from the header of an INSERT or COPY.
func (g *target) statement(h insert) error {
	if g.Knows(h.columns) {
		return nil
	}
	if err := g.Learn(len(g.Fields), h.columns, g.Index); err != nil {
		return err
	}
	if h.columns == nil {
		for i := range g.Place {
			g.Place[i] = i
		}
		g.Arity = len(g.Place)
	}
	return nil
}

// value returns the canonical value of a field of the table. It is valid until the next call.
func (g *target) value(d dialect, field int, row []byte, values []span) (v []byte, null bool, err error) {
	p := g.Place[field]
	if p < 0 || p >= len(values) {
		return nil, true, nil
	}
	raw := row[values[p].start:values[p].end]
	f := g.info[field].form
	if d.copying {
		switch bytes.IndexByte(raw, '\\') {
		case -1:
			v = raw
		case 0:
			if len(raw) == 2 && raw[1] == 'N' {
				return nil, true, nil
			}
			fallthrough
		default:
			g.scratch, err = uncopy(g.scratch[:0], raw)
			v = g.scratch
		}
	} else {
		v, null, g.scratch, err = d.literal(raw, g.scratch)
		if err == errExpression && g.unchecked {
			return nil, true, nil
		}
	}
	if err == nil && !null && (f != asIs && f != asText || f == asText && d.charset != nil) {
		v, g.form, err = d.canonical(v, g.form[:0], f)
	}
	if err != nil {
		return nil, false, fmt.Errorf("field %s of table %s: %w: %w", g.Fields[field].Name, g.Name, err,
			connectors.ErrDamaged)
	}
	return v, null, nil
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

// fold maps keys that the server may take for equal to one text: it is coarser than any collation, and than
// what citext does.
func (t *table) fold(keyed []int, values [][]byte) (string, error) {
	if len(values) != len(keyed) {
		return "", connectors.ErrConfig
	}
	parts := make([][]byte, len(values))
	for i, v := range values {
		switch t.info[keyed[i]].loose {
		case padded:
			v = bytes.TrimRight(v, " ")
		case unscaled:
			if bytes.IndexByte(v, '.') >= 0 {
				v = bytes.TrimRight(bytes.TrimRight(v, "0"), ".")
			}
		case collated:
			var b strings.Builder
			for _, r := range cases.Fold().String(norm.NFKD.String(string(v))) {
				if unicode.IsLetter(r) || unicode.IsDigit(r) {
					b.WriteRune(r)
				}
			}
			v = []byte(b.String())
		}
		parts[i] = v
	}
	return string(connectors.MakeKey(parts...)), nil
}
