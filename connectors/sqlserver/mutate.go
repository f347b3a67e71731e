package sqlserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/locked"
	"lethe/connectors/internal/paging"
	"lethe/connectors/internal/readback"
)

// locking keeps rows from being changed by others until the transaction ends.
const locking = " WITH (UPDLOCK, ROWLOCK)"

// Mutate runs one READ COMMITTED transaction: SELECT ... WITH (UPDLOCK) by keys, then UPDATE and DELETE joined to the
// primary keys just read, which say by OUTPUT which rows they met. A server checks foreign keys at the end of each
// statement, so that rows of one table that refer to each other in a ring go by one DELETE. If the connection is lost
// during COMMIT the error wraps ErrTransient and what was done is unknown: asking again tells.
func (m *mutable) Mutate(ctx context.Context, queries []connectors.Query, edit connectors.EditFunc,
	confirm func() error) ([]connectors.Outcome, error) {
	s := m.apply
	parts := make([]*part, len(queries))
	for i, q := range queries {
		p, err := s.newPart(ctx, q)
		if err != nil {
			return nil, s.fail("mutate", q.Table, because(ctx, err))
		}
		parts[i] = p
	}
	var outcomes []connectors.Outcome
	var written readback.Rows
	err := s.transact(ctx, func(tx *sql.Tx) error {
		for _, p := range parts {
			if err := p.lock(ctx, tx); err != nil {
				return s.fail("mutate", p.query.Table, err)
			}
			p.batch = p.reader.Batch("")
			answer, err := edit(p.batch)
			if err != nil {
				return err
			}
			if err := p.plan(&answer); err != nil {
				return s.fail("mutate", p.query.Table, err)
			}
			written.Add(p.rows.Table, p.rows.Keys, answer)
			more, err := p.rows.Outcomes(p.batch.Tuples, answer.Ops, func(key connectors.Key) (connectors.Key, error) {
				return p.find(ctx, tx, key)
			})
			if err != nil {
				return s.fail("mutate", p.query.Table, err)
			}
			outcomes = append(outcomes, more...)
		}
		if err := s.change(ctx, tx, parts, &written); err != nil {
			return err
		}
		return confirm()
	})
	if err != nil {
		return nil, err
	}
	return outcomes, nil
}

// transact runs do in a transaction, which is committed unless do fails. An error of do is returned as it is.
func (s *source) transact(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return s.fail("mutate", "", because(ctx, err))
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	if err := tx.Commit(); err != nil {
		return s.fail("mutate", "", because(ctx, err))
	}
	return nil
}

// change runs the statements, the last query's first, and reads what they changed again.
func (s *source) change(ctx context.Context, tx *sql.Tx, parts []*part, written *readback.Rows) error {
	var missed error // rows to update that were not met: what is read back says more
	for _, p := range slices.Backward(parts) {
		for _, st := range p.statements {
			less, err := p.run(ctx, tx, st)
			if err != nil {
				return s.fail("mutate", p.query.Table, err)
			}
			if less > 0 && !st.deletes && missed == nil {
				missed = s.fail("mutate", p.query.Table, p.rows.Missed(less))
			}
		}
	}
	for _, q := range written.Queries(false) {
		p, err := s.newPart(ctx, q.Query)
		if err == nil {
			err = p.lock(ctx, tx)
		}
		if err == nil {
			err = q.Check(p.reader.Batch(""))
		}
		if err != nil {
			return s.fail("mutate", q.Table, err)
		}
	}
	return missed
}

// part is what one query of a transaction read, and the statements that its edit became.
type part struct {
	query      connectors.Query
	reader     *reader
	key        []int // the columns with the primary key
	guard      int   // the column with the rowversion that changes name; -1 none
	batch      connectors.Batch
	rows       *locked.Rows
	versions   []string // their rowversions
	statements []*statement
}

func (s *source) newPart(ctx context.Context, q connectors.Query) (*part, error) {
	r, err := s.reader(ctx, q)
	if err != nil {
		return nil, err
	}
	t := r.table
	switch {
	case t.Unreadable != nil:
		return nil, t.Unreadable
	case t.fixed != "":
		return nil, fmt.Errorf("rows of the table cannot be changed in place, as %s: %w", t.fixed, errors.ErrUnsupported)
	}
	rows, err := locked.New(q, t.Table, r.NeedAll)
	if err != nil {
		return nil, err
	}
	p := &part{query: q, reader: r, key: r.Order, rows: rows, guard: -1}
	if t.guard != "" {
		p.guard = r.Need(t.columns[t.guard])
	}
	return p, nil
}

