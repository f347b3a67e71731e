package sqlite

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"lethe/connectors"
)

// keyField is a field of a query's keys.
type keyField struct {
	column *column // of the table
	given  *column // of which the tuples hold values: column itself, or what it refers to
}

// sought says whether an index on the column serves the comparison, and the affinities of both sides make of
// it what that of given alone does.
func (f keyField) sought() bool {
	from, to := f.column.affinity, f.given.affinity
	return strings.EqualFold(f.column.collation, f.given.collation) &&
		from.numeric() == to.numeric() && (to != affText || from == affText)
}

// compared is the column as it stands beside the key. SQLite takes a row to refer to another if its value is
// equal once it has the affinity of what is referred to; a plus takes its own away.
func (f keyField) compared() string {
	if f.sought() {
		return "t." + f.column.name
	}
	return "+t." + f.column.name
}

// keyFields finds the fields of a query's keys, and those that they refer to.
func (s *source) keyFields(c *sqlite3.Conn, t *table, keys *connectors.Keys) ([]keyField, error) {
	of, names := t, keys.Fields
	if keys.Of != nil {
		names = keys.Of.Fields
		if len(names) != len(keys.Fields) {
			return nil, fmt.Errorf("%d fields refer to %d: %w", len(keys.Fields), len(names), connectors.ErrConfig)
		}
		if keys.Of.Table != t.Name {
			var err error
			if of, err = loadTable(c, s.database, keys.Of.Table); err != nil {
				return nil, fmt.Errorf("table %s, which is referred to: %w", keys.Of.Table, err)
			}
		}
	}
	match := make([]keyField, len(names))
	for i := range names {
		field, given := t.field(keys.Fields[i]), of.field(names[i])
		switch {
		case field < 0:
			return nil, fmt.Errorf("no field %s: %w", keys.Fields[i], connectors.ErrSchemaChanged)
		case given < 0:
			return nil, fmt.Errorf("no field %s in table %s: %w", names[i], of.Name, connectors.ErrSchemaChanged)
		}
		match[i] = keyField{column: &t.columns[field], given: &of.columns[given]}
	}
	return match, nil
}

// seekable says whether an index finds the rows of a tuple.
func (sel *selection) seekable() bool {
	return sel.t.indexed(sel.keys.Fields) &&
		!slices.ContainsFunc(sel.match, func(f keyField) bool { return !f.sought() })
}

const dropKeys = "DROP TABLE temp.lethe_keys"

// putKeys writes the query's keys to a temporary table, in memory, whose columns compare as the fields that
// the keys are values of. It returns the number under which each tuple stands there; tuples that SQLite holds
// to be equal share one.
func (sel *selection) putKeys(c *sqlite3.Conn) (numbers []int, err error) {
	var columns []*column
	var define, names, equal, marks []string
	for i, f := range sel.match {
		n := "c" + strconv.Itoa(i)
		columns = append(columns, f.given)
		define = append(define, fmt.Sprintf("%s %s COLLATE %s", n, f.given.affinity, f.given.collation))
		names, equal, marks = append(names, n), append(equal, n+" = ?"), append(marks, "?")
	}
	list := strings.Join(names, ", ")
	err = c.Exec(fmt.Sprintf("CREATE TEMP TABLE lethe_keys (%s, n INTEGER, PRIMARY KEY (%s)) WITHOUT ROWID",
		strings.Join(define, ", "), list))
	if err != nil {
		return nil, err
	}
	if c.GetAutocommit() {
		if err := c.Exec("BEGIN"); err != nil {
			return nil, err
		}
		defer func() {
			if err == nil {
				err = c.Exec("COMMIT")
			}
		}()
	}
	insert, _, err := c.Prepare(fmt.Sprintf("INSERT OR IGNORE INTO temp.lethe_keys (%s, n) VALUES (%s, ?)", list,
		strings.Join(marks, ", ")))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	find, _, err := c.Prepare("SELECT n FROM temp.lethe_keys WHERE " + strings.Join(equal, " AND "))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, find.Close()) }()

	numbers = make([]int, len(sel.keys.Tuples))
	for i, tuple := range sel.keys.Tuples {
		if err := bindKey(insert, columns, tuple); err != nil {
			return nil, err
		}
		if err := insert.BindInt(len(columns)+1, i); err != nil {
			return nil, err
		}
		if err := insert.Exec(); err != nil {
			return nil, err
		}
		numbers[i] = i
		if c.Changes() == 1 {
			continue
		}
		if err := bindKey(find, columns, tuple); err != nil {
			return nil, err
		}
		if find.Step() {
			numbers[i] = find.ColumnInt(0)
		}
		if err := find.Reset(); err != nil {
			return nil, err
		}
	}
	return numbers, nil
}

// bindKey gives the first parameters the values of a key.
func bindKey(stmt *sqlite3.Stmt, columns []*column, key connectors.Key) error {
	values, err := key.Values()
	if err == nil && len(values) != len(columns) {
		err = connectors.ErrConfig
	}
	if err != nil {
		return fmt.Errorf("key of %d values for %d fields: %w", len(values), len(columns), err)
	}
	for i, v := range values {
		if err := columns[i].bind(stmt, i+1, v); err != nil {
			return err
		}
	}
	return nil
}
