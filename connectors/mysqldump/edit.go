package mysqldump

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
)

// The events between two calls of edit, in the order of the file.
const (
	evText      byte = iota // between statements
	evHeader                // of an INSERT, up to the first row
	evSeparator             // between two rows
	evRow
	evEnd // of an INSERT
)

type event struct {
	kind byte
	row  int32 // of the batch; -1: not asked for
	end  int   // in editor.held; an event starts where the one before ends
}

// heldBytes is how much text may wait for an answer of edit.
const heldBytes = 8 << 20

// editor holds the text back that waits for edit, and writes it as edit says.
type editor struct {
	out     *anew.Writer
	edit    connectors.EditFunc
	dialect *dialect
	current *target // of the rows at hand
	rows    int     // in the batch
	held    []byte
	events  []event

	header, separator []byte
	begun             bool // a row of the statement has been written, so its header has too
	swallow           bool // a statement was dropped: its newline goes with it

	counts  map[*target]*connectors.RewriteCount
	touched bool // the new text differs

	spans    []span
	fresh    [][]byte // new literals by their place in the tuple at hand
	literals []byte   // their bytes
	fields   []int    // of the table, that Edit.Set names
}

func (e *editor) add(kind byte, b []byte) { e.addRow(kind, b, -1) }

func (e *editor) addRow(kind byte, b []byte, row int) {
	e.held = append(e.held, b...)
	e.events = append(e.events, event{kind, int32(row), len(e.held)})
}

// text takes what stands between statements, and the statements that are copied.
func (e *editor) text(b []byte) error {
	if len(e.events) > 0 {
		e.add(evText, b)
		if len(e.held) > heldBytes {
			return e.flush()
		}
		return nil
	}
	return e.copyText(b)
}

func (e *editor) copyText(b []byte) error {
	if e.swallow && len(b) > 0 {
		e.swallow = false
		if b = bytes.TrimPrefix(b, []byte{'\r'}); len(b) > 0 && b[0] == '\n' {
			b = b[1:]
		}
	}
	return e.out.Put(b)
}

// flush asks edit about the rows at hand and writes all that waits.
func (e *editor) flush() error {
	var edit connectors.Edit
	if e.rows > 0 {
		var err error
		if edit, err = e.edit(e.current.Batch()); err != nil {
			return err
		}
		if err := e.check(edit); err != nil {
			return err
		}
	}
	start := 0
	for _, ev := range e.events {
		if err := e.play(ev, e.held[start:ev.end], edit); err != nil {
			return err
		}
		start = ev.end
	}
	e.held, e.events, e.rows = e.held[:0], e.events[:0], 0
	return nil
}

// check refuses an Edit that does not fit the batch.
func (e *editor) check(edit connectors.Edit) error {
	t := e.current
	e.fields = e.fields[:0]
	if edit.Ops == nil {
		if len(edit.Set) > 0 {
			return fmt.Errorf("table %s: new values without operations: %w", t.Name, connectors.ErrRefused)
		}
		return nil
	}
	if len(edit.Ops) != e.rows {
		return fmt.Errorf("table %s: %d operations for %d rows: %w", t.Name, len(edit.Ops), e.rows,
			connectors.ErrRefused)
	}
	for _, a := range edit.Set {
		i := t.Index(a.Field)
		switch {
		case i < 0:
			return fmt.Errorf("table %s has no field %s: %w", t.Name, a.Field, connectors.ErrSchemaChanged)
		case t.Fields[i].Generated:
			return fmt.Errorf("field %s of table %s is generated and cannot be set: %w", a.Field, t.Name,
				connectors.ErrRefused)
		case len(a.Rows) != e.rows || a.Values.Len() != e.rows:
			return fmt.Errorf("field %s of table %s: values for %d of %d rows: %w", a.Field, t.Name, a.Values.Len(),
				e.rows, connectors.ErrRefused)
		}
		e.fields = append(e.fields, i)
		for row, set := range a.Rows {
			if set && edit.Ops[row] != connectors.Update {
				return fmt.Errorf("field %s of table %s: a new value for a row that is not updated: %w", a.Field,
					t.Name, connectors.ErrRefused)
			}
		}
	}
	return nil
}

