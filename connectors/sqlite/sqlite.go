// Package sqlite reads and changes SQLite databases, through the low-level interface of a pure Go build of SQLite.
//
// Values are the stored ones. A declared type makes the kind of a field, but SQLite lets any value stand in any column; in the fields of keys, where a value
// must lead back to exactly its row, a value of another storage class than the column's is marked (see column). A number in a NUMERIC(p,s) column is written with s decimals.
//
// A scan reads pages by key, each in a statement of its own that ends before the page is handed out, so no lock is held between pages and other processes can
// write. Changes are made on a connection of their own that overwrites what it deletes (secure_delete) and, in WAL mode, empties the log when the source is
// closed. What other programs deleted before is not overwritten.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"lethe/connectors"
)

// Connector is the entry of the list of connectors. The DSN is a path, or a URI as SQLite reads it
// ("file:crm.db?immutable=1").
var Connector = connectors.Connector{
	Name:    "sqlite",
	About:   "SQLite database file",
	Schemes: []string{"sqlite", "file"},
	Suffix:  []string{".sqlite", ".sqlite3", ".db"},
	Options: options,
	Open:    Open,
}

var options = []connectors.OptionSpec{{
	Name:  "busy_timeout",
	About: "a duration such as 5s, which is the default; how long to wait for another process's lock",
	Check: func(value string) error { _, err := parseBusy(value); return err },
}}

func parseBusy(value string) (time.Duration, error) {
	busy, err := time.ParseDuration(value)
	if err != nil || busy < 0 {
		return 0, errors.New("no such duration")
	}
	return busy, nil
}

const (
	pageRows    = 10_000 // rows of a page where the query does not say
	busyDefault = 5 * time.Second
)

// source reads a database. Each scan takes a connection from idle, or opens one.
type source struct {
	name     string // in the configuration
	dsn      string
	database string
	busy     time.Duration

	mu     sync.Mutex
	idle   []*sqlite3.Conn
	closed bool
}

// mutator is a source that can change rows too.
type mutator struct {
	*source
	writing sync.Mutex
	writer  *sqlite3.Conn
}

// Open opens a database; with an ApplyDSN, which must name the same file, the Source is a Mutator. A missing file is ErrUnreachable and never created, one
// that is not a database is ErrDamaged, and an ApplyDSN that cannot be written is ErrDenied.
func Open(ctx context.Context, o connectors.Options) (connectors.Source, error) {
	s := &source{name: o.Name, dsn: strings.TrimPrefix(strings.TrimPrefix(o.DSN, "sqlite://"), "sqlite:"), busy: busyDefault}
	fail := func(err error, hint string) (connectors.Source, error) {
		_ = s.Close()
		return nil, &connectors.Error{Op: "open", Source: s.name, Err: err, Hint: hint}
	}
	if err := connectors.CheckOptions(options, o.Extra); err != nil {
		return fail(err, "")
	}
	if busy, ok := o.Extra["busy_timeout"]; ok {
		s.busy, _ = parseBusy(busy) // checked above
	}
	path := filePath(s.dsn)
	base := filepath.Base(path)
	s.database = strings.TrimSuffix(base, filepath.Ext(base))
	info, err := os.Stat(path)
	if err != nil {
		return fail(fmt.Errorf("file %s: %w", path, connectors.ErrUnreachable), "does it exist, and may this user read its folder?")
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return fail(fmt.Errorf("file %s is empty or no file: %w", path, connectors.ErrDamaged), "")
	}
	c, err := s.acquire(ctx)
	if err != nil {
		return fail(classify(ctx, err), "")
	}
	s.release(c, true)
	if o.ApplyDSN == "" {
		return s, nil
	}

	applyDSN := strings.TrimPrefix(strings.TrimPrefix(o.ApplyDSN, "sqlite://"), "sqlite:")
	if other, err := os.Stat(filePath(applyDSN)); err != nil || !os.SameFile(info, other) {
		return fail(fmt.Errorf("apply_dsn is another file than dsn: %w", connectors.ErrConfig), "name the same file twice")
	}
	writer, err := s.connect(ctx, applyDSN, sqlite3.OPEN_READWRITE, "PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON")
	if err != nil {
		return fail(classify(ctx, err), "")
	}
	writer.SetInterrupt(context.Background()) // ctx is that of the opening only
	if readOnly, _ := writer.ReadOnly("main"); readOnly {
		_ = writer.Close()
		return fail(fmt.Errorf("the file cannot be written: %w", connectors.ErrDenied), "give this user write permission on the file and its folder, or drop apply_dsn")
	}
	return &mutator{source: s, writer: writer}, nil
}

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

