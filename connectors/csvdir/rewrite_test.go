package csvdir_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/csvdir"
)

// edits says what happens to rows by the value of their first field: "-" deletes, FIELD=VALUE sets, FIELD~ sets NULL.
type edits map[string]string

func (e edits) edit(b connectors.Batch) (connectors.Edit, error) {
	n := int(b.Rows.NumRows())
	edit := connectors.Edit{Ops: make([]connectors.Op, n)}
	sets := map[string]*connectors.Column{}
	rows := map[string][]bool{}
	for r := range n {
		what, ok := e[string(b.Rows.Column(0).(*array.Binary).Value(r))]
		switch {
		case !ok:
		case what == "-":
			edit.Ops[r] = connectors.Delete
		default:
			edit.Ops[r] = connectors.Update
			field, _, set := strings.Cut(what, "=")
			if !set {
				field = strings.TrimSuffix(what, "~")
			}
			if sets[field] == nil {
				sets[field], rows[field] = &connectors.Column{}, make([]bool, n)
				for range r {
					sets[field].AppendNull()
				}
			}
			rows[field][r] = true
		}
		for field, c := range sets {
			if f, v, set := strings.Cut(what, "="); rows[field][r] && set && f == field {
				c.Append([]byte(v))
			} else {
				c.AppendNull()
			}
		}
	}
	for field, c := range sets {
		edit.Set = append(edit.Set, connectors.Assignment{Field: field, Rows: rows[field], Values: c.Array()})
	}
	return edit, nil
}

// rewrite has one file written anew by edits of all of its rows.
func rewrite(t testing.TB, o connectors.Options, e edits) (connectors.RewriteReport, error) {
	o.Rewrite = true
	src, err := csvdir.Open(t.Context(), o)
	require.NoError(t, err)
	defer src.Close()
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	return src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: tables[0].Name}}, e.edit,
		func(connectors.Source) error { return nil })
}

