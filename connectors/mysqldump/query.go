package mysqldump

import (
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
	fields    []int // of each column of the batch, its index in the table
	keyFields []int
	keys      *keyset.Set // nil: every row
	after     int64
	ordinal   int64 // of the row at hand, counted from 1 in the file's order
	maxRows   int
	builder   *connectors.Builder
	place     []int // of each field of the table, its place in a tuple; -1 if the statement has no value for it
	arity     int   // values in a tuple
	columns   []string
	placed    bool
	scratch   []byte
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
	names := q.Fields
	if names == nil {
		for i := range t.Fields {
			g.fields = append(g.fields, i)
		}
	}
	for _, name := range names {
		g.fields = append(g.fields, t.exact(name))
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

func (t *table) exact(field string) int {
	return slices.IndexFunc(t.Fields, func(f connectors.Field) bool { return f.Name == field })
}

// filter prepares the set that rows are looked up in.
func (g *target) filter(k *connectors.Keys) error {
	text := false
	for _, name := range k.Fields {
		i := g.exact(name)
		if i < 0 {
			return fmt.Errorf("table %s has no field %s: %w", g.Name, name, connectors.ErrSchemaChanged)
		}
		g.keyFields = append(g.keyFields, i)
		text = text || g.Fields[i].Kind == connectors.Text
	}
	var fold keyset.Fold // only for texts that are not the primary key
	if text && !slices.Equal(k.Fields, g.Key) {
		fold = foldAll
	}
	var err error
	g.keys, err = keyset.New(k.Tuples, fold)
	return err
}

// statement learns the places of the fields from the header of a statement.
func (g *target) statement(h insert) error {
	if g.placed && slices.Equal(g.columns, h.columns) {
		return nil
	}
	g.columns, g.placed = h.columns, true
	g.place = make([]int, len(g.Fields))
	if h.columns == nil {
		g.arity = 0
		for i := range g.Fields {
			g.place[i] = -1
			if i >= len(g.hidden) || !g.hidden[i] {
				g.place[i] = g.arity
				g.arity++
			}
		}
		return nil
	}
	for i := range g.place {
		g.place[i] = -1
	}
	for p, name := range h.columns {
		i := g.index(name)
		if i < 0 {
			return fmt.Errorf("an INSERT into table %s has a field %s that the table lacks: %w", g.Name, name, connectors.ErrDamaged)
		}
		g.place[i] = p
	}
	g.arity = len(h.columns)
	for _, i := range slices.Concat(g.fields, g.keyFields) {
		if g.place[i] < 0 && !g.Fields[i].Generated {
			return fmt.Errorf("an INSERT into table %s has no value for field %s: %w", g.Name, g.Fields[i].Name, connectors.ErrDamaged)
		}
	}
	return nil
}

// value returns the canonical value of a field of the table. It is valid until the next call.
func (g *target) value(d dialect, field int, tuple []byte, values []span) (v []byte, null bool, err error) {
	p := g.place[field]
	if p < 0 {
		return nil, true, nil
	}
	f := &g.Fields[field]
	raw := tuple[values[p].start:values[p].end]
	if v, ok := d.direct(raw, f.Kind); ok {
		return v, false, nil
	}
	bits := 0
	if f.Kind == connectors.Bit {
		bits = g.bits[field]
	}
	v, null, g.scratch, err = d.value(raw, g.scratch, f.Kind, bits)
	if err != nil {
		if f.Generated && strings.EqualFold(string(raw), "DEFAULT") {
			return nil, true, nil
		}
		return nil, false, fmt.Errorf("field %s of table %s: %w: %w", f.Name, g.Name, err, connectors.ErrDamaged)
	}
	return v, null, nil
}

// wanted reports whether the query asks for the row.
func (g *target) wanted(d dialect, tuple []byte, values []span) (bool, error) {
	if g.ordinal <= g.after {
		return false, nil
	}
	if g.keys == nil {
		return true, nil
	}
	g.keyBytes = g.keyBytes[:0]
	for _, i := range g.keyFields {
		v, null, err := g.value(d, i, tuple, values)
		if null || err != nil {
			return false, err
		}
		g.keyBytes = keyset.Append(g.keyBytes, v)
	}
	found, alike, err := g.keys.Find(g.keyBytes)
	if alike {
		return false, fmt.Errorf("a row of table %s refers to a row asked for with a text that differs in case, accents or spaces; whether the server takes the two for equal, "+
			"the dump does not say: %w", g.Name, connectors.ErrDamaged)
	}
	return found, err
}

// fill adds the row to the batch.
func (g *target) fill(d dialect, tuple []byte, values []span) error {
	for col, i := range g.fields {
		v, null, err := g.value(d, i, tuple, values)
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

func foldAll(values [][]byte) (string, error) {
	parts := make([][]byte, len(values))
	for i, v := range values {
		parts[i] = []byte(fold(string(v)))
	}
	return string(connectors.MakeKey(parts...)), nil
}

// fold maps texts that some collation of MySQL or MariaDB takes for equal to one text. It is coarser than any of them: case, accents, width, trailing spaces and control
// characters go, ligatures are spelt out, kana are one, and so are the characters beyond the basic plane, as in utf8mb4_general_ci.
func fold(s string) string {
	var b strings.Builder
	for _, r := range cases.Fold().String(norm.NFKD.String(s)) {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cc, unicode.Cf):
		case r > 0xffff:
			b.WriteByte('?')
		case r >= 0x30a1 && r <= 0x30f6: // katakana
			b.WriteRune(r - 0x60)
		case letters[r] != "":
			b.WriteString(letters[r])
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// letters that collations take for their Latin relatives and that have no decomposition.
var letters = map[rune]string{'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i", 'ħ': "h", 'ŋ': "n", 'ŧ': "t", 'ĸ': "k"}
