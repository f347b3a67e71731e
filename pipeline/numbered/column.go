// Package numbered keeps what there is very much of by number, in few large pieces without pointers. Its nouns: a
// Column is a list that grows piece by piece; Texts are texts by number, Names rows by table and key; a Ref is one of
// them that refers to another, Refs are all of them, by either; Sets are sets of small numbers of which few differ;
// Marks are a bit for each number. A Room is where they lie, so that a process holds no more of them than it may.
package numbered

// A piece of a column: large enough to be few, small enough that one which is hardly begun costs little.
const (
	pieceBits = 10
	piece     = 1 << pieceBits
)

// Column is a list that grows piece by piece: what stands in it is never moved. The zero value is empty, and lies in
// memory; what lies in a room holds no pointers.
type Column[T any] struct {
	Room   *Room
	pieces [][]T
	n      int
}

// Len is how many there are.
func (c *Column[T]) Len() int { return c.n }

// Add appends, and returns the number of what was added.
func (c *Column[T]) Add(v T) int {
	if c.n == len(c.pieces)*piece {
		c.pieces = append(c.pieces, Slice[T](c.Room, piece))
	}
	at := c.n
	c.n++
	*c.At(at) = v
	return at
}

// At is what has a number. It stays where it is.
func (c *Column[T]) At(i int) *T { return &c.pieces[i>>pieceBits][i&(piece-1)] }

// Reset makes a column so long that is to be written anew, and keeps its pieces. What stands in it is not cleared.
func (c *Column[T]) Reset(n int) {
	for len(c.pieces)*piece < n {
		c.pieces = append(c.pieces, Slice[T](c.Room, piece))
	}
	c.n = n
}

// Marks are a bit for each number.
type Marks struct{ words []uint64 }

// Set marks a number.
func (m *Marks) Set(i int32) {
	for int(i/64) >= len(m.words) {
		m.words = append(m.words, 0)
	}
	m.words[i/64] |= 1 << (i % 64)
}

// Has reports whether a number is marked.
func (m *Marks) Has(i int32) bool { return int(i/64) < len(m.words) && m.words[i/64]&(1<<(i%64)) != 0 }

// Unset unmarks a number.
func (m *Marks) Unset(i int32) {
	if int(i/64) < len(m.words) {
		m.words[i/64] &^= 1 << (i % 64)
	}
}

// Clear unmarks all.
func (m *Marks) Clear() { clear(m.words) }
