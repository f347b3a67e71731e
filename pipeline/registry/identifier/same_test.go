package identifier

import (
	"cmp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"lethe/pipeline/registry/identifier/residue"
	"lethe/pipeline/registry/identifier/signs"
)

// Spellings that are one person, what is refused, and what is kept apart. jobs/docs/consents.md says the same in words.
func TestSpellings(t *testing.T) {
	for _, test := range []struct {
		kind string
		want string   // canonical form
		same []string // spellings of it
	}{
		{Email, "a.b+c@example.org", []string{
			"A.B+C@Example.ORG", "\u200ba.b+c@example.org", "a.b+c@exam\u00adple.org", "a.b\ufeff+c@example.org",
			"a.b+c@example.org\u200e", "\u202aa.b+c@example.org\u202c", "\u2066a.b+c@example.org\u2069",
			"a\ufe0f.b+c@example.org", "a.b\U000e0061+c@example.org", "a.b+c\u3164@example.org", "a\u115f.b+c@example.org",
			"a.b\uffa0+c@example.org", "a.b\u034f+c@example.org", "a.b\u180e+c@example.org", "a.\u200db+c@example.org",
			"\u00a0a.b+c@example.org\u3000", "\u2028a.b+c@example.org\u2029", "a.b+c@example.org\u2800",
			"ａ．ｂ＋ｃ＠ｅｘａｍｐｌｅ．ｏｒｇ", "a.b+c＠example。org", "a.b+c@example.org.", "a.b+c@example.org.\u200b",
			"\"a.b+c\"@example.org", "\"a\\.b+c\"@example.org", "<a.b+c@example.org>", "Rossi, Anna <a.b+c@example.org>",
			"\"Rossi, Anna\" <a.b+c@example.org>", "“Rossi, Anna” <a.b+c@example.org>", "Anna Rossi [a.b+c@example.org]",
			"Anna :) <a.b+c@example.org>", "Anna Rossi (a.b+c@example.org)", "a.b+c@example.org (Anna (home))",
			"a.b+c(work)@example.org", "(Anna) a.b+c@(here)example.org", "a.b+c@example.org <a.b+c@example.org>",
			"'a.b+c@example.org'", "\"a.b+c@example.org\"", "`a.b+c@example.org`", "[a.b+c@example.org]",
			"a.b+c@example.org,", "a.b+c@example.org;", "; a.b+c@example.org", "<a.b+c@example.org>;", "a.b+c@example.org:",
			"a.b+c@example.org'", "mailto:a.b+c@example.org", "MAILTO:a.b%2Bc%40example.org", "<mailto:a.b+c@example.org>",
			"mailto:a.b+c@example.org?subject=Hello%20you&amp;body=x", "mailto:%E2%80%8Ba.b+c@example.org",
			"Anna <mailto:a.b+c@example.org?subject=x>", "a.b+c @ example.org", "mailto://a.b+c@example.org"}},
		{Email, "josé@xn--bcher-kva.example", []string{"JOSÉ@BÜCHER.example", "jose\u0301@bu\u0308cher.example",
			"josé@xn--bcher-kva.example", "josé@XN--BCHER-KVA.EXAMPLE", "jos\u00ade\u0301@bücher.example."}},
		{Email, "o'neil@example.org", []string{"o’neil@example.org", "O\u02bcNeil@example.org"}},
		{Email, "fia-b@my-site.example", []string{"ﬁa‐b@my–site.example", "FIA\u2011B@my\u2011site.example"}},
		{Email, "irem@example.org", []string{"İrem@example.org", "i\u0307rem@example.org", "IREM@example.org"}},
		{Email, "straße@xn--strae-oqa.example", []string{"STRAẞE@straße.example"}},
		{Email, "почта@xn--e1afmkfd.xn--p1ai", []string{"Почта@пример.рф", "ПОЧТА@ПРИМЕР.РФ"}},
		{Email, "δοκιμή@example.org", []string{"ΔΟΚΙΜΉ@example.org"}},
		{Email, "a@[192.0.2.1]", []string{"A@[192.0.2.1]", "<a@[192.0.2.1]>"}},
		{Email, "a@[ipv6:2001:db8::1]", []string{"a@[IPv6:2001:DB8::1]", "a@[IPv6:2001:db8:0:0:0:0:0:1]"}},

		{Phone, "+393331234567", []string{"+39 333 1234567", "0039 333 1234567", "+39.333.123.4567", "+39-333-1234567",
			"+39\u00a0333\u20111234567", "(+39) 333 1234567", "+(39) 333 1234567", "(0039) 333 1234567",
			"+39 (0)333 1234567", "tel:+39-333-1234567", "TEL:+39%20333%201234567", "tel:333-1234567;phone-context=+39",
			"callto://+393331234567", "＋３９ ３３３ １２３４５６７", "+٣٩ ٣٣٣ ١٢٣٤٥٦٧", "+۳۹ ۳۳۳ ۱۲۳۴۵۶۷", "'+393331234567",
			"\"+39 333 1234567\"", "<+39 333 1234567>", "+39333\u200b1234567", "\u202a+393331234567\u202c", "+393331234567;"}},
		{Phone, "+390212345678", []string{"+39 (0)2 12345678", "+39 02 12345678"}},
		{Phone, "+442079460000", []string{"+44 (0)20 7946 0000", "+44 020 7946 0000", "+4402079460000", "+44 20 7946 0000"}},
		{Phone, "+491711234567", []string{"+49 (0) 171 1234567", "+4901711234567", "0049 171 1234567"}},
		{Phone, "+12025550123", []string{"+1 (202) 555-0123", "+1 1 202 555 0123", "+112025550123"}},

		{Customer, "00042-Ab", []string{"00042–Ab", "00042—Ab", "00042―Ab", "０００４２－Ａｂ", "00\u00ad042\u2011Ab", "\ufeff00042-Ab", "00042-Ab\u3164",
			"\u00a000042-Ab"}},
		{Customer, "0042", []string{"００４２", "٠٠٤٢", "۰۰۴۲", "0\u200d042", "\ufeff0042", " 0042\u3000", "'0042", "=\"0042\"", "“0042”", "0042;"}},
		{Customer, "AB 34", []string{"AB\u00a034", "AB\u300034", "AB  34", "AB \u200b 34", "AB\u280034"}},
		{Collection, "form Київ 7", []string{"form\u00a0Київ\u200b 7", "\ufeffform Київ  7"}},
		{Username, "max power", []string{"Max\u00a0Power", "MAX  power", "max\u3000power", "max \u2060power"}},
		{Username, "o'neil", []string{"O’Neil", "O‘Neil", "O\u02bcNEIL", "o＇neil"}},
		{Username, "josé", []string{"JOSÉ", "Jose\u0301", "jos\u200be\u0301"}},
		{Username, "ハンカク", []string{"ﾊﾝｶｸ"}},
		{Username, "パパ", []string{"ﾊﾟﾊﾟ", "\u30cf\u309a\u30cf\u309a"}},
		{Username, "ştefan ţ", []string{"Ștefan Ț", "s\u0326tefan t\u0326"}},
		{Email, "şt@example.org", []string{"Șt@example.org"}},
		{Username, "علي كمال", []string{"علی کمال", "على كمال"}},
		{Username, "דניאל 12", nil},
		{Username, "へいわ", []string{"ヘいわ"}},
		{Username, "한글", []string{norm.NFD.String("한글"), "\u200e한글"}},
		{Username, "наташа", []string{"Наташа", "НАТАША"}},
		{Username, "دانا", []string{"دا\u200cنا", "د\u200dا\u200dنا"}}, // where nothing joins, joiners change nothing
		{"national-id:IT", "RSSMRA85T10A562S", []string{"rss mra 85t10 a562 s", "ＲＳＳＭＲＡ８５Ｔ１０Ａ５６２Ｓ",
			"RSSMRA85T10A\u200b562S", "'RSSMRA85T10A562S", "=\"RSSMRA85T10A562S\"", "RSSMRA\u00a085T10\u2011A562S"}},
	} {
		for _, value := range append(test.same, test.want) {
			got, err := Normalise(test.kind, []byte(value), "", nil)
			require.NoError(t, err, "%s %+q", test.kind, value)
			require.Equal(t, test.want, string(got), "%s %+q", test.kind, value)
		}
	}
}

