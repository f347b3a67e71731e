// Package database is where a registry lives: a Config of SQLite, PostgreSQL, MySQL or MariaDB leads to a
// DB, on which a Txn reads a snapshot or is the only writer. A Row is read without a copy, a Bulk of Cells
// is written many rows at a time, an Output writes beside what makes them. Statements are written once,
// with ? for parameters; what differs between the engines stays in here.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"lethe/connectors/wire"
)

// What a caller can tell apart with errors.Is.
var (
	// ErrConfig: the configuration names no registry that can be opened as it stands. The error says which
	// part of it, and never its value.
	ErrConfig = errors.New("configuration")
	// ErrMissing: there is no registry at the DSN. It is never created silently.
	ErrMissing = errors.New("registry is missing")
	// ErrUnreachable: the server of the DSN does not answer, or refuses the account.
	ErrUnreachable = errors.New("registry cannot be reached")
	// ErrLocked: another writer holds the registry.
	ErrLocked = errors.New("registry is locked by another writer")
	// ErrSchema: the file is no registry, or one of another version.
	ErrSchema = errors.New("not a registry of this version")
	// ErrBusy: another writer holds the database, or this one had to give way to it.
	ErrBusy = errors.New("the database is busy")
	// ErrRecorded: a row of this key is there already.
	ErrRecorded = errors.New("recorded before")
	// ErrTooLong: a text has no room in its column.
	ErrTooLong = errors.New("a name is longer than 255 bytes")
)

// Config says where the registry is and how it is opened.
type Config struct {
	Driver    string // sqlite (the default), postgres, or mysql, which is MariaDB as well
	DSN       string // for sqlite the path of the file; else a secret, which no error holds
	Plaintext bool   // allow a connection without TLS
	ReadOnly  bool   // open it to read only
	// of a server: how long it may answer nothing, and how long a statement may be at work without a row while it
	// answers others; 0 is the default of package wire
	AnswerWithin, StatementWithin time.Duration
}

// busyTimeout is how long a writer waits for another one before ErrLocked.
const busyTimeout = 2 * time.Second

// String keeps the DSN out of logs.
func (c Config) String() string {
	e, err := engineOf(c.Driver)
	if err != nil {
		return "registry"
	}
	return "registry " + e.place(c)
}

func (c Config) engine() (*engine, error) {
	e, err := engineOf(c.Driver)
	if err == nil && c.DSN == "" {
		err = wrong("registry.dsn is empty: name the registry's file or database")
	}
	return e, err
}

// wrong is an ErrConfig in words.
func wrong(words string) error { return fmt.Errorf("%w: %s", ErrConfig, words) }

// DB is an open database. It is safe for concurrent use.
type DB struct {
	Handle
	Pool *sql.DB // its connections
}

// Open opens a database that exists: ErrMissing when it is not there, ErrUnreachable when its server does
// not answer. Soon after the context ends so does every wait for a server: it is that of the program.
func Open(ctx context.Context, c Config) (*DB, error) {
	e, err := c.engine()
	if err != nil {
		return nil, err
	}
	if e.exists != nil {
		if err := e.exists(c); err != nil {
			return nil, err
		}
	}
	e, pool, err := e.connect(ctx, c)
	if err != nil {
		return nil, err
	}
	return &DB{Handle{e, pool}, pool}, nil
}

// connect makes the connections of a database, of which every wait has an end: on a server soon after the context
// does, or when the server is silent. The engine that comes with them has the words for that.
func (e *engine) connect(ctx context.Context, c Config) (*engine, *sql.DB, error) {
	d := wire.NewDialer(ctx, wire.Limits{Answer: c.AnswerWithin, Statement: c.StatementWithin})
	pool, err := e.open(c, d)
	told := *e
	told.failure = func(err error) error {
		cause, silence := e.failure(err), d.Silence()
		if silence == nil || !errors.Is(cause, ErrUnreachable) && !errors.As(err, &silence) {
			return cause
		}
		return fmt.Errorf("%w: %w (%s)", ErrUnreachable, silence, silence.Next("registry"))
	}
	return &told, pool, err
}

