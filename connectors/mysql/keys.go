package mysql

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
)

// keySet holds the tuples of a query, sorted and without repetition, cut into pieces of one statement each.
// The order and the cuts depend on the tuples alone, so that a cursor can name a piece. A nil keySet is one
// piece without a condition.
type keySet struct {
	kinds  []connectors.Kind
	tuples []connectors.Key
	starts []int // of the pieces, and the end
	// values that the server holds equal to a tuple of other bytes, and the piece that first met them
	folded map[connectors.Key]int
}

func newKeySet(keys *connectors.Keys, kinds []connectors.Kind) (*keySet, error) {
	if keys == nil {
		return nil, nil
	}
	k := &keySet{kinds: kinds, folded: map[connectors.Key]int{}}
	k.tuples = slices.Compact(slices.SortedFunc(slices.Values(keys.Tuples), k.compare))
	size := 0
	for i, tuple := range k.tuples {
		if i == 0 || i-k.starts[len(k.starts)-1] == keysAtOnce || size > bytesAtOnce {
			k.starts, size = append(k.starts, i), 0
		}
		size += len(tuple)
		values, err := tuple.Values()
		if err != nil || len(values) != len(kinds) {
			return nil, errors.New("a tuple of the query's keys does not fit their fields")
		}
		for j, v := range values {
			if _, err := literal(kinds[j], v); err != nil {
				return nil, fmt.Errorf("key field %s: %w", keys.Fields[j], err)
			}
		}
	}
	k.starts = append(k.starts, len(k.tuples))
	return k, nil
}

func (k *keySet) chunks() int {
	if k == nil {
		return 1
	}
	return len(k.starts) - 1
}

// compare orders tuples, integers by value and all else by bytes, without taking them apart. Whatever the
// order, it is the same each time.
func (k *keySet) compare(a, b connectors.Key) int {
	if len(k.kinds) != 1 || k.kinds[0] != connectors.Integer || len(a) == 0 || len(b) == 0 {
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

// where names the rows of a piece. Tuples are compared one by one, never as a range.
func (k *keySet) where(chunk int, names []string) string {
	return oneOf(names, k.kinds, k.tuples[k.starts[chunk]:k.starts[chunk+1]])
}

// owns reports whether a row with these values belongs to a piece. One that the server finds in two pieces,
// as their tuples are equal under its collation, belongs to the piece with the very bytes, or else to the
// first that met it.
func (k *keySet) owns(chunk int, values connectors.Key) bool {
	if i, found := slices.BinarySearchFunc(k.tuples, values, k.compare); found {
		return k.starts[chunk] <= i && i < k.starts[chunk+1]
	}
	first, met := k.folded[values]
	if !met {
		k.folded[values], first = chunk, chunk
	}
	return first == chunk
}

// oneOf writes a IN (1, 2) or (a, b) IN ((1, 2), (3, 4)); the tuples have been checked. MariaDB misses rows
// by such a list of tuples where a text's character set is not the connection's: with texts it is (a = 1
// AND b = 'x' OR a = 3 AND b = 'y'), at three times the server's effort.
func oneOf(names []string, kinds []connectors.Kind, tuples []connectors.Key) string {
	var b strings.Builder
	open, glue, next, end := "("+strings.Join(names, ", ")+") IN ((", ",", "),(", "))"
	texts := len(names) > 1 && slices.Contains(kinds, connectors.Text)
	switch {
	case texts:
		open, glue, next, end = "(", " AND ", " OR ", ")"
	case len(names) == 1:
		open, next, end = names[0]+" IN (", ",", ")"
	}
	b.WriteString(open)
	for i, tuple := range tuples {
		if i > 0 {
			b.WriteString(next)
		}
		for j, text := range tupleLiterals(kinds, tuple) {
			if j > 0 {
				b.WriteString(glue)
			}
			if texts {
				b.WriteString(names[j] + " = ")
			}
			b.WriteString(text)
		}
	}
	b.WriteString(end)
	return b.String()
}

func tupleLiterals(kinds []connectors.Kind, tuple connectors.Key) []string {
	values, _ := tuple.Values()
	literals := make([]string, len(values))
	for i, v := range values {
		literals[i], _ = literal(kinds[i], v)
	}
	return literals
}

func quoteName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// literal writes a value as SQL. Numbers stand bare, as a quoted number would be compared as a float; what
// is not a number is refused.
func literal(kind connectors.Kind, v []byte) (string, error) {
	switch kind {
	case connectors.Integer:
		digits := bytes.TrimPrefix(v, []byte("-"))
		if len(digits) == 0 || bytes.ContainsFunc(digits, notDigit) {
			return "", fmt.Errorf("not an integer: %w", connectors.ErrConfig)
		}
		return string(v), nil
	case connectors.Decimal:
		whole, fraction, _ := bytes.Cut(bytes.TrimPrefix(v, []byte("-")), []byte("."))
		if len(whole) == 0 || bytes.ContainsFunc(whole, notDigit) || bytes.ContainsFunc(fraction, notDigit) {
			return "", fmt.Errorf("not a decimal: %w", connectors.ErrConfig)
		}
		return string(v), nil
	case connectors.Float:
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil || f != f || bytes.ContainsAny(v, "xXpPiI_") {
			return "", fmt.Errorf("not a float: %w", connectors.ErrConfig)
		}
		return string(v), nil
	case connectors.Bit:
		n, err := strconv.ParseUint(string(v), 2, 64)
		if err != nil {
			return "", fmt.Errorf("not a string of 0 and 1: %w", connectors.ErrConfig)
		}
		return strconv.FormatUint(n, 10), nil
	case connectors.Binary:
		return fmt.Sprintf("x'%x'", v), nil
	}
	return "'" + escape.Replace(string(v)) + "'", nil
}

var escape = strings.NewReplacer(`\`, `\\`, `'`, `''`)

func notDigit(r rune) bool { return r < '0' || r > '9' }
