package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"lethe/connectors"
	"lethe/connectors/internal/readback"
)

// lockedBytes is the size of values at which Mutate gives up on a transaction: its rows are held in memory,
// and a column of a batch ends at 2 GB.
const lockedBytes = 1 << 30

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
			if err := p.plan(answer); err != nil {
				return s.fail("mutate", p.query.Table, err)
			}
			written.Add(p.reader.table.Table, p.rows, answer)
			more, err := p.outcomes(ctx, conn, answer.Ops)
			if err != nil {
				return s.fail("mutate", p.query.Table, err)
			}
			outcomes = append(outcomes, more...)
		}
		for _, p := range slices.Backward(parts) {
			for i := range p.statements {
				if err := p.statements[i].run(ctx, conn); err != nil {
					return s.fail("mutate", p.query.Table, err)
				}
			}
		}
		for _, q := range written.Queries() {
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
	rows       []connectors.Key // the primary keys of the rows read
	self       []*selfReference
	statements []statement
}

// selfReference is a foreign key from a table to itself, with its values in the rows read; "" where one is
// NULL.
type selfReference struct {
	from, to         []int // columns
	fromKeys, toKeys []connectors.Key
}

func (s *source) newPart(ctx context.Context, q connectors.Query) (*part, error) {
	r, err := s.reader(ctx, q)
	if err != nil {
		return nil, err
	}
	t := r.table
	switch {
	case len(t.Key) == 0:
		return nil, fmt.Errorf("rows of a table without a key cannot be changed in place: %w", errors.ErrUnsupported)
	case !t.transactional:
		return nil, fmt.Errorf("the table's storage engine has no transactions: %w", errors.ErrUnsupported)
	case t.versioned:
		return nil, fmt.Errorf("the server keeps old versions of the table's rows (system versioning): %w",
			errors.ErrUnsupported)
	case q.Keys == nil:
		return nil, fmt.Errorf("the query names no keys: %w", connectors.ErrConfig)
	}
	p := &part{query: q, reader: r, key: r.needAll(t.Key)}
	for _, fk := range t.ForeignKeys {
		if fk.RefTable == t.Name {
			p.self = append(p.self, &selfReference{from: r.needAll(fk.Fields), to: r.needAll(fk.RefFields)})
		}
	}
	return p, nil
}

