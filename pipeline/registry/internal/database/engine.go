package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lethe/connectors/wire"
)

// engine is what differs between the databases that a registry can live in. Everything else is one code
// path: statements are written once, with ? for parameters.
type engine struct {
	Name string

	// open connects for the service, to a server by the dialer; it does not look whether a registry is there. Its
	// errors never hold the DSN.
	open func(c Config, d *wire.Dialer) (*sql.DB, error)
	// place says in words where the registry is, without a secret.
	place func(c Config) string
	// prepare is called by Create before open: it makes the file, or says that there is one. nil: nothing
	// to do.
	prepare func(c Config) error
	// exists is called by Open before open; nil: the server knows.
	exists func(c Config) error
	// tables counts the tables of the database, for Create; "" when prepare has looked.
	tables string
	// made reports whether a statement of the schema failed because it was done before: where CREATE TABLE
	// is not part of a transaction, Create goes on with a registry that was left half made. nil: it is part
	// of one.
	made func(error) bool

	words   *strings.Replacer // turns the schema's types and options into the engine's
	Guards  []string          // the triggers that make event append-only, and what belongs to them
	unguard []string          // take away the guards of event and event_payload, where they are there
	numbers bool              // parameters are $1, $2, ... instead of ?
	insert  string            // begins the INSERT of many rows
	onKey   bool              // ON DUPLICATE KEY UPDATE instead of ON CONFLICT
	lock    string            // makes a transaction the only writer; "" when beginning to write does
	latest  string            // function that gives the later of two numbers
	// after a purge: removes what deleted rows leave behind; "" when the engine does so by itself
	Scrub  string
	reader sql.TxOptions // of a transaction that reads one snapshot
	Direct bool          // many rows are read and written on the engine's own statements

	// failure turns an error of the driver into one with a sentinel, in words that hold no value of a row.
	failure func(error) error
}

// sealedPayload are the columns of event_payload that are never updated: all but its seal and its block.
const sealedPayload = "silo, seq, collection, flags, details, refs, content, salt, evidence, evidence_salt"

// engines are the values of Config.Driver.
func engineOf(name string) (*engine, error) {
	switch name {
	case "", "sqlite":
		return &sqliteEngine, nil
	case "postgres":
		return &postgresEngine, nil
	case "mysql":
		return &mysqlEngine, nil
	}
	return nil, wrong(fmt.Sprintf("registry.driver %q: use sqlite, postgres or mysql "+
		"(which also stands for MariaDB)", name))
}

// statements make the tables.
func (e *engine) statements(schema []string) []string {
	var list []string
	for _, s := range schema {
		list = append(list, e.words.Replace(s))
	}
	return append(list, e.Guards...)
}

// Ignoring ends an INSERT that leaves a row alone which has the same key.
func (e *engine) Ignoring(keys string) string {
	if e.onKey {
		key, _, _ := strings.Cut(keys, ",")
		return " ON DUPLICATE KEY UPDATE " + key + " = " + key
	}
	return " ON CONFLICT (" + keys + ") DO NOTHING"
}

// Replacing ends an INSERT into a table that gives a row with the same key the new values of the columns;
// of the column later the later one stays.
func (e *engine) Replacing(table, keys, later string, columns ...string) string {
	given := func(column string) string {
		if e.onKey {
			return "VALUES(" + column + ")"
		}
		return "excluded." + column
	}
	sets := make([]string, 0, len(columns)+1)
	for _, c := range columns {
		sets = append(sets, c+" = "+given(c))
	}
	sets = append(sets, fmt.Sprintf("%s = %s(%s.%s, %s)", later, e.latest, table, later, given(later)))
	if e.onKey {
		return " ON DUPLICATE KEY UPDATE " + strings.Join(sets, ", ")
	}
	return " ON CONFLICT (" + keys + ") DO UPDATE SET " + strings.Join(sets, ", ")
}

// numbered turns ? into $1, $2, ...
func numbered(query string) string {
	var b strings.Builder
	b.Grow(len(query) + len(query)/8)
	n := 0
	for {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		query = after
	}
}

// Handle asks a database, or within one transaction, in the words of its engine.
type Handle struct {
	*engine
	q interface {
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	}
}

func (h Handle) text(query string) string {
	if h.numbers {
		return numbered(query)
	}
	return query
}

// Query asks for rows.
func (h Handle) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := h.q.QueryContext(ctx, h.text(query), args...)
	return rows, h.Failed(err)
}

