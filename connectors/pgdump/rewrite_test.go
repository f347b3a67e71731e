package pgdump_test

import (
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/internal/anew"
	"lethe/connectors/pgdump"
)

// change says what becomes of a row, by the value of its first field: "-" deletes, "field=value" sets, "field~" sets
// NULL.
type change map[string]string

func (c change) edit(b connectors.Batch) (connectors.Edit, error) {
	n := int(b.Rows.NumRows())
	edit := connectors.Edit{Ops: make([]connectors.Op, n)}
	first := b.Rows.Column(0).(*array.Binary)
	for r := range n {
		what, ok := c[string(first.Value(r))]
		if what == "-" {
			edit.Ops[r] = connectors.Delete
		}
		if !ok || what == "-" {
			continue
		}
		edit.Ops[r] = connectors.Update
		for part := range strings.SplitSeq(what, "&") {
			field, value, set := strings.Cut(part, "=")
			var values connectors.Column
			rows := make([]bool, n)
			rows[r] = true
			for range n {
				if set {
					values.Append([]byte(value))
				} else {
					values.AppendNull()
				}
			}
			edit.Set = append(edit.Set, connectors.Assignment{Field: strings.TrimSuffix(field, "~"), Rows: rows,
				Values: values.Array()})
		}
	}
	return edit, nil
}

func fine(connectors.Source) error { return nil }

func rewrite(t testing.TB, path string, o connectors.Options, c change,
	q ...connectors.Query) (connectors.RewriteReport, error) {
	o.Rewrite = true
	return open(t, path, o).(connectors.Rewriter).Rewrite(t.Context(), q, c.edit, fine)
}

