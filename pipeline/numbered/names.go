package numbered

import (
	"bytes"
	"hash/maphash"
	"math"
	"strings"
)

// Names are rows by their table, which has a number, and their key: each has a number, in the order in which they came.
// The zero value has none.
type Names struct {
	blocks []block
	tables Column[int32]
	slots  []int32 // by hash: the number of a row and one; 0: free
	seed   maphash.Seed
}

// block is the keys of some rows that came one after another.
type block struct {
	keys []byte
	ends [piece]uint32
}

// Len is how many rows there are.
func (n *Names) Len() int { return n.tables.Len() }

// Table is the number of a row's table.
func (n *Names) Table(row int32) int32 { return *n.tables.At(int(row)) }

// Key is the key of a row; not to be changed.
func (n *Names) Key(row int32) []byte {
	b, at := &n.blocks[row>>pieceBits], row&(piece-1)
	from := uint32(0)
	if at > 0 {
		from = b.ends[at-1]
	}
	return b.keys[from:b.ends[at]:b.ends[at]]
}

// Keys are the keys of some rows, which share their memory.
func Keys[K ~string](n *Names, rows []int32) []K {
	length := 0
	for _, row := range rows {
		length += len(n.Key(row))
	}
	var all strings.Builder
	all.Grow(length)
	for _, row := range rows {
		all.Write(n.Key(row))
	}
	keys, rest := make([]K, len(rows)), all.String()
	for i, row := range rows {
		l := len(n.Key(row))
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
	n.keep(key)
	n.slots[at] = row + 1
	return row, true
}

// keep adds the key of the row that was added last.
func (n *Names) keep(key string) {
	at := (n.Len() - 1) & (piece - 1)
	if at == 0 {
		if last := len(n.blocks) - 1; last >= 0 {
			n.blocks[last].keys = bytes.Clone(n.blocks[last].keys) // no longer than it is
		}
		n.blocks = append(n.blocks, block{})
	}
	b := &n.blocks[len(n.blocks)-1]
	if len(b.keys)+len(key) > math.MaxUint32 || n.Len() == math.MaxInt32 {
		panic("numbered: more keys than numbers")
	}
	b.keys = append(b.keys, key...)
	b.ends[at] = uint32(len(b.keys))
}

// slot is where the number of a row stands, or belongs.
func (n *Names) slot(table int32, key string) int {
	for at := n.hash(table, maphash.String(n.seed, key)); ; at = (at + 1) & (len(n.slots) - 1) {
		row := n.slots[at] - 1
		if row < 0 || n.Table(row) == table && string(n.Key(row)) == key {
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
	n.slots = make([]int32, max(64, 2*len(n.slots)))
	for row := range int32(n.Len()) {
		at := n.hash(n.Table(row), maphash.Bytes(n.seed, n.Key(row)))
		for n.slots[at] > 0 {
			at = (at + 1) & (len(n.slots) - 1)
		}
		n.slots[at] = row + 1
	}
}
