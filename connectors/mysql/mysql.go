// Package mysql reads and changes MySQL and MariaDB databases. One source is one database of a server: the
// one its DSN names. It is tested with MariaDB 10.11 and asks for nothing that MySQL 5.7 and MariaDB 10.3
// lack.
//
// A DSN has the driver's form, user:password@tcp(host:3306)/database?tls=true, or that of a URL,
// mysql://user:password@host:3306/database. A socket is unix(/run/mysqld/mysqld.sock) in the first,
// ?socket=/run/mysqld/mysqld.sock in the second. Without a tls parameter the connection is encrypted and
// the server's certificate verified, against the system's authorities or those in the file that the
// parameter ssl-ca names.
//
// The rights it needs. For reading (dsn):
//
//	GRANT SELECT ON crm.* TO 'lethe'@'10.0.0.5' REQUIRE SSL;
//
// For changing (apply_dsn), which neither creates nor inserts anything, also no temporary table, unless it
// keeps copies:
//
//	GRANT SELECT, UPDATE, DELETE ON crm.* TO 'lethe_apply'@'10.0.0.5' REQUIRE SSL;
//
// TRIGGER besides lets Foresee look whether the triggers can run.
//
// PROCESS, of either user, lets InnoDB tell all foreign keys that lead into the database, also from tables of others and
// from those that neither may see; or SELECT on all databases:
//
//	GRANT PROCESS ON *.* TO 'lethe'@'10.0.0.5';
//
// For copies (apply_dsn), besides those, on the copy's table and on each of its views, by name:
//
//	GRANT SHOW VIEW ON crm.* TO 'lethe_apply'@'10.0.0.5';
//	GRANT CREATE, DROP, INSERT, UPDATE, DELETE ON crm.lethe_shop_customer TO 'lethe_apply'@'10.0.0.5';
//	GRANT CREATE, CREATE VIEW, DROP ON crm.lethe_shop_customer_newsletter TO 'lethe_apply'@'10.0.0.5';
//
// (CREATE on a view's name only lets the server grant rights on what is not there yet.) The application
// needs no right but SELECT on the view, which reads with the rights of the user of apply_dsn: dropping
// that user breaks the views until another has run once.
//
// No wait is for ever: a server that answers nothing is ErrUnreachable after Options.AnswerWithin, or readTimeout of
// the DSN, and so is a statement without a row after Options.StatementWithin. What the wait was for stands in the
// error. After a transaction's COMMIT that nobody answered it is not known whether it was done: asking again tells.
//
// Grant the first two on the whole database: a table that the user may not see is not in the catalog, and a
// foreign key from it is not known.
package mysql

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"

	"lethe/connectors"
	"lethe/connectors/internal/paging"
	"lethe/connectors/wire"
)

// Connector opens databases of MySQL and MariaDB servers.
var Connector = connectors.Connector{
	Name:    "mysql",
	About:   "a database of a MySQL or MariaDB server",
	Schemes: []string{"mysql", "mariadb"},
	Database: func(dsn string) string {
		cfg, err := parseDSN(dsn, true)
		if err != nil {
			return ""
		}
		return cfg.DBName
	},
	Open: open,
}

const (
	// rows of a page where the query leaves it open: pages cost 5 % and hold no statement open for long
	pageRows    = 10_000
	keysAtOnce  = 900       // tuples of one statement; MariaDB turns lists of 1,000 into a subquery
	bytesAtOnce = 512 << 10 // of values in one statement: below any usual max_allowed_packet
	caseRows    = 100       // rows of one UPDATE whose values differ: each is compared with half of the others

	spelledAtOnce = 100 // tuples of one statement that has to compare each row with them to name its own
)

// source is a database that is only read.
type source struct {
	name     string // of the source in the configuration
	database string
	db       *sql.DB
	dialer   *wire.Dialer
	also     *source // the user of apply_dsn, who may see other tables

	mu      sync.Mutex
	catalog map[string]*table
	seesAll bool // no foreign key leads into the database that the catalog does not know
}

// mutable is a source that can also be changed, over connections of its own.
type mutable struct {
	*source
	apply *source
}

