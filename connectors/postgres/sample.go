package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"lethe/connectors"
)

// sample reads blocks of rows. It reads none and reports whole if the table has no more rows than asked for.
func (s *source) sample(ctx context.Context, r *reader, q connectors.Query,
	yield func(connectors.Batch, error) bool) (whole bool, err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return false, because(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	starts, err := s.blocks(ctx, conn, r.table, q.Sample)
	if err != nil || starts == nil {
		return err == nil, err
	}
	_, rows := connectors.Blocks(q.Sample)
	var at place
	hand := func() error {
		batch := r.builder.Batch(at.cursor())
		batch.Sampled = true
		if !yield(batch, nil) {
			return errStop
		}
		return nil
	}
	for _, start := range starts {
		if !r.overtaken(start, at) {
			at = start
		}
		text, params := r.statement(at, rows, "")
		err := stream(ctx, conn, text, params, func(values [][]byte) error {
			if added, err := r.append(&at, values); !added || !r.builder.Full(q.MaxRows) {
				return err
			}
			return hand()
		})
		if err != nil {
			return false, err
		}
	}
	if r.builder.Rows() > 0 {
		return false, hand()
	}
	return false, nil
}

// overtaken says whether the rows read so far reach beyond the start of a block. Only blocks chosen by number can be so
// close.
func (r *reader) overtaken(start, at place) bool {
	if at.after == nil || start.after == nil || len(r.order) != 1 || r.columns[r.order[0]].field.Kind != connectors.Integer {
		return false
	}
	from, err := strconv.ParseInt(string(start.after[0]), 10, 64)
	to, beyond := strconv.ParseInt(string(at.after[0]), 10, 64)
	return err == nil && beyond == nil && from < to
}

// blocks returns the places behind which the blocks of a sample begin, in key order; nil if the table is to be read
// whole.
func (s *source) blocks(ctx context.Context, conn *sql.Conn, t *table, sample int) ([]place, error) {
	if len(t.Key) == 0 {
		return nil, nil
	}
	keys, err := newReader(t, connectors.Query{Table: t.Name, Fields: []string{}})
	if err != nil {
		return nil, err
	}
	blocks, rows := connectors.Blocks(sample)
	more, err := keys.keyAfter(ctx, conn, place{}, sample)
	if err != nil || more.after == nil {
		return nil, err
	}
	if len(keys.order) == 1 && keys.columns[keys.order[0]].field.Kind == connectors.Integer {
		return keys.numbers(ctx, conn, blocks, rows)
	}
	return keys.ranks(ctx, conn, blocks, rows)
}

// numbers chooses blocks by the numbers of an integer key.
func (r *reader) numbers(ctx context.Context, conn *sql.Conn, blocks, rows int) ([]place, error) {
	key, table := "t."+quoteName(r.table.Key[0])+"::bigint", r.table.from()+" t"
	bare := "t." + quoteName(r.table.Key[0])
	ask := func(query string) (numbers [2]int64, err error) {
		err = collect(ctx, conn, query, nil, func(row []string) error {
			for i := range numbers {
				if numbers[i], err = strconv.ParseInt(row[i], 10, 64); err != nil {
					return fmt.Errorf("choose a sample: rows went meanwhile: %w", connectors.ErrTransient)
				}
			}
			return nil
		})
		return numbers, err
	}
	ends, err := ask("SELECT MIN(" + bare + "), MAX(" + bare + ") FROM " + table)
	if err != nil {
		return nil, err
	}
	if r.columns[r.order[0]].base == "oid" {
		bare = key
	}
	starts, err := connectors.Spread(ends[0], ends[1], blocks-1, func(n int64) (int64, int64, error) {
		around, err := ask(fmt.Sprintf("SELECT (SELECT MAX(%[1]s) FROM %[2]s WHERE %[1]s <= %[3]d), (SELECT "+
			"MIN(%[1]s) FROM %[2]s WHERE %[1]s > %[3]d)", bare, table, n))
		return around[0], around[1], err
	})
	if err != nil {
		return nil, err
	}
	newest, err := ask(fmt.Sprintf("SELECT %[1]s, 0 FROM %[2]s ORDER BY %[1]s DESC LIMIT 1 OFFSET %[3]d", bare, table, rows))
	if err != nil {
		return nil, err
	}
	places := []place{{}}
	for _, n := range append(starts[1:], newest[0]+1) {
		if n-1 <= newest[0] {
			places = append(places, place{after: [][]byte{strconv.AppendInt(nil, n-1, 10)}})
		}
	}
	return places, nil
}

// ranks finds the starts of blocks by counting along the primary key.
func (r *reader) ranks(ctx context.Context, conn *sql.Conn, blocks, rows int) ([]place, error) {
	total := 0
	err := collect(ctx, conn, "SELECT COUNT(*) FROM "+r.table.from()+" t", nil, func(row []string) (err error) {
		total, err = strconv.Atoi(row[0])
		return err
	})
	if err != nil {
		return nil, err
	}
	places, rank := []place{{}}, 0
	for i := 1; i < blocks; i++ {
		next := (total - rows) * i / (blocks - 1)
		at, err := r.keyAfter(ctx, conn, places[len(places)-1], next-rank-1)
		if err != nil {
			return nil, err
		}
		if at.after == nil {
			break // rows went meanwhile
		}
		places, rank = append(places, at), next
	}
	return places, nil
}

// keyAfter returns the place of the row that stands so many rows behind the next after a place; without a key if there is
// none.
func (r *reader) keyAfter(ctx context.Context, conn *sql.Conn, at place, skip int) (found place, err error) {
	text, params := r.statement(at, 1, fmt.Sprintf(" OFFSET %d", max(0, skip)))
	err = stream(ctx, conn, text, params, func(values [][]byte) error {
		_, err := r.move(&found, values)
		return err
	})
	return found, err
}
