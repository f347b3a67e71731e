package sqlserver

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
)

// longestName is how many units of UTF-16 a name has at most.
const longestName = 128

// mark is the extended property of what is Lethe's own: of a copy's table the name of the table that it is of follows, of
// a view the copy's name and a digest of what the view says.
const (
	mark        = "lethe"
	copyComment = "copy of "
	viewComment = "view of copy "
)

// object is a table, a view or anything else with a name in the schema dbo.
type object struct{ kind, comment string }

func (o object) viewOf(name string) bool {
	return o.kind == "V" && strings.HasPrefix(o.comment, viewComment+digest(name)+" ")
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:24]
}

const objectsQuery = `SELECT o.name, RTRIM(o.type), COALESCE(CONVERT(nvarchar(3000), e.value), '') FROM sys.objects o LEFT JOIN ` +
	`sys.extended_properties e ON e.class = 1 AND e.major_id = o.object_id AND e.minor_id = 0 AND e.name = '` + mark +
	`' WHERE o.schema_id = SCHEMA_ID('dbo') AND LEFT(o.name, LEN(@p1)) = @p1`

// objects returns what stands under names that begin with that of a copy.
func objects(ctx context.Context, q queryer, name string) (map[string]object, error) {
	found := map[string]object{}
	err := collect(ctx, q, objectsQuery, []any{name}, func(values [][]byte) error {
		found[string(values[0])] = object{kind: string(values[1]), comment: string(values[2])}
		return nil
	})
	return found, err
}

// inDBO is the name of a copy's table or view in statements.
func inDBO(name string) string { return "[dbo]." + quoteName(name) }

// quoteText writes a text as SQL. A backslash at the end of a line would continue it.
func quoteText(s string) string { return literal(connectors.Text, s) }

// definition is how a field of a copy is declared.
type definition struct {
	name, declared, collation string
	nullable                  bool
}

func (d definition) sql() string {
	s := quoteName(d.name) + " " + d.declared
	if d.collation != "" {
		s += " COLLATE " + d.collation
	}
	if !d.nullable {
		return s + " NOT NULL"
	}
	return s + " NULL"
}

func (t *table) definitions(names []string) (fields []definition) {
	for _, name := range names {
		c := t.columns[name]
		fields = append(fields, definition{name: name, declared: c.field.Type, collation: c.collation, nullable: c.field.Nullable})
	}
	return fields
}

// bytewise is the collation in which texts are told apart by case and accents.
const bytewise = "Latin1_General_BIN2"

// intended is a copy as it is to be, and what stands under names that begin like its own.
type intended struct {
	connectors.Copy
	of     *table
	fields []definition
	key    []string
	there  map[string]object
}

// intend refuses, before anything is made, a copy that cannot be, and one that would take the place of something else.
func (s *source) intend(ctx context.Context, q queryer, c connectors.Copy) (i intended, err error) {
	i.Copy = c
	if err := c.Check(); err != nil {
		return i, err
	}
	names := []string{c.Name}
	for _, v := range c.Views {
		names = append(names, v.Name)
	}
	for _, name := range names {
		if n := len(utf16.Encode([]rune(name))); n > longestName {
			return i, fmt.Errorf("the name %s has %d characters, and the server allows %d: %w", name, n, longestName,
				connectors.ErrConfig)
		}
	}
	if i.there, err = objects(ctx, q, c.Name); err != nil {
		return i, err
	}
	for _, v := range c.Views {
		if o, ok := i.there[v.Name]; ok && !o.viewOf(c.Name) {
			return i, connectors.NotThisCopy("what has the name of view " + v.Name + " was not made for this copy")
		}
	}
	if i.of, err = s.table(ctx, c.Of.Name); err != nil {
		return i, err
	}
	if !slices.Equal(i.of.Key, c.Of.Key) {
		return i, fmt.Errorf("table %s has another key by now: %w", c.Of.Name, connectors.ErrSchemaChanged)
	}
	i.fields, i.key = i.of.definitions(c.Of.Key), slices.Concat(c.Of.Key, c.Key)
	for _, f := range c.Fields {
		d := definition{name: f.Name, declared: "date", nullable: f.Nullable}
		switch f.Kind {
		case connectors.Timestamp:
			d.declared = "datetime2(7)"
		case connectors.Text:
			d.declared, d.collation = fmt.Sprintf("nvarchar(%d)", f.Length), bytewise
		}
		i.fields = append(i.fields, d)
	}
	if _, exists := i.there[c.Name]; exists {
		err = s.holds(ctx, i)
	}
	return i, err
}

