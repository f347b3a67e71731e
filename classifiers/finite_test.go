package classifiers_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/classifiers"
)

// oddities are values at the ends of what arithmetic takes, and of what the detectors look for.
var oddities = []string{"", "0", "-0", "1", "00000000", "NaN", "nan", "Inf", "-Infinity", "1e308", "-1e308", "1e309", "1e-320",
	"9223372036854775807", "18446744073709551616", "179769313486231570814527423731704356798070567525844996598917476803157260780028" +
		"53876058955863276687817154045895351438246423432132688946418276846754670353751698604991057655128207624549009038932894407" +
		"5868508455133942304583236903222948165808559332123347974797826204144723168738177180919299881250404026184124858368.0",
	"0.1", ".5", "5.", "1,5", "90.0000", "-180.00000", "1234567", "12345678", "12345678903", "4111111111111111", "+39023661830",
	"1970-01-01", "0000-00-00", "9999-12-31", "12:00", "a@b.eu", "info@b.eu", "ada@example.org", "IT60X0542811101000000123456",
	"Ada", "Rossi", "Ada Rossi", "Via Roma 1", "Roma", "M", "F", "true", "\x00", "\xff\xfe", "\u202e", "é", "日本", "{}", `{"a":1}`,
	`{"a":"NaN"}`, `a:1:{s:1:"n";d:NAN;}`, `a:1:{s:1:"n";d:INF;}`, "<a/>", "<p>x", "n=1&m=2", "---\na: .nan\n", "192.0.2.1", "1.2.3.4", "::1",
	"The committee met on Monday and agreed.", "A", strings.Repeat("9", 400), strings.Repeat("x ", 300)}

// TestVerdictsAreFinite judges tables of any fields, names, kinds and values: no number in what is said of them is infinite
// or none, so that JSON and any other form can say it.
func TestVerdictsAreFinite(t *testing.T) {
	c := catalogue(t, classifiers.Custom{ID: "any", Pattern: ".+", Category: classifiers.OtherPersonal},
		classifiers.Custom{ID: "list", Words: []string{"ada", "M"}, Category: classifiers.Gender})
	headers := []string{"c1", "id", "customer_no", "passport_no", "vat_no", "personnummer", "plate", "iban", "email", "phone",
		"name", "first_name", "city", "birth_date", "age", "salary", "latitude", "longitude", "ip", "notes", "gender", "religion",
		"password", "photo", "postcode", "", "\xff", "any"}
	kinds := []string{"text", "integer", "decimal", "float", "bool", "date", "time", "timestamp", "binary", "bit", "json", "", "odd"}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "fields")
		rows := rapid.OneOf(rapid.IntRange(0, 5), rapid.SampledFrom([]int{12, 48, 49, 600, 5000})).Draw(t, "rows")
		table := classifiers.Table{Name: rapid.SampledFrom([]string{"t", "customers", "products", ""}).Draw(t, "table")}
		var columns [][]string
		for i := range n {
			table.Fields = append(table.Fields, classifiers.Field{Name: rapid.SampledFrom(headers).Draw(t, "header"),
				Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Key: i == 0, Length: rapid.SampledFrom([]int{0, 1, math.MaxInt}).
					Draw(t, "length"), References: rapid.SampledFrom([]string{"", "t.c1", "customers.email", "."}).Draw(t, "to")})
			some := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(oddities), rapid.StringN(0, 12, 40),
				rapid.StringMatching(`[0-9]{1,20}`)), 1, 6).Draw(t, "values")
			apart := rapid.Bool().Draw(t, "distinct")
			column := make([]string, rows)
			for r := range column {
				if column[r] = some[r%len(some)]; apart {
					column[r] += fmt.Sprint(r)
				}
			}
			columns = append(columns, column)
		}
		s := c.Scan(table)
		if rows > 0 {
			s.Observe(record(columns...))
		}
		verdicts := c.Verdicts(s)
		requireFinite(t, reflect.ValueOf(verdicts), "")
		for _, f := range verdicts[0].Fields {
			require.True(t, f.Confidence >= 0 && f.Confidence <= 1, "%v", f)
		}
		_, err := json.Marshal(verdicts)
		require.NoError(t, err)
		for i := range columns {
			if rows > 0 {
				requireFinite(t, reflect.ValueOf(c.Match(columns[i][0], table.Fields[i].Name, "IT")), "Match")
			}
		}
	})
}

// requireFinite walks a value.
func requireFinite(t *rapid.T, v reflect.Value, at string) {
	switch v.Kind() {
	case reflect.Float64, reflect.Float32:
		require.False(t, math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0), "%s is %v", at, v.Float())
	case reflect.Slice:
		for i := range v.Len() {
			requireFinite(t, v.Index(i), at)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			requireFinite(t, v.Field(i), at+"."+v.Type().Field(i).Name)
		}
	}
}
