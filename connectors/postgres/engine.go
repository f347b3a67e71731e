package postgres

import (
	"context"
	"strings"

	"lethe/connectors"
)

// others are programs that speak PostgreSQL's protocol and are not it, by what they say in version().
var others = []struct{ has, product string }{
	{"cockroachdb", "CockroachDB"}, {"-yb-", "YugabyteDB"}, {"greenplum", "Greenplum"}, {"redshift", "Amazon Redshift"},
	{"enterprisedb", "EDB Postgres Advanced Server"}, {"opengauss", "openGauss"}, {"materialize", "Materialize"},
	{"questdb", "QuestDB"}, {"alloydb", "AlloyDB"}, {"edgedb", "EdgeDB"},
}

// clouds tell by the settings that they added who runs a server.
var clouds = []struct{ setting, who string }{
	{"aurora", "Amazon Aurora"}, {"rds", "Amazon RDS"}, {"alloydb", "Google AlloyDB"}, {"cloudsql", "Google Cloud SQL"},
	{"azure", "Azure Database"}, {"neon", "Neon"}, {"citus", "Citus"}, {"timescaledb", "TimescaleDB"},
}

// Engine asks the server for its version and who runs it.
func (s *source) Engine(ctx context.Context) (connectors.Engine, error) {
	row, err := s.ask(ctx, "open", "SELECT pg_catalog.version(), pg_catalog.current_setting('server_version'), "+
		"pg_catalog.current_setting('server_version_num'), coalesce((SELECT pg_catalog.string_agg(DISTINCT "+
		"pg_catalog.split_part(name, '.', 1), ' ') FROM pg_catalog.pg_settings WHERE name LIKE '%.%'), ''), "+
		"(SELECT datcollate FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())")
	if err != nil {
		return connectors.Engine{}, err
	}
	return engineOf(row[0], row[1], row[2], row[3], row[4]), nil
}

// engineOf makes an engine of what a server says of itself; settings are the first words of those that were added.
func engineOf(said, version, number, settings, collation string) connectors.Engine {
	e := connectors.Engine{Product: "PostgreSQL", Version: version, Collation: collation}
	words := " " + strings.ToLower(settings) + " "
	for _, o := range others {
		if strings.Contains(strings.ToLower(said), o.has) {
			e.Product = o.product
		}
	}
	if !strings.HasPrefix(said, "PostgreSQL ") && e.Product == "PostgreSQL" {
		e.Product, _, _ = strings.Cut(said, " ")
	}
	for _, c := range clouds {
		if strings.Contains(words, " "+c.setting+" ") {
			e.Product += " (" + c.who + ")"
			break
		}
	}
	if len(number) > 4 {
		e.Series = number[:len(number)-4] // of 150014: 15
	}
	return e
}