func TestRewriteText(t *testing.T) {
	kinds := "CREATE TYPE mood AS ENUM ('sad', 'it''s');\nCREATE DOMAIN at AS timestamp with time zone;\n" +
		"CREATE TABLE t (id int, b boolean, y bytea, z timestamptz, m mood, a text[], j jsonb, f bit(3), n " +
		"numeric(4,1), " +
		"u uuid, d at, r real);\n"
	old := "\tf\t\\\\x00\t2024-01-01 00:30:00+01\tsad\t{a}\t{}\t101\t1.5\t\\N\t2020-01-01 00:00:00+00\t1\n"
	for name, tc := range map[string]struct {
		before, after string
		change        change
	}{
		"lines of COPY": {
			before: createT + "COPY public.t (id, v) FROM stdin;\n1\ta\n2\tb\\tc\n3\t\\N\n4\t\\\\N\n\\.\n\n\n" +
				"SELECT 1;\n",
			after: createT + "COPY public.t (id, v) FROM stdin;\n2\tx\\\\\\t\\n\\r\\b\\f\\v'\"ü😀\n3\t\n4\t\\N\n" +
				"\\.\n\n\nSELECT 1;\n",
			change: change{"1": "-", "2": "v=x\\\t\n\r\b\f\v'\"ü😀", "3": "v=", "4": "v~"},
		},
		"a COPY whose rows all go": {
			before: createT + "COPY public.t (v, id) FROM stdin;\na\t1\nb\t2\n\\.\n",
			after:  createT + "COPY public.t (v, id) FROM stdin;\n\\.\n",
			change: change{"1": "-", "2": "-"},
		},
		"Windows line ends stay": {
			before: strings.ReplaceAll(createT+"COPY public.t (id, v) FROM stdin;\n1\ta\n2\tb\n3\tc\n"+
				"\\.\n", "\n", "\r\n"),
			after:  strings.ReplaceAll(createT+"COPY public.t (id, v) FROM stdin;\n1\tx\n3\tc\n\\.\n", "\n", "\r\n"),
			change: change{"1": "v=x", "2": "-"},
		},
		"INSERTs": {
			before: createT + "INSERT INTO public.t VALUES (1, 'a');\nINSERT INTO public.t VALUES (2, 'b');\n" +
				"INSERT INTO public.t (v, id) VALUES ('c', 3), ('d', 4) ON CONFLICT DO NOTHING;\n",
			after: createT + "INSERT INTO public.t VALUES (2, 'it''s \\');\n" +
				"INSERT INTO public.t (v, id) VALUES ('d', 4) ON CONFLICT DO NOTHING;\n",
			change: change{"1": "-", "2": "v=it's \\", "3": "-"},
		},
		"several rows an INSERT": {
			before: createT + "INSERT INTO public.t VALUES\n\t(1, 'a'),\n\t(2, 'b'),\n\t(3, NULL);\nINSERT INTO " +
				"t VALUES\n\t(4, 'd');\n",
			after:  createT + "INSERT INTO public.t VALUES\n\t(2, NULL),\n\t(3, 'x');\n",
			change: change{"1": "-", "2": "v~", "3": "v=x", "4": "-"},
		},
		"COPY, then INSERT, then other settings": {
			before: createT + "COPY public.t (id, v) FROM stdin;\n1\ta\n\\.\nINSERT INTO t (id, v) VALUES (2, 'b');\n" +
				"SET standard_conforming_strings = off;\nINSERT INTO t (id, v) VALUES (3, 'c');\n\\encoding latin1\n" +
				"INSERT INTO t (id, v) VALUES (4, 'd');\n",
			after: createT + "COPY public.t (id, v) FROM stdin;\n1\t\\\\\n\\.\nINSERT INTO t (id, v) VALUES (2, " +
				"'\\');\n" +
				"SET standard_conforming_strings = off;\nINSERT INTO t (id, v) VALUES (3, '\\\\');\n\\encoding " +
				"latin1\n" +
				"INSERT INTO t (id, v) VALUES (4, '\xfc');\n",
			change: change{"1": "v=\\", "2": "v=\\", "3": "v=\\", "4": "v=ü"},
		},
		"every type as the server writes it": {
			before: kinds + "COPY public.t FROM stdin;\n1" + old + "2" + old + "\\.\n",
			after: kinds + "COPY public.t FROM stdin;\n1\tt\t\\\\xff5c\t2024-02-03 04:05:06.7+00\tit's\t{\"b c\"," +
				"NULL}\t" +
				"{\"k\": \"\\\\\\\\\"}\t000\t-999.9\t123e4567-e89b-12d3-a456-426614174000\tinfinity\tNaN\n" +
				"2" + old + "\\.\n",
			change: change{"1": "b=t&y=\xff\\&z=2024-02-03 04:05:06.7&m=it's&a={\"b c\",NULL}&j={\"k\": " +
				"\"\\\\\"}&f=000" +
				"&n=-999.9&u=123e4567-e89b-12d3-a456-426614174000&d=infinity&r=NaN",
				"2": "b=f&y=\x00&z=2023-12-31 23:30:00&m=sad&f=101"},
		},
		"every type in an INSERT": {
			before: kinds + "INSERT INTO t (id, b, y, z, f, n, r) VALUES (1, false, '\\x00', '2024-01-01 " +
				"00:00:00+00', B'101', 1.5, 'NaN');\n",
			after: kinds + "INSERT INTO t (id, b, y, z, f, n, r) VALUES (1, true, '\\x41', '2024-01-02 " +
				"00:00:00+00', B'000', -2, '3');\n",
			change: change{"1": "b=t&y=A&z=2024-01-02&f=000&n=-2&r=3"},
		},
		"partitions": {
			before: "CREATE TABLE t (id int, v text) PARTITION BY LIST (id);\nCREATE TABLE t1 (v text, id int);\n" +
				"ALTER TABLE ONLY t ATTACH PARTITION t1 FOR VALUES IN (1, 2);\nCREATE TABLE t3 PARTITION OF t " +
				"DEFAULT;\n" +
				"COPY t1 (v, id) FROM stdin;\na\t1\nb\t2\n\\.\nINSERT INTO t1 VALUES ('c', 2);\nINSERT INTO t3 " +
				"VALUES (3, 'x');\n" +
				"COPY t (id, v) FROM stdin;\n1\tz\n\\.\n",
			after: "CREATE TABLE t (id int, v text) PARTITION BY LIST (id);\nCREATE TABLE t1 (v text, id int);\n" +
				"ALTER TABLE ONLY t ATTACH PARTITION t1 FOR VALUES IN (1, 2);\nCREATE TABLE t3 PARTITION OF t " +
				"DEFAULT;\n" +
				"COPY t1 (v, id) FROM stdin;\nb2\t2\n\\.\nINSERT INTO t1 VALUES ('b2', 2);\nINSERT INTO t3 " +
				"VALUES (3, 'y');\n" +
				"COPY t (id, v) FROM stdin;\n\\.\n",
			change: change{"1": "-", "2": "v=b2", "3": "v=y"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, maxRows := range []int{0, 1, 2} {
				path := connectortest.WriteFile(t, "x.sql", []byte(header+tc.before+trailer))
				report, err := rewrite(t, path, connectors.Options{}, tc.change, connectors.Query{Table: "t",
					MaxRows: maxRows})
				require.NoError(t, err)
				requireOnly(t, path, header+tc.after+trailer)
				require.Len(t, report.Tables, 1)
			}
		})
	}
}

