package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// What refers to a row is what SQLite itself says: by the type and collation of the field referred to, whatever
// those of the referring field.
func TestReferringRowsAreTheEngines(t *testing.T) {
	types := []string{"", "INTEGER", "TEXT", "TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM", "NUMERIC", "REAL", "BLOB",
		"VARBINARY(9)", "VARCHAR(9) COLLATE NOCASE"}
	values := []string{"7", "'7'", "7.0", "'07'", "'7.0'", "x'37'", "'KeY06'", "'key06'", "'key06 '", "''", "0.5",
		"9007199254740993", "NULL"}
	for _, parent := range types {
		for _, child := range types {
			for _, index := range []bool{true, false} {
				requireEnginesOwn(t, parent, child, index, values)
			}
		}
	}
}

func requireEnginesOwn(t *testing.T, parent, child string, index bool, values []string) {
	name := fmt.Sprintf("%q refers to %q, index %t", child, parent, index)
	statements := []string{"PRAGMA foreign_keys=OFF; PRAGMA journal_mode=MEMORY",
		"CREATE TABLE parent (k " + parent + " PRIMARY KEY)",
		"CREATE TABLE child (id INTEGER PRIMARY KEY, r " + child + " REFERENCES parent (k) )"}
	if index {
		statements = append(statements, "CREATE INDEX i ON child (r)")
	}
	for i, v := range values {
		if v != "NULL" {
			statements = append(statements, "INSERT OR IGNORE INTO parent VALUES ("+v+")")
		}
		statements = append(statements, fmt.Sprintf("INSERT INTO child VALUES (%d, %s)", i, v))
	}
	if parent == "INTEGER" { // the rowid takes nothing else
		statements = slices.DeleteFunc(statements, func(s string) bool {
			return strings.HasPrefix(s, "INSERT OR IGNORE") && !strings.HasSuffix(s, "(7)")
		})
	}
	path := makeFile(t, statements...)
	src := openFile(t, path, true)
	defer src.Close()
	keys := &connectors.Keys{Fields: []string{"r"}, Of: &connectors.Referred{Table: "parent", Fields: []string{"k"}}}
	for b, err := range src.Scan(t.Context(), connectors.Query{Table: "parent", Fields: []string{"k"}, MaxRows: 1}) {
		require.NoError(t, err)
		key, _ := connectors.KeyOf(b.Rows, []int{0}, 0)
		keys.Tuples = append(keys.Tuples, key)
	}
	refers := enginesOwn(t, path)
	require.Len(t, refers, len(keys.Tuples))
	q := connectors.Query{Table: "child", Fields: []string{"id"}, Keys: keys, MaxRows: 2}
	for b, err := range src.Scan(t.Context(), q) {
		require.NoError(t, err)
		for row, tuple := range b.Tuples {
			id := string(b.Rows.Column(0).(*array.Binary).Value(row))
			require.True(t, refers[tuple][id], "%s: child %s, which is said to refer to %q", name, id, keys.Tuples[tuple])
			for _, children := range refers {
				delete(children, id)
			}
		}
	}
	for i, left := range refers {
		require.Empty(t, left, "%s: children that refer to %q", name, keys.Tuples[i])
	}
}

// enginesOwn returns, for each parent in the order of their keys, the children that would break the foreign key
// without any parent, but not with this one.
func enginesOwn(t *testing.T, path string) (refers []map[string]bool) {
	c, err := sqlite3.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	require.NoError(t, c.Exec("PRAGMA foreign_keys=OFF"))
	list := func(sql string) (values []string) {
		require.NoError(t, rows(c, sql, func(s *sqlite3.Stmt) { values = append(values, s.ColumnText(0)) }))
		return values
	}
	for _, rowid := range list("SELECT rowid FROM parent ORDER BY k") {
		require.NoError(t, c.Exec("BEGIN; DELETE FROM parent WHERE rowid <> "+rowid))
		children := map[string]bool{}
		for _, id := range list("SELECT id FROM child WHERE r IS NOT NULL AND id NOT IN " +
			"(SELECT rowid FROM pragma_foreign_key_check('child'))") {
			children[id] = true
		}
		refers = append(refers, children)
		require.NoError(t, c.Exec("ROLLBACK"))
	}
	return refers
}