// Exec runs a statement.
func (h Handle) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	result, err := h.q.ExecContext(ctx, h.text(query), args...)
	return result, h.Failed(err)
}

// Prepared prepares a statement.
func (h Handle) Prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	st, err := h.q.PrepareContext(ctx, h.text(query))
	return st, h.Failed(err)
}

// Failed turns an error of the driver into one of this package, in words that hold no value of a row.
func (h Handle) Failed(err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return h.failure(err)
}

// Row asks for one row.
func (h Handle) Row(ctx context.Context, query string, args ...any) singleRow {
	return singleRow{h, h.q.QueryRowContext(ctx, h.text(query), args...)}
}

type singleRow struct {
	h   Handle
	row *sql.Row
}

func (r singleRow) Scan(dest ...any) error { return r.h.Failed(r.row.Scan(dest...)) }

// Txn is a transaction and the connection it runs on, which offers a cheaper way to read many rows.
type Txn struct {
	Handle
	tx        *sql.Tx
	conn      *sql.Conn
	inserters map[insertKey]*inserter
}

// Begin opens a transaction: a snapshot to read, or as the only writer.
func (d *DB) Begin(ctx context.Context, readOnly bool) (*Txn, error) {
	conn, err := d.Pool.Conn(ctx)
	if err != nil {
		return nil, d.Failed(err)
	}
	var options sql.TxOptions
	if readOnly {
		options = d.reader
	}
	// Only end takes a transaction back: database/sql, told of ctx, would do so, and close the connection,
	// while its statements are in use.
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), &options)
	if err != nil {
		conn.Close()
		return nil, d.Failed(err)
	}
	t := &Txn{Handle: Handle{d.engine, tx}, tx: tx, conn: conn}
	if !readOnly && d.lock != "" {
		var locked string
		if err := t.Row(ctx, d.lock).Scan(&locked); err != nil {
			t.End()
			return nil, err
		}
	}
	return t, nil
}

// Commit makes it last.
func (t *Txn) Commit() error { return t.Failed(t.tx.Commit()) }

// End gives the connection back; what was not committed is rolled back.
func (t *Txn) End() {
	t.closeInserters()
	t.tx.Rollback()
	t.conn.Close()
}

// Row is a row of a large result, read without a copy: texts and blobs are valid until the next one.
type Row interface {
	ColumnInt64(column int) int64
	ColumnRawText(column int) []byte
	ColumnRawBlob(column int) []byte
	Null(column int) bool
}

// Each calls do with every row of a query.
func (t *Txn) Each(ctx context.Context, query string, do func(Row) error, args ...int64) error {
	if t.Direct {
		return t.eachDirect(ctx, query, do, args)
	}
	values := make([]any, len(args))
	for i, arg := range args {
		values[i] = arg
	}
	return t.Scanned(ctx, query, do, values...)
}

// Scanned is each by database/sql.
func (t *Txn) Scanned(ctx context.Context, query string, do func(Row) error, args ...any) error {
	rows, err := t.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return t.Failed(err)
	}
	scanned := &scannedRow{values: make([]sql.RawBytes, len(columns))}
	into := make([]any, len(columns))
	for i := range into {
		into[i] = &scanned.values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return t.Failed(err)
		}
		if err := do(scanned); err != nil {
			return err
		}
		if scanned.err != nil {
			return scanned.err
		}
	}
	return t.Failed(rows.Err())
}

// scannedRow is a row of database/sql, whose numbers come as text.
type scannedRow struct {
	values []sql.RawBytes
	err    error
}

func (r *scannedRow) ColumnInt64(column int) int64 {
	text := r.values[column]
	if text == nil {
		return 0
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		r.err = fmt.Errorf("column %d of the registry is no number: %w", column+1, ErrSchema)
	}
	return n
}

func (r *scannedRow) ColumnRawText(column int) []byte { return r.values[column] }
func (r *scannedRow) ColumnRawBlob(column int) []byte { return r.values[column] }
func (r *scannedRow) Null(column int) bool            { return r.values[column] == nil }

// Texts keeps one copy of each text of a column, and looks first whether it is the one of the row before.
type Texts struct {
	last string
	all  map[string]string
}

// Text is a text as a string.
func (t *Texts) Text(raw []byte) string {
	if string(raw) == t.last {
		return t.last
	}
	s, ok := t.all[string(raw)]
	if !ok {
		if t.all == nil {
			t.all = map[string]string{}
		}
		s = string(raw)
		t.all[s] = s
	}
	t.last = s
	return s
}
