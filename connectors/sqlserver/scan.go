package sqlserver

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
	pageRows  = 10_000 // rows of a page where the query leaves it open
	firstRows = 500    // of the first page, before it is known how long they are
)

// errStop ends a stream whose reader has had enough.
var errStop = errors.New("stop")

// Scan reads page by page in key order. A page is one statement.
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
	if r.table.Unreadable != nil {
		return r.table.Unreadable
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
	most := cmp.Or(q.MaxRows, pageRows)
	limit := min(most, firstRows)
	if len(r.table.Key) == 0 {
		limit = 0 // none: rows that nothing tells apart come by one statement
	}
	for at.chunk < r.keys.chunks() {
		rows, whole, skip := 0, true, at.rows
		text, params := r.statement(at, limit, "")
		err := collect(ctx, s.db, text, params, func(values [][]byte) error {
			if rows++; limit == 0 && rows <= skip {
				return nil
			}
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
	tuples  []int // of the query's keys, that the rows of the batch at hand answer
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
	of, fields := t, q.Keys.Fields
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
		if c == nil || other == nil {
			return nil, fmt.Errorf("no field %s, or none of that name that it refers to: %w", name, connectors.ErrSchemaChanged)
		}
		how, err := c.compared(other)
		if err != nil {
			return nil, err
		}
		by = append(by, how)
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

// statement writes the SELECT that reads on from a place; hint is that of the table.
func (r *reader) statement(at place, limit int, hint string) (text string, params []any) {
	var b strings.Builder
	if r.table.memory { // which sessions in snapshots may not read, but for a hint
		b.WriteString("SET TRANSACTION ISOLATION LEVEL READ COMMITTED; ")
		hint = " WITH (SNAPSHOT)"
	}
	b.WriteString("SELECT ")
	if limit > 0 {
		fmt.Fprintf(&b, "TOP (%d) ", limit)
	}
	outputs := make([]string, len(r.columns))
	for i, c := range r.columns {
		outputs[i] = c.output()
	}
	if r.keys != nil {
		outputs = append(outputs, "CONVERT(varchar(20), k.n)")
	}
	b.WriteString(strings.Join(outputs, ", ") + " FROM " + r.table.from() + " t" + hint)
	param := func(v string) string {
		params = append(params, v)
		return "@p" + strconv.Itoa(len(params))
	}
	glue := " WHERE "
	if r.keys != nil {
		keys, condition, list := r.keys.joined(at.chunk, "@p1")
		param(list)
		b.WriteString(" JOIN " + keys + " ON " + condition)
	}
	if at.after != nil {
		var terms []string
		equal := ""
		for i, c := range r.order {
			of := r.columns[c]
			value := of.input(param(of.param(at.after[i])))
			terms = append(terms, "("+equal+of.name()+" > "+value+")")
			equal += of.name() + " = " + value + " AND "
		}
		b.WriteString(glue + "(" + strings.Join(terms, " OR ") + ")")
	}
	if len(r.order) > 0 {
		var order []string
		for _, c := range r.order {
			order = append(order, r.columns[c].name())
		}
		if r.keys != nil {
			order = append(order, "k.n")
		}
		b.WriteString(" ORDER BY " + strings.Join(order, ", "))
	}
	return b.String(), params
}

// append adds a row to the batch and moves the place behind it. added is false if the row belongs to another piece of
// the keys, or was added before: the server gives it for each tuple that it answers.
func (r *reader) append(at *place, values [][]byte) (added bool, err error) {
	if len(r.order) == 0 {
		at.rows++
	} else if again, err := r.move(at, values); again || err != nil {
		return false, err
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
		v, err := r.columns[i].canonical(values[i])
		if err != nil {
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
		v, err := r.columns[c].canonical(values[c])
		if err != nil {
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
		v, err := r.columns[c].canonical(values[c])
		if err != nil {
			return "", false, err
		}
		r.key = keyset.Append(r.key, v)
	}
	return connectors.Key(r.key), true, nil
}

// sample reads blocks of rows, spread by counting along the key. It reads none and reports whole if the table has no more
// rows than asked for, or has no key.
func (s *source) sample(ctx context.Context, r *reader, q connectors.Query,
	yield func(connectors.Batch, error) bool) (whole bool, err error) {
	if len(r.order) == 0 {
		return true, nil
	}
	count, err := s.ask(ctx, "scan", "SELECT CONVERT(varchar(20), COUNT_BIG(*)) FROM "+r.table.from()+" t")
	if err != nil {
		return false, err
	}
	total, err := strconv.Atoi(count[0])
	if err != nil || total <= q.Sample {
		return true, err
	}
	blocks, rows := connectors.Blocks(q.Sample)
	var at place
	hand := func() error {
		batch := r.builder.Batch(at.cursor())
		if batch.Sampled = true; !yield(batch, nil) {
			return errStop
		}
		return nil
	}
	done := 0
	for i := range blocks {
		from := max((total-rows)*i/max(blocks-1, 1), done)
		text, params := r.statement(place{}, 0, "")
		text += fmt.Sprintf(" OFFSET %d ROWS FETCH NEXT %d ROWS ONLY", from, rows)
		err := collect(ctx, s.db, text, params, func(values [][]byte) error {
			if added, err := r.append(&at, values); !added || !r.builder.Full(q.MaxRows) {
				return err
			}
			return hand()
		})
		if err != nil {
			return false, err
		}
		done = from + rows
	}
	if r.builder.Rows() > 0 {
		return false, hand()
	}
	return false, nil
}
