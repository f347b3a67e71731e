package sqlite

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
)

func openBackup(t *testing.T, path string) connectors.Source {
	src, err := Open(t.Context(), connectors.Options{Name: "crm", DSN: path, Rewrite: true})
	require.NoError(t, err)
	return src
}

// contents is all that a database holds, as text: the schema, then the rows of each table by their numbers or keys.
func contents(t *testing.T, path string) []byte {
	c, err := sqlite3.OpenFlags(immutable(path), sqlite3.OPEN_READONLY|sqlite3.OPEN_URI)
	require.NoError(t, err)
	for _, register := range modules {
		require.NoError(t, register(c))
	}
	var out bytes.Buffer
	var tables []string
	require.NoError(t, rows(c, `SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name`,
		func(s *sqlite3.Stmt) {
			fmt.Fprintf(&out, "%s %s %s %s\n", s.ColumnText(0), s.ColumnText(1), s.ColumnText(2), s.ColumnText(3))
			if s.ColumnText(0) == "table" {
				tables = append(tables, s.ColumnText(1))
			}
		}))
	for _, pragma := range []string{"application_id", "user_version", "encoding", "page_size", "auto_vacuum"} {
		require.NoError(t, rows(c, "PRAGMA "+pragma, func(s *sqlite3.Stmt) {
			fmt.Fprintf(&out, "%s %s\n", pragma, s.ColumnText(0))
		}))
	}
	for _, table := range tables {
		name := sqlite3.QuoteIdentifier(table)
		sql := "SELECT _rowid_, * FROM " + name + " ORDER BY _rowid_"
		if stmt, _, err := c.Prepare(sql); err != nil {
			sql = "SELECT 0, * FROM " + name
		} else {
			require.NoError(t, stmt.Close())
		}
		require.NoError(t, rows(c, sql, func(s *sqlite3.Stmt) {
			for i := range s.ColumnCount() {
				fmt.Fprintf(&out, "%d %s|", s.ColumnType(i), s.ColumnRawBlob(i))
			}
			out.WriteString("\n")
		}))
	}
	require.NoError(t, c.Close())
	return out.Bytes()
}

// gone deletes the rows with these numbers.
func gone(ids ...string) connectors.EditFunc {
	return func(b connectors.Batch) (connectors.Edit, error) {
		n := int(b.Rows.NumRows())
		e := connectors.Edit{Ops: make([]connectors.Op, n)}
		id := b.Rows.Column(b.Rows.Schema().FieldIndices("id")[0]).(*array.Binary)
		for i := range n {
			if slices.Contains(ids, string(id.Value(i))) {
				e.Ops[i] = connectors.Delete
			}
		}
		return e, nil
	}
}

func verified(connectors.Source) error { return nil }