func (e *editor) play(ev event, b []byte, edit connectors.Edit) error {
	switch ev.kind {
	case evText:
		return e.copyText(b)
	case evHeader:
		e.header, e.begun = append(e.header[:0], b...), false
		e.separator = e.separator[:0]
	case evSeparator:
		e.separator = append(e.separator[:0], b...)
	case evEnd:
		if e.begun {
			return e.out.Put(b)
		}
		e.swallow = true
	case evRow:
		return e.playRow(int(ev.row), b, edit)
	}
	return nil
}

func (e *editor) playRow(row int, tuple []byte, edit connectors.Edit) error {
	op := connectors.Leave
	if row >= 0 {
		count := e.counts[e.current]
		count.Read++
		if edit.Ops != nil {
			op = edit.Ops[row]
		}
		switch op {
		case connectors.Delete:
			count.Deleted++
			e.touched = true
			return nil
		case connectors.Update:
			count.Updated++
		default:
			count.Left++
		}
	}
	lead := e.separator
	if !e.begun {
		lead = e.header
		e.begun, e.swallow = true, false
	}
	if err := e.out.Put(lead); err != nil {
		return err
	}
	if op == connectors.Update {
		return e.update(row, tuple, edit.Set)
	}
	return e.out.Put(tuple)
}

// update writes a row with new values. Only the literals that change are written anew; generated values,
// which the old values may shine through, are left to the server if any does. The instants between which a
// versioned row held are generated too, but say nothing of its values, and tell it from the row's other states.
func (e *editor) update(row int, tuple []byte, set []connectors.Assignment) error {
	t := e.current
	if l := e.dialect.layout; l != nil {
		e.spans, _, _ = l.row(tuple, e.spans, true)
	} else {
		e.spans, _, _ = e.dialect.tuple(tuple, e.spans, true)
	}
	e.fresh = slices.Grow(e.fresh[:0], len(e.spans))[:len(e.spans)]
	clear(e.fresh)
	e.literals = e.literals[:0]
	changed := false
	for n, a := range set {
		if !a.Rows[row] {
			continue
		}
		i := e.fields[n]
		place := t.Place[i]
		if place < 0 {
			return fmt.Errorf("an INSERT into table %s has no place for field %s: %w", t.Name, a.Field,
				connectors.ErrRefused)
		}
		var fresh []byte
		if !a.Values.IsNull(row) {
			fresh = a.Values.Value(row)
		}
		old, null, err := t.value(*e.dialect, i, tuple, e.spans)
		if err != nil {
			return err
		}
		if null == a.Values.IsNull(row) && bytes.Equal(old, fresh) {
			continue
		}
		f := &t.Fields[i]
		raw := tuple[e.spans[place].start:e.spans[place].end]
		start := len(e.literals)
		d := t.dialect(*e.dialect, i, nil)
		if d.layout != nil {
			e.literals, err = d.layout.literal(e.literals, d, f, fresh, a.Values.IsNull(row), raw, place)
		} else {
			e.literals, err = d.literal(e.literals, f, fresh, a.Values.IsNull(row), raw)
		}
		if err != nil {
			return fmt.Errorf("field %s of table %s: %w", f.Name, t.Name, err)
		}
		e.fresh[place] = e.literals[start:]
		changed = true
	}
	if !changed {
		return e.out.Put(tuple)
	}
	e.touched = true
	computed := []byte("DEFAULT")
	if l := e.dialect.layout; l != nil { // LOAD DATA leaves what is given for such a field
		var err error
		if computed, err = l.null(nil); err != nil {
			return err
		}
	}
	for i, f := range t.Fields {
		if f.Generated && t.Place[i] >= 0 && !t.stamps[f.Name] {
			e.fresh[t.Place[i]] = computed
		}
	}
	done := 0
	for place, fresh := range e.fresh {
		if fresh == nil {
			continue
		}
		if err := e.out.Put(tuple[done:e.spans[place].start]); err != nil {
			return err
		}
		if err := e.out.Put(fresh); err != nil {
			return err
		}
		done = e.spans[place].end
	}
	return e.out.Put(tuple[done:])
}

