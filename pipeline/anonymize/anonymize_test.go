package anonymize

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
)

var testKey = []byte("0123456789abcdef0123456789abcdef")

func field(kind connectors.Kind, declared string, change ...func(*Field)) Field {
	f := Field{Name: "f", Kind: kind, Type: declared, Nullable: true}
	for _, c := range change {
		c(&f)
	}
	return f
}

func length(n int) func(*Field) { return func(f *Field) { f.Length = n } }
func notNull(f *Field)          { f.Nullable = false }
func unique(f *Field)           { f.Unique = true }
func key(f *Field)              { f.Key = true }
func generated(f *Field)        { f.Generated = true }

const isNULL = "\x00NULL"

func column(values ...string) *array.Binary {
	var c connectors.Column
	for _, v := range values {
		if v == isNULL {
			c.AppendNull()
		} else {
			c.Append([]byte(v))
		}
	}
	return c.Array()
}

func texts(a *array.Binary) []string {
	out := make([]string, a.Len())
	for i := range out {
		if out[i] = isNULL; a.IsValid(i) {
			out[i] = string(a.Value(i))
		}
	}
	return out
}

func parsed(t require.TestingT, spec string, f Field) Technique {
	tech, err := Parse(&spec, f)
	require.NoError(t, err)
	return tech.WithKey(testKey, "silo")
}

func applied(t require.TestingT, tech Technique, values ...string) []string {
	var dst connectors.Column
	require.NoError(t, tech.Apply(&dst, column(values...), nil))
	return texts(dst.Array())
}

func TestApply(t *testing.T) {
	text := field(connectors.Text, "varchar(40)", length(40))
	date := field(connectors.Date, "date")
	stamp := field(connectors.Timestamp, "datetime(3)")
	for _, c := range []struct {
		spec  string
		field Field
		in    string
		want  string
	}{
		{"null", text, "Ada", isNULL},
		{"constant", text, "Ada", "anonymized"},
		{"constant", field(connectors.Text, "char(3)", length(3)), "Ada", "x"},
		{"constant:n/a: none", text, "Ada", "n/a: none"},
		{"constant", field(connectors.Integer, "int"), "12", "0"},
		{"constant:-5", field(connectors.Integer, "int"), "12", "-5"},
		{"constant", field(connectors.Decimal, "decimal(10,2)"), "-12.50", "0.00"},
		{"constant", field(connectors.Float, "double"), "1.5", "0"},
		{"constant", field(connectors.Bool, "tinyint(1)"), "1", "0"},
		{"constant", date, "1980-05-06", "1900-01-01"},
		{"constant", field(connectors.Timestamp, "timestamp"), "2001-02-03 04:05:06", "1970-01-02 00:00:00"},
		{"constant", field(connectors.Time, "time"), "10:00:00", "00:00:00"},
		{"constant", field(connectors.Binary, "binary(4)", length(4)), "abcd", "\x00\x00\x00\x00"},
		{"constant", field(connectors.Bit, "bit(3)"), "101", "000"},
		{"constant", field(connectors.JSON, "json"), `{"a":1}`, "{}"},
		{"constant", field(connectors.Text, "uuid"), "c0ffee00-0000-4000-8000-000000000000",
			"00000000-0000-0000-0000-000000000000"},
		{"constant:O'Neill", field(connectors.Text, "enum('a','O''Neill')"), "a", "O'Neill"},
		{"empty", text, "Ada", ""},
		{"year", date, "1980-05-06", "1980-01-01"},
		{"month", date, "1980-05-06", "1980-05-01"},
		{"year", date, "0000-00-00", "0000-00-00"},
		{"year", stamp, "1980-05-06 07:08:09.123", "1980-01-01 00:00:00.000"},
		{"month", stamp, "1980-05-06 07:08:09.123", "1980-05-01 00:00:00.000"},
		{"year", stamp, "0000-00-00 00:00:00.000", "0000-00-00 00:00:00.000"},
		{"year", field(connectors.Timestamp, "timestamp"), "1970-05-06 07:08:09", "1970-01-02 00:00:00"},
		{"year", field(connectors.Text, "TEXT"), "1980-05-06T07:08:09+02:00", "1980-01-01T00:00:00+00:00"},
		{"year", field(connectors.Text, "TEXT"), "6 May 1980", isNULL},
		{"year", field(connectors.Text, "TEXT", notNull), "6 May 1980", "1900-01-01"},
		{"month", field(connectors.Timestamp, "datetime", notNull), "nonsense", "1900-01-01 00:00:00"},
		{"year", date, "0000-00-00 secret", isNULL},
		{"truncate:2", text, "Ægir", "Æg"},
		{"truncate:3", text, "Jo Ann", "Jo"},
		{"truncate:9", text, "Jo", "Jo"},
		{"mask", text, "Łódź 12, 3½ 😀", "xxxx 00, 00 x"},
		{"mask", text, "a\u0301-B", "xx-x"},
		{"mask:keep_last:4", text, "IT60X0542811101", "xx00x0000001101"},
		{"mask:keep_last:4", text, "1234", "0034"},
		{"mask:keep_last:4", text, "7", "0"},
	} {
		t.Run(c.spec+" of "+string(c.field.Kind)+" "+c.field.Type, func(t *testing.T) {
			tech := parsed(t, c.spec, c.field)
			got := applied(t, tech, c.in, isNULL)
			require.Equal(t, []string{c.want, isNULL}, got)
			require.Equal(t, got, applied(t, tech, got...), "a second time changes nothing")
			require.True(t, tech.Holds([]byte(c.want), c.want == isNULL))
			require.Equal(t, c.in == c.want, tech.Holds([]byte(c.in), false))
			require.True(t, tech.Holds(nil, true))
		})
	}
}

