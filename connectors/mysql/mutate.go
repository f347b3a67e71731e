package mysql

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"lethe/connectors"
	"lethe/connectors/internal/locked"
	"lethe/connectors/internal/paging"
	"lethe/connectors/internal/readback"
)

// Mutate runs one READ COMMITTED transaction: SELECT ... FOR UPDATE by keys, then UPDATE and DELETE by the
// primary keys just read. If the connection is lost during COMMIT the error wraps ErrTransient and what was
// done is unknown: asking again tells. Tables of an engine that cannot roll back (MyISAM), and those whose
// deleted rows the server keeps (WITH SYSTEM VERSIONING), are errors.ErrUnsupported.
func (m *mutable) Mutate(ctx context.Context, queries []connectors.Query, edit connectors.EditFunc,
	confirm func() error) ([]connectors.Outcome, error) {
	s := m.apply
	parts := make([]*part, len(queries))
	for i, q := range queries {
		p, err := s.newPart(ctx, q)
		if err != nil {
			return nil, s.fail("mutate", q.Table, err)
		}
		parts[i] = p
	}
	var outcomes []connectors.Outcome
	var written readback.Rows
	err := s.transact(ctx, "mutate", "", func(conn *sql.Conn) error {
		for _, p := range parts {
			if err := p.lock(ctx, conn); err != nil {
				return s.fail("mutate", p.query.Table, err)
			}
			p.batch = p.reader.batch("")
			answer, err := edit(p.batch)
			if err != nil {
				return err
			}
			if err := p.plan(&answer); err != nil {
				return s.fail("mutate", p.query.Table, err)
			}
			written.Add(p.rows.Table, p.rows.Keys, answer)
			more, err := p.rows.Outcomes(p.batch.Tuples, answer.Ops, func(key connectors.Key) (connectors.Key, error) {
				return p.find(ctx, conn, key)
			})
			if err != nil {
				return s.fail("mutate", p.query.Table, err)
			}
			outcomes = append(outcomes, more...)
		}
		gone, err := s.change(ctx, conn, parts, written.Deleted() > fewRows)
		if err != nil {
			return err
		}
		for _, q := range written.Queries(gone) {
			if err := s.readBack(ctx, conn, q); err != nil {
				return s.fail("mutate", q.Table, err)
			}
		}
		return confirm()
	})
	if err != nil {
		return nil, err
	}
	return outcomes, nil
}

// fewRows are read again at less effort than the server is asked whether they need to be.
const fewRows = 100

// change runs the statements, the last query's first. gone says that all rows which they delete are not there any more:
// each statement met all that it names, and this session wrote no other row meanwhile, by a trigger or whatever else the
// server runs along; nobody else can, as their keys are locked. It is false where ask is, or it is not known.
func (s *source) change(ctx context.Context, conn *sql.Conn, parts []*part, ask bool) (gone bool, err error) {
	for _, p := range parts {
		ask = ask && !slices.ContainsFunc(p.statements, func(st statement) bool { return st.verb != deleteFrom })
	}
	before, after := "", ""
	if ask {
		if before, err = rowsWritten(ctx, conn); err != nil {
			return false, s.fail("mutate", "", err)
		}
	}
	for _, p := range slices.Backward(parts) {
		for i := range p.statements {
			missed, err := p.run(ctx, conn, &p.statements[i])
			if err != nil {
				return false, s.fail("mutate", p.query.Table, err)
			}
			ask = ask && missed == 0
		}
	}
	if ask {
		if after, err = rowsWritten(ctx, conn); err != nil {
			return false, s.fail("mutate", "", err)
		}
	}
	return ask && before != "" && before == after, nil
}

// rowsWritten is how many rows the session has inserted and updated so far, as the server counts them: in tables of all
// engines, and by triggers too. "" where it does not say both. MySQL counts its own lists of such counts among them, so
// that it differs each time.
func rowsWritten(ctx context.Context, conn *sql.Conn) (counts string, err error) {
	n := 0
	err = collect(ctx, conn, "SHOW SESSION STATUS WHERE Variable_name IN ('Handler_update', 'Handler_write')", func(r []string) error {
		counts, n = counts+r[0]+" "+r[1]+" ", n+1
		return nil
	})
	if n != 2 {
		counts = ""
	}
	return counts, err
}