// Close closes the database.
func (d *DB) Close() error { return d.Pool.Close() }

// Create makes the tables of a schema in a new file, or in a database of a server, which must exist and
// be empty. version is what meta will say of it as its schema, about what else it says.
func Create(ctx context.Context, c Config, schema []string, version string, about map[string]string) error {
	e, err := c.engine()
	if err != nil {
		return err
	}
	return e.create(ctx, c, schema, version, about)
}

func (e *engine) create(ctx context.Context, c Config, schema []string, version string,
	about map[string]string) error {
	c.ReadOnly = false
	if e.prepare != nil {
		if err := e.prepare(c); err != nil {
			return err
		}
	}
	e, pool, err := e.connect(ctx, c)
	if err != nil {
		return err
	}
	defer pool.Close()
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return Handle{engine: e}.Failed(err)
	}
	defer tx.Rollback()
	h := Handle{e, tx}
	begun := false
	if e.tables != "" {
		var n int
		if err := h.Row(ctx, e.tables).Scan(&n); err != nil {
			return err
		}
		if begun = n > 0 && h.halfMade(ctx, schema); n > 0 && !begun {
			return fmt.Errorf("the database has %d tables already; open it if it holds a registry, "+
				"or name an empty one",
				n)
		}
	}
	for _, statement := range e.statements(schema) {
		if _, err := tx.ExecContext(ctx, statement); err != nil && !(begun && e.made(err)) {
			return h.Failed(err)
		}
	}
	for name, value := range about {
		if _, err := h.Exec(ctx, `INSERT INTO meta (name, value) VALUES (?, ?)`+h.Ignoring("name"), name,
			value); err != nil {
			return err
		}
	}
	// The version comes last: where CREATE TABLE is not part of a transaction, a registry that was left
	// half made is none.
	if _, err := h.Exec(ctx, `INSERT INTO meta (name, value) VALUES ('schema', ?)`, version); err != nil {
		return err
	}
	return h.Failed(tx.Commit())
}

// AddColumn adds a column to a table that has it not; definition is in the schema's words.
func (d *DB) AddColumn(ctx context.Context, table, column, definition string) error {
	rows, err := d.Query(ctx, `SELECT `+column+` FROM `+table+` WHERE 1 = 0`)
	if err == nil {
		return rows.Close()
	}
	_, err = d.Exec(ctx, d.words.Replace(`ALTER TABLE `+table+` ADD COLUMN `+column+` `+definition))
	return err
}

// Guard makes the guards of event and event_payload anew, as a new registry has them; or takes them away.
func (d *DB) Guard(ctx context.Context, on bool) error {
	for _, statement := range slices.Concat(d.unguard, d.Guards) {
		if strings.HasPrefix(statement, "DROP ") || on && strings.HasPrefix(statement, "CREATE TRIGGER event_") {
			if _, err := d.Exec(ctx, statement); err != nil {
				return err
			}
		}
	}
	return nil
}

var tableRE = regexp.MustCompile(`^CREATE TABLE (\w+)`)

// halfMade reports whether the database holds nothing but tables of a registry that Create did not finish.
func (h Handle) halfMade(ctx context.Context, schema []string) bool {
	if h.made == nil {
		return false
	}
	var others int
	var ours []string
	for _, s := range schema {
		if name := tableRE.FindStringSubmatch(s); name != nil {
			ours = append(ours, "'"+name[1]+"'")
		}
	}
	if err := h.Row(ctx, h.tables+` AND table_name NOT IN (`+strings.Join(ours, ", ")+
		`)`).Scan(&others); err != nil || others > 0 {
		return false
	}
	var version string
	return errors.Is(h.Row(ctx, `SELECT value FROM meta WHERE name = 'schema'`).Scan(&version), sql.ErrNoRows)
}
