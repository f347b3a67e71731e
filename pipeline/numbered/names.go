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
	slots  []slot // by hash
	seed   maphash.Seed
	buf    []byte
}

// slot is a place of the table of names. Beside the number stands all of the hash: another row's name is hardly ever
// looked at, which lies somewhere else.
type slot struct {
	row  int32 // the number and one; 0: the place is free
	hash uint32
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
	at, _ := n.find(table, key)
	row = n.slots[at].row - 1
	return row, row >= 0
}

// Number is the number of a row, which gets one if it has none; fresh: it had none.
func (n *Names) Number(table int32, key string) (row int32, fresh bool) {
	if n.Len() >= len(n.slots)/4*3 {
		n.grow()
	}
	at, hash := n.find(table, key)
	if s := n.slots[at]; s.row > 0 {
		return s.row - 1, false
	}
	row = int32(n.tables.Add(table))
	n.keys.Add(key)
	n.slots[at] = slot{row + 1, hash}
	return row, true
}

// find is where the number of a row stands, or belongs, and its hash.
func (n *Names) find(table int32, key string) (at int, hash uint32) {
	hash = mixed(table, maphash.String(n.seed, key))
	for at = n.first(hash); ; at = n.next(at) {
		s := n.slots[at]
		if s.row == 0 || s.hash == hash && n.Table(s.row-1) == table && n.Is(s.row-1, key) {
			return at, hash
		}
	}
}

// mixed is a hash of which nobody who knows no seed sees whether that of another table is of a like key (the finalizer
// of MurmurHash3).
func mixed(table int32, key uint64) uint32 {
	key ^= uint64(uint32(table)) * 0x9e3779b97f4a7c15
	key = (key ^ key>>33) * 0xff51afd7ed558ccd
	key = (key ^ key>>33) * 0xc4ceb9fe1a85ec53
	return uint32(key ^ key>>33)
}

func (n *Names) first(hash uint32) int { return int(hash) & (len(n.slots) - 1) }

func (n *Names) next(at int) int { return (at + 1) & (len(n.slots) - 1) }

func (n *Names) grow() {
	if n.slots == nil {
		n.seed = maphash.MakeSeed()
	}
	before := n.slots
	n.slots = Slice[slot](n.keys.Room, max(64, 2*len(before)))
	for _, s := range before {
		if s.row == 0 {
			continue
		}
		at := n.first(s.hash)
		for n.slots[at].row > 0 {
			at = n.next(at)
		}
		n.slots[at] = s
	}
	clear(before)
}