// Nothing is left of whom a rewrite deletes: in pages, indexes, samples of ANALYZE, indexes of texts; nor of whom a
// program deleted before, which left the bytes where they were.
func TestRewriteLeavesNothing(t *testing.T) {
	for name, index := range map[string][]string{
		"no index": nil,
		"external": {"CREATE VIRTUAL TABLE x USING fts5(mail, bio, content='people', content_rowid='id')",
			"INSERT INTO x(x) VALUES('rebuild')"},
		"kept by triggers": {"CREATE VIRTUAL TABLE x USING fts5(mail, bio, content='people', content_rowid='id')",
			"INSERT INTO x(x) VALUES('rebuild')",
			"CREATE TRIGGER d AFTER DELETE ON people BEGIN " + takesOut + " END",
			"CREATE TRIGGER u AFTER UPDATE ON people BEGIN " + takesOut + putsIn + " END"},
		"with texts of its own": {"CREATE VIRTUAL TABLE x USING fts5(mail, bio)",
			"INSERT INTO x(rowid, mail, bio) SELECT id, mail, bio FROM people",
			"CREATE TRIGGER d AFTER DELETE ON people BEGIN DELETE FROM x WHERE rowid = old.id; END"},
		"without texts": {"CREATE VIRTUAL TABLE x USING fts5(mail, bio, content='')",
			"INSERT INTO x(rowid, mail, bio) SELECT id, mail, bio FROM people",
			"CREATE TRIGGER d AFTER DELETE ON people BEGIN " + takesOut + " END"},
	} {
		t.Run(name, func(t *testing.T) {
			statements := []string{"BEGIN", "CREATE INDEX by_bio ON people (bio)", "CREATE INDEX by_both ON people (mail, bio)"}
			for i := range 3000 {
				statements = append(statements, fmt.Sprintf("INSERT INTO people VALUES (%d, 'm%[1]d.zzqold@lago.it', "+
					"'word%[1]dzzqold %s')", 10+i, strings.Repeat("filling ", i%50)))
			}
			statements = append(statements, "COMMIT", "PRAGMA secure_delete=OFF", "DELETE FROM people WHERE id % 3 = 0", "BEGIN")
			for i := range 1000 {
				statements = append(statements, fmt.Sprintf("INSERT INTO people VALUES (%d, 'n%[1]d.zzqgone@lago.it', "+
					"'gone%[1]dzzqgone')", 10000+i))
			}
			path := makeVirtual(t, append(statements, append(index, "COMMIT", "ANALYZE")...)...)
			before, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, strings.Contains(string(before), "m12.zzqold"), "who was deleted before lies there still")
			var ids []string
			for i := range 1000 {
				ids = append(ids, strconv.Itoa(10000+i))
			}
			for i := range 3000 {
				if (10+i)%3 == 1 {
					ids = append(ids, strconv.Itoa(10+i))
				}
			}
			src := openBackup(t, path)
			report, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "people"}},
				gone(ids...), verified)
			require.NoError(t, err)
			require.EqualValues(t, 2000, report.Tables[0].Deleted)
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.False(t, strings.Contains(string(after), "zzqgone"), "who was deleted now")
			for i := range 3000 {
				mail := fmt.Sprintf("m%d.zzqold", 10+i)
				require.Equal(t, (10+i)%3 == 2, strings.Contains(string(after), mail), mail)
			}
			require.Equal(t, "2", readOne(t, path, "SELECT count(*) FROM people WHERE id < 10"))
			require.NoError(t, src.Close())
			if index == nil {
				return
			}
			require.Equal(t, "1", readOne(t, path, "SELECT count(*) FROM x WHERE x MATCH 'word11zzqold'"))
			require.Equal(t, "0", readOne(t, path, "SELECT count(*) FROM x WHERE x MATCH 'word10zzqold'"))
			require.Equal(t, "0", readOne(t, path, "SELECT count(*) FROM x WHERE x MATCH 'gone10000zzqgone'"))
		})
	}
}

// readOne is the first value of a query.
func readOne(t *testing.T, path, sql string) (value string) {
	c, err := sqlite3.Open(path)
	require.NoError(t, err)
	for _, register := range modules {
		require.NoError(t, register(c))
	}
	require.NoError(t, rows(c, sql, func(s *sqlite3.Stmt) { value = s.ColumnText(0) }))
	require.NoError(t, c.Close())
	return value
}

// Rows keep their numbers where no field has them: an index of texts refers to rows by those.
func TestRewriteKeepsTheNumbersOfRows(t *testing.T) {
	path := makeVirtual(t, "CREATE TABLE note (text TEXT)", "INSERT INTO note VALUES ('one'), ('two'), ('three'), ('four')",
		"DELETE FROM note WHERE text = 'two'", "CREATE VIRTUAL TABLE n USING fts5(text, content='note', content_rowid='rowid')",
		"INSERT INTO n(n) VALUES('rebuild')")
	_, err := openBackup(t, path).(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "people"}},
		gone("1"), verified)
	require.NoError(t, err)
	require.Equal(t, "1,3,4", readOne(t, path, "SELECT group_concat(rowid) FROM note"))
	require.Equal(t, "four", readOne(t, path, "SELECT text FROM n WHERE n MATCH 'four'"))
}

