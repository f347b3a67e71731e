package mysql_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"lethe/connectors"
	"lethe/connectors/connectortest"
	"lethe/connectors/mysql"
	"lethe/fixtures/servers"
)

// setup makes the client's session of a test like that of the connector, so that values go in as they are meant.
const setup = "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO';\n"

func TestConformance(t *testing.T) {
	dialect := connectortest.Dialect{Quote: '`', Backslash: true}
	connectortest.Run(t, connectortest.Harness{
		SameKey: sameKey,
		New: func(t *testing.T, tables []connectortest.Table) connectortest.Store {
			db := servers.MariaDB(t).Database(t)
			var b strings.Builder
			b.WriteString(setup + "ALTER DATABASE COLLATE utf8mb4_unicode_ci;\n")
			for _, table := range tables {
				b.WriteString(dialect.Create(table) + ";\n")
				for _, statement := range dialect.Inserts(table, 500) {
					b.WriteString(statement + ";\n")
				}
			}
			db.Exec(t, b.String())
			return connectortest.Store{Open: func(t *testing.T) connectors.Source { return open(t, db, true) }}
		},
	})
}

// sameKey folds as utf8mb4_unicode_ci does for the suite's words.
func sameKey(a, b string) bool {
	fold := func(s string) string {
		var out []rune
		for _, r := range norm.NFD.String(cases.Fold().String(s)) {
			if r < 0x300 || r > 0x36f {
				out = append(out, r)
			}
		}
		return strings.TrimRight(string(out), " ")
	}
	return fold(a) == fold(b)
}

func open(t *testing.T, db *servers.Database, apply bool) connectors.Source {
	o := connectors.Options{Name: "crm", DSN: db.DSN()}
	if apply {
		o.ApplyDSN = db.DSN()
	}
	src, err := mysql.Connector.Open(t.Context(), o)
	require.NoError(t, err)
	return src
}
