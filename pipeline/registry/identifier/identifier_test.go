package identifier

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/registry/keystore"
)

func TestNormalise(t *testing.T) {
	tests := []struct {
		kind, value, country, want string // want "" for unparseable
	}{
		{Email, " Ada.Lovelace+news@Example.ORG ", "", "ada.lovelace+news@example.org"},
		{Email, "o'neil@example.org", "", "o'neil@example.org"},
		{Email, "anna@bücher.example", "", "anna@xn--bcher-kva.example"},
		{Email, "anna@BU\u0308CHER.example", "", "anna@xn--bcher-kva.example"},
		{Email, "anna@xn--bcher-kva.example", "", "anna@xn--bcher-kva.example"},
		{Email, "JOSE\u0301@example.org", "", "jos\u00e9@example.org"},
		{Email, "jos\u00e9@example.org", "", "jos\u00e9@example.org"},
		{Email, "", "", ""},
		{Email, "ada", "", ""},
		{Email, "@example.org", "", ""},
		{Email, "ada@", "", ""},
		{Email, "ada@localhost", "", ""},
		{Email, "ada@example..org", "", ""},
		{Email, "ada@-example.org", "", ""},
		{Email, "ada@example-.org", "", ""},
		{Email, "ada lovelace@example.org", "", ""},
		{Email, "a@b@example.org", "", ""},
		{Email, "ada@example.org;bob@example.org", "", ""},
		{Email, "ada@exa\xffmple.org", "", ""},
		{Email, strings.Repeat("a", 300) + "@example.org", "", ""},
		{Phone, "+393331234567", "", "+393331234567"},
		{Phone, "+39 333 123 4567", "", "+393331234567"},
		{Phone, "0039 333 1234567", "", "+393331234567"},
		{Phone, "333 123 4567", "IT", "+393331234567"},
		{Phone, "02 1234 5678", "IT", "+390212345678"},
		{Phone, "030 123456", "DE", "+4930123456"},
		{Phone, "333 123 4567", "", ""},
		{Phone, "n/a", "IT", ""},
		{Phone, "12", "IT", ""},
		{"national-id:IT", "rss mra 85t10 a562 s", "", "RSSMRA85T10A562S"},
		{"national-id:SE", "811218-9876", "", "8112189876"},
		{"national-id:IT", "RSSMRA85T10A562T", "", ""},
		{"national-id:SE", "811218-9875", "", ""},
		{"national-id:XX", "ab-12", "", "AB12"},
		{"national-id", "RSSMRA85T10A562T", "", "RSSMRA85T10A562T"},
		{"national-id:IT", "RSS*MRA", "", ""},
		{"national-id:IT", "--", "", ""},
		{Customer, " 00042a ", "", "00042a"},
		{Customer, "a\x00b", "", ""},
		{Username, " AdaL ", "", "adal"},
		{Collection, " form/7  b ", "", "form/7 b"},
		{"shoe-size", "42", "", ""},
	}
	for _, test := range tests {
		got, err := Normalise(test.kind, []byte(test.value), test.country, []byte("before|"))
		require.Equal(t, test.want != "", err == nil, "%s %q: %v", test.kind, test.value, err)
		require.Equal(t, "before|"+test.want, string(got), "%s %q", test.kind, test.value)
	}
}

func TestNormaliseIsStable(t *testing.T) {
	kinds := []string{Email, Phone, Customer, Username, "national-id:IT"}
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		value := rapid.OneOf(rapid.String(),
			rapid.StringMatching(`[A-Za-z0-9é.+_-]{1,8}@[a-zé0-9.-]{1,10}\.(it|ORG)`),
			rapid.StringMatching(`\+?[0-9 ]{5,14}`)).Draw(t, "value")
		once, err := Normalise(kind, []byte(value), "IT", nil)
		if err != nil {
			return
		}
		twice, err := Normalise(kind, once, "IT", nil)
		require.NoError(t, err, "%s", once)
		require.Equal(t, string(once), string(twice))
	})
}

func TestKnownKind(t *testing.T) {
	for kind, want := range map[string]bool{Email: true, National: true, "national-id:IT": true,
		"national-id:it": false, "national-id:": false,
		"national-id:ITA": false, "collection": false, "": false, "type": false} {
		require.Equal(t, want, Known(kind), kind)
	}
}

func TestNormaliseEmailDoesNotAllocate(t *testing.T) {
	value, dst := []byte("Ada.Lovelace@Example.org"), make([]byte, 0, 64)
	phone := []byte("+393331234567")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		Normalise(Email, value, "IT", dst)
		Normalise(Phone, phone, "IT", dst)
	}))
}

func BenchmarkNormaliseAndMatch(b *testing.B) {
	dir := b.TempDir()
	require.NoError(b, keystore.Create(filepath.Join(dir, "keys"), filepath.Join(dir, "lethe.age")))
	keys, err := keystore.Open(b.Context(), filepath.Join(dir, "keys"), filepath.Join(dir, "lethe.age"))
	require.NoError(b, err)
	require.NoError(b, keys.EnsureSilo("newsletter"))
	key, err := keys.SiloKey("newsletter")
	require.NoError(b, err)
	value, dst := []byte("Ada.Lovelace@Example.org"), make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		out, _ := Normalise(Email, value, "IT", dst)
		key.Match(Email, out)
	}
}