func TestRefused(t *testing.T) {
	for kind, values := range map[string]map[string]error{
		Email: {
			"аnna@example.org": ErrAmbiguous, "annа@example.org": ErrAmbiguous, "anna@exаmple.org": ErrAmbiguous,
			"сосо@example.org": ErrAmbiguous, "СОСО@example.org": ErrAmbiguous, "anna@аррӏе.com": ErrAmbiguous,
			"anna@xn--80ak6aa92e.com": ErrAmbiguous, "annο@example.org": ErrAmbiguous, "ɑnna@example.org": ErrAmbiguous,
			"an\ufffdna@example.org": ErrAmbiguous, "an\u2028na@example.org": ErrAmbiguous, "an\ue000na@example.org": ErrAmbiguous,
			"an\u0378na@example.org": ErrAmbiguous, "anna²@example.org": ErrAmbiguous, "𝐚nna@example.org": ErrAmbiguous,
			"ⓐnna@example.org": ErrAmbiguous, "a\u0301\u0301nna@example.org": ErrAmbiguous, "anna@İstanbul.example": ErrAmbiguous,
			"j\u0307anna@example.org": ErrAmbiguous, "ı\u0307rem@example.org": ErrAmbiguous, "\u0301anna@example.org": ErrAmbiguous,
			"'anna@example.org": ErrAmbiguous, "b@example.org <a@example.org>": ErrAmbiguous,
			"a@example.org (b@example.org)":       ErrAmbiguous,
			"mailto:a@example.org?cc=b@x.example": ErrAmbiguous, "mailto:a@example.org?TO=b@x.example": ErrAmbiguous,
			"12אב@example.org": ErrAmbiguous, "anna٣@example.org": ErrAmbiguous,
			"anna@192.0.2.1": ErrInvalid, "anna@[192.0.2.256]": ErrInvalid, "anna@[2001:db8::1]": ErrInvalid,
			"anna@[fe80::1%eth0]": ErrInvalid, "an\u00a0na@example.org": ErrInvalid, "an na@example.org": ErrInvalid,
			"an\tna@example.org": ErrInvalid, "anna\x00@example.org": ErrInvalid, "\"an na\"@example.org": ErrInvalid,
			"a@example.org;b@example.org": ErrInvalid, "a@example.org, b@example.org": ErrInvalid,
			"mailto:a@example.org,b@example.org": ErrInvalid, "mailto:a%ZZ@example.org": ErrInvalid,
			"anna(@example.org": ErrInvalid, "anna)@example.org": ErrInvalid, "anna@example.org>": ErrInvalid,
			"<anna@example.org> x": ErrInvalid, "\"anna@example.org": ErrInvalid, "anna@example..org": ErrInvalid,
			"anna@example.org..x": ErrInvalid, "mailto:": ErrInvalid, "<>": ErrInvalid, "\u200b": ErrInvalid,
			"anna%40example.org": ErrInvalid, "a@b@example.org": ErrInvalid, "anna@exa\xffmple.org": ErrInvalid,
		},
		Phone: {
			"+39 333 1234567 ext. 5": ErrAmbiguous, "tel:+393331234567;ext=5": ErrAmbiguous, "+39 333 1234567/8": ErrAmbiguous,
			"+39 ٣33 1234567":                   ErrAmbiguous, // digits of two scripts
			"+39 333 1234567 / +39 02 12345678": ErrAmbiguous,
			"+39 333 1234567; +39 333 1234568":  ErrAmbiguous, "333 1234567": ErrInvalid, "+39 333\x001234567": ErrInvalid,
			"+39 333 123456\ufffd": ErrAmbiguous, "tel:+39%ZZ": ErrInvalid, "\u200b": ErrInvalid,
		},
		Username: {
			"12 דניאל": ErrAmbiguous, // shown as the next one is
			"аdmin":    ErrAmbiguous, "сахар": ErrAmbiguous, "МАМА": ErrAmbiguous, "max²": ErrAmbiguous, "user٤": ErrAmbiguous,
			"user৪": ErrAmbiguous, "anna катя": ErrAmbiguous, "a·b": ErrAmbiguous, "an\u2028na": ErrAmbiguous, "×nna": ErrAmbiguous,
			"a\ufffcb": ErrAmbiguous, "a\ufff9b": ErrAmbiguous, "an\tna": ErrInvalid, "\u3164": ErrInvalid, "\u200b \u00ad": ErrInvalid,
		},
		Customer: {"К1042": ErrAmbiguous, "АВ-12": ErrAmbiguous, "1٢": ErrAmbiguous, "№12": ErrAmbiguous, "12\x1f34": ErrInvalid,
			"12\ufffd": ErrAmbiguous, "i\u0307-12": ErrAmbiguous},
		"national-id:IT": {"RSSMRA85T10А562S": ErrInvalid, "RSSMRA85T10A562\ufffd": ErrAmbiguous},
	} {
		for value, want := range values {
			got, err := Normalise(kind, []byte(value), "", []byte("before|"))
			require.ErrorIs(t, err, want, "%s %+q", kind, value)
			require.Equal(t, "before|", string(got), "%s %+q", kind, value)
		}
	}
}