func open(ctx context.Context, o connectors.Options) (connectors.Source, error) {
	if err := connectors.CheckOptions(nil, o.Extra); err != nil {
		return nil, &connectors.Error{Op: "open", Source: o.Name, Err: err}
	}
	s, err := connect(ctx, o, o.DSN, readSession)
	if err != nil {
		return nil, err
	}
	if o.ApplyDSN == "" {
		return s, nil
	}
	a, err := connect(ctx, o, o.ApplyDSN, applySession)
	if err == nil && a.database != s.database {
		_ = a.db.Close()
		err = &connectors.Error{Op: "open", Source: o.Name,
			Err: fmt.Errorf("dsn and apply_dsn name different databases: %w", connectors.ErrConfig)}
	}
	if err != nil {
		_ = s.db.Close()
		return nil, err
	}
	s.also = a
	return &mutable{source: s, apply: a}, nil
}

// commonSession makes sessions alike whatever the server's defaults are: values come in UTC and go in whole
// or not at all, zero dates pass, and a slow reader is not cut off.
const commonSession = "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO," +
	"NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', " +
	"sql_quote_show_create = 1, sql_safe_updates = 0, sql_select_limit = DEFAULT, foreign_key_checks = 1, " +
	"unique_checks = 1, autocommit = 1, net_write_timeout = 3600"

var (
	readSession  = []string{commonSession + ", lock_wait_timeout = 60", "SET SESSION TRANSACTION READ ONLY"}
	applySession = []string{commonSession + ", lock_wait_timeout = 5, innodb_lock_wait_timeout = 5",
		"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"}
)

// connect opens a database and makes sure that it answers.
func connect(ctx context.Context, o connectors.Options, dsn string, session []string) (*source, error) {
	s := &source{name: o.Name}
	cfg, err := parseDSN(dsn, o.Plaintext)
	if err == nil {
		var inner driver.Connector
		limits := wire.Limits{Answer: cmp.Or(o.AnswerWithin, cfg.ReadTimeout), Statement: o.StatementWithin}
		if inner, s.dialer, err = dialed(cfg, limits); err == nil {
			s.db = sql.OpenDB(wire.Connector{Connector: sessions{inner, session}, Dialer: s.dialer})
		}
	}
	if err != nil {
		hint := ""
		if errors.Is(err, connectors.ErrPlaintext) {
			hint = "say tls=true, or waive TLS for this source by name"
		} else {
			err = fmt.Errorf("%w: %w", connectors.ErrConfig, err)
		}
		return nil, &connectors.Error{Op: "open", Source: o.Name, Err: err, Hint: hint}
	}
	if err := s.db.QueryRowContext(ctx, "SELECT DATABASE()").Scan(&s.database); err != nil {
		_ = s.db.Close()
		return nil, s.fail("open", "", err)
	}
	return s, nil
}

// dialed makes the driver's connector with a dialer that ends its waits, and asks whether a silent server answers
// by another connection. Each statement has a context of its own, so that none is that of the connections.
func dialed(cfg *mysql.Config, limits wire.Limits) (driver.Connector, *wire.Dialer, error) {
	cfg.ReadTimeout, cfg.WriteTimeout = 0, 0 // which would end long statements of a server that answers
	asker := cfg.Clone()
	d := wire.NewDialer(context.Background(), limits)
	asker.DialFunc = d.Aside().Dial
	asking, err := mysql.NewConnector(asker)
	if err != nil {
		return nil, nil, err
	}
	d.Ask = wire.Asking(asking, func(err error) bool {
		var server *mysql.MySQLError
		return errors.As(err, &server)
	})
	cfg.DialFunc = d.Dial
	inner, err := mysql.NewConnector(cfg)
	return inner, d, err
}

// sessions opens connections and sets up their session.
type sessions struct {
	driver.Connector
	setup []string
}

func (c sessions) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, statement := range c.setup {
		if _, err := conn.(driver.ExecerContext).ExecContext(ctx, statement, nil); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	return conn, nil
}

// Close closes the connections.
func (s *source) Close() error { return s.db.Close() }

