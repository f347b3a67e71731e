package mysqldump

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
)

// layout is how the rows of a text are written that LOAD DATA reads: the MySQL manual, "LOAD DATA Statement", "Field and
// Line Handling".
type layout struct {
	fieldEnd, lineEnd []byte // FIELDS TERMINATED BY, LINES TERMINATED BY
	lineStart         []byte // LINES STARTING BY
	quote, escape     byte   // ENCLOSED BY, ESCAPED BY; 0: none
	skip              int    // IGNORE n LINES
	decimal           bool   // BIT is written as a number, which is what --header makes of it
	hex               []bool // of each place in a row: the digits of octets
	charset           charset
	ends              [256]bool // of a run of plain bytes
}

// usual is the layout of mysqldump --tab, and of LOAD DATA where the statement says nothing.
func usual() *layout {
	return &layout{fieldEnd: []byte("\t"), lineEnd: []byte("\n"), escape: '\\'}
}

// errLayout says that rows are not written as they are said to be.
var errLayout = errors.New("the rows are not written as is said of them")

// check refuses layouts whose rows could be read in several ways, and makes the layout ready.
func (l *layout) check() error {
	switch {
	case len(l.fieldEnd) == 0 || len(l.lineEnd) == 0:
		return fmt.Errorf("nothing stands between fields, or between rows: %w", errors.ErrUnsupported)
	case bytes.HasPrefix(l.fieldEnd, l.lineEnd), bytes.HasPrefix(l.lineEnd, l.fieldEnd):
		return fmt.Errorf("what stands between fields begins as what stands between rows: %w", errors.ErrUnsupported)
	case l.quote != 0 && (l.quote == l.fieldEnd[0] || l.quote == l.lineEnd[0] || l.quote == l.escape),
		l.escape != 0 && (l.escape == l.fieldEnd[0] || l.escape == l.lineEnd[0]):
		return fmt.Errorf("one sign has two meanings: %w", errors.ErrUnsupported)
	}
	l.ends[l.fieldEnd[0]], l.ends[l.lineEnd[0]] = true, true
	if l.escape != 0 {
		l.ends[l.escape] = true
	}
	return nil
}

// at reports whether an ending stands at b[i]; known is false where b ends before that can be told.
func at(b []byte, i int, ending []byte, eof bool) (is, known bool) {
	if rest := b[i:]; len(rest) >= len(ending) {
		return bytes.HasPrefix(rest, ending), true
	} else if eof || !bytes.HasPrefix(ending, rest) {
		return false, true
	}
	return false, false
}

// row finds the fields of the row at the start of b, with their quotes, and its length with its ending; -1 if b ends
// before. ok is false where it cannot be read.
func (l *layout) row(b []byte, into []span, eof bool) (values []span, n int, ok bool) {
	values = into[:0]
	i := len(l.lineStart)
	if len(b) < i {
		return values, -1, !eof
	}
	if !bytes.HasPrefix(b, l.lineStart) {
		return values, 0, false
	}
	for {
		start := i
		if i < len(b) && l.quote != 0 && b[i] == l.quote {
			if i = l.closing(b, i+1); i < 0 {
				return values, -1, true
			}
		}
		end, n, last := l.fieldEnds(b, i, eof)
		if end < 0 {
			return values, -1, true
		}
		if i > start && end > i {
			return values, 0, false // more stands behind the quote
		}
		values = append(values, span{start, end})
		if last {
			return values, end + n, true
		}
		i = end + n
	}
}

// closing is the index behind the quote that closes a field whose text starts at b[i]; -1 if b ends before.
func (l *layout) closing(b []byte, i int) int {
	for i < len(b) {
		switch c := b[i]; {
		case l.escape != 0 && c == l.escape:
			i += 2
		case c != l.quote:
			i++
		case i+1 == len(b):
			return i + 1 // what follows tells
		case b[i+1] == l.quote:
			i += 2
		default:
			return i + 1
		}
	}
	return -1
}

// fieldEnds finds the ending of a field from b[i] on, of which n bytes are, and whether it ends the row; -1 if b ends
// before.
func (l *layout) fieldEnds(b []byte, i int, eof bool) (end, n int, last bool) {
	for {
		for i < len(b) && !l.ends[b[i]] {
			i++
		}
		if i == len(b) {
			return -1, 0, false
		}
		if l.escape != 0 && b[i] == l.escape {
			if i += 2; i > len(b) {
				return -1, 0, false
			}
			continue
		}
		row, known := at(b, i, l.lineEnd, eof)
		field, too := at(b, i, l.fieldEnd, eof)
		switch {
		case row:
			return i, len(l.lineEnd), true
		case field:
			return i, len(l.fieldEnd), false
		case !known || !too:
			return -1, 0, false
		}
		i++
	}
}

