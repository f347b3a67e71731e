package mem

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"

	"lethe/connectors"
)

// view is a view of a copy.
type view struct {
	connectors.CopyView
	of, copied string // tables
	key        []string
}

// EnsureCopy makes the copy's table and its views.
func (s *Store) EnsureCopy(ctx context.Context, c connectors.Copy) (connectors.Table, error) {
	s.changes.Lock()
	defer s.changes.Unlock()
	tables, views := copyTables(s.now()), s.nowViews()
	err := c.Check()
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		tables, err = withCopy(tables, views, c)
	}
	if err != nil {
		return connectors.Table{}, s.fail("copy", c.Name, err)
	}
	s.replace(tables)
	kept := slices.DeleteFunc(slices.Clone(views), func(v view) bool { return v.copied == c.Name })
	for _, v := range c.Views {
		kept = append(kept, view{CopyView: v, of: c.Of.Name, copied: c.Name, key: c.Of.Key})
	}
	s.replaceViews(kept)
	return named(tables, c.Name).Def, nil
}

// CheckCopy says what EnsureCopy would refuse.
func (s *Store) CheckCopy(ctx context.Context, c connectors.Copy) error {
	err := c.Check()
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		_, err = withCopy(copyTables(s.now()), s.nowViews(), c)
	}
	if err != nil {
		return s.fail("copy", c.Name, err)
	}
	return nil
}

// withCopy returns the tables with a copy among them, if nothing else has its name or that of its views.
func withCopy(tables []Table, views []view, c connectors.Copy) ([]Table, error) {
	taken := func(name string) bool {
		return named(tables, name) != nil ||
			slices.ContainsFunc(views, func(v view) bool { return v.Name == name && v.copied != c.Name })
	}
	for _, v := range c.Views {
		if taken(v.Name) {
			return nil, connectors.NotThisCopy("what has the name of view " + v.Name + " was not made for this copy")
		}
	}
	of := named(tables, c.Of.Name)
	if of == nil {
		return nil, fmt.Errorf("no table %s: %w", c.Of.Name, connectors.ErrSchemaChanged)
	}
	def := connectors.Table{Database: of.Def.Database, Name: c.Name, Key: slices.Concat(c.Of.Key, c.Key)}
	for _, name := range c.Of.Key {
		f, ok := of.Def.Field(name)
		if !ok {
			return nil, fmt.Errorf("table %s has no field %s: %w", c.Of.Name, name, connectors.ErrSchemaChanged)
		}
		def.Fields = append(def.Fields, connectors.Field{Name: f.Name, Type: f.Type, Kind: f.Kind, Length: f.Length})
	}
	for _, f := range c.Fields {
		def.Fields = append(def.Fields, connectors.Field{Name: f.Name, Type: string(f.Kind), Kind: f.Kind,
			Nullable: f.Nullable, Length: f.Length})
	}
	if there := named(tables, c.Name); there != nil {
		if there.copyOf != c.Of.Name {
			return nil, connectors.NotThisCopy("what has the name is no copy of table " + c.Of.Name)
		}
		if !slices.Equal(there.Def.Key, def.Key) || !slices.Equal(there.Def.Fields, def.Fields) {
			return nil, connectors.OutdatedCopy("the copy there has another key or other fields")
		}
		return tables, nil
	}
	if taken(c.Name) {
		return nil, connectors.NotThisCopy("a view has the name")
	}
	tables = append(tables, Table{Def: def, copyOf: c.Of.Name})
	slices.SortFunc(tables, func(a, b Table) int { return strings.Compare(a.Def.Name, b.Def.Name) })
	return tables, nil
}

// WriteCopy changes the rows of a copy.
func (s *Store) WriteCopy(ctx context.Context, copied connectors.Table, rows arrow.Record,
	gone []connectors.Key) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	tables := copyTables(s.now())
	err := ctx.Err()
	if err == nil {
		err = writeCopy(tables, copied.Name, rows, gone)
	}
	if err != nil {
		return s.fail("copy", copied.Name, err)
	}
	s.replace(tables)
	return nil
}

