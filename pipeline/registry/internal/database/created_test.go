package database_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/fixtures/servers"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
)

// Where CREATE TABLE is not part of a transaction, init ends wherever a right is missing, and is done again
// once it was granted.
func TestCreateGoesOn(t *testing.T) {
	server := servers.MariaDB(t)
	statements := database.MySQLStatements(tables.Schema)
	for _, done := range []int{1, len(statements) / 2, len(statements)} {
		t.Run(fmt.Sprint(done), func(t *testing.T) {
			db := server.Database(t)
			config := registry.Config{Driver: "mysql", DSN: db.DSN()}
			for _, s := range statements[:done] {
				db.Exec(t, "SET sql_mode = 'ANSI_QUOTES';\nDELIMITER //\n"+s+"//\n") // a guard has a ; in it
			}
			_, err := registry.Open(t.Context(), config)
			require.Error(t, err)
			require.NoError(t, registry.Create(t.Context(), config))
			config.AllowEmpty = true
			r, err := registry.Open(t.Context(), config)
			require.NoError(t, err)
			require.NoError(t, r.Close())
			require.Equal(t, fmt.Sprint(len(statements)-len(tables.Schema)-1),
				strings.TrimSpace(db.Query(t, "SELECT COUNT(*) FROM information_schema.triggers WHERE "+
					"trigger_schema = DATABASE()")))
			require.ErrorContains(t, registry.Create(t.Context(), config), "tables already")
		})
	}
	t.Run("another's tables", func(t *testing.T) {
		db := server.Database(t)
		db.Exec(t, "CREATE TABLE meta (name VARCHAR(9), value VARCHAR(9)); CREATE TABLE customers (id INT)")
		require.ErrorContains(t, registry.Create(t.Context(), registry.Config{Driver: "mysql", DSN: db.DSN()}),
			"tables already")
	})
}
