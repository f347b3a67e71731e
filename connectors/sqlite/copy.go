package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/ncruces/go-sqlite3"

	"lethe/connectors"
)

// copyMark begins the comment by which the tables and views of copies are known: SQLite keeps the text of
// their statements, comments and all.
const copyMark = "/* kept by lethe"

// comment writes a remark into a statement; a name cannot end it.
func comment(remark string) string {
	return copyMark + ": " + strings.ReplaceAll(remark, "*/", "* /") + " */"
}

// EnsureCopy makes the copy's table and views, in one transaction. What stands there is compared by the
// text of its statement.
func (m *mutator) EnsureCopy(ctx context.Context, c connectors.Copy) (copied connectors.Table, err error) {
	err = m.transact(ctx, "copy", c.Name, func() error {
		t, err := m.ensureCopy(c)
		if err != nil {
			return m.fail(ctx, "copy", c.Name, err)
		}
		copied = t.Table
		return nil
	})
	if err != nil {
		return connectors.Table{}, err
	}
	return copied, nil
}

// errChecked takes back what CheckCopy tried.
var errChecked = errors.New("only checked")

// CheckCopy makes the copy and takes it back: to SQLite that is one transaction.
func (m *mutator) CheckCopy(ctx context.Context, c connectors.Copy) error {
	err := m.transact(ctx, "copy", c.Name, func() error {
		if _, err := m.ensureCopy(c); err != nil {
			return m.fail(ctx, "copy", c.Name, err)
		}
		return errChecked
	})
	if errors.Is(err, errChecked) {
		return nil
	}
	return err
}

func (m *mutator) ensureCopy(c connectors.Copy) (*table, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	of, err := loadTable(m.writer, m.database, c.Of.Name)
	if err != nil {
		return nil, err
	}
	create, err := copyTable(m.writer, of, c)
	if err != nil {
		return nil, err
	}
	there, err := objects(m.writer)
	if err != nil {
		return nil, err
	}
	for _, v := range c.Views {
		if o := there[strings.ToLower(v.Name)]; o.name != "" && !o.viewOf(c.Name) {
			return nil, connectors.NotThisCopy("what has the name of view " + v.Name + " was not made for this copy")
		}
	}
	switch o := there[strings.ToLower(c.Name)]; {
	case o.sql == create:
	case o.isCopy() && strings.Contains(o.sql, comment("copy of "+c.Of.Name)):
		return nil, connectors.OutdatedCopy("the copy there has another key or other fields")
	case o.name != "":
		return nil, connectors.NotThisCopy("what has the name is no copy of table " + c.Of.Name)
	default:
		if err := m.writer.Exec(create); err != nil {
			return nil, err
		}
	}
	wanted := map[string]string{}
	for _, v := range c.Views {
		create := copyView(of, c, v)
		if there[strings.ToLower(v.Name)].sql == create {
			delete(there, strings.ToLower(v.Name))
		} else {
			wanted[v.Name] = create
		}
	}
	if err := m.dropViews(there, c.Name); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if err := m.writer.Exec(wanted[name]); err != nil {
			return nil, err
		}
	}
	return loadTable(m.writer, m.database, c.Name)
}

// object is a table, view, index or trigger of the database.
type object struct{ kind, name, sql string }

// viewOf says whether an object is a view that EnsureCopy made for a copy.
func (o object) viewOf(name string) bool {
	return o.kind == "view" && strings.Contains(o.sql, comment("view of "+name))
}

// objects returns what the database holds by its name in lower case, as SQLite knows no other difference.
func objects(c *sqlite3.Conn) (map[string]object, error) {
	found := map[string]object{}
	err := rows(c, `SELECT type, name, sql FROM main.sqlite_schema WHERE type IN ('table', 'view', 'index')`,
		func(s *sqlite3.Stmt) {
			found[strings.ToLower(s.ColumnText(1))] = object{s.ColumnText(0), s.ColumnText(1), s.ColumnText(2)}
		})
	return found, err
}

func (m *mutator) dropViews(there map[string]object, copied string) error {
	for _, key := range slices.Sorted(maps.Keys(there)) {
		if there[key].viewOf(copied) {
			if err := m.writer.Exec("DROP VIEW main." + sqlite3.QuoteIdentifier(there[key].name)); err != nil {
				return err
			}
		}
	}
	return nil
}