// Close closes the idle connections; a scan that still runs closes its own.
func (s *source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var errs []error
	for _, c := range s.idle {
		errs = append(errs, c.Close())
	}
	s.idle = nil
	return errors.Join(errs...)
}

// Close empties the write-ahead log, where deleted values could remain, as far as no reader holds it, and closes all connections.
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
func (s *source) scan(ctx context.Context, c *sqlite3.Conn, q connectors.Query, hand func(connectors.Batch) bool) (err error) {
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
	if limit <= 0 {
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
func (m *mutator) Mutate(ctx context.Context, queries []connectors.Query, edit connectors.EditFunc, confirm func() error) (outcomes []connectors.Outcome, err error) {
	err = m.transact(ctx, "mutate", "", func() error {
		var changes []*change
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
			outcomes = append(outcomes, ch.outcomes()...)
			changes = append(changes, ch)
		}
		for _, ch := range slices.Backward(changes) {
			if err := ch.apply(m.writer); err != nil {
				return m.fail(ctx, "mutate", ch.sel.t.Name, err)
			}
		}
		return confirm()
	})
	if err != nil {
		return nil, err
	}
	return outcomes, nil
}

// transact runs do in an immediate transaction, which is committed unless do fails. An error of do is returned as it is.
func (m *mutator) transact(ctx context.Context, op, table string, do func() error) (err error) {
	m.writing.Lock()
	defer m.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return m.fail(ctx, op, table, err)
	}
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
	return &connectors.Error{Op: op, Source: s.name, Table: table, Err: classify(ctx, placed.Err), Hint: placed.Hint}
}

// sentinels maps SQLite's result codes to those of package connectors.
var sentinels = []struct {
	code     sqlite3.ErrorCode
	sentinel error
}{
	{sqlite3.BUSY, connectors.ErrTransient}, {sqlite3.LOCKED, connectors.ErrTransient}, {sqlite3.SCHEMA, connectors.ErrTransient},
	{sqlite3.CONSTRAINT, connectors.ErrRefused}, {sqlite3.MISMATCH, connectors.ErrRefused},
	{sqlite3.READONLY, connectors.ErrDenied}, {sqlite3.PERM, connectors.ErrDenied}, {sqlite3.AUTH, connectors.ErrDenied},
	{sqlite3.CANTOPEN, connectors.ErrUnreachable}, {sqlite3.NOTADB, connectors.ErrDamaged}, {sqlite3.CORRUPT, connectors.ErrDamaged},
}

// classify gives an error of SQLite its sentinel. The message of a trigger is left out: it may hold values.
func classify(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var code sqlite3.ErrorCode
	if !errors.As(err, &code) {
		return err
	}
	text := err.Error()
	if errors.Is(err, sqlite3.CONSTRAINT_TRIGGER) {
		text = "a trigger raised an error"
	}
	for _, s := range sentinels {
		if code == s.code {
			return fmt.Errorf("%s: %w", text, s.sentinel)
		}
	}
	return errors.New(text)
}

// selection is how a query is put to SQLite: the batch's fields, then what of the cursor is not among them, then what else the reader asks for.
type selection struct {
	t       *table
	fields  []int // of the batch
	key     []int // fields of the cursor; none: the rowid is
	keyAt   []int // where they stand among the columns of the statement
	columns []string
	keys    *connectors.Keys
	builder *connectors.Builder
	value   []byte   // the one at hand
	last    [][]byte // the values of the cursor's fields in the row appended last
	null    []bool   // whether they are NULL
}

