package csvdir_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/csvdir"
)

// csvOf writes a table with everything in quotes that has a value.
func csvOf(t connectortest.Table, delimiter, newline string) []byte {
	var b bytes.Buffer
	line := func(n int, value func(i int) any) {
		for i := range n {
			if i > 0 {
				b.WriteString(delimiter)
			}
			if s, ok := value(i).(string); ok {
				b.WriteString(`"` + strings.ReplaceAll(s, `"`, `""`) + `"`)
			}
		}
		b.WriteString(newline)
	}
	line(len(t.Def.Fields), func(i int) any { return t.Def.Fields[i].Name })
	for _, row := range t.Rows {
		line(len(row), func(i int) any { return row[i] })
	}
	return b.Bytes()
}

func TestSuite(t *testing.T) {
	for _, tc := range []struct{ name, delimiter, newline, ending string }{
		{"comma", ",", "\n", ".csv"}, {"semicolon", ";", "\r\n", ".csv"}, {"tab", "\t", "\n", ".tsv.gz"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t,
				connectortest.Harness{Stream: true,
					New: func(t *testing.T, tables []connectortest.Table) connectortest.Store {
						dir := filepath.Join(t.TempDir(), "exports")
						require.NoError(t, os.Mkdir(dir, 0o700))
						// the kinds and keys come from the live source, as `of:` names it
						var catalog []connectors.Table
						for _, table := range tables {
							catalog = append(catalog, table.Def)
							content := csvOf(table, tc.delimiter, tc.newline)
							if strings.HasSuffix(tc.ending, ".gz") {
								content = gzipped(t, content)
							}
							require.NoError(t, os.WriteFile(filepath.Join(dir, table.Def.Name+tc.ending), content,
								0o600))
						}
						return connectortest.Store{Open: func(t *testing.T) connectors.Source {
							src, err := csvdir.Connector.Open(t.Context(), connectors.Options{Name: "suite", DSN: dir,
								Catalog: catalog})
							require.NoError(t, err)
							return src
						}}
					}})
		})
	}
}

