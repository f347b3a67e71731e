package postgres

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
				return p.find(ctx, conn, key)
			})
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
	changes, all := false, true
	for _, p := range slices.Backward(parts) {
		for _, st := range p.statements {
			changes = true
			less, err := p.run(ctx, conn, st)
			if err != nil {
				return s.fail("mutate", p.query.Table, err)
			}
			all = all && (less == 0 || !st.deletes)
			if less > 0 && !st.deletes && missed == nil {
				missed = s.fail("mutate", p.query.Table, p.rows.Missed(less))
			}
		}
	}
	if changes {
		if _, _, err := exec(ctx, conn, "SET CONSTRAINTS ALL IMMEDIATE", nil); err != nil {
			return s.fail("mutate", "", ofTrigger(err, ""))
		}
	}
	gone := false
	if all && written.Deleted() > fewRows {
		var err error
		if gone, err = quiet(ctx, conn, parts); err != nil {
			return s.fail("mutate", "", err)
		}
	}
	for _, q := range written.Queries(gone) {
		if err := s.readBack(ctx, conn, q); err != nil {
			return s.fail("mutate", q.Table, err)
		}
	}
	return missed
}

// fewRows are read again at less effort than the server is asked whether they need to be.
const fewRows = 100

// quietQuery asks whether no trigger and no rule is on the tables of which rows were changed, on those that refer to them,
// over others perhaps, and on their partitions. The engine's own triggers act for foreign keys: they delete and update, and
// put nothing back.
const quietQuery = `WITH RECURSIVE reached (oid) AS (SELECT u.o FROM pg_catalog.unnest($1::oid[]) u (o) UNION
		SELECT n.oid FROM reached r CROSS JOIN LATERAL (SELECT c.conrelid AS oid FROM pg_catalog.pg_constraint c
		WHERE c.confrelid = r.oid AND c.contype = 'f' UNION ALL
		SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = r.oid) n)
	SELECT NOT EXISTS (SELECT FROM reached r JOIN pg_catalog.pg_trigger g ON g.tgrelid = r.oid
		WHERE NOT g.tgisinternal AND g.tgenabled <> 'D') AND NOT EXISTS (SELECT FROM reached r
		JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid WHERE w.ev_type <> '1' AND w.ev_enabled <> 'D')`

// quiet says whether the server runs nothing of its users' own for the changes that were made, so that rows which it says
// it deleted are not there. None can be made meanwhile: who makes a trigger or a rule waits for the locks that changes
// hold on their tables.
func quiet(ctx context.Context, conn *sql.Conn, parts []*part) (quiet bool, err error) {
	var tables list
	for _, p := range parts {
		tables.add([]byte(p.reader.table.oid))
	}
	err = collect(ctx, conn, quietQuery, [][]byte{tables.text()}, func(r []string) error {
		quiet = r[0] == "t"
		return nil
	})
	return quiet, err
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
	return q.Check(p.reader.Batch(""))
}

// part is what one query of a transaction read, and the statements that its edit became.
type part struct {
	query      connectors.Query
	reader     *reader
	key        []int // the columns with the primary key
	batch      connectors.Batch
	rows       *locked.Rows
	places     []string // where each row lies (ctid), which is its own as long as it is locked; none where that does not tell
	statements []*statement
}

func (s *source) newPart(ctx context.Context, q connectors.Query) (*part, error) {
	r, err := s.reader(ctx, q)
	if err != nil {
		return nil, err
	}
	if r.table.foreign {
		return nil, fmt.Errorf("a partition of the table is on another server: %w", errors.ErrUnsupported)
	}
	rows, err := locked.New(q, r.table.Table, r.NeedAll)
	if err != nil {
		return nil, err
	}
	return &part{query: q, reader: r, key: r.Order, rows: rows}, nil
}

