package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"lethe/connectors"
	"lethe/connectors/internal/paging"
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
	var at paging.Place
	for _, start := range starts {
		if !r.byInteger() || !at.Beyond(start) {
			at = start
		}
		text, params := r.statement(at, rows, "")
		err := stream(ctx, conn, text, params, func(values [][]byte) error {
			if added, err := r.Add(&at, values); !added || !r.Builder.Full(q.MaxRows) {
				return err
			}
			return r.HandSample(at, yield)
		})
		if err != nil {
			return false, err
		}
	}
	if r.Builder.Rows() > 0 {
		return false, r.HandSample(at, yield)
	}
	return false, nil
}

// byInteger says that the primary key is one integer.
func (r *reader) byInteger() bool {
	return len(r.Order) == 1 && r.Columns[r.Order[0]].field.Kind == connectors.Integer
}

// blocks returns the places behind which the blocks of a sample begin, in key order; nil if the table is to be read
// whole.
func (s *source) blocks(ctx context.Context, conn *sql.Conn, t *table, sample int) ([]paging.Place, error) {
	if len(t.Key) == 0 {
		return nil, nil
	}
	keys, err := newReader(t, connectors.Query{Table: t.Name, Fields: []string{}})
	if err != nil {
		return nil, err
	}
	blocks, rows := connectors.Blocks(sample)
	more, err := keys.keyAfter(ctx, conn, paging.Place{}, sample)
	if err != nil || more.After == nil {
		return nil, err
	}
	if keys.byInteger() {
		return keys.numbers(ctx, conn, blocks, rows)
	}
	return keys.ranks(ctx, conn, blocks, rows)
}

// numbers chooses blocks by the numbers of an integer key.
func (r *reader) numbers(ctx context.Context, conn *sql.Conn, blocks, rows int) ([]paging.Place, error) {
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
	if r.Columns[r.Order[0]].base == "oid" {
		bare = key
	}
	newest, err := ask(fmt.Sprintf("SELECT %[1]s, 0 FROM %[2]s ORDER BY %[1]s DESC LIMIT 1 OFFSET %[3]d", bare, table, rows))
	if err != nil {
		return nil, err
	}
	behind, err := connectors.Behind(ends[0], ends[1], newest[0], blocks, func(n int64) (int64, int64, error) {
		around, err := ask(fmt.Sprintf("SELECT (SELECT MAX(%[1]s) FROM %[2]s WHERE %[1]s <= %[3]d), (SELECT "+
			"MIN(%[1]s) FROM %[2]s WHERE %[1]s > %[3]d)", bare, table, n))
		return around[0], around[1], err
	})
	if err != nil {
		return nil, err
	}
	places := []paging.Place{{}}
	for _, n := range behind {
		places = append(places, paging.Place{After: [][]byte{strconv.AppendInt(nil, n, 10)}})
	}
	return places, nil
}

// ranks finds the starts of blocks by counting along the primary key.
func (r *reader) ranks(ctx context.Context, conn *sql.Conn, blocks, rows int) ([]paging.Place, error) {
	total := 0
	err := collect(ctx, conn, "SELECT COUNT(*) FROM "+r.table.from()+" t", nil, func(row []string) (err error) {
		total, err = strconv.Atoi(row[0])
		return err
	})
	if err != nil {
		return nil, err
	}
	return connectors.Ranks(paging.Place{}, total, blocks, rows, func(at paging.Place, skip int) (paging.Place, bool, error) {
		found, err := r.keyAfter(ctx, conn, at, skip)
		return found, found.After != nil, err
	})
}

// keyAfter returns the place of the row that stands so many rows behind the next after a place; without a key if there is
// none.
func (r *reader) keyAfter(ctx context.Context, conn *sql.Conn, at paging.Place, skip int) (found paging.Place, err error) {
	text, params := r.statement(at, 1, fmt.Sprintf(" OFFSET %d", max(0, skip)))
	err = stream(ctx, conn, text, params, func(values [][]byte) error {
		_, err := r.Move(&found, values)
		return err
	})
	return found, err
}
