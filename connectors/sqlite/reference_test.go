package sqlite

import (
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// off is what most applications leave as it is.
const off = "PRAGMA foreign_keys=OFF"

// one asks for the row with a key.
func one(table, key string) connectors.Query {
	return connectors.Query{Table: table, Keys: &connectors.Keys{Fields: []string{"id"},
		Tuples: []connectors.Key{connectors.MakeKey([]byte(key))}}}
}

func count(t *testing.T, path, table string) (n int) {
	c, err := sqlite3.Open(path)
	require.NoError(t, err)
	require.NoError(t, rows(c, "SELECT count(*) FROM "+table, func(s *sqlite3.Stmt) { n = s.ColumnInt(0) }))
	require.NoError(t, c.Close())
	return n
}

// A reference to what is gone blocks nothing, as in an application, which runs with foreign keys off; those that
// lead somewhere hold all the same.
func TestBrokenReferences(t *testing.T) {
	const people = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, code TEXT)"
	fill := "INSERT INTO people (id, name, code) VALUES (1, 'Ann', 'a'), (2, 'Bea', 'b')"
	broken := map[string]string{
		"no such table": "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, code TEXT, c INT DEFAULT 7 " +
			"REFERENCES nowhere(id))",
		"no such field":      people + "; CREATE TABLE k (a INT REFERENCES people (lost)); INSERT INTO k VALUES (1)",
		"a field not unique": people + "; CREATE TABLE k (a TEXT REFERENCES people (name)); INSERT INTO k VALUES ('Bea')",
		"fewer than the key": people + "; CREATE TABLE k (a INT, b INT, FOREIGN KEY (a, b) REFERENCES people); " +
			"INSERT INTO k VALUES (1, 1)",
		"a view": people + "; CREATE VIEW v AS SELECT id FROM people; " +
			"CREATE TABLE k (a INT REFERENCES people (lost), b INT REFERENCES v (id))",
		"unique but in parts": people + "; CREATE UNIQUE INDEX u ON people (code) WHERE code > ''; " +
			"CREATE TABLE k (a TEXT REFERENCES people (code))",
	}
	for name, schema := range broken {
		t.Run(name, func(t *testing.T) {
			path := makeFile(t, off, schema, fill)
			src := openFile(t, path, true)
			tables, err := src.Tables(t.Context())
			require.NoError(t, err)
			for _, table := range tables {
				for _, fk := range table.ForeignKeys {
					require.Contains(t, []string{"a field not unique", "unique but in parts"}, name, "%v leads nowhere", fk)
				}
			}
			_, err = src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{one("people", "1")},
				allRows(connectors.Delete), confirmed)
			require.NoError(t, err)
			require.Equal(t, 1, count(t, path, "people"))
			require.NoError(t, src.Close())
		})
	}

	for name, tc := range map[string]struct {
		child   string
		delete  []connectors.Query
		refused bool
	}{
		"a row refers to it": {"x INT REFERENCES people (id)", []connectors.Query{one("people", "1")}, true},
		"it would go along": {"x INT REFERENCES people (id) ON DELETE CASCADE", []connectors.Query{one("people", "1")},
			true},
		"it would be emptied": {"x INT REFERENCES people (id) ON DELETE SET NULL", []connectors.Query{one("people", "1")},
			true},
		"a number written as text": {"x TEXT REFERENCES people", []connectors.Query{one("people", "1")}, true},
		"both go": {"x INT REFERENCES people (id)", []connectors.Query{one("people", "1"), one("child", "5")},
			false},
		"nothing refers to it": {"x INT REFERENCES people (id)", []connectors.Query{one("people", "2")}, false},
		"another row has its name": {"x TEXT DEFAULT 'Cyd' REFERENCES people (name)",
			[]connectors.Query{one("people", "3")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := makeFile(t, off, broken["no such field"], fill, "INSERT INTO people VALUES (3, 'Cyd', ''), (4, 'Cyd', '')",
				"CREATE TABLE child (id INTEGER PRIMARY KEY, "+tc.child+")")
			if name == "another row has its name" {
				execIn(t, path, off, "INSERT INTO child (id) VALUES (5)")
			} else {
				execIn(t, path, off, "INSERT INTO child VALUES (5, 1)")
			}
			src := openFile(t, path, true)
			_, err := src.(connectors.Mutator).Mutate(t.Context(), tc.delete, allRows(connectors.Delete), confirmed)
			if tc.refused {
				require.ErrorIs(t, err, connectors.ErrRefused)
				require.ErrorContains(t, err, "table child")
				require.Equal(t, 4, count(t, path, "people"))
			} else {
				require.NoError(t, err)
				require.Equal(t, 3, count(t, path, "people"))
			}
			enforced := false
			m := src.(*mutator)
			require.NoError(t, rows(m.writer, "PRAGMA foreign_keys", func(s *sqlite3.Stmt) { enforced = s.ColumnBool(0) }))
			require.True(t, enforced, "the enforcement is on again")
			require.NoError(t, src.Close())
		})
	}
}

// A row is not given a reference to nothing, nor taken the field that another refers to.
func TestBrokenReferencesOfUpdates(t *testing.T) {
	path := makeFile(t, off, "CREATE TABLE people (id INTEGER PRIMARY KEY, code TEXT UNIQUE, "+
		"boss INT REFERENCES people (id), gone INT REFERENCES nowhere (id))",
		"CREATE TABLE child (id INTEGER PRIMARY KEY, c TEXT REFERENCES people (code))",
		"INSERT INTO people VALUES (1, 'a', NULL, 7), (2, 'b', 1, NULL)", "INSERT INTO child VALUES (1, 'a')")
	src := openFile(t, path, true)
	defer src.Close()
	set := func(key, field, value string) error {
		_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{one("people", key)},
			func(b connectors.Batch) (connectors.Edit, error) {
				var c connectors.Column
				c.Append([]byte(value))
				return connectors.Edit{Ops: []connectors.Op{connectors.Update}, Set: []connectors.Assignment{{Field: field,
					Rows: []bool{true}, Values: c.Array()}}}, nil
			}, confirmed)
		return err
	}
	require.ErrorIs(t, set("1", "boss", "9"), connectors.ErrRefused)
	require.NoError(t, set("1", "boss", "2"))
	require.ErrorIs(t, set("1", "code", "z"), connectors.ErrRefused)
	require.NoError(t, set("2", "code", "z"))
}

// A schema that changes between two transactions is looked at anew.
func TestBrokenReferenceMended(t *testing.T) {
	path := makeFile(t, off, "CREATE TABLE people (id INTEGER PRIMARY KEY, c INT REFERENCES nowhere (id))",
		"INSERT INTO people VALUES (1, NULL), (2, NULL), (3, 5)")
	src := openFile(t, path, true)
	defer src.Close()
	remove := func(q connectors.Query) error {
		_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{q}, allRows(connectors.Delete), confirmed)
		return err
	}
	require.NoError(t, remove(one("people", "1")))
	execIn(t, path, off, "CREATE TABLE nowhere (id INTEGER PRIMARY KEY)", "INSERT INTO nowhere VALUES (5)")
	require.NoError(t, remove(one("people", "2")))
	require.ErrorIs(t, remove(one("nowhere", "5")), connectors.ErrRefused)
}
