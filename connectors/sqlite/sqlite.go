// Package sqlite reads and changes SQLite databases, through the low-level interface of a pure Go build of
// SQLite.
//
// Values are the stored ones. A declared type makes the kind of a field, but SQLite lets any value stand in
// any column; in the fields of keys, where a value must lead back to exactly its row, a value of another
// storage class than the column's is marked (see column). A number in a NUMERIC(p,s) column is written with
// s decimals.
//
// A scan reads pages by key, each in a statement of its own that ends before the page is handed out, so no
// lock is held between pages and other processes can write. Changes are made on a connection of their own
// that overwrites what it deletes (secure_delete) and, in WAL mode, empties the log when the source is
// closed. What other programs deleted before is not overwritten, but in a backup, which is written anew. A full-text index (FTS5) that a trigger keeps
// in step forgets the words of a row in the same transaction for every search, and overwrites them when it next
// merges; at once where the application gave it the option secure-delete.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	"github.com/ncruces/go-sqlite3/ext/rtree"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/readback"
)

// Connector is the entry of the list of connectors. The DSN is a path, or a URI as SQLite reads it
// ("file:crm.db?immutable=1").
var Connector = connectors.Connector{
	Name:    "sqlite",
	About:   "SQLite database file",
	Schemes: []string{"sqlite", "file"},
	Suffix:  suffixes(),
	Options: options,
	Open:    Open,
}

// suffixes are those of databases, also packed.
func suffixes() (list []string) {
	for _, s := range []string{".sqlite", ".sqlite3", ".db"} {
		list = append(list, s, s+".gz", s+".zst", s+".bz2", s+".xz", s+".age")
	}
	return list
}

var options = append([]connectors.OptionSpec{{
	Name:  "busy_timeout",
	About: "a duration such as 5s, which is the default; how long to wait for another process's lock",
	Check: func(value string) error { _, err := parseBusy(value); return err },
}}, dumpfile.PackedOptions...)

func parseBusy(value string) (time.Duration, error) {
	busy, err := time.ParseDuration(value)
	if err != nil || busy < 0 {
		return 0, errors.New("no such duration")
	}
	return busy, nil
}

const (
	pageRows = 10_000 // rows of a page where the query does not say

	// keyedRows is pageRows of a query with Keys: each page seeks all of them anew, so that it ends where the batch
	// does, by bytes.
	keyedRows   = 1 << 20
	busyDefault = 5 * time.Second
)

// source reads a database. Each scan takes a connection from idle, or opens one.
type source struct {
	name     string // in the configuration
	dsn      string
	database string
	busy     time.Duration
	anew     bool // the file is not changed but written anew

	mu     sync.Mutex
	idle   []*sqlite3.Conn
	closed bool
}

// mutator is a source that can change rows too.
type mutator struct {
	*source
	writing sync.Mutex
	writer  *sqlite3.Conn
	refs    references // of the database that writer changes
}

// Open opens a database; with an ApplyDSN, which must name the same file, the Source is a Mutator, without one and
// with o.Rewrite a Rewriter: the file is a backup, or a copy, that no program has open. A missing file is ErrUnreachable and never created, one that is not a database is ErrDamaged, and an
// ApplyDSN that cannot be written is ErrDenied.
func Open(ctx context.Context, o connectors.Options) (connectors.Source, error) {
	s := &source{name: o.Name, dsn: strings.TrimPrefix(strings.TrimPrefix(o.DSN, "sqlite://"), "sqlite:"),
		busy: busyDefault}
	fail := func(err error, hint string) (connectors.Source, error) {
		_ = s.Close()
		return nil, s.fail(ctx, "open", "", &connectors.Error{Err: err, Hint: hint})
	}
	if err := connectors.CheckOptions(options, o.Extra); err != nil {
		return fail(err, "")
	}
	if busy, ok := o.Extra["busy_timeout"]; ok {
		s.busy, _ = parseBusy(busy) // checked above
	}
	if o.ApplyDSN == "" {
		file := o
		if o.Shelf == nil {
			file.DSN = filePath(s.dsn)
		}
		if packed, err := isPacked(file); err != nil {
			return fail(err, "")
		} else if packed {
			return openUnpacked(ctx, file)
		}
	}
	path := filePath(s.dsn)
	base := filepath.Base(path)
	s.database = strings.TrimSuffix(base, filepath.Ext(base))
	info, err := os.Stat(path)
	if err != nil {
		return fail(fmt.Errorf("file %s: %w", path, connectors.ErrUnreachable),
			"does it exist, and may this user read its folder?")
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return fail(fmt.Errorf("file %s is empty or no file: %w", path, connectors.ErrDamaged), "")
	}
	if o.ApplyDSN == "" {
		log := ""
		if s.anew = o.Rewrite; o.Rewrite {
			if log, err = logOf(path); err != nil {
				return fail(err, "")
			}
			if log == "" {
				s.dsn = immutable(path)
			}
		}
		if err := s.try(ctx); err != nil {
			return nil, err
		}
		if o.Rewrite {
			return &rewriter{source: s, path: path}, nil
		}
		return s, nil
	}
	applyDSN := strings.TrimPrefix(strings.TrimPrefix(o.ApplyDSN, "sqlite://"), "sqlite:")
	if other, err := os.Stat(filePath(applyDSN)); err != nil || !os.SameFile(info, other) {
		return fail(fmt.Errorf("apply_dsn is another file than dsn: %w", connectors.ErrConfig),
			"name the same file twice")
	}
	// The writer comes first: it rolls back what a program left that stopped within a transaction.
	writer, err := s.connect(ctx, applyDSN, sqlite3.OPEN_READWRITE, "PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON")
	if err != nil {
		return fail(err, "")
	}
	writer.SetInterrupt(context.Background()) // ctx is that of the opening only
	if readOnly, _ := writer.ReadOnly("main"); readOnly {
		_ = writer.Close()
		return fail(fmt.Errorf("the file cannot be written: %w", connectors.ErrDenied),
			"give this user write permission on the file and its folder, or drop apply_dsn")
	}
	if err := s.try(ctx); err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	return &mutator{source: s, writer: writer}, nil
}

