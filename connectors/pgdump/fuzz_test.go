package pgdump_test

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/pgdump"
)

// everything is a dump that has most of what dumps have.
const everything = header + "CREATE DOMAIN public.d AS character varying(9);\n" + createT +
	"CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN 1 > 0 THEN 1 END; SELECT ';'; END;\n" +
	"CREATE FUNCTION g() RETURNS text AS $_$ it's; $_$ LANGUAGE sql;\n" +
	"CREATE TABLE shop.\"U v\" (a boolean, b bytea, c timestamp with time zone, \"D\" public.d[] DEFAULT " +
	"'{}'::text[], f bit(3));\n" +
	"COPY public.t (id, v) FROM stdin;\n1\ta\\tb\\\\\n2\t\\N\n\\.\n\n\n" +
	"COPY shop.\"U v\" (a, b, c, \"D\", f) FROM stdin;\nt\t\\\\x00ff\t2024-01-01 00:30:00+01\t{a,\"b c\"}\t101\n\\.\n" +
	"INSERT INTO public.t VALUES (3, 'it''s'), (4, E'\\'x'),\n\t(5, NULL);\nINSERT INTO public.t VALUES (6, '$$');\n" +
	"INSERT INTO public.t VALUES (7, '\n');\nINSERT INTO shop.\"U v\" (a, f, b) OVERRIDING SYSTEM VALUE VALUES " +
	"(true, B'1', '\\x41') ON CONFLICT DO NOTHING;\n" +
	"\\connect other\nSET client_encoding = 'LATIN1';\nSET standard_conforming_strings = off;\n" +
	"CREATE TABLE t (x int PRIMARY KEY, y text);\nINSERT INTO t (y, x) VALUES ('\xfc\\'', 1);/* a /* b */ */\n" +
	"ALTER TABLE ONLY t ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES t(x) ON DELETE SET NULL;\n" +
	"CREATE UNIQUE INDEX i ON t USING btree (y);\nCREATE RULE r AS ON DELETE TO t DO ALSO (SELECT 1; SELECT 2);\n" +
	trailer

func stream(t testing.TB, text []byte, window int) (tables []connectors.Table, rows []string, err error) {
	tables, err = pgdump.Stream(t.Context(), text, window, func(b connectors.Batch) error {
		for _, row := range connectortest.Texts(b) {
			rows = append(rows, b.Table+" "+row)
		}
		return nil
	})
	return tables, rows, err
}

// FuzzStream reads the same text through a large and a small window: the pieces in which it comes do not
// matter.
func FuzzStream(f *testing.F) {
	f.Add([]byte(everything), 7)
	for _, seed := range []string{
		"COPY t(a) FROM stdin;\n\\.\n", "COPY t FROM stdin;\n", "INSERT INTO t VALUES (1,$a$x$a$),(E'\\\\'::text);",
		"CREATE TABLE t(a int) INHERITS (t);CREATE TABLE u (LIKE t, b t);", "\\connect a\n\\c -\n",
		"CREATE TABLE t (a \"char\"[], PRIMARY KEY (a));ALTER TABLE t ADD b varchar(5), DROP a;",
		"INSERT INTO t DEFAULT VALUES;CREATE TABLE t();INSERT INTO t DEFAULT VALUES;",
		"SET search_path = a;COPY (SELECT 1) TO stdout;",
		"CREATE DOMAIN d AS d;CREATE UNIQUE INDEX ON t (a);", "--", "/*", "'", "$", "\"\"", "INSERT", "E'",
		"\xef\xbb\xbf;",
	} {
		f.Add([]byte(seed), 1)
	}
	f.Fuzz(func(t *testing.T, text []byte, window int) {
		tables, rows, err := stream(t, text, 1<<16)
		tables2, rows2, err2 := stream(t, text, 1+window&0xff)
		require.Equal(t, err == nil, err2 == nil, "%v / %v", err, err2)
		if err != nil {
			return
		}
		require.Equal(t, tables, tables2)
		require.Equal(t, rows, rows2)
		var sum int64
		for _, table := range tables {
			sum += table.Rows
		}
		require.EqualValues(t, sum, len(rows), "as many rows as the catalog says")
		for _, window := range []int{1 << 16, 1 + window&0xff} {
			var read []string
			_, out, err := pgdump.Rewritten(t.Context(), text, window, collect(&read))
			if err != nil {
				require.ErrorIs(t, err, connectors.ErrDamaged, "what reading passes over")
				continue
			}
			require.Equal(t, string(text), string(out), "what nobody changes is copied")
			require.Equal(t, rows, read)
		}
	})
}

// collect copies the rows that it is asked about, and leaves them.
func collect(into *[]string) connectors.EditFunc {
	return func(b connectors.Batch) (connectors.Edit, error) {
		for _, row := range connectortest.Texts(b) {
			*into = append(*into, b.Table+" "+row)
		}
		return connectors.Edit{}, nil
	}
}