var plainType = regexp.MustCompile(`^[A-Za-z0-9_ ]+(\([0-9, ]+\))?$`)

// copyTable writes the statement that makes a copy's table. It holds what other engines hold by the field's
// type: lengths, and dates that are none.
func copyTable(c *sqlite3.Conn, of *table, cp connectors.Copy) (string, error) {
	collations, err := of.keyCollations(c)
	if err != nil {
		return "", err
	}
	var lines, key []string
	for _, name := range cp.Of.Key {
		i := of.field(name)
		if i < 0 || !slices.Contains(of.Key, name) {
			return "", fmt.Errorf("table %s has no field %s in its key: %w", of.Name, name, connectors.ErrSchemaChanged)
		}
		line, declared := of.columns[i].name, of.Fields[i].Type
		switch {
		// which means something else where a table is not STRICT
		case of.columns[i].affinity == affNone && strings.EqualFold(declared, "ANY"):
		case declared != "" && !plainType.MatchString(declared):
			line += " " + sqlite3.QuoteIdentifier(declared)
		case declared != "":
			line += " " + declared
		}
		lines = append(lines, line+" NOT NULL COLLATE "+sqlite3.QuoteIdentifier(collations[name]))
		key = append(key, of.columns[i].name)
	}
	for _, f := range cp.Fields {
		name := sqlite3.QuoteIdentifier(f.Name)
		line := name + " DATE"
		check := fmt.Sprintf(" CHECK (%s IS date(%s))", name, name)
		switch f.Kind {
		case connectors.Timestamp:
			line, check = name+" DATETIME", fmt.Sprintf(" CHECK (%s IS datetime(%s))", name, name)
		case connectors.Text:
			line = fmt.Sprintf("%s VARCHAR(%d)", name, f.Length)
			check = fmt.Sprintf(" CHECK (length(%s) <= %d)", name, f.Length)
		}
		if !f.Nullable {
			line += " NOT NULL"
		}
		lines = append(lines, line+check)
	}
	for _, name := range cp.Key {
		key = append(key, sqlite3.QuoteIdentifier(name))
	}
	lines = append(lines, "PRIMARY KEY ("+strings.Join(key, ", ")+")")
	return "CREATE TABLE " + sqlite3.QuoteIdentifier(cp.Name) + " ( " + comment("copy of "+of.Name) + "\n\t" +
		strings.Join(lines, ",\n\t") + "\n) WITHOUT ROWID", nil
}

// keyCollations returns how the fields of the key are compared in its index, which need not be how the fields are
// declared.
func (t *table) keyCollations(c *sqlite3.Conn) (map[string]string, error) {
	collations := map[string]string{}
	for _, name := range t.Key {
		collations[name] = "BINARY"
	}
	err := rows(c, `SELECT x.name, x.coll FROM pragma_index_list(?, 'main') l, pragma_index_xinfo(l.name, 'main') x `+
		`WHERE (l.name = ? OR ? = '' AND l.origin = 'pk') AND x.key AND x.name IS NOT NULL`, func(s *sqlite3.Stmt) {
		if name := s.ColumnText(0); collations[name] != "" {
			collations[name] = s.ColumnText(1)
		}
	}, t.Name, t.keyIndex, t.keyIndex)
	return collations, err
}

// copyView writes the statement that makes a view. The copy stands on the left of each comparison, so that
// the collation of its key decides.
func copyView(of *table, c connectors.Copy, v connectors.CopyView) string {
	var shown, where []string
	for _, name := range v.Fields {
		shown = append(shown, "t."+sqlite3.QuoteIdentifier(name))
	}
	for _, name := range c.Of.Key {
		where = append(where, "c."+sqlite3.QuoteIdentifier(name)+" = t."+sqlite3.QuoteIdentifier(name))
	}
	for _, name := range slices.Sorted(maps.Keys(v.Where)) {
		where = append(where, "c."+sqlite3.QuoteIdentifier(name)+" = "+sqlite3.Quote(v.Where[name]))
	}
	if v.Until != "" {
		until := "c." + sqlite3.QuoteIdentifier(v.Until)
		where = append(where, "("+until+" IS NULL OR "+until+" > datetime('now'))")
	}
	return "CREATE VIEW " + sqlite3.QuoteIdentifier(v.Name) + " AS " + comment("view of "+c.Name) + "\nSELECT " +
		strings.Join(shown, ", ") + "\nFROM " + of.name +
		" AS t WHERE EXISTS (SELECT 1 FROM " + sqlite3.QuoteIdentifier(c.Name) + " AS c\n\tWHERE " +
		strings.Join(where, " AND ") + ")"
}

