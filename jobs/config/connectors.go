package config

import (
	"context"
	"errors"
	"fmt"

	"lethe/connectors"
	"lethe/connectors/csvdir"
	"lethe/connectors/mssqldump"
	"lethe/connectors/mysql"
	"lethe/connectors/mysqldump"
	"lethe/connectors/pgdump"
	"lethe/connectors/physical"
	"lethe/connectors/postgres"
	"lethe/connectors/restore"
	"lethe/connectors/sqlite"
	"lethe/connectors/sqlserver"
)

// Connectors is the explicit list of what Lethe can open. A new connector is one line here.
func Connectors() []connectors.Connector {
	return []connectors.Connector{mysql.Connector, postgres.Connector, sqlserver.Connector, mssqldump.Connector, pgdump.Connector,
		mysqldump.Connector, sqlite.Connector, csvdir.Connector, physical.Connector}
}

// restored puts a backup back into a throwaway server, whose data lie in a folder that is made in parent; "" where
// temporary files lie. What no program here puts back is errors.ErrUnsupported.
func restored(ctx context.Context, k connectors.Connector, o connectors.Options, backup connectors.Source,
	parent string) (r *connectors.Restored, err error) {
	f, err := restore.NewFolder(parent)
	if err != nil {
		return nil, err
	}
	dump, isText := backup.(connectors.Restorable)
	switch {
	case k.Name == mysqldump.Connector.Name && isText:
		r, err = restore.MariaDB(ctx, f, o, dump)
	case k.Name == pgdump.Connector.Name && isText:
		r, err = restore.Postgres(ctx, f, o, dump)
	case k.Name == sqlite.Connector.Name:
		r, err = restore.SQLite(ctx, f, o, backup)
	default:
		err = fmt.Errorf("nothing here puts back what the connector %s reads: %w", k.Name, errors.ErrUnsupported)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r.Undo = append([]func() error{f.Close}, r.Undo...)
	return r, nil
}