func TestHashFitsItsField(t *testing.T) {
	const person = "ada@example.org"
	for _, c := range []struct {
		field Field
		ok    func(string) bool
	}{
		{field(connectors.Text, "text"), func(s string) bool { return len(s) == 26 }},
		{field(connectors.Text, "varchar(8)", length(8)), func(s string) bool { return len(s) == 8 }},
		{field(connectors.Text, "varchar(99)", length(99), unique, notNull),
			func(s string) bool { return len(s) == 26 }},
		{field(connectors.Text, "uuid", unique), func(s string) bool {
			return len(s) == 36 && s[8] == '-' && s[14] == '8' && strings.ContainsAny(s[19:20], "89ab")
		}},
		{field(connectors.Integer, "tinyint(3) unsigned"),
			func(s string) bool { n, err := strconv.Atoi(s); return err == nil && n > 0 && n < 128 }},
		{field(connectors.Integer, "INTEGER"), func(s string) bool {
			n, err := strconv.Atoi(s)
			return err == nil &&
				n > 0 && n < 1<<31
		}},
		{field(connectors.Integer, "bigint(20)", unique),
			func(s string) bool { _, err := strconv.ParseInt(s, 10, 64); return err == nil }},
		{field(connectors.Binary, "varbinary(20)", length(20)), func(s string) bool { return len(s) == 20 }},
		{field(connectors.Binary, "blob"), func(s string) bool { return len(s) == 32 }},
	} {
		t.Run(c.field.Type, func(t *testing.T) {
			tech := parsed(t, "hash", c.field)
			got := applied(t, tech, person, "", person, isNULL)
			require.True(t, c.ok(got[0]), "length or range")
			require.True(t, c.ok(got[1]))
			require.Equal(t, got[0], got[2])
			require.Equal(t, isNULL, got[3])
			require.True(t, tech.Holds([]byte(got[0]), false))
			require.False(t, tech.Holds([]byte(person+"!"), false))
		})
	}
}

// The pseudonym of a value is the HMAC of it under a key that is the HMAC of the domain: this vector was
// computed with Python's hmac and base64.
func TestHashVector(t *testing.T) {
	tech := parsed(t, "hash", field(connectors.Text, "text"))
	require.Equal(t, []string{"fjzwsnpsgmnyqht5zl2uiiyfmk"}, applied(t, tech, "ada@example.org"))
}

func TestPseudonymsStayInTheirDomain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.String().Draw(rt, "value")
		other := rapid.String().Filter(func(s string) bool { return s != value }).Draw(rt, "other")
		f, g := field(connectors.Text, "text"), field(connectors.Text, "text")
		g.Name = "g"
		spec := "hash"
		tf, err := Parse(&spec, f)
		require.NoError(rt, err)
		tg, err := Parse(&spec, g)
		require.NoError(rt, err)
		here := applied(rt, tf.WithKey(testKey, "silo"), value)
		require.Equal(rt, here, applied(rt, tf.WithKey(testKey, "silo"), value))
		require.NotEqual(rt, here, applied(rt, tf.WithKey(testKey, "silo"), other))
		require.NotEqual(rt, here, applied(rt, tg.WithKey(testKey, "silo"), value), "another field")
		require.NotEqual(rt, here, applied(rt, tf.WithKey(testKey, "silof"), value), "another silo")
		require.NotEqual(rt, here, applied(rt, tf.WithKey(testKey[1:], "silo"), value), "another key")
	})
}