// What goes with a row is said by edit: no trigger and no foreign key adds to it. The schema is what it was.
func TestRewriteRunsNoTrigger(t *testing.T) {
	path := makeVirtual(t,
		"CREATE TABLE trail (what TEXT)",
		"CREATE TABLE pet (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES people (id) ON DELETE CASCADE)",
		"INSERT INTO pet VALUES (1, 1), (2, 2)",
		"CREATE VIRTUAL TABLE x USING fts5(mail, bio)",
		"INSERT INTO x(rowid, mail, bio) SELECT id, mail, bio FROM people",
		"CREATE TRIGGER a AFTER DELETE ON people BEGIN INSERT INTO trail VALUES (old.mail); END",
		"CREATE TRIGGER d AFTER DELETE ON people BEGIN DELETE FROM x WHERE rowid = old.id; END",
		"CREATE TRIGGER z BEFORE DELETE ON people BEGIN SELECT raise(ABORT, 'never'); END",
		"CREATE TRIGGER other AFTER INSERT ON trail BEGIN SELECT 1; END")
	schema := "SELECT group_concat(type || ' ' || name || ' ' || coalesce(sql, ''), ';') FROM sqlite_schema"
	triggers := "SELECT group_concat(name || sql) FROM (SELECT * FROM sqlite_schema WHERE type = 'trigger' AND " +
		"tbl_name = 'people' ORDER BY rowid)"
	sorted := strings.Replace(schema, "FROM", "FROM (SELECT * FROM", 1) + " ORDER BY type, name)"
	was, wasTriggers := readOne(t, path, sorted), readOne(t, path, triggers)
	_, err := openBackup(t, path).(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "people"}},
		gone("1"), verified)
	require.NoError(t, err)
	require.Equal(t, was, readOne(t, path, sorted))
	require.Equal(t, wasTriggers, readOne(t, path, triggers), "in their order")
	require.Equal(t, "2", readOne(t, path, "SELECT count(*) FROM pet"))
	require.Equal(t, "0", readOne(t, path, "SELECT count(*) FROM trail"))
	require.Equal(t, "2", readOne(t, path, "SELECT group_concat(rowid) FROM x"))
}

// A trigger that writes an index and a table cannot be left out in part.
func TestRewriteRefusesTriggersOfBoth(t *testing.T) {
	for name, statements := range map[string][]string{
		"an index and table trail as well": {"CREATE TABLE trail (what TEXT)", "CREATE VIRTUAL TABLE x USING fts5(mail)",
			"CREATE TRIGGER d AFTER DELETE ON people BEGIN DELETE FROM x WHERE rowid = old.id; " +
				"INSERT INTO trail VALUES (old.mail); END"},
		"which this build lacks": {foreign("x", "fts4(mail)", "CREATE TABLE x_content (docid INTEGER PRIMARY KEY, c0mail)"),
			"CREATE TRIGGER d AFTER DELETE ON people BEGIN DELETE FROM x WHERE docid = old.id; END"},
	} {
		path := makeVirtual(t, statements...)
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		src := openBackup(t, path)
		_, err = src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "people"}}, gone("1"), verified)
		require.ErrorIs(t, err, errors.ErrUnsupported)
		require.ErrorContains(t, err, name)
		require.NoError(t, src.Close())
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, before, after)
	}
}

// Rows may take each other's place in a unique field as long as all find one.
func TestRewriteUnique(t *testing.T) {
	setTo := func(values map[string]string) connectors.EditFunc {
		return func(b connectors.Batch) (connectors.Edit, error) {
			n := int(b.Rows.NumRows())
			e := connectors.Edit{Ops: slices.Repeat([]connectors.Op{connectors.Update}, n)}
			set := connectors.Assignment{Field: "k", Rows: slices.Repeat([]bool{true}, n)}
			made := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
			for i := range n {
				made.AppendString(values[string(b.Rows.Column(0).(*array.Binary).Value(i))])
			}
			set.Values = made.NewBinaryArray()
			e.Set = []connectors.Assignment{set}
			return e, nil
		}
	}
	for _, create := range []string{"CREATE TABLE t (k TEXT PRIMARY KEY)", "CREATE TABLE t (k INTEGER PRIMARY KEY)",
		"CREATE TABLE t (k TEXT PRIMARY KEY) WITHOUT ROWID", "CREATE TABLE t (k TEXT UNIQUE)"} {
		path := makeFile(t, create, "INSERT INTO t VALUES ('1'), ('2'), ('3')")
		for _, rows := range []int{0, 1} {
			src := openBackup(t, path)
			q := []connectors.Query{{Table: "t", Fields: []string{"k"}, MaxRows: rows}}
			_, err := src.(connectors.Rewriter).Rewrite(t.Context(), q, setTo(map[string]string{"1": "2", "2": "3", "3": "4"}),
				verified)
			require.NoError(t, err, create)
			require.Equal(t, "2,3,4", readOne(t, path, "SELECT group_concat(k) FROM (SELECT k FROM t ORDER BY k)"))
			require.Len(t, read(t, src, q[0]), 3, "the source reads the new file")
			require.Equal(t, []string{"2"}, read(t, src, q[0])[0])
			_, err = src.(connectors.Rewriter).Rewrite(t.Context(), q, setTo(map[string]string{"2": "1", "3": "2", "4": "3"}),
				verified)
			require.NoError(t, err, create)
			_, err = src.(connectors.Rewriter).Rewrite(t.Context(), q, setTo(map[string]string{"1": "1", "2": "1", "3": "3"}),
				verified)
			require.ErrorIs(t, err, connectors.ErrRefused)
			require.Equal(t, "1,2,3", readOne(t, path, "SELECT group_concat(k) FROM (SELECT k FROM t ORDER BY k)"))
			require.NoError(t, src.Close())
		}
	}
}

