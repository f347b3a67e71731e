package sqlite

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

// makeVirtual makes a database with people and whatever else.
func makeVirtual(t *testing.T, statements ...string) string {
	path := makeFile(t, `CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT, bio TEXT);
		INSERT INTO people VALUES (1, 'ada@lago.it', 'likes tea'), (2, 'bob@lago.it', 'likes coffee')`)
	c, err := sqlite3.Open(path)
	require.NoError(t, err)
	for _, register := range modules {
		require.NoError(t, register(c))
	}
	for _, sql := range statements {
		require.NoError(t, c.Exec(sql), sql)
	}
	require.NoError(t, c.Close())
	return path
}

// foreign is a statement for a virtual table of a module that the build lacks, with the tables behind it.
func foreign(name, using string, behind ...string) string {
	sql := fmt.Sprintf(`PRAGMA writable_schema=ON; INSERT INTO sqlite_schema VALUES ('table', '%s', '%[1]s', 0, `+
		`'CREATE VIRTUAL TABLE %[1]s USING %[2]s'); PRAGMA writable_schema=OFF;`, name, strings.ReplaceAll(using, "'", "''"))
	return strings.Join(behind, ";") + ";" + sql
}

const (
	takesOut = "INSERT INTO x (x, rowid, mail, bio) VALUES ('delete', old.id, old.mail, old.bio);"
	putsIn   = "INSERT INTO x (rowid, mail, bio) VALUES (new.id, new.mail, new.bio);"
)

