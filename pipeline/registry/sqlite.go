package registry

import (
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
)

// sqliteEngine is the embedded default: a file, of which Lethe is the only writer.
var sqliteEngine = engine{
	name:    "sqlite",
	open:    openSQLite,
	place:   Config.path,
	prepare: createFile,
	exists:  fileExists,
	words:   strings.NewReplacer("NUMBERED", "INTEGER PRIMARY KEY", "LONGTEXT", "TEXT"),
	guards: []string{
		`CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'event is append-only'); END`,
		`CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'event is append-only'); END`,
		`CREATE TRIGGER event_payload_no_update BEFORE UPDATE ON event_payload
			BEGIN SELECT RAISE(ABORT, 'event_payload is never updated'); END`,
	},
	insert: "INSERT OR FAIL INTO ",
	latest: "max",
	reader: sql.TxOptions{ReadOnly: true},
	each:   eachOfSQLite,
	failure: func(err error) error {
		if errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.LOCKED) {
			return fmt.Errorf("%w: %w", errBusy, err)
		}
		return err
	},
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

func openSQLite(c Config) (*sql.DB, error) {
	q := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
		"foreign_keys(on)", "cache_size(-65536)", "temp_store(memory)",
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

// eachOfSQLite reads on SQLite's own statement: three times cheaper than sql.Rows.
func eachOfSQLite(ctx context.Context, conn *sql.Conn, query string, do func(row) error, args []int64) error {
	return conn.Raw(func(c any) error {
		st, _, err := c.(driver.Conn).Raw().Prepare(query)
		if err != nil {
			return err
		}
		defer st.Close()
		for i, arg := range args {
			if err := st.BindInt64(i+1, arg); err != nil {
				return err
			}
		}
		current := &sqliteRow{st}
		for n := 0; st.Step(); n++ {
			if n%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if err := do(current); err != nil {
				return err
			}
		}
		return st.Err()
	})
}

type sqliteRow struct{ *sqlite3.Stmt }

func (r *sqliteRow) Null(column int) bool { return r.ColumnType(column) == sqlite3.NULL }