// A value that the server would refuse keeps the file as it is: it could not be restored.
func TestRewriteRefuses(t *testing.T) {
	text := header + "CREATE TYPE mood AS ENUM ('sad');\nCREATE DOMAIN must AS text NOT NULL;\n" +
		"CREATE TABLE t (id int, v varchar(5) NOT NULL, g int GENERATED ALWAYS AS (id) STORED, n smallint, f " +
		"bit(2), b " +
		"boolean, m mood, q must, d date, z timestamptz, c numeric(3,1), j json, a int[], u uuid, i inet, k cidr," +
		" x xml, w time, s name);\n" +
		"COPY t (id, v, n, f, b, m, q, d, z, c, j, a, u, i, k, x, w, s) FROM stdin;\n" +
		"1\ta\t1\t10\tt\tsad\tq\t2020-01-01\t" +
		"2020-01-01 " +
		"00:00:00+00\t1\t{}\t{1}\t123e4567-e89b-12d3-a456-426614174000\t::1\t10.0.0.0/8\t<a/>\t12:00:00\ts\n\\.\n" +
		"INSERT INTO t (id, v) VALUES (2, 'b');\n" + trailer
	for _, what := range []string{"v~", "v=123456", "v=\x00", "v=\xff", "g=1", "n=x", "n=32768", "n=1.5", "f=1",
		"f=12", "f=101",
		"b=maybe", "m=glad", "q~", "d=2020-13-01", "d=", "z=yesterday", "z=", "c=99.96", "c=1e9", "c=", "j={",
		"j=\"\\u0000\"",
		"a=1", "a={", "a={}}", "a={,}", "a={1,}", "u=x", "i=1.2.3", "k=10.0.0.1/8", "x=<b/>", "w=25:00:00",
		"s=" + strings.Repeat("x", 64)} {
		path := connectortest.WriteFile(t, "x.sql", []byte(text))
		_, err := rewrite(t, path, connectors.Options{}, change{"1": what}, connectors.Query{Table: "t",
			Fields: []string{"id"}})
		require.ErrorIs(t, err, connectors.ErrRefused, what)
		requireOnly(t, path, text)
	}
	path := connectortest.WriteFile(t, "x.sql", []byte(text))
	_, err := rewrite(t, path, connectors.Options{}, change{"2": "n=1"}, connectors.Query{Table: "t",
		Fields: []string{"id"}})
	require.ErrorIs(t, err, connectors.ErrRefused, "no place for it")
	_, err = rewrite(t, path, connectors.Options{}, change{"1": "nowhere=1"}, connectors.Query{Table: "t",
		Fields: []string{"id"}})
	require.ErrorIs(t, err, connectors.ErrSchemaChanged)
	requireOnly(t, path, text)

	for name, encoding := range map[string]string{"of another character set": "LATIN1", "of one that is not " +
		"said": "SQL_ASCII"} {
		text := "SET client_encoding = '" + encoding + "';\n" + createT + "COPY t FROM stdin;\n1\ta\n\\.\n" + trailer
		path := connectortest.WriteFile(t, "x.sql", []byte(text))
		_, err := rewrite(t, path, connectors.Options{}, change{"1": "v=漢"}, connectors.Query{Table: "t"})
		require.ErrorIs(t, err, connectors.ErrRefused, name)
		requireOnly(t, path, text)
	}
}

