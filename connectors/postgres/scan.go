package postgres

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/paging"
)

// pageRows is how many rows a page has where the query leaves it open.
const pageRows = 10_000

// Scan reads page by page in key order, all pages of a table in one snapshot as far as the caller is quick enough (type
// snapshot). A query by keys is read in pieces of some thousand tuples, and a page of it is one statement: no transaction
// is open while the caller works.
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
		return because(ctx, err)
	}
	at, err := r.Place(q.After)
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
	pages := paging.NewPages(cmp.Or(q.MaxRows, pageRows))
	if len(r.table.Key) == 0 {
		pages = paging.Pages{} // one
	}
	for at.Piece < r.Pieces.Len() {
		rows, whole := 0, true
		text, params := r.statement(at, pages.Limit, "")
		err := stream(ctx, conn, text, params, func(values [][]byte) error {
			rows++
			if added, err := r.Add(&at, values); !added || !r.Builder.Full(q.MaxRows) {
				return err
			}
			whole = whole && r.Builder.Rows() == q.MaxRows
			return r.Hand(at, yield)
		})
		if err == nil && r.Builder.Rows() > 0 {
			err = r.Hand(at, yield)
		}
		if err != nil {
			return err
		}
		if pages.Next(rows, whole) {
			at = paging.Place{Piece: at.Piece + 1}
		}
	}
	return nil
}

// snapped reads a whole table that has a key.
func (r *reader) snapped(ctx context.Context, snap *snapshot, at paging.Place, q connectors.Query,
	yield func(connectors.Batch, error) bool) error {
	pages, lost := paging.NewPages(cmp.Or(q.MaxRows, pageRows)), 0
	for {
		rows, whole := 0, true
		err := snap.fetch(ctx, r, at, pages.Limit, func(values [][]byte) error {
			rows++ // the last one is handed out when the page has ended, so that nothing waits for the caller
			if added, err := r.Add(&at, values); !added || rows == pages.Limit || !r.Builder.Full(q.MaxRows) {
				return err
			}
			whole = whole && r.Builder.Rows() == q.MaxRows
			return r.Hand(at, yield)
		})
		if rows > 0 {
			lost = 0
		}
		if err != nil && err != paging.ErrStop && ctx.Err() == nil && snap.lost(err) && lost < lostMost {
			lost++
			continue
		}
		if snap.leave(); err == nil && r.Builder.Rows() > 0 {
			err = r.Hand(at, yield)
		}
		if err != nil {
			return because(ctx, err)
		}
		if pages.Next(rows, whole) {
			return nil
		}
	}
}

// reader writes the statements that read rows of one table, and puts what they return into batches.
type reader struct {
	*paging.Reader[*column]
	table *table
	by    []comparison // how the fields of the query's keys are compared
	whole bool         // the keys are the table's own, one integer each: a row's value tells which it answers
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
	for i, name := range q.Keys.Fields {
		c, other := t.columns[name], of.columns[fields[i]]
		switch {
		case c == nil:
			return nil, fmt.Errorf("no field %s: %w", name, connectors.ErrSchemaChanged)
		case other == nil:
			return nil, fmt.Errorf("no field %s in table %s: %w", fields[i], of.Name, connectors.ErrSchemaChanged)
		}
		r.by = append(r.by, c.compared(other))
		r.Match = append(r.Match, r.Need(c))
	}
	r.whole = q.Keys.Of == nil && slices.Equal(q.Keys.Fields, t.Key) && len(r.by) == 1 && r.by[0].of.whole(q.Keys.Tuples)
	r.Pieces, err = cut(q.Keys, r.by)
	return r, err
}

func newReader(t *table, q connectors.Query) (*reader, error) {
	rows, err := paging.NewReader(t.Table, t.columns, q.Fields)
	if err != nil {
		return nil, err
	}
	rows.Located = true
	return &reader{Reader: rows, table: t}, nil
}

