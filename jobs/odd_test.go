package jobs

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/connectors/csvdir"
	"lethe/connectors/sqlite"
	"lethe/pipeline/scan"
)

var (
	odd      = flag.Int("odd", 40, "how many odd schemas TestOddSchemas tries, each as a database and as a folder")
	oddFirst = flag.Int64("odd-first", 1, "the seed of the first of them")
)

// oddity makes odd schemas from a seed.
type oddity struct{ *rand.Rand }

func (o oddity) of(list ...string) string { return list[o.Intn(len(list))] }

// name is one that somebody may give, or a program that was wrong.
func (o oddity) name() string {
	name := o.of("id", "email", "name", "customer_no", "passport_no", "PLATE", "Geburtsdatum", "tel.", "e-mail", "a b", "select",
		"from", "x\"y", "it's", "[br]", "`tick`", "semi;colon", "täble", "日本", "имя", "\u202eabc", "zero\u200bwidth", "\x01\x02",
		"line\nbreak", "tab\there", "100%", "$1", "%s%d", "{{x}}", "<b>", "../up", "a.b.c", "*", "-", "_", " ", "NULL", "0", "-1", "1e9",
		"ada@example.org", "+39 02 4801 5555", "Ada Rossi", strings.Repeat("long", 60), "rowid", "oid", "\ufeffid", "id ", "é", "e\u0301",
		"customer", "customers", "orders", "log", "invoice", "product", "employee", "kunde", "vehicle_plate", "iban", "sqlite", "c1", "c2")
	if o.Intn(4) == 0 {
		name += o.of("_1", "2", "_id", " (copy)", ".csv", "_at", "Name", "_no")
	}
	return name
}

// kind is a type as SQLite lets one declare it: anything.
func (o oddity) kind() string {
	return o.of("", "INT", "INTEGER", "BIGINT", "TEXT", "VARCHAR(20)", "VARCHAR(99999999999)", "VARCHAR(0)", "DECIMAL(5,2)", "DECIMAL(0,-2)",
		"NUMERIC", "REAL", "DOUBLE", "FLOAT", "BLOB", "BOOLEAN", "DATE", "DATETIME", "TIMESTAMP", "TIME", "JSON", "UUID", "BIT", "BIT(9)", "CHAR",
		"ENUM", "what ever", "\"quoted\"", "POINT", "MONEY", "INT UNSIGNED", "TIMESTAMP WITH TIME ZONE", "NVARCHAR(-1)", "YEAR")
}

// value is what a row may hold: NULL, numbers at their ends, texts of all sorts, bytes.
func (o oddity) value() any {
	switch o.Intn(9) {
	case 0:
		return nil
	case 1:
		return []int64{0, 1, -1, math.MaxInt64, math.MinInt64, 4111111111111111, 19800102, int64(o.Uint64())}[o.Intn(8)]
	case 2:
		return []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1,
			o.NormFloat64() * 1e6}[o.Intn(8)]
	case 3:
		b := make([]byte, o.Intn(40))
		o.Read(b)
		return b
	case 4:
		return fmt.Sprintf("%0*d", 1+o.Intn(24), o.Intn(1e9))
	}
	text := o.of("", " ", "\x00", "NaN", "inf", "NULL", "\\N", "true", "f", "ada@example.org", "info@b.eu", "+39 02 4801 5555", "Ada", "Rossi",
		"Ada Rossi", "Via Roma 1, 00100 Roma", "1970-01-01", "0000-00-00", "99-99-9999", "12:60", "4111111111111111", "IT60X0542811101000000123456",
		"192.0.2.1", "::1", "90.1,-200", "{}", `{"email":"ada@example.org","n":1e999}`, "[[[[[[", `{"a":`, `a:1:{s:1:"n";d:NAN;}`, "<a><b></a>",
		"BEGIN:VCARD\nFN:Ada\nEND:VCARD", "a=b&c=%zz", "---\nx: &a *a\n", "\xff\xfe\x00", "\ufeff", "\u202e", "日本語", "💥", "x'41'", "0x1F", "1e5",
		"\"quoted\"", "it's", "a,b;c\td|e", "two\nlines", "\r\n", "\\", "aGVsbG8gd29ybGQ=", strings.Repeat("9", 300), strings.Repeat("word ", 400),
		strings.Repeat("(", 2000), strings.Repeat("{\"a\":", 300), "RSSMRA80A01H501U", "12345678Z", "AB-123-CD")
	if o.Intn(12) == 0 {
		text = strings.Repeat(text, 1+o.Intn(50))
	}
	return text
}

// oddTable is a table with rows.
type oddTable struct {
	name   string
	fields []string
	rows   [][]any
}

