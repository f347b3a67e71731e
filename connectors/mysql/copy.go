package mysql

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
)

const (
	longestName = 64    // characters of a table's or a view's name
	insertRows  = 1_000 // rows of one INSERT, where they have not reached bytesAtOnce before
)

// copyComment begins the comment of a copy's table, by which it is told from the application's own; the
// name of the table that it is of follows.
const copyComment = "kept by lethe: copy of "

func isCopy(comment string) bool { return strings.HasPrefix(comment, copyComment) }

// object is a table or a view that stands in the database.
type object struct {
	view       bool
	comment    string // of a table
	definition string // of a view, as the server writes it; "" if the user may not see it
	own        bool   // a view that reads its tables with the rights of this very user
}

const (
	objectsQuery = `SELECT TABLE_NAME, TABLE_TYPE, TABLE_COMMENT FROM information_schema.TABLES WHERE ` +
		`TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE `
	copyViewsQuery = `SELECT TABLE_NAME, VIEW_DEFINITION, SECURITY_TYPE = 'DEFINER' AND DEFINER = CURRENT_USER() ` +
		`FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE `
	definitionsQuery = `SELECT COLUMN_NAME, COLUMN_TYPE, CHARACTER_SET_NAME, COLLATION_NAME, IS_NULLABLE FROM ` +
		`information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = `
	keyPartsQuery = `SELECT COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() ` +
		`AND INDEX_NAME = %s AND TABLE_NAME = %s ORDER BY SEQ_IN_INDEX`
)