// try opens the first connection that reads.
func (s *source) try(ctx context.Context) error {
	c, err := s.acquire(ctx)
	if err != nil {
		return s.fail(ctx, "open", "", err)
	}
	s.release(c, true)
	return nil
}

// modules are SQLite's own virtual tables, which the build leaves out unless they are asked for. Triggers keep a
// full-text or spatial index in step with a table, and cannot run without them.
var modules = []func(*sqlite3.Conn) error{fts5.Register, rtree.Register}

// filePath returns the path in a plain path or a file: URI.
func filePath(dsn string) string {
	rest, isURI := strings.CutPrefix(dsn, "file:")
	if !isURI {
		return dsn
	}
	rest, _, _ = strings.Cut(rest, "?")
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		rest = after[max(0, strings.IndexByte(after, '/')):]
	}
	if path, err := url.PathUnescape(rest); err == nil {
		return path
	}
	return rest
}

// connect opens a connection and makes sure that it stands on a database.
func (s *source) connect(ctx context.Context, dsn string, flags sqlite3.OpenFlag, setup string) (*sqlite3.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if strings.HasPrefix(dsn, "file:") {
		flags |= sqlite3.OPEN_URI
	}
	c, err := sqlite3.OpenFlags(dsn, flags)
	if err != nil {
		return nil, err
	}
	c.SetInterrupt(ctx)
	err = c.BusyTimeout(s.busy)
	for i := 0; i < len(modules) && err == nil; i++ {
		err = modules[i](c)
	}
	if err == nil {
		err = c.Exec("PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF; " + setup)
	}
	if err == nil {
		err = rows(c, "SELECT count(*) FROM sqlite_schema", func(*sqlite3.Stmt) {})
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func (s *source) acquire(ctx context.Context) (*sqlite3.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("the source is closed: %w", connectors.ErrConfig)
	}
	if n := len(s.idle); n > 0 {
		c := s.idle[n-1]
		s.idle = s.idle[:n-1]
		c.SetInterrupt(ctx)
		return c, nil
	}
	return s.connect(ctx, s.dsn, sqlite3.OPEN_READONLY, "")
}

// release gives a connection back, or closes it after an error.
func (s *source) release(c *sqlite3.Conn, healthy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.SetInterrupt(context.Background())
	if healthy && !s.closed {
		s.idle = append(s.idle, c)
		return
	}
	_ = c.Close()
}

// Zone returns the zone of the engine's own functions, which know no other without being told.
func (s *source) Zone(context.Context) (string, error) { return "UTC", nil }

// takeIdle takes the idle connections, which the caller closes.
func (s *source) takeIdle() []*sqlite3.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	idle := s.idle
	s.idle = nil
	return idle
}

