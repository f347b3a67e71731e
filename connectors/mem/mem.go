// Package mem is a source that lives in memory: the smallest whole connector, and the one to copy. It can
// all that a connector may: it is read (Source), changed row by row (Mutator), written anew (Rewriter), and
// keeps copies (CopyKeeper, in copy.go). Text is compared byte by byte. This file is the connector;
// engine.go stands in for the database.
//
// A row never changes once it is in a Store: whoever changes a table makes new rows in a copy and puts the
// copy in place of the old. A database does that with a transaction and a dump with a temporary file, so
// the order of steps is the one to keep: find, read, ask edit, apply, check, confirm, replace.
package mem

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"lethe/connectors"
)

// Store is a source in memory. Changes wait for each other; readers wait for nobody.
type Store struct {
	name    string
	changes sync.Mutex // held by whoever changes the store, from reading to replacing
	mu      sync.Mutex // held while tables is looked at or replaced
	tables  []Table    // sorted by name, rows in key order
	views   []view     // of copies, sorted by name
}

// New makes a store named name that holds the tables.
func New(name string, tables ...Table) *Store {
	s := &Store{name: name}
	tables = copyTables(tables)
	slices.SortFunc(tables, func(a, b Table) int { return strings.Compare(a.Def.Name, b.Def.Name) })
	for i := range tables {
		tables[i].Def.Database = name
	}
	s.replace(tables)
	return s
}

// Close does nothing: the rows live as long as the Store.
func (s *Store) Close() error { return nil }

// Place is the store itself: in memory nothing else is the same.
func (s *Store) Place(context.Context) (string, error) { return fmt.Sprintf("%p", s), nil }

// Tables returns the catalog.
func (s *Store) Tables(ctx context.Context) ([]connectors.Table, error) {
	var catalog []connectors.Table
	for _, t := range s.now() {
		catalog = append(catalog, t.Def)
	}
	return catalog, ctx.Err()
}

// Scan reads the rows as they were when it began.
func (s *Store) Scan(ctx context.Context, queries ...connectors.Query) iter.Seq2[connectors.Batch, error] {
	return func(yield func(connectors.Batch, error) bool) {
		tables := s.now()
		for _, q := range queries {
			sel, err := find(tables, q)
			if err != nil {
				yield(connectors.Batch{}, s.fail("scan", q.Table, err))
				return
			}
			for batch := range sel.batches(q.MaxRows) {
				if err := ctx.Err(); err != nil {
					yield(connectors.Batch{}, s.fail("scan", q.Table, err))
					return
				}
				if !yield(batch, nil) {
					return
				}
			}
		}
	}
}

// Mutate changes the rows that the queries name.
func (s *Store) Mutate(ctx context.Context, queries []connectors.Query, edit connectors.EditFunc,
	confirm func() error) ([]connectors.Outcome, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	tables := copyTables(s.now())

	var outcomes []connectors.Outcome
	var apply []func() error
	for _, q := range queries {
		q.After = "" // which, like MaxRows, has no meaning here
		sel, err := find(tables, q)
		if err == nil {
			err = mutable(sel.table, q)
		}
		if err != nil {
			return nil, s.fail("mutate", q.Table, err)
		}
		answer, err := edit(sel.batch())
		if err != nil {
			return nil, err
		}
		rows, err := sel.edited(answer)
		if err != nil {
			return nil, s.fail("mutate", q.Table, err)
		}
		given := sel.given(answer)
		outcomes = append(outcomes, sel.outcomes(q, answer.Ops)...)
		apply = append(apply, func() error {
			sel.put(rows, given)
			return check(sel.table)
		})
	}
	for i := len(queries) - 1; i >= 0; i-- {
		if err := apply[i](); err != nil {
			return nil, s.fail("mutate", queries[i].Table, err)
		}
	}
	for _, q := range queries {
		if err := checkReferences(tables, q.Table); err != nil {
			return nil, s.fail("mutate", q.Table, err)
		}
	}
	if err := confirm(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, s.fail("mutate", "", err)
	}
	s.replace(tables)
	return outcomes, nil
}

// mutable refuses what Mutate cannot do at all.
func mutable(t *Table, q connectors.Query) error {
	if len(t.Def.Key) == 0 {
		return fmt.Errorf("rows of a table without a key cannot be changed in place: %w", errors.ErrUnsupported)
	}
	if q.Keys == nil {
		return fmt.Errorf("the query names no keys: %w", connectors.ErrConfig)
	}
	return nil
}

