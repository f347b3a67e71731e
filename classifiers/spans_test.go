package classifiers_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

func TestSpansInLettersAndNotes(t *testing.T) {
	c := catalogue(t)
	for text, want := range map[string][]string{
		"Dear Mr Smith, your order is ready":               {"person_name Smith"},
		"Dear Customer, thank you for buying at our store": nil,
		"Gentile Sig.ra Rossi, la sua carta 4242 4242 4242 4242 è scaduta": {"person_name Rossi",
			"credit_card 4242 4242 4242 4242"},
		"Sehr geehrter Herr Dr. Müller, bitte rufen Sie +49 30 901820 an.": {"person_name Müller",
			"phone +49 30 901820"},
		"IBAN DE89 3704 0044 0532 0130 00.":                                      {"iban DE89 3704 0044 0532 0130 00"},
		"spoke with Maria Rossi about invoice INV-2024-00123":                    {"person_name Maria Rossi"},
		"log 2024-01-02 10:11:12 version 1.2.3.4 build 20240102101112 took 37ms": nil,
		"write to (john.doe+x@mail.example.co.uk).": {
			"email john.doe+x@mail.example.co.uk",
		},
		"https://user:secret@host.example.com/path": nil,
		"peer 203.0.113.77 via 2001:db8::1.": {"ip_address 203.0.113.77",
			"ip_address 2001:db8::1"},
		"device 00-1A-2B-3C-4D-5E seen":              {"mac_address 00-1A-2B-3C-4D-5E"},
		"My US number is (415) 555-0132":             {"phone (415) 555-0132"},
		"order 1234567890 of 9876543210 pieces":      nil,
		"codice fiscale RSSMRA85T10A562S registrato": {"tax_id RSSMRA85T10A562S"},
		"Chère Madame Dubois, merci":                 {"person_name Dubois"},
		"Szanowna Pani Kowalska, dziękujemy":         {"person_name Kowalska"},
		"May Day in Paris and Rose Garden on Monday": nil,
	} {
		var got []string
		for _, s := range c.Spans(nil, []byte(text)) {
			got = append(got, fmt.Sprintf("%s %s", s.Category, text[s.Start:s.End]))
		}
		require.Equal(t, want, got, text)
	}
}

func TestNeedleInAMillionCells(t *testing.T) {
	c := catalogue(t)
	s := c.Scan(classifiers.Table{Database: "db", Name: "t", Fields: []classifiers.Field{{Name: "c1", Kind: "text"}}})
	const rows, batch = 1_000_000, 50_000
	for start := 0; start < rows; start += batch {
		col := make([]string, batch)
		for i := range col {
			col[i] = fmt.Sprintf("item %d is in state %d", start+i, (start+i)%7)
		}
		if start == 650_000 {
			col[1234] = "item lost, ask hildegard.meyer@posteo.de first"
		}
		s.Observe(record(col))
	}
	v := c.Verdicts(s)[0].Fields[0]
	require.Equal(t, classifiers.FreeText, v.Primary, "%v", v.Terms)
	require.Contains(t, v.Also, classifiers.Email)
	require.Contains(t, fmt.Sprint(v.Terms), "1 email")
	require.NotContains(t, fmt.Sprint(v), "hildegard")
}

func TestHostileCellsTakeLinearTime(t *testing.T) {
	c := catalogue(t)
	for _, unit := range []string{"@", "a@", "1 ", "+1-", "(1)", "A1 ", "\x00\xff", "Dear ", ":", "de89 ", "1.",
		"x@y.z@"} {
		small, big := []byte(strings.Repeat(unit, 2_000)), bytes.Repeat([]byte(unit), 40_000)
		took := func(b []byte) time.Duration {
			start := time.Now()
			c.Spans(nil, b)
			s := c.Scan(classifiers.Table{Name: "t", Fields: textFields("c1")})
			s.Observe(record([]string{string(b)}))
			c.Verdicts(s)
			return time.Since(start)
		}
		first := took(small)
		require.Less(t, took(big), 100*first+3*time.Second, "%q", unit)
	}
}

