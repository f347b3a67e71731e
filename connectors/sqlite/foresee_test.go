package sqlite

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// foresee asks a file what stands in the way, and makes sure that not a byte of it or beside it changed.
func foresee(t *testing.T, path string, uses ...connectors.Use) []string {
	t.Helper()
	state := func() (files []string) {
		entries, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		for _, e := range entries {
			bytes, err := os.ReadFile(filepath.Join(filepath.Dir(path), e.Name()))
			require.NoError(t, err)
			if strings.HasSuffix(e.Name(), "-shm") || strings.HasSuffix(e.Name(), "-wal") && len(bytes) == 0 {
				continue // left by who reads
			}
			sum := sha256.Sum256(bytes)
			files = append(files, e.Name()+" "+string(sum[:]))
		}
		return files
	}
	before := state()
	src := openFile(t, path, true)
	found, err := src.(connectors.Foreseer).Foresee(t.Context(), uses)
	require.NoError(t, err)
	require.NoError(t, src.Close())
	require.Equal(t, before, state())
	said := []string{}
	for _, o := range found {
		said = append(said, o.String())
	}
	return said
}

func TestForeseeTriggersThatCannotRun(t *testing.T) {
	const people = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, email TEXT)"
	// what another build of SQLite, or the application, has beside
	withModule := func(virtual string) string {
		return "PRAGMA writable_schema=ON; INSERT INTO sqlite_schema VALUES ('table', 'search', 'search', 0, '" + virtual + "')"
	}
	for _, c := range []struct {
		name   string
		schema []string
		use    connectors.Use
		want   []string
	}{
		{"nothing in the way", []string{people, "CREATE TRIGGER t AFTER DELETE ON people BEGIN SELECT length(old.name); END"},
			connectors.Use{Update: []string{"name", "email"}, Delete: true}, nil},
		{"with a log of writes", []string{"PRAGMA journal_mode=WAL", people}, connectors.Use{Update: []string{"name"}, Delete: true},
			nil},
		{"a module", []string{people, "CREATE TABLE search (id)",
			"CREATE TRIGGER t AFTER DELETE ON people BEGIN DELETE FROM search WHERE id = old.id; END",
			"DROP TABLE search", withModule("CREATE VIRTUAL TABLE search USING spellfix1(id)")},
			connectors.Use{Update: []string{"name"}, Delete: true},
			[]string{"table people: apply_dsn: deleting its rows takes the module spellfix1, which this build of SQLite does " +
				"not have, in table search: it has fts5 and rtree; keep the table in step otherwise, or leave it to the application"}},
		{"a function", []string{people, "CREATE TRIGGER t BEFORE UPDATE OF email ON people BEGIN SELECT my_fold(new.email); END"},
			connectors.Use{Update: []string{"name", "email"}, Delete: true},
			[]string{"table people: apply_dsn: changing its name, email takes the function my_fold, which is the application's " +
				"own, in trigger t: let it do without, as nobody but the application can change such rows"}},
		{"a function that another field takes",
			[]string{people, "CREATE TRIGGER t BEFORE UPDATE OF email ON people BEGIN SELECT my_fold(new.email); END"},
			connectors.Use{Update: []string{"name"}}, nil},
		{"a table that is gone", []string{people, "CREATE TRIGGER t AFTER DELETE ON people BEGIN INSERT INTO archive " +
			"VALUES (old.id); END"}, connectors.Use{Delete: true},
			[]string{"table people: apply_dsn: deleting its rows takes table main.archive, which is not there, in trigger t: " +
				"have whoever made it mend or drop it"}},
		{"a field that is gone", []string{people, "CREATE TABLE archive (id)", "CREATE TRIGGER t AFTER DELETE ON people BEGIN " +
			"INSERT INTO archive (mail) VALUES (old.id); END"}, connectors.Use{Delete: true},
			[]string{"table people: apply_dsn: deleting its rows takes what SQLite cannot compile: look at the triggers, " +
				"indexes and computed fields of the table"}},
		{"a trigger of a table that the engine cascades to", []string{people,
			"CREATE TABLE orders (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people ON DELETE CASCADE)",
			"CREATE TRIGGER deeper BEFORE DELETE ON orders BEGIN SELECT my_log(old.id); END"}, connectors.Use{Delete: true},
			[]string{"table people: apply_dsn: deleting its rows takes the function my_log, which is the application's own, " +
				"in trigger deeper: let it do without, as nobody but the application can change such rows"}},
		{"a trigger of a trigger", []string{people, "CREATE TABLE log (x)",
			"CREATE TRIGGER a AFTER DELETE ON people BEGIN INSERT INTO log VALUES (1); END",
			"CREATE TRIGGER b AFTER INSERT ON log BEGIN SELECT my_log(new.x); END"}, connectors.Use{Delete: true},
			[]string{"table people: apply_dsn: deleting its rows takes the function my_log, which is the application's own, " +
				"in trigger b: let it do without, as nobody but the application can change such rows"}},
		{"a dangling foreign key, which Lethe does without", []string{people,
			"CREATE TABLE orders (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people (nowhere))"},
			connectors.Use{Delete: true}, nil},
		{"no key", []string{"CREATE TABLE people (name TEXT)"}, connectors.Use{Delete: true},
			[]string{"table people: apply_dsn: rows of a table without a key cannot be changed in place: give it a " +
				"primary key of whole numbers or of text, or a unique constraint of fields that are NOT NULL: one of rounded numbers " +
				"names no row"}},
		{"a computed field", []string{"CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, low TEXT AS (lower(name)))"},
			connectors.Use{Update: []string{"low"}},
			[]string{"table people: apply_dsn: field low is computed by the engine and cannot be set"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := makeFile(t, c.schema...)
			c.use.Table = "people"
			require.Equal(t, append([]string{}, c.want...), foresee(t, path, c.use))
		})
	}
}

func TestForeseeThatNoJournalCanBeWritten(t *testing.T) {
	path := makeFile(t, "CREATE TABLE people (id INTEGER PRIMARY KEY)")
	src := openFile(t, path, true)
	// to root every folder can be written
	require.NoError(t, os.Symlink(filepath.Join(t.TempDir(), "nowhere", "journal"), path+"-journal"))
	found, err := src.(connectors.Foreseer).Foresee(t.Context(), []connectors.Use{{Table: "people", Delete: true}})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.ErrorIs(t, found[0].Kind, connectors.ErrDenied)
	require.Contains(t, found[0].String(), "apply_dsn: the file cannot be written (sqlite3: unable to open database file")
	require.Contains(t, found[0].Mend, "write permission on it and on its folder")
	require.NoError(t, os.Remove(path+"-journal"))
	require.NoError(t, src.Close())
}

func TestForeseeWhileAnotherWrites(t *testing.T) {
	path := makeFile(t, "CREATE TABLE people (id INTEGER PRIMARY KEY)")
	other := openFile(t, path, true).(*mutator)
	tx, err := other.writer.BeginImmediate()
	require.NoError(t, err)
	src, err := Open(t.Context(), connectors.Options{Name: "crm", DSN: path, ApplyDSN: path,
		Extra: map[string]string{"busy_timeout": "1ms"}})
	require.NoError(t, err)
	found, err := src.(connectors.Foreseer).Foresee(t.Context(), []connectors.Use{{Table: "people", Delete: true}})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.True(t, found[0].Doubt)
	require.NoError(t, tx.Rollback())
	require.NoError(t, src.Close())
	require.NoError(t, other.Close())
}
