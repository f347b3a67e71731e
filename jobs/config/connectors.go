package config

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

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

// Taker is how a dump of a database of a server is taken, by the programs of its engine, and which connector reads it.
type Taker struct {
	Take func(ctx context.Context, o connectors.Options, path string) error
	Of   connectors.Connector
}

// TakerOf returns it. ok is false where nothing here takes dumps of what the connector opens.
func TakerOf(k connectors.Connector) (t Taker, ok bool) {
	switch k.Name {
	case mysql.Connector.Name:
		return Taker{restore.TakeMariaDB, mysqldump.Connector}, true
	case postgres.Connector.Name:
		return Taker{restore.TakePostgres, pgdump.Connector}, true
	}
	return t, false
}

// Original says how a live source is opened to be copied; false where the configuration has none of that name.
func (c *Config) Original(name string) (k connectors.Connector, o connectors.Options, ok bool, err error) {
	s, ok := c.Sources[name]
	if !ok || s.Of != "" || s.Environment == "backup" {
		return k, o, false, nil
	}
	for _, k = range Connectors() {
		if k.Name == s.Connector {
			break
		}
	}
	o = connectors.Options{Name: name, Plaintext: s.TLS == "waived", Extra: s.Options, DSN: c.abs(s.Path)}
	if s.DSN != "" {
		o.DSN, err = c.resolve("source "+name, s.DSN)
	}
	return k, o, true, err
}

// LiveAt is the live source that a DSN, or the path of a file, leads to; "" none, as far as it can be told.
func (c *Config) LiveAt(connector, dsn string) string {
	at := func(dsn string) string {
		if path, err := filepath.Abs(dsn); err == nil && !strings.Contains(dsn, "://") && !strings.Contains(dsn, "@") {
			return path
		}
		return place(dsn)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		k, o, ok, err := c.Original(name)
		if ok && err == nil && k.Name == connector && o.DSN != "" && at(o.DSN) == at(dsn) {
			return name
		}
	}
	return ""
}

// Private makes a folder that only its owner reads, where temporary files lie: close removes it, and where this process is
// killed the next call.
func Private(mark string) (path string, close func() error, err error) {
	f, err := restore.Private(mark)
	if err != nil {
		return "", nil, err
	}
	return f.Path, f.Close, nil
}

// Target is an empty database of a server, which a dump is put into.
type Target struct {
	Connector connectors.Connector
	Options   connectors.Options
}

// TargetOf returns it. The dump is one that the connector of reads; what cannot be put there is ErrConfig.
func TargetOf(k connectors.Connector, o connectors.Options, of connectors.Connector) (*Target, error) {
	t, ok := TakerOf(k)
	if !ok || t.Of.Name != of.Name {
		return nil, fmt.Errorf("%w: what the connector %s reads is not put into a database of %s: name a file",
			connectors.ErrConfig, of.Name, k.Name)
	}
	return &Target{Connector: k, Options: o}, nil
}

// Empty refuses a database that holds anything: it may be production.
func (t *Target) Empty(ctx context.Context) error {
	src, err := t.Connector.Open(ctx, t.Options)
	if err != nil {
		return err
	}
	return errors.Join(restore.Empty(ctx, src), src.Close())
}

// unnamed refuses a dump that names databases: its rows would go there, and not into the target. A connector refuses one
// that names any where it is to be that of another.
func (t *Target) unnamed(ctx context.Context, path string) error {
	of, _ := TakerOf(t.Connector)
	src, err := of.Of.Open(ctx, connectors.Options{Name: t.Options.Name, DSN: path, Unchecked: true, Of: "a target", Database: "\x00"})
	if err != nil {
		return err
	}
	_, err = src.Tables(ctx)
	if err = errors.Join(err, src.Close()); errors.Is(err, connectors.ErrConfig) {
		return fmt.Errorf("%w: the dump names the databases that it is of, and would go there: take one that names none (without "+
			"--databases, --all-databases, --create), or name a file", connectors.ErrConfig)
	}
	return err
}

// Put puts a dump there, and opens the database as it is then. Files that hold passwords lie in dir meanwhile.
func (t *Target) Put(ctx context.Context, dir, path string, dump connectors.Source) (connectors.Source, error) {
	text, ok := dump.(connectors.Restorable)
	if !ok {
		return nil, fmt.Errorf("%w: a dump of this form is not put into a database: name a folder or a file", connectors.ErrConfig)
	}
	err := t.unnamed(ctx, path)
	if err != nil {
		return nil, err
	}
	if t.Connector.Name == mysql.Connector.Name {
		err = restore.IntoMariaDB(ctx, t.Options, dir, text)
	} else {
		err = restore.IntoPostgres(ctx, t.Options, dir, path, text)
	}
	if err != nil {
		return nil, err
	}
	return t.Connector.Open(ctx, t.Options)
}