func TestVirtualTables(t *testing.T) {
	trigger := func(when, body string) string {
		return fmt.Sprintf("CREATE TRIGGER t%d %s ON people BEGIN %s END", len(when)+len(body), when, body)
	}
	external := "CREATE VIRTUAL TABLE x USING fts5(mail, bio, content='people', content_rowid='id')"
	for name, k := range map[string]struct {
		made   []string
		tables []string // besides people
		unread string   // "" nothing
		of     string
		stays  bool
	}{
		"alone": {made: []string{"CREATE VIRTUAL TABLE x USING fts5(subject, bio)", "INSERT INTO x VALUES ('eva@lago.it', 'a')"},
			tables: []string{"x"}},
		"alone, with fields of a table": {made: []string{"CREATE VIRTUAL TABLE x USING fts5(MAIL, bio UNINDEXED)"},
			tables: []string{"x"}, unread: "with fields of people, of which it may hold a copy", of: "people", stays: true},
		"contentless, with fields of a table": {made: []string{"CREATE VIRTUAL TABLE x USING fts5(mail, content='')"},
			unread: "with fields of people, of which it may hold a copy", of: "people", stays: true},
		"alone, oddly written": {tables: []string{"x"},
			made: []string{"CREATE VIRTUAL TABLE -- USING fts9(\n \"x\" USING 'fts5' (words, /* content='' */ bio)"}},
		"external, kept": {made: []string{external, trigger("AFTER DELETE", takesOut), trigger("AFTER UPDATE", takesOut+putsIn)},
			unread: "of people, which its triggers keep in step", of: "people"},
		"external, not kept":     {made: []string{external}, unread: "deleted or changed, so that it stays", of: "people", stays: true},
		"external, unquoted":     {made: []string{strings.ReplaceAll(external, "'", "")}, unread: "rebuild", of: "people", stays: true},
		"external, other case":   {made: []string{strings.Replace(external, "people", "PEOPLE", 1)}, unread: "of people", of: "people", stays: true},
		"external, only deletes": {made: []string{external, trigger("AFTER DELETE", takesOut)}, unread: "a row held that is changed", of: "people", stays: true},
		"external, only updates": {made: []string{external, trigger("AFTER UPDATE OF mail, \"BIO\"", takesOut+putsIn)},
			unread: "a row that is deleted", of: "people", stays: true},
		"external, updates of one field": {made: []string{external, trigger("AFTER DELETE", takesOut),
			trigger("AFTER UPDATE OF bio", takesOut+putsIn)}, unread: "a row held that is changed", of: "people", stays: true},
		"external, deleted too late": {made: []string{external, trigger("AFTER DELETE", "DELETE FROM x WHERE rowid = old.id;"),
			trigger("AFTER UPDATE", takesOut+putsIn)}, unread: "a row that is deleted", of: "people", stays: true},
		"external, of a view": {made: []string{"CREATE VIEW v AS SELECT * FROM people",
			strings.Replace(external, "people", "v", 1)}, unread: "no table of this database"},
		"contentless": {made: []string{"CREATE VIRTUAL TABLE x USING fts5(words, content = '')"}, unread: "not the texts"},
		"contentless, kept": {made: []string{"CREATE VIRTUAL TABLE x USING fts5(mail, bio, content='', contentless_delete=1)",
			trigger("AFTER DELETE", "DELETE FROM x WHERE rowid = old.id;"),
			trigger("AFTER UPDATE", "UPDATE x SET mail = new.mail, bio = new.bio WHERE rowid = old.id;")},
			unread: "keep in step", of: "people"},
		"of its own, kept": {made: []string{"CREATE VIRTUAL TABLE x USING fts5(mail, bio)",
			trigger("AFTER DELETE", "DELETE FROM x WHERE rowid = old.id;"),
			trigger("AFTER UPDATE", "UPDATE x SET mail = new.mail WHERE rowid = old.id;")}, unread: "keep in step", of: "people"},
		"of its own, filled only": {made: []string{"CREATE VIRTUAL TABLE x USING fts5(mail, bio)", trigger("AFTER INSERT", putsIn)},
			unread: "deleted or changed", of: "people", stays: true},
		"places": {made: []string{"CREATE VIRTUAL TABLE x USING rtree(id, low, high, +mail)"}, tables: []string{"x"}},
		"places, kept": {made: []string{"CREATE VIRTUAL TABLE x USING rtree_i32(id, low, high)",
			trigger("AFTER DELETE", "DELETE FROM x WHERE id = old.id;"), trigger("AFTER UPDATE", "UPDATE x SET low = 1;")},
			unread: "an index of places (rtree_i32) of people", of: "people"},
		"words of an index": {made: []string{"CREATE VIRTUAL TABLE y USING fts5(words)", "CREATE VIRTUAL TABLE x USING fts5vocab(y, row)"},
			tables: []string{"y"}, unread: "what other tables hold"},
		"a tokenizer of the application": {made: []string{foreign("x", "fts5(words, tokenize='icu')")}, unread: "cannot be opened"},
		"fts4": {made: []string{foreign("x", "fts4(words)", "CREATE TABLE x_content (docid INTEGER PRIMARY KEY, c0words)",
			"CREATE TABLE x_segdir (level)")}, tables: []string{"x_content"}, unread: "its texts are read as x_content"},
		"fts4, compressed": {made: []string{foreign("x", "fts4(words, compress=zip)",
			"CREATE TABLE x_content (docid INTEGER PRIMARY KEY, c0bio)")}, unread: "lacks"},
		"fts4, external": {made: []string{foreign("x", `fts4(content="people", bio)`)}, unread: "rebuild", of: "people", stays: true},
		"fts4, written by triggers": {made: []string{"CREATE TABLE x (bio)", trigger("AFTER DELETE", "DELETE FROM x;"),
			"DROP TABLE x", foreign("x", "fts4(bio)", "CREATE TABLE x_content (docid INTEGER PRIMARY KEY, c0bio)")},
			unread: "no row of people can be changed here", of: "people", stays: true},
		"external, of a table named like its own": {made: []string{"CREATE TABLE x_content (id INTEGER PRIMARY KEY, mail, bio)",
			strings.Replace(external, "people", "x_content", 1)}, tables: []string{"x_content"},
			unread: "of x_content", of: "x_content", stays: true},
		"contentless, beside a table named like its own": {made: []string{"CREATE VIRTUAL TABLE x USING fts5(words, content='', " +
			"columnsize=0)", "CREATE TABLE x_content (id INTEGER PRIMARY KEY, of REFERENCES people ON DELETE CASCADE)",
			"CREATE TABLE X_DOCSIZE (id)"}, tables: []string{"X_DOCSIZE", "x_content"}, unread: "not the texts"},
		"contentless, with a field of its own": {made: []string{
			"CREATE VIRTUAL TABLE x USING fts5(words, key UNINDEXED, content='', contentless_unindexed=1)"}, unread: "not the texts"},
		"contentless, of a table named like its own": {made: []string{"CREATE TABLE x_content (id INTEGER PRIMARY KEY, words)",
			"CREATE VIRTUAL TABLE x USING fts5(words, content='')"}, tables: []string{"x_content"},
			unread: "with fields of x_content", of: "x_content", stays: true},
		"alone, beside tables with such ends": {made: []string{"CREATE VIRTUAL TABLE x USING fts5(words)",
			"CREATE TABLE y_content (id)", "CREATE TABLE x_content_data (id)", "CREATE TABLE x_node (id)"},
			tables: []string{"x", "x_content_data", "x_node", "y_content"}},
		"fts4, external, of a table named like its own": {made: []string{foreign("x", `fts4(content="x_content", matchinfo=fts3, bio)`,
			"CREATE TABLE x_content (bio)", "CREATE TABLE x_stat (bio)", "CREATE TABLE x_segdir (level)")},
			tables: []string{"x_content", "x_stat"}, unread: "of x_content", of: "x_content", stays: true},
		"with a foreign key, whatever its name": {made: []string{foreign("x", "fts4(words, compress=zip)",
			"CREATE TABLE x_content (docid REFERENCES people ON DELETE CASCADE)")}, tables: []string{"x_content"}, unread: "lacks"},
		"a module that nobody knows": {made: []string{foreign("x", "spellfix1", "CREATE TABLE x_vocab (id INTEGER PRIMARY KEY, word)")},
			tables: []string{"x_vocab"}, unread: "the module spellfix1, which this build lacks"},
	} {
		t.Run(name, func(t *testing.T) {
			src := openFile(t, makeVirtual(t, k.made...), false)
			defer src.Close()
			tables, err := src.Tables(t.Context())
			require.NoError(t, err)
			var names []string
			for _, table := range tables {
				if names = append(names, table.Name); table.Name != "people" {
					theirs := table.Name == "x_vocab" || strings.HasSuffix(name, "named like its own")
					require.True(t, len(table.Key) == 0 || theirs, "a row of it could be changed in place")
				}
				read(t, src, connectors.Query{Table: table.Name})
			}
			require.ElementsMatch(t, append(k.tables, "people"), names)
			list, err := src.(connectors.Partial).Unread(t.Context())
			require.NoError(t, err)
			if k.unread == "" {
				require.Empty(t, list)
				return
			}
			require.Len(t, list, 1)
			require.Equal(t, "x", list[0].Name)
			require.Contains(t, list[0].Reason, k.unread)
			require.Equal(t, k.of, list[0].Of)
			require.Equal(t, k.stays, list[0].Stays)
			require.Equal(t, k.of == "" && !strings.Contains(k.unread, "x_content"), list[0].Unknown)
		})
	}
}