// fits refuses a new value that a field cannot hold.
func fits(f *connectors.Field, v []byte, null bool) error {
	switch {
	case null && !f.Nullable:
		return fmt.Errorf("NULL in a field that is NOT NULL: %w", connectors.ErrRefused)
	case null:
		return nil
	}
	switch f.Kind {
	case connectors.Integer, connectors.Decimal, connectors.Float:
		if !number(v) {
			return fmt.Errorf("a new value is no number: %w", connectors.ErrRefused)
		}
	case connectors.Bit:
		if len(v) != bitLength(f.Type) || len(bytes.Trim(v, "01")) > 0 {
			return fmt.Errorf("a new value is not %d bits: %w", bitLength(f.Type), connectors.ErrRefused)
		}
	case connectors.Binary:
		if f.Length > 0 && len(v) > f.Length {
			return fmt.Errorf("a new value is longer than %d bytes: %w", f.Length, connectors.ErrRefused)
		}
	default:
		if f.Length > 0 && utf8.RuneCount(v) > f.Length {
			return fmt.Errorf("a new value is longer than %d characters: %w", f.Length, connectors.ErrRefused)
		}
	}
	return nil
}

// literal appends a new value, written as the old one, raw, was.
func (d dialect) literal(dst []byte, f *connectors.Field, v []byte, null bool, raw []byte) ([]byte, error) {
	if err := fits(f, v, null); err != nil {
		return nil, err
	}
	if null {
		return append(dst, "NULL"...), nil
	}
	switch f.Kind {
	case connectors.Integer, connectors.Decimal, connectors.Float:
		if len(raw) > 0 && raw[0] == '\'' {
			return d.quote(dst, v), nil
		}
		return append(dst, v...), nil
	case connectors.Bit:
		return append(append(append(dst, "b'"...), v...), '\''), nil
	case connectors.Binary:
		return d.binary(dst, v, raw), nil
	}
	if len(raw) > 7 && strings.EqualFold(string(raw[:7]), "CONVERT") {
		return append(d.quote(append(dst, "CONVERT("...), v), usingUTF8...), nil
	}
	v, err := d.charset.encode(v)
	if err != nil {
		return nil, err
	}
	return d.quote(dst, v), nil
}

// binary appends octets in quotes, with _binary, or in hexadecimal; the last where the old value does not
// show which.
func (d dialect) binary(dst, v, raw []byte) []byte {
	switch {
	case len(raw) > 0 && raw[0] == '\'':
		return d.quote(dst, v)
	case len(raw) > 7 && strings.EqualFold(string(raw[:7]), "_binary"):
		return d.quote(append(dst, "_binary "...), v)
	case len(v) == 0:
		return append(dst, "''"...)
	}
	return hex.AppendEncode(append(dst, "0x"...), v)
}

// quote appends v as a string literal, with the escapes of mysql_real_escape_string.
func (d dialect) quote(dst, v []byte) []byte {
	dst = append(dst, '\'')
	simple := 0
	for simple < len(v) && !special[v[simple]] {
		simple++
	}
	dst = append(dst, v[:simple]...)
	for _, c := range v[simple:] {
		if d.plainBackslash {
			if c == '\'' {
				dst = append(dst, '\'')
			}
			dst = append(dst, c)
			continue
		}
		switch c {
		case 0:
			dst = append(dst, '\\', '0')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case 26:
			dst = append(dst, '\\', 'Z')
		case '\\', '\'', '"':
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '\'')
}

// special bytes need an escape in one of the modes.
var special = [256]bool{0: true, '\n': true, '\r': true, 26: true, '\\': true, '\'': true, '"': true}

// number reports whether v is written as a number.
func number(v []byte) bool {
	digits := false
	for _, c := range v {
		switch {
		case c >= '0' && c <= '9':
			digits = true
		case c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E':
			return false
		}
	}
	return digits
}