// Of several databases in a file the source's own is edited, and another's tables by their whole names.
func TestRewriteDatabases(t *testing.T) {
	of := func(name, rows string) string {
		return "\\connect " + name + "\n\nSET client_encoding = 'UTF8';\n" + createT + "COPY public.t (id, v) " +
			"FROM stdin;\n" +
			rows + "\\.\n" + trailer
	}
	end := "--\n-- PostgreSQL database cluster dump complete\n--\n\n"
	path := connectortest.WriteFile(t, "all.sql", []byte("CREATE ROLE x;\n"+of("shop", "1\ta\n")+of("crm",
		"1\ta\n2\tb\n")+end))
	o := connectors.Options{Of: "live", Extra: map[string]string{"database": "crm"}}
	_, err := rewrite(t, path, o, change{"1": "-"}, connectors.Query{Table: "t"})
	require.NoError(t, err)
	requireOnly(t, path, "CREATE ROLE x;\n"+of("shop", "1\ta\n")+of("crm", "2\tb\n")+end)
	_, err = rewrite(t, path, o, change{"1": "v=x"}, connectors.Query{Table: "shop.t"}, connectors.Query{Table: "t"})
	require.NoError(t, err)
	requireOnly(t, path, "CREATE ROLE x;\n"+of("shop", "1\tx\n")+of("crm", "2\tb\n")+end)
}

// Statistics of the planner hold values of rows: a file that has some is read, and not rewritten.
func TestRewriteStatistics(t *testing.T) {
	text := header + createT + "COPY public.t (id, v) FROM stdin;\n1\ta\n2\tb\n\\.\n\nSELECT * FROM " +
		"pg_catalog.pg_restore_attribute_stats(\n\t'version', '180000'::integer,\n\t'schemaname', 'public',\n" +
		"\t'relname', " +
		"'t',\n\t'attname', 'v',\n\t'most_common_vals', '{a,b}'::text\n);\n" + trailer
	path := connectortest.WriteFile(t, "x.sql", []byte(text))
	_, err := rewrite(t, path, connectors.Options{}, change{"1": "-"}, connectors.Query{Table: "t"})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.ErrorContains(t, err, "--no-statistics")
	requireOnly(t, path, text)
	src := open(t, path, connectors.Options{Rewrite: true})
	unread, err := src.(connectors.Partial).Unread(t.Context())
	require.NoError(t, err)
	require.Len(t, unread, 1)
	found, err := src.(connectors.Foreseer).Foresee(t.Context(), []connectors.Use{{Table: "t"}})
	require.NoError(t, err)
	require.Len(t, found, 1, "it is known before anything is written")
	require.ErrorIs(t, found[0].Kind, errors.ErrUnsupported)
	_, err = rewrite(t, path, connectors.Options{}, change{}, connectors.Query{Table: "t"})
	require.NoError(t, err, "nothing is touched")
}

// A file that is cut off anywhere before its last words is left as it is.
func TestRewriteCut(t *testing.T) {
	mark := "-- PostgreSQL database dump complete"
	for n := range strings.Index(twoRows, mark) + len(mark) {
		path := connectortest.WriteFile(t, "x.sql", []byte(twoRows[:n]))
		_, err := rewrite(t, path, connectors.Options{}, change{"1": "-"}, connectors.Query{Table: "t"})
		require.Error(t, err, "cut at %d", n)
		requireOnly(t, path, twoRows[:n])
	}
}

// What reading passes over where a file needs no proof is not passed over when it is written anew.
func TestRewriteIsStrict(t *testing.T) {
	for name, text := range map[string]string{
		"an expression": createT + "INSERT INTO t VALUES (1, now());\n",
		"an UPDATE":     createT + "INSERT INTO t VALUES (1, 'a');\nUPDATE t SET v = 'b';\n",
		"ON CONFLICT":   createT + "INSERT INTO t VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET v = 'b';\n",
		"another file":  createT + "INSERT INTO t VALUES (1, 'a');\n\\i more.sql\n",
		"a late partition": "CREATE TABLE t (id int, v text) PARTITION BY LIST (id);\nCREATE TABLE t1 (id int, v " +
			"text);\n" +
			"INSERT INTO t1 VALUES (1, 'a');\nALTER TABLE t ATTACH PARTITION t1 DEFAULT;\n",
	} {
		path := connectortest.WriteFile(t, "x.sql", []byte(text))
		_, err := rewrite(t, path, connectors.Options{Unchecked: true}, change{"1": "-"}, connectors.Query{Table: "t"})
		require.Error(t, err, name)
		requireOnly(t, path, text)
	}
}

