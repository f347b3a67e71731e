package identifier

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"pgregory.net/rapid"

	"lethe/pipeline/registry/identifier/signs"
)

// What is left of something else at the end of an identifier, or in it, makes nobody a second person: it is taken off
// where it can be nothing else, and refused with the reason where somebody may have it.
func TestWhatMayNotBelongToIt(t *testing.T) {
	for _, test := range []struct {
		kind string
		why  error
		same []string
	}{
		{Email, Ambiguity(signs.Edge), []string{"#anna@example.org", "/anna@example.org", "//anna@example.org", "+anna@example.org",
			"?anna@example.org", "=anna@example.org", "=''anna@example.org", "-anna@example.org", "~anna@example.org",
			"$anna@example.org", "&anna@example.org", "*anna@example.org", "!anna@example.org", "|anna@example.org",
			".anna@example.org", "%anna@example.org", "{anna@example.org", "'anna@example.org", "`anna@example.org",
			"^anna@example.org", "#ánna@example.org", "\".anna\"@example.org"}},
		{Email, Ambiguity(signs.Inside), []string{"mail=anna@example.org", "anna=@example.org", "prvs=1234=anna@example.org", "o''neil@example.org",
			"josé=@example.org"}},
		{Email, escaped, []string{"anna%2Bnews@example.org", "%61nna@example.org", "=3Danna@example.org", "u003eanna@example.org",
			"u00a0anna@example.org", "UFEFFanna@example.org", "jos%C3%A9@example.org"}},
		{Email, misread, []string{"josÃ©@example.org", "martÃ\u00adn@example.org", "<josÃ©@example.org>", "anna@example.orgÂ",
			"anna@bÃ¼cher.example", "cittÃ@example.org", "Ð°Ð½Ð½Ð°@example.org"}},
		{Email, ErrAmbiguous, []string{"anna@example.org•", "anna@example.org☺", "anna@i❤.example", "anna@exーample.org", "anna@a一.example"}},
		{Email, unwritten, []string{"an\u0332na@example.org", "a\u0363nna@example.org"}},

		{Customer, Ambiguity(signs.Edge), []string{"0042.", "0042?", "#0042", "`0042", "=0042", "=T(\"0042\")", "-0042", "0042-", "_0042", "0042:", "*0042*",
			"/0042", "0042=", "'0042)", "(0042", "42°", "12(3)", "((42))", "$42", "@42"}},
		{Customer, Ambiguity(signs.Inside), []string{"14,2063", "14'2064", "14’2064", "K-,42086", "KD'42110X", "KD,42109X", "K;42", "K=42", "K(4)2", "42☺1", "4。2",
			"K-42068,0", "4!2", "4\"2"}},
		{Customer, Ambiguity(signs.Groups), []string{"004 2009", "004\u00a02009", "004\u202f2009", "142 065", "142.065", "1.420.650", "12 34", "1234 5678.9"}},
		{Customer, Ambiguity(signs.Float), []string{"K-42066.0", "K-42067.00", "KD42089X.0", "v1.0", "0042.0", "0042.000", "142043.00", "1.2E+5"}},
		{Customer, Ambiguity(signs.Letter), []string{"142O62", "K-42O85", "1OO2", "1l2/7", "4I2"}},
		{Customer, escaped, []string{`0042\n`, "00%2042", "A&amp;B", "A_x000D_1", `A\u0042`, "u00270042", "A&#38;1", "amp;42", "#38;42"}},
		{Customer, misread, []string{"0042041Â", "K42Â\u00a0X", "KÃ©42", "â€¢42"}},
		{Customer, unwritten, []string{"004203\u0301", "0042032\u20e3", "0\ufe0f\u20e3", "Kー42079", "K一42", "K\u0336-42"}},

		{Username, Ambiguity(signs.Edge), []string{"=anna", "#anna", "/anna", "?anna", "anna?", "anna.", "anna.rossi.", "a.", "anna:", "anna/", "anna=", "anna'", "anna\"", "`anna",
			"[anna]", "(anna)", "{anna}", ">anna", "<anna", "|anna|", "@@anna", "+anna", "%anna", ".anna", ":anna"}},
		{Username, Ambiguity(signs.Inside), []string{"o''neil", `an""na`}},
		{Username, Ambiguity(signs.Float), []string{"42.0", "142043.0", "142043,00", "1.2e+5", "@42.0"}},
		{Username, escaped, []string{"anna%2Brossi", "o&#39;neil", "r&amp;d", "nbsp;anna", `o\'neil`, `anna\n`, `corp\\anna`, `jos\u00e9`, "anna_x000D_rossi",
			"u0022anna"}},
		{Username, misread, []string{"JosÃ©", "annaÂ", "Ð°Ð½Ð½Ð°", "Jos√©", "jos├®", "jos├⌐", "ç”¨æˆ·", "martÃ\u00adn", "anna\u0020Â\u0020rossi", "annaâ€™s"}},
		{Username, unwritten, []string{"anna.rossi17\u0301", "anna18\u0338", "anna\u0332.rossi", "anna\u0336", "anna56\u034f\u0301", "anna57\u0363", "anna58\u3099",
			"annaﾞ", "anna\u1dfa", "anna\u0305", "anna\u064b", "a\u0488", "anna\u20e0", "anna。rossi", "annaーrossi", "anna・rossi", "• anna", "anna、", "josé。rossi"}},
		{Username, ErrAmbiguous, []string{"roſſi", "IŞIK", "ILGIĞ", "İRFAN ISIK"}},
		{Username, ErrInvalid, []string{"-", "--", "@", "...", "—", "?"}},
		{Customer, ErrInvalid, []string{"-", "0\x0042", "--", ".", "()", "\"\""}},
	} {
		for _, value := range test.same {
			got, err := Normalise(test.kind, []byte(value), "", []byte("before|"))
			require.Equal(t, "before|", string(got), "%s %+q", test.kind, value)
			require.ErrorIs(t, err, test.why, "%s %+q", test.kind, value)
			if test.why != ErrInvalid {
				require.ErrorIs(t, err, ErrAmbiguous, "%s %+q", test.kind, value)
			}
		}
	}
	for _, test := range []struct {
		kind, want string
		same       []string
	}{
		{Customer, "0042", []string{"[0042]", "(0042)", "{0042}", "«0042»", "„0042“", "»0042«", "\"[0042]\"", "[ '0042 ]", "Â\u00ad0042"}},
		{Customer, "K-42077", []string{"K⸺42077", "K⸻42077"}},
		{Customer, "3f2504e0-4f89-11d3", []string{"{3f2504e0-4f89-11d3}"}},
		{Customer, "gid://shopify/Customer/42", []string{"gid://shopify/Customer/42"}},
		{Customer, "auth0|5f7c", []string{"auth0|5f7c"}},
		{Username, "anna", []string{"@anna", "@Anna", "＠anna", "«anna»", "@\u200banna"}},
		{Username, "anna r.", []string{"Anna R."}}, {Username, "john smith jr.", nil}, {Username, "j.r.r.", nil}, {Username, "kanadâ", []string{"KANADÂ"}},
		{Username, "kabwɛ\u1dc6r", nil}, {Customer, "KANADÂ", nil},
		{Username, "anna@example.org", []string{"<Anna@example.org>"}},
		{Username, "işil ışık", []string{"işil ışık", "İşil ışık"}},
		{Username, "カーター", []string{"ｶｰﾀｰ"}},
		{Username, "一郎", nil}, {Username, "用户一", nil}, {Username, "まり〜", nil}, {Username, "山田・太郎", nil},
		{Username, "g\u0303uahu", nil}, {Username, "е\u0301лка", nil}, {Username, "ẹ\u0301kọ", nil}, {Username, "かつ\u0302", nil},
		{Username, "úžas", []string{"Úžas", "ÚŽAS"}},
		{Username, "ðá", nil}, {Username, "віктор", []string{"Віктор"}},
		{Username, "corp\\anna", []string{"CORP\\anna"}},
		{Email, "anna@example.org", []string{"«anna@example.org»", "„anna@example.org“"}},
		{Email, "r&d@example.org", []string{"R&D@example.org"}},
		{Email, "jose@example.org", []string{"JosÃ© <jose@example.org>"}}, // the name is nobody's identifier
	} {
		for _, value := range append(test.same, test.want) {
			got, err := Normalise(test.kind, []byte(value), "", nil)
			require.NoError(t, err, "%s %+q", test.kind, value)
			require.Equal(t, test.want, string(got), "%s %+q", test.kind, value)
		}
	}
}

