package mysql

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/paging"
)

// keySet holds the tuples of a query, in pieces. A nil keySet is one piece without a condition.
type keySet struct {
	*paging.Pieces
	kinds []connectors.Kind
	exact bool // no two spellings of a value are equal, so that a row's own values tell its tuple
}

func newKeySet(keys *connectors.Keys, kinds []connectors.Kind) (k *keySet, err error) {
	if keys == nil {
		return nil, nil
	}
	k = &keySet{kinds: kinds, exact: true}
	integers := len(kinds) == 1 && kinds[0] == connectors.Integer
	k.Pieces, err = paging.Cut(keys, integers, func(tuple connectors.Key) (beyond bool, err error) {
		return false, k.check(keys.Fields, tuple)
	}, k.limits)
	return k, err
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

// limits are how many tuples a piece has, and about how many bytes of them.
func (k *keySet) limits() (tuples, bytes int) {
	tuples, bytes = keysAtOnce, bytesAtOnce
	if !k.exact {
		bytes /= 3 // as they stand in a statement up to three times
	}
	if !k.exact && !k.oneText() {
		tuples = spelledAtOnce
	}
	return tuples, bytes
}

// ordinal is an expression for the place of a row's tuple within a piece; "" or NULL where its own values tell.
func (k *keySet) ordinal(chunk int, names []string) string {
	if k == nil || k.exact {
		return ""
	}
	tuples := k.Of(chunk)
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

func (k *keySet) chunks() int {
	if k == nil {
		return 1
	}
	return k.Len()
}

// where names the rows of a piece. Tuples are compared one by one, but for integers where it need not be: those that follow
// each other are one range then, which holds no others. Under lock the server would look at the row behind each range, and
// wait for whoever has that; by an index that may hold several rows of a key it looks at each range twice to count them.
func (k *keySet) where(chunk int, names []string, single bool) string {
	tuples := k.Of(chunk)
	if single || !k.exact || len(k.kinds) != 1 {
		return oneOf(names, k.kinds, tuples)
	}
	var terms []string
	var alone []connectors.Key
	for first := 0; first < len(tuples); {
		end := first + 1
		for end < len(tuples) && follows(tuples[end-1], tuples[end]) {
			end++
		}
		if end-first < 3 {
			alone = append(alone, tuples[first:end]...)
		} else {
			terms = append(terms, names[0]+" BETWEEN "+tupleLiterals(k.kinds, tuples[first])[0]+" AND "+
				tupleLiterals(k.kinds, tuples[end-1])[0])
		}
		first = end
	}
	if len(alone) > 0 {
		terms = append(terms, oneOf(names, k.kinds, alone))
	}
	return "(" + strings.Join(terms, " OR ") + ")"
}

// follows says whether an integer is the next one after another.
func follows(a, b connectors.Key) bool {
	n, ok := integer(a)
	next, also := integer(b)
	return ok && also && n != math.MaxInt64 && n+1 == next
}

// integer is the only value of a tuple; false where it is none, or too large.
func integer(tuple connectors.Key) (int64, bool) {
	values, err := tuple.Values()
	if err != nil || len(values) != 1 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(values[0]), 10, 64)
	return n, err == nil
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