// Clock returns the server's time.
func (s *source) Clock(ctx context.Context) (time.Time, error) {
	var text string
	if err := s.db.QueryRowContext(ctx, "SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)").Scan(&text); err != nil {
		return time.Time{}, s.fail("clock", "", err)
	}
	t, err := time.Parse("2006-01-02 15:04:05.999999", text)
	if err != nil {
		return time.Time{}, s.fail("clock", "", err)
	}
	return t, nil
}

// Zone returns the zone of the server, in which sessions are that say no other.
func (s *source) Zone(ctx context.Context) (string, error) {
	var zone string
	err := s.db.QueryRowContext(ctx,
		"SELECT IF(@@GLOBAL.time_zone = 'SYSTEM', @@system_time_zone, @@GLOBAL.time_zone)").Scan(&zone)
	if err != nil {
		return "", s.fail("zone", "", err)
	}
	if zone == "+00:00" || zone == "-00:00" {
		zone = "UTC"
	}
	return zone, nil
}

// Close closes the connections.
func (m *mutable) Close() error { return errors.Join(m.source.Close(), m.apply.Close()) }

// stream runs a query in the text protocol and hands over each row; the values are the driver's own until
// row returns. What row leaves unread costs the connection: draining it could take the rest of the table.
func stream(ctx context.Context, conn *sql.Conn, query string, row func([]driver.Value) error) error {
	var rowErr error
	err := conn.Raw(func(dc any) error {
		rows, err := dc.(driver.QueryerContext).QueryContext(ctx, query, nil)
		if err != nil {
			return err
		}
		values := make([]driver.Value, len(rows.Columns()))
		for {
			if err := rows.Next(values); err == io.EOF {
				return rows.Close()
			} else if err != nil {
				_ = rows.Close()
				return err
			}
			if rowErr = row(values); rowErr != nil {
				return driver.ErrBadConn
			}
		}
	})
	if rowErr != nil {
		return rowErr
	}
	return because(ctx, err)
}