func TestParseRefuses(t *testing.T) {
	text := field(connectors.Text, "varchar(5)", length(5))
	for _, c := range []struct {
		spec  string
		field Field
		says  string
	}{
		{"null", field(connectors.Text, "text", notNull), "NOT NULL"},
		{"null:x", text, "no argument"},
		{"shred", text, "no technique"},
		{"constant", field(connectors.Text, "text", unique), "unique"},
		{"year", field(connectors.Date, "date", unique), "unique"},
		{"truncate:3", field(connectors.Text, "text", unique), "unique"},
		{"mask", field(connectors.Text, "text", unique), "unique"},
		{"constant", field(connectors.Text, "text", generated), "computed by the engine"},
		{"null", field(connectors.Text, "text", key), "key"},
		{"constant:toolong", text, "7 characters"},
		{"constant:end ", text, "space"},
		{"constant:x", field(connectors.Integer, "int"), "integer"},
		{"constant:300", field(connectors.Integer, "tinyint"), "integer"},
		{"constant:007", field(connectors.Integer, "int"), "integer"},
		{"constant:1", field(connectors.Decimal, "decimal(5,2)"), "decimal"},
		{"constant:0x1.00", field(connectors.Decimal, "decimal(5,2)"), "decimal"},
		{"constant:yes", field(connectors.Bool, "bool"), "bool"},
		{"constant:1980-13-01", field(connectors.Date, "date"), "date"},
		{"constant:1980-01-01", field(connectors.Timestamp, "datetime"), "timestamp"},
		{"constant:25:00:00", field(connectors.Time, "time"), "time"},
		{"constant:ab", field(connectors.Binary, "binary(3)", length(3)), "2 bytes"},
		{"constant:12", field(connectors.Bit, "bit(2)"), "bit"},
		{"constant:{", field(connectors.JSON, "json"), "json"},
		{"constant", field(connectors.Text, "enum('a','b')"), "listed values"},
		{"constant:c", field(connectors.Text, "enum('a','b')"), "listed values"},
		{"constant", field(connectors.Text, "inet6"), "no neutral value"},
		{"empty", field(connectors.Integer, "int"), "integer"},
		{"empty:x", text, "no argument"},
		{"hash", field(connectors.Text, "enum('a','b')"), "enum"},
		{"hash", field(connectors.Date, "date"), "date"},
		{"hash", field(connectors.Text, "varchar(5)", length(5), unique), "too few"},
		{"hash", field(connectors.Integer, "int", unique), "too small"},
		{"hash", field(connectors.Binary, "binary(40)", length(40)), "32 bytes"},
		{"hash:x", text, "no argument"},
		{"year", field(connectors.Integer, "int"), "dates"},
		{"year", text, "hold no date"},
		{"truncate", text, "truncate:3"},
		{"truncate:0", text, "truncate:3"},
		{"truncate:2", field(connectors.Integer, "int"), "free text"},
		{"mask:4", text, "mask:keep_last:4"},
		{"mask:keep_last:-1", text, "mask:keep_last:4"},
		{"mask", field(connectors.JSON, "json"), "free text"},
	} {
		t.Run(c.spec+" for "+c.field.Type, func(t *testing.T) {
			_, err := Parse(&c.spec, c.field)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "anonymize f: ")
		})
	}
}

func TestNilSpecIsNull(t *testing.T) {
	tech, err := Parse(nil, field(connectors.Text, "text"))
	require.NoError(t, err)
	require.Equal(t, "null_fields", tech.Method())
	require.Equal(t, []string{isNULL}, applied(t, tech, "Ada"))
}

func TestResultIsHonest(t *testing.T) {
	f := field(connectors.Text, "text")
	for spec, want := range map[string]struct {
		method string
		result Result
	}{
		"null":       {"null_fields", Anonymised},
		"constant":   {"constant", Anonymised},
		"empty":      {"constant", Anonymised},
		"hash":       {"keyed_hash", Pseudonymised},
		"year":       {"generalise", Generalised},
		"month":      {"generalise", Generalised},
		"truncate:1": {"truncate", Pseudonymised},
		"mask":       {"mask", Pseudonymised},
	} {
		tech := parsed(t, spec, f)
		require.Equal(t, want.method, tech.Method(), spec)
		require.Equal(t, want.result, tech.Result(), spec)
		require.Equal(t, spec == "hash", tech.NeedsKey(), spec)
	}
}

