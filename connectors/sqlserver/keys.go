package sqlserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/paging"
)

const (
	keysAtOnce  = 2_000   // tuples of one statement
	bytesAtOnce = 4 << 20 // of values in one statement
)

// list is a list of rows of texts that a statement reads as a table: one parameter, whose text is JSON, whatever the
// number of rows. A server takes 2,100 parameters.
type list struct {
	rows []map[string]any
	size int
}

// add adds a row. nil is NULL.
func (l *list) add(values ...any) {
	row := map[string]any{"n": len(l.rows) + 1}
	for i, v := range values {
		if s, ok := v.(string); ok {
			row["c"+strconv.Itoa(i+1)] = s
			l.size += len(s)
		}
	}
	l.rows = append(l.rows, row)
}

// text is the parameter.
func (l *list) text() string {
	b, err := json.Marshal(l.rows)
	if err != nil {
		panic(err) // texts always marshal
	}
	return string(b)
}

// opened is the list as a table, j (n, c1, c2, ...) of texts, of a parameter.
func opened(param string, columns int) string {
	var b strings.Builder
	b.WriteString("OPENJSON(" + param + ") WITH (n int '$.n'")
	for i := range columns {
		fmt.Fprintf(&b, ", c%[1]d nvarchar(max) '$.c%[1]d'", i+1)
	}
	return b.String() + ") j"
}

// typed is the table k (n, c1, c2, ...) of a list, each of the type of a column; rows of which a value cannot be of its
// column's characters are left out.
func typed(param string, columns []*column, key int) string {
	parts, whole := []string{"j.n"}, []string{}
	for i, c := range columns {
		text := "j.c" + strconv.Itoa(i+1)
		parts = append(parts, c.input(text)+" AS c"+strconv.Itoa(i+1))
		if w := c.whole(text); w != "" && i < key {
			whole = append(whole, w)
		}
	}
	where := ""
	if len(whole) > 0 {
		where = " WHERE " + strings.Join(whole, " AND ")
	}
	return "(SELECT " + strings.Join(parts, ", ") + " FROM " + opened(param, len(columns)) + where + ") k"
}

// comparison is how a field of the rows is compared with one of the tuples, by the type and collation of what the tuples
// are of.
type comparison struct {
	of   *column // what the tuples are values of
	left string  // the row's side
}

// compared says how a field is compared with values of another.
func (c *column) compared(of *column) (comparison, error) {
	if c.incomparable || of.incomparable {
		return comparison{}, fmt.Errorf("field %s cannot be compared: %w", c.field.Name, errors.ErrUnsupported)
	}
	as := comparison{of: of, left: c.name()}
	if of.collation != "" && c.collation != "" && of.collation != c.collation {
		as.left += " COLLATE " + of.collation
	}
	return as, nil
}

// cut makes the pieces of a query's keys.
func cut(keys *connectors.Keys, by []comparison) (*paging.Pieces, error) {
	integers := len(by) == 1 && by[0].of.field.Kind == connectors.Integer
	return paging.Cut(keys, integers, func(tuple connectors.Key) (bool, error) { return fits(keys.Fields, by, tuple) },
		func() (tuples, bytes int) { return keysAtOnce, bytesAtOnce })
}

// fits refuses a tuple that cannot be compared with the fields.
func fits(fields []string, by []comparison, tuple connectors.Key) (beyond bool, err error) {
	values, err := tuple.Values()
	if err != nil || len(values) != len(by) {
		return false, errors.New("a tuple of the query's keys does not fit their fields")
	}
	for j, v := range values {
		more, err := by[j].of.check(v)
		if err != nil {
			return false, fmt.Errorf("key field %s: %w", fields[j], err)
		}
		beyond = beyond || more
	}
	return beyond, nil
}

// joined is the table of tuples, and the condition that joins it. Tuples are compared one by one, never as a
// range.
func joined(by []comparison, tuples []connectors.Key, param string) (table, condition, text string) {
	columns, conditions := make([]*column, len(by)), make([]string, len(by))
	for j, c := range by {
		columns[j] = c.of
		conditions[j] = c.left + " = k.c" + strconv.Itoa(j+1)
	}
	var l list
	for _, tuple := range tuples {
		values, _ := tuple.Values() // checked
		row := make([]any, len(values))
		for j, v := range values {
			row[j] = by[j].of.param(v)
		}
		l.add(row...)
	}
	return typed(param, columns, len(columns)), strings.Join(conditions, " AND "), l.text()
}
