package connectors

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold maps texts that some collation of MySQL or MariaDB takes for equal to one text. It is coarser than
// any of them: case, accents, width, trailing spaces and control characters go, ligatures are spelt out,
// kana are one, and so are the characters beyond the basic plane, as in utf8mb4_general_ci.
func Fold(s string) string { return fold(cases.Fold().String(norm.NFKD.String(s))) }

// FoldCased is Fold for collations that tell case and accents apart (_as_cs): it is coarser than any of them, and
// keeps case.
func FoldCased(s string) string { return fold(norm.NFKD.String(s)) }

func fold(s string) string {
	var b strings.Builder
	for _, r := range s {
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
var letters = map[rune]string{'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i",
	'ħ': "h", 'ŋ': "n", 'ŧ': "t", 'ĸ': "k"}