// holds holds the table that is there to what it should be.
func (s *source) holds(ctx context.Context, i intended) error {
	if o := i.there[i.Name]; o.kind != "U" || o.comment != copyComment+i.Of.Name {
		return connectors.NotThisCopy("what has the name is no copy of table " + i.Of.Name)
	}
	s.forget()
	t, err := s.table(ctx, i.Name)
	if err != nil {
		return err
	}
	if !slices.Equal(i.key, t.Key) {
		return connectors.OutdatedCopy("the copy there has another primary key: " + strings.Join(t.Key, ", "))
	}
	var names []string
	for _, f := range t.Fields {
		names = append(names, f.Name)
	}
	have := t.definitions(names)
	for n, want := range i.fields {
		if n == len(have) || have[n] != want {
			return connectors.OutdatedCopy("the copy there has other fields: " + want.name + " is to be " + want.sql())
		}
	}
	if len(have) > len(i.fields) {
		return connectors.OutdatedCopy("the copy there has other fields: " + have[len(i.fields)].name + " is not among them")
	}
	return nil
}

// forget lets the catalog be read anew.
func (s *source) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catalog = nil
}

// EnsureCopy makes the copy's table and views in the schema dbo, in one transaction. Table and views have an extended
// property that says what they are, and what each view is made of. A view reads with the rights of the owner of dbo.
func (m *mutable) EnsureCopy(ctx context.Context, c connectors.Copy) (connectors.Table, error) {
	s := m.apply
	err := s.transact(ctx, func(tx *sql.Tx) error {
		err := alone(ctx, tx, c.Name)
		var i intended
		if err == nil {
			i, err = s.intend(ctx, tx, c)
		}
		if err == nil {
			err = i.make(ctx, tx)
		}
		if err != nil {
			return s.fail("copy", c.Name, err)
		}
		return nil
	})
	if err != nil {
		return connectors.Table{}, err
	}
	m.source.forget()
	s.forget()
	t, err := s.table(ctx, c.Name)
	if err != nil {
		return connectors.Table{}, s.fail("copy", c.Name, because(ctx, err))
	}
	return t.Table, nil
}

// alone lets one session at a time make or write a copy, until the transaction ends.
func alone(ctx context.Context, tx *sql.Tx, name string) error {
	result := ""
	err := collect(ctx, tx, "DECLARE @r int; EXEC @r = sp_getapplock @Resource = @p1, @LockMode = 'Exclusive', @LockOwner = "+
		"'Transaction', @LockTimeout = 5000; SELECT CONVERT(varchar(10), @r)", []any{"lethe " + digest(name)},
		func(values [][]byte) error {
			result = string(values[0])
			return nil
		})
	if err == nil && strings.HasPrefix(result, "-") {
		err = fmt.Errorf("another session is at work on the copy: %w: %w", connectors.ErrTransient, connectors.ErrLocked)
	}
	return err
}

// make makes what is missing or other than it should be.
func (i intended) make(ctx context.Context, tx *sql.Tx) error {
	run := func(statements ...string) error {
		for _, statement := range statements {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return because(ctx, err)
			}
		}
		return nil
	}
	marked := func(how, kind, name, comment string) string {
		return "EXEC sys.sp_" + how + "extendedproperty @name = N'" + mark + "', @value = " + quoteText(comment) +
			", @level0type = N'SCHEMA', @level0name = N'dbo', @level1type = N'" + kind + "', @level1name = " + quoteText(name)
	}
	if _, exists := i.there[i.Name]; !exists {
		var lines, key []string
		for _, d := range i.fields {
			lines = append(lines, d.sql())
		}
		for _, name := range i.key {
			key = append(key, quoteName(name))
		}
		err := run("CREATE TABLE "+inDBO(i.Name)+" ("+strings.Join(append(lines, "PRIMARY KEY ("+strings.Join(key, ", ")+")"), ", ")+")",
			marked("add", "TABLE", i.Name, copyComment+i.Of.Name))
		if err != nil {
			return err
		}
	}
	wanted := map[string]bool{}
	for _, v := range i.Views {
		wanted[v.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(i.there)) {
		if i.there[name].viewOf(i.Name) && !wanted[name] {
			if err := run("DROP VIEW " + inDBO(name)); err != nil {
				return err
			}
		}
	}
	for _, v := range i.Views {
		shows := i.viewSelect(v)
		comment := viewComment + digest(i.Name) + " " + digest(shows)
		o, made := i.there[v.Name]
		verb, how := "CREATE", "add"
		if made { // which keeps the rights on it
			verb, how = "ALTER", "update"
		}
		if made && o.comment == comment {
			continue
		}
		if err := run(verb+" VIEW "+inDBO(v.Name)+" AS "+shows, marked(how, "VIEW", v.Name, comment)); err != nil {
			return err
		}
	}
	return nil
}