// value returns the canonical form of a field at a place of a row, as dialect.value does of a literal.
func (l *layout) value(d dialect, raw, scratch []byte, place int, kind connectors.Kind,
	bits int) (v []byte, null bool, grown []byte, err error) {
	quoted := l.quote != 0 && len(raw) > 1 && raw[0] == l.quote
	switch {
	case quoted:
		raw = raw[1 : len(raw)-1]
	case l.escape != 0 && len(raw) == 2 && raw[0] == l.escape && raw[1] == 'N':
		return nil, true, scratch, nil
	case l.escape == 0 && l.quote != 0 && string(raw) == "NULL":
		return nil, true, scratch, nil
	case l.escape == 0 && l.quote == 0 && string(raw) == "NULL":
		return nil, false, scratch, fmt.Errorf("a text or nothing, which cannot be told: %w", errLiteral)
	}
	v = raw
	if l.escape != 0 && bytes.IndexByte(v, l.escape) >= 0 || quoted && bytes.IndexByte(v, l.quote) >= 0 {
		if scratch, err = l.plain(scratch[:0], v, quoted); err != nil {
			return nil, false, scratch, err
		}
		v = scratch
	}
	if place < len(l.hex) && l.hex[place] {
		octets := make([]byte, hex.DecodedLen(len(v)))
		if _, err := hex.Decode(octets, v); err != nil {
			return nil, false, scratch, errLiteral
		}
		v = octets
	}
	switch kind {
	case connectors.Binary:
	case connectors.Bit:
		if !l.decimal {
			return bitString(v, bits), false, scratch, nil
		}
		n, err := parseUint(v)
		return uintBits(n, bits), false, scratch, err
	case connectors.Integer, connectors.Decimal, connectors.Float:
		if !number(v) {
			return nil, false, scratch, fmt.Errorf("no number: %w", errLayout)
		}
		if kind == connectors.Integer {
			v = withoutZeros(v)
		}
	default:
		if d.charset == either && !utf8.Valid(v) {
			d.charset = d.second
		}
		v, err = d.charset.decode(v)
	}
	return v, false, scratch, err
}

// plain appends a text without its escapes and doubled quotes.
func (l *layout) plain(dst, b []byte, quoted bool) ([]byte, error) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case quoted && c == l.quote: // it is doubled
			i++
			dst = append(dst, c)
		case l.escape != 0 && c == l.escape:
			if i++; i == len(b) || b[i] == 'N' {
				return dst, errLiteral
			}
			dst = append(dst, unescaped(b[i]))
		default:
			dst = append(dst, c)
		}
	}
	return dst, nil
}

// unescaped is what a byte stands for behind the escape.
func unescaped(c byte) byte {
	switch c {
	case '0':
		return 0
	case 'b':
		return '\b'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'Z':
		return 26
	}
	return c
}

// literal appends a new value, written as the old one, raw, was.
func (l *layout) literal(dst []byte, d dialect, f *connectors.Field, v []byte, null bool, raw []byte,
	place int) ([]byte, error) {
	if err := fits(f, v, null); err != nil {
		return nil, err
	}
	if null {
		return l.null(dst)
	}
	var err error
	switch f.Kind {
	case connectors.Bit:
		if v = bitOctets(v); l.decimal {
			v = new(big.Int).SetBytes(v).Append(nil, 10)
		}
	case connectors.Binary, connectors.Integer, connectors.Decimal, connectors.Float:
	default:
		if d.charset == either && !ascii(v) {
			return nil, fmt.Errorf("whether the file is in utf8mb4, or in the sets of its fields, cannot be told: %w",
				connectors.ErrRefused)
		}
		if v, err = d.charset.encode(v); err != nil {
			return nil, err
		}
	}
	if place < len(l.hex) && l.hex[place] {
		v = []byte(strings.ToUpper(hex.EncodeToString(v)))
	}
	quoted := l.quote != 0 && (len(raw) > 0 && raw[0] == l.quote || f.Kind == connectors.Text ||
		f.Kind == connectors.Binary || f.Kind == connectors.JSON)
	if quoted {
		dst = append(dst, l.quote)
	}
	for _, c := range v {
		switch {
		case c == 0 && l.escape != 0:
			dst = append(dst, l.escape, '0')
			continue
		case c == l.fieldEnd[0], c == l.lineEnd[0], l.escape != 0 && c == l.escape, l.quote != 0 && c == l.quote:
			if l.escape == 0 {
				return nil, fmt.Errorf("a new value has a sign that the rows are written with, and no escape is said: %w",
					connectors.ErrRefused)
			}
			dst = append(dst, l.escape)
		}
		dst = append(dst, c)
	}
	if quoted {
		dst = append(dst, l.quote)
	} else if l.escape == 0 && string(v) == "NULL" {
		return nil, fmt.Errorf("a new value reads as nothing: %w", connectors.ErrRefused)
	}
	return dst, nil
}

