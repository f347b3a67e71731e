package sqlserver

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

// lockedBytes is the size of values at which Mutate gives up on a transaction: its rows are held in memory.
const lockedBytes = 1 << 30

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
			p.batch = p.reader.batch("")
			answer, err := edit(p.batch)
			if err != nil {
				return err
			}
			if err := p.plan(answer); err != nil {
				return s.fail("mutate", p.query.Table, err)
			}
			written.Add(p.reader.table.Table, p.rows, answer)
			more, err := p.outcomes(ctx, tx, answer.Ops)
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
			less, err := st.run(ctx, tx)
			if err != nil {
				return s.fail("mutate", p.query.Table, err)
			}
			if less > 0 && !st.deletes && missed == nil {
				missed = s.fail("mutate", p.query.Table, fmt.Errorf("%d rows to update are gone, or not as they were, by a trigger, "+
					"a cascade or a delete of the same transaction: %w", less,
					&connectors.RefusedError{Class: connectors.RefusedOther, By: p.query.Table}))
			}
		}
	}
	for _, q := range written.Queries() {
		p, err := s.newPart(ctx, q.Query)
		if err == nil {
			err = p.lock(ctx, tx)
		}
		if err == nil {
			err = q.Check(p.reader.batch(""))
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
	rows       []connectors.Key // the primary keys of the rows read
	versions   []string         // their rowversions
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
	case t.Unreadable != nil:
		return nil, t.Unreadable
	case len(t.Key) == 0:
		return nil, fmt.Errorf("rows of a table without a key cannot be changed in place: %w", errors.ErrUnsupported)
	case t.fixed != "":
		return nil, fmt.Errorf("rows of the table cannot be changed in place, as %s: %w", t.fixed, errors.ErrUnsupported)
	case q.Keys == nil:
		return nil, fmt.Errorf("the query names no keys: %w", connectors.ErrConfig)
	}
	p := &part{query: q, reader: r, key: r.order, guard: -1}
	if t.guard != "" {
		p.guard = r.need(t.columns[t.guard])
	}
	for _, fk := range t.ForeignKeys {
		if fk.RefTable == t.Name {
			p.self = append(p.self, &selfReference{from: r.needAll(fk.Fields), to: r.needAll(fk.RefFields)})
		}
	}
	return p, nil
}

