package csvdir

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"unicode/utf8"

	"lethe/connectors"
	"lethe/connectors/delimited"
)

// writing writes rows of a file with other values: as the file is written, so that they are read as what they are.
type writing struct {
	layout delimited.Layout
	coding delimited.Coding
	guess  bool
	cells  []delimited.Cell
	again  []delimited.Cell
}

func (w *writing) Cut(g *target, row []byte) int {
	w.cells, _ = w.layout.Row(row, w.cells, len(g.Fields), true)
	for len(w.cells) < len(g.Fields) { // a row that ends early, where that is allowed
		w.cells = append(w.cells, delimited.Cell{Start: len(row), End: len(row)})
	}
	return len(w.cells)
}

func (w *writing) At(place int) (start, end int) {
	c := w.cells[place]
	if c.Quoted {
		return c.Start - 1, c.End + 1
	}
	return c.Start, c.End
}

func (w *writing) Value(g *target, field int, row []byte) (v []byte, null bool, err error) {
	v, null = g.value(field, row, w.cells)
	return v, null, nil
}

func (w *writing) Computed(*target, [][]byte) error { return nil }

// errNotWritten says that a value cannot be written so that it is read again.
var errNotWritten = errors.New("the file is written in a way that has no place for such a value")

// Literal writes a value in quotes where the old one stood in some, or where it would be read as another without. It is
// read again as it was written, or refused.
func (w *writing) Literal(dst []byte, g *target, field int, v []byte, null bool, raw []byte) ([]byte, error) {
	start := len(dst)
	if err := w.fits(&g.Fields[field], v, null, raw); err != nil {
		return dst, err
	}
	tries := [][]byte{w.bare(v, null)}
	if quoted := w.quoted(v); quoted != nil && !null {
		tries = append(tries, quoted)
		if bytes.HasPrefix(raw, []byte{w.layout.Quote}) || !w.plain(v) {
			slices.Reverse(tries)
		}
	}
	for _, try := range tries {
		if try != nil && w.reads(g, field, try, v, null) {
			return append(dst[:start], try...), nil
		}
	}
	return dst, fmt.Errorf("%w: %w", errNotWritten, connectors.ErrRefused)
}

// plain reports whether every program reads a value without quotes as what it is.
func (w *writing) plain(v []byte) bool {
	return !bytes.ContainsAny(v, "\r\n"+string(w.layout.Quote)) && len(bytes.TrimSpace(v)) == len(v)
}

// bare is a value without quotes.
func (w *writing) bare(v []byte, null bool) []byte {
	switch {
	case null && w.layout.Null != "":
		return []byte(w.layout.Null)
	case null && w.layout.Escape == delimited.Backslash:
		return []byte(`\N`)
	case null:
		return []byte{}
	case w.layout.Escape != delimited.Backslash:
		return bytes.Clone(v)
	}
	out := []byte{}
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '\\', w.layout.Quote != 0 && c == w.layout.Quote:
			out = append(out, '\\', c)
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\r':
			out = append(out, `\r`...)
		case w.layout.Delimiter != "" && bytes.HasPrefix(v[i:], []byte(w.layout.Delimiter)):
			out = append(out, '\\', c)
		default:
			out = append(out, c)
		}
	}
	return out
}

// quoted is a value in quotes; nil where the file has none.
func (w *writing) quoted(v []byte) []byte {
	q := w.layout.Quote
	if q == 0 {
		return nil
	}
	out := []byte{q}
	for _, c := range v {
		switch {
		case c == '\\' && w.layout.Escape == delimited.Backslash, c == q && w.layout.Escape == delimited.Backslash:
			out = append(out, '\\')
		case c == q:
			out = append(out, q)
		}
		out = append(out, c)
	}
	return append(out, q)
}

// reads reports whether a field that is written so is read as the value, between others, as the first and as the last.
func (w *writing) reads(g *target, field int, written, v []byte, null bool) bool {
	sides := []string{"", "\n"}
	if d := w.layout.Delimiter; d != "" {
		sides = []string{"x" + d, d + "x\n"}
	}
	for _, s := range [][2]string{{sides[0], sides[1]}, {"", sides[1]}, {sides[0], "\n"}} {
		row := slices.Concat([]byte(s[0]), written, []byte(s[1]))
		at, fields := 0, 1
		if s[0] != "" {
			at, fields = 1, 2
		}
		if s[1] != "\n" {
			fields++
		}
		var n int
		w.again, n = w.layout.Row(row, w.again, fields, true)
		if n != len(row) || len(w.again) != fields {
			return false
		}
		cells := make([]delimited.Cell, len(g.Fields))
		cells[field] = w.again[at]
		got, isNull := g.value(field, row, cells)
		if isNull != null || !null && !bytes.Equal(got, v) {
			return false
		}
	}
	return true
}

// fits refuses a value that the file's encoding lacks, and one of a kind that the file writes in another way than Lethe.
func (w *writing) fits(f *connectors.Field, v []byte, null bool, raw []byte) error {
	if null {
		return nil
	}
	if _, err := w.coding.Encode(v); err != nil {
		return fmt.Errorf("the file's encoding has no such character: %w", connectors.ErrRefused)
	}
	if w.guess && slices.ContainsFunc(v, func(c byte) bool { return c >= utf8.RuneSelf }) {
		return fmt.Errorf("whether the file is UTF-8 nobody said: say by `encoding` in what it is written: %w",
			connectors.ErrRefused)
	}
	old := string(bytes.Trim(raw, string(w.layout.Quote)+" "))
	if form, ok := forms[f.Kind]; ok && old != "" && !form.MatchString(old) {
		return fmt.Errorf("the file writes such values in another way than Lethe reads them (%s): %w", f.Kind,
			connectors.ErrRefused)
	}
	return nil
}

// forms are how values of some kinds are read, where a file may write them in other ways: days by their month, bytes in
// hexadecimal digits.
var forms = map[connectors.Kind]*regexp.Regexp{
	connectors.Date:      regexp.MustCompile(`^\d{4}-\d\d-\d\d$`),
	connectors.Timestamp: regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$`),
	connectors.Time:      regexp.MustCompile(`^-?\d+:\d\d:\d\d(\.\d+)?$`),
	connectors.Bit:       regexp.MustCompile(`^[01]+$`),
	connectors.Binary:    regexp.MustCompile(`^([^\\0]|\\[^x]|0[^x]|.$)`),
}
