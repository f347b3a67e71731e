package sqlite

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"lethe/connectors"
)

// Foresee compiles the statements that reading takes, and runs none.
func (s *source) Foresee(ctx context.Context, uses []connectors.Use) ([]connectors.Obstacle, error) {
	c, err := s.acquire(ctx)
	if err != nil {
		return nil, s.fail(ctx, "check", "", err)
	}
	f := foresight{c: c, dsn: "dsn"}
	f.tables, err = loadTables(c, s.database)
	for _, u := range uses {
		if err == nil {
			u.Lock, u.Update, u.Delete = false, nil, false
			err = f.ask(u, u.Table)
		}
	}
	s.release(c, err == nil)
	if err != nil {
		return nil, s.fail(ctx, "check", f.at, err)
	}
	return f.found, nil
}

// Foresee also compiles the statements that the changes take, with all triggers and foreign key actions that
// follow: SQLite makes one program of them. That the file can be written, and a journal beside it, is tried in
// a transaction that is rolled back before a byte of the file has changed.
func (m *mutator) Foresee(ctx context.Context, uses []connectors.Use) ([]connectors.Obstacle, error) {
	found, err := m.source.Foresee(ctx, uses)
	if err != nil {
		return nil, err
	}
	uses = slices.DeleteFunc(slices.Clone(uses), func(u connectors.Use) bool {
		known := func(o connectors.Obstacle) bool { return o.Table == u.Table }
		return !u.Changes() || slices.ContainsFunc(found, known)
	})
	if len(uses) == 0 {
		return found, nil
	}
	m.writing.Lock()
	defer m.writing.Unlock()
	f := foresight{c: m.writer, dsn: "apply_dsn", found: found}
	for _, u := range uses {
		if err := m.foresee(ctx, &f, u); err != nil {
			return nil, m.fail(ctx, "check", u.Table, err)
		}
	}
	if err := m.tryWriting(ctx, &f); err != nil {
		return nil, err
	}
	return f.found, nil
}

// foresee compiles the changes of one use as Mutate would.
func (m *mutator) foresee(ctx context.Context, f *foresight, u connectors.Use) (err error) {
	guard, err := m.guardOf(ctx, []connectors.Query{{Table: u.Table}})
	if err != nil {
		return err
	}
	if guard != nil {
		if err := m.writer.Exec("PRAGMA foreign_keys=OFF"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.writer.Exec("PRAGMA foreign_keys=ON")) }()
	}
	m.writer.SetInterrupt(ctx)
	defer m.writer.SetInterrupt(context.Background())
	if f.tables == nil {
		if f.tables, err = loadTables(m.writer, m.database); err != nil {
			return err
		}
	}
	return f.ask(u, u.Table)
}

// errTried takes back what tryWriting tried.
var errTried = errors.New("only tried")

// tryWriting begins to write, which makes SQLite open its journal, and takes it back.
func (m *mutator) tryWriting(ctx context.Context, f *foresight) error {
	err := m.transaction(ctx, "check", "", func() error {
		version := ""
		err := rows(m.writer, "PRAGMA user_version", func(s *sqlite3.Stmt) { version = s.ColumnText(0) })
		if err == nil {
			err = m.writer.Exec("PRAGMA user_version=" + version)
		}
		if err != nil {
			return m.fail(ctx, "check", "", err)
		}
		return errTried
	})
	var refused *connectors.Error
	switch {
	case errors.Is(err, errTried):
		return nil
	case errors.Is(err, connectors.ErrTransient):
		f.say(connectors.Obstacle{Kind: connectors.ErrTransient, Doubt: true,
			What: "another process is writing, so that it was not tried whether the file can be written",
			Mend: "ask again when it is done"})
		return nil
	case ctx.Err() == nil && errors.As(err, &refused):
		f.say(connectors.Obstacle{Kind: connectors.ErrDenied, What: "the file cannot be written (" +
			refused.Err.Error() + ")", Mend: "this user needs write permission on it and on its folder, where SQLite " +
			"keeps a journal, and the disk some space"})
		return nil
	}
	return err
}

// foresight asks one connection.
type foresight struct {
	c      *sqlite3.Conn
	dsn    string
	tables []*table
	at     string // the table that is asked about
	found  []connectors.Obstacle
}