func (l *layout) null(dst []byte) ([]byte, error) {
	switch {
	case l.escape != 0:
		return append(dst, l.escape, 'N'), nil
	case l.quote != 0:
		return append(dst, "NULL"...), nil
	}
	return nil, fmt.Errorf("nothing cannot be written where no escape and no quotes are said: %w", connectors.ErrRefused)
}

// bitOctets is the octets of a BIT value that is written as 0 and 1.
func bitOctets(digits []byte) []byte {
	padded := fit(digits, (len(digits)+7)/8*8)
	octets := make([]byte, len(padded)/8)
	for i, c := range padded {
		octets[i/8] = octets[i/8]<<1 | (c - '0')
	}
	return octets
}

// text reads the rows of a text of a table, that LOAD DATA reads.
func (w *walker) text(id dumpfile.TableID, columns []string, l *layout) error {
	w.dialect = dialect{charset: l.charset, layout: l}
	h := insert{id: id, columns: columns}
	w.addTable(h)
	tab, t := w.tables[id], w.targets[id]
	if w.editor != nil && t != nil {
		w.editor.Part(dumpfile.Header, nil)
	}
	for range l.skip {
		if err := w.skipLine(l); err != nil {
			return err
		}
	}
	for {
		if len(w.Rest()) == 0 {
			if more, err := w.Follows(); err != nil || !more {
				return errors.Join(err, w.flushed())
			}
		}
		values, n, ok := l.row(w.Rest(), w.spans, w.EOF())
		w.spans = values
		if !ok {
			return w.At(0, "a row of table %s cannot be read: %w: %w", id.Name, errLayout, connectors.ErrDamaged)
		}
		if n < 0 {
			if w.EOF() {
				return w.At(0, "the file ends within a row of table %s: %w: %w", id.Name, errLayout, connectors.ErrDamaged)
			}
			if err := w.Extend(); err != nil {
				return err
			}
			continue
		}
		if t == nil && columns == nil && tab.heads(l, w.Rest(), values) {
			l.skip, l.decimal = 1, true
		} else if err := w.textRow(tab, t, &h, n); err != nil {
			return err
		}
		w.Drop(n)
	}
}

// heads reports whether the values of a row are the names of all fields, which --header writes first.
func (t *table) heads(l *layout, row []byte, values []span) bool {
	if t == nil || !t.Created || l.skip > 0 || t.Seen > 0 {
		return false
	}
	names := t.shown()
	if len(values) == len(t.Fields) {
		names = t.all()
	}
	return slices.EqualFunc(names, values, func(name string, v span) bool {
		value, null, _, err := l.value(dialect{}, row[v.start:v.end], nil, 0, connectors.Binary, 0)
		return err == nil && !null && string(value) == name
	})
}

// all are the names of the fields of a table.
func (t *table) all() (names []string) {
	for _, f := range t.Fields {
		names = append(names, f.Name)
	}
	return names
}

// shown are those that a SELECT * shows.
func (t *table) shown() (names []string) {
	for i, f := range t.Fields {
		if !t.hidden[i] {
			names = append(names, f.Name)
		}
	}
	return names
}

// textRow takes the row at hand, of n bytes.
func (w *walker) textRow(tab *table, t *target, h *insert, n int) error {
	if tab == nil { // a view or a sequence
		return nil
	}
	tab.Seen++
	if t == nil {
		switch {
		case tab.arity == 0:
			tab.arity = len(w.spans)
		case tab.arity != len(w.spans):
			return w.arity(tab, tab.arity)
		}
		if h.columns != nil && len(h.columns) != len(w.spans) {
			return w.arity(tab, len(h.columns))
		}
		return nil
	}
	if !t.Knows(h.columns) {
		if err := w.flushed(); err != nil {
			return err
		}
		if err := t.statement(*h); err != nil {
			return w.At(0, "%w", err)
		}
	}
	if len(w.spans) != t.Arity {
		return w.arity(tab, t.Arity)
	}
	return w.onRow(t, w.Rest()[:n], w.spans)
}

func (w *walker) arity(tab *table, want int) error {
	return w.At(0, "a row of table %s has %d values instead of %d: %w: %w", tab.ID.Name, len(w.spans), want, errLayout,
		connectors.ErrDamaged)
}

// skipLine passes a line that is no row.
func (w *walker) skipLine(l *layout) error {
	for {
		if i := bytes.Index(w.Rest(), l.lineEnd); i >= 0 {
			return w.pass(i + len(l.lineEnd))
		}
		if w.EOF() {
			return w.pass(len(w.Rest()))
		}
		if err := w.Extend(); err != nil {
			return err
		}
	}
}
