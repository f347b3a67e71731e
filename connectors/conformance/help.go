package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/connectors/conformance/require"
)

const pageRows = 3 // small enough that every table of the suite has several pages

// page is a batch, copied.
type page struct {
	table string
	rows  [][]any
	next  connectors.Cursor
	part  bool // sampled
	// of each row of a query with keys; nil where rows are matched byte by byte
	tuples []int
}

func openNew(t T, h Harness, tables []Table) (connectors.Source, Store) {
	store := h.New(t, tables)
	return open(t, store), store
}

func open(t T, store Store) connectors.Source {
	src := store.Open(t)
	t.Cleanup(func() { require.NoError(t, src.Close()) })
	return src
}

// scan collects the pages of a scan that must succeed; it fails once there are more than twice the rows
// that the store holds.
func scan(t T, src connectors.Source, stored []Table, queries ...connectors.Query) []page {
	pages, err := tryScan(t, t.Context(), src, stored, queries...)
	require.NoError(t, err)
	return pages
}

func tryScan(t T, ctx context.Context, src connectors.Source, stored []Table,
	queries ...connectors.Query) (pages []page, err error) {
	limit := 10
	for _, table := range stored {
		limit += 2 * len(table.Rows)
	}
	for b, e := range src.Scan(ctx, queries...) {
		require.NoError(t, err, "the error is the last pair")
		if e != nil {
			require.Zero(t, b, "the batch beside an error is zero")
			err = e
			continue
		}
		p := copyBatch(t, b)
		pages = append(pages, p)
		limit -= max(1, len(p.rows))
		require.Positive(t, limit, "the scan of table %s does not end", b.Table)
	}
	return pages, err
}

func copyBatch(t T, b connectors.Batch) page {
	require.NotNil(t, b.Rows)
	p := page{table: b.Table, next: b.Next, part: b.Sampled, tuples: slices.Clone(b.Tuples)}
	for r := range int(b.Rows.NumRows()) {
		p.rows = append(p.rows, rowOf(t, b.Rows, r))
	}
	return p
}

func rowOf(t T, rows arrow.Record, r int) []any {
	row := make([]any, rows.NumCols())
	for c := range row {
		col, ok := rows.Column(c).(*array.Binary)
		require.True(t, ok, "column %d is a %T", c, rows.Column(c))
		if col.IsValid(r) {
			row[c] = string(col.Value(r))
		}
	}
	return row
}

// rowsOf joins the pages of one table.
func rowsOf(pages []page, table string) [][]any {
	var rows [][]any
	for _, p := range pages {
		if p.table == table {
			rows = append(rows, p.rows...)
		}
	}
	return rows
}

// requireRows compares rows in any order.
func requireRows(t T, want, got [][]any, msg ...any) {
	t.Helper()
	byText := func(a, b []any) int { return strings.Compare(fmt.Sprintf("%q", a), fmt.Sprintf("%q", b)) }
	require.Equal(t, append([][]any{}, slices.SortedFunc(slices.Values(want), byText)...),
		append([][]any{}, slices.SortedFunc(slices.Values(got), byText)...), msg...)
}

// requireStore checks that the store holds the tables and nothing else, reading it anew.
func requireStore(t T, store Store, want []Table) {
	t.Helper()
	src := store.Open(t)
	defer func() { require.NoError(t, src.Close()) }()
	requireSource(t, src, want)
}

func requireSource(t T, src connectors.Source, want []Table) {
	t.Helper()
	pages := scan(t, src, want, queriesFor(want, 0)...)
	for _, table := range want {
		requireRows(t, table.Rows, rowsOf(pages, table.Def.Name), "table %s", table.Def.Name)
	}
}

func queriesFor(tables []Table, maxRows int) []connectors.Query {
	var queries []connectors.Query
	for _, table := range tables {
		queries = append(queries, connectors.Query{Table: table.Def.Name, MaxRows: maxRows})
	}
	return queries
}

// tableNamed returns one of the tables.
func tableNamed(t T, tables []Table, name string) Table {
	i := slices.IndexFunc(tables, func(table Table) bool { return table.Def.Name == name })
	require.NotEqual(t, -1, i, "table %s", name)
	return tables[i]
}

