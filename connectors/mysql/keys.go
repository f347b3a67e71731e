package mysql

import (
	"bytes"
	"database/sql/driver"
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
	asked  []int // where each tuple stands in the query
	starts []int // of the pieces, and the end
	exact  bool  // no two spellings of a value are equal, so that a row's own values tell its tuple
	// values that the server holds equal to a tuple of other bytes, and the piece that first met them
	folded map[connectors.Key]int
}

func newKeySet(keys *connectors.Keys, kinds []connectors.Kind) (*keySet, error) {
	if keys == nil {
		return nil, nil
	}
	k := &keySet{kinds: kinds, folded: map[connectors.Key]int{}, exact: true}
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
		switch err := k.check(keys.Fields, tuple); {
		case err == nil:
			k.tuples, k.asked = append(k.tuples, tuple), append(k.asked, i)
		case keys.Of == nil || !errors.Is(err, connectors.ErrConfig):
			return nil, err
		} // else a value of what is referred to, which no value of the referring field is equal to
	}
	k.cut()
	return k, nil
}

// check refuses a tuple that cannot be compared with the fields.
func (k *keySet) check(fields []string, tuple connectors.Key) error {
	values, err := tuple.Values()
	if err != nil || len(values) != len(k.kinds) {
		return errors.New("a tuple of the query's keys does not fit their fields")
	}
	for j, v := range values {
		if _, err := literal(k.kinds[j], v); err != nil {
			return fmt.Errorf("key field %s: %w", fields[j], err)
		}
		digits := bytes.TrimPrefix(v, []byte("-"))
		k.exact = k.exact && k.kinds[j] == connectors.Integer && (digits[0] != '0' || len(v) == 1)
	}
	return nil
}

// oneText says whether the keys are of one field, a text.
func (k *keySet) oneText() bool { return len(k.kinds) == 1 && k.kinds[0] == connectors.Text }

// cut makes pieces.
func (k *keySet) cut() {
	most, bytes, size := keysAtOnce, bytesAtOnce, 0
	if !k.exact {
		bytes /= 3 // as they stand in a statement up to three times
	}
	if !k.exact && !k.oneText() {
		most = spelledAtOnce
	}
	for i, tuple := range k.tuples {
		if i == 0 || i-k.starts[len(k.starts)-1] == most || size > bytes {
			k.starts, size = append(k.starts, i), 0
		}
		size += len(tuple)
	}
	k.starts = append(k.starts, len(k.tuples))
}

// ordinal is an expression for the place of a row's tuple within a piece; "" or NULL where its own values tell.
func (k *keySet) ordinal(chunk int, names []string) string {
	if k == nil || k.exact {
		return ""
	}
	tuples := k.tuples[k.starts[chunk]:k.starts[chunk+1]]
	var b strings.Builder
	b.WriteString("CASE")
	if k.oneText() { // most rows have the very bytes, for which the server searches a sorted list
		bytes := "BINARY CONVERT(" + names[0] + " USING utf8mb4)"
		b.WriteString(" WHEN " + oneOf([]string{bytes}, k.kinds, tuples) + " THEN NULL")
	}
	for i, tuple := range tuples {
		b.WriteString(" WHEN ")
		for j, text := range tupleLiterals(k.kinds, tuple) {
			if j > 0 {
				b.WriteString(" AND ")
			}
			b.WriteString(names[j] + " = " + text)
		}
		b.WriteString(" THEN " + strconv.Itoa(i))
	}
	b.WriteString(" END")
	return b.String()
}

// answer says which tuple of the query a row of a piece answers, by its own values or by the ordinal that the
// server gave it; ok is false if the row belongs to another piece.
func (k *keySet) answer(chunk int, own connectors.Key, ordinal driver.Value) (tuple int, ok bool, err error) {
	if !k.owns(chunk, own) {
		return 0, false, nil
	}
	at, found := slices.BinarySearchFunc(k.tuples, own, k.compare)
	if !found {
		n, err := strconv.Atoi(string(appendText(nil, ordinal)))
		if err != nil {
			return 0, false, errors.New("the server finds a row by a key that it does not hold equal to the row's")
		}
		at = k.starts[chunk] + n
	}
	return k.asked[at], true, nil
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
