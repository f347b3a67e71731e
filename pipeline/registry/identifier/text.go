package identifier

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/bidirule"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"

	"lethe/pipeline/registry/identifier/residue"
	"lethe/pipeline/registry/identifier/scripts"
	"lethe/pipeline/registry/identifier/signs"
)

const (
	zwnj, zwj    = '\u200c', '\u200d'
	mostJoiners  = 32       // that one name may need
	brailleBlank = '\u2800' // a symbol without ink
	dotAbove     = '\u0307'
)

// invisible reports whether a character has no ink and no width: Default_Ignorable_Code_Point of
// DerivedCoreProperties.txt, as its derivation there says.
func invisible(r rune) bool {
	switch {
	case r < 0xad:
		return false
	case unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r), unicode.Is(unicode.Variation_Selector, r):
		return true
	}
	return unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) &&
		(r < 0xfff9 || r > 0xfffb) && (r < 0x13430 || r > 0x1343f)
}

// written are the compatibility characters that stand for the letters that NFKC makes of them, because a
// program or a typesetter put them there: presentation forms, ligatures, widths, radicals, leaders.
var written = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00b5, 0x00b5, 1}, {0x0132, 0x0133, 1}, {0x013f, 0x0140, 1}, {0x0149, 0x0149, 1},
		{0x01c4, 0x01cc, 1}, {0x01f1, 0x01f3, 1}, {0x0587, 0x0587, 1},
		{0x0675, 0x0678, 1}, {0x0e33, 0x0e33, 1}, {0x0eb3, 0x0eb3, 1}, {0x0edc, 0x0edd, 1}, {0x0f0c, 0x0f0c, 1},
		{0x0f77, 0x0f79, 2}, {0x1e9a, 0x1e9a, 1}, {0x2011, 0x2011, 1}, {0x2024, 0x2026, 1}, {0x2160, 0x217f, 1},
		{0x2e9f, 0x2e9f, 1}, {0x2ef3, 0x2ef3, 1}, {0x2f00, 0x2fd5, 1}, {0xfb00, 0xfdff, 1}, {0xfe10, 0xfe19, 1},
		{0xfe31, 0xfe6b, 1}, {0xfe70, 0xfefc, 1}, {0xff01, 0xffee, 1},
	},
	LatinOffset: 1,
}

// typed are characters that programs put in the place of those of a keyboard.
var typed = map[rune]rune{'‐': '-', '‒': '-', '–': '-', '—': '-', '―': '-', '⸺': '-', '⸻': '-', '⁃': '-', '˗': '-',
	'−': '-', '‘': '\'', '’': '\'', '‛': '\'', 'ʼ': '\'', 'ʻ': '\'', '′': '\'', '“': '"', '”': '"', '„': '"', '«': '"',
	'»': '"', '‟': '"', '″': '"'}

// twins are letters of one writing that cannot be told apart where they stand: Romanian with a comma and with a
// cedilla, Persian and Arabic yeh and kaf, kana of one form. Domains tell them apart, and so they stay in those.
var twins = strings.NewReplacer("Ș", "Ş", "ș", "ş", "Ț", "Ţ", "ț", "ţ", "ی", "ي", "ى", "ي", "ک", "ك", "ヘ", "へ",
	"ベ", "べ", "ペ", "ぺ")

// cleaner makes plain text of what was written.
type cleaner struct {
	out     []byte
	keep    bool        // digits as they are
	digits  rune        // the zero of the script whose digits were seen; 0: none
	mixed   bool        // digits of two scripts
	joiners int         // how many stayed, to be judged
	scripts scripts.Set // of the digits
}

// clean is the text as it is read: without what cannot be seen, on one line, with plain spaces, punctuation and
// digits (unless those are to stay as they are), in NFC; and the scripts that its digits were of. The error is
// ErrInvalid for a control character inside, ErrAmbiguous for what cannot be read.
func clean(value []byte, digits bool) (string, scripts.Set, error) {
	if !utf8.Valid(value) {
		return "", scripts.Set{}, ErrInvalid
	}
	c := cleaner{keep: !digits, out: make([]byte, 0, len(value)+8)}
	for _, r := range norm.NFC.String(strings.TrimFunc(string(value), blank)) {
		if err := c.take(r); err != nil {
			return "", scripts.Set{}, err
		}
	}
	if c.mixed || c.joiners > mostJoiners {
		return "", scripts.Set{}, ErrAmbiguous
	}
	text := norm.NFC.String(string(c.out))
	if c.joiners > 0 {
		text = joined(text)
	}
	if text = strings.Trim(text, " "); strings.Contains(text, "  ") {
		text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' }), " ")
	}
	if !scripts.Marked(text) {
		return "", scripts.Set{}, unwritten
	}
	return text, c.scripts, nil
}

// Blank reports whether nothing is to be seen of a value: it is empty, or white space and what is invisible. It names
// nobody, as an empty one does not.
func Blank(value string) bool {
	return strings.TrimLeftFunc(value, blank) == ""
}

// blank reports whether a character before or behind an identifier is nothing: white space, or invisible.
func blank(r rune) bool { return unicode.IsSpace(r) || r == brailleBlank || invisible(r) }

func (c *cleaner) take(r rune) error {
	switch {
	case '0' <= r && r <= '9':
		c.digit('0')
		c.put(r)
		return nil
	case ' ' <= r && r < 0x7f, 0xc0 <= r && r < 0x250 && unicode.IsLetter(r) && r != 'ſ' && !unicode.Is(written, r):
		c.put(r)
		return nil
	}
	return c.other(r)
}

