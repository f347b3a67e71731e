// Package registry is the consent registry: per silo an append-only, hash-chained log of what people agreed to, with the keyed references
// that find a row's person in it. It knows no names and no addresses: a person is a keyed reference of one silo (package keystore), and
// two silos share no stored value.
//
// A night uses it in this order: Open, Verify against yesterday's heads, ExpireDue (only when applying), Standings once for each silo,
// Standings.Match and At for each row, and under the lock of a changed chunk Head, with Refresh when it moved. Import and Append bring
// events in; holds, requests, flags, tombstones and record links are rows beside the log.
//
// It lives in SQLite (embedded, the default), PostgreSQL, MySQL or MariaDB. UPDATE and DELETE of an event are refused by the database; what
// a superuser does all the same is found by Verify. On a server the service account needs, in a database of the registry's own, CREATE, ALTER, INDEX,
// REFERENCES and TRIGGER once, for `lethe registry init`; then SELECT on all tables, INSERT on all, UPDATE and DELETE on all but event.
package registry

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"lethe/pipeline/registry/keystore"
)

// Ref is a keyed reference; see keystore.Ref.
type Ref = keystore.Ref

// What a caller can tell apart with errors.Is.
var (
	// ErrMissing: there is no registry at the DSN. It is never created silently.
	ErrMissing = errors.New("registry is missing")
	// ErrUnreachable: the server of the DSN does not answer, or refuses the account.
	ErrUnreachable = errors.New("registry cannot be reached")
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
	// ErrKeyVersion: the references of a silo are under another version of its key than the keystore's.
	ErrKeyVersion = errors.New("version of the key does not fit")
	// ErrUnknownSilo: the registry has never heard of the silo.
	ErrUnknownSilo = errors.New("silo is not in the registry")
	// ErrDelivery: the delivery as a whole is not one that can be read: its format, its columns, a default.
	ErrDelivery = errors.New("delivery cannot be read")
)

// Config says where the registry is and how it is opened.
type Config struct {
	Driver     string           // sqlite (the default), postgres, or mysql, which is MariaDB as well
	DSN        string           // for sqlite the path of the file; else a secret, which no error holds
	Plaintext  bool             // allow a connection without TLS
	ReadOnly   bool             // refuse every writing call; a run without --apply opens so
	AllowEmpty bool             // do not return ErrEmpty: for those who fill it
	Keys       map[string]int   // the version in use of the key of each silo, as the keystore has it: another one is refused (ErrKeyVersion)
	Now        func() time.Time // the clock of recorded_at; nil: time.Now. A simulated night gives its as_of
}

// Registry is an open registry. It is safe for concurrent use; there is one writer at a time.
type Registry struct {
	handle
	pool     *sql.DB
	readOnly bool
	now      func() time.Time
	keys     map[string]int // Config.Keys
}

// busyTimeout is how long a writer waits for another one before ErrLocked.
const busyTimeout = 2 * time.Second

// Create makes an empty registry (`lethe registry init`): a new file, or the tables in a database of a server, which must exist and be
// empty, because the registry has a database of its own.
func Create(ctx context.Context, c Config) error {
	e, err := c.engine()
	if err != nil {
		return fmt.Errorf("create registry: %w", err)
	}
	if err := e.create(ctx, c); err != nil {
		return fmt.Errorf("create registry %s: %w", e.place(c), err)
	}
	return nil
}

func (e *engine) create(ctx context.Context, c Config) error {
	c.ReadOnly = false
	if e.prepare != nil {
		if err := e.prepare(c); err != nil {
			return err
		}
	}
	pool, err := e.open(c)
	if err != nil {
		return err
	}
	defer pool.Close()
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return handle{engine: e}.failed(err)
	}
	defer tx.Rollback()
	h := handle{e, tx}
	begun := false
	if e.tables != "" {
		var n int
		if err := h.row(ctx, e.tables).Scan(&n); err != nil {
			return err
		}
		if begun = n > 0 && h.halfMade(ctx); n > 0 && !begun {
			return fmt.Errorf("the database has %d tables already; open it if it holds a registry, or name an empty one", n)
		}
	}
	for _, statement := range e.statements() {
		if _, err := tx.ExecContext(ctx, statement); err != nil && !(begun && e.made(err)) {
			return h.failed(err)
		}
	}
	// The version comes last: where CREATE TABLE is not part of a transaction, a registry that was left half made is none.
	if _, err := h.exec(ctx, `INSERT INTO meta (name, value) VALUES ('schema', ?)`, strconv.Itoa(schemaVersion)); err != nil {
		return err
	}
	return h.failed(tx.Commit())
}

var tableRE = regexp.MustCompile(`^CREATE TABLE (\w+)`)