// TestEditsAreReadBack draws tables with hostile values and what becomes of their rows, writes the dump anew and reads
// it.
func TestEditsAreReadBack(t *testing.T) {
	hostile := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("\\'\t\n\r.N$\"x1;(),-")))).
		Filter(func(s string) bool { return !strings.ContainsRune(s, 0) && utf8.ValidString(s) })
	rapid.Check(t, func(r *rapid.T) {
		var dump strings.Builder
		dump.WriteString("CREATE TABLE t (id int, v text, b bytea);\n")
		var want []string
		next := map[string]*string{} // by id: nil deletes
		id := 0
		for range rapid.IntRange(1, 5).Draw(r, "statements") {
			l := rapid.SampledFrom([]string{"copy", "one", "many", "off"}).Draw(r, "layout")
			var tuples []string
			for range rapid.IntRange(1, 4).Draw(r, "rows") {
				id++
				key, v := strconv.Itoa(id), hostile.Draw(r, "old")
				raw := string(rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(r, "bytes"))
				row := "t " + key + "|" + v + "|" + raw
				switch rapid.IntRange(0, 2).Draw(r, "fate") {
				case 0:
					next[key] = nil
					row = ""
				case 1:
					now := hostile.Draw(r, "new")
					next[key], row = &now, "t "+key+"|"+now+"|"+now
				}
				if row != "" {
					want = append(want, row)
				}
				h := hex.EncodeToString([]byte(raw))
				switch l {
				case "copy":
					tuples = append(tuples, "\\\\x"+h+"\t"+key+"\t"+copyEscapes.Replace(v)+"\n")
				case "off":
					tuples = append(tuples, "('\\\\x"+h+"', "+key+", '"+strings.NewReplacer(`\`, `\\`, "'",
						"''").Replace(v)+"')")
				default:
					tuples = append(tuples, "('\\x"+h+"', "+key+", '"+strings.ReplaceAll(v, "'", "''")+"')")
				}
			}
			switch l {
			case "copy":
				dump.WriteString("COPY t (b, id, v) FROM stdin;\n" + strings.Join(tuples, "") + "\\.\n")
			case "one":
				for _, tuple := range tuples {
					dump.WriteString("INSERT INTO t (b, id, v) VALUES " + tuple + ";\n")
				}
			case "many":
				dump.WriteString("INSERT INTO t (b, id, v) VALUES\n\t" + strings.Join(tuples, ",\n\t") + ";\n")
			case "off":
				dump.WriteString("SET standard_conforming_strings = off;\nINSERT INTO t (b, id, v) VALUES " +
					strings.Join(tuples, ", ") + ";\nSET standard_conforming_strings = on;\n")
			}
		}
		dump.WriteString("SELECT 1;\n")
		_, out, err := pgdump.Rewritten(context.Background(), []byte(dump.String()), rapid.IntRange(1, 99).Draw(r,
			"window"),
			func(b connectors.Batch) (connectors.Edit, error) {
				n := int(b.Rows.NumRows())
				edit := connectors.Edit{Ops: make([]connectors.Op, n)}
				set := make([]bool, n)
				var values connectors.Column
				for i, row := range connectortest.Texts(b) {
					key, _, _ := strings.Cut(row, "|")
					now, changed := next[key]
					switch {
					case !changed:
					case now == nil:
						edit.Ops[i] = connectors.Delete
					default:
						edit.Ops[i], set[i] = connectors.Update, true
						values.Append([]byte(*now))
						continue
					}
					values.AppendNull()
				}
				edit.Set = []connectors.Assignment{{Field: "v", Rows: set, Values: values.Array()},
					{Field: "b", Rows: set, Values: values.Array()}}
				return edit, nil
			})
		if err != nil {
			r.Fatal(err)
		}
		var rows []string
		if _, _, err := pgdump.Rewritten(context.Background(), out, whole, collect(&rows)); err != nil {
			r.Fatal(err)
		}
		require.Equal(r, want, rows)
		require.True(r, strings.HasSuffix(string(out), "SELECT 1;\n"))
	})
}

// whole is a window that holds all of a test's text.
const whole = 1 << 20

// TestPieces reads the dump that has everything through a window of every size.
func TestPieces(t *testing.T) {
	tables, want, err := stream(t, []byte(everything), 1<<20)
	require.NoError(t, err)
	require.Equal(t, []string{
		"t 1|a\tb\\", "t 2|~", "shop.U v t|\x00\xff|2023-12-31 23:30:00|{a,\"b c\"}|101", "t 3|it's", "t 4|'x", "t 5|~",
		"t 6|$$", "t 7|\n", "shop.U v t|A|~|~|1", "other.t 1|ü'",
	}, want)
	for window := 1; window < len(everything); window++ {
		again, rows, err := stream(t, []byte(everything), window)
		require.NoError(t, err, "window %d", window)
		require.Equal(t, tables, again, "window %d", window)
		require.Equal(t, want, rows, "window %d", window)
	}
}

// TestValuesReturn writes any value in each of the ways of pg_dump and reads it back.
func TestValuesReturn(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("\\'\t\n\r.N$\"x1")))).Draw(r, "text")
		raw := string(rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(r, "bytes"))
		escaped := strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`).Replace(text)
		h := hex.EncodeToString([]byte(raw))
		dump := "CREATE TABLE t (v text, b bytea);\nCOPY t (v, b) FROM stdin;\n" + copyEscapes.Replace(text) +
			"\t\\\\x" + h + "\n\\.\nINSERT INTO t VALUES ('" + strings.ReplaceAll(text, "'", "''") + "', '\\x" + h +
			"'),(E'" + escaped + "', E'\\\\x" + h + "');\n" +
			"SET standard_conforming_strings = off;\nINSERT INTO t (b, v) VALUES ('\\\\x" + h + "', '" + escaped +
			"');\n"
		_, rows, err := stream(t, []byte(dump), rapid.IntRange(1, 200).Draw(r, "window"))
		if err != nil {
			r.Fatal(err)
		}
		row := "t " + text + "|" + raw
		require.Equal(r, []string{row, row, row, row}, rows)
	})
}
