package mysql_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/connectors"
)

func TestTriggersStandInTheCatalog(t *testing.T) {
	db := database(t, "CREATE TABLE orders (id INT PRIMARY KEY, who INT)",
		"CREATE TABLE people (id INT PRIMARY KEY, referrer INT)", "CREATE PROCEDURE tidy() DELETE FROM orders",
		"CREATE TRIGGER pi AFTER INSERT ON people FOR EACH ROW SET @n = 1",
		"CREATE TRIGGER pu AFTER UPDATE ON people FOR EACH ROW CALL tidy()",
		"CREATE TRIGGER pd AFTER DELETE ON people FOR EACH ROW INSERT INTO orders VALUES (1, OLD.id) "+
			"ON DUPLICATE KEY UPDATE who = OLD.id",
		"CREATE TRIGGER pe AFTER DELETE ON people FOR EACH ROW DELETE FROM orders WHERE who = OLD.id")
	triggers := func(src connectors.Source) []connectors.Trigger {
		list := catalog(t, src)["people"].Triggers
		for i := range list {
			require.Len(t, list[i].Digest, 64)
			list[i].Digest = ""
		}
		return list
	}
	reader, owner := user(t, db, "SELECT"), db.DSN()
	src := open(t, owner, owner)
	want := []connectors.Trigger{
		{Name: "pd", Event: "DELETE", Writes: []connectors.Written{{Table: "orders", Event: "INSERT"},
			{Table: "orders", Event: "UPDATE"}}},
		{Name: "pe", Event: "DELETE", Writes: []connectors.Written{{Table: "orders", Event: "DELETE"}}},
		{Name: "pi", Event: "INSERT"},
		{Name: "pu", Event: "UPDATE", Calls: []string{"tidy"}},
	}
	require.Equal(t, want, triggers(src))
	require.NoError(t, src.Close())
	src = open(t, reader, owner)
	require.Equal(t, want, triggers(src), "by the rights of the user who changes")
	was := catalog(t, src)["people"].Triggers
	db.Exec(t, "DROP TRIGGER pi; CREATE TRIGGER pi AFTER INSERT ON people FOR EACH ROW SET @n = 2;")
	is := catalog(t, src)["people"].Triggers
	require.NotEqual(t, was[2].Digest, is[2].Digest, "another text has another digest")
	was[2].Digest = is[2].Digest
	require.Equal(t, was, is)
	require.NoError(t, src.Close())
	src = open(t, reader, "")
	require.Empty(t, triggers(src), "none that may be seen")
	require.NoError(t, src.Close())
}
