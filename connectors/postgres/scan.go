package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/keyset"
)

const (
	// rows of a page where the query leaves it open
	pageRows = 10_000
	// rows of the first page, before it is known how long they are
	firstRows = 500
)

// Scan reads page by page in key order, all pages of a table in one snapshot as far as the caller is quick enough (type
// snapshot). A query by keys is read in pieces of some thousand tuples, and a page of it is one statement: no transaction
// is open while the caller works.
func (s *source) Scan(ctx context.Context, queries ...connectors.Query) iter.Seq2[connectors.Batch, error] {
	return func(yield func(connectors.Batch, error) bool) {
		for _, q := range queries {
			switch err := s.scan(ctx, q, yield); {
			case err == errStop:
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
		return because(ctx, err)
	}
	at, err := r.parseCursor(q.After)
	if err != nil {
		return err
	}
	if q.Sample > 0 && q.Keys == nil && q.After == "" {
		if whole, err := s.sample(ctx, r, q, yield); err != nil || !whole {
			return err
		}
	}
	if q.Keys == nil && len(r.table.Key) > 0 {
		snap := &snapshot{source: s, table: r.table}
		defer snap.close(ctx)
		return r.snapped(ctx, snap, at, q, yield)
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return because(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	most := cmp.Or(q.MaxRows, pageRows)
	limit := min(most, firstRows)
	if len(r.table.Key) == 0 {
		limit = 0 // none
	}
	for at.chunk < r.keys.chunks() {
		rows, whole := 0, true
		text, params := r.statement(at, limit, "")
		err := stream(ctx, conn, text, params, func(values [][]byte) error {
			rows++
			if added, err := r.append(&at, values); !added || !r.builder.Full(q.MaxRows) {
				return err
			}
			whole = whole && r.builder.Rows() == q.MaxRows
			return r.yield(at, yield)
		})
		if err == nil && r.builder.Rows() > 0 {
			err = r.yield(at, yield)
		}
		switch {
		case err != nil:
			return err
		case limit == 0 || rows < limit:
			at = place{chunk: at.chunk + 1}
		case whole:
			limit = min(most, limit*8)
		default: // the values fill a batch before the page ends
			limit = max(1, limit/4)
		}
	}
	return nil
}

// snapped reads a whole table that has a key.
func (r *reader) snapped(ctx context.Context, snap *snapshot, at place, q connectors.Query,
	yield func(connectors.Batch, error) bool) error {
	most := cmp.Or(q.MaxRows, pageRows)
	limit, lost := min(most, firstRows), 0
	for {
		rows, whole := 0, true
		err := snap.fetch(ctx, r, at, limit, func(values [][]byte) error {
			rows++ // the last one is handed out when the page has ended, so that nothing waits for the caller
			if added, err := r.append(&at, values); !added || rows == limit || !r.builder.Full(q.MaxRows) {
				return err
			}
			whole = whole && r.builder.Rows() == q.MaxRows
			return r.yield(at, yield)
		})
		if rows > 0 {
			lost = 0
		}
		if err != nil && err != errStop && ctx.Err() == nil && snap.lost(err) && lost < lostMost {
			lost++
			continue
		}
		if snap.leave(); err == nil && r.builder.Rows() > 0 {
			err = r.yield(at, yield)
		}
		switch {
		case err != nil:
			return because(ctx, err)
		case rows < limit:
			return nil
		case whole:
			limit = min(most, limit*8)
		default: // the values fill a batch before the page ends
			limit = max(1, limit/4)
		}
	}
}

func (r *reader) yield(at place, yield func(connectors.Batch, error) bool) error {
	if !yield(r.batch(at.cursor()), nil) {
		return errStop
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
	columns []*column // of the statements: those of the batches, then those only the reader needs
	fields  int       // how many belong to the batches
	order   []int     // the columns of the primary key
	match   []int     // the columns that hold the fields of the query's keys
	keys    *keySet
	tuples  []int  // of the query's keys, that the rows of the batch at hand answer
	last    string // where the row before is, in a table without a key
	scratch []byte
	key     []byte
}

// reader makes the reader of a query.
func (s *source) reader(ctx context.Context, q connectors.Query) (*reader, error) {
	t, err := s.table(ctx, q.Table)
	if err != nil {
		return nil, err
	}
	r, err := newReader(t, q)
	if err != nil || q.Keys == nil {
		return r, err
	}
	of := t
	fields := q.Keys.Fields
	if q.Keys.Of != nil {
		if of, err = s.table(ctx, q.Keys.Of.Table); err != nil {
			return nil, fmt.Errorf("table %s, which is referred to: %w", q.Keys.Of.Table, err)
		}
		fields = q.Keys.Of.Fields
	}
	if len(fields) != len(q.Keys.Fields) {
		return nil, fmt.Errorf("keys of %d fields for %d: %w", len(fields), len(q.Keys.Fields), connectors.ErrConfig)
	}
	var by []comparison
	for i, name := range q.Keys.Fields {
		c, other := t.columns[name], of.columns[fields[i]]
		switch {
		case c == nil:
			return nil, fmt.Errorf("no field %s: %w", name, connectors.ErrSchemaChanged)
		case other == nil:
			return nil, fmt.Errorf("no field %s in table %s: %w", fields[i], of.Name, connectors.ErrSchemaChanged)
		}
		by = append(by, c.compared(other))
		r.match = append(r.match, r.need(c))
	}
	r.keys, err = newKeySet(q.Keys, by)
	return r, err
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
		r.columns = append(r.columns, t.columns[name])
	}
	r.fields = len(r.columns)
	r.order = r.needAll(t.Key)
	return r, nil
}

// need returns the place of a column, which is added if it is not among the columns yet.
func (r *reader) need(c *column) int {
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
		places[i] = r.need(r.table.columns[name])
	}
	return places
}

// place is where a scan stands: in which piece of the keys, and behind which row of it.
type place struct {
	chunk int
	rows  int      // in a table without a key: how many rows of the piece have been read
	after [][]byte // else: the last row's key; nil: before the first row
}

// cursor writes the place down.
func (p place) cursor() connectors.Cursor {
	parts := [][]byte{strconv.AppendInt(nil, int64(p.chunk), 10), strconv.AppendInt(nil, int64(p.rows), 10)}
	return connectors.Cursor(connectors.MakeKey(append(parts, p.after...)...))
}

func (r *reader) parseCursor(c connectors.Cursor) (place, error) {
	if c == "" {
		return place{}, nil
	}
	parts, err := connectors.Key(c).Values()
	if err == nil && len(parts) != 2+len(r.order) {
		err = fmt.Errorf("the cursor is not of this table's key: %w", connectors.ErrSchemaChanged)
	}
	if err != nil {
		return place{}, err
	}
	var p place
	if p.chunk, err = strconv.Atoi(string(parts[0])); err == nil {
		p.rows, err = strconv.Atoi(string(parts[1]))
	}
	if err != nil || p.chunk < 0 || p.rows < 0 {
		return place{}, errors.New("damaged cursor")
	}
	if len(r.order) > 0 {
		p.after = parts[2:]
		for i, c := range r.order {
			if beyond, err := r.columns[c].check(p.after[i]); beyond || err != nil {
				return place{}, errors.New("damaged cursor")
			}
		}
	}
	return p, nil
}

// statement writes the SELECT that reads on from a place.
func (r *reader) statement(at place, limit int, lock string) (text string, params [][]byte) {
	var b strings.Builder
	b.WriteString("SELECT ")
	for i, c := range r.columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("t." + quoteName(c.field.Name))
	}
	order := r.names(r.order)
	keyed := r.keys != nil
	if keyed {
		if len(r.columns) > 0 {
			b.WriteString(", ")
		}
		b.WriteString("k.n")
		if len(order) == 0 { // a row that answers two tuples is known by where it is
			order = []string{"t.tableoid", "t.ctid"}
			b.WriteString(", t.tableoid::text || t.ctid::text")
		}
	}
	b.WriteString(" FROM " + r.table.from() + " t")
	glue := " WHERE "
	if keyed {
		keys, condition, values := r.keys.joined(at.chunk, 1)
		b.WriteString(", " + keys + glue + condition)
		params, glue = values, " AND "
	}
	if at.after != nil {
		places := make([]string, len(r.order))
		for i, c := range r.order {
			params = append(params, r.columns[c].input(at.after[i]))
			places[i] = "$" + strconv.Itoa(len(params)) + "::text::" + r.columns[c].typ
		}
		b.WriteString(glue + r.behind(order, places))
	}
	if len(order) > 0 {
		b.WriteString(" ORDER BY " + strings.Join(order, ", "))
		if keyed {
			b.WriteString(", k.n")
		}
	}
	switch {
	case limit > 0:
		fmt.Fprintf(&b, " LIMIT %d", limit)
	case at.rows > 0:
		fmt.Fprintf(&b, " OFFSET %d", at.rows)
	}
	b.WriteString(lock)
	return b.String(), params
}

// behind compares the primary key as the server orders it: rows of values, of which it reads a range of the index, where
// one schema has the operators of all types.
func (r *reader) behind(names, places []string) string {
	first := r.columns[r.order[0]]
	if !slices.ContainsFunc(r.order, func(c int) bool { return r.columns[c].operators != first.operators }) {
		return "(" + strings.Join(names, ", ") + ") " + first.operator(">") + " (" + strings.Join(places, ", ") + ")"
	}
	var terms []string
	equal := ""
	for i, c := range r.order {
		terms = append(terms, equal+names[i]+" "+r.columns[c].operator(">")+" "+places[i])
		equal += names[i] + " " + r.columns[c].operator("=") + " " + places[i] + " AND "
	}
	return "(" + strings.Join(terms, " OR ") + ")"
}

// names returns the quoted names of the fields of some columns.
func (r *reader) names(columns []int) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = "t." + quoteName(r.columns[c].field.Name)
	}
	return names
}

