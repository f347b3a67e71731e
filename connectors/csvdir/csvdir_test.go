package csvdir_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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
	for _, tc := range []struct {
		name, delimiter, newline, ending string
		rewrite                          bool
	}{
		{"comma", ",", "\n", ".csv", false}, {"semicolon", ";", "\r\n", ".csv", true}, {"tab", "\t", "\n", ".tsv.gz", true},
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
						store := connectortest.Store{Open: func(t *testing.T) connectors.Source {
							src, err := csvdir.Connector.Open(t.Context(), connectors.Options{Name: "suite", DSN: dir,
								Catalog: catalog, Rewrite: tc.rewrite})
							require.NoError(t, err)
							if tc.rewrite {
								require.Implements(t, (*connectors.Rewriter)(nil), src)
								require.Implements(t, (*connectors.Foreseer)(nil), src)
							}
							return src
						}}
						if tc.rewrite {
							store.Path = dir
							store.Bytes = func(t *testing.T) (all []byte) {
								entries, err := os.ReadDir(dir)
								require.NoError(t, err)
								for _, e := range entries {
									all = append(all, connectortest.Unpack(t, filepath.Join(dir, e.Name()))...)
								}
								return all
							}
						}
						return store
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
	if tables[0].Unreadable != nil {
		return "", nil, tables[0].Unreadable
	}
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
		"a title": {text: "Customers of 2026\n\nid,mail\n1,a@b.org\n", fields: "id|mail", rows: []string{"1|a@b.org"}},
		"a title padded like a spreadsheet's": {text: "Customers;;\nid;born;name\n1;1970-01-02;Ann\n2;1971-02-03;Bea\n",
			fields: "id|born|name", rows: []string{"1|1970-01-02|Ann", "2|1971-02-03|Bea"}},
		"a header of gaps, and no title": {text: "name;;\nx;y;z\nu;v;w\n", fields: "name|c2|c3",
			rows: []string{"x|y|z", "u|v|w"}},
		"a line that is said": {text: "a,b\nc,d\n1,2\n", extra: extra("header_line", "2"), fields: "c|d", rows: []string{"1|2"}},
		"rows alone":          {text: "1,a@b.org\n2,c@d.org\n", fields: "c1|c2", rows: []string{"1|a@b.org", "2|c@d.org"}},
		"rows alone, one":     {text: "1;a@b.org\n", fields: "c1|c2", rows: []string{"1|a@b.org"}},
		"years are names":     {text: "country,2019,2020\nIT,1,2\nDE,3,4\n", fields: "country|2019|2020", rows: []string{"IT|1|2", "DE|3|4"}},
		"rows alone that are said to have names": {text: "1,a@b.org\n2,c@d.org\n", extra: extra("header", "first"),
			fields: "1|a@b.org", rows: []string{"2|c@d.org"}},
		"a word for NULL":          {text: "id,n,t\n1,NULL,x\n2,5,NULL\n3,6,\"NULL\"\n", fields: "id|n|t", rows: []string{"1|~|x", "2|5|~", "3|6|NULL"}},
		"a name that is no NULL":   {text: "id,name\n1,Null\n2,NULL\n3,Bea\n", fields: "id|name", rows: []string{"1|Null", "2|NULL", "3|Bea"}},
		"a word that is said":      {text: "id,n\n1,-\n", extra: extra("null", "-"), fields: "id|n", rows: []string{"1|~"}},
		"double colons":            {text: "id::title\n1::Toy Story\n2::Jumanji\n", fields: "id|title", rows: []string{"1|Toy Story", "2|Jumanji"}},
		"psql":                     {text: "id|name\n1|Ann\n2|Bea\n(2 rows)\n\n", fields: "id|name", rows: []string{"1|Ann", "2|Bea"}},
		"a total":                  {text: "id;n\n1;2\n2;3\nTotale: 5\n", fields: "id|n", rows: []string{"1|2", "2|3"}},
		"backslashes":              {text: "a,b\n\"x \\\"y\\\", z\",2\n", fields: "a|b", rows: []string{"x \"y\", z|2"}},
		"paths are no escapes":     {text: "a,b\n\"C:\\temp\\new\",2\n", fields: "a|b", rows: []string{"C:\\temp\\new|2"}},
		"PHP":                      {text: "a,b\n\"{\"\"x\"\":\"\"\\\"y\\\"\"\"}\",2\n", fields: "a|b", rows: []string{"{\"x\":\"\\\"y\\\"\"}|2"}},
		"PHP, a backslash at last": {text: "a,b\n\"say \"\"x\"\"\",1\n\"C:\\\",2\n", fields: "a|b", rows: []string{"say \"x\"|1", "C:\\|2"}},
		"a stray quote and tabs":   {text: "a\tb\n\"x\t2\n3\t4\n", fields: "a|b", rows: []string{"\"x|2", "3|4"}},
		"short rows, said": {text: "a,b,c\n1\n2,3\n4,5,6\nTotal: 3\n", extra: extra("short_rows", "filled"), fields: "a|b|c",
			rows: []string{"1|~|~", "2|3|~", "4|5|6"}},
		"no quotes, said":        {text: "a,b\n\"x,2\n", extra: extra("quote", "none"), fields: "a|b", rows: []string{"\"x|2"}},
		"sentences of one field": {text: "note\nHi, you\nDear, me\n", fields: "note", rows: []string{"Hi, you", "Dear, me"}},
		"decimal commas, one field": {text: "price\n1,50\n2,50\n", extra: extra("delimiter", ";"), fields: "price",
			rows: []string{"1,50", "2,50"}},
		"blanks before a quote": {text: "a,b\n\"x\", \"y, z\"\n", fields: "a|b", rows: []string{"x|y, z"}},
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
		"a page":                   {"\n<!DOCTYPE html>", "HTML"},
		"JSON":                     {"{\"a\": 1, \"b\": 2}\n", "JSON"},
		"zero bytes":               {"a\x00b,c\n1,2\n", "zero bytes"},
		"a field more in each row": {"id,price,name\n1,1,50,Ann\n2,2,50,Bea\n", "begins in line 2: 4 instead of 3"},
		"a cut last row":           {"id,name\n1,Ann\n2", "begins in line 3"},
		"a last row of one field":  {"id,name\n1,Ann\nBea\n", "begins in line 3"},
		"a total that may be cut":  {"id;name\n1;Ann\nTotal: 1", "begins in line 3"},
		"quotes, or none":          {"id\tnote\n1\t\"a\nb\tc\"\n", "whether quotes enclose fields"},
		"a title, or a name":       {"place\nRome,Italy\nOslo,Norway\n", "title"},
		"two delimiters":           {"a,b;c\n1,x;y\n2,z;u\n", "in more than one way"},
		"a gap behind the line":    {"a,b\n", "it ends before line"},
		"a long row, filled":       {"a,b\n1\n2,3,4\n", "begins in line 3: 3 instead of 2"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := read(t,
				connectors.Options{Name: "old", DSN: connectortest.WriteFile(t, "x.csv", []byte(tc.text)),
					Extra: map[string]map[string]string{"a gap behind the line": {"header_line": "4"},
						"a long row, filled": {"short_rows": "filled"}}[name]})
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
	src, err = csvdir.Open(t.Context(), connectors.Options{DSN: dir})
	require.NoError(t, err)
	tables, err = src.Tables(t.Context())
	require.NoError(t, err)
	var names []string
	for _, t := range tables {
		names = append(names, t.Name)
	}
	require.Equal(t, []string{"A", "b.csv", "b.csv.gz", "c", "d.e"}, names, "what would bear one name bears its file's")
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
		"to be changed":   {connectors.Options{DSN: path, ApplyDSN: path}, connectors.ErrConfig, "not changed in place"},
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
			"header":      {Good: []string{"none", "first"}, Bad: []string{"", "no", "false"}},
			"delimiter":   {Good: []string{"tab", ",", "||", "§", `\x01`}, Bad: []string{"", "|||||", `"`, " ", "\\", "\n"}},
			"encoding":    {Good: []string{"windows-1252", "utf-8", "UTF8"}, Bad: []string{"", "ebcdic-9"}},
			"header_line": {Good: []string{"1", "12"}, Bad: []string{"", "0", "-1", "first"}},
			"quote":       {Good: []string{"none", "'", `"`}, Bad: []string{"", "\\", "''", " ", "§"}},
			"escape":      {Good: []string{"doubled", "backslash", "php"}, Bad: []string{"", "slash"}},
			"short_rows":  {Good: []string{"refused", "filled"}, Bad: []string{"", "yes"}},
			"null":        {Good: []string{"NULL", "-"}, Bad: []string{""}},
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

// TestFilesAlone reads the files of a folder that can be read, in the order in which they are asked for.
func TestFilesAlone(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.csv": "x,y\n1,2\n", "b.csv": "x,y\n1,2\n3\n", "c.csv": "<html>",
		"d.csv": "x,y\n5,6\n", "e.dat": "x;y\n7;8\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe.csv"), 0o600))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(dir, "gone.csv")))
	src, err := csvdir.Open(t.Context(), connectors.Options{Name: "exports", DSN: dir,
		Files: map[string]map[string]string{"e.dat": {"header": "none"}, "[ab].csv": {"header": "first"}}})
	require.NoError(t, err)
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	var unreadable []string
	for _, table := range tables {
		if table.Unreadable != nil {
			unreadable = append(unreadable, table.Name)
			require.True(t, connectors.Alone(table.Unreadable))
			require.NotErrorIs(t, table.Unreadable, connectors.ErrConfig, "one file is no fault of the configuration")
		}
	}
	require.Equal(t, []string{"c", "gone", "pipe"}, unreadable)
	var read []string
	var failed error
	for b, err := range src.Scan(t.Context(), connectors.Query{Table: "a"}, connectors.Query{Table: "b"}, connectors.Query{Table: "d"}) {
		if failed = err; err == nil {
			read = append(read, b.Table)
		}
	}
	require.Equal(t, []string{"a"}, read)
	require.ErrorIs(t, failed, connectors.ErrDamaged)
	require.True(t, connectors.Alone(failed))
	rows, err := connectortest.Read(t, src, connectors.Query{Table: "e"})
	require.NoError(t, err)
	require.Equal(t, []string{"x|y", "7|8"}, rows)

	assumed, err := src.(connectors.Assuming).Assumed(t.Context())
	require.NoError(t, err)
	require.Equal(t, []connectors.Assumption{{Table: "e", File: "e.dat", Options: map[string]string{"delimiter": ";"}}}, assumed)

	for name, files := range map[string]map[string]map[string]string{
		"fits":            {"a*": {"header": "none"}, "*.csv": {"header": "none"}},
		"is no pattern":   {"[": {"header": "none"}},
		"a.csv: unknown ": {"a.csv": {"headers": "none"}},
	} {
		_, err = csvdir.Open(t.Context(), connectors.Options{Name: "exports", DSN: dir, Files: files})
		require.ErrorIs(t, err, connectors.ErrConfig)
		require.ErrorContains(t, err, name)
	}
}

// TestManyFields reads a header of many names, most of them the same.
func TestManyFields(t *testing.T) {
	fields, rows, err := read(t, connectors.Options{DSN: connectortest.WriteFile(t, "x.csv",
		[]byte(strings.Repeat("name,", 60_000)+"name\n"+strings.Repeat("1,", 60_000)+"1\n"))})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.True(t, strings.HasSuffix(fields, "|name_60001"))
}
