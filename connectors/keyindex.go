package connectors

import (
	"hash/maphash"
	"slices"
)

// KeyIndex finds keys in a list of them, with eight bytes a key beside the list and without a copy of any.
type KeyIndex struct {
	keys  []Key
	seed  maphash.Seed
	slots []int32 // open addressing: the place of a key in the list, plus one; 0 is free
}

// IndexKeys makes the index of a list, which must not be changed while the index is in use. Of keys that are equal
// the first is found.
func IndexKeys(keys []Key) *KeyIndex {
	size := 8
	for size < 2*len(keys) {
		size *= 2
	}
	x := &KeyIndex{keys: keys, seed: maphash.MakeSeed(), slots: make([]int32, size)}
	for i, k := range keys {
		if at := x.slot(maphash.String(x.seed, string(k)), string(k)); x.slots[at] == 0 {
			x.slots[at] = int32(i + 1)
		}
	}
	return x
}

// Find is the place of a key in the list, given its bytes; -1 if it is not in it.
func (x *KeyIndex) Find(key []byte) int {
	return int(x.slots[x.slot(maphash.Bytes(x.seed, key), string(key))]) - 1 // no copy: it does not escape
}

// slot is where a key stands, or the free one in which it would.
func (x *KeyIndex) slot(hash uint64, key string) int {
	mask := len(x.slots) - 1
	at := int(hash) & mask
	for x.slots[at] != 0 && string(x.keys[x.slots[at]-1]) != key {
		at = (at + 1) & mask
	}
	return at
}

// SortedKeys sorts a list of keys and takes out those that are there twice.
func SortedKeys(keys []Key) []Key {
	slices.Sort(keys)
	return slices.Compact(keys)
}
