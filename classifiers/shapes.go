package classifiers

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// How much of the form of values is told: of no form that fewer rows have, the commonest few, and of each so much.
const (
	fewestRows = 10
	mostShapes = 3
	mostRuns   = 12
)

// shape is the form of values: runs of characters of one kind, with how long they are.
type shape struct {
	kinds    string // of each run: A capitals, a small letters, x other letters, 9 digits, or the sign itself
	from, to []int
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
	byKinds := map[string]*shape{}
	for _, e := range f.column.sample.entries {
		s := shapeOf(e.value, int(e.size) > len(e.value))
		old := byKinds[s.kinds]
		if old == nil {
			old = &s
			byKinds[s.kinds] = old
		}
		old.rows += int(e.count)
		old.cut = old.cut || s.cut
		for i := range old.from {
			old.from[i], old.to[i] = min(old.from[i], s.from[i]), max(old.to[i], s.to[i])
		}
	}
	var list []*shape
	for _, s := range byKinds {
		if s.rows >= fewestRows {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *shape) int {
		if a.rows != b.rows {
			return b.rows - a.rows
		}
		return strings.Compare(a.kinds, b.kinds)
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
	last := rune(0)
	for _, r := range strings.ToValidUTF8(string(value), "?") {
		kind := kindOfSign(r)
		if kind == last && len(s.from) > 0 {
			s.from[len(s.from)-1]++
			s.to[len(s.to)-1]++
			continue
		}
		if len(s.from) == mostRuns {
			s.cut = true
			break
		}
		s.kinds += string(kind)
		s.from, s.to = append(s.from, 1), append(s.to, 1)
		last = kind
	}
	return s
}

// kindOfSign is the sign that stands for a character in a shape.
func kindOfSign(r rune) rune {
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
		return r
	}
	return '?'
}

func (s *shape) String() string {
	var b strings.Builder
	for i, kind := range []rune(s.kinds) {
		b.WriteRune(kind)
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
