package mysqldump

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
)

type editor = dumpfile.Editor[*target]

// writing writes rows with other values, in the dialect of the walker at hand.
type writing struct {
	dialect *dialect
	spans   []span
}

func (w *writing) Cut(_ *target, row []byte) int {
	if l := w.dialect.layout; l != nil {
		w.spans, _, _ = l.row(row, w.spans, true)
	} else {
		w.spans, _, _ = w.dialect.tuple(row, w.spans, true)
	}
	return len(w.spans)
}

func (w *writing) At(place int) (start, end int) { return w.spans[place].start, w.spans[place].end }

func (w *writing) Value(t *target, field int, row []byte) (v []byte, null bool, err error) {
	return t.value(*w.dialect, field, row, w.spans)
}

func (w *writing) Literal(dst []byte, t *target, field int, v []byte, null bool, raw []byte) ([]byte, error) {
	d, f := t.dialect(*w.dialect, field, nil), &t.Fields[field]
	if d.layout != nil {
		return d.layout.literal(dst, d, f, v, null, raw, t.Place[field])
	}
	return d.literal(dst, f, v, null, raw)
}

// Computed leaves generated values, which the old values may shine through, to the server if any changes. The instants
// between which a versioned row held are generated too, but say nothing of its values, and tell it from the row's other
// states.
func (w *writing) Computed(t *target, fresh [][]byte) error {
	computed := []byte("DEFAULT")
	if l := w.dialect.layout; l != nil { // LOAD DATA leaves what is given for such a field
		var err error
		if computed, err = l.null(nil); err != nil {
			return err
		}
	}
	for i, f := range t.Fields {
		if f.Generated && t.Place[i] >= 0 && !t.stamps[f.Name] {
			fresh[t.Place[i]] = computed
		}
	}
	return nil
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
	if _, computed := dumpfile.ReadConversion(raw); computed {
		return nil, fmt.Errorf("a value that a function converts is not written anew: %w", connectors.ErrRefused)
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