// requireOnly checks that the folder holds the file, with that text, and nothing else but side-cars.
func requireOnly(t testing.TB, path, text string) {
	t.Helper()
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, text, string(got))
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	for _, e := range entries {
		require.True(t, strings.HasPrefix(e.Name(), filepath.Base(path)), "left over: %s", e.Name())
	}
}

const twoRows = createT + "COPY public.t (id, v) FROM stdin;\n1\ta\n2\tb\n\\.\n" + trailer

var oneRow = strings.Replace(twoRows, "1\ta\n", "", 1)

func TestRewriteFile(t *testing.T) {
	path := connectortest.WriteFile(t, "x.sql", []byte(twoRows))
	day := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	require.NoError(t, os.Chmod(path, 0o604))
	require.NoError(t, os.Chtimes(path, day, day))
	link := filepath.Join(t.TempDir(), "latest.sql")
	require.NoError(t, os.Symlink(path, link))

	report, err := rewrite(t, link, connectors.Options{}, change{"1": "-"}, connectors.Query{Table: "t"})
	require.NoError(t, err)
	requireOnly(t, path, oneRow)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o604), info.Mode())
	require.True(t, info.ModTime().Equal(day), "a backup still expires on its day")
	require.Equal(t, connectors.FileState{Path: link, Size: int64(len(twoRows)),
		SHA256: sha256.Sum256([]byte(twoRows))},
		report.Before)
	require.Equal(t, connectors.FileState{Path: link, Size: int64(len(oneRow)), SHA256: sha256.Sum256([]byte(oneRow))},
		report.After)

	foresee := func() []connectors.Obstacle {
		found, err := open(t, link, connectors.Options{Rewrite: true}).(connectors.Foreseer).Foresee(t.Context(),
			[]connectors.Use{{Table: "t"}})
		require.NoError(t, err)
		return found
	}
	require.Empty(t, foresee())
	require.NoError(t, os.Link(path, path+".second"))
	found := foresee()
	require.Len(t, found, 1, "it is known before anything is written")
	require.ErrorIs(t, found[0].Kind, connectors.ErrConfig)
	_, err = rewrite(t, path, connectors.Options{}, change{"2": "-"}, connectors.Query{Table: "t"})
	require.ErrorIs(t, err, connectors.ErrConfig)
	require.ErrorContains(t, err, "hard link")
	requireOnly(t, path, oneRow)
}

func TestSidecars(t *testing.T) {
	path := connectortest.WriteFile(t, "x.sql.gz", connectortest.Pack(t, "x.gz", []byte(twoRows)))
	sums := func() (sha, sum string) {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		return fmt.Sprintf("%x  x.sql.gz\n", sha256.Sum256(raw)), fmt.Sprintf("MD5 (x.sql.gz) = %X\nother = "+
			"1\n", md5.Sum(raw))
	}
	sha, sum := sums()
	require.NoError(t, os.WriteFile(path+".sha256", []byte(sha), 0o600))
	require.NoError(t, os.WriteFile(path+".md5", []byte(sum), 0o600))
	_, err := rewrite(t, path, connectors.Options{}, change{"1": "-"}, connectors.Query{Table: "t"})
	require.NoError(t, err)
	sha, sum = sums()
	got, err := os.ReadFile(path + ".sha256")
	require.NoError(t, err)
	require.Equal(t, sha, string(got))
	got, err = os.ReadFile(path + ".md5")
	require.NoError(t, err)
	require.Equal(t, strings.ToLower(sum), strings.ToLower(string(got)))

	require.NoError(t, os.WriteFile(path+".sha256", []byte("0123  x.sql.gz\n"), 0o600))
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	_, err = rewrite(t, path, connectors.Options{}, change{"2": "-"}, connectors.Query{Table: "t"})
	require.ErrorIs(t, err, connectors.ErrDamaged)
	require.ErrorContains(t, err, "x.sql.gz.sha256")
	requireOnly(t, path, string(before))
}

