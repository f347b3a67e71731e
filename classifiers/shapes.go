package classifiers

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How much of the form of values is told: of no form that fewer rows have, the commonest few, and of each so much.
const (
	fewestRows = 10
	mostShapes = 3
	mostRuns   = 12
)

// shape is the form of values: runs of characters of one kind, with how long they are. A run is A capitals, a small
// letters, x other letters, 9 digits, or the sign itself; 0 is none.
type shape struct {
	runs     [mostRuns]byte
	from, to [mostRuns]int
	rows     int
	cut      bool // there is more behind it
}

// shapes are the commonest forms of a field's values, without any value: "Aa{3,9} Aa{2,12}". There are none of national
// numbers, secrets, free text and what the GDPR calls special, nor of what fewer than ten rows have.
func (f *fieldState) shapes() []string {
	if !mayShowShape(f.verdict.Primary) || !mayShowShape(f.verdict.Candidate) || f.field.Kind == "binary" ||
		f.form() == "prose" || f.form() == "document" {
		return nil
	}
	byRuns := map[[mostRuns]byte]*shape{}
	for i := range f.column.sample.entries {
		e := &f.column.sample.entries[i]
		s := shapeOf(e.value, int(e.size) > len(e.value))
		old := byRuns[s.runs]
		if old == nil {
			first := s
			old = &first
			byRuns[s.runs] = old
		}
		old.rows += int(e.count)
		old.cut = old.cut || s.cut
		for i := range old.from {
			old.from[i], old.to[i] = min(old.from[i], s.from[i]), max(old.to[i], s.to[i])
		}
	}
	var list []*shape
	for _, s := range byRuns {
		if s.rows >= fewestRows {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *shape) int {
		if a.rows != b.rows {
			return b.rows - a.rows
		}
		return bytes.Compare(a.runs[:], b.runs[:])
	})
	var out []string
	for _, s := range list[:min(len(list), mostShapes)] {
		out = append(out, s.String())
	}
	return out
}

// mayShowShape reports whether the form of values of a kind may be told.
func mayShowShape(c Category) bool {
	switch c {
	case NationalID, TaxID, Passport, FreeText, Secret:
		return false
	}
	return c.Class() != Special
}

func shapeOf(value []byte, cut bool) shape {
	s := shape{cut: cut}
	n := -1
	for len(value) > 0 {
		r, size := utf8.DecodeRune(value)
		value = value[size:]
		kind := kindOfSign(r)
		if n < 0 || kind != s.runs[n] {
			if n++; n == mostRuns {
				s.cut = true
				break
			}
			s.runs[n] = kind
		}
		s.from[n]++
	}
	s.to = s.from
	return s
}

// kindOfSign is the sign that stands for a character in a shape.
func kindOfSign(r rune) byte {
	switch {
	case unicode.IsDigit(r):
		return '9'
	case unicode.IsUpper(r):
		return 'A'
	case unicode.IsLower(r):
		return 'a'
	case unicode.IsLetter(r) || unicode.IsMark(r):
		return 'x'
	case unicode.IsSpace(r):
		return ' '
	case r > ' ' && r < 0x7f && r != ';': // which parts shapes in the tables of the report
		return byte(r)
	}
	return '?'
}

func (s *shape) String() string {
	var b strings.Builder
	for i, run := range s.runs {
		if run == 0 {
			break
		}
		b.WriteByte(run)
		switch from, to := s.from[i], s.to[i]; {
		case from < to:
			fmt.Fprintf(&b, "{%d,%d}", from, to)
		case from > 1:
			fmt.Fprintf(&b, "{%d}", from)
		}
	}
	if s.cut {
		b.WriteString("...")
	}
	return b.String()
}