func TestBlank(t *testing.T) {
	for value, want := range map[string]bool{"": true, " \t\u00a0\u2028": true, "\ufeff\u3164\u2800\u200b": true, "\u200bx": false,
		"\x00": false, "\ufffd": false} {
		require.Equal(t, want, Blank(value), "%+q", value)
	}
}

func TestKeptApart(t *testing.T) {
	for kind, values := range map[string][]string{
		Email: {"ab@example.org", "a.b@example.org", "a..b@example.org", "ab.@example.org", "ab+x@example.org",
			"ab@example.com", "ab@mail.example.org", "áb@example.org", "àb@example.org", "ab@exámple.org", "a_b@example.org",
			"a-b@example.org", "straße@example.org", "strasse@example.org", "ırem@example.org", "irem@example.org",
			"þór@example.org", "por@example.org", "ab@faß.example", "ab@fass.example", "ab@[192.0.2.1]", "ab@[IPv6:::1]",
			"l1@example.org", "ll@example.org", "rn@example.org", "m@example.org", "_ab@example.org", "20ab@example.org", "3dab@example.org", "0ab@example.org"},
		Phone:    {"+393331234567", "+393331234568", "+390212345678", "+39212345678", "+13331234567"},
		Username: {"anna", "anna1", "ann a", "ann_a", "ánna", "_anna", "~anna~", "anna!", "[x]anna", "анна", "Саша", "cawa", "ann€", "ann☺", "ann☹", "می\u200cخواهم", "میخواهم"},
		Customer: {"42", "042", "0042", "42a", "42A", "4/2", "4-2", "4.2", "N°42", "K-42", "K42", "K 42", "k-42", "K-.42", "14.2065", "1.2.0",
			"KD421O8X", "KD42108X", "O42", "42O", "042.1"},
	} {
		seen := map[string]string{}
		for _, value := range values {
			got, err := Normalise(kind, []byte(value), "", nil)
			require.NoError(t, err, "%s %+q", kind, value)
			require.Empty(t, seen[string(got)], "%s %+q", kind, value)
			seen[string(got)] = value
		}
	}
}