// lock reads the rows of the query's keys under lock, into the reader's batch.
func (p *part) lock(ctx context.Context, tx *sql.Tx) error {
	size := 0
	for chunk := range p.reader.keys.chunks() {
		at := place{chunk: chunk}
		text, params := p.reader.statement(at, 0, locking)
		err := collect(ctx, tx, text, params, func(values [][]byte) error {
			if added, err := p.reader.append(&at, values); !added {
				return err
			}
			for _, v := range values {
				size += len(v)
			}
			if size > lockedBytes {
				return fmt.Errorf("the rows of one transaction hold more than 1 GB, name fewer keys: %w", connectors.ErrConfig)
			}
			key, _, err := p.reader.tuple(p.key, values)
			if err != nil {
				return err
			}
			p.rows = append(p.rows, key)
			if p.guard >= 0 {
				p.versions = append(p.versions, p.reader.columns[p.guard].param(values[p.guard]))
			}
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
		return fmt.Errorf("field %s is computed, or numbered by the server, and cannot be set: %w", set.Field,
			connectors.ErrConfig)
	case len(set.Rows) != len(p.rows) || set.Values.Len() != len(p.rows):
		return fmt.Errorf("edit sets field %s in %d rows to %d values, but there are %d rows", set.Field, len(set.Rows),
			set.Values.Len(), len(p.rows))
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
		if err := c.holds(set.Values.Value(row)); err != nil {
			return fmt.Errorf("new value of field %s: %w", set.Field, err)
		}
	}
	return nil
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

// named are the columns by which rows are named: their keys, and their version where there is one.
func (p *part) named() (columns []*column) {
	for _, c := range p.key {
		columns = append(columns, p.reader.columns[c])
	}
	if p.guard >= 0 {
		columns = append(columns, p.reader.columns[p.guard])
	}
	return columns
}

// names are the values of those of a row, as it was read.
func (p *part) names(row int) (values []any) {
	key, _ := p.rows[row].Values() // made by tuple
	for i, v := range key {
		values = append(values, p.reader.columns[p.key[i]].param(v))
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
	p.statements = append(p.statements, &statement{rows: len(rows), table: p.reader.table.Name, params: []any{l.text()},
		text: metDeclared + "UPDATE t SET " + strings.Join(assigned, ", ") + " OUTPUT k.n INTO @met FROM " +
			p.reader.table.from() + " t JOIN " + typed("@p1", columns, 0) + " ON " + matches(by) + metCounted})
}

// What a statement met is counted by what it puts out: a trigger would add to what the server counts.
const (
	metDeclared = "DECLARE @met TABLE (n int); "
	metCounted  = "; SELECT CONVERT(varchar(20), COUNT(*)) FROM @met"
)

// planDeletes writes DELETE statements, rows that others refer to last. Those that refer to each other in a ring go by
// one.
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
		most := keysAtOnce
		if len(leaves) == 0 {
			leaves, rest, most = rest, nil, len(rows)
		}
		for _, row := range leaves {
			for _, parent := range parents[row] {
				children[parent]--
			}
		}
		for chunk := range slices.Chunk(leaves, most) {
			by := p.named()
			var l list
			for _, row := range chunk {
				l.add(p.names(row)...)
			}
			p.statements = append(p.statements, &statement{rows: len(chunk), table: p.reader.table.Name, deletes: true,
				params: []any{l.text()}, text: metDeclared + "DELETE t OUTPUT k.n INTO @met FROM " + p.reader.table.from() +
					" t JOIN " + typed("@p1", by, 0) + " ON " + matches(by) + metCounted})
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
	params  []any
	rows    int
	table   string
	deletes bool
}

// run counts the rows: never more than named. How many fewer it met is returned: a foreign key may have taken some along,
// and a trigger may have ignored some.
func (st *statement) run(ctx context.Context, tx *sql.Tx) (less int, err error) {
	met := -1
	err = collect(ctx, tx, st.text, st.params, func(values [][]byte) (err error) {
		met, err = strconv.Atoi(string(values[0]))
		return err
	})
	switch {
	case err != nil:
		return 0, err
	case met < 0 || met > st.rows:
		return 0, fmt.Errorf("a statement for %d rows met %d: %w", st.rows, met,
			&connectors.RefusedError{Class: connectors.RefusedOther, By: st.table})
	}
	return st.rows - met, nil
}

// outcomes says what becomes of each key of a query by primary key, or of each row read.
func (p *part) outcomes(ctx context.Context, tx *sql.Tx, ops []connectors.Op) ([]connectors.Outcome, error) {
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
			found, err := p.find(ctx, tx, key)
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
func (p *part) find(ctx context.Context, tx *sql.Tx, key connectors.Key) (found connectors.Key, err error) {
	keys, err := newKeySet(&connectors.Keys{Fields: p.query.Keys.Fields, Tuples: []connectors.Key{key}}, p.reader.keys.by)
	if err != nil || keys.chunks() == 0 {
		return "", err
	}
	joined, condition, text := keys.joined(0, "@p1")
	only, outputs, places := &reader{}, make([]string, len(p.key)), make([]int, len(p.key))
	for i, c := range p.key {
		places[i], only.columns, outputs[i] = i, append(only.columns, p.reader.columns[c]), p.reader.columns[c].output()
	}
	err = collect(ctx, tx, "SELECT "+strings.Join(outputs, ", ")+" FROM "+p.reader.table.from()+" t JOIN "+joined+" ON "+
		condition, []any{text}, func(values [][]byte) (err error) {
		found, _, err = only.tuple(places, values)
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