func writeCopy(tables []Table, name string, rows arrow.Record, gone []connectors.Key) error {
	t := named(tables, name)
	switch {
	case t == nil:
		return fmt.Errorf("no such table: %w", connectors.ErrSchemaChanged)
	case t.copyOf == "":
		return connectors.NotThisCopy("the table is no copy")
	}
	columns, err := t.Def.Columns(rows)
	if err != nil {
		return err
	}
	byKey := map[connectors.Key]Row{}
	for _, row := range t.Rows {
		key, _ := t.tuple(row, t.Def.Key)
		byKey[key] = row
	}
	for r := range rowsOf(rows) {
		row := make(Row, len(columns))
		for i, f := range t.Def.Fields {
			switch {
			case !columns[i].IsNull(r):
				row[i] = string(columns[i].Value(r))
			case !f.Nullable:
				return fmt.Errorf("field %s may not be NULL: %w", f.Name, connectors.ErrRefused)
			}
			if f.Length > 0 && f.Kind == connectors.Text && utf8.RuneCount(columns[i].Value(r)) > f.Length {
				return fmt.Errorf("the value does not fit field %s: %w", f.Name, connectors.ErrRefused)
			}
		}
		key, _ := t.tuple(row, t.Def.Key)
		byKey[key] = row
	}
	for _, key := range gone {
		delete(byKey, key)
	}
	t.Rows = slices.Collect(maps.Values(byKey))
	return nil
}

func rowsOf(rows arrow.Record) int {
	if rows == nil {
		return 0
	}
	return int(rows.NumRows())
}

// DropCopy removes a copy's table and views.
func (s *Store) DropCopy(_ context.Context, name string) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	tables := copyTables(s.now())
	if t := named(tables, name); t != nil && t.copyOf == "" {
		return s.fail("copy", name, connectors.NotThisCopy("the table is no copy"))
	}
	s.replace(slices.DeleteFunc(tables, func(t Table) bool { return t.Def.Name == name }))
	s.replaceViews(slices.DeleteFunc(slices.Clone(s.nowViews()), func(v view) bool { return v.copied == name }))
	return nil
}

// Views returns the views of the copies.
func (s *Store) Views(ctx context.Context) ([]connectors.View, error) {
	var views []connectors.View
	for _, v := range s.nowViews() {
		views = append(views,
			connectors.View{Name: v.Name, Tables: slices.Sorted(slices.Values([]string{v.of, v.copied}))})
	}
	return views, ctx.Err()
}

// View returns what a view shows: the names of its fields, and the rows. ok is false if there is no such view.
func (s *Store) View(name string) (fields []string, rows []Row, ok bool) {
	i := slices.IndexFunc(s.nowViews(), func(v view) bool { return v.Name == name })
	if i < 0 {
		return nil, nil, false
	}
	v, tables := s.nowViews()[i], s.now()
	of, copied := named(tables, v.of), named(tables, v.copied)
	shown := map[connectors.Key]bool{}
	for _, row := range copied.Rows {
		if v.shows(copied, row) {
			key, _ := copied.tuple(row, v.key)
			shown[key] = true
		}
	}
	for _, row := range of.Rows {
		if key, _ := of.tuple(row, v.key); shown[key] {
			short := make(Row, len(v.Fields))
			for i, f := range v.Fields {
				short[i] = row[of.column(f)]
			}
			rows = append(rows, short)
		}
	}
	return v.Fields, rows, true
}

// shows says whether a row of the copy fulfils the view's conditions now.
func (v view) shows(copied *Table, row Row) bool {
	for f, value := range v.Where {
		if row[copied.column(f)] != value {
			return false
		}
	}
	if v.Until == "" {
		return true
	}
	until, ends := row[copied.column(v.Until)].(string)
	return !ends || until > time.Now().UTC().Format(time.DateTime)
}

func (s *Store) nowViews() []view {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.views
}

func (s *Store) replaceViews(views []view) {
	slices.SortFunc(views, func(a, b view) int { return strings.Compare(a.Name, b.Name) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.views = views
}