// lookLike are letters and digits that read as another one.
var lookLike = map[rune]string{'a': "аɑα", 'c': "сϲ", 'e': "еҽ", 'i': "іι", 'j': "ј", 'n': "ո", 'o': "оοօ", 'p': "рρ", 's': "ѕ",
	'x': "хⅹ", 'y': "уγ", 'h': "һ", 'd': "ԁ", 'A': "АΑ", 'B': "ВΒ", 'E': "ЕΕ", 'K': "КΚ", 'M': "МΜ", 'O': "ОΟ", 'T': "ТΤ"}

var invisibles = func() (list []rune) {
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if invisible(r) {
			list = append(list, r)
		}
	}
	return list
}()

// decorated is a value with what a person does not see, or sees as the same, at random places.
func decorated(t *rapid.T, kind, value string) string {
	const invisibleChance, otherChance = 4, 8
	chance := func(n int, label string) bool { return rapid.IntRange(0, n).Draw(t, label) == 0 }
	var out strings.Builder
	runes := []rune(value)
	if rapid.Bool().Draw(t, "decomposed") {
		runes = []rune(norm.NFD.String(value))
	}
	for _, r := range runes {
		if chance(invisibleChance, "invisible") {
			out.WriteRune(rapid.SampledFrom(invisibles).Draw(t, "which"))
		}
		switch alike := []rune(lookLike[r]); {
		case len(alike) > 0 && chance(otherChance, "look-alike"):
			r = rapid.SampledFrom(alike).Draw(t, "like")
		case '!' <= r && r <= '~' && chance(otherChance, "wide"):
			r += 0xff01 - '!'
		case '0' <= r && r <= '9' && chance(otherChance, "digit"):
			r += rapid.SampledFrom([]rune{0x660, 0x6f0, 0x966, 0x1d7ce}).Draw(t, "zero") - '0'
		case 'a' <= r && r <= 'z' && kind != Customer && chance(otherChance, "upper"):
			r = unicode.ToUpper(r)
		case 'a' <= r && r <= 'z' && chance(4*otherChance, "styled"):
			r += rapid.SampledFrom([]rune{0x1d41a, 0x1d44e + 26*4, 0x24d0}).Draw(t, "style") - 'a'
		case r == '-' && chance(otherChance, "hyphen"):
			r = rapid.SampledFrom([]rune("‐‑–−")).Draw(t, "dash")
		case r == '\'' && chance(otherChance, "apostrophe"):
			r = '’'
		case r == ' ' && chance(otherChance, "space"):
			r = rapid.SampledFrom([]rune("\u00a0\u2009\u3000")).Draw(t, "odd")
		}
		out.WriteRune(r)
	}
	spaces := rapid.SampledFrom([]string{"", "", " ", "\u00a0", "\ufeff", "\u2028", "\u200f \u3164", "\t"})
	return spaces.Draw(t, "before") + out.String() + spaces.Draw(t, "behind")
}

