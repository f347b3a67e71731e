package sqlserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
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
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(string(keys.Tuples[a]), string(keys.Tuples[b])) })
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

// answer says which tuple of the query a row of a piece answers, by the place in it that the server says; ok is false if
// the row belongs to another piece.
func (k *keySet) answer(chunk int, own connectors.Key, place []byte) (tuple int, ok bool, err error) {
	n, err := strconv.Atoi(string(place))
	at := k.starts[chunk] + n - 1
	if err != nil || at < k.starts[chunk] || at >= k.starts[chunk+1] {
		return 0, false, errors.New("the server names a key that it was not asked for")
	}
	if i, found := slices.BinarySearch(k.tuples, own); found {
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

// joined is the table of a piece's tuples, and the condition that joins it. Tuples are compared one by one, never as a
// range.
func (k *keySet) joined(chunk int, param string) (table, condition, text string) {
	columns, conditions := make([]*column, len(k.by)), make([]string, len(k.by))
	for j, by := range k.by {
		columns[j] = by.of
		conditions[j] = by.left + " = k.c" + strconv.Itoa(j+1)
	}
	var l list
	for _, tuple := range k.tuples[k.starts[chunk]:k.starts[chunk+1]] {
		values, _ := tuple.Values() // checked
		row := make([]any, len(values))
		for j, v := range values {
			row[j] = k.by[j].of.param(v)
		}
		l.add(row...)
	}
	return typed(param, columns, len(columns)), strings.Join(conditions, " AND "), l.text()
}
