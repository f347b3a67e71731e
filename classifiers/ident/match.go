package ident

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxLen is the longest trimmed value, in bytes, that Compact looks at; the longest scheme (an IBAN in
// groups of four) needs 42.
const maxLen = 64

// All returns the whole catalogue, sorted by ID. The slice is fresh; its strings and inner slices are shared
// and must not be changed.
func All() []Scheme {
	all := slices.Concat(
		italy(), poland(), spain(), netherlands(), sweden(), germany(), france(), unitedKingdom(), unitedStates(),
		nordics(), westernEurope(), mediterranean(), centralEurope(), easternEurope(),
		canada(), brazilAndMexico(), southAmerica(), centralAmerica(), eastAsia(), southAsia(), southEastAsia(),
		westAsia(), oceania(), africa(), smallStates(), neutral(), devices(), things(),
		vatNumbers(), passports(), plates(),
	)
	slices.SortFunc(all, func(a, b Scheme) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// Compact appends to dst the compact form of src (see Number) and reports whether src, trimmed, is made of
// nothing but ASCII letters, digits and separators, has at least one letter or digit, and is no longer than
// 64 bytes. Digits of the Arabic, Persian, Indic and Thai scripts and the full-width ones of East Asia count as
// those of ASCII. Separators are space, dot, dash, slash, their typographic variants (no-break spaces,
// non-breaking hyphen, dashes, minus, middle dot), a '+' after a digit, which Sweden and Finland write for
// people older than a century, and a ':' after the two letters of a country ("EL: 094259216").
// Where it answers false, what was appended to dst means nothing.
func Compact(dst, src []byte) ([]byte, bool) {
	src = bytes.TrimSpace(src)
	if len(src) == 0 || len(src) > maxLen {
		return dst, false
	}
	start := len(dst)
	for i := 0; i < len(src); {
		c := src[i]
		switch {
		case isDigit(c) || 'A' <= c && c <= 'Z':
			dst = append(dst, c)
		case 'a' <= c && c <= 'z':
			dst = append(dst, c-'a'+'A')
		case c == ' ' || c == '.' || c == '-' || c == '/':
		case c == '+' && i > 0 && isDigit(src[i-1]):
		case c == ':' && i == 2 && isLetter(src[0]) && isLetter(src[1]):
		default:
			d, n := wide(src[i:])
			if n == 0 {
				return dst, false
			}
			if d >= 0 {
				dst = append(dst, '0'+byte(d))
			}
			i += n
			continue
		}
		i++
	}
	return dst, len(dst) > start
}

// wide returns the length in bytes of the typographic separator or the digit beyond ASCII at the start of b, 0 if
// there is neither, and which digit it is, -1 for a separator.
func wide(b []byte) (digit, length int) {
	if b[0] < utf8.RuneSelf {
		return -1, 0
	}
	r, n := utf8.DecodeRune(b)
	switch r {
	case '\u00a0', '\u202f', '\u2007', '\u2009', '\u00b7', '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2212':
		return -1, n
	}
	for _, zero := range [...]rune{'٠', '۰', '०', '০', '๐', '０'} {
		if r >= zero && r <= zero+9 {
			return int(r - zero), n
		}
	}
	return -1, 0
}

// Match reports whether n is well formed under s: one of its layouts admits the compact form, and its check
// passes. A scheme without layouts is asked about every value and decides on Raw alone; n.Compact may then
// be nil because Compact answered false.
func Match(s *Scheme, n Number) bool {
	if len(s.Layouts) == 0 {
		return s.Check(n)
	}
	return admits(s.Layouts, n.Compact) && s.Check(n)
}

// admits reports whether one of the layouts has the shape of c.
func admits(layouts []string, c []byte) bool {
	for _, l := range layouts {
		if Fits(l, c) {
			return true
		}
	}
	return false
}

// Fits reports whether a compact form has the shape of a layout.
func Fits(layout string, c []byte) bool {
	if len(layout) != len(c) {
		return false
	}
	for i := range c {
		switch layout[i] {
		case '9':
			if !isDigit(c[i]) {
				return false
			}
		case 'A':
			if !isUpper(c[i]) {
				return false
			}
		case '?':
			if !isDigit(c[i]) && !isUpper(c[i]) {
				return false
			}
		default:
			if layout[i] != c[i] {
				return false
			}
		}
	}
	return true
}

// on makes the check of a scheme that looks at the compact form only.
func on(f func(c []byte) bool) func(Number) bool {
	return func(n Number) bool { return f(n.Compact) }
}

// shape is the check of a scheme that its layouts describe completely.
func shape(Number) bool { return true }

// digitsAfter makes the check of a scheme whose digits may stand behind letters that are part of the print
// only ("PL", "CHE"): c without the first of the prefixes that it starts with goes to f.
func digitsAfter(f func(c []byte) bool, prefixes ...string) func(Number) bool {
	return func(n Number) bool { return f(strip(n.Compact, prefixes...)) }
}

func strip(c []byte, prefixes ...string) []byte {
	for _, p := range prefixes {
		if len(c) > len(p) && string(c[:len(p)]) == p {
			return c[len(p):]
		}
	}
	return c
}

// grouped reports whether the separators of raw stand only where the scheme is customarily printed with
// them: after the given numbers of letters and digits. A value without separators passes.
func grouped(raw []byte, after ...int) bool {
	seen := 0
	for i, c := range raw {
		switch {
		case isDigit(c) || isLetter(c):
			seen++
		case c >= utf8.RuneSelf && isWideDigit(raw[i:]):
			seen++
		case c >= utf8.RuneSelf && !utf8.RuneStart(c): // the rest of a character that was looked at
		case !slices.Contains(after, seen):
			return false
		}
	}
	return true
}

func isWideDigit(b []byte) bool {
	d, n := wide(b)
	return n > 0 && d >= 0
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isUpper(c byte) bool  { return 'A' <= c && c <= 'Z' }
func isLetter(c byte) bool { return 'A' <= c&^0x20 && c&^0x20 <= 'Z' }

func isDigits(c []byte) bool {
	for _, b := range c {
		if !isDigit(b) {
			return false
		}
	}
	return true
}

// oneOf reports whether c is one of the bytes of set.
func oneOf(c byte, set string) bool { return strings.IndexByte(set, c) >= 0 }

// within reports whether each byte of c is in set.
func within(c []byte, set string) bool {
	for _, b := range c {
		if !oneOf(b, set) {
			return false
		}
	}
	return true
}
