package maker

import (
	"bytes"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
)

var text = connectors.Field{Kind: connectors.Text, Length: 255, Nullable: true}

func TestWhatIsMadeUp(t *testing.T) {
	m := &Maker{Key: []byte("k")}
	for _, c := range []struct {
		how  How
		f    connectors.Field
		v    string
		like string // a regular expression
	}{
		{Words, text, "Anna-Maria O'Rossi", `^[A-Z][a-z]{3}-[A-Z][a-z]{4} [A-Z]'[A-Z][a-z]{4}$`},
		{Words, text, "Via Roma 12/b", `^[A-Z][a-z]{2} [A-Z][a-z]{3} [0-9]{2}/[a-z]$`},
		{Words, text, "Łódź", `^[A-Z][a-z]{3}$`},
		{Words, text, "Иванов", `^[А-Я][а-я]{5}$`},
		{Words, text, "王小明", `^\p{Han}{3}$`},
		{Email, text, "Ada.Rossi@example.org", `^[a-z0-9]{12}@example\.invalid$`},
		{Email, connectors.Field{Kind: connectors.Text, Length: 20}, "ada@example.org", `^[a-z0-9]+@x\.invalid$|^.{20}$`},
		{Phone, text, "+39 347 123", `^\+99 9[0-9]{2} [0-9]{3}$`},
		{Phone, text, "0041-7", `^000[0-9]-[0-9]$`},
		{Card, text, "4111 1111 1111 1111", `^[0-9]{4} [0-9]{4} [0-9]{4} [0-9]{4}$`},
		{Address, text, "8.8.8.8", `^(192\.0\.2|198\.51\.100|203\.0\.113)\.[0-9]+$`},
		{Address, text, "2a00:1450:4001::1", `^2001:db8::`},
		{Address, text, "a4:5e:60:01:02:03", `^02:`},
		{URL, text, "https://facebook.com/ada", `^https://example\.invalid/[a-z0-9]{12}$`},
		{Shape, text, "RSSDAA80A41H501X", `^[A-Z]{6}[0-9]{2}[A-Z][0-9]{2}[A-Z][0-9]{3}[A-Z]$`},
		{Shape, text, "9f86d081884c7d65", `^[0-9a-f]{16}$`},
		{Shape, connectors.Field{Kind: connectors.Integer}, "-12345", `^-[1-9][0-9]{4}$`},
		{Near, connectors.Field{Kind: connectors.Decimal}, "4200.00", `^4[0-9]{3}\.[0-9]{2}$`},
		{Near, connectors.Field{Kind: connectors.Decimal}, "0.00", `^0\.00$`},
		{Document, text, ` {"name": "Ada"}`, `^{}$`},
		{Document, text, `["Ada"]`, `^\[\]$`},
		{Document, text, `a:1:{s:4:"name";s:3:"Ada";}`, `^a:0:{}$`},
		{Email, text, "", `^$`},
		{Email, text, "  ", `^  $`},
		{Keep, text, "Ada", `^Ada$`},
	} {
		made, null := m.Make(c.how, []byte(c.v), c.f, 0)
		require.False(t, null)
		require.Regexp(t, c.like, string(made), "%s of %q", c.how, c.v)
		again, _ := m.Make(c.how, []byte(c.v), c.f, 0)
		require.Equal(t, made, again)
		other, _ := (&Maker{Key: []byte("other")}).Make(c.how, []byte(c.v), c.f, 0)
		if c.how != Document && c.how != Keep && c.v != "0.00" && len(bytes.TrimSpace([]byte(c.v))) > 3 {
			require.NotEqual(t, string(made), string(other), "it hangs on the Key: %s of %q", c.how, c.v)
		}
	}
}

// The same word is the same everywhere, so that a full name still goes with its parts.
func TestWordsStayAlike(t *testing.T) {
	m := &Maker{Key: []byte("k")}
	of := func(s string) string {
		made, _ := m.Make(Words, []byte(s), text, 0)
		return string(made)
	}
	require.Equal(t, of("Ada")+" "+of("Rossi"), of("Ada Rossi"))
	require.Equal(t, strings.ToUpper(of("Rossi")), of("ROSSI"))
}

// What is made up is no value of the original, neither whole nor a word of it.
func TestNothingRealIsMadeUp(t *testing.T) {
	for _, how := range []How{Words, Shape, Email} {
		m := &Maker{Key: []byte("k")}
		first, _ := m.Make(how, []byte("Carlotta"), text, 0)
		m.Taken = func(v []byte) bool { return bytes.EqualFold(v, first) }
		made, _ := m.Make(how, []byte("Carlotta"), text, 0)
		require.NotEqual(t, string(first), string(made))
		if how == Words {
			made, _ = m.Make(how, []byte("Carlotta Rossi"), text, 0)
			require.NotContains(t, string(made), string(first))
		}
	}
}

