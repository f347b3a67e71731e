package paging

import (
	"errors"
	"slices"
	"strings"

	"lethe/connectors"
)

// Pieces are the tuples of a query's keys, sorted and without repetition, cut into those of one statement each. The order
// and the cuts depend on the tuples alone, so that a cursor can name a piece. Nil is one piece without a condition.
type Pieces struct {
	tuples   []connectors.Key
	asked    []int // where each tuple stands in the query
	starts   []int // of the pieces, and the end
	integers bool  // each tuple is one integer
	// values that the server holds equal to a tuple of other bytes, and the piece that first met them
	folded map[connectors.Key]int
}

// Cut makes the pieces of a query. check says whether a tuple can be compared with the fields, and whether its values are
// beyond what any row can hold; what is of the field that others refer to may be of another type, and is then left out.
// limits says, when all are checked, how many tuples and about how many bytes a piece has. integers says that the keys
// have one field, of integers.
func Cut(keys *connectors.Keys, integers bool, check func(connectors.Key) (beyond bool, err error),
	limits func() (tuples, bytes int)) (*Pieces, error) {
	p := &Pieces{integers: integers, folded: map[connectors.Key]int{}}
	order := make([]int, len(keys.Tuples))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return p.compare(keys.Tuples[a], keys.Tuples[b]) })
	for _, i := range order {
		tuple := keys.Tuples[i]
		if n := len(p.tuples); n > 0 && p.tuples[n-1] == tuple {
			continue
		}
		beyond, err := check(tuple)
		switch {
		case err != nil && (keys.Of == nil || !errors.Is(err, connectors.ErrConfig)):
			return nil, err
		case err == nil && !beyond:
			p.tuples, p.asked = append(p.tuples, tuple), append(p.asked, i)
		} // else a value that no row holds
	}
	most, bytes := limits()
	size := 0
	for i, tuple := range p.tuples {
		if i == 0 || i-p.starts[len(p.starts)-1] == most || size > bytes {
			p.starts, size = append(p.starts, i), 0
		}
		size += len(tuple)
	}
	p.starts = append(p.starts, len(p.tuples))
	return p, nil
}

// compare orders tuples, integers by value and all else by bytes, without taking them apart. Whatever the order, it is
// the same each time.
func (p *Pieces) compare(a, b connectors.Key) int {
	if !p.integers || len(a) == 0 || len(b) == 0 {
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

// Len is how many pieces there are.
func (p *Pieces) Len() int {
	if p == nil {
		return 1
	}
	return len(p.starts) - 1
}

// Of returns the tuples of a piece.
func (p *Pieces) Of(piece int) []connectors.Key { return p.tuples[p.starts[piece]:p.starts[piece+1]] }

// Answer says which tuple of the query a row of a piece answers, by its own values, or else by the place of the tuple in
// the piece that place returns, as the server says it. ok is false if the row belongs to another piece. One that the server
// finds in two pieces, as their tuples are equal under its collation, belongs to the piece with the very bytes, or else to
// the first that met it.
func (p *Pieces) Answer(piece int, own connectors.Key, place func() (int, error)) (tuple int, ok bool, err error) {
	if i, found := slices.BinarySearchFunc(p.tuples, own, p.compare); found {
		return p.asked[i], p.starts[piece] <= i && i < p.starts[piece+1], nil
	}
	first, met := p.folded[own]
	if !met {
		p.folded[own], first = piece, piece
	}
	if first != piece {
		return 0, false, nil
	}
	n, err := place()
	at := p.starts[piece] + n
	if err != nil || n < 0 || at >= p.starts[piece+1] {
		return 0, false, errors.New("the server finds a row by a key that it was not asked for")
	}
	return p.asked[at], true, nil
}