// column returns the place of a field.
func (t Table) column(name string) int {
	return slices.IndexFunc(t.Def.Fields, func(f connectors.Field) bool { return f.Name == name })
}

func (t Table) fieldNames() []string {
	var names []string
	for _, f := range t.Def.Fields {
		names = append(names, f.Name)
	}
	return names
}

// key returns the values of some fields of a row; ok is false if one is NULL.
func (t Table) key(row []any, fields []string) (key connectors.Key, ok bool) {
	var values [][]byte
	for _, f := range fields {
		s, ok := row[t.column(f)].(string)
		if !ok {
			return "", false
		}
		values = append(values, []byte(s))
	}
	return connectors.MakeKey(values...), true
}

// with returns the tables as they are after change has been asked about each row of the named table: it
// returns the row's new values, or nil to delete it.
func with(tables []Table, name string, change func(row []any) []any) []Table {
	out := slices.Clone(tables)
	for i, table := range out {
		if table.Def.Name != name {
			continue
		}
		out[i].Rows = nil
		for _, row := range table.Rows {
			if row = change(slices.Clone(row)); row != nil {
				out[i].Rows = append(out[i].Rows, row)
			}
		}
	}
	return out
}

// keysOf makes keys of single-field tuples.
func keysOf(field string, values ...string) *connectors.Keys {
	k := &connectors.Keys{Fields: []string{field}}
	for _, v := range values {
		k.Tuples = append(k.Tuples, connectors.MakeKey([]byte(v)))
	}
	return k
}

// change is what an edit of the suite does with a row: nil leaves it, an empty map deletes it, else the
// fields get these values.
type change map[string]any

// editRows makes an Edit by asking about each row, given as the values of the batch's fields by name.
func editRows(t T, b connectors.Batch, decide func(row map[string]any) change) connectors.Edit {
	n := int(b.Rows.NumRows())
	changes := make([]change, n)
	edit := connectors.Edit{Ops: make([]connectors.Op, n)}
	var fields []string
	for r := range n {
		row := map[string]any{}
		for c, v := range rowOf(t, b.Rows, r) {
			row[b.Rows.ColumnName(c)] = v
		}
		changes[r] = decide(row)
		switch {
		case changes[r] == nil:
			edit.Ops[r] = connectors.Leave
		case len(changes[r]) == 0:
			edit.Ops[r] = connectors.Delete
		default:
			edit.Ops[r] = connectors.Update
		}
		for f := range changes[r] {
			if !slices.Contains(fields, f) {
				fields = append(fields, f)
			}
		}
	}
	slices.Sort(fields)
	for _, f := range fields {
		var col connectors.Column
		set := make([]bool, n)
		for r := range n {
			v, given := changes[r][f]
			set[r] = given
			if s, ok := v.(string); ok {
				col.Append([]byte(s))
			} else {
				col.AppendNull()
			}
		}
		edit.Set = append(edit.Set, connectors.Assignment{Field: f, Rows: set, Values: col.Array()})
	}
	return edit
}

// renamer returns an EditFunc that gives a field of every row the value old + "+", from buffers that each
// call uses anew.
func renamer(t T, field string) connectors.EditFunc {
	var col connectors.Column
	ops, set := make([]connectors.Op, 0, 100), make([]bool, 0, 100)
	return func(b connectors.Batch) (connectors.Edit, error) {
		col.Reset()
		ops, set = ops[:0], set[:0]
		at := b.Rows.Schema().FieldIndices(field)
		require.Len(t, at, 1)
		for r := range int(b.Rows.NumRows()) {
			old, _ := rowOf(t, b.Rows, r)[at[0]].(string)
			col.Append([]byte(old + "+"))
			ops, set = append(ops, connectors.Update), append(set, true)
		}
		return connectors.Edit{Ops: ops,
			Set: []connectors.Assignment{{Field: field, Rows: set, Values: col.Array()}}}, nil
	}
}

// renamed is what renamer makes of the first of the tables.
func renamed(tables []Table, field string) []Table {
	return with(tables, tables[0].Def.Name, func(row []any) []any {
		at := tables[0].column(field)
		old, _ := row[at].(string)
		row[at] = old + "+"
		return row
	})
}