func TestAnIBANIsOfNoBank(t *testing.T) {
	m := &Maker{Key: []byte("k")}
	for _, v := range []string{"DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "IT60X0542811101000000123456"} {
		made, _ := m.Make(IBAN, []byte(v), text, 0)
		require.Equal(t, v[:2], string(made[:2]))
		require.Len(t, made, len(v))
		compact := strings.ReplaceAll(string(made), " ", "")
		require.Equal(t, "00000000", compact[4:12])
		var digits strings.Builder
		for _, r := range compact[4:] + compact[:4] {
			if r >= 'A' {
				digits.WriteString(big.NewInt(int64(r - 'A' + 10)).String())
			} else {
				digits.WriteRune(r)
			}
		}
		n, ok := new(big.Int).SetString(digits.String(), 10)
		require.True(t, ok)
		require.EqualValues(t, 1, n.Mod(n, big.NewInt(97)).Int64(), "check digits of %s", made)
	}
}

func TestACardHasAWrongCheckDigit(t *testing.T) {
	m := &Maker{Key: []byte("k")}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.StringMatching(`[3-6][0-9]{14,15}`).Draw(t, "card")
		made, _ := m.Make(Card, []byte(v), text, 0)
		sum := 0
		for i := range made {
			d := int(made[len(made)-1-i] - '0')
			if i%2 == 1 {
				d *= 2
			}
			sum += d/10 + d%10
		}
		require.NotZero(t, sum%10)
	})
}

// Weekday stays, the day does not, and what is behind it does.
func TestDaysMoveByWeeks(t *testing.T) {
	m := &Maker{Key: []byte("k")}
	rapid.Check(t, func(t *rapid.T) {
		day := time.Date(1930, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 30_000).Draw(t, "days"))
		made, _ := m.Make(Day, []byte(day.Format("2006-01-02")+" 10:00:01.5"), connectors.Field{Kind: connectors.Timestamp}, 0)
		moved, err := time.Parse("2006-01-02 15:04:05.9", string(made))
		require.NoError(t, err)
		weeks := moved.Sub(day.Add(10*time.Hour+1500*time.Millisecond)).Hours() / 24 / 7
		require.Equal(t, float64(int(weeks)), weeks)
		require.NotZero(t, weeks)
		require.LessOrEqual(t, max(weeks, -weeks), 8.0)
	})
}

// What is made up fits the field, keeps the length where it keeps the form, and is no value of the original.
func TestMadeUpValuesFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.StringN(1, 40, 120).Draw(t, "value")
		f := connectors.Field{Kind: rapid.SampledFrom([]connectors.Kind{connectors.Text, connectors.Binary}).Draw(t, "kind"),
			Length: max(utf8.RuneCountInString(v), len(v)*boolInt(rapid.Bool().Draw(t, "long")))}
		if f.Kind == connectors.Binary {
			f.Length = len(v)
		}
		how := rapid.SampledFrom([]How{Words, Shape, Email, Phone, IBAN, Card, Address, URL, Text, Day, Near}).Draw(t, "how")
		m := &Maker{Key: []byte("k"), Taken: func(made []byte) bool { return strings.EqualFold(string(made), v) }}
		made, null := m.Make(how, []byte(v), f, 0)
		require.False(t, null)
		length := utf8.RuneCount(made)
		if f.Kind == connectors.Binary {
			length = len(made)
		}
		require.LessOrEqual(t, length, f.Length, "%s: %q", how, made)
		require.Equal(t, utf8.ValidString(v), utf8.Valid(made))
	})
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestNumbersStayInTheirType(t *testing.T) {
	m := &Maker{Key: []byte("k")}
	for _, v := range []string{"2147483647", "-2147483648", "9223372036854775807", "18446744073709551615", "7", "0", "-1.50", "1.5e+10"} {
		for try := range 50 {
			made, _ := m.Make(Shape, []byte(v), connectors.Field{Kind: connectors.Decimal}, try)
			a, ok := new(big.Rat).SetString(string(made))
			require.True(t, ok, "%s is no number", made)
			b, _ := new(big.Rat).SetString(v)
			require.LessOrEqual(t, a.Abs(a).Cmp(b.Abs(b)), boolInt(len(v) < 9), "%s for %s", made, v)
		}
	}
}

func TestNothing(t *testing.T) {
	m := &Maker{Key: []byte("k")}
	_, null := m.Make(Nothing, []byte("x"), connectors.Field{Kind: connectors.Text, Nullable: true}, 0)
	require.True(t, null)
	for kind, want := range map[connectors.Kind]string{connectors.Text: "", connectors.Integer: "0", connectors.Date: "1970-01-01", connectors.JSON: "{}"} {
		made, null := m.Make(Nothing, []byte("x"), connectors.Field{Kind: kind}, 0)
		require.False(t, null)
		require.Equal(t, want, string(made))
	}
}
