package scripts

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const dotAbove = '\u0307'

// accents are the marks of the Latin, Greek and Cyrillic writings (UTS #39, Identifier_Type Recommended), without those
// that strike a letter out.
var accents = &unicode.RangeTable{R16: []unicode.Range16{
	{0x0300, 0x0304, 1}, {0x0306, 0x030c, 1}, {0x030f, 0x0311, 1}, {0x0313, 0x0314, 1}, {0x031b, 0x031b, 1},
	{0x0323, 0x0328, 1}, {0x032d, 0x032e, 1}, {0x0330, 0x0331, 1}, {0x0342, 0x0342, 1}, {0x0345, 0x0345, 1},
	{0x0358, 0x0358, 1}, {0x1dc4, 0x1dc9, 1}, // the last of Africa's tones
}}

// drawn are the blocks of the marks that stand over letters of any writing: accents, and what phoneticians, editors and
// mathematicians draw.
var drawn = &unicode.RangeTable{R16: []unicode.Range16{
	{0x0300, 0x036f, 1}, {0x1ab0, 0x1aff, 1}, {0x1dc0, 0x1dff, 1}, {0x20d0, 0x20ff, 1}, {0xfe20, 0xfe2f, 1},
}}

// Marked reports whether each mark of a text stands where one is written, and can be seen: on a letter, of whose
// writing it is; not twice over itself, nor a dot on what has one (UTS #39, 5.4).
func Marked(text string) bool {
	if strings.IndexFunc(text, unicode.IsMark) < 0 {
		return true
	}
	var before, base rune
	for _, r := range norm.NFD.String(text) {
		switch {
		case !unicode.Is(unicode.M, r):
			base = r
		case !stands(r, base), r == before && unicode.Is(unicode.Mn, r):
			return false
		case r == dotAbove && before != 'i' && (base == 'ı' || unicode.Is(unicode.Soft_Dotted, base)):
			return false
		}
		before = r
	}
	return true
}

// stands reports whether a mark is written on what it stands on.
func stands(mark, base rune) bool {
	switch {
	case unicode.Is(unicode.Me, mark), base == 0, !unicode.Is(unicode.L, base) && Of(base) == "":
		return false
	case unicode.Is(drawn, mark):
		return unicode.Is(accents, mark)
	}
	return !unicode.In(base, unicode.Latin, unicode.Greek, unicode.Cyrillic) || Of(mark) == Of(base)
}

// dashes are letters that read as a dash, or as a line under nothing, where no letter of their writing is beside them.
const dashes = "ー一ㅡᅳ"

// AtHome reports whether the punctuation of other writings, and letters that read as a dash, stand beside a letter of
// one: among Latin, Greek or Cyrillic letters and digits 。 is taken for a full stop, and ー for a hyphen.
func AtHome(text string) bool {
	if strings.IndexFunc(text, foreign) < 0 {
		return true
	}
	runes := []rune(text)
	for i, r := range runes {
		if !foreign(r) {
			continue
		}
		before, behind := neighbour(runes[:i], true), neighbour(runes[i+1:], false)
		if (before != 0 || behind != 0) && western(before) && western(behind) {
			return false
		}
	}
	return true
}

func foreign(r rune) bool {
	return r >= 0x80 && unicode.Is(unicode.P, r) || strings.ContainsRune(dashes, r)
}

// neighbour is the nearest character that is no space: the last one, or the first; 0 if there is none.
func neighbour(runes []rune, last bool) rune {
	for i := range runes {
		if last {
			i = len(runes) - 1 - i
		}
		if runes[i] != ' ' {
			return runes[i]
		}
	}
	return 0
}

func western(r rune) bool {
	return r < 0x80 || unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic)
}

// TurkishCapital reports whether a capital I stands beside a letter of the Turkish alphabet: small, it may be i or ı.
func TurkishCapital(text string) bool {
	return strings.ContainsRune(text, 'I') && strings.ContainsAny(text, "ŞşĞğİı")
}