// objects returns the tables and views whose names begin with that of a copy.
func objects(ctx context.Context, conn *sql.Conn, name string) (map[string]object, error) {
	found := map[string]object{}
	pattern := quoteText(strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(name) + "%")
	err := collect(ctx, conn, objectsQuery+pattern, func(r []string) error {
		found[r[0]] = object{view: strings.Contains(r[1], "VIEW"), comment: r[2]}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = collect(ctx, conn, copyViewsQuery+pattern, func(r []string) error {
		found[r[0]] = object{view: true, definition: r[1], own: r[2] == "1"}
		return nil
	})
	return found, err
}

func quoteText(s string) string { return "'" + escape.Replace(s) + "'" }

// definition is how a field is declared, as far as it matters for what it holds and how that is compared.
type definition struct {
	name, declared, charset, collation string
	nullable                           bool
	keyPart                            string // how it stands in the key: `name` or `name`(10); "" not at all
}

func (d definition) sql() string {
	s := quoteName(d.name) + " " + d.declared
	if d.collation != "" {
		s += " CHARACTER SET " + d.charset + " COLLATE " + d.collation
	}
	switch {
	case d.nullable:
		return s + " NULL DEFAULT NULL"
	case strings.HasPrefix(d.declared, "timestamp"): // without a default some servers set it at every update
		return s + " NOT NULL DEFAULT '2000-01-01 00:00:00'"
	}
	return s + " NOT NULL"
}

// definitions returns the fields of a table, and those of one of its indexes.
func definitions(ctx context.Context, conn *sql.Conn, table, index string) (fields []definition, key []string, err error) {
	err = collect(ctx, conn, definitionsQuery+quoteText(table)+" ORDER BY ORDINAL_POSITION", func(r []string) error {
		fields = append(fields, definition{name: r[0], declared: r[1], charset: r[2], collation: r[3],
			nullable: r[4] == "YES"})
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	err = collect(ctx, conn, fmt.Sprintf(keyPartsQuery, quoteText(index), quoteText(table)), func(r []string) error {
		part := quoteName(r[0])
		if r[1] != "" {
			part += "(" + r[1] + ")"
		}
		key = append(key, part)
		if i := slices.IndexFunc(fields, func(d definition) bool { return d.name == r[0] }); i >= 0 {
			fields[i].keyPart = part
		}
		return nil
	})
	return fields, key, err
}

// EnsureCopy makes the copy's table and views. The table has a comment that says what it is; a view is
// known by the alias under which it reads the copy, which holds a digest of all that the view is made of,
// as the server keeps no text of a view but its own. Views read with the rights of the user of apply_dsn
// (SQL SECURITY DEFINER). A table or view in use is waited for no longer than the session's
// lock_wait_timeout, as others wait behind: then the error wraps ErrTransient.
func (m *mutable) EnsureCopy(ctx context.Context, c connectors.Copy) (connectors.Table, error) {
	s := m.apply
	t, err := m.ensureCopy(ctx, c)
	if err != nil {
		return connectors.Table{}, s.fail("copy", c.Name, err)
	}
	return t.Table, nil
}

func (m *mutable) ensureCopy(ctx context.Context, c connectors.Copy) (*table, error) {
	s := m.apply
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	i, err := s.intend(ctx, conn, c)
	if err != nil {
		return nil, err
	}
	if err := m.ensureTable(ctx, conn, i); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(i.there)) {
		if i.there[name].viewOf(i.Name) && !slices.Contains(viewNames(i.Copy), name) {
			if _, err := exec(ctx, conn, "DROP VIEW IF EXISTS "+quoteName(name)); err != nil {
				return nil, err
			}
		}
	}
	for _, v := range i.Views {
		alias := viewAlias(i.Copy, v)
		if o := i.there[v.Name]; o.own && strings.Contains(o.definition, quoteName(alias)) {
			continue
		}
		if _, err := exec(ctx, conn, "CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER VIEW "+quoteName(v.Name)+
			" AS "+viewSelect(i.Copy, v, alias)); err != nil {
			return nil, err
		}
	}
	return s.table(ctx, i.Name)
}

// CheckCopy looks at the names, at what stands under them, and at the rights of the user of apply_dsn.
func (m *mutable) CheckCopy(ctx context.Context, c connectors.Copy) error {
	s := m.apply
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return s.fail("copy", c.Name, err)
	}
	defer func() { _ = conn.Close() }()
	i, err := s.intend(ctx, conn, c)
	if err == nil {
		err = i.rights(ctx, conn)
	}
	if err != nil {
		return s.fail("copy", c.Name, err)
	}
	return nil
}

// intended is a copy as it is to be, with its names as the server writes them, and what stands under names
// that begin like its own.
type intended struct {
	connectors.Copy
	fields []definition
	key    []string
	there  map[string]object
}

// intend refuses, before anything is made, a copy that cannot be, and one that would take the place of
// something else.
func (s *source) intend(ctx context.Context, conn *sql.Conn, c connectors.Copy) (i intended, err error) {
	if err := c.Check(); err != nil {
		return i, err
	}
	for _, name := range append([]string{c.Name}, viewNames(c)...) {
		if err := checkName(name); err != nil {
			return i, err
		}
	}
	if i.Copy, err = inServersCase(ctx, conn, c); err != nil {
		return i, err
	}
	if i.there, err = objects(ctx, conn, i.Name); err != nil {
		return i, err
	}
	for _, v := range i.Views {
		switch o, ok := i.there[v.Name]; {
		case ok && o.view && o.definition == "":
			return i,
				fmt.Errorf("the right SHOW VIEW is missing, without which view %s cannot be told from another: %w",
					v.Name, connectors.ErrDenied)
		case ok && !o.viewOf(i.Name):
			return i, connectors.NotThisCopy("what has the name of view " + v.Name + " was not made for this copy")
		}
	}
	of, err := s.table(ctx, c.Of.Name)
	if err != nil {
		return i, err
	}
	if i.fields, i.key, err = copyDefinitions(ctx, conn, i.Copy, of.keyIndex); err != nil {
		return i, err
	}
	if _, exists := i.there[i.Name]; exists {
		err = i.holds(ctx, conn)
	}
	return i, err
}

func checkName(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case n > longestName:
		return fmt.Errorf("the name %s has %d characters, and the server allows %d: %w", name, n, longestName,
			connectors.ErrConfig)
	case strings.HasSuffix(name, " "), strings.ContainsFunc(name, func(r rune) bool { return r > 0xffff }):
		return fmt.Errorf("the name %s ends with a space or has a character that the server allows in no name: %w",
			name, connectors.ErrConfig)
	}
	return nil
}

// inServersCase writes the names of tables and views as the server will: in lower case where it is set up
// so (lower_case_table_names = 1).
func inServersCase(ctx context.Context, conn *sql.Conn, c connectors.Copy) (connectors.Copy, error) {
	lower := false
	err := collect(ctx, conn, "SELECT @@lower_case_table_names", func(r []string) error {
		lower = r[0] == "1"
		return nil
	})
	if err != nil || !lower {
		return c, err
	}
	c.Name, c.Views = strings.ToLower(c.Name), slices.Clone(c.Views)
	for i := range c.Views {
		c.Views[i].Name = strings.ToLower(c.Views[i].Name)
	}
	return c, nil
}

func viewNames(c connectors.Copy) []string {
	var names []string
	for _, v := range c.Views {
		names = append(names, v.Name)
	}
	return names
}

// ensureTable makes the table if it is missing.
func (m *mutable) ensureTable(ctx context.Context, conn *sql.Conn, i intended) error {
	if _, exists := i.there[i.Name]; exists {
		return nil
	}
	var lines []string
	for _, d := range i.fields {
		lines = append(lines, d.sql())
	}
	lines = append(lines, "PRIMARY KEY ("+strings.Join(i.key, ", ")+")")
	_, err := exec(ctx, conn, "CREATE TABLE IF NOT EXISTS "+quoteName(i.Name)+" (\n\t"+strings.Join(lines, ",\n\t")+
		"\n) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT = "+
		quoteText(copyComment+i.Of.Name))
	if err != nil {
		return err
	}
	m.forget()
	if i.there, err = objects(ctx, conn, i.Name); err != nil { // another process may have been faster
		return err
	}
	return i.holds(ctx, conn)
}

// holds holds the table that is there to what it should be.
func (i intended) holds(ctx context.Context, conn *sql.Conn) error {
	if i.there[i.Name].comment != copyComment+i.Of.Name {
		return connectors.NotThisCopy("what has the name is no copy of table " + i.Of.Name)
	}
	have, haveKey, err := definitions(ctx, conn, i.Name, primary)
	if err != nil {
		return err
	}
	if !slices.Equal(i.key, haveKey) {
		return connectors.OutdatedCopy("the copy there has another primary key: " + strings.Join(haveKey, ", "))
	}
	if what := differs(i.fields, have); what != "" {
		return connectors.OutdatedCopy("the copy there has other fields: " + what)
	}
	return nil
}

// rights says what the user may not do that keeping the copy takes. Where a role is in force nothing is
// said: what it grants is not looked at.
func (i intended) rights(ctx context.Context, conn *sql.Conn) error {
	grantee, role := "", ""
	err := collect(ctx, conn, "SELECT CURRENT_USER(), COALESCE(CURRENT_ROLE(), 'NONE')", func(r []string) error {
		at := strings.LastIndexByte(r[0], '@')
		grantee, role = quoteText("'"+r[0][:at]+"'@'"+r[0][at+1:]+"'"), r[1]
		return nil
	})
	if err != nil || role != "NONE" {
		return err
	}
	lacking := func(object string, needed ...string) (string, error) {
		granted := map[string]bool{}
		err := collect(ctx, conn, "SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = "+
			grantee+
			" UNION SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES WHERE DATABASE() LIKE "+
			"TABLE_SCHEMA AND GRANTEE = "+grantee+
			" UNION SELECT PRIVILEGE_TYPE FROM information_schema.TABLE_PRIVILEGES WHERE TABLE_SCHEMA = DATABASE() "+
			"AND TABLE_NAME = "+quoteText(object)+" AND GRANTEE = "+grantee,
			func(r []string) error { granted[r[0]] = true; return nil })
		needed = slices.DeleteFunc(needed, func(right string) bool { return granted[right] })
		if len(needed) == 0 {
			return "", err
		}
		return strings.Join(needed, ", ") + " on " + object, err
	}
	objects := map[string][]string{i.Name: {"SELECT", "CREATE", "DROP", "INSERT", "UPDATE", "DELETE"},
		i.Of.Name: {"SELECT", "SHOW VIEW"}}
	for _, v := range i.Views {
		objects[v.Name] = []string{"CREATE VIEW", "DROP"}
	}
	var lacks []string
	for _, object := range slices.Sorted(maps.Keys(objects)) {
		what, err := lacking(object, objects[object]...)
		if err != nil {
			return err
		}
		if what != "" {
			lacks = append(lacks, what)
		}
	}
	if len(lacks) > 0 {
		return &connectors.Error{Hint: "jobs/docs/operator.md lists the GRANT statements, under Rights on the server",
			Err: fmt.Errorf("the user of apply_dsn lacks %s: %w", strings.Join(lacks, "; "), connectors.ErrDenied)}
	}
	return nil
}

// copyDefinitions says how the fields of a copy are declared: those of the key as in the application's
// table, without what the engine puts in by itself.
func copyDefinitions(ctx context.Context, conn *sql.Conn, c connectors.Copy,
	index string) (fields []definition, key []string, err error) {
	of, _, err := definitions(ctx, conn, c.Of.Name, index)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range c.Of.Key {
		i := slices.IndexFunc(of, func(d definition) bool { return d.name == name && d.keyPart != "" })
		if i < 0 {
			return nil, nil, fmt.Errorf("table %s has no field %s in its key: %w", c.Of.Name, name,
				connectors.ErrSchemaChanged)
		}
		fields, key = append(fields, of[i]), append(key, of[i].keyPart)
	}
	for _, f := range c.Fields {
		d := definition{name: f.Name, declared: "date", nullable: f.Nullable}
		switch f.Kind {
		case connectors.Timestamp: // not the type of that name, which is read in the zone of the session
			d.declared = "datetime"
		case connectors.Text:
			d.declared, d.charset, d.collation = fmt.Sprintf("varchar(%d)", f.Length), "utf8mb4", "utf8mb4_bin"
		}
		fields = append(fields, d)
	}
	for _, name := range c.Key {
		i := slices.IndexFunc(fields, func(d definition) bool { return d.name == name })
		fields[i].keyPart = quoteName(name)
		key = append(key, fields[i].keyPart)
	}
	return fields, key, nil
}

// differs says how a table differs from the definitions; "" not at all.
func differs(want, have []definition) string {
	for i, w := range want {
		switch {
		case i == len(have):
			return "it has no field " + w.name
		case have[i] != w:
			return "field " + have[i].name + " is declared " + have[i].sql() + ", and is to be " + w.sql()
		}
	}
	if len(have) > len(want) {
		return "field " + have[len(want)].name + " is not among those of a copy"
	}
	return ""
}

// viewAlias is the name under which a view reads the copy: whose it is, and a digest of what the view says.
func viewAlias(c connectors.Copy, v connectors.CopyView) string {
	return aliasOf(c.Name) + digest(viewSelect(c, v, ""))[:24]
}

func aliasOf(name string) string { return "lethe_" + digest(name)[:12] + "_" }

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// viewOf says whether an object is a view that EnsureCopy made for a copy. Without the right to see its
// definition no view is one.
func (o object) viewOf(name string) bool {
	return o.view && strings.Contains(o.definition, "`"+aliasOf(name))
}

// viewSelect writes what a view shows. The copy stands on the left of each comparison, so that its
// collation decides. A join is read twice as fast as a subquery, but where the conditions leave a field of
// the copy's key open it would show a row once for each that fulfils them.
func viewSelect(c connectors.Copy, v connectors.CopyView, alias string) string {
	var shown, where []string
	for _, name := range v.Fields {
		shown = append(shown, "t."+quoteName(name))
	}
	field := func(name string) string { return quoteName(alias) + "." + quoteName(name) }
	for _, name := range c.Of.Key {
		where = append(where, field(name)+" = t."+quoteName(name))
	}
	for _, name := range slices.Sorted(maps.Keys(v.Where)) {
		where = append(where, field(name)+" = "+quoteText(v.Where[name]))
	}
	if v.Until != "" {
		where = append(where, "("+field(v.Until)+" IS NULL OR "+field(v.Until)+" > UTC_TIMESTAMP())")
	}
	shows := "SELECT " + strings.Join(shown, ", ") + " FROM " + quoteName(c.Of.Name) + " t "
	copied, conditions := quoteName(c.Name)+" "+quoteName(alias), strings.Join(where, " AND ")
	if slices.ContainsFunc(c.Key, func(name string) bool { _, pinned := v.Where[name]; return !pinned }) {
		return shows + "WHERE EXISTS (SELECT 1 FROM " + copied + " WHERE " + conditions + ")"
	}
	return shows + "JOIN " + copied + " ON " + conditions
}

// forget makes the next look at a table read the catalog anew.
func (m *mutable) forget() {
	for _, s := range []*source{m.source, m.apply} {
		s.mu.Lock()
		s.catalog = nil
		s.mu.Unlock()
	}
}

// WriteCopy runs one READ COMMITTED transaction of INSERT ... ON DUPLICATE KEY UPDATE, then DELETE.
func (m *mutable) WriteCopy(ctx context.Context, copied connectors.Table, rows arrow.Record,
	gone []connectors.Key) error {
	s := m.apply
	statements, err := s.copyStatements(ctx, copied.Name, rows, gone)
	if err != nil {
		return s.fail("copy", copied.Name, err)
	}
	return s.transact(ctx, "copy", copied.Name, func(conn *sql.Conn) error {
		for _, statement := range statements {
			if _, err := exec(ctx, conn, statement); err != nil {
				return s.fail("copy", copied.Name, err)
			}
		}
		return nil
	})
}

func (s *source) copyStatements(ctx context.Context, name string, rows arrow.Record,
	gone []connectors.Key) ([]string, error) {
	t, err := s.table(ctx, name)
	if err != nil {
		return nil, err
	}
	if !t.copied {
		return nil, connectors.NotThisCopy("the table is no copy")
	}
	columns, err := t.Columns(rows)
	if err != nil {
		return nil, err
	}
	var statements []string
	if columns != nil {
		if statements, err = t.upserts(columns, int(rows.NumRows())); err != nil {
			return nil, err
		}
	}
	var kinds []connectors.Kind
	var names []string
	for _, field := range t.Key {
		f, _ := t.Field(field)
		kinds, names = append(kinds, f.Kind), append(names, quoteName(field))
	}
	keys, err := newKeySet(&connectors.Keys{Fields: t.Key, Tuples: gone}, kinds)
	if err != nil {
		return nil, err
	}
	for chunk := range keys.chunks() {
		statements = append(statements, "DELETE FROM "+quoteName(name)+" WHERE "+keys.where(chunk, names, true))
	}
	return statements, nil
}

// upserts writes the rows as INSERT statements. A row takes the place of one with the same key whole, also
// where the key's own spelling is another.
func (t *table) upserts(columns []*array.Binary, rows int) ([]string, error) {
	var names, set []string
	for _, f := range t.Fields {
		name := quoteName(f.Name)
		names, set = append(names, name), append(set, name+" = VALUES("+name+")")
	}
	head := "INSERT INTO " + quoteName(t.Name) + " (" + strings.Join(names, ", ") + ") VALUES "
	tail := " ON DUPLICATE KEY UPDATE " + strings.Join(set, ", ")
	var statements []string
	var b strings.Builder
	first := 0
	for row := range rows {
		if row == first {
			b.Reset()
			b.WriteString(head)
		} else {
			b.WriteByte(',')
		}
		for i, f := range t.Fields {
			glue := byte(',')
			if i == 0 {
				glue = '('
			}
			b.WriteByte(glue)
			if columns[i].IsNull(row) {
				b.WriteString("NULL")
				continue
			}
			text, err := literal(f.Kind, columns[i].Value(row))
			if err != nil {
				return nil, fmt.Errorf("value of field %s: %w", f.Name, err)
			}
			b.WriteString(text)
		}
		b.WriteByte(')')
		if row == rows-1 || row-first == insertRows-1 || b.Len() > bytesAtOnce {
			b.WriteString(tail)
			statements = append(statements, b.String())
			first = row + 1
		}
	}
	return statements, nil
}

// DropCopy drops the views, then the table.
func (m *mutable) DropCopy(ctx context.Context, name string) error {
	if err := m.dropCopy(ctx, name); err != nil {
		return m.apply.fail("copy", name, err)
	}
	return nil
}

func (m *mutable) dropCopy(ctx context.Context, name string) error {
	conn, err := m.apply.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	c, err := inServersCase(ctx, conn, connectors.Copy{Name: name})
	if err != nil {
		return err
	}
	name = c.Name
	there, err := objects(ctx, conn, name)
	if err != nil {
		return err
	}
	o, exists := there[name]
	if exists && !isCopy(o.comment) {
		return connectors.NotThisCopy("what has the name is no copy")
	}
	for _, view := range slices.Sorted(maps.Keys(there)) {
		if there[view].viewOf(name) {
			if _, err := exec(ctx, conn, "DROP VIEW IF EXISTS "+quoteName(view)); err != nil {
				return err
			}
		}
	}
	if exists {
		if _, err := exec(ctx, conn, "DROP TABLE IF EXISTS "+quoteName(name)); err != nil {
			return err
		}
	}
	m.forget()
	return nil
}
