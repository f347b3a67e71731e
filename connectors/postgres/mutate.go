package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/readback"
)

// lockedBytes is the size of values at which Mutate gives up on a transaction: its rows are held in memory, and a column
// of a batch ends at 2 GB.
const lockedBytes = 1 << 30

// Mutate runs one READ COMMITTED transaction: SELECT ... FOR UPDATE by keys, then UPDATE and DELETE joined to the primary
// keys just read. What the engine defers is checked before confirm is called (SET CONSTRAINTS ALL IMMEDIATE). If the
// connection is lost during COMMIT the error wraps ErrTransient and what was done is unknown: asking again tells. Tables
// of which a partition is on another server are errors.ErrUnsupported.
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
		if err := m.together(ctx, conn, parts); err != nil {
			return err
		}
		if err := s.change(ctx, conn, parts, &written); err != nil {
			return err
		}
		return confirm()
	})
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range parts {
		if len(p.statements) > 0 {
			m.changed[p.query.Table] = p.reader.table.quoted()
		}
	}
	return outcomes, nil
}

// change runs the statements, the last query's first, and reads what they changed again.
func (s *source) change(ctx context.Context, conn *sql.Conn, parts []*part, written *readback.Rows) error {
	var missed error // rows to update that were not met: what is read back says more
	changes := false
	for _, p := range slices.Backward(parts) {
		for _, st := range p.statements {
			changes = true
			less, err := st.run(ctx, conn)
			if err != nil {
				return s.fail("mutate", p.query.Table, err)
			}
			if less > 0 && !st.deletes && missed == nil {
				missed = s.fail("mutate", p.query.Table, fmt.Errorf("%d rows to update are gone, by a trigger, a rule, a "+
					"cascade or a delete of the same transaction: %w", less,
					&connectors.RefusedError{Class: connectors.RefusedOther, By: p.query.Table}))
			}
		}
	}
	if changes {
		if _, _, err := exec(ctx, conn, "SET CONSTRAINTS ALL IMMEDIATE", nil); err != nil {
			return s.fail("mutate", "", ofTrigger(err, ""))
		}
	}
	for _, q := range written.Queries() {
		if err := s.readBack(ctx, conn, q); err != nil {
			return s.fail("mutate", q.Table, err)
		}
	}
	return missed
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

// part is what one query of a transaction read, and the statements that its edit became.
type part struct {
	query      connectors.Query
	reader     *reader
	key        []int // the columns with the primary key
	batch      connectors.Batch
	rows       []connectors.Key // the primary keys of the rows read
	self       []*selfReference
	statements []*statement
}

// selfReference is a foreign key from a table to itself, with its values in the rows read; "" where one is NULL.
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
	case t.foreign:
		return nil, fmt.Errorf("a partition of the table is on another server: %w", errors.ErrUnsupported)
	case q.Keys == nil:
		return nil, fmt.Errorf("the query names no keys: %w", connectors.ErrConfig)
	}
	p := &part{query: q, reader: r, key: r.order}
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
		text, params := p.reader.statement(at, 0, " FOR UPDATE OF t")
		err := stream(ctx, conn, text, params, func(values [][]byte) error {
			if added, err := p.reader.append(&at, values); !added {
				return err
			}
			for _, v := range values {
				size += len(v)
			}
			if size > lockedBytes {
				return fmt.Errorf("the rows of one transaction hold more than 1 GB, name fewer keys: %w",
					connectors.ErrConfig)
			}
			key, _, err := p.reader.tuple(p.key, values)
			if err != nil {
				return err
			}
			p.rows = append(p.rows, key)
			for _, ref := range p.self {
				from, _, _ := p.reader.tuple(ref.from, values)
				to, _, _ := p.reader.tuple(ref.to, values)
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

// planUpdates groups the rows by the fields they set.
func (p *part) planUpdates(edit connectors.Edit) error {
	for _, set := range edit.Set {
		if err := p.checkSet(edit, set); err != nil {
			return err
		}
	}
	groups := map[string][]int{}
	for row, op := range edit.Ops {
		mask := make([]byte, len(edit.Set))
		for i, set := range edit.Set {
			mask[i] = '0'
			if set.Rows[row] {
				mask[i] = '1'
			}
		}
		if op == connectors.Update && slices.Contains(mask, '1') {
			groups[string(mask)] = append(groups[string(mask)], row)
		}
	}
	for _, mask := range slices.Sorted(maps.Keys(groups)) {
		var sets []connectors.Assignment
		for i, given := range mask {
			if given == '1' {
				sets = append(sets, edit.Set[i])
			}
		}
		p.planGroup(sets, groups[mask])
	}
	return nil
}

// checkSet checks one assignment.
func (p *part) checkSet(edit connectors.Edit, set connectors.Assignment) error {
	c := p.reader.table.columns[set.Field]
	switch {
	case c == nil:
		return fmt.Errorf("no field %s: %w", set.Field, connectors.ErrSchemaChanged)
	case c.field.Generated || c.identity:
		return fmt.Errorf("field %s is computed and cannot be set: %w", set.Field, connectors.ErrConfig)
	case len(set.Rows) != len(p.rows) || set.Values.Len() != len(p.rows):
		return fmt.Errorf("edit sets field %s in %d rows to %d values, but there are %d rows", set.Field,
			len(set.Rows), set.Values.Len(), len(p.rows))
	}
	for row, given := range set.Rows {
		switch {
		case !given:
			continue
		case edit.Ops[row] != connectors.Update:
			return fmt.Errorf("edit sets field %s in a row that it does not update", set.Field)
		case set.Values.IsNull(row):
			continue
		}
		if _, err := c.check(set.Values.Value(row)); err != nil {
			return fmt.Errorf("new value of field %s: %w", set.Field, err)
		}
	}
	return nil
}

// planGroup writes the statements for rows that set the same fields. A statement that changes the key names one row, as
// two could take each other's.
func (p *part) planGroup(sets []connectors.Assignment, rows []int) {
	most := keysAtOnce
	for _, set := range sets {
		if slices.Contains(p.reader.table.Key, set.Field) {
			most = 1
		}
	}
	start, size := 0, 0
	for i, row := range rows {
		if i-start == most || size > bytesAtOnce {
			p.update(sets, rows[start:i])
			start, size = i, 0
		}
		for _, set := range sets {
			size += len(set.Values.Value(row))
		}
	}
	p.update(sets, rows[start:])
}

// update sets fields of rows to values of a joined table, or to one where all rows get the same.
func (p *part) update(sets []connectors.Assignment, rows []int) {
	types, lists := p.named(rows)
	var assigned []string
	for _, set := range sets {
		c := p.reader.table.columns[set.Field]
		var l list
		for _, row := range rows {
			if set.Values.IsNull(row) {
				l.addNull()
			} else {
				l.add(c.input(set.Values.Value(row)))
			}
		}
		types, lists = append(types, c.typ), append(lists, l)
		assigned = append(assigned, quoteName(set.Field)+" = k.c"+strconv.Itoa(len(types)))
	}
	p.statements = append(p.statements, &statement{rows: int64(len(rows)), table: p.reader.table.Name,
		text: "UPDATE " + p.reader.table.from() + " t SET " + strings.Join(assigned, ", ") + " FROM " +
			unnested("k", types, 1) + " WHERE " + p.matches(), params: texts(lists)})
}

// named are the types and values of the keys of rows, as they were read.
func (p *part) named(rows []int) (types []string, lists []list) {
	lists = make([]list, len(p.key))
	for _, row := range rows {
		values, _ := p.rows[row].Values() // made by tuple
		for i, v := range values {
			lists[i].add(p.reader.columns[p.key[i]].input(v))
		}
	}
	for _, c := range p.key {
		types = append(types, p.reader.columns[c].typ)
	}
	return types, lists
}

// matches joins the rows to their keys, the first columns of k.
func (p *part) matches() string {
	conditions := make([]string, len(p.key))
	for i, c := range p.key {
		of := p.reader.columns[c]
		conditions[i] = "t." + quoteName(of.field.Name) + " " + of.operator("=") + " k.c" + strconv.Itoa(i+1)
	}
	return strings.Join(conditions, " AND ")
}

// planDeletes writes DELETE statements, rows that others refer to last. Those that refer to each other in a ring go
// together, and the engine decides.
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
			types, lists := p.named(chunk)
			p.statements = append(p.statements, &statement{rows: int64(len(chunk)), table: p.reader.table.Name, deletes: true,
				text:   "DELETE FROM " + p.reader.table.from() + " t USING " + unnested("k", types, 1) + " WHERE " + p.matches(),
				params: texts(lists)})
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

// statement is an UPDATE or DELETE with the number of rows it names.
type statement struct {
	text    string
	params  [][]byte
	rows    int64
	table   string
	deletes bool
}

// run counts the rows: never more than named. How many fewer it met is returned: a foreign key may have taken some
// along, and a trigger or a rule may have ignored some.
func (st *statement) run(ctx context.Context, conn *sql.Conn) (less int64, err error) {
	matched, _, err := exec(ctx, conn, st.text, st.params)
	switch {
	case err != nil:
		return 0, ofTrigger(err, st.table)
	case matched > st.rows:
		return 0, fmt.Errorf("a statement for %d rows met %d: %w", st.rows, matched,
			&connectors.RefusedError{Class: connectors.RefusedOther, By: st.table})
	}
	return st.rows - matched, nil
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
	keys, err := newKeySet(&connectors.Keys{Fields: p.query.Keys.Fields, Tuples: []connectors.Key{key}}, p.reader.keys.by)
	if err != nil || keys.chunks() == 0 {
		return "", err
	}
	joined, condition, params := keys.joined(0, 1)
	text := "SELECT " + strings.Join(p.reader.names(p.key), ", ") + " FROM " + p.reader.table.from() + " t, " + joined +
		" WHERE " + condition
	places := make([]int, len(p.key))
	only := &reader{}
	for i, c := range p.key {
		places[i], only.columns = i, append(only.columns, p.reader.columns[c])
	}
	err = stream(ctx, conn, text, params, func(values [][]byte) (err error) {
		found, _, err = only.tuple(places, values)
		return err
	})
	return found, err
}
