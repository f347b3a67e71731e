package restore

import (
	"cmp"
	"context"
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

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lethe/connectors"
	"lethe/connectors/internal/pgarchive"
	"lethe/connectors/postgres"
)

// homes are where the programs of PostgreSQL are that are not on anybody's path, the newest last.
func homes() []string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is sound
	slices.SortFunc(found, func(a, b string) int { return major(a) - major(b) })
	slices.Reverse(found)
	return append(found, "/usr/local/pgsql/bin")
}

func major(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin))) // else it is none of the system's
	return n
}

// archived is how pg_restore says that the server refused a statement.
var archived = regexp.MustCompile(`^pg_restore: (?:error: )?(?:could not execute query: )?ERROR:  (.*)$`)

// elsewhere are refusals that say nothing of the backup, as they are about what a server has besides its databases:
// accounts, to which owners and rights lead, and what only a superuser may write (SQLSTATE 42501).
var elsewhere = []struct {
	words *regexp.Regexp
	left  string
}{
	{regexp.MustCompile(`^role "[^"]*" (?:does not exist|already exists)$`), "owners and rights of accounts that this server does not have"},
	{regexp.MustCompile(`^must be owner of |^permission denied |^must be superuser|^must be member of |^must be able to SET ROLE `),
		"what only a superuser writes: comments on extensions, event triggers, rights"},
	{regexp.MustCompile(`^(?:database|schema) "[^"]*" already exists$`), "databases that each server has"},
}

// codes are what errors of PostgreSQL mean that a dump of another server meets (Appendix A of its manual).
var codes = map[string]string{
	"0A000": "a feature, or an extension, that this server does not have",
	"58P01": "an extension that is not installed here",
	"42601": "a statement is not understood, as of a newer version",
	"42704": "a type or another object that this server does not have",
	"42883": "a function that this server does not have",
	"22P02": "a value that its type does not take",
	"22021": "a text that is not in the encoding that the file names",
	"23505": "two rows have one key",
	"23503": "a row refers to none that is there",
	"23514": "a row breaks a CHECK",
}

// pg is a server of PostgreSQL that is started for a backup.
type pg struct {
	*connectors.Restored
	bin, dir string
}

// dsn leads to a database of it.
func (s *pg) dsn(user, database string) string {
	return "postgres:///" + url.PathEscape(database) + "?host=" + url.QueryEscape(s.dir) + "&user=" + user
}

