package classifiers_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
)

var kinds = map[string]string{"t": "text", "i": "integer", "d": "date", "s": "timestamp", "m": "decimal", "b": "bool",
	"x": "binary", "f": "float"}

// schemaCase is a field of testdata/schemas.tsv.
type schemaCase struct{ table, field, want, got string }

// judgeSchemas judges every table of the file by headers alone.
func judgeSchemas(t *testing.T) []schemaCase {
	text, err := os.ReadFile("testdata/schemas.tsv")
	require.NoError(t, err)
	c := catalogue(t)
	var cases []schemaCase
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if line[0] == '#' {
			continue
		}
		table, rest, _ := strings.Cut(line, "\t")
		var fields []classifiers.Field
		var want []string
		for _, f := range strings.Fields(rest) {
			p := strings.Split(f, ":")
			require.Len(t, p, 3, "%s: %s", table, f)
			fields = append(fields, classifiers.Field{Name: p[0], Kind: kinds[p[1]]})
			want = append(want, p[2])
		}
		v := c.Verdicts(c.Scan(classifiers.Table{Database: "db", Name: table, Fields: fields}))[0]
		for i, f := range v.Fields {
			if want[i] == "*" {
				continue
			}
			got := string(f.Primary)
			if got == "none" {
				got = "-"
			}
			cases = append(cases, schemaCase{table, f.Field, want[i], got})
		}
	}
	return cases
}

func TestHeadersOfKnownSchemas(t *testing.T) {
	var right, binary int
	cases := judgeSchemas(t)
	for _, k := range cases {
		personal := func(s string) bool { return s != "-" && s != "company_only" }
		if k.got == k.want {
			right++
		} else {
			t.Logf("%s.%s is %s, judged %s", k.table, k.field, k.want, k.got)
		}
		if personal(k.got) == personal(k.want) {
			binary++
		}
	}
	n := float64(len(cases))
	require.Greater(t, float64(right)/n, 0.97, "exact kind")
	require.Greater(t, float64(binary)/n, 0.98, "personal at all")
}

func TestWhoDidSomethingIsTheEndOfAHeader(t *testing.T) {
	c := catalogue(t)
	logins := []string{"mmeier", "k.lang", "jhuber2", "asommer", "mmeier", "t_kraus", "rwolf", "jhuber2"}
	for _, header := range []string{"erstellt_von", "SkapadAv", "ændret_af", "inserito_da", "created_by"} {
		f := classify(c, "vorgang", textFields(header, "email"), logins,
			[]string{"a@b.de", "c@d.de", "e@f.de", "g@h.de", "i@j.de", "k@l.de", "m@n.de", "o@p.de"}).Fields[0]
		require.Equal(t, classifiers.Username, f.Primary, "%s: %v", header, f.Terms)
	}
	for _, header := range []string{"erstellt", "skapad", "ændret", "inserito", "created"} {
		f := classify(c, "vorgang", textFields(header, "email"), []string{"ja", "nein"},
			[]string{"a@b.de", "c@d.de"}).Fields[0]
		require.Equal(t, classifiers.None, f.Primary, "%s: %v", header, f.Terms)
	}
}

func TestTheSchemaSaysNothingOfATable(t *testing.T) {
	c := catalogue(t)
	for table, subject := range map[string]string{"customers.products": "thing", "products.customers": "person",
		"shop.people.countries": "place", "products": "thing"} {
		v := classify(c, table, textFields("a"), []string{"x"})
		require.Equal(t, subject, v.Subject, table)
	}
}
