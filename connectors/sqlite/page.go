package sqlite

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"lethe/connectors"
)

// selection is how a query is put to SQLite: the batch's fields, then what of the cursor is not among them,
// then what else the reader asks for.
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

// order returns the expressions of the cursor. With rows asked for by their keys those are the keys' own
// columns, which are indexed the same way.
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
		// The planner knows nothing of the sizes: seek each key where an index allows that, else look up
		// each row's.
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
func (sel *selection) page(c *sqlite3.Conn, after connectors.Cursor,
	limit int) (batch connectors.Batch, last bool, err error) {
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
		// there was none when the catalog was read
		return "", fmt.Errorf("a primary key is NULL: %w", connectors.ErrSchemaChanged)
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

// putKeys writes the query's keys to a temporary table, in memory, whose columns compare as the table's
// own. It returns the number under which each tuple stands there; tuples that SQLite holds to be equal
// share one.
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
	err = c.Exec(fmt.Sprintf("CREATE TEMP TABLE lethe_keys (%s, n INTEGER, PRIMARY KEY (%s)) WITHOUT ROWID",
		strings.Join(define, ", "), list))
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
	insert, _, err := c.Prepare(fmt.Sprintf("INSERT OR IGNORE INTO temp.lethe_keys (%s, n) VALUES (%s, ?)", list,
		strings.Join(marks, ", ")))
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