// because returns the context's error for whatever the driver made of it.
func because(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func exec(ctx context.Context, conn *sql.Conn, statement string) (rows int64, err error) {
	err = conn.Raw(func(dc any) error {
		result, err := dc.(driver.ExecerContext).ExecContext(ctx, statement, nil)
		if err != nil {
			return err
		}
		rows, err = result.RowsAffected()
		return err
	})
	return rows, because(ctx, err)
}

// Scan reads page by page in key order. A page is one statement and so consistent in itself. A query by
// keys is read in pieces of some hundred tuples.
func (s *source) Scan(ctx context.Context, queries ...connectors.Query) iter.Seq2[connectors.Batch, error] {
	return func(yield func(connectors.Batch, error) bool) {
		for _, q := range queries {
			switch err := s.scan(ctx, q, yield); {
			case err == paging.ErrStop:
				return
			case err != nil:
				yield(connectors.Batch{}, s.fail("scan", q.Table, err))
				return
			}
		}
	}
}

func (s *source) scan(ctx context.Context, q connectors.Query, yield func(connectors.Batch, error) bool) error {
	r, err := s.reader(ctx, q)
	if err != nil {
		return err
	}
	at, err := r.place(q.After)
	if err != nil {
		return err
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()

	if q.Sample > 0 && q.Keys == nil && q.After == "" {
		if whole, err := s.sample(ctx, conn, r, q, yield); err != nil || !whole {
			return err
		}
	}
	limit := 0 // no limit
	if q.Keys == nil && len(r.table.Key) > 0 {
		limit = cmp.Or(q.MaxRows, pageRows)
	}
	for at.Piece < r.keys.chunks() {
		rows := 0
		err := stream(ctx, conn, r.statement(at, limit, ""), func(values []driver.Value) error {
			rows++
			if added, err := r.append(&at, values); !added || !r.builder.Full(q.MaxRows) {
				return err
			}
			return r.yield(at, yield)
		})
		if err == nil && r.builder.Rows() > 0 {
			err = r.yield(at, yield)
		}
		if err != nil {
			return err
		}
		if limit == 0 || rows < limit {
			at = paging.Place{Piece: at.Piece + 1}
		}
	}
	return nil
}

func (r *reader) yield(at paging.Place, yield func(connectors.Batch, error) bool) error {
	if !yield(r.batch(at.Cursor()), nil) {
		return paging.ErrStop
	}
	return nil
}

// batch ends the batch at hand.
func (r *reader) batch(next connectors.Cursor) connectors.Batch {
	b := r.builder.Batch(next)
	b.Tuples, r.tuples = r.tuples, nil
	return b
}

// reader reads rows of one table: it writes statements and puts what they return into batches.
type reader struct {
	table   *table
	builder *connectors.Builder
	columns []column // of the statements: those of the batches, then those only the reader needs
	fields  int      // how many belong to the batches
	order   []int    // the columns that hold the primary key in a form that can be compared as the server orders it
	match   []int    // the columns that hold the fields of the query's keys
	keys    *keySet
	tuples  []int // of the query's keys, that the rows of the batch at hand answer
	text    []byte
	key     []byte
}

// column is a column of a statement.
type column struct {
	field connectors.Field
	expr  string
	kind  connectors.Kind // of the expression
	bits  int
}

// reader makes the reader of a query.
func (s *source) reader(ctx context.Context, q connectors.Query) (*reader, error) {
	t, err := s.table(ctx, q.Table)
	if err != nil {
		return nil, err
	}
	if q.Keys == nil || q.Keys.Of == nil {
		return newReader(t, q)
	}
	of, err := s.table(ctx, q.Keys.Of.Table)
	if err != nil {
		return nil, fmt.Errorf("table %s, which is referred to: %w", q.Keys.Of.Table, err)
	}
	for _, name := range q.Keys.Of.Fields {
		if _, ok := of.Field(name); !ok {
			return nil, fmt.Errorf("no field %s in table %s: %w", name, of.Name, connectors.ErrSchemaChanged)
		}
	}
	return newReader(t, q)
}

func newReader(t *table, q connectors.Query) (*reader, error) {
	builder, err := connectors.NewBuilder(t.Table, q.Fields)
	if err != nil {
		return nil, err
	}
	r := &reader{table: t, builder: builder}
	names := q.Fields
	if names == nil {
		for _, f := range t.Fields {
			names = append(names, f.Name)
		}
	}
	for _, name := range names {
		f, _ := t.Field(name)
		r.columns = append(r.columns, t.column(f))
	}
	r.fields = len(r.columns)
	for _, name := range t.Key {
		f, _ := t.Field(name)
		c := t.column(f)
		if t.ordinal[name] { // ENUM and SET compare as text but are ordered by number
			c.expr, c.kind = c.expr+"+0", connectors.Integer
		}
		r.order = append(r.order, r.need(c))
	}
	var kinds []connectors.Kind
	if q.Keys != nil {
		for _, name := range q.Keys.Fields {
			f, ok := t.Field(name)
			if !ok {
				return nil, fmt.Errorf("no field %s: %w", name, connectors.ErrSchemaChanged)
			}
			r.match = append(r.match, r.need(t.column(f)))
			kinds = append(kinds, f.Kind)
		}
	}
	r.keys, err = newKeySet(q.Keys, kinds)
	return r, err
}

// column returns how a field is selected. Float text must be the server's own: the driver would parse it.
func (t *table) column(f connectors.Field) column {
	c := column{field: f, expr: quoteName(f.Name), kind: f.Kind, bits: t.bits[f.Name]}
	if f.Kind == connectors.Float {
		c.expr = "CAST(" + c.expr + " AS CHAR)"
	}
	return c
}

// need returns the place of a column, which is added if it is not among the columns yet.
func (r *reader) need(c column) int {
	i := slices.Index(r.columns, c)
	if i < 0 {
		i = len(r.columns)
		r.columns = append(r.columns, c)
	}
	return i
}

// needAll returns the places of fields of the table.
func (r *reader) needAll(names []string) []int {
	places := make([]int, len(names))
	for i, name := range names {
		f, _ := r.table.Field(name)
		places[i] = r.need(r.table.column(f))
	}
	return places
}

// place reads a cursor.
func (r *reader) place(c connectors.Cursor) (paging.Place, error) {
	return paging.ParsePlace(c, len(r.order), func(i int, v []byte) error {
		_, err := literal(r.columns[r.order[i]].kind, v)
		return err
	})
}

// statement writes the SELECT that reads on from a place.
func (r *reader) statement(at paging.Place, limit int, lock string) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	for i, c := range r.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.expr)
	}
	if ordinal := r.keys.ordinal(at.Piece, r.names(r.match)); ordinal != "" { // there are columns, for the match
		b.WriteString(", " + ordinal)
	}
	if len(r.columns) == 0 {
		b.WriteString("1")
	}
	b.WriteString(" FROM " + r.table.quoted())
	if len(r.order) > 0 && (r.keys == nil || r.byPrimaryKey()) {
		b.WriteString(" FORCE INDEX (" + quoteName(r.table.keyIndex) + ")")
	}
	glue := " WHERE "
	if r.keys != nil {
		b.WriteString(glue + r.keys.where(at.Piece, r.names(r.match), lock != "" || !r.byPrimaryKey()))
		glue = " AND "
	}
	if at.After != nil {
		b.WriteString(glue + "(" + r.behind(at.After) + ")")
	}
	if len(r.order) > 0 {
		b.WriteString(" ORDER BY " + strings.Join(r.names(r.order), ", "))
	}
	switch {
	case limit > 0:
		fmt.Fprintf(&b, " LIMIT %d", limit)
	case at.Rows > 0:
		fmt.Fprintf(&b, " LIMIT %d, 18446744073709551615", at.Rows)
	}
	b.WriteString(lock)
	return b.String()
}

