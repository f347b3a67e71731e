package mem

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
)

// This file does what a database does for other connectors: it orders rows, finds them by key and holds
// constraints.

// Table is a table with its rows.
type Table struct {
	Def  connectors.Table
	Rows []Row

	copyOf string // the table that it is a copy of, "" for the application's own
}

// Row holds one value for each field of its table: nil for NULL, or a string in the canonical form of the
// field's kind.
type Row []any

func (s *Store) now() []Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables
}

// replace puts changed copies in place of the tables, without the deleted rows.
func (s *Store) replace(tables []Table) {
	for i := range tables {
		t := &tables[i]
		t.Rows = slices.DeleteFunc(t.Rows, func(r Row) bool { return r == nil })
		slices.SortStableFunc(t.Rows, t.compareKeys)
		t.Def.Rows = int64(len(t.Rows))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables = tables
}

// copyTables copies the tables but not the rows, which never change.
func copyTables(tables []Table) []Table {
	tables = slices.Clone(tables)
	for i := range tables {
		tables[i].Rows = slices.Clone(tables[i].Rows)
	}
	return tables
}

// fileState stands for that of a file: size and digest of all values.
func fileState(name string, tables []Table) connectors.FileState {
	var b bytes.Buffer
	for _, t := range tables {
		fmt.Fprintf(&b, "%q\n", t.Def.Name)
		for _, row := range t.Rows {
			for _, v := range row {
				text, ok := v.(string)
				fmt.Fprintf(&b, "%t %d %s\n", ok, len(text), text)
			}
		}
	}
	return connectors.FileState{Path: name, Size: int64(b.Len()), SHA256: sha256.Sum256(b.Bytes())}
}

// named returns the table of that name, or nil.
func named(tables []Table, name string) *Table {
	i := slices.IndexFunc(tables, func(t Table) bool { return t.Def.Name == name })
	if i < 0 {
		return nil
	}
	return &tables[i]
}

// column returns the place of a field, or -1.
func (t *Table) column(name string) int {
	return slices.IndexFunc(t.Def.Fields, func(f connectors.Field) bool { return f.Name == name })
}

// tuple returns the values of some fields of a row; ok is false if one is NULL.
func (t *Table) tuple(row Row, fields []string) (key connectors.Key, ok bool) {
	values := make([][]byte, len(fields))
	for i, f := range fields {
		v, ok := row[t.column(f)].(string)
		if !ok {
			return "", false
		}
		values[i] = []byte(v)
	}
	return connectors.MakeKey(values...), true
}

// answers returns a function that says which of the tuples of keys a row answers; -1 for none.
func (t *Table) answers(tables []Table, keys *connectors.Keys) (func(Row) int, error) {
	if keys == nil {
		return nil, nil
	}
	if err := t.has(keys.Fields); err != nil {
		return nil, err
	}
	if keys.Of != nil { // whose text is compared byte by byte, too
		of := named(tables, keys.Of.Table)
		if of == nil {
			return nil, fmt.Errorf("no table %s: %w", keys.Of.Table, connectors.ErrSchemaChanged)
		}
		if err := of.has(keys.Of.Fields); err != nil {
			return nil, err
		}
	}
	tuples := map[connectors.Key]int{}
	for i, key := range keys.Tuples {
		if _, twice := tuples[key]; !twice {
			tuples[key] = i
		}
	}
	return func(row Row) int {
		if key, ok := t.tuple(row, keys.Fields); ok {
			if i, ok := tuples[key]; ok {
				return i
			}
		}
		return -1
	}, nil
}

func (t *Table) has(fields []string) error {
	for _, f := range fields {
		if t.column(f) < 0 {
			return fmt.Errorf("no field %s: %w", f, connectors.ErrSchemaChanged)
		}
	}
	return nil
}

// cursor names the row at a place by its key, or by the place itself in a table without one.
func (t *Table) cursor(place int) connectors.Cursor {
	if len(t.Def.Key) == 0 {
		return connectors.Cursor(strconv.Itoa(place))
	}
	key, _ := t.tuple(t.Rows[place], t.Def.Key)
	return connectors.Cursor(key)
}

var errCursor = errors.New("damaged cursor")

// behind returns the first place behind a cursor. The row that the cursor names may be gone.
func (t *Table) behind(c connectors.Cursor) (int, error) {
	if c == "" {
		return 0, nil
	}
	if len(t.Def.Key) == 0 {
		place, err := strconv.Atoi(string(c))
		return place + 1, err
	}
	values, err := connectors.Key(c).Values()
	if err != nil || len(values) != len(t.Def.Key) {
		return 0, errCursor
	}
	last := make(Row, len(t.Def.Fields))
	for i, f := range t.Def.Key {
		last[t.column(f)] = string(values[i])
	}
	place, found := slices.BinarySearchFunc(t.Rows, last, t.compareKeys)
	if found {
		place++
	}
	return place, nil
}

// compareKeys orders rows by key: integers by value, all else by bytes.
func (t *Table) compareKeys(a, b Row) int {
	for _, f := range t.Def.Key {
		c := t.column(f)
		av, bv := a[c].(string), b[c].(string)
		order := strings.Compare(av, bv)
		if t.Def.Fields[c].Kind == connectors.Integer {
			if x, ok := new(big.Int).SetString(av, 10); ok {
				if y, ok := new(big.Int).SetString(bv, 10); ok {
					order = x.Cmp(y)
				}
			}
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// check holds the constraints of a changed table that do not wait for the end of a transaction.
func check(t *Table) error {
	for _, f := range t.Def.Fields {
		if _, hasNull := t.values([]string{f.Name}); hasNull && !f.Nullable {
			return &connectors.RefusedError{Class: connectors.RefusedNotNull, By: t.Def.Name + "." + f.Name}
		}
	}
	for _, unique := range append([][]string{t.Def.Key}, t.Def.Unique...) {
		seen, _ := t.values(unique)
		for _, n := range seen {
			if n > 1 && len(unique) > 0 {
				return &connectors.RefusedError{Class: connectors.RefusedUnique,
					By: t.Def.Name + "." + strings.Join(unique, ", ")}
			}
		}
	}
	return nil
}

// checkReferences holds the foreign keys from and to a changed table.
func checkReferences(tables []Table, changed string) error {
	for i := range tables {
		t := &tables[i]
		for _, fk := range t.Def.ForeignKeys {
			if t.Def.Name != changed && fk.RefTable != changed {
				continue
			}
			parents, _ := named(tables, fk.RefTable).values(fk.RefFields)
			children, _ := t.values(fk.Fields)
			for key := range children {
				if parents[key] == 0 {
					return &connectors.RefusedError{Class: connectors.RefusedForeignKey, By: cmp.Or(fk.Name, t.Def.Name)}
				}
			}
		}
	}
	return nil
}

// values counts the tuples of some fields and says whether any is NULL in part.
func (t *Table) values(fields []string) (count map[connectors.Key]int, hasNull bool) {
	count = map[connectors.Key]int{}
	for _, row := range t.Rows {
		if row == nil {
			continue
		}
		if key, ok := t.tuple(row, fields); ok {
			count[key]++
		} else {
			hasNull = true
		}
	}
	return count, hasNull
}