// TestAnIndexOfTwoTables: each that it copies is said.
func TestAnIndexOfTwoTables(t *testing.T) {
	src := openFile(t, makeVirtual(t, "CREATE TABLE notes (id INTEGER PRIMARY KEY, bio)",
		"CREATE VIRTUAL TABLE x USING fts5(mail, bio)",
		"CREATE TRIGGER a AFTER DELETE ON people BEGIN DELETE FROM x WHERE rowid = old.id; END",
		"CREATE TRIGGER b AFTER UPDATE ON people BEGIN DELETE FROM x WHERE rowid = old.id; "+putsIn+" END",
		"CREATE TRIGGER c AFTER INSERT ON notes BEGIN INSERT INTO x (bio) VALUES (new.bio); END"), false)
	defer src.Close()
	list, err := src.(connectors.Partial).Unread(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 2)
	stays := map[string]bool{}
	for _, u := range list {
		stays[u.Of] = u.Stays
	}
	require.Equal(t, map[string]bool{"people": false, "notes": true}, stays)
}

// TestTextsOfAnIndexThatTheBuildLacks: they are read from the table behind it, which is what may be a copy.
func TestTextsOfAnIndexThatTheBuildLacks(t *testing.T) {
	src := openFile(t, makeVirtual(t, foreign("x", "fts3(mail, bio)",
		"CREATE TABLE x_content (docid INTEGER PRIMARY KEY, c0mail, c1bio)")), false)
	defer src.Close()
	list, err := src.(connectors.Partial).Unread(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, []bool{false, false, true, true}, []bool{list[0].Read, list[0].Stays, list[1].Read, list[1].Stays})
	require.Equal(t, []string{"x", "x_content", "people"}, []string{list[0].Name, list[1].Name, list[1].Of})
}