// Any two strings that a person reads as the same are one person, or refused.
func TestNobodyIsMadeASecondPerson(t *testing.T) {
	values := map[string]*rapid.Generator[string]{
		Email: rapid.OneOf(rapid.StringMatching(`[a-z][a-z0-9'+_-]{0,8}(\.[a-z0-9]{1,6})?@[a-z0-9]{1,6}(-[a-z0-9]{1,4})?\.(it|org|co\.uk)`),
			rapid.StringMatching(`(josé|müller|žižek|łukasz|наташа|δοκιμή|דניאל|用户)[0-9]{0,2}@(bücher|example|пример)\.(example|рф)`)),
		Username: rapid.OneOf(rapid.StringMatching(`[A-Za-z][A-Za-z0-9 '_-]{0,8}[a-z0-9]`),
			rapid.StringMatching(`(josé|müller|Łukasz|наташа|δοκιμή|דניאל|用户|ユーザー)[0-9]{0,3}`)),
		Customer: rapid.StringMatching(`[A-Z]{0,2}-?0{0,3}[0-9]{2,6}[a-z]?`),
		Phone:    rapid.StringMatching(`\+39 ?3[2-9][0-9] ?[0-9]{7}|\+44 ?20 ?7946 ?0[0-9]{3}`),
	}
	for kind, value := range values {
		read := value.Filter(func(plain string) bool { // not a look-alike from end to end, nor a number that is none
			_, err := Normalise(kind, []byte(plain), "", nil)
			return err == nil
		})
		t.Run(kind, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				plain := read.Draw(t, "value")
				want, err := Normalise(kind, []byte(plain), "", nil)
				require.NoError(t, err)
				written := decorated(t, kind, plain)
				got, err := Normalise(kind, []byte(written), "", nil)
				if err == nil {
					require.Equal(t, string(want), string(got), "%+q", written)
				}
				if kind != Email || !strings.ContainsFunc(plain, func(r rune) bool { return r > 127 }) {
					return
				}
				again, err := Normalise(kind, got, "", nil)
				require.Equal(t, err == nil, len(got) > 0)
				require.Equal(t, string(got), string(again))
			})
		})
	}
}

