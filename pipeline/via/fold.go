package via

import (
	"hash/maphash"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// writeFolded writes what some engine takes for equal as one text: case, accents, width, trailing spaces and
// control characters go, ligatures are spelt out, numbers lose leading zeros, and characters beyond the basic
// plane are one. It is coarser than any collation.
func writeFolded(h *maphash.Hash, value []byte) {
	for _, c := range value {
		if c >= utf8.RuneSelf || c < ' ' {
			h.WriteString(folded(string(value)))
			return
		}
	}
	end := len(value)
	for end > 0 && value[end-1] == ' ' {
		end--
	}
	value = value[:end]
	if digits(value) {
		for len(value) > 1 && value[0] == '0' {
			value = value[1:]
		}
	}
	for _, c := range value {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		h.WriteByte(c)
	}
}

func digits(value []byte) bool {
	for _, c := range value {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func folded(s string) string {
	var b strings.Builder
	for _, r := range cases.Fold().String(norm.NFKD.String(s)) {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cc, unicode.Cf):
		case r > 0xffff:
			b.WriteByte('?')
		case r >= 0x30a1 && r <= 0x30f6: // katakana
			b.WriteRune(r - 0x60)
		case relatives[r] != "":
			b.WriteString(relatives[r])
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// relatives are letters that collations take for Latin ones and that have no decomposition.
var relatives = map[rune]string{'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i",
	'ħ': "h", 'ŋ': "n", 'ŧ': "t", 'ĸ': "k"}
