package mysql_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/scan"
)

func TestWhatIsNotReadIsNamed(t *testing.T) {
	db := database(t, "CREATE TABLE people (id INT PRIMARY KEY, mail VARCHAR(80))",
		"INSERT INTO people VALUES (1, 'ada@lago.it')",
		"CREATE TABLE log (line VARCHAR(80) NOT NULL) ENGINE=CSV", "INSERT INTO log VALUES ('bob@lago.it was here')",
		"CREATE TABLE kept (id INT PRIMARY KEY) WITH SYSTEM VERSIONING", "CREATE SEQUENCE numbers",
		"CREATE VIEW everybody AS SELECT * FROM people")
	src := opened(t, db)
	tables := catalog(t, src)
	require.Contains(t, tables, "log")
	require.Contains(t, tables, "kept")
	require.Len(t, tables, 3)
	list, err := src.(connectors.Partial).Unread(t.Context())
	require.NoError(t, err)
	require.Equal(t, []connectors.Unread{{Name: "numbers", Reason: "a sequence: it counts, and has no rows"}}, list)

	name := db.Name + "_part"
	db.Exec(t, fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY 'secret' REQUIRE SSL; GRANT SELECT ON `%s`.log TO '%[1]s'@'%%';"+
		"GRANT INSERT ON `%[2]s`.people TO '%[1]s'@'%%';", name, db.Name))
	t.Cleanup(func() { db.Exec(t, fmt.Sprintf("DROP USER '%s'@'%%';", name)) })
	part := open(t, db.DSNAs(name, "secret"), "")
	defer func() { require.NoError(t, part.Close()) }()
	list, err = part.(connectors.Partial).Unread(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Empty(t, list[0].Name)
	require.True(t, list[0].Unknown)
	require.Contains(t, list[0].Reason, "tables that the account may not see")

	// one table that it may only write to does not keep the other from being read
	c, err := classifiers.New()
	require.NoError(t, err)
	found, err := scan.Discover(t.Context(), part, c, 0, func(int64, int64) {})
	require.NoError(t, err)
	require.ErrorIs(t, found.Failed, connectors.ErrDenied)
	require.Len(t, found.Tables, 1)
	require.Equal(t, "log", found.Tables[0].Table)
	require.Equal(t, classifiers.FreeText, found.Tables[0].Fields[0].Primary)
	require.Len(t, found.Unread, 2)
	require.Equal(t, "people", found.Unread[1].Name)
}

func TestWhoSeesTheWholeDatabase(t *testing.T) {
	db := database(t, "CREATE TABLE people (id INT PRIMARY KEY)")
	for rights, whole := range map[string]bool{"SELECT, SHOW VIEW": true, "ALL PRIVILEGES": true, "INSERT": false} {
		src := open(t, user(t, db, rights), "")
		list, err := src.(connectors.Partial).Unread(t.Context())
		require.NoError(t, err)
		require.Equal(t, whole, len(list) == 0, rights)
		require.NoError(t, src.Close())
	}
}