func (f *foresight) say(o connectors.Obstacle) {
	o.DSN = f.dsn
	f.found = append(f.found, o)
}

// ask compiles what a use takes.
func (f *foresight) ask(u connectors.Use, name string) error {
	f.at = name
	var catalog connectors.Tables
	for _, t := range f.tables {
		catalog = append(catalog, t.Table)
	}
	if wrong := catalog.CheckUse(u, f.dsn); len(wrong) > 0 {
		f.found = append(f.found, wrong...)
		return nil
	}
	t := f.tables[slices.IndexFunc(f.tables, func(t *table) bool { return t.Name == name })]
	column := func(name string) string { return t.columns[t.field(name)].name }
	var read, set []string
	for _, field := range t.Fields {
		if u.Fields == nil || slices.Contains(u.Fields, field.Name) {
			read = append(read, column(field.Name))
		}
	}
	for _, name := range u.Update {
		set = append(set, column(name)+" = ?")
	}
	type statement struct{ doing, sql string }
	var statements []statement
	if !u.Changes() {
		statements = append(statements, statement{"reading it",
			"SELECT " + strings.Join(read, ", ") + " FROM main." + t.name})
	}
	if len(set) > 0 {
		statements = append(statements, statement{"changing its " + strings.Join(u.Update, ", "),
			updateOf(t, set) + " WHERE 0"})
	}
	if u.Delete {
		statements = append(statements, statement{"deleting its rows", "DELETE FROM main." + t.name + " WHERE 0"})
	}
	for _, s := range statements {
		stmt, _, err := f.c.Prepare(s.sql)
		if err == nil {
			err = stmt.Close()
		}
		if err != nil {
			o, fault := f.refused(err)
			if fault != nil {
				return fault
			}
			o.Table, o.What = name, s.doing+" takes "+o.What
			f.say(o)
		}
	}
	return nil
}

// lacking finds what SQLite says is not there, in the messages that hold nothing but names of the schema.
var lacking = regexp.MustCompile(`(?s)\b(no such (?:module|function|table|column|index|collation sequence)|` +
	`unsafe use of):? (.+)$`)

// refused says what keeps SQLite from compiling a statement; its error is one of another kind.
func (f *foresight) refused(err error) (connectors.Obstacle, error) {
	var code sqlite3.ErrorCode
	if !errors.As(err, &code) || code != sqlite3.ERROR && code != sqlite3.AUTH {
		return connectors.Obstacle{}, err
	}
	o := connectors.Obstacle{Kind: connectors.ErrRefused, What: "what SQLite cannot compile",
		Mend: "look at the triggers, indexes and computed fields of the table"}
	m := lacking.FindStringSubmatch(err.Error())
	if m == nil {
		return o, nil
	}
	kind, name := strings.TrimPrefix(m[1], "no such "), m[2]
	o.What = fmt.Sprintf("%s %s, which is not there", kind, name)
	o.Mend = "have whoever made it mend or drop it"
	switch kind {
	case "module":
		o.What = "the module " + name + ", which this build of SQLite does not have"
		o.Mend = "it has fts5 and rtree; keep the table in step otherwise, or leave it to the application"
	case "function", "collation sequence":
		o.What = fmt.Sprintf("the %s %s, which is the application's own", kind, name)
		o.Mend = "let it do without, as nobody but the application can change such rows"
	case "unsafe use of":
		o.What = name + ", which SQLite does not let a schema use"
	}
	by, fault := f.naming(strings.TrimPrefix(name, "main."), kind == "module")
	if fault != nil {
		return o, fault
	}
	if len(by) > 0 {
		o.What += ", in " + strings.Join(by, ", ")
	}
	return o, nil
}

// naming lists the triggers and indexes whose text holds a name, or the virtual tables of a module.
func (f *foresight) naming(name string, module bool) (found []string, err error) {
	name = strings.ToLower(strings.TrimSuffix(name, "()"))
	err = rows(f.c, `SELECT type, name, lower(sql) FROM main.sqlite_schema WHERE type <> 'view' ORDER BY type, name`,
		func(s *sqlite3.Stmt) {
			if s.ColumnText(0) == "table" == module && strings.Contains(s.ColumnText(2), name) {
				found = append(found, s.ColumnText(0)+" "+s.ColumnText(1))
			}
		})
	return found, err
}