// Close closes the idle connections; a scan that still runs closes its own.
func (s *source) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	var errs []error
	for _, c := range s.takeIdle() {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Close empties the write-ahead log, where deleted values could remain, as far as no reader holds it, and
// closes all connections.
func (m *mutator) Close() error {
	m.writing.Lock()
	defer m.writing.Unlock()
	checkpoint := m.writer.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	if errors.Is(checkpoint, sqlite3.BUSY) || errors.Is(checkpoint, sqlite3.LOCKED) {
		checkpoint = nil
	}
	return errors.Join(checkpoint, m.writer.Close(), m.source.Close())
}

// Tables returns the catalog.
func (s *source) Tables(ctx context.Context) ([]connectors.Table, error) {
	c, err := s.acquire(ctx)
	if err != nil {
		return nil, s.fail(ctx, "catalog", "", err)
	}
	tables, err := loadTables(c, s.database)
	s.release(c, err == nil)
	if err != nil {
		return nil, s.fail(ctx, "catalog", "", err)
	}
	var catalog []connectors.Table
	for _, t := range tables {
		catalog = append(catalog, t.Table)
	}
	return catalog, nil
}

// Scan reads the queries one after another, in key order, page by page.
func (s *source) Scan(ctx context.Context, queries ...connectors.Query) iter.Seq2[connectors.Batch, error] {
	return func(yield func(connectors.Batch, error) bool) {
		c, err := s.acquire(ctx)
		if err != nil {
			yield(connectors.Batch{}, s.fail(ctx, "scan", "", err))
			return
		}
		left := false
		hand := func(b connectors.Batch) bool {
			left = !yield(b, nil)
			return !left
		}
		table := ""
		for i := 0; i < len(queries) && !left && err == nil; i++ {
			table = queries[i].Table
			err = s.scan(ctx, c, queries[i], hand)
		}
		s.release(c, err == nil)
		if err != nil && !left {
			yield(connectors.Batch{}, s.fail(ctx, "scan", table, err))
		}
	}
}

// scan answers one query, until hand returns false.
func (s *source) scan(ctx context.Context, c *sqlite3.Conn, q connectors.Query,
	hand func(connectors.Batch) bool) (err error) {
	sel, err := s.choose(c, q)
	if err != nil {
		return err
	}
	if q.Keys != nil {
		if _, err := sel.putKeys(c); err != nil {
			return err
		}
		defer func() {
			if err == nil {
				err = c.Exec(dropKeys)
			}
		}()
	}
	limit := q.MaxRows
	switch {
	case limit > 0:
	case q.Keys != nil:
		limit = keyedRows
	default:
		limit = pageRows
	}
	if q.Sample > 0 && q.Keys == nil && q.After == "" {
		if whole, err := sel.sample(ctx, c, q.Sample, limit, hand); err != nil || !whole {
			return err
		}
	}
	for after := q.After; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch, last, err := sel.page(c, after, limit)
		if err != nil {
			return err
		}
		if batch.Rows.NumRows() > 0 && !hand(batch) || last {
			return nil
		}
		after = batch.Next
	}
}

// Mutate changes the rows that the queries name, in one immediate transaction.
func (m *mutator) Mutate(ctx context.Context, queries []connectors.Query, edit connectors.EditFunc,
	confirm func() error) (outcomes []connectors.Outcome, err error) {
	m.writing.Lock()
	defer m.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, m.fail(ctx, "mutate", "", err)
	}
	guard, err := m.guardOf(ctx, queries)
	if err != nil {
		return nil, m.fail(ctx, "mutate", "", err)
	}
	if guard != nil {
		if err := m.writer.Exec("PRAGMA foreign_keys=OFF"); err != nil {
			return nil, m.fail(ctx, "mutate", "", err)
		}
		defer func() { err = errors.Join(err, m.writer.Exec("PRAGMA foreign_keys=ON")) }()
	}
	err = m.transaction(ctx, "mutate", "", func() error {
		var changes []*change
		var written readback.Rows
		for _, q := range queries {
			ch, err := m.lock(q)
			if err != nil {
				return m.fail(ctx, "mutate", q.Table, err)
			}
			answer, err := edit(ch.batch)
			if err != nil {
				return err
			}
			if err := ch.take(answer); err != nil {
				return m.fail(ctx, "mutate", q.Table, err)
			}
			written.Add(ch.sel.t.Table, ch.keys, answer)
			outcomes = append(outcomes, ch.outcomes()...)
			changes = append(changes, ch)
		}
		for _, ch := range changes {
			if err := guard.before(ch); err != nil {
				return m.fail(ctx, "mutate", ch.sel.t.Name, err)
			}
		}
		if err := m.apply(ctx, changes); err != nil {
			return err
		}
		if err := guard.after(); err != nil {
			return m.fail(ctx, "mutate", "", err)
		}
		for _, q := range written.Queries(false) {
			if err := m.readBack(q); err != nil {
				return m.fail(ctx, "mutate", q.Table, err)
			}
		}
		return confirm()
	})
	if err != nil {
		return nil, err
	}
	return outcomes, nil
}

// transact runs do in an immediate transaction, which is committed unless do fails. An error of do is
// returned as it is.
func (m *mutator) transact(ctx context.Context, op, table string, do func() error) (err error) {
	m.writing.Lock()
	defer m.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return m.fail(ctx, op, table, err)
	}
	return m.transaction(ctx, op, table, do)
}