func gzipped(t testing.TB, content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// read returns the header and the rows of the only table, the values joined by |, NULL as ~.
func read(t testing.TB, o connectors.Options) (fields string, rows []string, err error) {
	src, err := csvdir.Open(t.Context(), o)
	if err != nil {
		return "", nil, err
	}
	defer src.Close()
	tables, err := src.Tables(t.Context())
	if err != nil {
		return "", nil, err
	}
	require.Len(t, tables, 1)
	var names []string
	for _, f := range tables[0].Fields {
		names = append(names, f.Name)
	}
	for b, err := range src.Scan(t.Context(), connectors.Query{Table: tables[0].Name}) {
		if err != nil {
			return "", rows, err
		}
		rows = append(rows, connectortest.Texts(b)...)
	}
	return strings.Join(names, "|"), rows, nil
}

func TestRead(t *testing.T) {
	extra := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for name, tc := range map[string]struct {
		text   string
		extra  map[string]string
		guess  bool
		fields string
		rows   []string
	}{
		"plain": {text: "id,name\n1,Ann\n2,Bea\n", fields: "id|name",
			rows: []string{"1|Ann", "2|Bea"}},
		"no line feed at the end": {text: "id,name\n1,Ann\n2,Bea", fields: "id|name",
			rows: []string{"1|Ann", "2|Bea"}},
		"Windows line ends": {text: "id,name\r\n1,Ann\r\n\r\n2,\"Bea\"\r\n", fields: "id|name",
			rows: []string{"1|Ann", "2|Bea"}},
		"semicolon with decimal commas": {text: "id;price;name\n1;1,50;Rossi, Mario\n2;2,00;x\n",
			fields: "id|price|name", rows: []string{"1|1,50|Rossi, Mario", "2|2,00|x"}},
		"tab": {text: "id\tname\n1\tA, B; C\n", fields: "id|name",
			rows: []string{"1|A, B; C"}},
		"bar": {text: "id|name\n1|A\n", fields: "id|name", rows: []string{"1|A"}},
		"one field with commas": {text: "name\nRossi, Mario\nBianchi\n\nVerdi, A, B\n", fields: "name",
			rows: []string{"Rossi, Mario", "Bianchi", "~", "Verdi, A, B"}},
		"quotes": {text: "id,name\n1,\"a,b\"\n\"2\",\"say \"\"x\"\"\"\n3,\"two\nlines\r\n" +
			"three\"\n4,5\" pipe\n", fields: "id|name", rows: []string{"1|a,b", "2|say \"x\"", "3|two\nlines\r\nthree",
			"4|5\" pipe"}},
		"NULL and empty": {text: "a,b,c\n,\"\",x\n\\N,\"\\N\",NULL\n", fields: "a|b|c",
			rows: []string{"~||x", "~|\\N|NULL"}},
		"a byte order mark": {text: "\xef\xbb\xbf\"id\",name\n1,Zoë\n", fields: "id|name",
			rows: []string{"1|Zoë"}},
		"Excel's first line": {text: "sep=;\r\nid;name\r\n1;a,b\r\n", fields: "id|name",
			rows: []string{"1|a,b"}},
		"a header with gaps and doubles": {text: "id, name ,,name,name\n1,2,3,4,5\n",
			fields: "id|name|c3|name_2|name_3", rows: []string{"1|2|3|4|5"}},
		"no header": {text: "1,Ann\n2,Bea\n", extra: extra("header", "none"), fields: "c1|c2",
			rows: []string{"1|Ann", "2|Bea"}},
		"a named delimiter": {text: "a^b\n1,2^3\n", extra: extra("delimiter", "^"), fields: "a|b",
			rows: []string{"1,2|3"}},
		"a named tab": {text: "a;b\tc\n1;2\t3\n", extra: extra("delimiter", "tab"), fields: "a;b|c",
			rows: []string{"1;2|3"}},
		"Windows-1252": {text: "citt\xe0\n\x80 Bologna\xe0\n",
			extra: extra("encoding", "windows-1252"), fields: "città", rows: []string{"€ Bolognaà"}},
		"a guess where nothing is proof": {text: "citt\xe0,b\nM\xfcller,Zoë\n", guess: true, fields: "città|b",
			rows: []string{"Müller|Zoë"}},
		"no guess in a configured one": {text: "a,b\nM\xfcller,Zoë\n", fields: "a|b", rows: []string{"M\xfcller|Zoë"}},
		"a header alone":               {text: "id,name\n", fields: "id|name"},
		"nothing":                      {text: "", fields: ""},
		"trailing delimiters":          {text: "id;name;\n1;Ann;\n", fields: "id|name|c3", rows: []string{"1|Ann|~"}},
		"blank lines": {text: "\n\nid,name\n\n1,Ann\n   \n2,Bea\n\n\n", fields: "id|name",
			rows: []string{"1|Ann", "2|Bea"}},
		"a line break in the header": {text: "\"first\nname\",b\nx,y\n", fields: "first\nname|b",
			rows: []string{"x|y"}},
		"carriage returns alone": {text: "sep=,\ra,b\r1,\"x\ny\"\r3,4\r", fields: "a|b", rows: []string{"1|x\ny", "3|4"}},
		"UTF-16": {text: "\xff\xfea\x00;\x00b\x00\r\x00\n\x001\x00;\x002\x00\r\x00\n\x00", fields: "a|b",
			rows: []string{"1|2"}},
		"blanks behind a quote": {text: "a,b\n\"x\" ,\"y\" \n", fields: "a|b", rows: []string{"x|y"}},
	} {
		t.Run(name, func(t *testing.T) {
			fields, rows, err := read(t,
				connectors.Options{DSN: connectortest.WriteFile(t, "people.csv", []byte(tc.text)), Extra: tc.extra,
					Unchecked: tc.guess})
			require.NoError(t, err)
			require.Equal(t, tc.fields, fields)
			require.Equal(t, tc.rows, rows)
		})
	}
}

func TestDamage(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"too few fields":           {"a,b\n1,2\n3\n", "begins in line 3: 1 instead of 2"},
		"too many fields":          {"a,b\n1,2\n\n3,4,5\n", "begins in line 4: 3 instead of 2"},
		"behind a break in quotes": {"a,b\n\"x\ny\nz\",2\n3\n", "begins in line 5"},
		"an open quote":            {"a,b\n1,2\n3,\"x\n4,5\n", "begins in line 3: a quote is not closed"},
		"text behind a quote":      {"a,b\n1,\"x\"y\n", "begins in line 2: a quote is not closed"},
		"a spreadsheet":            {"PK\x03\x04xxxx", "spreadsheet"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := read(t,
				connectors.Options{Name: "old", DSN: connectortest.WriteFile(t, "x.csv", []byte(tc.text))})
			require.ErrorIs(t, err, connectors.ErrDamaged)
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, " old table x")
		})
	}
	_, rows, err := read(t,
		connectors.Options{DSN: connectortest.WriteFile(t, "x.csv",
			[]byte("name,b\nsecret person,2\nanother secret\n"))})
	require.Empty(t, rows, "the batch at hand is not handed out")
	require.NotContains(t, err.Error(), "secret")
	require.ErrorContains(t, err, "new export")
}

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop export")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub.csv"), 0o700))
	for name, content := range map[string]string{"b.csv": "x,y\n1,2\n", "A.CSV": "id;n\n7;8\n", "c.tsv": "p\tq\n",
		"readme.txt": "no", ".hidden.csv": "no", "d.e.csv": ""} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	src, err := csvdir.Open(t.Context(), connectors.Options{DSN: dir})
	require.NoError(t, err)
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	text := func(name string) connectors.Field {
		return connectors.Field{Name: name, Type: "text", Kind: connectors.Text, Nullable: true}
	}
	require.Equal(t, []connectors.Table{
		{Database: "shop export", Name: "A", Fields: []connectors.Field{text("id"), text("n")}, Rows: -1},
		{Database: "shop export", Name: "b", Fields: []connectors.Field{text("x"), text("y")}, Rows: -1},
		{Database: "shop export", Name: "c", Fields: []connectors.Field{text("p"), text("q")}, Rows: -1},
		{Database: "shop export", Name: "d.e", Rows: -1},
	}, tables)
	var order []string
	for b, err := range src.Scan(t.Context(), connectors.Query{Table: "b"}, connectors.Query{Table: "d.e"},
		connectors.Query{Table: "A"}) {
		require.NoError(t, err)
		order = append(order, fmt.Sprint(b.Table, b.Rows.NumRows()))
	}
	require.Equal(t, []string{"b1", "A1"}, order)

	list, err := src.(connectors.Partial).Unread(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.True(t, list[0].Unknown)
	require.Contains(t, list[0].Reason, ": 1 .txt, 1 folders, 1 hidden files")
	require.NotContains(t, list[0].Reason, "readme", "a name may be anybody's")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.csv.gz"), gzipped(t, []byte("x,y\n")), 0o600))
	_, err = csvdir.Open(t.Context(), connectors.Options{DSN: dir})
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.ErrorContains(t, err, "b.csv.gz")
}