// statement writes the SELECT that reads on from a place. With a lock it says of each row, at last, where it lies, but for
// partitioned tables.
func (r *reader) statement(at paging.Place, limit int, lock string) (text string, params [][]byte) {
	var fields []string
	for _, c := range r.Columns {
		fields = append(fields, "t."+quoteName(c.field.Name))
	}
	order := r.names(r.Order)
	keyed, from, where := r.Pieces != nil, "", []string{}
	switch {
	case keyed && r.whole:
		fields, params = append(fields, "0"), [][]byte{integers(r.Pieces.Of(at.Piece))}
		where = append(where, r.by[0].left+" "+r.by[0].equal+" ANY ($1::bigint[])")
	case keyed:
		keys, condition, values := joined(r.by, r.Pieces.Of(at.Piece), 1)
		fields, from, where, params = append(fields, "k.n"), ", "+keys, append(where, condition), values
		if len(order) == 0 { // a row that answers two tuples is known by where it is
			order, fields = []string{"t.tableoid", "t.ctid"}, append(fields, "t.tableoid::text || t.ctid::text")
		}
	}
	if lock != "" && !r.table.partitioned {
		fields = append(fields, "t.ctid")
	}
	if at.After != nil {
		places := make([]string, len(r.Order))
		for i, c := range r.Order {
			params = append(params, r.Columns[c].input(at.After[i]))
			places[i] = "$" + strconv.Itoa(len(params)) + "::text::" + r.Columns[c].typ
		}
		where = append(where, r.behind(order, places))
	}
	if keyed && !r.whole && len(order) > 0 {
		order = append(order, "k.n")
	}
	text = " FROM " + r.table.from() + " t" + from
	if len(where) > 0 {
		text += " WHERE " + strings.Join(where, " AND ")
	}
	if keyed && limit > 0 {
		fields, text, order = fenced(fields, text, order)
	}
	text = "SELECT " + strings.Join(fields, ", ") + text
	if len(order) > 0 {
		text += " ORDER BY " + strings.Join(order, ", ")
	}
	switch {
	case limit > 0:
		text += fmt.Sprintf(" LIMIT %d", limit)
	case at.Rows > 0:
		text += fmt.Sprintf(" OFFSET %d", at.Rows)
	}
	return text + lock, params
}

// fenced puts a SELECT into another one, which the server does not take apart (OFFSET 0): rows by keys are found before they
// are put in order and cut to a page. Where it thinks that they are many, it would otherwise go through the whole table in
// order, and at each row through the keys.
func fenced(fields []string, from string, order []string) (outer []string, fence string, by []string) {
	all := slices.Clone(fields)
	for _, o := range order {
		at := slices.Index(all, o)
		if at < 0 {
			at, all = len(all), append(all, o)
		}
		by = append(by, "q.f"+strconv.Itoa(at))
	}
	inner := make([]string, len(all))
	for i, f := range all {
		inner[i] = f + " AS f" + strconv.Itoa(i)
	}
	for i := range fields {
		outer = append(outer, "q.f"+strconv.Itoa(i))
	}
	return outer, " FROM (SELECT " + strings.Join(inner, ", ") + from + " OFFSET 0) q", by
}

// behind compares the primary key as the server orders it: rows of values, of which it reads a range of the index, where
// one schema has the operators of all types.
func (r *reader) behind(names, places []string) string {
	first := r.Columns[r.Order[0]]
	if !slices.ContainsFunc(r.Order, func(c int) bool { return r.Columns[c].operators != first.operators }) {
		return "(" + strings.Join(names, ", ") + ") " + first.operator(">") + " (" + strings.Join(places, ", ") + ")"
	}
	var terms []string
	equal := ""
	for i, c := range r.Order {
		terms = append(terms, equal+names[i]+" "+r.Columns[c].operator(">")+" "+places[i])
		equal += names[i] + " " + r.Columns[c].operator("=") + " " + places[i] + " AND "
	}
	return "(" + strings.Join(terms, " OR ") + ")"
}

// names returns the quoted names of the fields of some columns.
func (r *reader) names(columns []int) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = "t." + quoteName(r.Columns[c].field.Name)
	}
	return names
}