// other takes what is not on every keyboard.
func (c *cleaner) other(r rune) error {
	plain, isTyped := typed[r]
	switch {
	case r == zwnj || r == zwj:
		c.joiners++
		c.put(r)
	case invisible(r):
	case isTyped:
		c.put(plain)
	case unicode.Is(unicode.Zs, r) || r == brailleBlank:
		c.put(' ')
	case unicode.Is(unicode.Nd, r) && !(c.keep && norm.NFKC.IsNormalString(string(r))):
		c.number(r)
	case unicode.Is(unicode.Cc, r):
		return ErrInvalid
	case !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S) || r == '\ufffd' || r == '\ufffc':
		return ErrAmbiguous // nobody can say what stands there: lines inside, private use, unassigned
	default:
		return c.letter(r)
	}
	return nil
}

func (c *cleaner) put(r rune) { c.out = utf8.AppendRune(c.out, r) }

// number takes a decimal digit. Digits of two scripts in one value are refused (UTS #39, 5.3): some of one
// look like others of another.
func (c *cleaner) number(r rune) {
	if plain := norm.NFKC.String(string(r)); len(plain) == 1 { // full-width, styled
		c.digit('0')
		c.put(rune(plain[0]))
		return
	}
	if scripts.Of(r) != "" { // else of more than one
		c.scripts.Read(string(r))
	}
	zero := r
	for unicode.Is(unicode.Nd, zero-1) && r-zero < 9 {
		zero--
	}
	c.digit(zero)
	c.put('0' + r - zero)
}

func (c *cleaner) digit(zero rune) {
	c.mixed = c.mixed || c.digits != 0 && c.digits != zero
	c.digits = zero
}

func (c *cleaner) letter(r rune) error {
	compatible := norm.NFKC.String(string(r))
	switch {
	case compatible == string(r), 0x3131 <= r && r <= 0x318e: // jamo as they are typed
		c.put(r)
		return nil
	case !unicode.Is(written, r):
		return ErrAmbiguous
	}
	for _, part := range compatible {
		if plain, ok := typed[part]; ok {
			part = plain
		}
		if !invisible(part) {
			c.put(part)
		}
	}
	return nil
}

// joined leaves out the joiners that change nothing: those that the rules CONTEXTJ of RFC 5892 (appendix A.1
// and A.2) do not allow where they stand.
func joined(text string) string {
	runes := []rune(text)
	for i := 0; i < len(runes); i++ {
		if r := runes[i]; r != zwnj && r != zwj {
			continue
		}
		var alone strings.Builder // the others do not matter to this one
		for j, r := range runes {
			if j == i || r != zwnj && r != zwj {
				alone.WriteRune(r)
			}
		}
		if _, err := joining.String(alone.String()); err != nil {
			runes = append(runes[:i], runes[i+1:]...)
			i--
		}
	}
	return string(runes)
}

// The classes of PRECIS, without its mappings.
var (
	joining    = precis.NewFreeform()
	freeform   = precis.NewFreeform(precis.Norm(norm.NFC), precis.DisallowEmpty)
	identifier = precis.NewIdentifier(precis.Norm(norm.NFC), precis.DisallowEmpty)
)

// lower is a text in lower case, whatever the language, so that it does not matter in which case it came: the
// final sigma is a sigma, the dotted I of Turkish an i, its dotless one apart, and sharp s no double s.
func lower(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch r = unicode.ToLower(r); r {
		case 'ς':
			r = 'σ'
		case dotAbove:
			if strings.HasSuffix(out.String(), "i") {
				continue
			}
		}
		out.WriteRune(r)
	}
	return norm.NFC.String(out.String())
}

// name is the canonical form of a user name or a customer number that is not plain ASCII.
func name(value []byte, kind string) (string, error) {
	if residue.Misread(string(value)) {
		return "", misread
	}
	text, digits, err := clean(value, true)
	if err != nil {
		return "", err
	}
	if !digits.Readable(twins.Replace(text)) {
		return "", ErrAmbiguous
	}
	short, err := bare(signs.Exported([]byte(text)), kind)
	if err != nil {
		return "", err
	}
	fold := kind == Username
	switch text = twins.Replace(string(short)); {
	case fold && scripts.TurkishCapital(string(short)), !fold && strings.Contains(text, "i\u0307"):
		return "", ErrAmbiguous
	case fold:
		text = lower(text)
	}
	if text == "" || len(text) > longest {
		return "", ErrInvalid
	}
	return checked(freeform, text, digits)
}

// checked is a text that can be read, that a class of PRECIS has, and that is written in one direction (RFC
// 5893).
func checked(class *precis.Profile, text string, digits scripts.Set) (string, error) {
	if !digits.Readable(text) {
		return "", ErrAmbiguous
	}
	if !scripts.Marked(text) || !scripts.AtHome(text) {
		return "", unwritten
	}
	if _, err := class.String(text); err != nil {
		return "", ErrAmbiguous
	}
	// the rule knows no spaces; in between words they stand as hyphens do
	if label := strings.ReplaceAll(text, " ", "-"); bidirule.DirectionString(label) == bidi.RightToLeft &&
		!bidirule.ValidString(label) {
		return "", ErrAmbiguous
	}
	return text, nil
}