func (s *source) choose(c *sqlite3.Conn, q connectors.Query) (*selection, error) {
	t, err := loadTable(c, s.database, q.Table)
	if err != nil {
		return nil, err
	}
	builder, err := connectors.NewBuilder(t.Table, q.Fields)
	if err != nil {
		return nil, err
	}
	sel := &selection{t: t, keys: q.Keys, builder: builder}
	for i := range t.Fields {
		if q.Fields == nil {
			sel.fields = append(sel.fields, i)
		}
	}
	for _, f := range q.Fields {
		sel.fields = append(sel.fields, t.field(f))
	}
	for _, f := range sel.fields {
		sel.columns = append(sel.columns, "t."+t.columns[f].name)
	}
	for _, name := range t.Key {
		f := t.field(name)
		at := slices.Index(sel.fields, f)
		if at < 0 {
			at = len(sel.columns)
			sel.columns = append(sel.columns, "t."+t.columns[f].name)
		}
		sel.key, sel.keyAt = append(sel.key, f), append(sel.keyAt, at)
	}
	if len(t.Key) == 0 {
		if t.rowid == "" {
			return nil, fmt.Errorf("no key, and columns have taken every name of the rowid: %w", errors.ErrUnsupported)
		}
		sel.keyAt = []int{len(sel.columns)}
		sel.columns = append(sel.columns, "t."+t.rowid)
	}
	sel.last, sel.null = make([][]byte, len(sel.keyAt)), make([]bool, len(sel.keyAt))
	if q.Keys != nil {
		for _, name := range q.Keys.Fields {
			if t.field(name) < 0 {
				return nil, fmt.Errorf("no field %s: %w", name, connectors.ErrSchemaChanged)
			}
		}
	}
	return sel, nil
}

// byKey says whether the query names rows by their primary key.
func (sel *selection) byKey() bool {
	return sel.keys != nil && len(sel.t.Key) > 0 && slices.Equal(sel.keys.Fields, sel.t.Key)
}

// order returns the expressions of the cursor. With rows asked for by their keys those are the keys' own columns, which are indexed the same way.
func (sel *selection) order() []string {
	if len(sel.key) == 0 {
		return []string{"t." + sel.t.rowid}
	}
	var exprs []string
	for i, f := range sel.key {
		if sel.byKey() {
			exprs = append(exprs, "k.c"+strconv.Itoa(i))
		} else {
			exprs = append(exprs, "t."+sel.t.columns[f].name)
		}
	}
	return exprs
}

// sql returns the SELECT with extra columns behind those of the selection.
func (sel *selection) sql(resumed, limited bool, extra ...string) string {
	var b strings.Builder
	from := "main." + sel.t.name + " AS t"
	var where []string
	if sel.keys != nil {
		// The planner knows nothing of the sizes: seek each key where an index allows that, else look up each row's.
		if sel.t.indexed(sel.keys.Fields) {
			from = "temp.lethe_keys AS k CROSS JOIN " + from
		} else {
			from += " CROSS JOIN temp.lethe_keys AS k"
		}
		for i, name := range sel.keys.Fields {
			where = append(where, "t."+sel.t.columns[sel.t.field(name)].name+" = k.c"+strconv.Itoa(i))
		}
	}
	order := strings.Join(sel.order(), ", ")
	if resumed {
		where = append(where, "("+order+") > ("+strings.TrimSuffix(strings.Repeat("?, ", len(sel.order())), ", ")+")")
	}
	fmt.Fprintf(&b, "SELECT %s FROM %s", strings.Join(slices.Concat(sel.columns, extra), ", "), from)
	if len(where) > 0 {
		b.WriteString(" WHERE " + strings.Join(where, " AND "))
	}
	b.WriteString(" ORDER BY " + order)
	if limited {
		b.WriteString(" LIMIT ?")
	}
	return b.String()
}