// lock reads the rows of the query's keys under lock, into the reader's batch.
func (p *part) lock(ctx context.Context, conn *sql.Conn) error {
	for piece := range p.reader.Pieces.Len() {
		at := paging.Place{Piece: piece}
		text, params := p.reader.statement(at, 0, " FOR UPDATE OF t")
		err := stream(ctx, conn, text, params, func(values [][]byte) error {
			if added, err := p.reader.Add(&at, values); !added {
				return err
			}
			size := 0
			for _, v := range values {
				size += len(v)
			}
			if !p.reader.table.partitioned {
				p.places = append(p.places, string(values[len(values)-1]))
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
	for _, rows := range p.rows.Deletes(edit.Ops, keysAtOnce, keysAtOnce) {
		p.delete(rows)
	}
	return nil
}

// checked returns the check of values that a field is set to.
func (p *part) checked(field string) (func([]byte) error, error) {
	c := p.reader.table.columns[field]
	if c.identity {
		return nil, fmt.Errorf("the server numbers it (GENERATED ALWAYS AS IDENTITY): %w", connectors.ErrConfig)
	}
	return func(v []byte) error {
		_, err := c.check(v)
		return err
	}, nil
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
	p.statements = append(p.statements, &statement{rows: len(rows),
		text: "UPDATE " + p.reader.table.from() + " t SET " + strings.Join(assigned, ", ") + " FROM " +
			unnested("k", types, 1) + " WHERE " + p.matches(), params: texts(lists)})
}

// named are the types and values of the keys of rows, as they were read.
func (p *part) named(rows []int) (types []string, lists []list) {
	lists = make([]list, len(p.key))
	for _, row := range rows {
		values, _ := p.rows.Keys[row].Values() // made by tuple
		for i, v := range values {
			lists[i].add(p.reader.Columns[p.key[i]].input(v))
		}
	}
	for _, c := range p.key {
		types = append(types, p.reader.Columns[c].typ)
	}
	return types, lists
}

// matches joins the rows to their keys, the first columns of k.
func (p *part) matches() string {
	conditions := make([]string, len(p.key))
	for i, c := range p.key {
		of := p.reader.Columns[c]
		conditions[i] = "t." + quoteName(of.field.Name) + " " + of.operator("=") + " k.c" + strconv.Itoa(i+1)
	}
	return strings.Join(conditions, " AND ")
}

func (p *part) delete(rows []int) {
	st := &statement{rows: len(rows), deletes: true}
	from := "DELETE FROM " + p.reader.table.from() + " t "
	if k := p.reader; len(p.key) == 1 && k.Columns[p.key[0]].whole(nil) {
		of, keys := k.Columns[p.key[0]], make([]connectors.Key, len(rows))
		for i, row := range rows {
			keys[i] = p.rows.Keys[row]
		}
		st.text = from + "WHERE t." + quoteName(of.field.Name) + " " + of.operator("=") + " ANY ($1::bigint[])"
		st.params = [][]byte{integers(keys)}
	} else {
		types, lists := p.named(rows)
		st.text, st.params = from+"USING "+unnested("k", types, 1)+" WHERE "+p.matches(), texts(lists)
	}
	// A trigger or a rule may keep a row or change it before: it is to run once for each.
	if len(p.places) > 0 && len(p.reader.table.Triggers) == 0 {
		var places list
		for _, row := range rows {
			places.add([]byte(p.places[row]))
		}
		st.byKey = &statement{text: st.text, params: st.params, rows: st.rows, deletes: true}
		st.text, st.params = from+"WHERE t.ctid = ANY ($1::tid[])", [][]byte{places.text()}
	}
	p.statements = append(p.statements, st)
}

// statement is an UPDATE or DELETE with the number of rows it names.
type statement struct {
	text    string
	params  [][]byte
	rows    int
	deletes bool
	// Names the same rows by their keys: it is run where some are not met. A row does not lie where it did any more
	// when this transaction changed it, and nobody else can: it is locked.
	byKey *statement
}

// run runs a statement, and returns how many rows it missed.
func (p *part) run(ctx context.Context, conn *sql.Conn, st *statement) (missed int, err error) {
	met, _, err := exec(ctx, conn, st.text, st.params)
	if err == nil && st.byKey != nil && met < int64(st.rows) {
		var more int64
		more, _, err = exec(ctx, conn, st.byKey.text, st.byKey.params)
		met += more
	}
	if err != nil {
		return 0, ofTrigger(err, p.query.Table)
	}
	return p.rows.Met(st.rows, met)
}

// find returns the primary key, as stored, that the server holds equal to the given one; "" if there is none.
func (p *part) find(ctx context.Context, conn *sql.Conn, key connectors.Key) (found connectors.Key, err error) {
	beyond, err := fits(p.query.Keys.Fields, p.reader.by, key)
	if err != nil || beyond {
		return "", err
	}
	joined, condition, params := joined(p.reader.by, []connectors.Key{key}, 1)
	text := "SELECT " + strings.Join(p.reader.names(p.key), ", ") + " FROM " + p.reader.table.from() + " t, " + joined +
		" WHERE " + condition
	places := make([]int, len(p.key))
	only := &paging.Reader[*column]{}
	for i, c := range p.key {
		places[i], only.Columns = i, append(only.Columns, p.reader.Columns[c])
	}
	err = stream(ctx, conn, text, params, func(values [][]byte) (err error) {
		found, _, err = only.Key(places, values)
		return err
	})
	return found, err
}