func (o oddity) tables() (list []oddTable) {
	used := map[string]bool{}
	unique := func(used map[string]bool) string {
		for {
			name := o.name()
			if key := strings.ToLower(name); !used[key] && !strings.HasPrefix(key, "sqlite_") {
				used[key] = true
				return name
			}
		}
	}
	for range 1 + o.Intn(4) {
		t := oddTable{name: unique(used)}
		fields := map[string]bool{}
		many := 1 + o.Intn(6)
		if o.Intn(30) == 0 {
			many = 300
		}
		for i := range many {
			if i > 40 {
				t.fields = append(t.fields, fmt.Sprintf("f%d", i))
				continue
			}
			t.fields = append(t.fields, unique(fields))
		}
		rows := []int{0, 1, 2, 5, 12, 49, 60}[o.Intn(7)]
		same := o.Intn(3) == 0
		var first []any
		for range rows {
			row := make([]any, many)
			for i := range row {
				row[i] = o.value()
			}
			if same && first != nil { // the same row, over and over
				row = first
			}
			first = row
			t.rows = append(t.rows, row)
		}
		list = append(list, t)
	}
	return list
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// database writes the tables as SQLite takes them; what it does not take is left out.
func (o oddity) database(path string, list []oddTable) error {
	db, err := sqlite3.Open(path)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Exec("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY"); err != nil {
		return err
	}
	for _, t := range list {
		var columns []string
		for _, f := range t.fields {
			columns = append(columns, quoted(f)+" "+o.kind()+o.of("", "", "", "", " UNIQUE", " NOT NULL", " DEFAULT 'x'", " DEFAULT (1/0)",
				" COLLATE NOCASE", " CHECK (1)", " REFERENCES "+quoted(list[o.Intn(len(list))].name), " REFERENCES nowhere(x)"))
		}
		switch o.Intn(6) {
		case 0:
			columns = append(columns, "PRIMARY KEY ("+quoted(t.fields[0])+")")
		case 1:
			columns = append(columns, "PRIMARY KEY ("+quoted(t.fields[len(t.fields)-1])+","+quoted(t.fields[0])+")")
		case 2:
			columns = append(columns, "FOREIGN KEY ("+quoted(t.fields[0])+") REFERENCES "+quoted(list[0].name)+o.of("", "("+quoted(list[0].fields[0])+")"))
		case 3:
			columns = append(columns, quoted("computed")+" AS ("+quoted(t.fields[0])+" || 'x')")
		}
		for i, c := range columns { // a column that SQLite refuses is one without a type
			if db.Exec("CREATE TEMP TABLE probe ("+c+")") != nil && i < len(t.fields) {
				columns[i] = quoted(t.fields[i])
			}
			db.Exec("DROP TABLE IF EXISTS probe")
		}
		if err := db.Exec("CREATE TABLE " + quoted(t.name) + " (" + strings.Join(columns, ", ") + ")"); err != nil {
			if err := db.Exec("CREATE TABLE " + quoted(t.name) + " (" + strings.Join(columns[:len(t.fields)], ", ") + ")"); err != nil {
				continue
			}
		}
		var names []string
		for _, f := range t.fields {
			names = append(names, quoted(f))
		}
		s, _, err := db.Prepare("INSERT OR IGNORE INTO " + quoted(t.name) + " (" + strings.Join(names, ",") + ") VALUES (?" +
			strings.Repeat(",?", len(t.fields)-1) + ")")
		if err != nil {
			continue
		}
		for _, row := range t.rows {
			for i, v := range row {
				bind(s, i+1, v)
			}
			s.Step() // a constraint may refuse it
			s.Reset()
		}
		s.Close()
	}
	db.Exec("CREATE VIEW odd_view AS SELECT * FROM nowhere")
	db.Exec("CREATE TRIGGER odd_trigger AFTER DELETE ON " + quoted(list[0].name) + " BEGIN SELECT 1; END")
	if o.Intn(4) == 0 {
		db.Exec("CREATE VIRTUAL TABLE odd_index USING fts5(a, b)")
	}
	return nil
}

func bind(s *sqlite3.Stmt, i int, v any) {
	switch v := v.(type) {
	case nil:
		s.BindNull(i)
	case int64:
		s.BindInt64(i, v)
	case float64:
		s.BindFloat(i, v)
	case []byte:
		s.BindBlob(i, v)
	case string:
		s.BindText(i, v)
	}
}

// folder writes the tables as files, of which some are written well and some are not.
func (o oddity) folder(path string, list []oddTable) error {
	for _, t := range list {
		delimiter, end := o.of(",", ";", "\t", "|", ":", "^"), o.of("\n", "\r\n", "\r")
		quote := o.of(`"`, `"`, "'", "")
		var b strings.Builder
		if o.Intn(4) == 0 {
			b.WriteString(o.of("sep=;", "A title", "# made, by hand", "", "\ufeff", "\xff\xfe") + end)
		}
		line := func(cells []any) {
			for i, c := range cells {
				if i > 0 {
					b.WriteString(delimiter)
				}
				text := fmt.Sprint(c)
				if c == nil {
					text = o.of("", "NULL", `\N`)
				} else if quote != "" && o.Intn(3) > 0 {
					text = quote + strings.ReplaceAll(text, quote, o.of(quote+quote, `\`+quote, quote)) + quote
				}
				b.WriteString(text)
			}
			b.WriteString(end)
		}
		if o.Intn(5) > 0 {
			var names []any
			for _, f := range t.fields {
				names = append(names, f)
			}
			line(names)
		}
		for _, row := range t.rows {
			line(row)
		}
		text := []byte(b.String())
		switch o.Intn(10) {
		case 0: // cut off
			text = text[:o.Intn(len(text)+1)]
		case 1: // bytes that are others
			for range 1 + o.Intn(5) {
				if len(text) > 0 {
					text[o.Intn(len(text))] = byte(o.Intn(256))
				}
			}
		case 2:
			o.Shuffle(len(text), func(i, k int) { text[i], text[k] = text[k], text[i] })
		}
		name := strings.Map(func(r rune) rune {
			if r == '/' || r == 0 {
				return '_'
			}
			return r
		}, t.name)
		if err := os.WriteFile(filepath.Join(path, "x"+name[:min(len(name), 200)]+o.of(".csv", ".csv", ".csv", ".csv", ".csv", ".tsv", ".tsv", ".csv.gz")), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// TestOddSchemas discovers databases and folders of any types, names, counts and values: whatever is in them, what was
// found can be printed in every form, no number is infinite or none, and what cannot be read is an error with a place.
// `make fuzz` tries thousands.
func TestOddSchemas(t *testing.T) {
	c, err := classifiers.New()
	require.NoError(t, err)
	errs := map[string]int{}
	var tables, fields int
	for seed := *oddFirst; seed < *oddFirst+int64(*odd); seed++ {
		o := oddity{rand.New(rand.NewSource(seed))}
		list := o.tables()
		folder := filepath.Join(t.TempDir(), "odd")
		require.NoError(t, os.Mkdir(folder, 0o700))
		require.NoError(t, o.database(folder+".sqlite", list))
		require.NoError(t, o.folder(folder, list))
		for _, open := range []func() (connectors.Source, error){
			func() (connectors.Source, error) {
				return sqlite.Connector.Open(t.Context(), connectors.Options{Name: "odd", DSN: folder + ".sqlite", Unchecked: true})
			},
			func() (connectors.Source, error) {
				return csvdir.Connector.Open(t.Context(), connectors.Options{Name: "odd", DSN: folder, Unchecked: true})
			},
		} {
			source, err := open()
			require.NoError(t, err, "seed %d", seed)
			sample := []int{0, 0, 3}[o.Intn(3)]
			found, err := scan.Discover(t.Context(), source, c, sample, func(int64, int64) {})
			require.NoError(t, source.Close())
			if err != nil {
				errs[kindOf(t, seed, err)]++
				continue
			}
			if found.Failed != nil {
				errs[kindOf(t, seed, found.Failed)]++
			}
			tables += len(found.Tables)
			for _, v := range found.Tables {
				fields += len(v.Fields)
			}
			requirePrinted(t, c, seed, found)
		}
		require.NoError(t, os.RemoveAll(folder))
		require.NoError(t, os.Remove(folder+".sqlite"))
	}
	t.Logf("%d tables and %d fields of %d schemas, as database and as folder", tables, fields, *odd)
	for _, kind := range slices.Sorted(maps.Keys(errs)) {
		t.Logf("%6d  %s", errs[kind], kind)
	}
	require.Positive(t, fields)
}

// kindOf is an error without its place and its numbers; it must have a place, and be of a known kind.
func kindOf(t *testing.T, seed int64, err error) string {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		return kindOf(t, seed, list.Unwrap()[0])
	}
	var at *connectors.Error
	require.True(t, errors.As(err, &at), "seed %d: %v", seed, err)
	known := slices.ContainsFunc([]error{connectors.ErrDamaged, connectors.ErrConfig, connectors.ErrUnreachable, connectors.ErrDenied,
		connectors.ErrSchemaChanged}, func(kind error) bool { return errors.Is(err, kind) })
	require.True(t, known, "seed %d: %v", seed, err)
	text := at.Err.Error()
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, text)
}

func requirePrinted(t *testing.T, c *classifiers.Catalogue, seed int64, found *scan.Discovery) {
	t.Helper()
	for _, format := range []string{"text", "tsv", "csv", "json"} {
		var out bytes.Buffer
		require.NoError(t, writeInventory(&out, found, format, true), "seed %d, %s", seed, format)
		if format == "json" {
			require.True(t, json.Valid(out.Bytes()), "seed %d", seed)
		}
	}
	for _, v := range found.Tables {
		for _, f := range v.Fields {
			require.True(t, f.Confidence >= 0 && f.Confidence <= 1, "seed %d: %v", seed, f)
			require.NoError(t, explainField(io.Discard, c, found.Tables, found.Missed, v.Table+"."+f.Field), "seed %d", seed)
		}
	}
}