// WriteCopy changes a copy in one immediate transaction.
func (m *mutator) WriteCopy(ctx context.Context, copied connectors.Table, rows arrow.Record,
	gone []connectors.Key) error {
	return m.transact(ctx, "copy", copied.Name, func() error {
		if err := m.writeCopy(copied.Name, rows, gone); err != nil {
			return m.fail(ctx, "copy", copied.Name, err)
		}
		return nil
	})
}

func (m *mutator) writeCopy(name string, rows arrow.Record, gone []connectors.Key) error {
	there, err := objects(m.writer)
	if err != nil {
		return err
	}
	o := there[strings.ToLower(name)]
	if o.name != "" && !o.isCopy() {
		return connectors.NotThisCopy("the table is no copy")
	}
	t, err := loadTable(m.writer, m.database, name)
	if err != nil {
		return err
	}
	if err := t.upsert(m.writer, rows); err != nil {
		return err
	}
	return t.deleteKeys(m.writer, gone)
}

func (o object) isCopy() bool { return o.kind == "table" && strings.Contains(o.sql, "( "+copyMark) }

// upsert writes rows. One takes the place of that with the same key whole, also where the key's own
// spelling is another.
func (t *table) upsert(c *sqlite3.Conn, rows arrow.Record) (err error) {
	columns, err := t.Columns(rows)
	if err != nil || columns == nil {
		return err
	}
	var names, marks, set []string
	for _, col := range t.columns {
		names, marks, set = append(names, col.name), append(marks, "?"), append(set, col.name+" = excluded."+col.name)
	}
	stmt, _, err := c.Prepare("INSERT OR ABORT INTO main." + t.name + " (" + strings.Join(names, ", ") + ") VALUES (" +
		strings.Join(marks, ", ") + ") ON CONFLICT DO UPDATE SET " + strings.Join(set, ", "))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	for row := range int(rows.NumRows()) {
		for i, column := range columns {
			if column.IsNull(row) {
				err = stmt.BindNull(i + 1)
			} else {
				err = t.columns[i].bind(stmt, i+1, column.Value(row))
			}
			if err != nil {
				return err
			}
		}
		if err := stmt.Exec(); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) deleteKeys(c *sqlite3.Conn, gone []connectors.Key) (err error) {
	if len(gone) == 0 {
		return nil
	}
	var equal []string
	var key []*column
	for _, name := range t.Key {
		col := &t.columns[t.field(name)]
		key, equal = append(key, col), append(equal, col.name+" = ?")
	}
	stmt, _, err := c.Prepare("DELETE FROM main." + t.name + " WHERE " + strings.Join(equal, " AND "))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	for _, k := range gone {
		if err := bindKey(stmt, key, k); err != nil {
			return err
		}
		if err := stmt.Exec(); err != nil {
			return err
		}
	}
	return nil
}

// DropCopy removes a copy's views and table, in one transaction.
func (m *mutator) DropCopy(ctx context.Context, name string) error {
	return m.transact(ctx, "copy", name, func() error {
		if err := m.dropCopy(name); err != nil {
			return m.fail(ctx, "copy", name, err)
		}
		return nil
	})
}

func (m *mutator) dropCopy(name string) error {
	there, err := objects(m.writer)
	if err != nil {
		return err
	}
	o := there[strings.ToLower(name)]
	if o.name != "" && !o.isCopy() {
		return connectors.NotThisCopy("what has the name is no copy")
	}
	if err := m.dropViews(there, name); err != nil || o.name == "" {
		return err
	}
	return m.writer.Exec("DROP TABLE main." + sqlite3.QuoteIdentifier(o.name))
}