// Postgres puts a dump back statement by statement, and an archive of pg_dump by pg_restore.
func Postgres(ctx context.Context, f *Folder, o connectors.Options, dump connectors.Restorable) (_ *connectors.Restored, err error) {
	initdb, err := program("initdb", homes()...)
	if err != nil {
		return nil, Absent{"PostgreSQL"}
	}
	if initdb, err = filepath.EvalSymlinks(initdb); err != nil {
		return nil, err
	}
	s := &pg{bin: filepath.Dir(initdb)}
	if s.dir, err = f.room(); err != nil {
		return nil, err
	}
	s.Restored = &connectors.Restored{Undo: []func() error{func() error { return os.RemoveAll(s.dir) }}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	data := filepath.Join(s.dir, "data")
	if err := finish(command(ctx, s.dir, initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale",
		"--no-sync"), "make a server's folder"); err != nil {
		return nil, err
	}
	c := command(context.WithoutCancel(ctx), s.dir, filepath.Join(s.bin, "postgres"), "-D", data, "-k", s.dir,
		"-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "wal_level=minimal",
		"-c", "max_wal_senders=0", "-c", "unix_socket_permissions=0700", "-c", "timezone=UTC")
	stop, err := serve(ctx, c, func(ctx context.Context) error {
		db, err := pgconn.Connect(ctx, s.dsn("postgres", "postgres"))
		if err != nil {
			return err
		}
		return db.Close(ctx)
	})
	if err != nil {
		return nil, err
	}
	s.Undo = append(s.Undo, stop)
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	if o.Shelf == nil && pgarchive.Is(nil, o.DSN) {
		err = s.archive(ctx, o.DSN)
	} else {
		err = (&pouring{connect: s.connect, leaves: s.leaves}).pour(ctx, dump)
	}
	if err == nil {
		err = s.open(ctx, o)
	}
	return s.Restored, err
}

// prepare makes a database, and an account that may do nothing outside of databases.
func (s *pg) prepare(ctx context.Context) error {
	db, err := pgx.Connect(ctx, s.dsn("postgres", "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close(ctx) }()
	s.Engine = "PostgreSQL " + strings.Fields(db.PgConn().ParameterStatus("server_version"))[0]
	for _, statement := range []string{"CREATE ROLE " + restorer + " LOGIN CREATEDB",
		"CREATE DATABASE " + unnamed + " OWNER " + restorer + " TEMPLATE template0"} {
		if _, err := db.Exec(ctx, statement); err != nil {
			return err
		}
	}
	db, err = pgx.Connect(ctx, s.dsn("postgres", unnamed))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close(ctx) }()
	_, err = db.Exec(ctx, "ALTER SCHEMA public OWNER TO "+restorer)
	return err
}

// pouring is a script of pg_dump that a server is given.
type pouring struct {
	connect func(ctx context.Context, database string) (*pgconn.PgConn, error) // "" is where it begins
	leaves  func(words string) bool                                            // notes a refusal that says nothing of the script
}

// pour gives the server the statements of the dump, and the rows of each COPY, one after another. Who puts a dump
// back by psql does the same; but psql obeys commands in it.
func (p *pouring) pour(ctx context.Context, dump connectors.Restorable) (err error) {
	text, err := dump.Text(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	db, err := p.connect(ctx, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close(context.WithoutCancel(ctx))) }()
	in := newScript(text)
	for {
		st, err := in.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case st.Connect != "":
			next, err := p.connect(ctx, st.Connect)
			if err != nil {
				return fmt.Errorf("line %d: %w", st.Line, err)
			}
			_ = db.Close(ctx) // it holds nothing that is not committed
			db = next
			continue
		}
		if err := p.send(ctx, db, in, st); err != nil {
			return err
		}
	}
}

// send gives the server one statement.
func (p *pouring) send(ctx context.Context, db *pgconn.PgConn, in *script, st statement) error {
	ctx, cancel := context.WithTimeoutCause(ctx, stalled, fmt.Errorf("line %d: the server was at one statement for %s: %w",
		st.Line, stalled, connectors.ErrUnreachable))
	defer cancel()
	var err error
	if !st.Rows {
		_, err = db.Exec(ctx, st.Text).ReadAll()
	} else {
		var rows io.Reader
		if rows, err = in.rows(); err == nil {
			_, err = db.CopyFrom(ctx, rows, st.Text)
			if _, rest := io.Copy(io.Discard, rows); rest != nil && err == nil {
				err = rest
			}
		}
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return cmp.Or(context.Cause(ctx), err)
	}
	if p.leaves(refused.Message) {
		return nil
	}
	return &RefusedError{Line: st.Line, Code: refused.Code, Says: codes[refused.Code]}
}

// leaves notes that something was not put back which says nothing of the backup.
func (s *pg) leaves(words string) bool {
	for _, e := range elsewhere {
		if e.words.MatchString(words) {
			if !slices.Contains(s.Left, e.left) {
				s.Left = append(s.Left, e.left)
			}
			return true
		}
	}
	return false
}

// connect opens a database for what is put back.
func (s *pg) connect(ctx context.Context, database string) (*pgconn.PgConn, error) {
	db, err := pgconn.Connect(ctx, s.dsn(restorer, cmp.Or(database, unnamed)))
	if err != nil && database != "" {
		return nil, fmt.Errorf("it goes on in a database that it has not made: %w", connectors.ErrDamaged)
	}
	return db, err
}

// archive lets pg_restore read an archive.
func (s *pg) archive(ctx context.Context, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	return pourArchive(ctx, exec.Command(filepath.Join(s.bin, "pg_restore"), "--no-owner", "--no-privileges", "--host="+s.dir,
		"--username="+restorer, "--dbname="+unnamed, path), s.dir, []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}, s.leaves)
}

// pourArchive runs pg_restore. It runs as Lethe does, since it opens the file by itself; it obeys no command in one.
func pourArchive(ctx context.Context, as *exec.Cmd, dir string, env []string, leaves func(words string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, longestRun)
	defer cancel()
	c := exec.CommandContext(ctx, as.Path, as.Args[1:]...)
	c.Dir, c.Env, c.WaitDelay = dir, env, ended
	var first error
	left := false
	lines := &lineWriter{do: func(line string) {
		switch m := archived.FindStringSubmatch(line); {
		case m == nil:
		case leaves(m[1]):
			left = true
		case first == nil:
			first = &RefusedError{Code: "an error of pg_restore"}
		}
	}}
	c.Stderr = lines
	err := c.Run()
	lines.flush()
	var exit *exec.ExitError
	switch {
	case first != nil:
		return first
	case left && errors.As(err, &exit): // it ends with 1 where anything was refused
		return nil
	case errors.As(err, &exit):
		return fmt.Errorf("pg_restore cannot read it: %w", connectors.ErrDamaged)
	}
	return err
}

// open opens the databases that are there now.
func (s *pg) open(ctx context.Context, o connectors.Options) error {
	db, err := pgx.Connect(ctx, s.dsn("postgres", "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close(ctx) }()
	rows, err := db.Query(ctx, "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'")
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		src, err := postgres.Connector.Open(ctx, connectors.Options{Name: o.Name, AnswerWithin: o.AnswerWithin,
			StatementWithin: o.StatementWithin, DSN: s.dsn("postgres", name)})
		if err != nil {
			return fmt.Errorf("open what was put back: %w", err)
		}
		if name == unnamed {
			name = ""
		}
		s.Databases = append(s.Databases, connectors.Database{Name: name, Source: src})
	}
	return nil
}
