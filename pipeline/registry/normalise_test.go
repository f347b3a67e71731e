package registry

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNormalise(t *testing.T) {
	tests := []struct {
		kind, value, country, want string // want "" for unparseable
	}{
		{KindEmail, " Ada.Lovelace+news@Example.ORG ", "", "ada.lovelace+news@example.org"},
		{KindEmail, "o'neil@example.org", "", "o'neil@example.org"},
		{KindEmail, "anna@bücher.example", "", "anna@xn--bcher-kva.example"},
		{KindEmail, "anna@BU\u0308CHER.example", "", "anna@xn--bcher-kva.example"},
		{KindEmail, "anna@xn--bcher-kva.example", "", "anna@xn--bcher-kva.example"},
		{KindEmail, "JOSE\u0301@example.org", "", "jos\u00e9@example.org"},
		{KindEmail, "jos\u00e9@example.org", "", "jos\u00e9@example.org"},
		{KindEmail, "", "", ""},
		{KindEmail, "ada", "", ""},
		{KindEmail, "@example.org", "", ""},
		{KindEmail, "ada@", "", ""},
		{KindEmail, "ada@localhost", "", ""},
		{KindEmail, "ada@example..org", "", ""},
		{KindEmail, "ada@-example.org", "", ""},
		{KindEmail, "ada@example-.org", "", ""},
		{KindEmail, "ada lovelace@example.org", "", ""},
		{KindEmail, "a@b@example.org", "", ""},
		{KindEmail, "ada@example.org;bob@example.org", "", ""},
		{KindEmail, "ada@exa\xffmple.org", "", ""},
		{KindEmail, strings.Repeat("a", 300) + "@example.org", "", ""},
		{KindPhone, "+393331234567", "", "+393331234567"},
		{KindPhone, "+39 333 123 4567", "", "+393331234567"},
		{KindPhone, "0039 333 1234567", "", "+393331234567"},
		{KindPhone, "333 123 4567", "IT", "+393331234567"},
		{KindPhone, "02 1234 5678", "IT", "+390212345678"},
		{KindPhone, "030 123456", "DE", "+4930123456"},
		{KindPhone, "333 123 4567", "", ""},
		{KindPhone, "n/a", "IT", ""},
		{KindPhone, "12", "IT", ""},
		{"national-id:IT", "rss mra 85t10 a562 s", "", "RSSMRA85T10A562S"},
		{"national-id:SE", "811218-9876", "", "8112189876"},
		{"national-id:IT", "RSSMRA85T10A562T", "", ""},
		{"national-id:SE", "811218-9875", "", ""},
		{"national-id:XX", "ab-12", "", "AB12"},
		{"national-id", "RSSMRA85T10A562T", "", "RSSMRA85T10A562T"},
		{"national-id:IT", "RSS*MRA", "", ""},
		{"national-id:IT", "--", "", ""},
		{KindCustomer, " 00042a ", "", "00042a"},
		{KindCustomer, "a\x00b", "", ""},
		{KindUsername, " AdaL ", "", "adal"},
		{"shoe-size", "42", "", ""},
	}
	for _, test := range tests {
		got, ok := Normalise(test.kind, []byte(test.value), test.country, []byte("before|"))
		require.Equal(t, test.want != "", ok, "%s %q", test.kind, test.value)
		require.Equal(t, "before|"+test.want, string(got), "%s %q", test.kind, test.value)
	}
}

func TestNormaliseIsStable(t *testing.T) {
	kinds := []string{KindEmail, KindPhone, KindCustomer, KindUsername, "national-id:IT"}
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		value := rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Za-z0-9é.+_-]{1,8}@[a-zé0-9.-]{1,10}\.(it|ORG)`), rapid.StringMatching(`\+?[0-9 ]{5,14}`)).Draw(t, "value")
		once, ok := Normalise(kind, []byte(value), "IT", nil)
		if !ok {
			return
		}
		twice, ok := Normalise(kind, once, "IT", nil)
		require.True(t, ok)
		require.Equal(t, string(once), string(twice))
	})
}

func TestKnownKind(t *testing.T) {
	for kind, want := range map[string]bool{KindEmail: true, KindNational: true, "national-id:IT": true, "national-id:it": false, "national-id:": false,
		"national-id:ITA": false, "collection": false, "": false, "type": false} {
		require.Equal(t, want, KnownKind(kind), kind)
	}
}

func TestNormaliseEmailDoesNotAllocate(t *testing.T) {
	value, dst := []byte("Ada.Lovelace@Example.org"), make([]byte, 0, 64)
	phone := []byte("+393331234567")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		Normalise(KindEmail, value, "IT", dst)
		Normalise(KindPhone, phone, "IT", dst)
	}))
}

func BenchmarkNormaliseAndMatch(b *testing.B) {
	key := newSQLite(b).key("newsletter")
	value, dst := []byte("Ada.Lovelace@Example.org"), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		out, _ := Normalise(KindEmail, value, "IT", dst)
		key.Match(KindEmail, out)
	}
}