func TestRewritten(t *testing.T) {
	latin := func(s string) string {
		b, err := charmap.Windows1252.NewEncoder().String(s)
		require.NoError(t, err)
		return b
	}
	wide := func(s string) string {
		var b strings.Builder
		for _, r := range s {
			b.WriteByte(byte(r))
			b.WriteByte(byte(r >> 8))
		}
		return b.String()
	}
	for name, tc := range map[string]struct {
		text, want string
		edits      edits
		extra      map[string]string
	}{
		"a row goes with its line end": {text: "id,name\r\n1,Ann\r\n2,\"Be\r\na\"\r\n3,Cy", edits: edits{"2": "-"},
			want: "id,name\r\n1,Ann\r\n3,Cy"},
		"the last row has no line end": {text: "id,name\n1,Ann\n2,Bea", edits: edits{"2": "-"}, want: "id,name\n1,Ann\n"},
		"blanks, titles, a separator line and a total stay": {
			text:  "sep=;\nid;name;note\n1;\"Ann\" ;x\n\n2; \"Bea\";y\n3;Cy;z\n\nTotal: 3\n",
			edits: edits{"1": "name=A", "3": "-"},
			want:  "sep=;\nid;name;note\n1;\"A\" ;x\n\n2; \"Bea\";y\n\nTotal: 3\n"},
		"quotes where they are needed": {text: "id,name,x\n1,Ann,a\n2,Bea,b\n3,Cy,c\n4,Di,d\n",
			edits: edits{"1": "name=a,b", "2": "name=say \"x\"", "3": "name=two\nlines", "4": "name= y"},
			want:  "id,name,x\n1,\"a,b\",a\n2,\"say \"\"x\"\"\",b\n3,\"two\nlines\",c\n4,\" y\",d\n"},
		"quotes where some were": {text: "id,name\n1,\"Ann\"\n2,Bea\n", edits: edits{"1": "name=x", "2": "name=y"},
			want: "id,name\n1,\"x\"\n2,y\n"},
		"nothing, and an empty text": {text: "id,name,x\n1,\"Ann\",a\n2,Bea,b\n3,Cy,c\n", edits: edits{"1": "name~", "2": "name="},
			want: "id,name,x\n1,,a\n2,\"\",b\n3,Cy,c\n"},
		"a word for nothing": {text: "id,name\n1,NULL\n2,Bea\n3,NULL\n", edits: edits{"2": "name~"},
			extra: map[string]string{"null": "NULL"}, want: "id,name\n1,NULL\n2,NULL\n3,NULL\n"},
		"a text that is the word for nothing": {text: "id,name\n1,NULL\n2,Bea\n", edits: edits{"2": "name=NULL"},
			extra: map[string]string{"null": "NULL"}, want: "id,name\n1,NULL\n2,\"NULL\"\n"},
		"backslashes": {text: "1\tA\\\tnn\tx\n2\t\\N\ty\n3\tB\\\\ea\tz\n", edits: edits{"1": "c2=a\tb\\\nc", "3": "c2~"},
			extra: map[string]string{"delimiter": "tab", "header": "none", "escape": "backslash", "quote": "none"},
			want:  "1\ta\\\tb\\\\\\nc\tx\n2\t\\N\ty\n3\t\\N\tz\n"},
		"a mark": {text: "\xef\xbb\xbfid,name\n1,Ann\n2,Bea\n", edits: edits{"1": "name=Zoë"}, want: "\xef\xbb\xbfid,name\n1,Zoë\n2,Bea\n"},
		"UTF-16": {text: "\xff\xfe" + wide("id;name\r\n1;Zoë\r\n2;Bea\r\n"), edits: edits{"2": "name=ñ"},
			want: "\xff\xfe" + wide("id;name\r\n1;Zoë\r\n2;ñ\r\n")},
		"UTF-16 without a mark": {text: wide("id;name\r\n1;Zoe\r\n2;Bea\r\n"), edits: edits{"1": "-"}, want: wide("id;name\r\n2;Bea\r\n")},
		"Windows-1252": {text: latin("id,name\n1,Zoë\n2,Bea\n"), edits: edits{"2": "name=€"},
			extra: map[string]string{"encoding": "windows-1252"}, want: latin("id,name\n1,Zoë\n2,€\n")},
		"all rows go":     {text: "id,name\n1,Ann\n2,Bea\n", edits: edits{"1": "-", "2": "-"}, want: "id,name\n"},
		"nothing changes": {text: "id,name\n1,Ann\n2,Bea\n", edits: edits{"2": "name=Bea"}, want: "id,name\n1,Ann\n2,Bea\n"},
		"a row that ends early": {text: "id,name,x\n1,Ann,a\n2\n", edits: edits{"1": "x=b"}, extra: map[string]string{"short_rows": "filled"},
			want: "id,name,x\n1,Ann,b\n2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, file := range []string{"x.csv", "x.csv.gz", "x.csv.zst"} {
				path := connectortest.WriteFile(t, file, connectortest.Pack(t, file, []byte(tc.text)))
				report, err := rewrite(t, connectors.Options{DSN: path, Extra: tc.extra}, tc.edits)
				require.NoError(t, err)
				require.Equal(t, tc.want, string(connectortest.Unpack(t, path)))
				require.Equal(t, tc.want == tc.text, report.Before == report.After)
			}
		})
	}
}

