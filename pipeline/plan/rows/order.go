package rows

import (
	"cmp"
	"encoding/binary"
	"strings"

	"lethe/connectors"
)

// order is by table, then by key, numbers by their value; then as the plan has them.
func order(a, b *Row) int {
	return cmp.Or(strings.Compare(a.Table, b.Table), orderOfKeys(a.Key, b.Key), cmp.Compare(a.at, b.at))
}

// orderOfKeys compares keys value by value.
func orderOfKeys(a, b connectors.Key) int {
	for {
		x, restA, okA := cutValue(a)
		y, restB, okB := cutValue(b)
		if !okA || !okB {
			return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(string(a), string(b)))
		}
		if c := orderOfValues(x, y); c != 0 {
			return c
		}
		a, b = restA, restB
	}
}

// cutValue takes the first value off a key.
func cutValue(k connectors.Key) (value string, rest connectors.Key, ok bool) {
	var head [binary.MaxVarintLen64]byte
	n, w := binary.Uvarint(head[:copy(head[:], k)])
	if w <= 0 || n > uint64(len(k)-w) {
		return "", "", false
	}
	return string(k[w : w+int(n)]), k[w+int(n):], true
}

// orderOfValues puts whole numbers before all else, by their value.
func orderOfValues(a, b string) int {
	x, negativeA, wholeA := whole(a)
	y, negativeB, wholeB := whole(b)
	if !wholeA || !wholeB {
		return cmp.Or(-compareBools(wholeA, wholeB), strings.Compare(a, b))
	}
	if negativeA != negativeB {
		return -compareBools(negativeA, negativeB)
	}
	c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y))
	if negativeA {
		return -c
	}
	return c
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// whole reports whether a value is a whole number in its one way of writing it, and returns its digits.
func whole(v string) (digits string, negative, ok bool) {
	digits, negative = strings.CutPrefix(v, "-")
	if digits == "" || digits[0] == '0' && (len(digits) > 1 || negative) {
		return "", false, false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return "", false, false
		}
	}
	return digits, negative, true
}
