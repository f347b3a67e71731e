package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A unique index names the rows of a table without a primary key if it holds for all rows at any moment, and tells
// apart what the fields do.
func TestUniqueIndexNamesRows(t *testing.T) {
	db := database(t, "CREATE COLLATION ignoring (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
		"CREATE TABLE good (mail text NOT NULL UNIQUE, n int NOT NULL UNIQUE)",
		"CREATE TABLE two (a int NOT NULL, b text NOT NULL)", "CREATE UNIQUE INDEX ON two (b, a) INCLUDE (a)",
		"CREATE TABLE later (n int NOT NULL UNIQUE DEFERRABLE)",
		"CREATE TABLE partial (n int NOT NULL)", "CREATE UNIQUE INDEX ON partial (n) WHERE n > 0",
		"CREATE TABLE computed (n int NOT NULL)", "CREATE UNIQUE INDEX ON computed (abs(n))",
		"CREATE TABLE finer (mail text COLLATE ignoring NOT NULL)", `CREATE UNIQUE INDEX ON finer (mail COLLATE "C")`,
		"CREATE TABLE broken (n int NOT NULL)", "CREATE UNIQUE INDEX b ON broken (n)",
		"UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'b'::regclass",
		"CREATE TABLE nulls (n int UNIQUE)", "CREATE TABLE rounded (n float8 NOT NULL UNIQUE)",
		"CREATE TABLE parted (n int NOT NULL UNIQUE) PARTITION BY RANGE (n)",
		"CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (9)",
	)
	tables, err := opened(t, db).Tables(t.Context())
	require.NoError(t, err)
	keys := map[string][]string{}
	for _, table := range tables {
		keys[table.Name] = table.Key
	}
	require.Equal(t, map[string][]string{"good": {"n"}, "two": {"b", "a"}, "later": nil, "partial": nil, "computed": nil,
		"finer": nil, "broken": nil, "nulls": nil, "rounded": nil, "parted": {"n"}}, keys)
}