// page reads the next rows; last is true if there are no more.
func (sel *selection) page(c *sqlite3.Conn, after connectors.Cursor, limit int) (batch connectors.Batch, last bool, err error) {
	stmt, _, err := c.Prepare(sel.sql(after != "", true))
	if err != nil {
		return connectors.Batch{}, false, err
	}
	defer func() {
		if done := finish(stmt); err == nil {
			err = done
		}
	}()
	params := 0
	if after != "" {
		if params, err = sel.bindCursor(stmt, after); err != nil {
			return connectors.Batch{}, false, err
		}
	}
	if err := stmt.BindInt(params+1, limit); err != nil {
		return connectors.Batch{}, false, err
	}
	for last = true; last && stmt.Step(); {
		sel.appendRow(stmt)
		last = !sel.builder.Full(limit)
	}
	if err := stmt.Err(); err != nil || sel.builder.Rows() == 0 {
		return sel.builder.Batch(""), last, err
	}
	key, err := sel.lastKey()
	return sel.builder.Batch(connectors.Cursor(key)), last, err
}

// appendRow adds the row that the statement stands on to the batch and remembers its key.
func (sel *selection) appendRow(stmt *sqlite3.Stmt) {
	for i, f := range sel.fields {
		value, ok := sel.t.columns[f].appendValue(sel.value[:0], stmt, i)
		if sel.value = value; ok {
			sel.builder.Append(i, value)
		} else {
			sel.builder.AppendNull(i)
		}
		if k := slices.Index(sel.keyAt, i); k >= 0 {
			sel.remember(k, value, ok)
		}
	}
	for k, at := range sel.keyAt {
		if at >= len(sel.fields) {
			value, ok := sel.keyColumn(k).appendValue(sel.value[:0], stmt, at)
			sel.value = value
			sel.remember(k, value, ok)
		}
	}
	sel.builder.EndRow()
}

func (sel *selection) remember(k int, value []byte, ok bool) {
	sel.null[k] = !ok
	sel.last[k] = append(sel.last[k][:0], value...)
}

// keyColumn returns a column of the cursor; the rowid is one of integers.
func (sel *selection) keyColumn(k int) *column {
	if len(sel.key) == 0 {
		return &column{affinity: affInteger}
	}
	return &sel.t.columns[sel.key[k]]
}

// lastKey returns the key, or the rowid, of the row appended last.
func (sel *selection) lastKey() (connectors.Key, error) {
	if slices.Contains(sel.null, true) {
		return "", fmt.Errorf("a primary key is NULL: %w", connectors.ErrSchemaChanged) // there was none when the catalog was read
	}
	return connectors.MakeKey(sel.last...), nil
}

func (sel *selection) bindCursor(stmt *sqlite3.Stmt, after connectors.Cursor) (params int, err error) {
	values, err := connectors.Key(after).Values()
	if err == nil && len(values) != len(sel.keyAt) {
		err = connectors.ErrSchemaChanged
	}
	if err != nil {
		return 0, fmt.Errorf("cursor of another table: %w", err)
	}
	for k, v := range values {
		if err := sel.keyColumn(k).bind(stmt, k+1, v); err != nil {
			return 0, err
		}
	}
	return len(values), nil
}

const dropKeys = "DROP TABLE temp.lethe_keys"

