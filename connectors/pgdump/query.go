package pgdump

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"lethe/connectors"
	"lethe/connectors/internal/keyset"
)

// batchRows is the most rows of a batch where the query does not say.
const batchRows = 1 << 14

// target is a query on the way: where its values stand in a row, and the batch that is being filled.
type target struct {
	*table
	unchecked bool
	fields    []int // of each column of the batch, its index in the table
	keyFields []int
	keys      *keyset.Set // nil: every row
	after     int64
	ordinal   int64 // of the row at hand, counted from 1 in the file's order
	maxRows   int
	builder   *connectors.Builder
	place     []int // of each field of the table, its place in a row; -1 if there is no value for it
	arity     int   // values in a row
	columns   []string
	placed    bool
	scratch   []byte
	form      []byte // what a value's canonical form is written into
	keyBytes  []byte
}

func newTarget(t *table, q connectors.Query) (*target, error) {
	g := &target{table: t, maxRows: q.MaxRows}
	if g.maxRows <= 0 {
		g.maxRows = batchRows
	}
	var err error
	if g.builder, err = connectors.NewBuilder(t.Table, q.Fields); err != nil {
		return nil, err
	}
	if q.Fields == nil {
		for i := range t.Fields {
			g.fields = append(g.fields, i)
		}
	}
	for _, name := range q.Fields {
		g.fields = append(g.fields, t.index(name))
	}
	if q.After != "" {
		if g.after, err = strconv.ParseInt(string(q.After), 10, 64); err != nil || g.after < 0 {
			return nil, fmt.Errorf("the cursor is none of a dump: %w", connectors.ErrConfig)
		}
	}
	if q.Keys != nil {
		err = g.filter(q.Keys)
	}
	return g, err
}

// filter prepares the set that rows are looked up in.
func (g *target) filter(k *connectors.Keys) error {
	loose := false
	for _, name := range k.Fields {
		i := g.index(name)
		if i < 0 {
			return fmt.Errorf("table %s has no field %s: %w", g.Name, name, connectors.ErrSchemaChanged)
		}
		g.keyFields = append(g.keyFields, i)
		loose = loose || g.info[i].loose != exact
	}
	var fold keyset.Fold
	if loose {
		fold = g.fold
	}
	var err error
	if g.keys, err = keyset.New(k.Tuples, fold); err != nil {
		return fmt.Errorf("a key of table %s has not a value for each field: %w", g.Name, connectors.ErrConfig)
	}
	return nil
}

// statement learns the places of the fields from the header of an INSERT or COPY.
func (g *target) statement(h insert) error {
	if g.placed && slices.Equal(g.columns, h.columns) {
		return nil
	}
	g.columns, g.placed = h.columns, true
	g.place = make([]int, len(g.Fields))
	if h.columns == nil {
		for i := range g.place {
			g.place[i] = i
		}
		g.arity = len(g.place)
		return nil
	}
	for i := range g.place {
		g.place[i] = -1
	}
	for p, name := range h.columns {
		i := g.index(name)
		if i < 0 {
			return fmt.Errorf("a statement fills a field %s that table %s lacks: %w", name, g.Name, connectors.ErrDamaged)
		}
		g.place[i] = p
	}
	g.arity = len(h.columns)
	return nil
}

// value returns the canonical value of a field of the table. It is valid until the next call.
func (g *target) value(d dialect, field int, row []byte, values []span) (v []byte, null bool, err error) {
	p := g.place[field]
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
		return nil, false, fmt.Errorf("field %s of table %s: %w: %w", g.Fields[field].Name, g.Name, err, connectors.ErrDamaged)
	}
	return v, null, nil
}

// wanted reports whether the query asks for the row.
func (g *target) wanted(d dialect, row []byte, values []span) (bool, error) {
	if g.ordinal <= g.after {
		return false, nil
	}
	if g.keys == nil {
		return true, nil
	}
	g.keyBytes = g.keyBytes[:0]
	for _, i := range g.keyFields {
		v, null, err := g.value(d, i, row, values)
		if null || err != nil {
			return false, err
		}
		g.keyBytes = keyset.Append(g.keyBytes, v)
	}
	found, alike, err := g.keys.Find(g.keyBytes)
	if alike {
		return false, fmt.Errorf("a row of table %s has a key asked for with a text that differs in case, accents or spaces; whether the server takes the two for equal, "+
			"the dump does not say: %w", g.Name, connectors.ErrDamaged)
	}
	return found, err
}

// fill adds the row to the batch.
func (g *target) fill(d dialect, row []byte, values []span) error {
	for col, i := range g.fields {
		v, null, err := g.value(d, i, row, values)
		switch {
		case err != nil:
			return err
		case null:
			g.builder.AppendNull(col)
		default:
			g.builder.Append(col, v)
		}
	}
	g.builder.EndRow()
	return nil
}

// cursor is where the scan of the table stands.
func (g *target) cursor() connectors.Cursor {
	return connectors.Cursor(strconv.FormatInt(g.ordinal, 10))
}

// fold maps keys that the server may take for equal to one text: it is coarser than any collation, and than what citext does.
func (g *target) fold(values [][]byte) (string, error) {
	if len(values) != len(g.keyFields) {
		return "", connectors.ErrConfig
	}
	parts := make([][]byte, len(values))
	for i, v := range values {
		switch g.info[g.keyFields[i]].loose {
		case padded:
			v = bytes.TrimRight(v, " ")
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
