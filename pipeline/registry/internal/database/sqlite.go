package database

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"lethe/connectors/wire"
)

// sqliteEngine is the embedded default: a file, of which Lethe is the only writer.
var sqliteEngine = engine{
	Name:    "sqlite",
	open:    openSQLite,
	place:   Config.path,
	prepare: createFile,
	exists:  fileExists,
	words:   strings.NewReplacer("NUMBERED", "INTEGER PRIMARY KEY", "LONGTEXT", "TEXT", "LONGBLOB", "BLOB"),
	Guards: []string{
		`CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'event is append-only'); END`,
		`CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'event is append-only'); END`,
		`CREATE TRIGGER event_payload_no_update BEFORE UPDATE OF ` + sealedPayload + ` ON event_payload
			BEGIN SELECT RAISE(ABORT, 'event_payload is never updated'); END`,
	},
	unguard: []string{`DROP TRIGGER IF EXISTS event_no_update`, `DROP TRIGGER IF EXISTS event_no_delete`,
		`DROP TRIGGER IF EXISTS event_payload_no_update`},
	insert: "INSERT OR FAIL INTO ",
	latest: "max",
	reader: sql.TxOptions{ReadOnly: true},
	Scrub:  `PRAGMA wal_checkpoint(truncate)`,
	Direct: true,
	failure: func(err error) error {
		if errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.LOCKED) {
			return fmt.Errorf("%w: %w", ErrBusy, err)
		}
		if errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) {
			return fmt.Errorf("%w: %w", ErrRecorded, err)
		}
		for _, f := range fileFailures {
			if errors.Is(err, f.code) {
				return fmt.Errorf("%w: %s (%w)", ErrUnreachable, f.words, f.code)
			}
		}
		return err
	},
}

// fileFailures are what keeps the file from being used, whatever is in it.
var fileFailures = []struct {
	code  sqlite3.ErrorCode
	words string
}{
	{sqlite3.FULL, "the disk is full; what was recorded before is safe, make room and do the same again"},
	{sqlite3.IOERR, "the file cannot be read or written; is the disk full, or gone?"},
	{sqlite3.READONLY, "this user may not write the file and its folder; give both to the account that Lethe runs as"},
	{sqlite3.CANTOPEN, "this user may not open the file; give it, and its folder, to the account that Lethe runs as"},
	{sqlite3.PERM, "this user may not open the file; give it, and its folder, to the account that Lethe runs as"},
}

// path is where the file is.
func (c Config) path() string { return strings.TrimPrefix(c.DSN, "file:") }

func createFile(c Config) error {
	path := c.path()
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s exists already; open it, or name another file", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func fileExists(c Config) error {
	switch info, err := os.Stat(c.path()); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; create it with `lethe registry init`, or correct registry.dsn", ErrMissing)
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("it is a folder: %w; registry.dsn names a file", ErrMissing)
	}
	return nil
}

// openSQLite opens the file. Large pages cost an import less: its keys come in random order, and a page of
// four times the size is split a quarter as often.
func openSQLite(c Config, _ *wire.Dialer) (*sql.DB, error) {
	q := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
		"page_size(16384)", "foreign_keys(on)", "cache_size(-32768)", "wal_autocheckpoint(8192)", "secure_delete(on)",
		"temp_store(memory)",
	}}
	if c.ReadOnly {
		q.Set("mode", "ro")
		q.Add("_pragma", "query_only(on)")
	} else {
		q.Set("mode", "rw")
		q.Set("_txlock", "immediate")
		q.Add("_pragma", "journal_mode(wal)")
		q.Add("_pragma", "synchronous(full)")
	}
	return driver.Open("file:" + (&url.URL{Path: c.path()}).EscapedPath() + "?" + q.Encode())
}

// SQLite's own statements cost a third of those of database/sql.

// WithStatement prepares a statement, calls do and closes it.
func (t *Txn) WithStatement(query string, do func(*sqlite3.Stmt) error) error {
	return t.Failed(t.conn.Raw(func(c any) error {
		st, _, err := c.(driver.Conn).Raw().Prepare(query)
		if err != nil {
			return err
		}
		return errors.Join(do(st), st.Close())
	}))
}

// PauseRows is after how many rows a long statement looks whether it should go on.
const PauseRows = 1024