// TestATriggerNeedsWhatIsNotHere: the row is refused, and is no fault of the source.
func TestATriggerNeedsWhatIsNotHere(t *testing.T) {
	for name, body := range map[string]string{"module": "DELETE FROM x;", "function": "SELECT ST_IsEmpty(old.bio);"} {
		src := openFile(t, makeVirtual(t, "CREATE TABLE x (a)", "CREATE TRIGGER g AFTER DELETE ON people BEGIN "+body+" END",
			"DROP TABLE x", foreign("x", "fts4(words)")), true)
		q := connectors.Query{Table: "people", Keys: &connectors.Keys{Fields: []string{"id"},
			Tuples: []connectors.Key{connectors.MakeKey([]byte("1"))}}}
		_, err := src.(connectors.Mutator).Mutate(t.Context(), []connectors.Query{q}, allRows(connectors.Delete), confirmed)
		require.ErrorIs(t, err, connectors.ErrRefused, name)
		var refused *connectors.RefusedError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, connectors.RefusedTrigger, refused.Class, name)
		require.ErrorContains(t, err, "no such "+name)
		require.NoError(t, src.Close())
	}
}

// TestKeptCopiesAreErased deletes and changes rows whose copies are said to be kept in step, and searches them.
func TestKeptCopiesAreErased(t *testing.T) {
	for name, made := range map[string]string{
		"external": "CREATE VIRTUAL TABLE x USING fts5(mail, bio, content='people', content_rowid='id');" +
			"INSERT INTO x (x) VALUES ('rebuild');" +
			"CREATE TRIGGER a AFTER DELETE ON people BEGIN " + takesOut + " END;" +
			"CREATE TRIGGER b AFTER UPDATE ON people BEGIN " + takesOut + putsIn + " END;",
		"contentless": "CREATE VIRTUAL TABLE x USING fts5(mail, bio, content='');" +
			"INSERT INTO x (rowid, mail, bio) SELECT * FROM people;" +
			"CREATE TRIGGER a AFTER DELETE ON people BEGIN " + takesOut + " END;" +
			"CREATE TRIGGER b AFTER UPDATE ON people BEGIN " + takesOut + putsIn + " END;",
		"of its own": "CREATE VIRTUAL TABLE x USING fts5(mail, bio);" +
			"INSERT INTO x (rowid, mail, bio) SELECT * FROM people;" +
			"CREATE TRIGGER a AFTER DELETE ON people BEGIN DELETE FROM x WHERE rowid = old.id; END;" +
			"CREATE TRIGGER b AFTER UPDATE ON people BEGIN UPDATE x SET bio = new.bio WHERE rowid = old.id; END;",
	} {
		t.Run(name, func(t *testing.T) {
			path := makeVirtual(t, made)
			src := openFile(t, path, true)
			list, err := src.(connectors.Partial).Unread(t.Context())
			require.NoError(t, err)
			require.Len(t, list, 1)
			require.False(t, list[0].Stays, list[0].Reason)
			one := func(id string) []connectors.Query {
				return []connectors.Query{{Table: "people", Keys: &connectors.Keys{Fields: []string{"id"},
					Tuples: []connectors.Key{connectors.MakeKey([]byte(id))}}}}
			}
			m := src.(connectors.Mutator)
			_, err = m.Mutate(t.Context(), one("1"), allRows(connectors.Delete), confirmed)
			require.NoError(t, err)
			_, err = m.Mutate(t.Context(), one("2"), func(b connectors.Batch) (connectors.Edit, error) {
				set := b.Rows.Column(2)
				return connectors.Edit{Ops: []connectors.Op{connectors.Update}, Set: []connectors.Assignment{{Field: "bio",
					Rows: []bool{true}, Values: blank(t, set.Len())}}}, nil
			}, confirmed)
			require.NoError(t, err)
			require.NoError(t, src.Close())
			c, err := sqlite3.Open(path)
			require.NoError(t, err)
			for _, register := range modules {
				require.NoError(t, register(c))
			}
			for word, want := range map[string]int{"tea": 0, "coffee": 0, "likes": 0, "bob": 1} {
				found := 0
				require.NoError(t, rows(c, "SELECT 1 FROM x WHERE x MATCH ?", func(*sqlite3.Stmt) { found++ }, word))
				require.Equal(t, want, found, word)
			}
			require.NoError(t, c.Close())
		})
	}
}

// blank is so many empty texts.
func blank(t *testing.T, n int) *array.Binary {
	t.Helper()
	b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	for range n {
		b.Append(nil)
	}
	return b.NewBinaryArray()
}
