package config

import (
	"lethe/connectors"
	"lethe/connectors/csvdir"
	"lethe/connectors/mssqldump"
	"lethe/connectors/mysql"
	"lethe/connectors/mysqldump"
	"lethe/connectors/pgdump"
	"lethe/connectors/physical"
	"lethe/connectors/postgres"
	"lethe/connectors/sqlite"
	"lethe/connectors/sqlserver"
)

// Connectors is the explicit list of what Lethe can open. A new connector is one line here.
func Connectors() []connectors.Connector {
	return []connectors.Connector{mysql.Connector, postgres.Connector, sqlserver.Connector, mssqldump.Connector, pgdump.Connector,
		mysqldump.Connector, sqlite.Connector, csvdir.Connector, physical.Connector}
}
