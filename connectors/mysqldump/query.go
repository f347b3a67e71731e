package mysqldump

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
)

// target is a query on its way.
type target struct {
	*table
	dumpfile.Target
	scratch   []byte
	unchecked bool // a value that only the server can know is read as NULL
}

// Target makes the target of a query.
func (f format) Target(t *table, q connectors.Query) (*target, error) {
	var of *connectors.Referred
	if q.Keys != nil {
		of = q.Keys.Of
	}
	g, err := dumpfile.NewTarget(&t.Entry, q, t.alike(of))
	return &target{table: t, Target: g, unchecked: f.unchecked}, err
}

// statement learns the places of the fields from the header of a statement.
func (g *target) statement(h insert) error {
	if g.Knows(h.columns) {
		return nil
	}
	if err := g.Learn(len(g.Fields), h.columns, g.index); err != nil {
		return err
	}
	if h.columns == nil {
		for i := range g.Fields {
			if i >= len(g.hidden) || !g.hidden[i] {
				g.Place[i] = g.Arity
				g.Arity++
			}
		}
		return nil
	}
	for _, i := range slices.Concat(g.Wanted, g.Keyed) {
		if !g.unchecked && g.Place[i] < 0 && !g.Fields[i].Generated && (i >= len(g.hidden) || !g.hidden[i]) {
			return fmt.Errorf("an INSERT into table %s has no value for field %s: %w",
				g.Name, g.Fields[i].Name, connectors.ErrDamaged)
		}
	}
	return nil
}

// value returns the canonical value of a field of the table. It is valid until the next call.
func (g *target) value(d dialect, field int, tuple []byte, values []span) (v []byte, null bool, err error) {
	p := g.Place[field]
	if p < 0 {
		return nil, true, nil
	}
	f := &g.Fields[field]
	raw := tuple[values[p].start:values[p].end]
	d = g.dialect(d, field, raw)
	if d.layout != nil {
		v, null, g.scratch, err = d.layout.value(d, raw, g.scratch, p, f.Kind, g.bits[field])
		if err != nil {
			err = fmt.Errorf("field %s of table %s: %w: %w", f.Name, g.Name, err, connectors.ErrDamaged)
		}
		return v, null, err
	}
	if v, ok := d.direct(raw, f.Kind); ok {
		return v, false, nil
	}
	bits := 0
	if f.Kind == connectors.Bit {
		bits = g.bits[field]
	}
	v, null, g.scratch, err = d.value(raw, g.scratch, f.Kind, bits)
	if err != nil {
		if f.Generated && strings.EqualFold(string(raw), "DEFAULT") || g.unchecked && errors.Is(err, errExpression) {
			return nil, true, nil
		}
		return nil, false, fmt.Errorf("field %s of table %s: %w: %w", f.Name, g.Name, err, connectors.ErrDamaged)
	}
	return v, null, nil
}

// dialect is how the texts of a field are written. Octets that are given for a text are in the set of its field.
func (g *target) dialect(d dialect, field int, raw []byte) dialect {
	octets := d.layout == nil && len(raw) > 2 && (raw[1] == 'x' && raw[0] == '0' || raw[1] == '\'' && raw[0]|0x20 == 'x')
	switch {
	case field >= len(g.sets):
	case octets, d.charset == own, d.charset == either && g.sets[field] == utf8mb4:
		d.charset = g.sets[field]
	case d.charset == either:
		d.second = g.sets[field]
	}
	return d
}

// take adds the row to the batch if the query asks for it.
func (g *target) take(d dialect, tuple []byte, values []span) (bool, error) {
	if !g.Reached() {
		return false, nil
	}
	for _, i := range g.Keyed {
		v, null, err := g.value(d, i, tuple, values)
		if null || err != nil {
			return false, err
		}
		g.AddKey(v)
	}
	if found, err := g.Found(); !found {
		return false, err
	}
	for col, i := range g.Wanted {
		v, null, err := g.value(d, i, tuple, values)
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
