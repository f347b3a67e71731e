package mysql

import (
	"context"
	"strings"

	"lethe/connectors"
)

// clouds tell, by a variable and what is in it, who runs a server that is not its maker's own program, or where it
// behaves in a way of its own.
var clouds = []struct{ variable, has, who string }{
	{"aurora_version", "", "Amazon Aurora"},
	{"basedir", "rdsdb", "Amazon RDS"},
	{"version", "-google", "Google Cloud SQL"},
	{"version", "-azure", "Azure Database"},
	{"version_comment", "azure", "Azure Database"},
	{"version_comment", "vitess", "Vitess"},
	{"version", "vitess", "Vitess"},
	{"version", "tidb", "TiDB"},
	{"version_comment", "percona", "Percona Server"},
	{"version_comment", "heatwave", "HeatWave"},
	{"version_comment", "mysql enterprise - cloud", "HeatWave"},
	{"wsrep_on", "on", "Galera"},
}

// Engine asks the server for its version and who runs it.
func (s *source) Engine(ctx context.Context) (connectors.Engine, error) {
	var e connectors.Engine
	err := s.db.QueryRowContext(ctx, "SELECT @@collation_database").Scan(&e.Collation)
	if err != nil {
		return e, s.fail("open", "", because(ctx, err))
	}
	rows, err := s.db.QueryContext(ctx, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'version_comment', "+
		"'basedir', 'aurora_version', 'wsrep_on')")
	if err != nil {
		return e, s.fail("open", "", because(ctx, err))
	}
	defer func() { _ = rows.Close() }()
	said := map[string]string{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return e, s.fail("open", "", because(ctx, err))
		}
		said[strings.ToLower(name)] = value
	}
	if err := rows.Err(); err != nil {
		return e, s.fail("open", "", because(ctx, err))
	}
	return engineOf(said, e.Collation), nil
}

// engineOf makes an engine of what a server says of itself.
func engineOf(said map[string]string, collation string) connectors.Engine {
	e := connectors.Engine{Product: "MySQL", Version: said["version"], Collation: collation}
	if strings.Contains(strings.ToLower(e.Version+said["version_comment"]), "mariadb") {
		e.Product = "MariaDB"
	}
	for _, c := range clouds {
		value, there := said[c.variable]
		if there && strings.Contains(strings.ToLower(value), c.has) {
			e.Product += " (" + c.who + ")"
			break
		}
	}
	numbers := strings.FieldsFunc(e.Version, func(r rune) bool { return r < '0' || r > '9' })
	if len(numbers) > 1 {
		e.Series = numbers[0] + "." + numbers[1]
	}
	return e
}