// A sign at an end of an identifier leads to its person, or to nobody: never to a second one.
func TestSignsAtAnEnd(t *testing.T) {
	plain := map[string]*rapid.Generator[string]{
		Email:    rapid.StringMatching(`[a-z]{1,8}@[a-z]{1,6}\.(it|org)`),
		Customer: rapid.StringMatching(`(K-?)?0{0,2}[0-9]{1,8}(X[0-9])?`),
	}
	left := []string{"#", "=", "/", "?", "&", "-", "+", "*", "`", "'", "\"", ".", ",", ";", ":", "!", "(", ")", "[", "]", "<", ">", "|", "~", "$", "%", "@", "^", "\\",
		"{", "}", "«", "»", "„", "•", "·", "¿", "§", "–", "°", " ", "\u2800", "\u20e3", "%20", "&nbsp;", "_x000D_"}
	before := rapid.SampledFrom(append(left, "=3D", "u003e"))
	behind := rapid.SampledFrom(append(left, ".0", ".00", ",0", "\u0338", "\u0332", "Â", `\n`, ""))
	for kind, value := range plain {
		t.Run(kind, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				plain := value.Draw(t, "value")
				want, err := Normalise(kind, []byte(plain), "", nil)
				if err != nil {
					return
				}
				written := plain + behind.Draw(t, "behind")
				if rapid.Bool().Draw(t, "both") {
					written = before.Draw(t, "before") + written
				}
				if got, err := Normalise(kind, []byte(written), "", nil); err == nil {
					require.Equal(t, string(want), string(got), "%+q", written)
				}
			})
		})
	}
}