func TestOpenRefuses(t *testing.T) {
	path := connectortest.WriteFile(t, "x.csv", []byte("a,b\n"))
	for name, tc := range map[string]struct {
		o    connectors.Options
		is   error
		want string
	}{
		"no path":         {connectors.Options{}, connectors.ErrConfig, "no path"},
		"no file":         {connectors.Options{DSN: path + "x"}, connectors.ErrUnreachable, "no such file"},
		"an empty folder": {connectors.Options{DSN: t.TempDir()}, connectors.ErrConfig, "names end in"},
		"to be changed":   {connectors.Options{DSN: path, ApplyDSN: path}, connectors.ErrConfig, "only read"},
		"to be rewritten": {connectors.Options{DSN: path, Rewrite: true}, connectors.ErrConfig, "only read"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := csvdir.Open(t.Context(), tc.o)
			require.ErrorIs(t, err, tc.is)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestOptions(t *testing.T) {
	connectortest.RunOptions(t, csvdir.Connector,
		connectors.Options{DSN: connectortest.WriteFile(t, "x.csv", []byte("a,b\n"))},
		map[string]connectortest.OptionValues{
			"header":    {Good: []string{"none", "first"}, Bad: []string{"", "no", "false"}},
			"delimiter": {Good: []string{"tab", ",", "|"}, Bad: []string{"", "||", `"`, " ", "\\", "§"}},
			"encoding":  {Good: []string{"windows-1252", "utf-8", "UTF8"}, Bad: []string{"", "ebcdic-9"}},
		})
}

// A catalog from elsewhere says what the fields are; what it does not know stays text, and a key that is
// not whole is none.
func TestCatalog(t *testing.T) {
	path := connectortest.WriteFile(t, "people.csv", []byte("id,born,extra\n1,1990-01-02,x\n"))
	src, err := csvdir.Open(t.Context(), connectors.Options{DSN: path, Catalog: []connectors.Table{{
		Name: "people", Key: []string{"id"}, Unique: [][]string{{"born"}, {"id", "gone"}},
		ForeignKeys: []connectors.ForeignKey{{Fields: []string{"gone"}}, {Fields: []string{"id"}, RefTable: "all"}},
		Fields: []connectors.Field{{Name: "id", Type: "int", Kind: connectors.Integer},
			{Name: "gone", Kind: connectors.Text}, {Name: "born", Type: "date", Kind: connectors.Date, Nullable: true}},
	}}})
	require.NoError(t, err)
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	require.Equal(t, []connectors.Table{{
		Database: "people", Name: "people", Rows: -1, Key: []string{"id"}, Unique: [][]string{{"born"}},
		ForeignKeys: []connectors.ForeignKey{{Fields: []string{"id"}, RefTable: "all"}},
		Fields: []connectors.Field{{Name: "id", Type: "int", Kind: connectors.Integer},
			{Name: "born", Type: "date", Kind: connectors.Date, Nullable: true},
			{Name: "extra", Type: "text", Kind: connectors.Text, Nullable: true}},
	}}, tables)
}

// Text decoded as a whole keeps its delimiters, whatever the bytes of the encoding look like.
func TestEncodings(t *testing.T) {
	text := "name;città\nMüller;Città di Castello\n"
	latin, err := charmap.ISO8859_15.NewEncoder().String(text)
	require.NoError(t, err)
	for encoding, content := range map[string]string{"iso-8859-15": latin, "utf-8": text, "UTF8": text,
		"utf-16be": utf16(text)} {
		fields, rows, err := read(t, connectors.Options{DSN: connectortest.WriteFile(t, "x.csv", []byte(content)),
			Extra: map[string]string{"encoding": encoding}})
		require.NoError(t, err, encoding)
		require.Equal(t, "name|città", fields)
		require.Equal(t, []string{"Müller|Città di Castello"}, rows)
	}
}

func utf16(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteByte(byte(r >> 8))
		b.WriteByte(byte(r))
	}
	return b.String()
}