// putKeys writes the query's keys to a temporary table, in memory, whose columns compare as the table's own. It returns the number under which each
// tuple stands there; tuples that SQLite holds to be equal share one.
func (sel *selection) putKeys(c *sqlite3.Conn) (numbers []int, err error) {
	var columns []*column
	var define, names, equal, marks []string
	for i, name := range sel.keys.Fields {
		col := &sel.t.columns[sel.t.field(name)]
		n := "c" + strconv.Itoa(i)
		columns = append(columns, col)
		define = append(define, fmt.Sprintf("%s %s COLLATE %s", n, col.affinity, col.collation))
		names, equal, marks = append(names, n), append(equal, n+" = ?"), append(marks, "?")
	}
	list := strings.Join(names, ", ")
	err = c.Exec(fmt.Sprintf("CREATE TEMP TABLE lethe_keys (%s, n INTEGER, PRIMARY KEY (%s)) WITHOUT ROWID", strings.Join(define, ", "), list))
	if err != nil {
		return nil, err
	}
	if c.GetAutocommit() {
		if err := c.Exec("BEGIN"); err != nil {
			return nil, err
		}
		defer func() {
			if err == nil {
				err = c.Exec("COMMIT")
			}
		}()
	}
	insert, _, err := c.Prepare(fmt.Sprintf("INSERT OR IGNORE INTO temp.lethe_keys (%s, n) VALUES (%s, ?)", list, strings.Join(marks, ", ")))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	find, _, err := c.Prepare("SELECT n FROM temp.lethe_keys WHERE " + strings.Join(equal, " AND "))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, find.Close()) }()

	numbers = make([]int, len(sel.keys.Tuples))
	for i, tuple := range sel.keys.Tuples {
		if err := bindKey(insert, columns, tuple); err != nil {
			return nil, err
		}
		if err := insert.BindInt(len(columns)+1, i); err != nil {
			return nil, err
		}
		if err := insert.Exec(); err != nil {
			return nil, err
		}
		numbers[i] = i
		if c.Changes() == 1 {
			continue
		}
		if err := bindKey(find, columns, tuple); err != nil {
			return nil, err
		}
		if find.Step() {
			numbers[i] = find.ColumnInt(0)
		}
		if err := find.Reset(); err != nil {
			return nil, err
		}
	}
	return numbers, nil
}

// bindKey gives the first parameters the values of a key.
func bindKey(stmt *sqlite3.Stmt, columns []*column, key connectors.Key) error {
	values, err := key.Values()
	if err == nil && len(values) != len(columns) {
		err = connectors.ErrConfig
	}
	if err != nil {
		return fmt.Errorf("key of %d values for %d fields: %w", len(values), len(columns), err)
	}
	for i, v := range values {
		if err := columns[i].bind(stmt, i+1, v); err != nil {
			return err
		}
	}
	return nil
}

// change is what one query of a mutation read, and what edit made of it.
type change struct {
	sel     *selection
	batch   connectors.Batch
	asked   []int            // number of each tuple of the query
	numbers []int            // of the tuple that each row answers
	keys    []connectors.Key // of each row
	rowids  []int64          // of each row, in a table that has them
	ops     []connectors.Op
	values  []map[int]value // for each row, by field
}

// value is a new value of a field.
type value struct {
	bytes []byte
	null  bool
}

// lock reads all rows of a query; the transaction holds the write lock already.
func (m *mutator) lock(q connectors.Query) (_ *change, err error) {
	sel, err := m.choose(m.writer, q)
	if err != nil {
		return nil, err
	}
	if len(sel.key) == 0 {
		return nil, fmt.Errorf("rows of a table without a key cannot be changed in place: %w", errors.ErrUnsupported)
	}
	if q.Keys == nil {
		return nil, fmt.Errorf("the query names no keys: %w", connectors.ErrConfig)
	}
	ch := &change{sel: sel}
	if ch.asked, err = sel.putKeys(m.writer); err != nil {
		return nil, err
	}
	extra := []string{"k.n"}
	if sel.t.rowid != "" {
		extra = append(extra, "t."+sel.t.rowid)
	}
	stmt, _, err := m.writer.Prepare(sel.sql(false, false, extra...))
	if err != nil {
		return nil, err
	}
	for stmt.Step() {
		sel.appendRow(stmt)
		key, err := sel.lastKey()
		if err != nil {
			return nil, errors.Join(err, stmt.Close())
		}
		ch.keys = append(ch.keys, key)
		ch.numbers = append(ch.numbers, stmt.ColumnInt(len(sel.columns)))
		if sel.t.rowid != "" {
			ch.rowids = append(ch.rowids, stmt.ColumnInt64(len(sel.columns)+1))
		}
	}
	if err := finish(stmt); err != nil {
		return nil, err
	}
	ch.batch = sel.builder.Batch("")
	return ch, m.writer.Exec(dropKeys)
}

