package restore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	mariadb "github.com/go-sql-driver/mysql"

	"lethe/connectors"
	"lethe/connectors/mysql"
)

// unnamed is the database for a dump that names none.
const unnamed = "lethe_restored"

// restorer is the account that puts back. It may do with databases what a dump does, and nothing with the server or with
// files.
const restorer = "lethe"

const mariaDBRights = `CREATE USER ` + restorer + `@localhost;
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE,
	CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER, DELETE HISTORY, SET USER ON *.* TO ` + restorer + `@localhost;
CREATE DATABASE ` + unnamed + ` CHARACTER SET utf8mb4`

// refusals are what errors of MariaDB and MySQL mean that a dump of another server meets (Server Error Codes).
var refusals = map[string]string{
	"1044": "it writes into a database in which the account has no rights, as the server's own",
	"1064": "a statement is not understood, as of another engine or version",
	"1115": "a character set that this server does not have",
	"1142": "the account lacks a right",
	"1193": "a setting that this server does not have",
	"1227": "a statement that takes an administrator of the server",
	"1231": "a setting that this server does not take",
	"1273": "a collation that this server does not have: a dump of MySQL 8 is put back by MySQL",
	"1286": "a storage engine that this server does not have",
	"1062": "two rows have one key",
	"1180": "the rows of a table cannot be committed: two of them have one key",
	"1452": "a row refers to none that is there",
}

var refusedLine = regexp.MustCompile(`^ERROR (\d+)(?: \(\w+\))?(?: at line (\d+))?`)

// MariaDB puts a dump back by the program mariadb.
func MariaDB(ctx context.Context, f *Folder, o connectors.Options, dump connectors.Restorable) (_ *connectors.Restored, err error) {
	server, err := program("mariadbd")
	if err != nil {
		return nil, err
	}
	install, err := program("mariadb-install-db")
	if err != nil {
		return nil, err
	}
	client, err := program("mariadb")
	if err != nil {
		return nil, err
	}
	dir, err := f.room()
	if err != nil {
		return nil, err
	}
	r := &connectors.Restored{Undo: []func() error{func() error { return os.RemoveAll(dir) }}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	socket, data := filepath.Join(dir, "s"), filepath.Join(dir, "data")
	own := []string{"--no-defaults", "--datadir=" + data, "--skip-name-resolve"}
	if err := finish(command(ctx, dir, install, append(own, "--auth-root-authentication-method=normal", "--skip-test-db")...),
		"make a server's folder"); err != nil {
		return nil, err
	}
	c := command(context.WithoutCancel(ctx), dir, server, append(own, "--socket="+socket, "--skip-networking", "--skip-log-bin",
		"--event-scheduler=OFF", "--secure-file-priv="+dir, "--plugin-dir="+dir, "--local-infile=0", "--general-log=0",
		"--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--skip-innodb-doublewrite", "--sync-frm=0",
		"--max-allowed-packet=1G", "--character-set-server=utf8mb4", "--pid-file="+filepath.Join(dir, "pid"), "--tmpdir="+dir)...)
	config := mariadb.NewConfig()
	config.User, config.Net, config.Addr, config.MultiStatements = "root", "unix", socket, true
	config.Logger = &mariadb.NopLogger{}
	db, err := sql.Open("mysql", config.FormatDSN())
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	stop, err := serve(ctx, c, db.PingContext)
	if err != nil {
		return nil, err
	}
	r.Undo = append(r.Undo, stop)
	var version string
	if err := db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return nil, err
	}
	r.Engine = "MariaDB " + strings.SplitN(version, "-", 2)[0]
	if _, err := db.ExecContext(ctx, mariaDBRights); err != nil {
		return nil, err
	}
	if err := pourMariaDB(ctx, command(ctx, dir, client, "--no-defaults", "--socket="+socket, "--user="+restorer, unnamed),
		"", dump, ""); err != nil {
		return nil, err
	}
	return r, openMariaDB(ctx, r, db, o, socket)
}

// pourMariaDB lets the client read the dump, with statements before and behind it. In its binary mode it heeds no command
// of a dump but DELIMITER.
func pourMariaDB(ctx context.Context, client *exec.Cmd, before string, dump connectors.Restorable, behind string) (err error) {
	text, err := dump.Text(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := exec.CommandContext(ctx, client.Path, append(slices.Clone(client.Args[1:]), "--binary-mode", "--batch",
		"--default-character-set=utf8mb4", "--max-allowed-packet=1G")...)
	c.Dir, c.Env, c.SysProcAttr, c.WaitDelay = client.Dir, client.Env, client.SysProcAttr, client.WaitDelay
	var refused *RefusedError
	in := io.MultiReader(strings.NewReader(before), text, strings.NewReader(behind))
	err = feed(ctx, c, cancel, in, func(line string) {
		if m := refusedLine.FindStringSubmatch(line); m != nil && refused == nil {
			at, _ := strconv.ParseInt(m[2], 10, 64) // "" is none
			at = max(0, at-int64(strings.Count(before, "\n")))
			refused = &RefusedError{Line: at, Code: "error " + m[1], Says: refusals[m[1]]}
		}
	})
	if err != nil && refused != nil {
		return refused
	}
	return err
}

// openMariaDB opens the databases that are there now.
func openMariaDB(ctx context.Context, r *connectors.Restored, db *sql.DB, o connectors.Options, socket string) error {
	rows, err := db.QueryContext(ctx, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN "+
		"('mysql', 'sys', 'information_schema', 'performance_schema')")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		open := connectors.Options{Name: o.Name, AnswerWithin: o.AnswerWithin, StatementWithin: o.StatementWithin,
			DSN: "mysql://root@/" + url.PathEscape(name) + "?socket=" + url.QueryEscape(socket)}
		src, err := mysql.Connector.Open(ctx, open)
		if err != nil {
			return fmt.Errorf("open what was put back: %w", err)
		}
		if name == unnamed {
			name = ""
		}
		r.Databases = append(r.Databases, connectors.Database{Name: name, Source: src})
	}
	return rows.Err()
}