func TestDeclaredDetectors(t *testing.T) {
	c := catalogue(t, classifiers.Custom{ID: "loyalty-card", Pattern: "LB[0-9]{10}", Header: []string{"tessera"},
		Category: classifiers.OtherPersonal},
		classifiers.Custom{ID: "shirt", Words: []string{"Größe M", "Größe L"}, Category: classifiers.OtherPersonal})
	v := classify(c, "t", textFields("c1", "tessera", "c3", "c4"), []string{"LB0000000001", "LB0000000002"},
		[]string{"1", "2"}, []string{"grosse m", "GRÖSSE L"}, []string{"LB1", "xx"})
	require.Equal(t, classifiers.OtherPersonal, v.Fields[0].Primary)
	require.Equal(t, []string{"loyalty-card"}, v.Fields[0].Detectors)
	require.Equal(t, classifiers.OtherPersonal, v.Fields[2].Primary)
	require.Equal(t, classifiers.None, v.Fields[3].Primary)
	require.Equal(t, "loyalty-card", c.Match("LB0123456789", "", "")[0].Detector)
	require.NotEqual(t, catalogue(t).Digest(), c.Digest())

	const mail = classifiers.Email
	for decl, want := range map[*classifiers.Custom]string{
		{Pattern: "x", Category: mail}:                                  "id is empty",
		{ID: "a", Pattern: "x", Category: "colour"}:                     `category "colour" is not one of`,
		{ID: "a", Category: mail}:                                       "neither pattern, header nor words",
		{ID: "a", Pattern: "(", Category: mail}:                         "missing closing )",
		{ID: "a", Pattern: "x*", Category: mail}:                        "matches the empty value",
		{ID: "email", Pattern: "x", Category: mail}:                     "this id is taken",
		{ID: "a", Header: []string{"--"}, Pattern: "x", Category: mail}: `header "--" has no word`,
	} {
		_, err := classifiers.New(*decl)
		require.ErrorContains(t, err, want)
	}
}

func TestMatchSaysWhy(t *testing.T) {
	c := catalogue(t)
	best := func(value, header, country string) classifiers.Match {
		list := c.Match(value, header, country)
		require.NotEmpty(t, list, value)
		return list[0]
	}
	require.Equal(t, classifiers.Email, best("a.b@posteo.de", "", "").Category)
	require.Equal(t, "it.codice_fiscale", best("RSSMRA85T10A562S", "", "IT").Detector)
	require.Equal(t, classifiers.Phone, best("044 668 18 00", "telefon", "CH").Category)
	m := best("meine Karte 4242 4242 4242 4242 bitte", "", "")
	require.Equal(t, classifiers.CreditCard, m.Category)
	require.Equal(t, 12, m.Start)
	require.Empty(t, c.Match("   ", "", ""))
}

// TestCompaniesThatSayTheirCountry: a number of a company that begins with the sign of its country needs nobody to say where it
// is from; what only looks a little like it is nothing, and never a person's.
func TestCompaniesThatSayTheirCountry(t *testing.T) {
	c := catalogue(t)
	for _, v := range []string{"CZ123456789", "FR40123456789", "PL123-456-78-90", "BO1234567", "BR123.456.789-01", "DO123-4567890-1",
		"27ABCDE1234F1Z5"} {
		m := c.Match(v, "", "")
		require.NotEmpty(t, m, v)
		for _, x := range m {
			require.False(t, x.Category.Personal(), "%s: %v", v, x)
		}
	}
	for _, v := range []string{"ELEPHANT99999", "CZ1234", "AB12CDEF34567GH", "ABC123456DEF", "PO-123456789"} {
		require.Empty(t, c.Match(v, "", ""), v)
	}
}
