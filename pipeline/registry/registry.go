// Package registry is the consent registry: per silo an append-only, hash-chained log of what people agreed to, with the keyed references
// that find a row's person in it. It knows no names and no addresses: a person is a keyed reference of one silo (package keystore), and
// two silos share no stored value.
//
// A night uses it in this order: Open, Verify against yesterday's heads, ExpireDue (only when applying), Standings once for each silo,
// Standings.Match and At for each row, and under the lock of a changed chunk Head, with Refresh when it moved. Import and Append bring
// events in; holds, requests, flags, tombstones and record links are rows beside the log.
//
// The embedded engine is SQLite (pure Go). UPDATE and DELETE of an event are refused by the database; what a superuser does all the same
// is found by Verify.
package registry

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"lethe/pipeline/registry/keystore"
)

// Ref is a keyed reference; see keystore.Ref.
type Ref = keystore.Ref

// What a caller can tell apart with errors.Is.
var (
	// ErrMissing: there is no registry at the DSN. It is never created silently.
	ErrMissing = errors.New("registry is missing")
	// ErrEmpty: the registry has no event of any silo.
	ErrEmpty = errors.New("registry is empty")
	// ErrTampered: a chain is broken, or a head that was seen before is no longer in it. The error is a *TamperedError.
	ErrTampered = errors.New("registry was tampered with")
	// ErrLocked: another writer holds the registry.
	ErrLocked = errors.New("registry is locked by another writer")
	// ErrReadOnly: a writing call on a registry that was opened to read.
	ErrReadOnly = errors.New("registry is open read-only")
	// ErrSchema: the file is no registry, or one of another version.
	ErrSchema = errors.New("not a registry of this version")
	// ErrUnknownSilo: the registry has never heard of the silo.
	ErrUnknownSilo = errors.New("silo is not in the registry")
	// ErrRefused: an event, hold or request cannot be recorded as it is. The error is a *RefusedError.
	ErrRefused = errors.New("refused")
)

// Config says where the registry is and how it is opened.
type Config struct {
	Driver     string           // sqlite, the default
	DSN        string           // for sqlite the path of the file
	ReadOnly   bool             // refuse every writing call; a run without --apply opens so
	AllowEmpty bool             // do not return ErrEmpty: for those who fill it
	Now        func() time.Time // the clock of recorded_at; nil: time.Now. A simulated night gives its as_of
}

// Registry is an open registry. It is safe for concurrent use; there is one writer at a time.
type Registry struct {
	db       *sql.DB
	readOnly bool
	now      func() time.Time
}

// busyTimeout is how long a writer waits for another one before ErrLocked.
const busyTimeout = 2 * time.Second

// Create makes an empty registry (`lethe registry init`). An existing file is left alone and refused.
func Create(ctx context.Context, c Config) error {
	path, err := c.path()
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("create registry: %s exists already; open it, or name another file", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("create registry: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("create registry: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("create registry: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("create registry: %w", err)
	}
	db, err := openDB(path, false)
	if err != nil {
		return fmt.Errorf("create registry %s: %w", path, err)
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("create registry %s: %w", path, err)
	}
	defer tx.Rollback()
	for _, statement := range schema {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("create registry %s: %w", path, err)
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ('schema', ?)`, strconv.Itoa(schemaVersion)); err != nil {
		return fmt.Errorf("create registry %s: %w", path, err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("create registry %s: %w", path, err)
	}
	return nil
}

// Open opens an existing registry: ErrMissing when it is not there, ErrSchema when it is something else, ErrEmpty when no event is in it.
func Open(ctx context.Context, c Config) (*Registry, error) {
	path, err := c.path()
	if err != nil {
		return nil, err
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("open registry: %s: %w; create it with `lethe registry init`, or correct registry.dsn", path, ErrMissing)
	case err != nil:
		return nil, fmt.Errorf("open registry: %w", err)
	case info.IsDir():
		return nil, fmt.Errorf("open registry: %s is a folder: %w; registry.dsn names a file", path, ErrMissing)
	}
	db, err := openDB(path, c.ReadOnly)
	if err != nil {
		return nil, fmt.Errorf("open registry %s: %w", path, err)
	}
	r := &Registry{db: db, readOnly: c.ReadOnly, now: c.Now}
	if r.now == nil {
		r.now = time.Now
	}
	if err := r.check(ctx, c.AllowEmpty); err != nil {
		db.Close()
		return nil, fmt.Errorf("open registry %s: %w", path, err)
	}
	return r, nil
}

// Close closes the database.
func (r *Registry) Close() error { return r.db.Close() }

func (r *Registry) check(ctx context.Context, allowEmpty bool) error {
	version, err := r.meta(ctx, "schema")
	if err != nil || version != strconv.Itoa(schemaVersion) {
		if locked(err) {
			return ErrLocked
		}
		return fmt.Errorf("%w; registry.dsn must name a file made by `lethe registry init`", ErrSchema)
	}
	if allowEmpty {
		return nil
	}
	var n int
	if err := r.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM silo WHERE head_seq > 0`).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%w; import consents with `lethe consent import`", ErrEmpty)
	}
	return nil
}

func (r *Registry) meta(ctx context.Context, name string) (string, error) {
	var value string
	err := r.db.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`, name).Scan(&value)
	return value, err
}

// MarkSimulated records that nights with a simulated clock write to this registry (decisions.md, 30). It cannot be taken back.
func (r *Registry) MarkSimulated(ctx context.Context) error {
	return r.write(ctx, "mark registry simulated", func(tx *txn) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ('clock', 'simulated') ON CONFLICT (name) DO NOTHING`)
		return err
	})
}