// TestRewriteMoved refuses to replace a file that somebody else changed meanwhile.
func TestRewriteMoved(t *testing.T) {
	for name, meddle := range map[string]func(path string) error{
		"longer": func(path string) error { return os.WriteFile(path, []byte(twoRows+"\n"), 0o600) },
		"replaced by a copy": func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, []byte(twoRows), 0o600))
		},
		"same size and time": func(path string) error {
			info, err := os.Stat(path)
			return errors.Join(err, os.WriteFile(path, []byte(strings.Replace(twoRows, "\tb", "\tc", 1)), 0o600),
				os.Chtimes(path, info.ModTime(), info.ModTime()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := connectortest.WriteFile(t, "x.sql", []byte(twoRows))
			src := open(t, path, connectors.Options{Rewrite: true})
			var now []byte
			_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "t"}},
				change{"1": "-"}.edit, func(connectors.Source) error {
					err := meddle(path)
					now, _ = os.ReadFile(path)
					return err
				})
			require.ErrorContains(t, err, "changed by someone else")
			requireOnly(t, path, string(now))
		})
	}
}

// TestInterrupt ends a rewrite at each of its points, with an error and by SIGKILL: the file is the old or the new one,
// and the next rewrite settles the rest.
func TestInterrupt(t *testing.T) {
	for i, point := range anew.Points {
		for _, kill := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s killed=%v", point, kill), func(t *testing.T) {
				path := connectortest.WriteFile(t, "x.sql", []byte(twoRows))
				require.NoError(t, os.WriteFile(path+".sha256", fmt.Appendf(nil, "%x  x.sql\n",
					sha256.Sum256([]byte(twoRows))), 0o600))
				want := twoRows
				if i == len(anew.Points)-1 {
					want = oneRow
				}
				if kill {
					cmd := exec.Command(os.Args[0], "-test.run=^TestHelper$")
					cmd.Env = append(os.Environ(), "LETHE_TEST_HELPER="+path, "LETHE_TEST_POINT="+string(point))
					var exit *exec.ExitError
					require.ErrorAs(t, cmd.Run(), &exit)
					require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal())
				} else {
					src := open(t, path, connectors.Options{Rewrite: true})
					mine := errors.New("no further")
					pgdump.Interrupt(src, func(p anew.Point) error {
						if p == point {
							return mine
						}
						return nil
					})
					_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "t"}},
						change{"1": "-"}.edit, fine)
					require.ErrorIs(t, err, mine)
					if want != oneRow { // else the new side-car waits for the next rewrite
						requireOnly(t, path, want)
					}
				}
				got, err := os.ReadFile(path)
				require.NoError(t, err)
				require.Equal(t, want, string(got))
				_, err = rewrite(t, path, connectors.Options{}, change{"1": "-"}, connectors.Query{Table: "t"})
				require.NoError(t, err)
				requireOnly(t, path, oneRow)
				sum, err := os.ReadFile(path + ".sha256")
				require.NoError(t, err)
				require.Equal(t, fmt.Sprintf("%x  x.sql\n", sha256.Sum256([]byte(oneRow))), string(sum))
			})
		}
	}
}

// TestHelper is the process that TestInterrupt kills. On its own it checks that nothing is asked of it.
func TestHelper(t *testing.T) {
	path := os.Getenv("LETHE_TEST_HELPER")
	if path == "" {
		require.Empty(t, os.Getenv("LETHE_TEST_POINT"))
		return
	}
	src := open(t, path, connectors.Options{Rewrite: true})
	pgdump.Interrupt(src, func(point anew.Point) error {
		if string(point) == os.Getenv("LETHE_TEST_POINT") {
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return nil
	})
	_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "t"}}, change{"1": "-"}.edit,
		fine)
	require.NoError(t, err)
}