// What is around an address changes nobody, however it is nested.
func TestAroundAnAddress(t *testing.T) {
	around := []func(string) string{
		func(s string) string { return "<" + s + ">" }, func(s string) string { return "Rossi, Anna <" + s + ">" },
		func(s string) string { return `"Rossi, Anna" <` + s + ">" }, func(s string) string { return s + " (Anna)" },
		func(s string) string { return "(Anna) " + s }, func(s string) string { return s + ";" }, func(s string) string { return s + "," },
		func(s string) string { return s + "." }, func(s string) string { return "mailto:" + s }, func(s string) string { return "'" + s + "'" },
		func(s string) string { return " " + s + "\u200b" }, func(s string) string { return "[" + s + "]" },
	}
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.StringMatching(`[a-z]{1,8}(\.[a-z]{1,3})?@[a-z]{1,8}\.(it|org)`).Draw(t, "address")
		written := plain
		for _, wrap := range rapid.SliceOfN(rapid.SampledFrom(around), 0, 3).Draw(t, "around") {
			written = wrap(written)
		}
		if got, err := Normalise(Email, []byte(written), "", nil); err == nil {
			require.Equal(t, plain, string(got), written)
		}
	})
}

// What looks different stays apart: a plain value is its own canonical form but for the case of letters.
func TestNobodyIsMergedWithAnother(t *testing.T) {
	for kind, value := range map[string]*rapid.Generator[string]{
		Email: rapid.StringMatching("[A-Za-z0-9_]([A-Za-z0-9.!#$&*+/?^_`{|}~-]|'[a-z]|%[g-z]){0,9}@[A-Za-z0-9]{1,6}\\.[a-z]{2,4}"),
		Username: rapid.StringMatching("[A-Za-z][!#-$(-:<-[\\]^-~&'\"]{0,9}( [!#-$(-:<-[\\]^-~]{1,5})?[A-Za-z0-9_!~*-]").Filter(func(s string) bool {
			return !strings.Contains(s, "''") && !strings.Contains(s, `""`) && !residue.Undecoded([]byte(s))
		}),
		Customer: rapid.StringMatching(`[A-NP-Zac-km-z][A-Za-z0-9._:#+*@|&/-]{0,9}( [A-Za-z0-9._:#+*@|&/-]{1,5})?[A-Za-z1-9]`).Filter(func(s string) bool {
			return !residue.Undecoded([]byte(s)) && signs.Number([]byte(s)) != signs.Letter
		}),
	} {
		t.Run(kind, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				plain := value.Draw(t, "value")
				want := plain
				if kind != Customer {
					want = strings.ToLower(plain)
				}
				got, err := Normalise(kind, []byte(plain), "", nil)
				require.NoError(t, err, plain)
				require.Equal(t, want, string(got))
			})
		})
	}
}

// Of every character that there is: it is left out only if it cannot be seen, becomes another only if it reads as that one,
// and else stays or is refused.
func TestEveryCharacter(t *testing.T) {
	unseen := 0
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if invisible(r) {
			unseen++
		}
		many := unicode.In(r, unicode.Han, unicode.Hangul, unicode.Egyptian_Hieroglyphs, unicode.Tangut) // one is as another
		if !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C) || many && r%97 != 0 {
			continue
		}
		for kind, around := range map[string][2]string{Email: {"be", "ta@example.org"}, Username: {"be", "ta"}} {
			if kind == Email && r > 0x3000 && !invisible(r) {
				continue
			}
			got, err := Normalise(kind, []byte(around[0]+string(r)+around[1]), "", nil)
			if err != nil {
				continue
			}
			inside := strings.TrimSuffix(strings.TrimPrefix(string(got), around[0]), around[1])
			read := strings.Map(func(r rune) rune { return cmp.Or(typed[r], r) }, norm.NFKC.String(strings.ToLower(
				norm.NFKC.String(string(r)))))
			switch plain, isTyped := typed[r]; {
			case inside == "":
				require.True(t, invisible(r), "%s %U", kind, r)
			case isTyped:
				require.Equal(t, string(plain), inside, "%s %U", kind, r)
			case unicode.Is(unicode.Zs, r) || r == brailleBlank:
				require.Equal(t, " ", inside, "%s %U", kind, r)
			case !strings.ContainsFunc(inside, func(r rune) bool { return r >= 0x80 }):
				require.Equal(t, read, strings.ToLower(inside), "%s %U", kind, r)
			default:
				require.False(t, unicode.In(r, unicode.Cc, unicode.Co, unicode.Cs), "%s %U", kind, r)
			}
		}
	}
	require.Equal(t, 4174, unseen, "Default_Ignorable_Code_Point of Unicode 15 and 16")
}

