package remnants

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/registry/identifier"
)

var allKinds = []string{identifier.Email, identifier.Phone, "national-id:IT"}

// meets reads texts as the values of one column, and says in which rows somebody is met who is among these, by the
// canonical form.
func meets(t require.TestingT, people []string, texts ...string) (rows []int) {
	var data []byte
	offsets := []int32{0}
	for _, text := range texts {
		data = append(data, text...)
		offsets = append(offsets, int32(len(data)))
	}
	var f finder
	f.reset(data, allKinds)
	f.each(data, offsets, func(row int, kind string, value []byte, _ int) bool {
		normal, err := identifier.Normalise(kind, value, "IT", nil)
		if err != nil || !slices.Contains(people, string(normal)) {
			return false
		}
		rows = append(rows, row)
		return true
	})
	slices.Sort(rows)
	return slices.Compact(rows)
}

// TestFinds finds one address, number or national id in whatever it stands in.
func TestFinds(t *testing.T) {
	const ada, phone, national = "ada@lago.it", "+393331234567", "RSSMRA85T10A562S"
	for _, tt := range []struct {
		text string
		who  string
	}{
		{"ada@lago.it", ada},
		{" Ada@LAGO.it ", ada},
		{"Ada <ada@lago.it>, Bob <bob@lago.it>", ada},
		{"mailto:ada@lago.it?subject=x", ada},
		{`{"old":{"email":"ada@lago.it"}}`, ada},
		{`{"row":"{\"to\":\"ada@lago.it\"}"}`, ada},
		{`{"body":"Hello\nada@lago.it\ttoo"}`, ada},
		{`{"body":"Hello\nnobody@lago.it, or \u003cada@lago.it\u003e"}`, ada},
		{`{"to":"ada\u0040lago.it"}`, ada},
		{`a:1:{s:4:"mail";s:11:"ada@lago.it";}`, ada},
		{"<a href='mailto:ada&#64;lago.it'>", ada},
		{"GET /out?u=ada%40lago.it&x=1", ada},
		{"n=1&mail=ada@lago.it&x=1", ada},
		{"user=ada@lago.it", ada},
		{"'ada@lago.it'", ada},
		{"to ada@lago.it. Thank you", ada},
		{"to ada@lago.it.Thank you", ada},
		{"(ada@lago.it)", ada},
		{"...ada@lago.it...", ada},
		{"UPDATE c SET m='ada@lago.it' WHERE id=1", ada},
		{"x;ada@lago.it;y", ada},
		{"ada@lago.it|bob@lago.it", ada},
		{base64.StdEncoding.EncodeToString([]byte(`{"mail":"ada@lago.it","n":123}`)), ada},
		{base64.StdEncoding.EncodeToString([]byte(`please write to ada@lago.it soon!!`)), ada},
		{"From: =?utf-8?Q?Ada_=3Cada=40lago.it=3E?=", ada},
		{"call +39 333 123 4567 or", phone},
		{"call +39 333 1234567 2026-01-01", phone},
		{`{"tel":"+393331234567"}`, phone},
		{"tel:+39-333-123-4567;ext", phone},
		{"CF RSSMRA85T10A562S.", national},
		{`{"cf":"rssmra85t10a562s"}`, national},
		{`{"mail":"josé@lago.it"}`, "josé@lago.it"},
		{`{"mail":"jos\u00e9@lago.it"}`, "josé@lago.it"},
		{"Seán O'Brien <o'brien@lago.it>", "o'brien@lago.it"},
	} {
		require.Equal(t, []int{1}, meets(t, []string{tt.who}, "nothing", tt.text, "", "nothing either"), tt.text)
	}
}

// TestFindsNobodyElse does not take a part of somebody's identifier for another's.
func TestFindsNobodyElse(t *testing.T) {
	for text, who := range map[string]string{
		"o'brien@lago.it":           "brien@lago.it",
		"nada@lago.it":              "ada@lago.it",
		"ada.bob@lago.it":           "bob@lago.it",
		"ada-bob@lago.it":           "bob@lago.it",
		"ada+bob@lago.it":           "bob@lago.it",
		"ada_bob@lago.it":           "bob@lago.it",
		"ada@lago.it.example":       "ada@lago.it",
		"ada@mail.lago.it":          "ada@lago.it",
		"ada@lago.items":            "ada@lago.it",
		"+3933312345678":            "+393331234567",
		"+39 333 123 45678":         "+393331234567",
		"1+393331234567":            "+393331234568",
		"XRSSMRA85T10A562S":         "RSSMRA85T10A562S",
		"RSSMRA85T10A562S-2026-001": "RSSMRA85T10A562S",
		"bob.Ada@lago":              "ada@lago.it", // the last dot stands before the sign
		"12345":                     "12345",
		"4539123412341234":          "4539123412341234",
	} {
		require.Empty(t, meets(t, []string{who}, text), "%s is not %s", text, who)
	}
}

// TestFindsAllOfMany finds each planted address, whatever stands around it, and says in which row.
func TestFindsAllOfMany(t *testing.T) {
	around := rapid.SampledFrom([]string{"", " ", "<", `"`, `{"a":"`, "\n", "to: ", "(", "x=", "&y=", ", ", "\\n", ";",
		`\u003c`, "words before ", "'", ":"})
	behind := rapid.SampledFrom([]string{"", " ", ">", `"`, `"}`, "\n", ".", ". And", ", b@c.it", ")", "&z=1", ";", "\\n",
		`\u003e`, "'", "?x=1", "/"})
	filler := rapid.SampledFrom([]string{"", "nobody", "other@lago.it", "100 %", "a+b", "{}", "ünï", "=", "@", "x@y", "+"})
	rapid.Check(t, func(r *rapid.T) {
		var texts, people []string
		var want []int
		for row := range rapid.IntRange(1, 20).Draw(r, "rows") {
			text := filler.Draw(r, "filler")
			if rapid.Bool().Draw(r, "planted") {
				who := rapid.StringMatching(`[a-z][a-z0-9]{0,8}([._-][a-z0-9]{1,5})?`).Draw(r, "local") + "@" +
					rapid.StringMatching(`[a-z]{2,8}\.(it|com|co\.uk)`).Draw(r, "domain")
				people, want = append(people, who), append(want, row)
				text += around.Draw(r, "before") + who + behind.Draw(r, "behind")
			}
			texts = append(texts, text)
		}
		// what stands directly before may belong to an address: then it is another
		for i, text := range texts {
			for _, who := range people {
				if at := strings.Index(text, who); at > 0 && local[text[at-1]] && !between[text[at-1]] {
					texts[i] = text[:at] + " " + text[at:]
				}
			}
		}
		got := meets(r, people, texts...)
		for _, row := range want {
			require.Contains(r, got, row, "%q", texts)
		}
	})
}

// TestFindNeverFails reads whatever bytes there are.
func TestFindNeverFails(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var texts []string
		for range rapid.IntRange(1, 6).Draw(r, "rows") {
			texts = append(texts, string(rapid.SliceOfN(rapid.SampledFrom([]byte("@+.%40=?&;#x\\u0\xc3\xa9 aZ9-'\"{}<>/\n")),
				0, 40).Draw(r, "bytes")))
		}
		meets(r, nil, texts...)
	})
}
