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
	match   []keyField // of keys
	tuples  []int      // that the rows of the batch at hand answer
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
		sel.match, err = s.keyFields(c, t, q.Keys)
	}
	return sel, err
}

// byKey says whether the query names rows by their primary key.
func (sel *selection) byKey() bool {
	return sel.keys != nil && sel.keys.Of == nil && len(sel.t.Key) > 0 && slices.Equal(sel.keys.Fields, sel.t.Key)
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

// sql returns the SELECT, with the number of the tuple and then extra columns behind those of the selection.
func (sel *selection) sql(resumed, limited bool, extra ...string) string {
	var b strings.Builder
	from := "main." + sel.t.name + " AS t"
	var where []string
	if sel.keys != nil {
		// The planner knows nothing of the sizes: seek each key where an index allows that, else look up
		// each row's.
		if sel.seekable() {
			from = "temp.lethe_keys AS k CROSS JOIN " + from
		} else {
			from += " CROSS JOIN temp.lethe_keys AS k"
		}
		// On the left stands what is referred to: its collation is that of the comparison.
		for i, f := range sel.match {
			where = append(where, "k.c"+strconv.Itoa(i)+" = "+f.compared())
		}
		extra = slices.Concat([]string{"k.n"}, extra)
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
		return sel.batch(""), last, err
	}
	key, err := sel.lastKey()
	return sel.batch(connectors.Cursor(key)), last, err
}

// batch ends the batch at hand.
func (sel *selection) batch(next connectors.Cursor) connectors.Batch {
	b := sel.builder.Batch(next)
	b.Tuples, sel.tuples = sel.tuples, nil
	return b
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
	if sel.keys != nil {
		sel.tuples = append(sel.tuples, stmt.ColumnInt(len(sel.columns)))
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
