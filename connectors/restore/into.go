package restore

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"lethe/connectors"
	"lethe/connectors/internal/pgarchive"
	"lethe/connectors/mysql"
	"lethe/connectors/postgres"
)

// Unfinished is a table that stands in a database as long as what it is given is not whole.
const Unfinished = "lethe_unfinished_copy"

// Empty refuses a database that holds anything: it may be production.
func Empty(ctx context.Context, src connectors.Source) error {
	tables, err := src.Tables(ctx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if t.Name == Unfinished {
			return fmt.Errorf("%w: the target holds part of a copy that was not finished (table %s): empty it, and try again",
				connectors.ErrConfig, Unfinished)
		}
	}
	n := len(tables)
	if v, ok := src.(connectors.Viewer); ok {
		views, err := v.Views(ctx)
		if err != nil {
			return err
		}
		n += len(views)
	}
	if n > 0 {
		return fmt.Errorf("%w: the target holds %d tables and views: a copy goes into an empty database; make one, and name that",
			connectors.ErrConfig, n)
	}
	return nil
}

// partly says what is left where a copy was not finished.
func partly(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: the target holds a part of it, and a table %s that says so: empty it before the next try", err,
		Unfinished)
}

// IntoMariaDB puts a dump into an empty database that a person names, by the program mariadb. A dump that names databases
// would go there, and is not to be given to it.
func IntoMariaDB(ctx context.Context, o connectors.Options, dir string, dump connectors.Restorable) error {
	client, err := program("mariadb")
	if err != nil {
		return Absent{"mariadb"}
	}
	login, err := mysql.LoginOf(o)
	if err != nil {
		return err
	}
	src, err := mysql.Connector.Open(ctx, o)
	if err != nil {
		return err
	}
	if err := errors.Join(Empty(ctx, src), src.Close()); err != nil {
		return err
	}
	said := filepath.Join(dir, "target.login")
	if err := writeOptions(said, login); err != nil {
		return err
	}
	c := exec.Command(client, "--defaults-file="+said, login.Database)
	c.Dir, c.Env, c.WaitDelay = dir, []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}, ended
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	outlives(c.SysProcAttr)
	return partly(pourMariaDB(ctx, c, "CREATE TABLE "+Unfinished+" (since int);\n", dump,
		"\nDROP TABLE `"+login.Database+"`."+Unfinished+";\n"))
}

// roles are what another server says of accounts that it does not have, and of what was there before.
var roles = regexp.MustCompile(`^role "[^"]*" does not exist$|^schema "public" already exists$|^must be owner of (extension|schema public)`)

// IntoPostgres puts a dump into an empty database that a person names: a script statement by statement, an archive by
// pg_restore. Accounts that its server does not have own nothing there.
func IntoPostgres(ctx context.Context, o connectors.Options, dir, path string, dump connectors.Restorable) error {
	src, err := postgres.Connector.Open(ctx, o)
	if err != nil {
		return err
	}
	if err := errors.Join(Empty(ctx, src), src.Close()); err != nil {
		return err
	}
	dsn, env, err := loginOf(o)
	if err != nil {
		return err
	}
	connect := func(ctx context.Context, database string) (*pgconn.PgConn, error) {
		if database != "" {
			return nil, fmt.Errorf("the dump is of several databases, and one is the target: take one of each: %w", connectors.ErrConfig)
		}
		return postgres.Connect(ctx, o)
	}
	db, err := connect(ctx, "")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }() // what it did is committed
	if _, err := db.Exec(ctx, "CREATE TABLE public."+Unfinished+" (since int)").ReadAll(); err != nil {
		return err
	}
	if pgarchive.Is(nil, path) {
		restore, err := program("pg_restore", homes()...)
		if err != nil {
			return partly(Absent{"pg_restore"})
		}
		err = pourArchive(ctx, exec.Command(restore, "--no-owner", "--no-privileges", "--dbname="+dsn, path), dir, env,
			roles.MatchString)
		if err != nil {
			return partly(err)
		}
	} else if err := (&pouring{connect: connect, leaves: roles.MatchString}).pour(ctx, dump); err != nil {
		return partly(err)
	}
	_, err = db.Exec(ctx, "DROP TABLE public."+Unfinished).ReadAll()
	return partly(err)
}
