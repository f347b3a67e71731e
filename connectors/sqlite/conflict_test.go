package sqlite

import (
	"slices"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// setting sets a field of all rows; "" is NULL.
func setting(field, value string) connectors.EditFunc {
	return func(b connectors.Batch) (connectors.Edit, error) {
		n := int(b.Rows.NumRows())
		var column connectors.Column
		for range n {
			if value == "" {
				column.AppendNull()
			} else {
				column.Append([]byte(value))
			}
		}
		return connectors.Edit{Ops: slices.Repeat([]connectors.Op{connectors.Update}, n), Set: []connectors.Assignment{
			{Field: field, Rows: slices.Repeat([]bool{true}, n), Values: column.Array()}}}, nil
	}
}

// dumpOf is every row of every table, in the order of rowids.
func dumpOf(t *testing.T, path string, tables ...string) (all []string) {
	c, err := sqlite3.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	for _, table := range tables {
		require.NoError(t, rows(c, "SELECT * FROM "+table, func(s *sqlite3.Stmt) {
			row := table
			for i := range s.ColumnCount() {
				row += "|" + s.ColumnText(i)
			}
			all = append(all, row)
		}))
	}
	return all
}

// A conflict clause of the schema never changes another row than the one that was meant, nor this one otherwise than it
// was meant: the engine refuses, and all is as it was.
func TestConflictClauses(t *testing.T) {
	for _, clause := range []string{"REPLACE", "IGNORE", "FAIL", "ROLLBACK"} {
		for name, k := range map[string]struct {
			create, trigger string
			edit            connectors.EditFunc
			class           connectors.RefusedClass
		}{
			"unique": {create: "id INTEGER PRIMARY KEY, list TEXT, slot INT, UNIQUE (list, slot) ON CONFLICT " + clause,
				edit: setting("list", "a"), class: connectors.RefusedUnique},
			"unique, no rowid": {create: "id INTEGER PRIMARY KEY, list TEXT UNIQUE ON CONFLICT " + clause +
				", slot INT) WITHOUT ROWID; CREATE TABLE other (id", edit: setting("list", "a"), class: connectors.RefusedUnique},
			"computed": {create: "id INTEGER PRIMARY KEY, list TEXT, slot INT, low TEXT GENERATED ALWAYS AS (lower(list)) " +
				"UNIQUE ON CONFLICT " + clause, edit: setting("list", "A"), class: connectors.RefusedUnique},
			"primary key": {create: "id INTEGER PRIMARY KEY ON CONFLICT " + clause + ", list TEXT, slot INT",
				edit: setting("id", "1"), class: connectors.RefusedUnique},
			"not null": {create: "id INTEGER PRIMARY KEY, list TEXT NOT NULL ON CONFLICT " + clause +
				" DEFAULT 'd', slot INT", edit: setting("list", ""), class: connectors.RefusedNotNull},
			"check": {create: "id INTEGER PRIMARY KEY, list TEXT, slot INT, CHECK (slot < 5)",
				edit: setting("slot", "7"), class: connectors.RefusedCheck},
			"of a trigger": {create: "id INTEGER PRIMARY KEY, list TEXT, slot INT",
				trigger: "CREATE TABLE l (list UNIQUE ON CONFLICT " + clause + ", of INT); INSERT INTO l VALUES ('a', 1), ('b', 2); " +
					"CREATE TRIGGER g AFTER UPDATE ON t BEGIN UPDATE l SET list = NEW.list WHERE of = NEW.id; END",
				edit: setting("list", "a"), class: connectors.RefusedUnique},
			"written in a trigger": {create: "id INTEGER PRIMARY KEY, list TEXT, slot INT",
				trigger: "CREATE TABLE l (list UNIQUE, of INT); INSERT INTO l VALUES ('a', 1), ('b', 2); CREATE TRIGGER g " +
					"AFTER UPDATE ON t BEGIN INSERT OR " + clause + " INTO l VALUES (NEW.list, NEW.id); END",
				edit: setting("list", "a"), class: connectors.RefusedUnique},
			"of what is emptied with it": {create: "id INTEGER PRIMARY KEY, list TEXT, slot INT",
				trigger: "CREATE TABLE l (t INT DEFAULT 1 REFERENCES t ON DELETE SET DEFAULT UNIQUE ON CONFLICT " + clause +
					"); INSERT INTO l VALUES (1), (2)", edit: allRows(connectors.Delete), class: connectors.RefusedUnique},
		} {
			path := makeFile(t, "CREATE TABLE t ("+k.create+")", "INSERT INTO t (id, list, slot) VALUES (1, 'a', 1), (2, 'b', 1)",
				k.trigger)
			tables := []string{"t"}
			if k.trigger != "" {
				tables = append(tables, "l")
			}
			before := dumpOf(t, path, tables...)
			src := openFile(t, path, true)
			_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{one("t", "2")}, k.edit, confirmed)
			var refused *connectors.RefusedError
			require.ErrorAs(t, err, &refused, "%s %s", name, clause)
			require.Equal(t, k.class, refused.Class, "%s %s", name, clause)
			require.NoError(t, src.Close())
			require.Equal(t, before, dumpOf(t, path, tables...), "%s %s", name, clause)
		}
	}
}

// What is unique may be computed of other fields, which then cannot all hold one value.
func TestDistinct(t *testing.T) {
	for create, want := range map[string][]string{
		"a, b, c":                         nil,
		"a, b UNIQUE, c, d AS (lower(a))": nil,
		"a, b VARCHAR(9), c, d VARCHAR(9) GENERATED ALWAYS AS (lower(a)) UNIQUE":      {"a"},
		"a DEFAULT '(', \"b\" CHECK (b <> ','), c, d AS (lower([b])), UNIQUE (c, D)":  {"b"},
		"a, b, c, d AS (a || e) UNIQUE, /* ( */ e AS (b)":                             {"a", "b", "e"},
		"a, b, c); CREATE UNIQUE INDEX i ON t (lower(a), c":                           {"a", "c"},
		"a, b, c, d AS (upper(b))); CREATE UNIQUE INDEX \"i(\" ON t (substr(d, 1, 2)": {"b", "d"},
		"a, b, c); CREATE INDEX i ON t (lower(a)":                                     nil,
		"a, b, c); CREATE UNIQUE INDEX i ON t (lower(a)) WHERE (b IS NOT NULL":        nil,
	} {
		src := openFile(t, makeFile(t, "CREATE TABLE t ("+create+")"), false)
		tables, err := src.Tables(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, tables[0].Distinct, create)
		for _, f := range want {
			require.True(t, tables[0].TakesPart(f), create)
		}
		require.NoError(t, src.Close())
	}
}
