package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"lethe/connectors"
	"lethe/connectors/internal/readback"
)

// change is what one query of a mutation read, and what edit made of it.
type change struct {
	sel    *selection
	batch  connectors.Batch
	asked  []int            // number of each tuple of the query
	keys   []connectors.Key // of each row
	rowids []int64          // of each row, in a table that has them
	ops    []connectors.Op
	values []map[int]value // for each row, by field
}

// value is a new value of a field.
type value struct {
	bytes []byte
	null  bool
}

// lock reads all rows of a query; the transaction holds the write lock already.
func (m *mutator) lock(q connectors.Query) (_ *change, err error) {
	sel, err := m.choose(m.writer, q)
	if err != nil {
		return nil, err
	}
	if len(sel.key) == 0 {
		return nil, fmt.Errorf("rows of a table without a key cannot be changed in place: %w", errors.ErrUnsupported)
	}
	if q.Keys == nil {
		return nil, fmt.Errorf("the query names no keys: %w", connectors.ErrConfig)
	}
	ch := &change{sel: sel}
	if ch.asked, err = sel.putKeys(m.writer); err != nil {
		return nil, err
	}
	var extra []string
	if sel.t.rowid != "" {
		extra = []string{"t." + sel.t.rowid}
	}
	stmt, _, err := m.writer.Prepare(sel.sql(false, false, extra...))
	if err != nil {
		return nil, err
	}
	for stmt.Step() {
		sel.appendRow(stmt)
		key, err := sel.lastKey()
		if err != nil {
			return nil, errors.Join(err, stmt.Close())
		}
		ch.keys = append(ch.keys, key)
		if sel.t.rowid != "" {
			ch.rowids = append(ch.rowids, stmt.ColumnInt64(len(sel.columns)+1))
		}
	}
	if err := finish(stmt); err != nil {
		return nil, err
	}
	ch.batch = sel.batch("")
	return ch, m.writer.Exec(dropKeys)
}

// take keeps what edit answered, whose arrays are valid only until the next call of edit.
func (ch *change) take(edit connectors.Edit) error {
	ch.ops = make([]connectors.Op, len(ch.keys))
	copy(ch.ops, edit.Ops)
	ch.values = make([]map[int]value, len(ch.keys))
	for _, set := range edit.Set {
		f := ch.sel.t.field(set.Field)
		if f < 0 {
			return fmt.Errorf("no field %s: %w", set.Field, connectors.ErrSchemaChanged)
		}
		if ch.sel.t.Fields[f].Generated {
			return fmt.Errorf("field %s is computed and cannot be set: %w", set.Field, connectors.ErrConfig)
		}
		for row, given := range set.Rows {
			if !given {
				continue
			}
			if ch.values[row] == nil {
				ch.values[row] = map[int]value{}
			}
			ch.values[row][f] = value{bytes: slices.Clone(set.Values.Value(row)), null: set.Values.IsNull(row)}
		}
	}
	return nil
}

// outcomes says what becomes of the keys asked for, or of the rows read where the query names other fields.
func (ch *change) outcomes() []connectors.Outcome {
	status := map[int]connectors.Status{}
	var outcomes []connectors.Outcome
	for row, op := range ch.ops {
		st := connectors.Left
		if op != connectors.Leave {
			st = connectors.Done
		}
		status[ch.batch.Tuples[row]] = st
		outcomes = append(outcomes, connectors.Outcome{Table: ch.sel.t.Name, Key: ch.keys[row], Status: st})
	}
	if !ch.sel.byKey() {
		return outcomes
	}
	outcomes = nil
	for i, key := range ch.sel.keys.Tuples {
		st, found := status[ch.asked[i]]
		if !found {
			st = connectors.Gone
		}
		outcomes = append(outcomes, connectors.Outcome{Table: ch.sel.t.Name, Key: key, Status: st})
	}
	return outcomes
}

// DefersForeignKeys says that a Mutate checks foreign keys when all is done.
func (m *mutator) DefersForeignKeys() bool { return true }

// apply applies the changes, the last query's first, so that confirm is asked only about what will be
// committed.
func (m *mutator) apply(ctx context.Context, changes []*change) error {
	if err := m.writer.Exec("PRAGMA defer_foreign_keys=ON"); err != nil { // to the end of the transaction
		return m.fail(ctx, "mutate", "", err)
	}
	for _, ch := range slices.Backward(changes) {
		if err := ch.apply(m.writer); err != nil {
			return m.fail(ctx, "mutate", ch.sel.t.Name, err)
		}
	}
	dangling, _, err := m.writer.Status(sqlite3.DBSTATUS_DEFERRED_FKS, false)
	if err == nil && dangling != 0 {
		err = &connectors.RefusedError{Class: connectors.RefusedForeignKey}
	}
	if err != nil {
		return m.fail(ctx, "mutate", "", err)
	}
	return nil
}