// transaction is transact for one who holds writing.
func (m *mutator) transaction(ctx context.Context, op, table string, do func() error) (err error) {
	m.writer.SetInterrupt(ctx)
	defer m.writer.SetInterrupt(context.Background())
	tx, err := m.writer.BeginImmediate()
	if err != nil {
		return m.fail(ctx, op, table, err)
	}
	defer func() {
		if m.writer.GetAutocommit() {
			return // committed, or rolled back by SQLite itself
		}
		if rollback := tx.Rollback(); rollback != nil {
			err = errors.Join(err, m.fail(ctx, op, table, rollback))
		}
	}()
	if err := do(); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return m.fail(ctx, op, table, err)
	}
	return nil
}

func (s *source) fail(ctx context.Context, op, table string, err error) error {
	placed := &connectors.Error{Err: err}
	errors.As(err, &placed) // one that has a hint already
	if errors.Is(placed.Err, sqlite3.READONLY_ROLLBACK) {
		placed = &connectors.Error{
			Err: fmt.Errorf("a program stopped within a transaction and left the file %s-journal: %w",
				filePath(s.dsn), connectors.ErrDenied),
			Hint: "whoever may write the database rolls it back: set apply_dsn, or open it once with the application"}
	}
	return &connectors.Error{Op: op, Source: s.name, Table: table, Err: classify(ctx, placed.Err), Hint: placed.Hint}
}

// sentinels maps SQLite's result codes to those of package connectors.
var sentinels = []struct {
	code     sqlite3.ErrorCode
	sentinel error
}{
	{sqlite3.BUSY, connectors.ErrTransient}, {sqlite3.LOCKED, connectors.ErrTransient},
	{sqlite3.SCHEMA, connectors.ErrTransient},
	{sqlite3.CONSTRAINT, connectors.ErrRefused}, {sqlite3.MISMATCH, connectors.ErrRefused},
	{sqlite3.READONLY, connectors.ErrDenied}, {sqlite3.PERM, connectors.ErrDenied},
	{sqlite3.AUTH, connectors.ErrDenied},
	{sqlite3.CANTOPEN, connectors.ErrUnreachable}, {sqlite3.NOTADB, connectors.ErrDamaged},
	{sqlite3.CORRUPT, connectors.ErrDamaged},
}

// refusals maps SQLite's extended result codes to classes, with the words behind which the message names what
// refused; "" where it does not.
var refusals = []struct {
	code  sqlite3.ExtendedErrorCode
	class connectors.RefusedClass
	named string
}{
	{sqlite3.CONSTRAINT_FOREIGNKEY, connectors.RefusedForeignKey, ""},
	{sqlite3.CONSTRAINT_CHECK, connectors.RefusedCheck, "CHECK constraint failed: "},
	{sqlite3.CONSTRAINT_NOTNULL, connectors.RefusedNotNull, "NOT NULL constraint failed: "},
	{sqlite3.CONSTRAINT_UNIQUE, connectors.RefusedUnique, "UNIQUE constraint failed: "},
	{sqlite3.CONSTRAINT_PRIMARYKEY, connectors.RefusedUnique, "UNIQUE constraint failed: "},
	{sqlite3.CONSTRAINT_ROWID, connectors.RefusedUnique, "UNIQUE constraint failed: "},
	{sqlite3.CONSTRAINT_TRIGGER, connectors.RefusedTrigger, ""},
}

// restricted is how SQLite refuses by an edge declared RESTRICT, which to it is a trigger.
const restricted = "FOREIGN KEY constraint failed"

// refusal says what refused a change, in words that hold no value: the message of a trigger may.
func refusal(err error) error {
	for _, r := range refusals {
		if !errors.Is(err, r.code) {
			continue
		}
		if r.code == sqlite3.CONSTRAINT_TRIGGER && strings.HasSuffix(err.Error(), ": "+restricted) {
			r.class = connectors.RefusedForeignKey
		}
		by := ""
		if r.named != "" {
			_, by, _ = strings.Cut(err.Error(), r.named)
		}
		return &connectors.RefusedError{Class: r.class, By: by}
	}
	return fmt.Errorf("%s: %w", err, &connectors.RefusedError{Class: connectors.RefusedOther})
}

// classify gives an error of SQLite its sentinel.
func classify(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var code sqlite3.ErrorCode
	if !errors.As(err, &code) {
		return err
	}
	for _, s := range sentinels {
		switch {
		case code != s.code:
		case s.sentinel == connectors.ErrRefused:
			return refusal(err)
		default:
			return fmt.Errorf("%s: %w", err, s.sentinel)
		}
	}
	return errors.New(err.Error())
}