// Rows are refused in words of the engine that hold no value, and a delete counts as done only if the row went.
func TestWhatRefused(t *testing.T) {
	path := makeFile(t, "PRAGMA foreign_keys=OFF",
		"CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT NOT NULL CONSTRAINT short CHECK (length(name) < 5), u UNIQUE)",
		"CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE RESTRICT)",
		"INSERT INTO p VALUES (1, 'Ann', 'a'), (2, 'Bea', 'b'), (3, 'Cat', 'c'), (4, 'Dan', 'd')",
		"INSERT INTO c VALUES (1, 1)",
		"CREATE TRIGGER raise BEFORE DELETE ON p WHEN OLD.id = 2 BEGIN SELECT RAISE(ABORT, 'may not delete Bea'); END",
		"CREATE TRIGGER ignore BEFORE DELETE ON p WHEN OLD.id = 3 BEGIN SELECT RAISE(IGNORE); END",
		"INSERT INTO p VALUES (5, 'Eve', 'e'), (6, 'Fay', 'f')",
		"CREATE TRIGGER back AFTER UPDATE OF u ON p WHEN OLD.id = 5 BEGIN UPDATE p SET u = OLD.u WHERE id = 5; END",
		"CREATE TRIGGER again AFTER DELETE ON p WHEN OLD.id = 6 BEGIN INSERT INTO p VALUES (6, OLD.name, OLD.u); END",
		"CREATE TRIGGER along AFTER DELETE ON p WHEN OLD.id = 4 BEGIN UPDATE p SET name = 'too long' WHERE id = 1; END")
	src := openFile(t, path, true)
	defer src.Close()
	set := func(field, value string) connectors.EditFunc {
		return func(connectors.Batch) (connectors.Edit, error) {
			var column connectors.Column
			if value == "" {
				column.AppendNull()
			} else {
				column.Append([]byte(value))
			}
			return connectors.Edit{Ops: []connectors.Op{connectors.Update},
				Set: []connectors.Assignment{{Field: field, Rows: []bool{true}, Values: column.Array()}}}, nil
		}
	}
	for name, c := range map[string]struct {
		id   string
		edit connectors.EditFunc
		want connectors.RefusedError
	}{
		"restrict": {"1", allRows(connectors.Delete), connectors.RefusedError{Class: connectors.RefusedForeignKey}},
		"raise":    {"2", allRows(connectors.Delete), connectors.RefusedError{Class: connectors.RefusedTrigger}},
		"ignore":   {"3", allRows(connectors.Delete), connectors.RefusedError{Class: connectors.RefusedTrigger, By: "p"}},
		"put back": {"5", set("u", ""), connectors.RefusedError{Class: connectors.RefusedTrigger, By: "p"}},
		"put there again": {"6", allRows(connectors.Delete), connectors.RefusedError{Class: connectors.RefusedTrigger,
			By: "p"}},
		"in a trigger": {"4", allRows(connectors.Delete), connectors.RefusedError{Class: connectors.RefusedCheck,
			By: "short"}},
		"check":       {"1", set("name", "Anna Maria"), connectors.RefusedError{Class: connectors.RefusedCheck, By: "short"}},
		"not null":    {"1", set("name", ""), connectors.RefusedError{Class: connectors.RefusedNotNull, By: "p.name"}},
		"unique":      {"1", set("u", "b"), connectors.RefusedError{Class: connectors.RefusedUnique, By: "p.u"}},
		"primary key": {"1", set("id", "2"), connectors.RefusedError{Class: connectors.RefusedUnique, By: "p.id"}},
		"mismatch":    {"1", set("id", "x"), connectors.RefusedError{Class: connectors.RefusedOther}},
	} {
		q := connectors.Query{Table: "p", Keys: &connectors.Keys{Fields: []string{"id"},
			Tuples: []connectors.Key{connectors.MakeKey([]byte(c.id))}}}
		_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{q}, c.edit, func() error {
			t.Errorf("%s: confirm is asked about what cannot be committed", name)
			return nil
		})
		var refused *connectors.RefusedError
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, c.want, *refused, name)
		require.ErrorIs(t, err, connectors.ErrRefused)
		require.NotContains(t, err.Error(), "Bea")
	}
	require.Len(t, read(t, src, connectors.Query{Table: "p"}), 6)
}

// A program that is killed within a transaction leaves a journal with what it had overwritten already. Whoever
// may write rolls that back; who may not says so.
func TestHotJournal(t *testing.T) {
	path := makeFile(t, "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, "+
			"'before' || hex(randomblob(50)) FROM n")
	c, err := sqlite3.Open(path)
	require.NoError(t, err)
	require.NoError(t, c.Exec("PRAGMA cache_size=5; BEGIN; UPDATE t SET x = 'within'"))
	killed := filepath.Join(t.TempDir(), "crm.db") // as a kill leaves the files
	for _, suffix := range []string{"", "-journal"} {
		content, err := os.ReadFile(path + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(killed+suffix, content, 0o600))
	}
	require.NoError(t, c.Close())
	content, err := os.ReadFile(killed)
	require.NoError(t, err)
	require.Contains(t, string(content), "within", "the file itself was overwritten")

	_, err = Open(t.Context(), connectors.Options{Name: "crm", DSN: killed})
	require.ErrorIs(t, err, connectors.ErrDenied)
	require.ErrorContains(t, err, killed+"-journal")
	require.ErrorContains(t, err, "apply_dsn")
	require.FileExists(t, killed+"-journal", "without apply_dsn nothing is written")

	src, err := Open(t.Context(), connectors.Options{Name: "crm", DSN: killed, ApplyDSN: killed})
	require.NoError(t, err)
	found := read(t, src, connectors.Query{Table: "t"})
	require.Len(t, found, 2000)
	for _, row := range found {
		require.True(t, strings.HasPrefix(row[1], "before"))
	}
	require.NoError(t, src.Close())
	require.NoFileExists(t, killed+"-journal")
	require.NoError(t, openFile(t, killed, false).Close())
}