func TestNotRewritten(t *testing.T) {
	catalog := []connectors.Table{{Name: "x", Fields: []connectors.Field{{Name: "id", Kind: connectors.Integer, Type: "int"},
		{Name: "born", Kind: connectors.Date, Type: "date"}, {Name: "photo", Kind: connectors.Binary, Type: "bytea"}}}}
	for name, tc := range map[string]struct {
		text  string
		edits edits
		o     connectors.Options
		is    error
		says  string
	}{
		"lines that end in carriage returns": {text: "id,name\r1,Ann\r2,Bea\r", edits: edits{"1": "-"}, is: errors.ErrUnsupported,
			says: "could not be written as they are"},
		"a character that the encoding lacks": {text: "id,name\n1,Ann\n", edits: edits{"1": "name=Ω"}, is: connectors.ErrRefused,
			o: connectors.Options{Extra: map[string]string{"encoding": "windows-1252"}}, says: "no such character"},
		"a field that cannot be kept from ending": {text: "1\tAnn\n2\tBea\n", edits: edits{"1": "c2=a\tb"}, is: connectors.ErrRefused,
			o:    connectors.Options{Extra: map[string]string{"delimiter": "tab", "header": "none", "quote": "none"}},
			says: "has no place for such a value"},
		"an empty text without quotes": {text: "1\tAnn\n2\tBea\n", edits: edits{"1": "c2="}, is: connectors.ErrRefused,
			o:    connectors.Options{Extra: map[string]string{"delimiter": "tab", "header": "none", "quote": "none"}},
			says: "has no place for such a value"},
		"days as others write them": {text: "id,born,photo\n1,31.12.1980,\n2,,\n", edits: edits{"1": "born=1980-01-01"},
			o: connectors.Options{Catalog: catalog}, is: connectors.ErrRefused, says: "in another way than Lethe reads them (date)"},
		"bytes in digits": {text: "id,born,photo\n1,,\\x00ff\n2,,\n", edits: edits{"1": "photo=\x00"},
			o: connectors.Options{Catalog: catalog}, is: connectors.ErrRefused, says: "in another way than Lethe reads them (binary)"},
		"an encoding that nobody said": {text: "id,name\n1,Zo\xeb\n2,Bea\n", edits: edits{"2": "name=ñ"},
			o: connectors.Options{Unchecked: true}, is: connectors.ErrRefused, says: "say by `encoding`"},
		"a row that would be taken for names": {text: "1,ann@x.org\nname,mail\n2,bea@x.org\n", edits: edits{"1": "-"}, is: connectors.ErrRefused,
			says: "read in another way"},
		"no row left, and no names": {text: "1,7\nx,y\n", edits: edits{"1": "-", "x": "-"}, is: connectors.ErrRefused,
			o: connectors.Options{Extra: map[string]string{"header": "none"}}, says: "remove the file"},
		"a damaged end": {text: "id,name\n1,Ann\n2,\"Bea\n", edits: edits{"1": "-"}, is: connectors.ErrDamaged, says: "quote"},
	} {
		t.Run(name, func(t *testing.T) {
			path := connectortest.WriteFile(t, "x.csv", []byte(tc.text))
			tc.o.DSN = path
			_, err := rewrite(t, tc.o, tc.edits)
			require.ErrorIs(t, err, tc.is)
			require.ErrorContains(t, err, tc.says)
			now, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, tc.text, string(now))
			left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
			require.NoError(t, err)
			require.Equal(t, []string{path}, left)
		})
	}
}

// In whichever way a file is written: after rewriting it holds what the edits say, and every line that none touched as
// it was; or it is refused, and is as it was.
func TestRewritingAnyFile(t *testing.T) {
	done := 0
	rapid.Check(t, func(rt *rapid.T) {
		delimiter := rapid.SampledFrom([]string{",", ";", "\t", "|", "||"}).Draw(rt, "delimiter")
		newline := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(rt, "newline")
		escape := rapid.SampledFrom([]string{"doubled", "backslash", "php"}).Draw(rt, "escape")
		encoding := rapid.SampledFrom([]string{"", "windows-1252", "utf-16le"}).Draw(rt, "encoding")
		text := rapid.StringOfN(rapid.SampledFrom([]rune("aé ,;|\t\"\\\n0N")), 0, 6, -1)
		written := func(v string) string {
			if escape == "backslash" {
				return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
			}
			return `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
		}
		n := rapid.IntRange(1, 6).Draw(rt, "rows")
		lines, todo := []string{"id" + delimiter + "a" + delimiter + "b" + newline}, edits{}
		rows := [][]string{}
		for i := range n {
			row := []string{fmt.Sprint("k", i), text.Draw(rt, "a"), text.Draw(rt, "b")}
			if escape == "php" { // it is not told apart from a quote that ends the field
				row[1], row[2] = strings.ReplaceAll(row[1], `\`, ""), strings.ReplaceAll(row[2], `\`, "")
			}
			rows = append(rows, row)
			lines = append(lines, row[0]+delimiter+written(row[1])+delimiter+written(row[2])+newline)
			switch rapid.IntRange(0, 3).Draw(rt, "edit") {
			case 0:
				todo[row[0]] = "-"
			case 1:
				todo[row[0]] = rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "field") + "=" + text.Draw(rt, "new")
			}
		}
		encoded := func(s string) []byte {
			switch encoding {
			case "windows-1252":
				b, err := charmap.Windows1252.NewEncoder().String(s)
				require.NoError(rt, err)
				return []byte(b)
			case "utf-16le":
				var b []byte
				for _, r := range s {
					b = append(b, byte(r), byte(r>>8))
				}
				return b
			}
			return []byte(s)
		}
		before := encoded(strings.Join(lines, ""))
		path := filepath.Join(t.TempDir(), "x.csv")
		require.NoError(rt, os.WriteFile(path, before, 0o600))
		spelled := delimiter
		if spelled == "\t" {
			spelled = "tab"
		}
		o := connectors.Options{DSN: path, Extra: map[string]string{"header": "first", "header_line": "1", "delimiter": spelled, "quote": `"`,
			"escape": escape, "null": "0"}}
		if encoding != "" {
			o.Extra["encoding"] = encoding
		}
		_, err := rewrite(t, o, todo)
		after, readErr := os.ReadFile(path)
		require.NoError(rt, readErr)
		if err != nil {
			require.ErrorIs(rt, err, connectors.ErrRefused)
			require.Equal(rt, before, after)
			return
		}
		done++
		want, at := []string{}, 0
		for i, row := range rows {
			what := todo[row[0]]
			if what == "-" {
				continue
			}
			if field, v, set := strings.Cut(what, "="); set {
				row[1+strings.Index("ab", field)] = v
			} else {
				line := encoded(lines[i+1])
				found := bytes.Index(after[at:], line)
				require.GreaterOrEqual(rt, found, 0, "the line %q as it was", lines[i+1])
				at += found + len(line)
			}
			want = append(want, fmt.Sprintf("%q", row))
		}
		require.Equal(rt, want, quoted(t, o))
	})
	require.Positive(t, done)
}