// eachDirect calls do with every row of a query.
func (t *Txn) eachDirect(ctx context.Context, query string, do func(Row) error, args []int64) error {
	return t.WithStatement(query, func(st *sqlite3.Stmt) error {
		for i, arg := range args {
			if err := st.BindInt64(i+1, arg); err != nil {
				return err
			}
		}
		return eachRow(ctx, st, do)
	})
}

// eachRow calls do with every row of a statement that is bound.
func eachRow(ctx context.Context, st *sqlite3.Stmt, do func(Row) error) error {
	current := &sqliteRow{st}
	for n := 0; st.Step(); n++ {
		if n%PauseRows == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := do(current); err != nil {
			return err
		}
	}
	return st.Err()
}

// lookUpDirect runs a query for one key after the other: an engine in the process answers that in less time than it
// takes to make a table of many keys of a statement.
func (t *Txn) lookUpDirect(ctx context.Context, silo int64, query string, keys [][]byte, each func(Row) error) error {
	if len(keys) == 0 {
		return nil
	}
	return t.WithStatement(query, func(st *sqlite3.Stmt) error {
		if err := st.BindInt64(1, silo); err != nil {
			return err
		}
		for i, key := range keys {
			if i > 0 && bytes.Equal(key, keys[i-1]) {
				continue
			}
			if err := st.BindBlob(2, key); err != nil {
				return err
			}
			if err := errors.Join(eachRow(ctx, st, each), st.Reset()); err != nil {
				return err
			}
		}
		return nil
	})
}

// directRows is how many rows one INSERT names, as long as there are so many: a statement for many rows
// opens its trees once for all of them, and finds the end of a tree where the row before left it. The first
// divides flushRows.
var directRows = [...]int{100, 10, 1}

// inserter is an INSERT of some rows that is used again and again. What stays the same from use to use is
// bound once.
type inserter struct {
	*sqlite3.Stmt
	bound []Cell
}

// inserter prepares an INSERT of so many rows, once a transaction.
func (t *Txn) inserter(db *sqlite3.Conn, b *Bulk, row string, rows int) (*inserter, error) {
	key := insertKey{b.insert, rows}
	if st := t.inserters[key]; st != nil {
		return st, nil
	}
	st, _, err := db.Prepare(b.text(row, rows))
	if err != nil {
		return nil, err
	}
	if t.inserters == nil {
		t.inserters = map[insertKey]*inserter{}
	}
	t.inserters[key] = &inserter{st, make([]Cell, rows*b.columns)}
	return t.inserters[key], nil
}

type insertKey struct {
	insert string
	rows   int
}

// run binds the cells and inserts them.
func (st *inserter) run(cells []Cell) error {
	for i := range st.bound {
		if err := rebind(st.Stmt, i+1, &st.bound[i], &cells[i]); err != nil {
			return err
		}
	}
	return st.Exec()
}

// insertDirect inserts a bulk's rows.
func (t *Txn) insertDirect(ctx context.Context, b *Bulk, cells []Cell, row string) error {
	if len(cells) == 0 {
		return nil
	}
	return t.Failed(t.conn.Raw(func(c any) error {
		db := c.(driver.Conn).Raw()
		for _, rows := range directRows {
			if len(cells) < rows*b.columns {
				continue
			}
			st, err := t.inserter(db, b, row, rows)
			if err != nil {
				return err
			}
			for ; len(cells) >= rows*b.columns; cells = cells[rows*b.columns:] {
				if err := errors.Join(st.run(cells), ctx.Err()); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// closeInserters closes what inserter prepared.
func (t *Txn) closeInserters() {
	for _, st := range t.inserters {
		st.Close()
	}
	t.inserters = nil
}

// rebind binds what differs from the last use; before the first one everything is NULL.
func rebind(st *sqlite3.Stmt, at int, last, next *Cell) error {
	if next.kind == last.kind && next.kind != cellBlob && next.number == last.number && next.text == last.text {
		return nil
	}
	*last = *next
	return bind(st, at, next)
}

func bind(st *sqlite3.Stmt, at int, c *Cell) error {
	switch c.kind {
	case cellNumber:
		return st.BindInt64(at, c.number)
	case cellText:
		return st.BindText(at, c.text)
	case cellBlob:
		return st.BindBlob(at, c.blob)
	}
	return st.BindNull(at)
}

type sqliteRow struct{ *sqlite3.Stmt }

// Null says whether a column is NULL.
func (r *sqliteRow) Null(column int) bool { return r.ColumnType(column) == sqlite3.NULL }