// apply deletes and updates row by row: by rowid, or by key in a table without rowids.
func (ch *change) apply(c *sqlite3.Conn) (err error) {
	w := ch.writing(c)
	defer func() { err = errors.Join(err, w.close()) }()
	for row := range ch.ops {
		if err := w.row(row); err != nil {
			return err
		}
	}
	return nil
}

// writing are the statements of a change on a connection.
type writing struct {
	*change
	conn     *sqlite3.Conn
	where    string
	prepared map[string]*sqlite3.Stmt
}

func (ch *change) writing(c *sqlite3.Conn) *writing {
	return &writing{change: ch, conn: c, where: ch.where(), prepared: map[string]*sqlite3.Stmt{}}
}

func (w *writing) close() error {
	var errs []error
	for _, stmt := range w.prepared {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(errs...)
}

// row deletes or updates one row, or leaves it.
func (w *writing) row(row int) (err error) {
	op, t := w.ops[row], w.sel.t
	if op == connectors.Leave || op == connectors.Update && len(w.values[row]) == 0 {
		return nil
	}
	sql := "DELETE FROM main." + t.name + w.where
	var set []int
	if op == connectors.Update {
		set = slices.Sorted(maps.Keys(w.values[row]))
		var assign []string
		for _, f := range set {
			assign = append(assign, t.columns[f].name+" = ?")
		}
		sql = updateOf(t, assign) + w.where
	}
	stmt := w.prepared[sql]
	if stmt == nil {
		if stmt, _, err = w.conn.Prepare(sql); errors.Is(err, sqlite3.ERROR) { // of a trigger: what it needs is not here
			return fmt.Errorf("%s: %w", err, w.refused(connectors.RefusedTrigger))
		} else if err != nil {
			return err
		}
		w.prepared[sql] = stmt
	}
	if err := w.bind(stmt, row, set); err != nil {
		return err
	}
	if err := stmt.Exec(); err != nil {
		return err
	}
	switch n := w.conn.Changes(); {
	case n == 0 && op == connectors.Delete: // another edit took it along, or a trigger ignored it: read again
	case n == 0: // a trigger ignored it, or another edit took the row
		return fmt.Errorf("no row changed where one was meant: %w", w.refused(connectors.RefusedTrigger))
	case n > 1: // the key is not unique under its collation
		return fmt.Errorf("%d rows changed where one was meant: %w", n, w.refused(connectors.RefusedOther))
	}
	return nil
}

// updateOf begins the statement that sets fields of a row. Whatever conflict clause a constraint was declared with (a
// REPLACE deletes the other row, a NULL becomes the default, an IGNORE or FAIL leaves half of it done), and those of
// what triggers do at the update: it is refused, and all as it was. Deletes know no such word, and foreign key actions
// abort by themselves.
func updateOf(t *table, assign []string) string {
	return "UPDATE OR ABORT main." + t.name + " SET " + strings.Join(assign, ", ")
}

func (ch *change) refused(class connectors.RefusedClass) error {
	return &connectors.RefusedError{Class: class, By: ch.sel.t.Name}
}

// readBack refuses if rows are not as they were written: a trigger may do anything. One that is not there was taken
// along by another edit.
func (m *mutator) readBack(q readback.Query) error {
	ch, err := m.lock(q.Query)
	if err != nil {
		return err
	}
	return q.Check(ch.batch)
}

// where is the condition that addresses one row.
func (ch *change) where() string {
	t := ch.sel.t
	if t.rowid != "" {
		return " WHERE " + t.rowid + " = ?"
	}
	var equal []string
	for _, f := range ch.sel.key {
		equal = append(equal, t.columns[f].name+" = ?")
	}
	return " WHERE " + strings.Join(equal, " AND ")
}

// bind gives a statement of apply the new values of the fields in set and the address of the row.
func (ch *change) bind(stmt *sqlite3.Stmt, row int, set []int) error {
	for i, f := range set {
		var err error
		if v := ch.values[row][f]; v.null {
			err = stmt.BindNull(i + 1)
		} else {
			err = ch.sel.t.columns[f].bind(stmt, i+1, v.bytes)
		}
		if err != nil {
			return err
		}
	}
	if ch.sel.t.rowid != "" {
		return stmt.BindInt64(len(set)+1, ch.rowids[row])
	}
	values, err := ch.keys[row].Values()
	if err != nil {
		return err
	}
	for i, v := range values {
		if err := ch.sel.keyColumn(i).bind(stmt, len(set)+1+i, v); err != nil {
			return err
		}
	}
	return nil
}
