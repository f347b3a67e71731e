package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"lethe/connectors"
)

// reference is a foreign key of a table that has it declared.
type reference struct {
	child *table
	connectors.ForeignKey
}

// references are the foreign keys of a database as it was at a version of its schema.
type references struct {
	version string
	broken  map[string]bool // tables that SQLite refuses to change while it enforces foreign keys
	known   []reference     // those that lead to a table and its fields
}

// guardOf returns the guard for a transaction that SQLite would refuse whatever it does, nil for any other: a
// reference to a table or field that is gone, or to fields that are not unique, is an error of every change of
// either table while SQLite enforces foreign keys. It blocks nothing in an application, since those run with the
// enforcement off; the references that lead somewhere are the guard's then.
func (m *mutator) guardOf(ctx context.Context, queries []connectors.Query) (*guard, error) {
	m.writer.SetInterrupt(ctx)
	defer m.writer.SetInterrupt(context.Background())
	if err := m.loadReferences(); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(queries, func(q connectors.Query) bool { return m.refs.broken[strings.ToLower(q.Table)] }) {
		return nil, nil
	}
	return &guard{c: m.writer, known: m.refs.known}, nil
}

func (m *mutator) loadReferences() error {
	version := ""
	err := rows(m.writer, "PRAGMA schema_version", func(s *sqlite3.Stmt) { version = s.ColumnText(0) })
	if err != nil || version == m.refs.version {
		return err
	}
	tables, err := loadTables(m.writer, m.database)
	if err != nil {
		return err
	}
	m.refs = references{version: version, broken: map[string]bool{}}
	for _, t := range tables {
		for _, fk := range t.ForeignKeys {
			m.refs.known = append(m.refs.known, reference{t, fk})
		}
		for _, parent := range t.broken {
			m.refs.broken[strings.ToLower(t.Name)], m.refs.broken[strings.ToLower(parent)] = true, true
		}
	}
	return nil
}

// guard does for one transaction what SQLite does not while its enforcement is off: no row may be left that
// refers to one that went. What a foreign key would do to such rows by itself (CASCADE, SET NULL) it does not
// do, but refuses.
type guard struct {
	c     *sqlite3.Conn
	known []reference
	gone  []reference // of each temporary table of values that went
	given []func() error
}

// goneTable is the temporary table with the referenced values that rows had before they changed.
func goneTable(i int) string { return fmt.Sprintf("temp.lethe_gone_%d", i) }

// before notes what the rows of a change are referred to by, and what they refer to afterwards.
func (g *guard) before(ch *change) error {
	if g == nil {
		return nil
	}
	for _, ref := range g.known {
		if ref.RefTable == ch.sel.t.Name {
			if err := g.noteGone(ch, ref); err != nil {
				return err
			}
		}
		if ref.child.Name == ch.sel.t.Name {
			g.noteGiven(ch, ref)
		}
	}
	return nil
}

// noteGone keeps the values by which a reference names the rows that go or lose them.
func (g *guard) noteGone(ch *change, ref reference) error {
	parent := ch.sel.t
	var define, names []string
	for _, name := range ref.RefFields {
		col := &parent.columns[parent.field(name)]
		define = append(define, fmt.Sprintf("c%d %s COLLATE %s", len(define), col.affinity, col.collation))
		names = append(names, col.name)
	}
	into := goneTable(len(g.gone))
	if err := g.c.Exec(fmt.Sprintf("CREATE TEMP TABLE %s (%s)", strings.TrimPrefix(into, "temp."),
		strings.Join(define, ", "))); err != nil {
		return err
	}
	g.gone = append(g.gone, ref)
	stmt, _, err := g.c.Prepare(fmt.Sprintf("INSERT INTO %s SELECT %s FROM main.%s%s", into,
		strings.Join(names, ", "), parent.name, ch.where()))
	if err != nil {
		return err
	}
	for row, op := range ch.ops {
		if op == connectors.Leave || op == connectors.Update && !ch.sets(row, ref.RefFields) {
			continue
		}
		if err = ch.bind(stmt, row, nil); err == nil {
			err = stmt.Exec()
		}
		if err != nil {
			break
		}
	}
	if closing := stmt.Close(); err == nil {
		err = closing
	}
	return err
}

// noteGiven remembers the rows that are given another reference, to look for what it leads to.
func (g *guard) noteGiven(ch *change, ref reference) {
	var rowsGiven []int
	for row, op := range ch.ops {
		if op == connectors.Update && ch.sets(row, ref.Fields) {
			rowsGiven = append(rowsGiven, row)
		}
	}
	if len(rowsGiven) == 0 {
		return
	}
	child := ch.sel.t
	var filled, equal []string
	for i, name := range ref.Fields {
		own := "main." + child.name + "." + child.columns[child.field(name)].name
		filled = append(filled, own+" IS NOT NULL")
		equal = append(equal, "p."+sqlite3.QuoteIdentifier(ref.RefFields[i])+" = "+own)
	}
	sql := fmt.Sprintf("SELECT 1 FROM main.%s%s AND %s AND NOT EXISTS (SELECT 1 FROM main.%s p WHERE %s)", child.name,
		ch.where(), strings.Join(filled, " AND "), sqlite3.QuoteIdentifier(ref.RefTable), strings.Join(equal, " AND "))
	g.given = append(g.given, func() error {
		stmt, _, err := g.c.Prepare(sql)
		if err != nil {
			return err
		}
		for _, row := range rowsGiven {
			if err = ch.bind(stmt, row, nil); err != nil {
				break
			}
			if stmt.Step() {
				err = fmt.Errorf("a row would refer to none of table %s: %w", ref.RefTable, connectors.ErrRefused)
				break
			}
			if err = stmt.Reset(); err != nil {
				break
			}
		}
		if closing := stmt.Close(); err == nil {
			err = closing
		}
		return err
	})
}

// after refuses the transaction if a row refers to one that went.
func (g *guard) after() error {
	if g == nil {
		return nil
	}
	for i, ref := range g.gone {
		var refers, there []string
		for n, name := range ref.Fields {
			column := fmt.Sprintf("g.c%d", n)
			refers = append(refers, fmt.Sprintf("%s = c.%s", column, sqlite3.QuoteIdentifier(name)))
			there = append(there, fmt.Sprintf("p.%s = %s", sqlite3.QuoteIdentifier(ref.RefFields[n]), column))
		}
		left := false
		err := rows(g.c, fmt.Sprintf("SELECT 1 FROM %s g JOIN main.%s c ON %s WHERE NOT EXISTS (SELECT 1 FROM main.%s p "+
			"WHERE %s) LIMIT 1", goneTable(i), ref.child.name, strings.Join(refers, " AND "),
			sqlite3.QuoteIdentifier(ref.RefTable), strings.Join(there, " AND ")),
			func(*sqlite3.Stmt) { left = true })
		if err != nil {
			return err
		}
		if left {
			return fmt.Errorf("a row of table %s refers to one that would go (foreign key on %s): %w", ref.child.Name,
				strings.Join(ref.Fields, ", "), connectors.ErrRefused)
		}
	}
	for _, check := range g.given {
		if err := check(); err != nil {
			return err
		}
	}
	for i := range g.gone {
		if err := g.c.Exec("DROP TABLE " + goneTable(i)); err != nil {
			return err
		}
	}
	return nil
}

// sets reports whether a row gets a value of one of the fields.
func (ch *change) sets(row int, fields []string) bool {
	return slices.ContainsFunc(fields, func(name string) bool {
		_, set := ch.values[row][ch.sel.t.field(name)]
		return set
	})
}