func TestApplyOnlyMarkedRows(t *testing.T) {
	tech := parsed(t, "constant", field(connectors.Text, "text"))
	var dst connectors.Column
	require.NoError(t, tech.Apply(&dst, column("a", "b", "c"), []bool{true, false, true}))
	require.Equal(t, []string{"anonymized", isNULL, "anonymized"}, texts(dst.Array()))
	require.Error(t, tech.Apply(&dst, column("a"), []bool{true, false}))
}

func TestApplyRefusesWhatIsNotReady(t *testing.T) {
	var dst connectors.Column
	require.ErrorContains(t, Technique{}.Apply(&dst, column("a"), nil), "Parse")
	spec := "hash"
	tech, err := Parse(&spec, field(connectors.Text, "text"))
	require.NoError(t, err)
	require.ErrorContains(t, tech.Apply(&dst, column("a"), nil), "WithKey")
	require.False(t, Technique{}.Holds([]byte("a"), false))
}

// Whatever the value, what comes out fits the field, is valid UTF-8, says nothing of the old value's
// letters, and stays as it is the second time.
func TestOutputFits(t *testing.T) {
	specs := []string{"null", "constant", "empty", "hash", "year", "month", "truncate:1", "truncate:7", "mask",
		"mask:keep_last:3"}
	rapid.Check(t, func(rt *rapid.T) {
		spec := rapid.SampledFrom(specs).Draw(rt, "spec")
		size := rapid.IntRange(10, 30).Draw(rt, "length")
		f := field(connectors.Text, fmt.Sprintf("varchar(%d)", size), length(size))
		f.Nullable = spec == "null" || rapid.Bool().Draw(rt, "nullable")
		in := rapid.OneOf(rapid.StringN(0, size, -1), rapid.Just("2001-02-03"),
			rapid.Just("2001-02-03 04:05:06")).
			Filter(func(s string) bool { return utf8.RuneCountInString(s) <= size }).Draw(rt, "value")
		tech := parsed(rt, spec, f)
		out := applied(rt, tech, in)[0]
		if out == isNULL {
			require.True(rt, f.Nullable)
			return
		}
		require.LessOrEqual(rt, utf8.RuneCountInString(out), size)
		require.True(rt, utf8.ValidString(out))
		require.True(rt, tech.Holds([]byte(out), false))
		if spec != "hash" {
			require.Equal(rt, out, applied(rt, tech, out)[0])
		}
		if spec == "mask" {
			require.Equal(rt, utf8.RuneCountInString(in), utf8.RuneCountInString(out))
			require.Empty(rt, strings.Trim(out, "x0\x00\t\n\r !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\x7f"+controls()))
		}
	})
}

func controls() string {
	var b strings.Builder
	for c := rune(1); c < ' '; c++ {
		b.WriteRune(c)
	}
	return b.String()
}

func FuzzApply(f *testing.F) {
	for _, s := range []string{"", "Ada", "2001-02-03T04:05:06Z", "0000-00-00", "\xff\xfe", "Łódź"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		for _, spec := range []string{"year", "month", "truncate:3", "mask", "mask:keep_last:2"} {
			tech := parsed(t, spec, field(connectors.Text, "text"))
			var once, twice connectors.Column
			var in connectors.Column
			in.Append(v)
			require.NoError(t, tech.Apply(&once, in.Array(), nil))
			require.NoError(t, tech.Apply(&twice, once.Array(), nil))
			a, b := once.Array(), twice.Array()
			require.Equal(t, a.IsNull(0), b.IsNull(0), spec)
			require.True(t, bytes.Equal(a.Value(0), b.Value(0)), spec)
		}
	})
}

func BenchmarkApply(b *testing.B) {
	values := make([]string, 4096)
	bytesIn := int64(0)
	for i := range values {
		values[i] = fmt.Sprintf("person.%05d@example.org", i)
		bytesIn += int64(len(values[i]))
	}
	in := column(values...)
	for _, spec := range []string{"constant", "hash", "truncate:3", "mask"} {
		b.Run(spec, func(b *testing.B) {
			tech := parsed(b, spec, field(connectors.Text, "varchar(40)", length(40)))
			var dst connectors.Column
			b.SetBytes(bytesIn)
			b.ReportAllocs()
			for b.Loop() {
				dst.Reset()
				if err := tech.Apply(&dst, in, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
