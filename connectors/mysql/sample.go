package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strconv"

	"lethe/connectors"
	"lethe/connectors/internal/paging"
)

// sample reads blocks of rows. It reads none and reports whole if the table has no more rows than asked for.
func (s *source) sample(ctx context.Context, conn *sql.Conn, r *reader, q connectors.Query,
	yield func(connectors.Batch, error) bool) (whole bool, err error) {
	starts, err := s.blocks(ctx, conn, r.table, q.Sample)
	if err != nil || starts == nil {
		return err == nil, err
	}
	_, rows := connectors.Blocks(q.Sample)
	var at paging.Place
	hand := func() error {
		batch := r.builder.Batch(at.Cursor())
		if batch.Sampled = true; !yield(batch, nil) {
			return paging.ErrStop
		}
		return nil
	}
	for _, start := range starts {
		if !r.byInteger() || !at.Beyond(start) {
			at = start
		}
		err := stream(ctx, conn, r.statement(at, rows, ""), func(values []driver.Value) error {
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

// byInteger says that the primary key is one integer.
func (r *reader) byInteger() bool {
	return len(r.order) == 1 && r.columns[r.order[0]].kind == connectors.Integer
}

// blocks returns the places behind which the blocks of a sample begin, in key order; nil if the table is to
// be read whole.
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
		if starts, err := keys.numbers(ctx, conn, blocks, rows); err != nil || starts != nil {
			return starts, err
		}
	}
	return keys.ranks(ctx, conn, blocks, rows)
}

// numbers chooses blocks by the numbers of an integer key; nil if they are beyond int64, or an ENUM's.
func (r *reader) numbers(ctx context.Context, conn *sql.Conn, blocks, rows int) ([]paging.Place, error) {
	if r.table.ordinal[r.table.Key[0]] {
		return nil, nil
	}
	key, table := quoteName(r.table.Key[0]), quoteName(r.table.Name)
	beyond := false
	ask := func(query string) (numbers [2]int64, err error) {
		err = collect(ctx, conn, query, func(row []string) error {
			for i := range numbers {
				var err error
				if numbers[i], err = strconv.ParseInt(row[i], 10, 64); err != nil {
					beyond = true
				}
			}
			return nil
		})
		return numbers, err
	}
	ends, err := ask("SELECT MIN(" + key + "), MAX(" + key + ") FROM " + table)
	if err != nil || beyond {
		return nil, err
	}
	newest, err := ask(fmt.Sprintf("SELECT %[1]s, 0 FROM %[2]s ORDER BY %[1]s DESC LIMIT %[3]d, 1", key, table, rows))
	if err != nil || beyond {
		return nil, err
	}
	behind, err := connectors.Behind(ends[0], ends[1], newest[0], blocks, func(n int64) (int64, int64, error) {
		around, err := ask(fmt.Sprintf("SELECT (SELECT MAX(%[1]s) FROM %[2]s WHERE %[1]s <= %[3]d), (SELECT "+
			"MIN(%[1]s) FROM %[2]s WHERE %[1]s > %[3]d)", key, table, n))
		return around[0], around[1], err
	})
	if err != nil || beyond {
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
	err := collect(ctx, conn, "SELECT COUNT(*) FROM "+quoteName(r.table.Name), func(row []string) (err error) {
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

// keyAfter returns the place of the row that stands so many rows behind the next after a place; without a
// key if there is none.
func (r *reader) keyAfter(ctx context.Context, conn *sql.Conn, at paging.Place, skip int) (paging.Place, error) {
	var found paging.Place
	err := stream(ctx, conn, r.statement(at, 0, fmt.Sprintf(" LIMIT %d, 1", skip)), func(values []driver.Value) error {
		for i, c := range r.order {
			found.After = append(found.After, r.columns[r.order[i]].appendValue(nil, values[c]))
		}
		return nil
	})
	return found, err
}

// viewsQuery asks for the definitions, which are empty without the right SHOW VIEW.
const viewsQuery = `SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()`

// Views returns the views of the database. To see their definitions the user needs one right more: GRANT
// SHOW VIEW ON crm.* TO ...
func (s *source) Views(ctx context.Context) ([]connectors.View, error) {
	definitions := map[string]string{}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, s.fail("catalog", "", err)
	}
	defer func() { _ = conn.Close() }()
	err = collect(ctx, conn, viewsQuery, func(r []string) error {
		definitions[r[0]] = r[1]
		return nil
	})
	var tables []string
	if err == nil && len(definitions) > 0 {
		err = collect(ctx, conn, tablesQuery, func(r []string) error { tables = append(tables, r[0]); return nil })
	}
	if err != nil {
		return nil, s.fail("catalog", "", err)
	}
	return connectors.ResolveViews(definitions, tables, true), nil
}