func (r *reader) byPrimaryKey() bool {
	return slices.Equal(slices.Sorted(slices.Values(r.names(r.match))), slices.Sorted(slices.Values(r.names(r.order))))
}

// names returns the quoted names of the fields of some columns.
func (r *reader) names(columns []int) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = quoteName(r.columns[c].field.Name)
	}
	return names
}

// behind compares the primary key under the server's own collation, written out so that both servers read a
// range of the index: a > 1 OR (a = 1 AND b > 2).
func (r *reader) behind(after [][]byte) string {
	var b strings.Builder
	for i := range r.order {
		if i > 0 {
			b.WriteString(" OR ")
		}
		b.WriteByte('(')
		for j := range i + 1 {
			c := r.columns[r.order[j]]
			value, _ := literal(c.kind, after[j]) // of the server's making, or checked by ParsePlace
			if j < i {
				b.WriteString(c.expr + " = " + value + " AND ")
			} else {
				b.WriteString(c.expr + " > " + value)
			}
		}
		b.WriteByte(')')
	}
	return b.String()
}

// append adds a row to the batch and moves the place behind it. added is false if the row belongs to another
// piece of the keys.
func (r *reader) append(at *paging.Place, values []driver.Value) (added bool, err error) {
	if len(r.order) == 0 {
		at.Rows++
	} else {
		if at.After == nil {
			at.After = make([][]byte, len(r.order))
		}
		for i, c := range r.order {
			at.After[i] = r.columns[c].appendValue(at.After[i][:0], values[c])
		}
	}
	if r.keys != nil {
		own, _ := r.tuple(r.match, values)
		tuple, ok, err := r.keys.Answer(at.Piece, own, func() (int, error) {
			return strconv.Atoi(string(appendText(nil, values[len(values)-1])))
		})
		if !ok {
			return false, err
		}
		r.tuples = append(r.tuples, tuple)
	}
	for i := range r.fields {
		switch v := values[i].(type) {
		case nil:
			r.builder.AppendNull(i)
		case []byte:
			if r.columns[i].kind != connectors.Bit {
				r.builder.Append(i, v)
				continue
			}
			r.text = r.columns[i].appendValue(r.text[:0], v)
			r.builder.Append(i, r.text)
		default:
			r.text = appendText(r.text[:0], v)
			r.builder.Append(i, r.text)
		}
	}
	r.builder.EndRow()
	return true, nil
}