// lock reads the rows of the query's keys under lock, into the reader's batch.
func (p *part) lock(ctx context.Context, tx *sql.Tx) error {
	for piece := range p.reader.Pieces.Len() {
		at := paging.Place{Piece: piece}
		text, params := p.reader.statement(at, 0, locking)
		err := collect(ctx, tx, text, params, func(values [][]byte) error {
			if added, err := p.reader.Add(&at, values); !added {
				return err
			}
			if p.guard >= 0 {
				p.versions = append(p.versions, p.reader.Columns[p.guard].param(values[p.guard]))
			}
			size := 0
			for _, v := range values {
				size += len(v)
			}
			return p.rows.Add(size, func(places []int) (connectors.Key, error) {
				key, _, err := p.reader.Key(places, values)
				return key, err
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// plan turns an edit into statements: first updates, so that references can be cut, then deletes.
func (p *part) plan(edit *connectors.Edit) error {
	if err := p.rows.Check(edit); err != nil {
		return err
	}
	groups, err := p.rows.Groups(*edit, p.checked)
	if err != nil {
		return err
	}
	for _, g := range groups {
		for _, rows := range g.Cut(keysAtOnce, bytesAtOnce) {
			p.update(g.Set, rows)
		}
	}
	for _, rows := range p.rows.Deletes(edit.Ops, keysAtOnce, 0) {
		p.delete(rows)
	}
	return nil
}

// checked returns the check of values that a field is set to.
func (p *part) checked(field string) (func([]byte) error, error) {
	c := p.reader.table.columns[field]
	if c.identity {
		return nil, fmt.Errorf("the server numbers it (IDENTITY): %w", connectors.ErrConfig)
	}
	return c.holds, nil
}

// holds refuses a value that the column would not hold as it is.
func (c *column) holds(v []byte) error {
	_, err := c.check(v)
	if err == nil && (c.base == "char" || c.base == "varchar" || c.base == "text") {
		for _, b := range v {
			if b >= 0x80 { // what is not of the collation's characters the server writes as a question mark
				return fmt.Errorf("a text of other characters than ASCII for a field of one byte a character: %w",
					connectors.ErrRefused)
			}
		}
	}
	return err
}

// named are the columns by which rows are named: their keys, and their version where there is one.
func (p *part) named() (columns []*column) {
	for _, c := range p.key {
		columns = append(columns, p.reader.Columns[c])
	}
	if p.guard >= 0 {
		columns = append(columns, p.reader.Columns[p.guard])
	}
	return columns
}

// names are the values of those of a row, as it was read.
func (p *part) names(row int) (values []any) {
	key, _ := p.rows.Keys[row].Values() // made by tuple
	for i, v := range key {
		values = append(values, p.reader.Columns[p.key[i]].param(v))
	}
	if p.guard >= 0 {
		values = append(values, p.versions[row])
	}
	return values
}

// matches joins the rows to the first columns of k.
func matches(columns []*column) string {
	conditions := make([]string, len(columns))
	for i, c := range columns {
		conditions[i] = c.name() + " = k.c" + strconv.Itoa(i+1)
	}
	return strings.Join(conditions, " AND ")
}

// update sets fields of rows to the values of a list.
func (p *part) update(sets []connectors.Assignment, rows []int) {
	by := p.named()
	columns := slices.Clone(by)
	var assigned []string
	for _, set := range sets {
		columns = append(columns, p.reader.table.columns[set.Field])
		assigned = append(assigned, quoteName(set.Field)+" = k.c"+strconv.Itoa(len(columns)))
	}
	var l list
	for _, row := range rows {
		values := p.names(row)
		for i, set := range sets {
			if set.Values.IsNull(row) {
				values = append(values, nil)
			} else {
				values = append(values, columns[len(by)+i].param(set.Values.Value(row)))
			}
		}
		l.add(values...)
	}
	p.statements = append(p.statements, &statement{rows: len(rows), params: []any{l.text()},
		text: metDeclared + "UPDATE t SET " + strings.Join(assigned, ", ") + " OUTPUT k.n INTO @met FROM " +
			p.reader.table.from() + " t JOIN " + typed("@p1", columns, 0) + " ON " + matches(by) + metCounted})
}

// What a statement met is counted by what it puts out: a trigger would add to what the server counts.
const (
	metDeclared = "DECLARE @met TABLE (n int); "
	metCounted  = "; SELECT CONVERT(varchar(20), COUNT(*)) FROM @met"
)

func (p *part) delete(rows []int) {
	by := p.named()
	var l list
	for _, row := range rows {
		l.add(p.names(row)...)
	}
	p.statements = append(p.statements, &statement{rows: len(rows), deletes: true, params: []any{l.text()}, text: metDeclared +
		"DELETE t OUTPUT k.n INTO @met FROM " + p.reader.table.from() + " t JOIN " + typed("@p1", by, 0) + " ON " +
		matches(by) + metCounted})
}

// statement is an UPDATE or DELETE with the number of rows it names.
type statement struct {
	text    string
	params  []any
	rows    int
	deletes bool
}

// run runs a statement, and returns how many rows it missed.
func (p *part) run(ctx context.Context, tx *sql.Tx, st *statement) (missed int, err error) {
	met := -1
	err = collect(ctx, tx, st.text, st.params, func(values [][]byte) (err error) {
		met, err = strconv.Atoi(string(values[0]))
		return err
	})
	if err != nil {
		return 0, err
	}
	return p.rows.Met(st.rows, int64(met))
}

// find returns the primary key, as stored, that the server holds equal to the given one; "" if there is none.
func (p *part) find(ctx context.Context, tx *sql.Tx, key connectors.Key) (found connectors.Key, err error) {
	beyond, err := fits(p.query.Keys.Fields, p.reader.by, key)
	if err != nil || beyond {
		return "", err
	}
	joined, condition, text := joined(p.reader.by, []connectors.Key{key}, "@p1")
	only, outputs, places := &paging.Reader[*column]{}, make([]string, len(p.key)), make([]int, len(p.key))
	for i, c := range p.key {
		places[i], only.Columns, outputs[i] = i, append(only.Columns, p.reader.Columns[c]), p.reader.Columns[c].output()
	}
	err = collect(ctx, tx, "SELECT "+strings.Join(outputs, ", ")+" FROM "+p.reader.table.from()+" t JOIN "+joined+" ON "+
		condition, []any{text}, func(values [][]byte) (err error) {
		found, _, err = only.Key(places, values)
		return err
	})
	return found, err
}

// Foresee looks at the catalog, and asks the server for the rights of the user who changes.
func (m *mutable) Foresee(ctx context.Context, uses []connectors.Use) (found []connectors.Obstacle, err error) {
	if found, err = m.source.Foresee(ctx, uses); err != nil {
		return nil, err
	}
	tables, err := m.apply.Tables(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range uses {
		if !u.Changes() {
			continue
		}
		if more := connectors.Tables(tables).CheckUse(u, "apply_dsn"); len(more) > 0 {
			found = append(found, more...)
			continue
		}
		t, err := m.apply.table(ctx, u.Table)
		if err != nil {
			return nil, m.apply.fail("check", u.Table, err)
		}
		if t.fixed != "" {
			found = append(found, connectors.Obstacle{Table: u.Table, Kind: errors.ErrUnsupported, DSN: "apply_dsn",
				What: "its rows cannot be changed in place, as " + t.fixed})
			continue
		}
		if err := m.apply.lacks(ctx, t, u, &found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// lacks notes the rights on a table that the user does not have.
func (s *source) lacks(ctx context.Context, t *table, u connectors.Use, found *[]connectors.Obstacle) error {
	rights := []string{"SELECT"}
	if u.Delete {
		rights = append(rights, "DELETE")
	}
	if len(u.Update) > 0 {
		rights = append(rights, "UPDATE")
	}
	for _, right := range rights {
		row, err := s.ask(ctx, "check", "SELECT CONVERT(varchar(1), HAS_PERMS_BY_NAME(@p1, 'OBJECT', @p2)), CURRENT_USER", t.from(),
			right)
		if err != nil {
			return err
		}
		if row[0] != "1" {
			*found = append(*found, connectors.Obstacle{Table: t.Name, Kind: connectors.ErrDenied, DSN: "apply_dsn", User: row[1],
				What: "lacks " + right, Mend: "GRANT " + right + " ON " + t.from() + " TO " + quoteName(row[1])})
		}
	}
	return nil
}

// Foresee looks at the catalog.
func (s *source) Foresee(ctx context.Context, uses []connectors.Use) (found []connectors.Obstacle, err error) {
	tables, err := s.Tables(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range uses {
		found = append(found, connectors.Tables(tables).CheckUse(connectors.Use{Table: u.Table, Fields: u.Fields}, "dsn")...)
	}
	return found, nil
}
