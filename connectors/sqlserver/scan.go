package sqlserver

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/paging"
)

// pageRows is how many rows a page has where the query leaves it open.
const pageRows = 10_000

// Scan reads page by page in key order. A page is one statement.
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
	if r.table.Unreadable != nil {
		return r.table.Unreadable
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
	pages := paging.NewPages(cmp.Or(q.MaxRows, pageRows))
	if len(r.table.Key) == 0 {
		pages = paging.Pages{} // one: rows that nothing tells apart come by one statement
	}
	for at.Piece < r.Pieces.Len() {
		rows, whole, skip := 0, true, at.Rows
		text, params := r.statement(at, pages.Limit, "")
		err := collect(ctx, s.db, text, params, func(values [][]byte) error {
			if rows++; pages.Limit == 0 && rows <= skip {
				return nil
			}
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

// reader writes the statements that read rows of one table, and puts what they return into batches.
type reader struct {
	*paging.Reader[*column]
	table *table
	by    []comparison // how the fields of the query's keys are compared
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
	for i, name := range q.Keys.Fields {
		c, other := t.columns[name], of.columns[fields[i]]
		if c == nil || other == nil {
			return nil, fmt.Errorf("no field %s, or none of that name that it refers to: %w", name, connectors.ErrSchemaChanged)
		}
		how, err := c.compared(other)
		if err != nil {
			return nil, err
		}
		r.by = append(r.by, how)
		r.Match = append(r.Match, r.Need(c))
	}
	r.Pieces, err = cut(q.Keys, r.by)
	return r, err
}

func newReader(t *table, q connectors.Query) (*reader, error) {
	rows, err := paging.NewReader(t.Table, t.columns, q.Fields)
	if err != nil {
		return nil, err
	}
	return &reader{Reader: rows, table: t}, nil
}

// statement writes the SELECT that reads on from a place; hint is that of the table.
func (r *reader) statement(at paging.Place, limit int, hint string) (text string, params []any) {
	var b strings.Builder
	if r.table.memory { // which sessions in snapshots may not read, but for a hint
		b.WriteString("SET TRANSACTION ISOLATION LEVEL READ COMMITTED; ")
		hint = " WITH (SNAPSHOT)"
	}
	b.WriteString("SELECT ")
	if limit > 0 {
		fmt.Fprintf(&b, "TOP (%d) ", limit)
	}
	outputs := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		outputs[i] = c.output()
	}
	if r.Pieces != nil {
		outputs = append(outputs, "CONVERT(varchar(20), k.n)")
	}
	b.WriteString(strings.Join(outputs, ", ") + " FROM " + r.table.from() + " t" + hint)
	param := func(v string) string {
		params = append(params, v)
		return "@p" + strconv.Itoa(len(params))
	}
	glue := " WHERE "
	if r.Pieces != nil {
		keys, condition, list := joined(r.by, r.Pieces.Of(at.Piece), "@p1")
		param(list)
		b.WriteString(" JOIN " + keys + " ON " + condition)
	}
	if at.After != nil {
		var terms []string
		equal := ""
		for i, c := range r.Order {
			of := r.Columns[c]
			value := of.input(param(of.param(at.After[i])))
			terms = append(terms, "("+equal+of.name()+" > "+value+")")
			equal += of.name() + " = " + value + " AND "
		}
		b.WriteString(glue + "(" + strings.Join(terms, " OR ") + ")")
	}
	if len(r.Order) > 0 {
		var order []string
		for _, c := range r.Order {
			order = append(order, r.Columns[c].name())
		}
		if r.Pieces != nil {
			order = append(order, "k.n")
		}
		b.WriteString(" ORDER BY " + strings.Join(order, ", "))
	}
	return b.String(), params
}

// sample reads blocks of rows, spread by counting along the key. It reads none and reports whole if the table has no more
// rows than asked for, or has no key.
func (s *source) sample(ctx context.Context, r *reader, q connectors.Query,
	yield func(connectors.Batch, error) bool) (whole bool, err error) {
	if len(r.Order) == 0 {
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
	var at paging.Place
	done := 0
	for i := range blocks {
		from := max((total-rows)*i/max(blocks-1, 1), done)
		text, params := r.statement(paging.Place{}, 0, "")
		text += fmt.Sprintf(" OFFSET %d ROWS FETCH NEXT %d ROWS ONLY", from, rows)
		err := collect(ctx, s.db, text, params, func(values [][]byte) error {
			if added, err := r.Add(&at, values); !added || !r.Builder.Full(q.MaxRows) {
				return err
			}
			return r.HandSample(at, yield)
		})
		if err != nil {
			return false, err
		}
		done = from + rows
	}
	if r.Builder.Rows() > 0 {
		return false, r.HandSample(at, yield)
	}
	return false, nil
}