// What languages write is neither taken for a wrong encoding nor for a mark that no writing has.
func TestNamesInAllLanguages(t *testing.T) {
	words := map[string]bool{}
	for _, tag := range display.Supported.Tags() {
		names := display.Regions(tag)
		if names == nil {
			continue
		}
		for c := range 26 * 26 {
			region, err := language.ParseRegion(string([]byte{byte('A' + c/26), byte('A' + c%26)}))
			if err != nil {
				continue
			}
			name := names.Name(region)
			for _, word := range append(strings.Fields(name), strings.Fields(strings.ToUpper(name))...) {
				word = strings.Trim(word, "()")
				first, _ := utf8.DecodeRuneInString(word)
				words[word] = !unicode.IsMark(first) && !strings.Contains(word, "ÂŠ") // a mistake in the data; of Inari Sami
			}
		}
	}
	require.Greater(t, len(words), 40_000)
	for word, proper := range words {
		if _, err := Normalise(Username, []byte(word), "", nil); proper {
			require.NotErrorIs(t, err, misread, word)
			require.NotErrorIs(t, err, unwritten, word)
		}
	}
}

// Whoever has letters of other languages in a name is not made a second person by a wrong encoding.
func TestMisread(t *testing.T) {
	encodings := []*charmap.Charmap{charmap.Windows1252, charmap.ISO8859_1, charmap.CodePage437, charmap.CodePage850, charmap.Macintosh}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z]{1,3}[àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿßŠšŽž][a-z]{0,3}`).Draw(t, "name")
		i := rapid.IntRange(0, len(encodings)-1).Draw(t, "encoding")
		written, err := encodings[i].NewDecoder().String(name)
		require.NoError(t, err)
		got, err := Normalise(Username, []byte(name), "", nil)
		require.NoError(t, err, name)
		require.NotEmpty(t, got)
		if i > 1 && strings.ContainsAny(name, "ŠšŽž") {
			return // not of Western Europe's encodings: only what begins as é does is known of those
		}
		wrong, err := Normalise(Username, []byte(written), "", nil)
		require.Error(t, err, "%s as %s gave %s", name, written, wrong)
	})
}