// Simulated says whether MarkSimulated was ever called.
func (r *Registry) Simulated(ctx context.Context) (bool, error) {
	value, err := r.meta(ctx, "clock")
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read registry: %w", err)
	}
	return value == "simulated", nil
}

func (c Config) path() (string, error) {
	switch c.Driver {
	case "", "sqlite":
	default:
		return "", fmt.Errorf("registry.driver %q: sqlite is the engine of this version", c.Driver)
	}
	path := strings.TrimPrefix(c.DSN, "file:")
	if path == "" {
		return "", errors.New("registry.dsn is empty: name the registry's file")
	}
	return path, nil
}

func openDB(path string, readOnly bool) (*sql.DB, error) {
	q := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
		"foreign_keys(on)", "cache_size(-65536)", "temp_store(memory)",
	}}
	if readOnly {
		q.Set("mode", "ro")
		q.Add("_pragma", "query_only(on)")
	} else {
		q.Set("mode", "rw")
		q.Set("_txlock", "immediate")
		q.Add("_pragma", "journal_mode(wal)")
		q.Add("_pragma", "synchronous(full)")
	}
	return driver.Open("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode())
}

// write runs f in one transaction as the only writer.
func (r *Registry) write(ctx context.Context, what string, f func(*txn) error) error {
	if r.readOnly {
		return fmt.Errorf("%s: %w; open it to write (--apply)", what, ErrReadOnly)
	}
	tx, err := r.begin(ctx, false)
	if err == nil {
		defer tx.end()
		if err = f(tx); err == nil {
			err = tx.Commit()
		}
	}
	if locked(err) {
		return fmt.Errorf("%s: %w; wait for it, or look for the process that writes", what, ErrLocked)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// txn is a transaction and the connection it runs on, which offers a cheaper way to read many rows.
type txn struct {
	*sql.Tx
	conn *sql.Conn
}

// begin opens a transaction: a snapshot to read, or as the only writer.
func (r *Registry) begin(ctx context.Context, readOnly bool) (*txn, error) {
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: readOnly})
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &txn{tx, conn}, nil
}

// end gives the connection back; what was not committed is rolled back.
func (t *txn) end() {
	t.Rollback()
	t.conn.Close()
}

// each calls do with every row of a query, on SQLite's own statement: three times cheaper than sql.Rows. Texts and blobs are valid until do
// returns.
func (t *txn) each(ctx context.Context, query string, do func(*sqlite3.Stmt) error, args ...int64) error {
	return t.conn.Raw(func(c any) error {
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
		for n := 0; st.Step(); n++ {
			if n%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if err := do(st); err != nil {
				return err
			}
		}
		return st.Err()
	})
}

func locked(err error) bool {
	return errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.LOCKED)
}

// Head is the end of one silo's chain. A run's manifest keeps the heads; the next run gives them to Verify.
type Head struct {
	Silo       string
	Seq        int64 // of the last event; 0: none yet
	Hash       [sha256.Size]byte
	Count      int64     // events; equals Seq, because the positions are dense
	RecordedAt time.Time // when the last event was recorded; zero: none yet
	HeardAt    time.Time // when a source last delivered (Import, Append), even if nothing was new: the registry's age
}

// Heads lists the heads of all silos, sorted by name.
func (r *Registry) Heads(ctx context.Context) ([]Head, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT silo, name, head_seq, head_hash, recorded_at, heard_at FROM silo ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("read registry heads: %w", err)
	}
	defer rows.Close()
	var heads []Head
	for rows.Next() {
		s, err := scanSilo(rows)
		if err != nil {
			return nil, fmt.Errorf("read registry heads: %w", err)
		}
		heads = append(heads, s.Head)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read registry heads: %w", err)
	}
	return heads, nil
}

// Head is the position of the silo's last event. It is one look-up by key, cheap enough to ask for each chunk. A silo that the registry
// does not know has position 0.
func (r *Registry) Head(ctx context.Context, silo string) (int64, error) {
	var seq int64
	err := r.db.QueryRowContext(ctx, `SELECT head_seq FROM silo WHERE name = ?`, silo).Scan(&seq)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("read registry head of silo %q: %w", silo, err)
	}
	return seq, nil
}

// siloRow is a silo as stored: its number within this registry and its head.
type siloRow struct {
	id int64
	Head
}

const selectSilo = `SELECT silo, name, head_seq, head_hash, recorded_at, heard_at FROM silo WHERE name = ?`

func scanSilo(row interface{ Scan(...any) error }) (siloRow, error) {
	var s siloRow
	var hash []byte
	var recorded, heard int64
	if err := row.Scan(&s.id, &s.Silo, &s.Seq, &hash, &recorded, &heard); err != nil {
		return siloRow{}, err
	}
	copy(s.Hash[:], hash)
	s.Count, s.RecordedAt, s.HeardAt = s.Seq, instant(recorded), instant(heard)
	return s, nil
}

// querier is what *sql.DB and *txn have in common for reading.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// siloOf finds a silo: ErrUnknownSilo when no event ever came for it.
func siloOf(ctx context.Context, q querier, name string) (siloRow, error) {
	s, err := scanSilo(q.QueryRowContext(ctx, selectSilo, name))
	if errors.Is(err, sql.ErrNoRows) {
		return siloRow{}, fmt.Errorf("silo %q: %w; import its consents with `lethe consent import --silo %s`", name, ErrUnknownSilo, name)
	}
	return s, err
}

// instant turns stored microseconds into a time; 0 is the zero time.
func instant(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// micros is the inverse of instant.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
