package connectors

import (
	"hash/maphash"
	"slices"
)

// KeyIndex finds keys in a list of them, without a copy of any. Whole numbers that lie close together are found by their
// place among them, so that keys met in their order are found next to each other; others by hashing, where a byte of the
// hash tells most of those that are not in the list.
type KeyIndex struct {
	keys  []Key
	seed  maphash.Seed
	slots []int32 // the place of a key in the list, plus one; 0 is free
	tags  []byte  // by slot, of a key that is hashed: a part of its hash; 0 is free
	least uint64  // of the numbers, if there are no tags
}

// roomEach is how many slots numbers may take for each of them.
const roomEach = 8

// IndexKeys makes the index of a list, which must not be changed while the index is in use. Of keys that are equal
// the first is found.
func IndexKeys(keys []Key) *KeyIndex {
	x := &KeyIndex{keys: keys}
	if x.number() {
		return x
	}
	size := 8
	for size < 2*len(keys) {
		size *= 2
	}
	x.seed, x.slots, x.tags = maphash.MakeSeed(), make([]int32, size), make([]byte, size)
	for i, k := range keys {
		hash := maphash.String(x.seed, string(k))
		if at := x.slot(hash, string(k)); x.tags[at] == 0 {
			x.tags[at], x.slots[at] = tagOf(hash), int32(i+1)
		}
	}
	return x
}

// number indexes keys that are numbers which lie close together, and reports whether they are.
func (x *KeyIndex) number() bool {
	least, most := ^uint64(0), uint64(0)
	for _, k := range x.keys {
		n, ok := numberOf(string(k))
		if !ok {
			return false
		}
		least, most = min(least, n), max(most, n)
	}
	if len(x.keys) == 0 || most-least >= uint64(roomEach*len(x.keys)) {
		return false
	}
	x.least, x.slots = least, make([]int32, most-least+1)
	for i, k := range x.keys {
		if n, _ := numberOf(string(k)); x.slots[n-least] == 0 {
			x.slots[n-least] = int32(i + 1)
		}
	}
	return true
}

// numberOf is the number that a key of one value is, if it is written as no other number is.
func numberOf(key string) (n uint64, ok bool) {
	const digits = 18 // of which every number fits
	if len(key) < 2 || len(key) > digits+1 || int(key[0]) != len(key)-1 || key[1] == '0' && len(key) > 2 {
		return 0, false
	}
	for _, c := range []byte(key[1:]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + uint64(c-'0')
	}
	return n, true
}

// Find is the place of a key in the list, given its bytes; -1 if it is not in it.
func (x *KeyIndex) Find(key []byte) int {
	if x.tags == nil {
		n, ok := numberOf(string(key)) // no copy: it does not escape
		if n -= x.least; !ok || n >= uint64(len(x.slots)) {
			return -1
		}
		return int(x.slots[n]) - 1
	}
	return int(x.slots[x.slot(maphash.Bytes(x.seed, key), string(key))]) - 1
}

// slot is where a key stands, or the free one in which it would.
func (x *KeyIndex) slot(hash uint64, key string) int {
	mask, tag := len(x.tags)-1, tagOf(hash)
	at := int(hash) & mask
	for x.tags[at] != 0 && (x.tags[at] != tag || string(x.keys[x.slots[at]-1]) != key) {
		at = (at + 1) & mask
	}
	return at
}

// tagOf is the part of a hash that stands beside a slot: never 0.
func tagOf(hash uint64) byte { return byte(hash>>56) | 1 }

// SortedKeys sorts a list of keys and takes out those that are there twice.
func SortedKeys(keys []Key) []Key {
	slices.Sort(keys)
	return slices.Compact(keys)
}