// viewSelect writes what a view shows. The copy stands on the left of each comparison.
func (i intended) viewSelect(v connectors.CopyView) string {
	var shown, where []string
	for _, name := range v.Fields {
		shown = append(shown, "t."+quoteName(name))
	}
	for _, name := range i.Of.Key {
		where = append(where, "c."+quoteName(name)+" = t."+quoteName(name))
	}
	for _, name := range slices.Sorted(maps.Keys(v.Where)) {
		where = append(where, "c."+quoteName(name)+" = "+quoteText(v.Where[name]))
	}
	if v.Until != "" {
		until := "c." + quoteName(v.Until)
		where = append(where, "("+until+" IS NULL OR "+until+" > SYSUTCDATETIME())")
	}
	return "SELECT " + strings.Join(shown, ", ") + " FROM " + i.of.from() + " t WHERE EXISTS (SELECT 1 FROM " + inDBO(i.Name) +
		" c WHERE " + strings.Join(where, " AND ") + ")"
}

// CheckCopy looks at the names, at what stands under them, and at the rights of the user of apply_dsn.
func (m *mutable) CheckCopy(ctx context.Context, c connectors.Copy) error {
	s := m.apply
	if _, err := s.intend(ctx, s.db, c); err != nil {
		return s.fail("copy", c.Name, because(ctx, err))
	}
	row, err := s.ask(ctx, "copy", "SELECT CONVERT(varchar(1), HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'CREATE TABLE')), "+
		"CONVERT(varchar(1), HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'CREATE VIEW')), CONVERT(varchar(1), "+
		"HAS_PERMS_BY_NAME('dbo', 'SCHEMA', 'ALTER')), CURRENT_USER")
	if err != nil {
		return err
	}
	for n, right := range []string{"CREATE TABLE", "CREATE VIEW", "ALTER ON SCHEMA::dbo"} {
		if row[n] != "1" {
			return s.fail("copy", c.Name, &connectors.Error{Hint: "GRANT " + right + " TO " + quoteName(row[3]),
				Err: fmt.Errorf("the user of apply_dsn lacks %s: %w", right, connectors.ErrDenied)})
		}
	}
	return nil
}

// WriteCopy runs one transaction, in which no other session writes the copy: rows of the keys go, then rows are put in.
func (m *mutable) WriteCopy(ctx context.Context, copied connectors.Table, rows arrow.Record, gone []connectors.Key) error {
	s := m.apply
	return s.transact(ctx, func(tx *sql.Tx) error {
		err := alone(ctx, tx, copied.Name)
		if err == nil {
			err = s.writeCopy(ctx, tx, copied.Name, rows, gone)
		}
		if err != nil {
			return s.fail("copy", copied.Name, err)
		}
		return nil
	})
}

func (s *source) writeCopy(ctx context.Context, tx *sql.Tx, name string, rows arrow.Record, gone []connectors.Key) error {
	s.forget()
	t, err := s.table(ctx, name)
	if err != nil {
		return err
	}
	there, err := objects(ctx, tx, name)
	if err != nil {
		return err
	}
	if o := there[name]; !strings.HasPrefix(o.comment, copyComment) {
		return connectors.NotThisCopy("the table is no copy")
	}
	columns, err := t.Table.Columns(rows)
	if err != nil {
		return err
	}
	if columns != nil {
		for _, st := range t.puts(columns, int(rows.NumRows())) {
			if _, err := tx.ExecContext(ctx, st.text, st.params...); err != nil {
				return because(ctx, err)
			}
		}
	}
	var by []comparison
	for _, field := range t.Key {
		how, err := t.columns[field].compared(t.columns[field])
		if err != nil {
			return err
		}
		by = append(by, how)
	}
	pieces, err := cut(&connectors.Keys{Fields: t.Key, Tuples: gone}, by)
	if err != nil {
		return err
	}
	for piece := range pieces.Len() {
		joined, condition, text := joined(by, pieces.Of(piece), "@p1")
		if _, err := tx.ExecContext(ctx, "DELETE t FROM "+t.from()+" t JOIN "+joined+" ON "+condition, text); err != nil {
			return because(ctx, err)
		}
	}
	return nil
}

