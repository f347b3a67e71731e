package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
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

// keySet holds the tuples of a query, sorted and without repetition, cut into pieces of one statement each. The order and
// the cuts depend on the tuples alone, so that a cursor can name a piece. A nil keySet is one piece without a condition.
type keySet struct {
	by     []comparison
	tuples []connectors.Key
	asked  []int // where each tuple stands in the query
	starts []int // of the pieces, and the end
	// values that the server holds equal to a tuple of other bytes, and the piece that first met them
	folded map[connectors.Key]int
}

func newKeySet(keys *connectors.Keys, by []comparison) (*keySet, error) {
	if keys == nil {
		return nil, nil
	}
	k := &keySet{by: by, folded: map[connectors.Key]int{}}
	order := make([]int, len(keys.Tuples))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return k.compare(keys.Tuples[a], keys.Tuples[b]) })
	for _, i := range order {
		tuple := keys.Tuples[i]
		if n := len(k.tuples); n > 0 && k.tuples[n-1] == tuple {
			continue
		}
		beyond, err := k.check(keys.Fields, tuple)
		switch {
		case err != nil && (keys.Of == nil || !errors.Is(err, connectors.ErrConfig)):
			return nil, err
		case err == nil && !beyond:
			k.tuples, k.asked = append(k.tuples, tuple), append(k.asked, i)
		} // else a value that no row holds
	}
	size := 0
	for i, tuple := range k.tuples {
		if i == 0 || i-k.starts[len(k.starts)-1] == keysAtOnce || size > bytesAtOnce {
			k.starts, size = append(k.starts, i), 0
		}
		size += len(tuple)
	}
	k.starts = append(k.starts, len(k.tuples))
	return k, nil
}

// check refuses a tuple that cannot be compared with the fields.
func (k *keySet) check(fields []string, tuple connectors.Key) (beyond bool, err error) {
	values, err := tuple.Values()
	if err != nil || len(values) != len(k.by) {
		return false, errors.New("a tuple of the query's keys does not fit their fields")
	}
	for j, v := range values {
		if k.by[j].right == "text" && k.by[j].of.field.Kind != connectors.Text {
			continue
		}
		more, err := k.by[j].of.check(v)
		if err != nil {
			return false, fmt.Errorf("key field %s: %w", fields[j], err)
		}
		beyond = beyond || more
	}
	return beyond, nil
}

func (k *keySet) chunks() int {
	if k == nil {
		return 1
	}
	return len(k.starts) - 1
}

// compare orders tuples, integers by value and all else by bytes, without taking them apart. Whatever the order, it is
// the same each time.
func (k *keySet) compare(a, b connectors.Key) int {
	if len(k.by) != 1 || k.by[0].of.field.Kind != connectors.Integer || len(a) == 0 || len(b) == 0 {
		return strings.Compare(string(a), string(b))
	}
	an, bn := strings.HasPrefix(string(a[1:]), "-"), strings.HasPrefix(string(b[1:]), "-")
	switch {
	case an != bn && an:
		return -1
	case an != bn:
		return 1
	case an:
		return strings.Compare(string(b), string(a))
	}
	return strings.Compare(string(a), string(b)) // the length comes first
}

// answer says which tuple of the query a row of a piece answers, by the place in it that the server says; ok is false
// if the row belongs to another piece. One that the server finds in two pieces, as their tuples are equal under its
// collation, belongs to the piece with the very bytes, or else to the first that met it.
func (k *keySet) answer(chunk int, own connectors.Key, place []byte) (tuple int, ok bool, err error) {
	n, err := strconv.Atoi(string(place))
	at := k.starts[chunk] + n - 1
	if err != nil || at < k.starts[chunk] || at >= k.starts[chunk+1] {
		return 0, false, errors.New("the server names a key that it was not asked for")
	}
	if i, found := slices.BinarySearchFunc(k.tuples, own, k.compare); found {
		if i < k.starts[chunk] || i >= k.starts[chunk+1] {
			return 0, false, nil
		}
		return k.asked[i], true, nil
	}
	first, met := k.folded[own]
	if !met {
		k.folded[own], first = chunk, chunk
	}
	return k.asked[at], first == chunk, nil
}

// joined is the table of a piece's tuples, k (c1, c2, n), and the condition that joins it. Tuples are compared one by
// one, never as a range. The parameters begin at a number.
func (k *keySet) joined(chunk, from int) (table, condition string, params [][]byte) {
	types := make([]string, len(k.by))
	conditions := make([]string, len(k.by))
	for j, by := range k.by {
		types[j] = by.right
		conditions[j] = by.left + " " + by.equal + " k.c" + strconv.Itoa(j+1)
	}
	lists := make([]list, len(k.by))
	for _, tuple := range k.tuples[k.starts[chunk]:k.starts[chunk+1]] {
		values, _ := tuple.Values() // checked
		for j, v := range values {
			lists[j].add(k.by[j].of.input(v))
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