// DefersForeignKeys says that a Mutate checks foreign keys when all is done.
func (s *Store) DefersForeignKeys() bool { return true }

// Rewrite writes the tables anew. Like the writer of a dump it leaves references and unique fields to
// whoever loads the result.
func (s *Store) Rewrite(ctx context.Context, queries []connectors.Query, edit connectors.EditFunc,
	verify func(connectors.Source) error) (connectors.RewriteReport, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	before := fileState(s.name, s.now())
	report := connectors.RewriteReport{Before: before, After: before}
	tables := copyTables(s.now())
	touched := false
	for _, q := range queries {
		sel, err := find(tables, q)
		if err != nil {
			return connectors.RewriteReport{}, s.fail("rewrite", q.Table, err)
		}
		count := connectors.RewriteCount{Table: q.Table}
		for batch := range sel.batches(q.MaxRows) {
			if err := ctx.Err(); err != nil {
				return connectors.RewriteReport{}, s.fail("rewrite", q.Table, err)
			}
			answer, err := edit(batch)
			if err != nil {
				return connectors.RewriteReport{}, err
			}
			part := sel
			part.places = sel.places[count.Read : count.Read+batch.Rows.NumRows()]
			rows, err := part.edited(answer)
			if err != nil {
				return connectors.RewriteReport{}, s.fail("rewrite", q.Table, err)
			}
			for i, place := range part.places {
				sel.table.Rows[place] = rows[i]
			}
			count.Read += batch.Rows.NumRows()
			for _, op := range answer.Ops {
				switch op {
				case connectors.Update:
					count.Updated++
				case connectors.Delete:
					count.Deleted++
				}
			}
		}
		count.Left = count.Read - count.Updated - count.Deleted
		touched = touched || count.Left < count.Read
		report.Tables = append(report.Tables, count)
	}
	slices.SortFunc(report.Tables, func(a, b connectors.RewriteCount) int { return strings.Compare(a.Table, b.Table) })
	if !touched {
		return report, nil
	}
	written := New(s.name, tables...)
	if err := verify(written); err != nil {
		return connectors.RewriteReport{}, err
	}
	if err := ctx.Err(); err != nil {
		return connectors.RewriteReport{}, s.fail("rewrite", "", err)
	}
	s.replace(written.now())
	report.After = fileState(s.name, s.now())
	return report, nil
}

func (s *Store) fail(op, table string, err error) error {
	placed := &connectors.Error{Err: err}
	errors.As(err, &placed) // one that has a hint already
	return &connectors.Error{Op: op, Source: s.name, Table: table, Err: placed.Err, Hint: placed.Hint}
}

// selection is what a query asks for: some columns of the rows at some places of a table, in key order.
type selection struct {
	table   *Table
	columns []int
	places  []int
	tuples  []int // of each place, which of the query's keys it answers; nil without keys
	sampled bool  // places are a sample
	builder *connectors.Builder
}

func find(tables []Table, q connectors.Query) (selection, error) {
	t := named(tables, q.Table)
	if t == nil {
		return selection{}, fmt.Errorf("no such table: %w", connectors.ErrSchemaChanged)
	}
	builder, err := connectors.NewBuilder(t.Def, q.Fields)
	if err != nil {
		return selection{}, err
	}
	sel := selection{table: t, builder: builder}
	for _, f := range sel.builder.Batch("").Rows.Schema().Fields() {
		sel.columns = append(sel.columns, t.column(f.Name))
	}
	answers, err := t.answers(tables, q.Keys)
	if err != nil {
		return selection{}, err
	}
	first, err := t.behind(q.After)
	if err != nil {
		return selection{}, err
	}
	for place := first; place < len(t.Rows); place++ {
		if q.Keys == nil {
			sel.places = append(sel.places, place)
		} else if tuple := answers(t.Rows[place]); tuple >= 0 {
			sel.places, sel.tuples = append(sel.places, place), append(sel.tuples, tuple)
		}
	}
	if q.Sample > 0 && q.Keys == nil && q.After == "" && len(sel.places) > q.Sample && len(t.Def.Key) > 0 {
		sel.places, sel.sampled = sampled(sel.places, q.Sample), true
	}
	return sel, nil
}

// sampled keeps blocks of places at equal distances; the last block ends with the last place.
func sampled(places []int, sample int) []int {
	blocks, rows := connectors.Blocks(sample)
	var kept []int
	for i := range blocks {
		start := (len(places) - rows) * i / max(1, blocks-1)
		kept = append(kept, places[start:start+rows]...)
	}
	return kept
}

