package numbered

import (
	"hash/maphash"
	"strings"
)

// Names are rows by their table, which has a number, and their key: each has a number, in the order in which they came.
// The zero value has none, and lies in memory. They are used by one goroutine.
type Names struct {
	keys   Texts
	tables Column[int32]
	slots  []int32 // by hash: the number of a row and one; 0: free
	seed   maphash.Seed
	buf    []byte
}

// In lets names that are none yet lie in a room.
func (n *Names) In(r *Room) { n.keys.Room, n.tables.Room = r, r }

// Len is how many rows there are.
func (n *Names) Len() int { return n.tables.Len() }

// Table is the number of a row's table.
func (n *Names) Table(row int32) int32 { return *n.tables.At(int(row)) }

// Key is the key of a row.
func (n *Names) Key(row int32) string { return string(n.key(row)) }

// AppendKey appends the key of a row.
func (n *Names) AppendKey(dst []byte, row int32) []byte { return n.keys.Append(dst, row) }

// Is reports whether a row has a key.
func (n *Names) Is(row int32, key string) bool { return string(n.key(row)) == key }

// key is the key of a row, until the next one is asked for.
func (n *Names) key(row int32) []byte {
	n.buf = n.keys.Append(n.buf[:0], row)
	return n.buf
}

// Keys are the keys of some rows, which share their memory.
func Keys[K ~string](n *Names, rows []int32) []K {
	length := 0
	for _, row := range rows {
		length += n.keys.length(row)
	}
	var all strings.Builder
	all.Grow(length)
	for _, row := range rows {
		all.Write(n.key(row))
	}
	keys, rest := make([]K, len(rows)), all.String()
	for i, row := range rows {
		l := n.keys.length(row)
		keys[i], rest = K(rest[:l]), rest[l:]
	}
	return keys
}

// Find is the number of a row.
func (n *Names) Find(table int32, key string) (row int32, ok bool) {
	if len(n.slots) == 0 {
		return 0, false
	}
	row = n.slots[n.slot(table, key)] - 1
	return row, row >= 0
}

// Number is the number of a row, which gets one if it has none; fresh: it had none.
func (n *Names) Number(table int32, key string) (row int32, fresh bool) {
	if n.Len() >= len(n.slots)/4*3 {
		n.grow()
	}
	at := n.slot(table, key)
	if n.slots[at] > 0 {
		return n.slots[at] - 1, false
	}
	row = int32(n.tables.Add(table))
	n.keys.Add(key)
	n.slots[at] = row + 1
	return row, true
}

// slot is where the number of a row stands, or belongs.
func (n *Names) slot(table int32, key string) int {
	for at := n.hash(table, maphash.String(n.seed, key)); ; at = (at + 1) & (len(n.slots) - 1) {
		row := n.slots[at] - 1
		if row < 0 || n.Table(row) == table && n.Is(row, key) {
			return at
		}
	}
}

func (n *Names) hash(table int32, key uint64) int {
	return int((key ^ uint64(uint32(table))*0x9e3779b97f4a7c15) & uint64(len(n.slots)-1))
}

func (n *Names) grow() {
	if n.slots == nil {
		n.seed = maphash.MakeSeed()
	}
	n.slots = Slice[int32](n.keys.Room, max(64, 2*len(n.slots)))
	for row := range int32(n.Len()) {
		at := n.hash(n.Table(row), maphash.Bytes(n.seed, n.key(row)))
		for n.slots[at] > 0 {
			at = (at + 1) & (len(n.slots) - 1)
		}
		n.slots[at] = row + 1
	}
}