// Version 1 gave these, and registries hold references of them.
func TestFormer(t *testing.T) {
	for _, test := range []struct{ kind, value, want string }{
		{Email, "Anna@Example.org", ""}, {Email, "josé@bücher.example", ""}, {Email, "İrem@example.org", ""},
		{Email, "<anna@example.org>", ""}, // was refused
		{Email, " \u200bAnna@Example.org", "\u200banna@example.org"}, {Email, "o’neil@example.org", "o’neil@example.org"},
		{Email, "ﬁa@bücher.example", "ﬁa@xn--bcher-kva.example"}, {Email, "anna@exam\u00adple.org", ""},
		{Phone, "+393331234567", ""}, {Phone, "+39 333 1234567", ""}, {Phone, "+4402079460000", "+4402079460000"},
		{Phone, "+39 (0)333 1234567", "+3903331234567"}, {Phone, "333 1234567", ""},
		{Username, "AnnA", ""}, {Username, "Max  Power", "max  power"}, {Username, "Max\u00a0Power", "max\u00a0power"},
		{Username, "STRAẞE", ""}, {Username, "γιώργος", "γιώργος"},
		{Customer, "00042", ""}, {Customer, "e\u0301-1", "e\u0301-1"}, {Customer, "00\u200b42", "00\u200b42"},
		{Username, "@Anna", "@anna"}, {Customer, "[0042]", "[0042]"}, {Customer, "00–42", "00–42"}, {Collection, "c\u00a01", "c\u00a01"}, {"national-id:IT", "RSSMRA85T10A562S", ""},
	} {
		normal, err := Normalise(test.kind, []byte(test.value), "IT", nil)
		require.NoError(t, err, "%s %+q", test.kind, test.value)
		former, ok := Former(test.kind, []byte(test.value), "IT", normal)
		require.Equal(t, test.want, string(former), "%s %+q", test.kind, test.value)
		require.Equal(t, test.want != "", ok, "%s %+q", test.kind, test.value)
	}
}

// Whatever comes: a canonical form is its own, is bounded, and shows all that it is made of. What version 1 made of a value
// is nothing that changes it.
func FuzzNormalise(f *testing.F) {
	kinds := []string{Email, Phone, Customer, Username, "national-id:IT", Collection}
	for i, value := range []string{"\"Rossi, Anna\" <mailto:a%2Eb@bücher.example?subject=x>", "+44 (0)20 7946 0000", "=\"0042\"",
		"د\u200dا\u200dنا", "RSSMRA85T10A562S", "((a@[IPv6:::1]))", "İ\u0307ı\u0307 ΑΣ", "[(<'`\"a@b.it\"`'>)]", "tel:(0)(0);phone-context=+39"} {
		f.Add(i, []byte(value), "IT")
		f.Add(i+1, []byte(value), "")
	}
	f.Fuzz(func(t *testing.T, i int, value []byte, country string) {
		kind := kinds[uint(i)%uint(len(kinds))]
		written := string(value)
		got, err := Normalise(kind, value, country, nil)
		require.Equal(t, written, string(value), "the value is the caller's")
		if err != nil {
			require.Empty(t, got)
			return
		}
		Former(kind, value, country, got)
		require.Equal(t, written, string(value))
		if kind == Collection {
			return
		}
		require.LessOrEqual(t, len(got), longest)
		for _, r := range string(got) {
			require.False(t, unicode.IsControl(r) || r == '\ufffd' || invisible(r) && r != zwnj && r != zwj, "%+q", got)
		}
		again, err := Normalise(kind, got, country, nil)
		require.NoError(t, err, "%+q of %+q", got, value)
		require.Equal(t, string(got), string(again), "%+q", value)
	})
}
