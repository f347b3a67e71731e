package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

func TestTriggersStandInTheCatalog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crm.db")
	db, err := sqlite3.Open(path)
	require.NoError(t, err)
	require.NoError(t, db.Exec(`CREATE TABLE Orders (id INTEGER PRIMARY KEY, who INTEGER);
		CREATE TABLE "odd ""one" (id INTEGER PRIMARY KEY);
		CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, referrer INTEGER);
		CREATE VIEW v AS SELECT * FROM people;
		CREATE TRIGGER vd INSTEAD OF DELETE ON v BEGIN DELETE FROM people; END;
		CREATE TRIGGER IF NOT EXISTS pd AFTER DELETE ON people FOR EACH ROW WHEN OLD.name <> 'begin; DELETE FROM x'
			BEGIN -- DELETE FROM comments
			DELETE FROM orders WHERE who = OLD.id; UPDATE OR IGNORE people SET referrer = NULL WHERE referrer = OLD.id;
			INSERT INTO "odd ""one" VALUES (replace('a', 'b', 'DELETE FROM texts')) ON CONFLICT DO UPDATE SET id = 1; END;
		CREATE TRIGGER [update delete] BEFORE UPDATE OF name, referrer ON people BEGIN
			/* INSERT INTO comments */ REPLACE INTO [Orders] VALUES (1, 2); SELECT raise(IGNORE); END;
		CREATE TRIGGER pi INSERT ON people BEGIN SELECT 1; END`))
	triggers := func() []connectors.Trigger {
		s, err := Open(t.Context(), connectors.Options{Name: "crm", DSN: path})
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		tables, err := s.Tables(t.Context())
		require.NoError(t, err)
		people, ok := connectors.Tables(tables).Find("people")
		require.True(t, ok)
		return people.Triggers
	}
	was := triggers()
	digests := map[string]bool{}
	for i := range was {
		digests[was[i].Digest] = true
		was[i].Digest = ""
	}
	require.Len(t, digests, 3)
	require.Equal(t, []connectors.Trigger{
		{Name: "pd", Event: "DELETE", Writes: []connectors.Written{{Table: "Orders", Event: "DELETE"},
			{Table: `odd "one`, Event: "INSERT"}, {Table: `odd "one`, Event: "UPDATE"}, {Table: "people", Event: "UPDATE"}}},
		{Name: "pi", Event: "INSERT"},
		{Name: "update delete", Event: "UPDATE", Writes: []connectors.Written{{Table: "Orders", Event: "DELETE"},
			{Table: "Orders", Event: "INSERT"}}},
	}, was)
	require.NoError(t, db.Exec("DROP TRIGGER pi; CREATE TRIGGER pi INSERT ON people BEGIN SELECT 2; END"))
	require.NoError(t, db.Close())
	require.False(t, digests[triggers()[1].Digest], "another text has another digest")
}