// quoted are the rows of a file.
func quoted(t testing.TB, o connectors.Options) (rows []string) {
	o.Rewrite = false
	src, err := csvdir.Open(t.Context(), o)
	require.NoError(t, err)
	rows = []string{}
	for b, err := range src.Scan(t.Context(), connectors.Query{Table: "x"}) {
		require.NoError(t, err)
		for r := range int(b.Rows.NumRows()) {
			var row []string
			for c := range int(b.Rows.NumCols()) {
				row = append(row, string(b.Rows.Column(c).(*array.Binary).Value(r)))
			}
			rows = append(rows, fmt.Sprintf("%q", row))
		}
	}
	return slices.Clone(rows)
}

// A folder changes places with a new one: files in which nothing changes are the very same, whatever they are.
func TestFolderRewritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "export")
	require.NoError(t, os.Mkdir(dir, 0o700))
	for name, text := range map[string]string{"people.csv": "id,name\n1,Ann\n2,Bea\n", "orders.tsv": "no\tof\n7\t1\n",
		"README.txt": "read me", "broken.csv": "a,b\n1,\"\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	info := func(name string) os.FileInfo {
		i, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		return i
	}
	was := map[string]os.FileInfo{}
	for _, name := range []string{"people.csv", "orders.tsv", "README.txt", "broken.csv"} {
		was[name] = info(name)
	}
	src, err := csvdir.Open(t.Context(), connectors.Options{DSN: dir, Rewrite: true})
	require.NoError(t, err)
	report, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "people"}, {Table: "orders"}},
		edits{"1": "-"}.edit, func(now connectors.Source) error {
			tables, err := now.Tables(t.Context())
			require.Len(t, tables, 3)
			return err
		})
	require.NoError(t, err)
	require.Equal(t, []connectors.RewriteCount{{Table: "orders", Read: 1, Left: 1}, {Table: "people", Read: 2, Left: 1, Deleted: 1}},
		report.Tables)
	require.NotEqual(t, report.Before, report.After)
	for name, i := range was {
		require.Equal(t, name != "people.csv", os.SameFile(i, info(name)), name)
	}
	text, err := os.ReadFile(filepath.Join(dir, "people.csv"))
	require.NoError(t, err)
	require.Equal(t, "id,name\n2,Bea\n", string(text))
	_, err = src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "broken"}}, edits{"1": "-"}.edit,
		func(connectors.Source) error { return nil })
	require.ErrorIs(t, err, connectors.ErrDamaged)
}