// append adds a row to the batch and moves the place behind it. added is false if the row belongs to another piece of
// the keys, or was added before: the server gives it for each tuple that it answers.
func (r *reader) append(at *place, values [][]byte) (added bool, err error) {
	again := false
	if len(r.order) == 0 {
		at.rows++
		if r.keys != nil {
			where := string(values[len(values)-1])
			again, r.last = where == r.last, where
		}
	} else if again, err = r.move(at, values); err != nil {
		return false, err
	}
	if again {
		return false, nil
	}
	if r.keys != nil {
		own, _, err := r.tuple(r.match, values)
		if err != nil {
			return false, err
		}
		tuple, ok, err := r.keys.answer(at.chunk, own, values[len(r.columns)])
		if !ok {
			return false, err
		}
		r.tuples = append(r.tuples, tuple)
	}
	for i := range r.fields {
		if values[i] == nil {
			r.builder.AppendNull(i)
			continue
		}
		var v []byte
		if v, r.scratch, err = r.columns[i].canonical(values[i], r.scratch); err != nil {
			return false, fmt.Errorf("field %s: %w", r.columns[i].field.Name, err)
		}
		r.builder.Append(i, v)
	}
	r.builder.EndRow()
	return true, nil
}

// move sets the place behind a row, and reports whether it stood there already.
func (r *reader) move(at *place, values [][]byte) (again bool, err error) {
	again = at.after != nil
	if !again {
		at.after = make([][]byte, len(r.order))
	}
	for i, c := range r.order {
		var v []byte
		if v, r.scratch, err = r.columns[c].canonical(values[c], r.scratch); err != nil {
			return false, err
		}
		again = again && string(v) == string(at.after[i])
		at.after[i] = append(append(at.after[i][:0], v...), 0)[:len(v)] // never nil, which is NULL
	}
	return again, nil
}

// tuple returns the values of some columns; ok is false if one is NULL.
func (r *reader) tuple(columns []int, values [][]byte) (key connectors.Key, ok bool, err error) {
	r.key = r.key[:0]
	for _, c := range columns {
		if values[c] == nil {
			return "", false, nil
		}
		var v []byte
		if v, r.scratch, err = r.columns[c].canonical(values[c], r.scratch); err != nil {
			return "", false, err
		}
		r.key = keyset.Append(r.key, v)
	}
	return connectors.Key(r.key), true, nil
}