// halfMade reports whether the database holds nothing but tables of a registry that Create did not finish.
func (h handle) halfMade(ctx context.Context) bool {
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
	if err := h.row(ctx, h.tables+` AND table_name NOT IN (`+strings.Join(ours, ", ")+`)`).Scan(&others); err != nil || others > 0 {
		return false
	}
	var version string
	return errors.Is(h.row(ctx, `SELECT value FROM meta WHERE name = 'schema'`).Scan(&version), sql.ErrNoRows)
}

// Open opens an existing registry: ErrMissing when it is not there, ErrUnreachable when its server does not answer, ErrSchema when it is
// something else, ErrEmpty when no event is in it.
func Open(ctx context.Context, c Config) (*Registry, error) {
	e, err := c.engine()
	if err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	r, err := e.openRegistry(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open registry %s: %w", e.place(c), err)
	}
	return r, nil
}

func (e *engine) openRegistry(ctx context.Context, c Config) (*Registry, error) {
	if e.exists != nil {
		if err := e.exists(c); err != nil {
			return nil, err
		}
	}
	pool, err := e.open(c)
	if err != nil {
		return nil, err
	}
	r := &Registry{handle: handle{e, pool}, pool: pool, readOnly: c.ReadOnly, now: c.Now, keys: c.Keys}
	if r.now == nil {
		r.now = time.Now
	}
	err = r.check(ctx, c.AllowEmpty)
	if err == nil {
		err = r.checkKeys(ctx, c.Keys)
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	return r, nil
}

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
		err = errors.New("registry.dsn is empty: name the registry's file or database")
	}
	return e, err
}

// Close closes the database.
func (r *Registry) Close() error { return r.pool.Close() }

func (r *Registry) check(ctx context.Context, allowEmpty bool) error {
	version, err := r.meta(ctx, "schema")
	if err != nil || version != strconv.Itoa(schemaVersion) {
		switch {
		case errors.Is(err, errBusy):
			return ErrLocked
		case errors.Is(err, ErrUnreachable), errors.Is(err, ErrMissing), errors.Is(err, context.Canceled):
			return err
		}
		if err == nil {
			return fmt.Errorf("%w: it is of version %s, and this Lethe wants %d; registry.dsn must name one made by its `lethe registry init`", ErrSchema, version, schemaVersion)
		}
		return fmt.Errorf("%w; registry.dsn must name one made by `lethe registry init`", ErrSchema)
	}
	if allowEmpty {
		return nil
	}
	var n int
	if err := r.row(ctx, `SELECT COUNT(*) FROM silo WHERE head_seq > 0`).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%w; import consents with `lethe consent import`", ErrEmpty)
	}
	return nil
}

func (r *Registry) meta(ctx context.Context, name string) (string, error) {
	var value string
	err := r.row(ctx, `SELECT value FROM meta WHERE name = ?`, name).Scan(&value)
	return value, err
}

// MarkSimulated records that nights with a simulated clock write to this registry (decisions.md, 30). It cannot be taken back.
func (r *Registry) MarkSimulated(ctx context.Context) error {
	return r.write(ctx, "mark registry simulated", func(tx *txn) error {
		_, err := tx.exec(ctx, `INSERT INTO meta (name, value) VALUES ('clock', 'simulated')`+tx.ignoring("name"))
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

// write runs f in one transaction as the only writer.
func (r *Registry) write(ctx context.Context, what string, f func(*txn) error) error {
	if r.readOnly {
		return fmt.Errorf("%s: %w; open it to write (--apply)", what, ErrReadOnly)
	}
	tx, err := r.begin(ctx, false)
	if err == nil {
		defer tx.end()
		if err = f(tx); err == nil {
			err = tx.commit()
		}
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // whatever a statement that was interrupted calls it
	}
	if errors.Is(err, errBusy) {
		return fmt.Errorf("%s: %w; wait for it, or look for the process that writes", what, ErrLocked)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
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
	rows, err := r.query(ctx, `SELECT silo, name, head_seq, head_hash, recorded_at, heard_at FROM silo ORDER BY name`)
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
	err := r.row(ctx, `SELECT head_seq FROM silo WHERE name = ?`, silo).Scan(&seq)
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

// siloOf finds a silo: ErrUnknownSilo when no event ever came for it.
func siloOf(ctx context.Context, h handle, name string) (siloRow, error) {
	s, err := scanSilo(h.row(ctx, selectSilo, name))
	if errors.Is(err, sql.ErrNoRows) {
		return siloRow{}, fmt.Errorf("silo %q: %w; import its consents with `lethe consent import --silo %s`", name, ErrUnknownSilo, name)
	}
	return s, err
}