// take keeps what edit answered, whose arrays are valid only until the next call of edit.
func (ch *change) take(edit connectors.Edit) error {
	ch.ops = make([]connectors.Op, len(ch.keys))
	copy(ch.ops, edit.Ops)
	ch.values = make([]map[int]value, len(ch.keys))
	for _, set := range edit.Set {
		f := ch.sel.t.field(set.Field)
		if f < 0 {
			return fmt.Errorf("no field %s: %w", set.Field, connectors.ErrSchemaChanged)
		}
		if ch.sel.t.Fields[f].Generated {
			return fmt.Errorf("field %s is computed and cannot be set: %w", set.Field, connectors.ErrConfig)
		}
		for row, given := range set.Rows {
			if !given {
				continue
			}
			if ch.values[row] == nil {
				ch.values[row] = map[int]value{}
			}
			ch.values[row][f] = value{bytes: slices.Clone(set.Values.Value(row)), null: set.Values.IsNull(row)}
		}
	}
	return nil
}

// outcomes says what becomes of the keys asked for, or of the rows read where the query names other fields.
func (ch *change) outcomes() []connectors.Outcome {
	status := map[int]connectors.Status{}
	var outcomes []connectors.Outcome
	for row, op := range ch.ops {
		st := connectors.Left
		if op != connectors.Leave {
			st = connectors.Done
		}
		status[ch.numbers[row]] = st
		outcomes = append(outcomes, connectors.Outcome{Table: ch.sel.t.Name, Key: ch.keys[row], Status: st})
	}
	if !ch.sel.byKey() {
		return outcomes
	}
	outcomes = nil
	for i, key := range ch.sel.keys.Tuples {
		st, found := status[ch.asked[i]]
		if !found {
			st = connectors.Gone
		}
		outcomes = append(outcomes, connectors.Outcome{Table: ch.sel.t.Name, Key: key, Status: st})
	}
	return outcomes
}

// apply deletes and updates row by row: by rowid, or by key in a table without rowids.
func (ch *change) apply(c *sqlite3.Conn) (err error) {
	t := ch.sel.t
	prepared := map[string]*sqlite3.Stmt{}
	defer func() {
		for _, stmt := range prepared {
			if closing := stmt.Close(); err == nil {
				err = closing
			}
		}
	}()
	where := " WHERE " + t.rowid + " = ?"
	if t.rowid == "" {
		var equal []string
		for _, f := range ch.sel.key {
			equal = append(equal, t.columns[f].name+" = ?")
		}
		where = " WHERE " + strings.Join(equal, " AND ")
	}
	for row, op := range ch.ops {
		if op == connectors.Leave || op == connectors.Update && len(ch.values[row]) == 0 {
			continue
		}
		sql := "DELETE FROM main." + t.name + where
		var set []int
		if op == connectors.Update {
			set = slices.Sorted(maps.Keys(ch.values[row]))
			var assign []string
			for _, f := range set {
				assign = append(assign, t.columns[f].name+" = ?")
			}
			sql = "UPDATE main." + t.name + " SET " + strings.Join(assign, ", ") + where
		}
		stmt := prepared[sql]
		if stmt == nil {
			if stmt, _, err = c.Prepare(sql); err != nil {
				return err
			}
			prepared[sql] = stmt
		}
		if err := ch.bind(stmt, row, set); err != nil {
			return err
		}
		if err := stmt.Exec(); err != nil {
			return err
		}
		if n := c.Changes(); n != 1 {
			return fmt.Errorf("%d rows changed where one was meant: %w", n, connectors.ErrRefused) // a trigger ignored it, or the key is not unique under its collation
		}
	}
	return nil
}

// bind gives a statement of apply the new values of the fields in set and the address of the row.
func (ch *change) bind(stmt *sqlite3.Stmt, row int, set []int) error {
	for i, f := range set {
		var err error
		if v := ch.values[row][f]; v.null {
			err = stmt.BindNull(i + 1)
		} else {
			err = ch.sel.t.columns[f].bind(stmt, i+1, v.bytes)
		}
		if err != nil {
			return err
		}
	}
	if ch.sel.t.rowid != "" {
		return stmt.BindInt64(len(set)+1, ch.rowids[row])
	}
	values, err := ch.keys[row].Values()
	if err != nil {
		return err
	}
	for i, v := range values {
		if err := ch.sel.keyColumn(i).bind(stmt, len(set)+1+i, v); err != nil {
			return err
		}
	}
	return nil
}
