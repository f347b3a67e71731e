package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/paging"
)

const (
	keysAtOnce  = 5_000   // tuples of one statement
	bytesAtOnce = 4 << 20 // of values in one statement
)

// comparison is how a field of the rows is compared with one of the tuples, by the type and collation of what the
// tuples are of.
type comparison struct {
	of    *column // what the tuples are values of
	left  string  // the row's side
	right string  // the type that the tuple's text is cast to
	equal string  // the operator
}

// compared says how a field is compared with values of another, or of its own (of is nil).
func (c *column) compared(of *column) comparison {
	name := "t." + quoteName(c.field.Name)
	as := comparison{of: of, left: name, right: of.typ, equal: of.operator("=")}
	text := func() comparison {
		return comparison{of: of, left: name + "::text", right: "text", equal: "OPERATOR(pg_catalog.=)"}
	}
	if of.field.Kind == connectors.Integer {
		as.right = "bigint"
	}
	switch {
	case of.incomparable, c.incomparable:
		return text()
	case c == of:
	case c.typ == of.typ:
		if of.collation != c.collation && (of.loose || c.loose) {
			as.left = "(" + name + " COLLATE " + of.collation + ")"
		}
	case c.numeric() && of.numeric(), c.moment() && of.moment():
	case c.class == 'S' && of.class == 'S':
		as.left = name + "::" + of.typ
		if of.loose && of.collation != "" {
			as.left = "(" + as.left + " COLLATE " + of.collation + ")"
		}
	default: // of types that no foreign key brings together
		return text()
	}
	return as
}

// operator is one by which values of the type are compared, by its whole name: that of citext is found by no search
// path, and texts would be compared in its place.
func (c *column) operator(name string) string { return "OPERATOR(" + c.operators + "." + name + ")" }

func (c *column) numeric() bool {
	return slices.Contains([]string{"int2", "int4", "int8", "numeric", "float4", "float8", "oid"}, c.base)
}

func (c *column) moment() bool {
	return slices.Contains([]string{"date", "timestamp", "timestamptz"}, c.base)
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
		if by[j].right == "text" && by[j].of.field.Kind != connectors.Text {
			continue
		}
		more, err := by[j].of.check(v)
		if err != nil {
			return false, fmt.Errorf("key field %s: %w", fields[j], err)
		}
		beyond = beyond || more
	}
	return beyond, nil
}

// whole says whether tuples are one integer each, as a row's value of the column is written.
func (c *column) whole(tuples []connectors.Key) bool {
	return slices.Contains([]string{"int2", "int4", "int8"}, c.base) && !slices.ContainsFunc(tuples, func(t connectors.Key) bool {
		values, err := t.Values()
		if err != nil || len(values) != 1 {
			return true
		}
		digits := bytes.TrimPrefix(values[0], []byte("-"))
		return len(digits) == 0 || digits[0] == '0' && len(values[0]) > 1
	})
}

// integers is the text of an array of tuples of one integer each.
func integers(tuples []connectors.Key) []byte {
	text := []byte{'{'}
	for i, tuple := range tuples {
		if i > 0 {
			text = append(text, ',')
		}
		values, _ := tuple.Values() // checked
		text = append(text, values[0]...)
	}
	return append(text, '}')
}

// joined is the table of tuples, k (c1, c2, n), and the condition that joins it. Tuples are compared one by
// one, never as a range. The parameters begin at a number.
func joined(by []comparison, tuples []connectors.Key, from int) (table, condition string, params [][]byte) {
	types := make([]string, len(by))
	conditions := make([]string, len(by))
	for j, c := range by {
		types[j] = c.right
		conditions[j] = c.left + " " + c.equal + " k.c" + strconv.Itoa(j+1)
	}
	lists := make([]list, len(by))
	for _, tuple := range tuples {
		values, _ := tuple.Values() // checked
		for j, v := range values {
			lists[j].add(by[j].of.input(v))
		}
	}
	return unnested("k", types, from), strings.Join(conditions, " AND "), texts(lists)
}

// unnested is a table of lists of texts, name (c1, c2, ..., n), with their types and the row's number in n.
func unnested(name string, types []string, from int) string {
	casts, lists, names := make([]string, len(types)), make([]string, len(types)), make([]string, len(types))
	for j, typ := range types {
		names[j] = "c" + strconv.Itoa(j+1)
		casts[j] = "u." + names[j] + "::" + typ + " AS " + names[j]
		lists[j] = "$" + strconv.Itoa(from+j) + "::text[]"
	}
	return "(SELECT " + strings.Join(casts, ", ") + ", u.n FROM unnest(" + strings.Join(lists, ", ") +
		") WITH ORDINALITY u (" + strings.Join(names, ", ") + ", n)) " + name
}

func texts(lists []list) [][]byte {
	params := make([][]byte, len(lists))
	for i := range lists {
		params[i] = lists[i].text()
	}
	return params
}
