package sqlite

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A unique index names the rows of a table without a primary key, unless two rows answer to one name by how the table's
// fields are compared, or some have none.
func TestUniqueIndexNamesRows(t *testing.T) {
	path := makeFile(t,
		"CREATE TABLE good (n INTEGER NOT NULL UNIQUE, mail TEXT NOT NULL UNIQUE)",
		"CREATE TABLE alike (mail TEXT NOT NULL COLLATE NOCASE UNIQUE)",
		"CREATE TABLE finer (mail TEXT NOT NULL COLLATE NOCASE)", "CREATE UNIQUE INDEX f ON finer (mail COLLATE BINARY)",
		"CREATE TABLE coarser (mail TEXT NOT NULL)", "CREATE UNIQUE INDEX c ON coarser (mail COLLATE NOCASE)",
		"CREATE TABLE some (n INTEGER NOT NULL)", "CREATE UNIQUE INDEX s ON some (n) WHERE n > 0",
		"CREATE TABLE computed (n INTEGER NOT NULL)", "CREATE UNIQUE INDEX x ON computed (abs(n))",
		"CREATE TABLE nulls (n INTEGER UNIQUE)",
		"CREATE TABLE holes (id TEXT PRIMARY KEY, n INTEGER NOT NULL UNIQUE)", "INSERT INTO holes VALUES (NULL, 1), (NULL, 2)",
	)
	tables, err := openFile(t, path, true).Tables(t.Context())
	require.NoError(t, err)
	keys := map[string][]string{}
	for _, table := range tables {
		keys[table.Name] = table.Key
	}
	require.Equal(t, map[string][]string{"good": {"n"}, "alike": {"mail"}, "finer": nil, "coarser": nil, "some": nil,
		"computed": nil, "nulls": nil, "holes": {"n"}}, keys)
}
