package sqlite

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"lethe/connectors"
)

// sample reads blocks of rows, until hand returns false. It reads none and reports whole if the table has
// no more rows than asked for.
func (sel *selection) sample(ctx context.Context, c *sqlite3.Conn, sample, limit int,
	hand func(connectors.Batch) bool) (whole bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	starts, err := sel.blocks(c, sample)
	if err != nil || starts == nil {
		return err == nil, err
	}
	_, rows := connectors.Blocks(sample)
	last := connectors.Cursor("")
	for _, after := range starts {
		if sel.overtaken(after, last) {
			after = last
		}
		for left := rows; left > 0; {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			batch, _, err := sel.page(c, after, min(left, limit))
			if err != nil || batch.Rows.NumRows() == 0 {
				if err != nil {
					return false, err
				}
				break
			}
			left -= int(batch.Rows.NumRows())
			after, last = batch.Next, batch.Next
			batch.Sampled = true
			if !hand(batch) {
				return false, nil
			}
		}
	}
	return false, nil
}

// overtaken says whether the rows read so far, up to last, reach beyond the start of a block. Only blocks
// chosen by number can be so close.
func (sel *selection) overtaken(start, last connectors.Cursor) bool {
	if !sel.byNumber() || last == "" {
		return false
	}
	from, _ := sel.number(start)
	to, _ := sel.number(last)
	return start == "" || from < to
}

// byNumber says whether rows stand in the order of one integer: the rowid, under that name or the key's.
func (sel *selection) byNumber() bool {
	return len(sel.key) == 0 || len(sel.key) == 1 && sel.t.rowid != "" &&
		strings.EqualFold(sel.t.Fields[sel.key[0]].Type, "INTEGER")
}

func (sel *selection) number(c connectors.Cursor) (int64, error) {
	values, err := connectors.Key(c).Values()
	if err != nil || len(values) != 1 {
		return 0, err
	}
	return strconv.ParseInt(string(values[0]), 10, 64)
}

// blocks returns the cursors behind which the blocks of a sample begin, in key order; nil if the table is
// to be read whole.
func (sel *selection) blocks(c *sqlite3.Conn, sample int) ([]connectors.Cursor, error) {
	blocks, each := connectors.Blocks(sample)
	more, err := sel.keyAfter(c, "", sample)
	if err != nil || more == "" {
		return nil, err
	}
	if !sel.byNumber() {
		return sel.ranks(c, blocks, each)
	}
	table, number := "main."+sel.t.name+" AS t", sel.order()[0]
	ask := func(sql string) (a, b int64, err error) {
		err = rows(c, sql, func(s *sqlite3.Stmt) { a, b = s.ColumnInt64(0), s.ColumnInt64(1) })
		return a, b, err
	}
	least, most, err := ask("SELECT (SELECT min(" + number + ") FROM " + table + "), (SELECT max(" + number +
		") FROM " + table + ")")
	if err != nil {
		return nil, err
	}
	newest, _, err := ask("SELECT " + number + ", 0 FROM " + table + " ORDER BY " + number + " DESC LIMIT 1 OFFSET " +
		strconv.Itoa(each))
	if err != nil {
		return nil, err
	}
	behind, err := connectors.Behind(least, most, newest, blocks, func(n int64) (int64, int64, error) {
		at := strconv.FormatInt(n, 10)
		return ask("SELECT (SELECT max(" + number + ") FROM " + table + " WHERE " + number + " <= " + at +
			"), (SELECT min(" + number + ") FROM " + table + " WHERE " + number + " > " + at + ")")
	})
	starts := []connectors.Cursor{""}
	for _, n := range behind {
		starts = append(starts, connectors.Cursor(connectors.MakeKey(strconv.AppendInt(nil, n, 10))))
	}
	return starts, err
}

// ranks finds the starts of blocks by counting along the index of the key.
func (sel *selection) ranks(c *sqlite3.Conn, blocks, each int) ([]connectors.Cursor, error) {
	total := 0
	if err := rows(c, "SELECT count(*) FROM main."+sel.t.name, func(s *sqlite3.Stmt) {
		total = s.ColumnInt(0)
	}); err != nil {
		return nil, err
	}
	return connectors.Ranks("", total, blocks, each, func(at connectors.Cursor, skip int) (connectors.Cursor, bool, error) {
		key, err := sel.keyAfter(c, at, skip)
		return key, key != "", err
	})
}

// keyAfter returns the cursor of the row that stands so many rows behind the next after a cursor; "" if
// there is none.
func (sel *selection) keyAfter(c *sqlite3.Conn, after connectors.Cursor, skip int) (key connectors.Cursor, err error) {
	narrow := *sel
	narrow.columns, narrow.fields, narrow.keyAt = nil, nil, nil
	for i, expr := range sel.order() {
		narrow.columns, narrow.keyAt = append(narrow.columns, expr), append(narrow.keyAt, i)
	}
	stmt, _, err := c.Prepare(narrow.sql(after != "", true) + " OFFSET " + strconv.Itoa(skip))
	if err != nil {
		return "", err
	}
	defer func() {
		if done := finish(stmt); err == nil {
			err = done
		}
	}()
	params := 0
	if after != "" {
		if params, err = narrow.bindCursor(stmt, after); err != nil {
			return "", err
		}
	}
	if err := stmt.BindInt(params+1, 1); err != nil {
		return "", err
	}
	if !stmt.Step() {
		return "", stmt.Err()
	}
	values := make([][]byte, len(narrow.keyAt))
	for k, at := range narrow.keyAt {
		value, _ := narrow.keyColumn(k).appendValue(nil, stmt, at)
		values[k] = slices.Clone(value)
	}
	return connectors.Cursor(connectors.MakeKey(values...)), nil
}

// Views returns the views of the database.
func (s *source) Views(ctx context.Context) ([]connectors.View, error) {
	c, err := s.acquire(ctx)
	if err != nil {
		return nil, s.fail(ctx, "catalog", "", err)
	}
	definitions := map[string]string{}
	var tables []string
	err = rows(c, `SELECT type, name, sql FROM sqlite_schema WHERE type IN ('table', 'view')`, func(s *sqlite3.Stmt) {
		if s.ColumnText(0) == "table" {
			tables = append(tables, s.ColumnText(1))
		} else {
			definitions[s.ColumnText(1)] = s.ColumnText(2)
		}
	})
	s.release(c, err == nil)
	if err != nil {
		return nil, s.fail(ctx, "catalog", "", err)
	}
	return connectors.ResolveViews(definitions, tables, false), nil
}