// batches makes batches of the selected rows.
func (sel selection) batches(maxRows int) iter.Seq[connectors.Batch] {
	return func(yield func(connectors.Batch) bool) {
		first := 0
		for i, place := range sel.places {
			sel.append(place)
			if sel.builder.Full(maxRows) || i == len(sel.places)-1 {
				batch := sel.builder.Batch(sel.table.cursor(place))
				batch.Sampled = sel.sampled
				if sel.tuples != nil {
					batch.Tuples, first = sel.tuples[first:i+1], i+1
				}
				if !yield(batch) {
					return
				}
			}
		}
	}
}

// batch makes one batch of all selected rows, also if there is none.
func (sel selection) batch() connectors.Batch {
	for _, place := range sel.places {
		sel.append(place)
	}
	batch := sel.builder.Batch("")
	batch.Tuples = sel.tuples
	return batch
}

func (sel selection) append(place int) {
	for i, c := range sel.columns {
		if v, ok := sel.table.Rows[place][c].(string); ok {
			sel.builder.Append(i, []byte(v))
		} else {
			sel.builder.AppendNull(i)
		}
	}
	sel.builder.EndRow()
}

// edited returns what becomes of the selected rows; nil stands for a deleted one.
func (sel selection) edited(edit connectors.Edit) ([]Row, error) {
	rows := make([]Row, len(sel.places))
	for i, place := range sel.places {
		switch opAt(edit.Ops, i) {
		case connectors.Leave:
			rows[i] = sel.table.Rows[place]
		case connectors.Update:
			rows[i] = slices.Clone(sel.table.Rows[place])
		}
	}
	for _, set := range edit.Set {
		c := sel.table.column(set.Field)
		if c < 0 {
			return nil, fmt.Errorf("no field %s: %w", set.Field, connectors.ErrSchemaChanged)
		}
		if sel.table.Def.Fields[c].Generated {
			return nil, fmt.Errorf("field %s is computed and cannot be set: %w", set.Field, connectors.ErrConfig)
		}
		for i, given := range set.Rows {
			switch {
			case !given:
			case set.Values.IsNull(i):
				rows[i][c] = nil
			default:
				rows[i][c] = string(set.Values.Value(i))
			}
		}
	}
	return rows, nil
}

// given are the places of the fields that an edit sets in each row; nil for a row that it leaves.
func (sel selection) given(edit connectors.Edit) [][]int {
	given := make([][]int, len(sel.places))
	for i := range given {
		if opAt(edit.Ops, i) != connectors.Leave {
			given[i] = []int{}
		}
	}
	for _, set := range edit.Set {
		for i, sets := range set.Rows {
			if sets {
				given[i] = append(given[i], sel.table.column(set.Field))
			}
		}
	}
	return given
}

// put applies edited rows: only what was given, since another query may have changed other fields of a row.
func (sel selection) put(rows []Row, given [][]int) {
	for i, place := range sel.places {
		if given[i] == nil {
			continue
		}
		if rows[i] == nil || sel.table.Rows[place] == nil {
			sel.table.Rows[place] = nil
			continue
		}
		row := slices.Clone(sel.table.Rows[place])
		for _, c := range given[i] {
			row[c] = rows[i][c]
		}
		sel.table.Rows[place] = row
	}
}

// outcomes says what the operations do, row by row, or key by key where the query names primary keys.
func (sel selection) outcomes(q connectors.Query, ops []connectors.Op) []connectors.Outcome {
	byRow := make([]connectors.Outcome, len(sel.places))
	status := map[connectors.Key]connectors.Status{}
	for i, place := range sel.places {
		byRow[i] = connectors.Outcome{Table: q.Table, Key: connectors.Key(sel.table.cursor(place)),
			Status: connectors.Left}
		if opAt(ops, i) != connectors.Leave {
			byRow[i].Status = connectors.Done
		}
		status[byRow[i].Key] = byRow[i].Status
	}
	if q.Keys.Of != nil || !slices.Equal(q.Keys.Fields, sel.table.Def.Key) {
		return byRow
	}
	byKey := make([]connectors.Outcome, len(q.Keys.Tuples))
	for i, key := range q.Keys.Tuples {
		byKey[i] = connectors.Outcome{Table: q.Table, Key: key, Status: connectors.Gone}
		if st, ok := status[key]; ok {
			byKey[i].Status = st
		}
	}
	return byKey
}

func opAt(ops []connectors.Op, i int) connectors.Op {
	if ops == nil {
		return connectors.Leave
	}
	return ops[i]
}