// lock reads the rows of the query's keys under lock, into the reader's batch.
func (p *part) lock(ctx context.Context, conn *sql.Conn) error {
	size := 0
	for chunk := range p.reader.keys.chunks() {
		at := place{chunk: chunk}
		err := stream(ctx, conn, p.reader.statement(at, 0, " FOR UPDATE"), func(values []driver.Value) error {
			if added, err := p.reader.append(&at, values); !added {
				return err
			}
			for _, v := range values {
				if b, ok := v.([]byte); ok {
					size += len(b)
				}
			}
			if size > lockedBytes {
				return fmt.Errorf("the rows of one transaction hold more than 1 GB, name fewer keys: %w",
					connectors.ErrConfig)
			}
			key, _ := p.reader.tuple(p.key, values)
			p.rows = append(p.rows, key)
			for _, ref := range p.self {
				from, _ := p.reader.tuple(ref.from, values)
				to, _ := p.reader.tuple(ref.to, values)
				ref.fromKeys, ref.toKeys = append(ref.fromKeys, from), append(ref.toKeys, to)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// plan turns an edit into statements: first updates, so that references can be cut, then deletes.
func (p *part) plan(edit connectors.Edit) error {
	if edit.Ops == nil {
		edit.Ops = make([]connectors.Op, len(p.rows))
	}
	if len(edit.Ops) != len(p.rows) {
		return fmt.Errorf("edit answers with %d operations for %d rows", len(edit.Ops), len(p.rows))
	}
	if err := p.planUpdates(edit); err != nil {
		return err
	}
	p.planDeletes(edit.Ops)
	return nil
}

// planUpdates groups the rows by the fields they set. Rows that set the same values share a statement;
// where values differ a CASE over the key tells them apart.
func (p *part) planUpdates(edit connectors.Edit) error {
	literals, err := p.setLiterals(edit)
	if err != nil {
		return err
	}
	groups := map[string][]int{}
	for row, op := range edit.Ops {
		mask := make([]byte, len(edit.Set))
		for i := range edit.Set {
			mask[i] = '0'
			if literals[i][row] != "" {
				mask[i] = '1'
			}
		}
		if op == connectors.Update && slices.Contains(mask, '1') {
			groups[string(mask)] = append(groups[string(mask)], row)
		}
	}
	for _, mask := range slices.Sorted(maps.Keys(groups)) {
		var set []assignment
		for i, given := range mask {
			if given == '1' {
				set = append(set, assignment{field: edit.Set[i].Field, literals: literals[i]})
			}
		}
		p.planGroup(set, groups[mask])
	}
	return nil
}

// assignment holds what a field is set to in each row of the batch, as SQL.
type assignment struct {
	field    string
	literals []string
}

func (a assignment) sameFor(rows []int) bool {
	return !slices.ContainsFunc(rows, func(row int) bool { return a.literals[row] != a.literals[rows[0]] })
}

// setLiterals checks the assignments and writes their values; "" stands where a row keeps what it has.
func (p *part) setLiterals(edit connectors.Edit) ([][]string, error) {
	literals := make([][]string, len(edit.Set))
	for i, set := range edit.Set {
		f, ok := p.reader.table.Field(set.Field)
		switch {
		case !ok:
			return nil, fmt.Errorf("no field %s: %w", set.Field, connectors.ErrSchemaChanged)
		case f.Generated:
			return nil, fmt.Errorf("field %s is computed and cannot be set: %w", set.Field, connectors.ErrConfig)
		case len(set.Rows) != len(p.rows) || set.Values.Len() != len(p.rows):
			return nil, fmt.Errorf("edit sets field %s in %d rows to %d values, but there are %d rows", set.Field,
				len(set.Rows), set.Values.Len(), len(p.rows))
		}
		literals[i] = make([]string, len(p.rows))
		for row, given := range set.Rows {
			switch {
			case !given:
				continue
			case edit.Ops[row] != connectors.Update:
				return nil, fmt.Errorf("edit sets field %s in a row that it does not update", set.Field)
			case set.Values.IsNull(row):
				literals[i][row] = "NULL"
				continue
			}
			text, err := literal(f.Kind, set.Values.Value(row))
			if err != nil {
				return nil, fmt.Errorf("new value of field %s: %w", set.Field, err)
			}
			literals[i][row] = text
		}
	}
	return literals, nil
}

// planGroup writes the statements for rows that set the same fields. A statement that changes the key names
// one row, as the assignments of a statement see each other's effect.
func (p *part) planGroup(set []assignment, rows []int) {
	most := keysAtOnce
	for _, a := range set {
		if slices.Contains(p.reader.table.Key, a.field) {
			most = 1
		} else if !a.sameFor(rows) {
			most = min(most, caseRows)
		}
	}
	start, size := 0, 0
	for i, row := range rows {
		if i-start == most || size > bytesAtOnce {
			p.update(set, rows[start:i])
			start, size = i, 0
		}
		for _, a := range set {
			size += len(a.literals[row])
		}
	}
	p.update(set, rows[start:])
}

func (p *part) update(set []assignment, rows []int) {
	var b strings.Builder
	b.WriteString(quoteName(p.reader.table.Name) + " SET ")
	for i, a := range set {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quoteName(a.field) + " = ")
		if a.sameFor(rows) {
			b.WriteString(a.literals[rows[0]])
			continue
		}
		b.WriteString("CASE")
		for _, row := range rows {
			b.WriteString(" WHEN " + p.oneOf(row) + " THEN " + a.literals[row])
		}
		b.WriteString(" END")
	}
	for _, f := range p.reader.table.Fields {
		if f.AutoUpdate && !slices.ContainsFunc(set, func(a assignment) bool { return a.field == f.Name }) {
			b.WriteString(", " + quoteName(f.Name) + " = " + quoteName(f.Name))
		}
	}
	b.WriteString(" WHERE " + p.oneOf(rows...))
	p.statements = append(p.statements, statement{verb: "UPDATE ", text: b.String(), rows: int64(len(rows)),
		table: p.reader.table.Name})
}

// oneOf names rows by the keys that were read.
func (p *part) oneOf(rows ...int) string {
	kinds := make([]connectors.Kind, len(p.key))
	for i, c := range p.key {
		kinds[i] = p.reader.columns[c].kind
	}
	tuples := make([]connectors.Key, len(rows))
	for i, row := range rows {
		tuples[i] = p.rows[row]
	}
	return oneOf(p.reader.names(p.key), kinds, tuples)
}

// planDeletes writes DELETE statements, rows that others refer to last. Those that refer to each other in a
// ring go together, and the engine decides.
func (p *part) planDeletes(ops []connectors.Op) {
	var rows []int
	for row, op := range ops {
		if op == connectors.Delete {
			rows = append(rows, row)
		}
	}
	parents, children := p.family(rows)
	for len(rows) > 0 {
		var leaves, rest []int
		for _, row := range rows {
			if children[row] == 0 {
				leaves = append(leaves, row)
			} else {
				rest = append(rest, row)
			}
		}
		if len(leaves) == 0 {
			leaves, rest = rest, nil
		}
		for _, row := range leaves {
			for _, parent := range parents[row] {
				children[parent]--
			}
		}
		for chunk := range slices.Chunk(leaves, keysAtOnce) {
			p.statements = append(p.statements, statement{verb: deleteFrom, rows: int64(len(chunk)),
				text: quoteName(p.reader.table.Name) + " WHERE " + p.oneOf(chunk...), table: p.reader.table.Name})
		}
		rows = rest
	}
}

// family finds, among the given rows, those each row refers to and how many refer to it.
func (p *part) family(rows []int) (parents map[int][]int, children map[int]int) {
	parents, children = map[int][]int{}, map[int]int{}
	for _, ref := range p.self {
		byKey := map[connectors.Key]int{}
		for _, row := range rows {
			byKey[ref.toKeys[row]] = row
		}
		for _, row := range rows {
			if parent, ok := byKey[ref.fromKeys[row]]; ok && ref.fromKeys[row] != "" && parent != row {
				parents[row] = append(parents[row], parent)
				children[parent]++
			}
		}
	}
	return parents, children
}

const deleteFrom = "DELETE FROM "

// statement is an UPDATE or DELETE with the number of rows it names.
type statement struct {
	verb, text string
	rows       int64
	table      string
}

// ofTrigger takes an error for that of a trigger, which refuses some rows, where the statement itself does not have it:
// the table is locked by now, so that it is there, and the server is asked whether this user may run the statement.
func (st *statement) ofTrigger(ctx context.Context, conn *sql.Conn, err error) error {
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
		&connectors.RefusedError{Class: connectors.RefusedTrigger, By: st.table}, server.Number)
}

// run counts the rows: never more than named, and fewer only where a delete finds that a foreign key took some
// along: all are read again when all is done.
func (st *statement) run(ctx context.Context, conn *sql.Conn) error {
	matched, err := exec(ctx, conn, st.verb+st.text)
	other := &connectors.RefusedError{Class: connectors.RefusedOther, By: st.table}
	switch {
	case err != nil:
		return st.ofTrigger(ctx, conn, err)
	case matched > st.rows:
		return fmt.Errorf("a statement for %d rows met %d: %w", st.rows, matched, other)
	case matched < st.rows && st.verb != deleteFrom:
		return fmt.Errorf("%d rows to update are gone, by a trigger, a cascade or a delete of the same transaction: %w",
			st.rows-matched, other)
	}
	return nil
}

// outcomes says what becomes of each key of a query by primary key, or of each row read.
func (p *part) outcomes(ctx context.Context, conn *sql.Conn, ops []connectors.Op) ([]connectors.Outcome, error) {
	t := p.reader.table
	status := func(row int) connectors.Status {
		if ops == nil || ops[row] == connectors.Leave {
			return connectors.Left
		}
		return connectors.Done
	}
	var outcomes []connectors.Outcome
	if p.query.Keys.Of != nil || !slices.Equal(p.query.Keys.Fields, t.Key) {
		for row, key := range p.rows {
			outcomes = append(outcomes, connectors.Outcome{Table: t.Name, Key: key, Status: status(row)})
		}
		return outcomes, nil
	}
	rowOf, asked, answers := map[connectors.Key]int{}, map[connectors.Key]bool{}, map[int]int{}
	for row, key := range p.rows {
		rowOf[key], answers[p.batch.Tuples[row]] = row, row
	}
	for _, key := range p.query.Keys.Tuples {
		asked[key] = true
	}
	folded := slices.ContainsFunc(p.rows, func(key connectors.Key) bool { return !asked[key] })
	for i, key := range p.query.Keys.Tuples {
		o := connectors.Outcome{Table: t.Name, Key: key, Status: connectors.Gone}
		row, ok := rowOf[key]
		if !ok {
			row, ok = answers[i]
		}
		if !ok && folded { // some row has a key that the server holds equal to one asked for
			found, err := p.find(ctx, conn, key)
			if err != nil {
				return nil, err
			}
			row, ok = rowOf[found]
		}
		if ok {
			o.Status = status(row)
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
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