// A backup beside which changes lie that are not in it is left alone, and one in WAL mode without such stays in it.
func TestRewriteLogs(t *testing.T) {
	path := makeFile(t, "PRAGMA journal_mode=WAL", "CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT)",
		"INSERT INTO people VALUES (1, 'ada@lago.it'), (2, 'bob@lago.it')")
	folder := filepath.Dir(path)
	src := openBackup(t, path)
	_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "people"}}, gone("1"), verified)
	require.NoError(t, err)
	require.NoError(t, src.Close())
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing lies beside it")
	require.Equal(t, "wal", readOne(t, path, "PRAGMA journal_mode"))
	require.Equal(t, "2", readOne(t, path, "SELECT group_concat(id) FROM people"))

	for _, suffix := range []string{"-wal", "-journal"} {
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		src := openBackup(t, path)
		require.NoError(t, os.WriteFile(path+suffix, []byte("x"), 0o600))
		_, err = src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "people"}}, gone("2"), verified)
		require.ErrorIs(t, err, connectors.ErrRefused)
		require.ErrorContains(t, err, "not in the database yet")
		require.NoError(t, src.Close())
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, before, after)
		require.NoError(t, os.Remove(path+suffix))
	}
}

// Whenever a rewrite is stopped, the old file or the new one stands there, whole.
func TestRewriteInterrupted(t *testing.T) {
	stop := errors.New("stopped")
	for i, point := range anew.Points {
		path := makeFile(t, "CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT)",
			"INSERT INTO people VALUES (1, 'ada@lago.it'), (2, 'bob@lago.it')")
		sum := sha256.Sum256(must(os.ReadFile(path)))
		require.NoError(t, os.WriteFile(path+".sha256", fmt.Appendf(nil, "%x  %s\n", sum, filepath.Base(path)), 0o600))
		src := openBackup(t, path)
		src.(*rewriter).hook = func(p anew.Point) error {
			if p == point {
				return stop
			}
			return nil
		}
		_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "people"}}, gone("1"), verified)
		require.ErrorIs(t, err, stop)
		want := "1,2"
		if i == len(anew.Points)-1 {
			want = "2"
		}
		require.Equal(t, want, readOne(t, path, "SELECT group_concat(id) FROM people"), point)
		src.(*rewriter).hook = nil
		_, err = src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "people"}}, gone("2"), verified)
		require.NoError(t, err, point)
		require.NoError(t, src.Close())
		sum = sha256.Sum256(must(os.ReadFile(path)))
		require.Equal(t, fmt.Sprintf("%x  %s\n", sum, filepath.Base(path)), string(must(os.ReadFile(path+".sha256"))))
		entries, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		require.Len(t, entries, 2, "nothing else lies beside it")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A file that somebody changes meanwhile is not replaced.
func TestRewriteOfWhatMoves(t *testing.T) {
	path := makeFile(t, "CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT)",
		"INSERT INTO people VALUES (1, 'ada@lago.it'), (2, 'bob@lago.it')")
	src := openBackup(t, path)
	_, err := src.(connectors.Rewriter).Rewrite(t.Context(), []connectors.Query{{Table: "people"}}, gone("1"),
		func(connectors.Source) error {
			execIn(t, path, "INSERT INTO people VALUES (3, 'eva@lago.it')")
			return nil
		})
	require.ErrorIs(t, err, connectors.ErrTransient)
	require.NoError(t, src.Close())
	require.Equal(t, "1,2,3", readOne(t, path, "SELECT group_concat(id) FROM people"))
}
