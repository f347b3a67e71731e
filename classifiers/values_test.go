package classifiers

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestBuiltinDetectorsOnPublishedExamples(t *testing.T) {
	list := builtins()
	for _, e := range publishedExamples() {
		b := &list[e.builtin]
		pass := func(s string) bool {
			v := newValue([]byte(s), len(s))
			return b.needs(v.census) && b.match(v.raw)
		}
		for _, s := range e.valid {
			require.True(t, pass(s), "%s: %s", b.detector.ID, s)
		}
		for _, s := range e.invalid {
			require.False(t, pass(s), "%s: %s", b.detector.ID, s)
		}
	}
}

func TestEveryDetectorIsDescribed(t *testing.T) {
	c, err := New()
	require.NoError(t, err)
	for _, d := range c.Detectors() {
		require.NotEmpty(t, d.Name, d.ID)
		require.NotEmpty(t, d.Source, d.ID)
		require.True(t, d.Category.known(), "%s: category %q", d.ID, d.Category)
		for _, a := range d.Also {
			require.True(t, a.known(), "%s: category %q", d.ID, a)
		}
		if d.Category.Personal() {
			require.NotEmpty(t, d.DPV, d.ID)
			require.NotEqual(t, NoClass, d.Class, d.ID)
		}
	}
}

func TestSampleIsIndependentOfOrderAndCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.StringN(1, 6, 12), 1, 1500).Draw(t, "values")
		one, other := newSample(), newSample()
		distinct := map[string]uint32{}
		for i := range values {
			one.add(hashBytes([]byte(values[i])), []byte(values[i]))
			distinct[values[i]]++
			v := values[len(values)-1-i]
			other.add(hashBytes([]byte(v)), []byte(v))
		}
		one.shrink()
		other.shrink()
		require.Equal(t, len(one.entries), len(other.entries))
		require.LessOrEqual(t, len(one.entries), sampleSize)
		for i, e := range one.entries {
			require.Equal(t, e.value, other.entries[i].value)
			require.Equal(t, distinct[string(e.value)], e.count)
		}
		if len(distinct) <= sampleSize {
			require.EqualValues(t, len(distinct), one.distinct())
		} else {
			require.InEpsilon(t, len(distinct), one.distinct(), 0.25)
		}
	})
}

func TestHeadersSplitIntoWords(t *testing.T) {
	lex, err := readLexicon(lexiconTSV)
	require.NoError(t, err)
	for header, want := range map[string][]string{
		"FirstName":       {"first", "name"},
		"emailaddress":    {"email", "address"},
		"HTTPServerIP":    {"http", "server", "ip"},
		"données_Élèves":  {"donnees", "eleves"},
		"address2":        {"address", "2"},
		"postage":         {"postage"},
		"passage":         {"passage"},
		"kundentelefon":   {"kunden", "telefon"},
		"data_di_nascita": {"data", "nascita"},
		"taxid":           {"taxid"},
		"public":          {"public"},
		"Straße":          {"strasse"},
	} {
		require.Equal(t, want, lex.tokens(header), header)
	}
}

func FuzzValue(f *testing.F) {
	for _, e := range publishedExamples() {
		for _, s := range append(e.valid, e.invalid...) {
			f.Add([]byte(s))
		}
	}
	f.Add([]byte("Gentile Sig.ra Rossi,\x00 \xff\xfe +39 02 12345 DE89 3704 0044 0532 0130 00 \u202e"))
	c, err := New()
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, b []byte) {
		last := 0
		for _, s := range c.Spans(nil, b) {
			require.True(t, s.Start >= last && s.Start < s.End && s.End <= len(b), "span %v of %d bytes", s, len(b))
			last = s.End
		}
		c.Match(string(b), "", "")
		var n needles
		newNeedleFinder(c).find(b, &n)
	})
}

// TestThingsAreNobodys: what a number of a thing explains better is no number of a person, unless a header or a country
// speaks for one; numbers of companies alone are not personal.
func TestThingsAreNobodys(t *testing.T) {
	c, err := New()
	require.NoError(t, err)
	for _, k := range []struct {
		value, head, country string
		personal             bool
	}{
		{"978-0-471-11709-4", "", "", false}, {"1-85798-218-5", "", "", false}, {"7732-18-5", "", "", false},
		{"200-001-8", "", "", false}, {"2434-561X", "", "", false}, {"RF18 5390 0754 7034", "", "", false},
		{"32855961", "", "UA", false}, {"J2012000750528", "", "RO", false}, {"5491711", "", "SI", false},
		{"1008600038413", "", "MD", false},
		{"516179157", "company number", "IL", true}, // also a passport by its form, where Israel is said
		{"9434765870", "", "", true}, {"2428 77813 2-1", "", "AU", true}, {"39337423", "", "IL", true},
		{"5820773001", "", "", false}, {"5820773001", "postcode", "", true}, {"5820773001", "", "IR", true},
		{"0080423906", "nhs number", "", true}, {"9780520230453", "", "", false},
		{"9780520230453", "cnp", "", true}, {"9780520230453", "", "RO", true},
	} {
		personal := false
		for _, m := range c.Match(k.value, k.head, k.country) {
			personal = personal || m.Category.Personal()
		}
		require.Equal(t, k.personal, personal, "%v: %v", k, c.Match(k.value, k.head, k.country))
	}
}

// TestRegistersOfCompaniesNameNoPerson: where a number is only a company's, no label of it is personal but a tax
// number's,
// by which a header may call it.
func TestRegistersOfCompaniesNameNoPerson(t *testing.T) {
	c, err := New()
	require.NoError(t, err)
	companies := 0
	for _, d := range c.Detectors() {
		if !d.Company {
			continue
		}
		companies++
		require.False(t, d.Category.Personal(), d.ID)
		for _, a := range d.Also {
			require.Equal(t, TaxID, a, d.ID)
		}
	}
	require.Greater(t, companies, 100)
}