// puts writes the rows: those with the same key go, then the last of each key is put in, as it is spelled.
func (t *table) puts(columns []*array.Binary, rows int) (statements []statement) {
	var names, values, key, match []string
	var of []*column
	for i, f := range t.Fields {
		at := "k.c" + strconv.Itoa(i+1)
		of, names, values = append(of, t.columns[f.Name]), append(names, quoteName(f.Name)), append(values, at)
		if slices.Contains(t.Key, f.Name) {
			key, match = append(key, at), append(match, "t."+quoteName(f.Name)+" = "+at)
		}
	}
	rowsOf := typed("@p1", of, 0)
	text := "DELETE t FROM " + t.from() + " t JOIN " + rowsOf + " ON " + strings.Join(match, " AND ") + "; INSERT INTO " + t.from() +
		" (" + strings.Join(names, ", ") + ") SELECT " + strings.Join(values, ", ") + " FROM (SELECT k.*, ROW_NUMBER() OVER " +
		"(PARTITION BY " + strings.Join(key, ", ") + " ORDER BY k.n DESC) AS r FROM " + rowsOf + ") k WHERE k.r = 1"
	for start := 0; start < rows; {
		var l list
		end := start
		for ; end < rows && end-start < keysAtOnce && l.size < bytesAtOnce; end++ {
			row := make([]any, len(columns))
			for i, c := range of {
				if !columns[i].IsNull(end) {
					row[i] = c.param(columns[i].Value(end))
				}
			}
			l.add(row...)
		}
		statements = append(statements, statement{text: text, params: []any{l.text()}})
		start = end
	}
	return statements
}

// DropCopy drops the views, then the table.
func (m *mutable) DropCopy(ctx context.Context, name string) error {
	s := m.apply
	err := s.transact(ctx, func(tx *sql.Tx) error {
		there, err := objects(ctx, tx, name)
		o, exists := there[name]
		if err == nil && exists && (o.kind != "U" || !strings.HasPrefix(o.comment, copyComment)) {
			err = connectors.NotThisCopy("what has the name is no copy")
		}
		for _, view := range slices.Sorted(maps.Keys(there)) {
			if err == nil && there[view].viewOf(name) {
				_, err = tx.ExecContext(ctx, "DROP VIEW "+inDBO(view))
			}
		}
		if err == nil && exists {
			_, err = tx.ExecContext(ctx, "DROP TABLE "+inDBO(name))
		}
		if err != nil {
			return s.fail("copy", name, because(ctx, err))
		}
		return nil
	})
	m.source.forget()
	s.forget()
	return err
}

// viewsQuery is the views with what each reads at once, by numbers.
const viewsQuery = `SELECT v.object_id, s.name, v.name, COALESCE(d.referenced_id, 0) FROM sys.views v JOIN sys.schemas s ON ` +
	`s.schema_id = v.schema_id LEFT JOIN sys.sql_expression_dependencies d ON d.referencing_id = v.object_id WHERE ` +
	`v.is_ms_shipped = 0 ORDER BY s.name, v.name`

// Views returns the views of the database, with the tables that they read, through others too.
func (s *source) Views(ctx context.Context) ([]connectors.View, error) {
	s.forget()
	tables, err := s.known(ctx)
	if err != nil {
		return nil, s.fail("catalog", "", err)
	}
	byID := map[string]string{}
	for name, t := range tables {
		byID[t.id] = name
	}
	names, reads := map[string]string{}, map[string][]string{}
	err = collect(ctx, s.db, viewsQuery, nil, func(values [][]byte) error {
		id := string(values[0])
		names[id] = nameOf(string(values[1]), string(values[2]))
		reads[id] = append(reads[id], string(values[3]))
		return nil
	})
	if err != nil {
		return nil, s.fail("catalog", "", err)
	}
	var views []connectors.View
	for id, name := range names {
		found, seen, next := map[string]bool{}, map[string]bool{}, []string{id}
		for len(next) > 0 {
			at := next[0]
			next = next[1:]
			if table, ok := byID[at]; ok {
				found[table] = true
			}
			if !seen[at] {
				next = append(next, reads[at]...)
			}
			seen[at] = true
		}
		views = append(views, connectors.View{Name: name, Tables: slices.Sorted(maps.Keys(found))})
	}
	slices.SortFunc(views, func(a, b connectors.View) int { return strings.Compare(a.Name, b.Name) })
	return views, nil
}
