package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/sqlite"
)

// TestAKeyThatIsNoRowid reads tables whose key looks like another name of the rowid, and can be NULL.
func TestAKeyThatIsNoRowid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := sqlite3.Open(path)
	require.NoError(t, err)
	require.NoError(t, db.Exec(`CREATE TABLE twice (x INTEGER, PRIMARY KEY (x, x)); INSERT INTO twice VALUES (NULL), (NULL), (1);
		CREATE TABLE down (x INTEGER PRIMARY KEY DESC); INSERT INTO down VALUES (NULL), (NULL), (2);
		CREATE TABLE alias (x INTEGER PRIMARY KEY); INSERT INTO alias VALUES (NULL), (7)`))
	require.NoError(t, db.Close())
	src, err := sqlite.Connector.Open(t.Context(), connectors.Options{Name: "x", DSN: path})
	require.NoError(t, err)
	defer src.Close()
	tables, err := src.Tables(t.Context())
	require.NoError(t, err)
	for table, want := range map[string][]string{"twice": {"~", "~", "1"}, "down": {"~", "~", "2"}, "alias": {"1", "7"}} {
		for _, sample := range []int{0, 2} {
			rows, err := connectortest.Read(t, src, connectors.Query{Table: table, Sample: sample})
			require.NoError(t, err, table)
			require.Subset(t, want, rows, table)
		}
		found, _ := connectors.Tables(tables).Find(table)
		require.Equal(t, table == "alias", len(found.Key) == 1, table)
	}
}