// readBack refuses if rows are not as they were written: a trigger may do anything.
func (s *source) readBack(ctx context.Context, conn *sql.Conn, q readback.Query) error {
	p, err := s.newPart(ctx, q.Query)
	if err != nil {
		return err
	}
	if err := p.lock(ctx, conn); err != nil {
		return err
	}
	return q.Check(p.reader.batch(""))
}

// transact runs do in a transaction, which is committed unless do fails. An error of do is returned as it is.
func (s *source) transact(ctx context.Context, op, table string, do func(*sql.Conn) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return s.fail(op, table, err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := exec(ctx, conn, "START TRANSACTION"); err != nil {
		return s.fail(op, table, err)
	}
	committed := false
	defer func() {
		if !committed {
			rollBack(ctx, conn)
		}
	}()
	if err := do(conn); err != nil {
		return err
	}
	if _, err := exec(ctx, conn, "COMMIT"); err != nil {
		return s.fail(op, table, err)
	}
	committed = true
	return nil
}

// rollBack ends the transaction, by closing the connection if nothing else works.
func rollBack(ctx context.Context, conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, err := exec(ctx, conn, "ROLLBACK"); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// part is what one query of a transaction read, and the statements that its edit became.
type part struct {
	query      connectors.Query
	reader     *reader
	key        []int // the columns with the primary key
	batch      connectors.Batch
	rows       *locked.Rows
	statements []statement
}

func (s *source) newPart(ctx context.Context, q connectors.Query) (*part, error) {
	r, err := s.reader(ctx, q)
	if err != nil {
		return nil, err
	}
	t := r.table
	switch {
	case len(t.Key) == 0: // said before what else hinders
	case !t.transactional:
		return nil, fmt.Errorf("the table's storage engine has no transactions: %w", errors.ErrUnsupported)
	case t.versioned:
		return nil, fmt.Errorf("the server keeps old versions of the table's rows (system versioning): %w",
			errors.ErrUnsupported)
	}
	rows, err := locked.New(q, t.Table, r.needAll)
	if err != nil {
		return nil, err
	}
	return &part{query: q, reader: r, key: r.needAll(t.Key), rows: rows}, nil
}

// lock reads the rows of the query's keys under lock, into the reader's batch.
func (p *part) lock(ctx context.Context, conn *sql.Conn) error {
	for piece := range p.reader.keys.chunks() {
		at := paging.Place{Piece: piece}
		err := stream(ctx, conn, p.reader.statement(at, 0, " FOR UPDATE"), func(values []driver.Value) error {
			if added, err := p.reader.append(&at, values); !added {
				return err
			}
			size := 0
			for _, v := range values {
				if b, ok := v.([]byte); ok {
					size += len(b)
				}
			}
			return p.rows.Add(size, func(places []int) (connectors.Key, error) {
				key, _ := p.reader.tuple(places, values)
				return key, nil
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// plan turns an edit into statements: first updates, so that references can be cut, then deletes. Rows that set the same
// values share an update; where values differ a CASE over the key tells them apart.
func (p *part) plan(edit *connectors.Edit) error {
	if err := p.rows.Check(edit); err != nil {
		return err
	}
	groups, err := p.rows.Groups(*edit, p.checked)
	if err != nil {
		return err
	}
	for _, g := range groups {
		most := keysAtOnce
		for _, set := range g.Set {
			if !sameFor(set, g.Rows) {
				most = caseRows
			}
		}
		for _, rows := range g.Cut(most, bytesAtOnce/2) { // as escaping doubles at the most
			p.update(g.Set, rows)
		}
	}
	for _, rows := range p.rows.Deletes(edit.Ops, keysAtOnce, keysAtOnce) {
		p.statements = append(p.statements, statement{verb: deleteFrom, rows: len(rows),
			text: quoteName(p.reader.table.Name) + " WHERE " + p.oneOf(rows...)})
	}
	return nil
}

// checked returns the check of values that a field is set to.
func (p *part) checked(field string) (func([]byte) error, error) {
	f, _ := p.reader.table.Field(field)
	return func(v []byte) error {
		_, err := literal(f.Kind, v)
		return err
	}, nil
}

// sameFor says whether some rows are set to one value.
func sameFor(set connectors.Assignment, rows []int) bool {
	return !slices.ContainsFunc(rows, func(row int) bool {
		null := set.Values.IsNull(row)
		return null != set.Values.IsNull(rows[0]) || !null && !bytes.Equal(set.Values.Value(row), set.Values.Value(rows[0]))
	})
}

// assigned is what a field is set to in a row, as SQL; the value has been checked.
func (p *part) assigned(set connectors.Assignment, row int) string {
	if set.Values.IsNull(row) {
		return "NULL"
	}
	f, _ := p.reader.table.Field(set.Field)
	text, _ := literal(f.Kind, set.Values.Value(row))
	return text
}

func (p *part) update(set []connectors.Assignment, rows []int) {
	var b strings.Builder
	b.WriteString(quoteName(p.reader.table.Name) + " SET ")
	for i, a := range set {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quoteName(a.Field) + " = ")
		if sameFor(a, rows) {
			b.WriteString(p.assigned(a, rows[0]))
			continue
		}
		b.WriteString("CASE")
		for _, row := range rows {
			b.WriteString(" WHEN " + p.oneOf(row) + " THEN " + p.assigned(a, row))
		}
		b.WriteString(" END")
	}
	for _, f := range p.reader.table.Fields {
		if f.AutoUpdate && !slices.ContainsFunc(set, func(a connectors.Assignment) bool { return a.Field == f.Name }) {
			b.WriteString(", " + quoteName(f.Name) + " = " + quoteName(f.Name))
		}
	}
	b.WriteString(" WHERE " + p.oneOf(rows...))
	p.statements = append(p.statements, statement{verb: "UPDATE ", text: b.String(), rows: len(rows)})
}

// oneOf names rows by the keys that were read.
func (p *part) oneOf(rows ...int) string {
	kinds := make([]connectors.Kind, len(p.key))
	for i, c := range p.key {
		kinds[i] = p.reader.columns[c].kind
	}
	tuples := make([]connectors.Key, len(rows))
	for i, row := range rows {
		tuples[i] = p.rows.Keys[row]
	}
	return oneOf(p.reader.names(p.key), kinds, tuples)
}

const deleteFrom = "DELETE FROM "

// statement is an UPDATE or DELETE with the number of rows it names.
type statement struct {
	verb, text string
	rows       int
}

// ofTrigger takes an error for that of a trigger, which refuses some rows, where the statement itself does not have it:
// the table is locked by now, so that it is there, and the server is asked whether this user may run the statement.
func (st *statement) ofTrigger(ctx context.Context, conn *sql.Conn, table string, err error) error {
	var server *mysql.MySQLError
	switch {
	case !errors.As(err, &server):
		return err
	case slices.Contains([]uint16{1146, 1305, 1356, 1449}, server.Number):
	case !slices.Contains([]uint16{1044, 1054, 1142, 1143, 1227, 1370}, server.Number):
		return err
	default:
		if collect(ctx, conn, "EXPLAIN "+st.verb+st.text, func([]string) error { return nil }) != nil {
			return err
		}
	}
	return fmt.Errorf("%w (error %d: what a trigger of the table takes is not there, or its account may not)",
		&connectors.RefusedError{Class: connectors.RefusedTrigger, By: table}, server.Number)
}

// run runs a statement, and returns how many rows it missed. Those that a delete misses are read again when all is done.
func (p *part) run(ctx context.Context, conn *sql.Conn, st *statement) (missed int, err error) {
	met, err := exec(ctx, conn, st.verb+st.text)
	if err != nil {
		return 0, st.ofTrigger(ctx, conn, p.query.Table, err)
	}
	missed, err = p.rows.Met(st.rows, met)
	if err == nil && missed > 0 && st.verb != deleteFrom {
		err = p.rows.Missed(missed)
	}
	return missed, err
}

// find returns the primary key, as stored, that the server holds equal to the given one; "" if there is none.
func (p *part) find(ctx context.Context, conn *sql.Conn, key connectors.Key) (found connectors.Key, err error) {
	r := p.reader
	q := "SELECT " + strings.Join(r.names(p.key), ", ") + " FROM " + quoteName(r.table.Name) + " WHERE " +
		oneOf(r.names(p.key), r.keys.kinds, []connectors.Key{key})
	err = stream(ctx, conn, q, func(values []driver.Value) error {
		parts := make([][]byte, len(values))
		for i, v := range values {
			parts[i] = r.columns[p.key[i]].appendValue(nil, v)
		}
		found = connectors.MakeKey(parts...)
		return nil
	})
	return found, err
}
