package sanitize

import (
	"bytes"
	"hash/maphash"
	"slices"
	"unicode/utf8"
)

// originals are digests of values, under a key that is gone with the process: it can be asked whether a value is among
// them, and not which they are.
type originals struct {
	seed maphash.Seed
	sums []uint64
	made bool
}

// shortest is how many characters a value has at least that is searched for: shorter ones are met by chance.
const shortest = 5

// longest is of how many words a value is at most that is found within a text.
const longest = 8

func (o *originals) sum(v []byte) uint64 {
	if !o.made {
		o.seed, o.made = maphash.MakeSeed(), true
	}
	return maphash.Bytes(o.seed, v)
}

func (o *originals) add(v []byte) {
	if v = trimmed(bytes.ToLower(v)); utf8.RuneCount(v) < shortest {
		return
	}
	o.sums = append(o.sums, o.sum(v))
	if len(o.sums) == cap(o.sums) {
		o.ready()
	}
}

// ready puts the digests in order, each once.
func (o *originals) ready() {
	slices.Sort(o.sums)
	o.sums = slices.Compact(o.sums)
}

func (o *originals) len() int { return len(o.sums) }

// has says whether a value is one of them.
func (o *originals) has(v []byte) bool { return o.is(trimmed(bytes.ToLower(v))) }

func (o *originals) is(lower []byte) bool {
	if utf8.RuneCount(lower) < shortest {
		return false
	}
	_, found := slices.BinarySearch(o.sums, o.sum(lower))
	return found
}

// within says whether a text is one of them, or holds one as words of its own.
func (o *originals) within(v []byte) bool {
	lower := bytes.ToLower(v)
	if o.is(trimmed(lower)) {
		return true
	}
	var starts, ends []int // of words
	for i := 0; i < len(lower); {
		for i < len(lower) && !inWord(lower[i]) {
			i++
		}
		start := i
		for i < len(lower) && inWord(lower[i]) {
			i++
		}
		if i > start {
			starts, ends = append(starts, start), append(ends, i)
		}
	}
	for i, start := range starts {
		for j := i; j < len(ends) && j < i+longest; j++ {
			if o.is(lower[start:ends[j]]) {
				return true
			}
		}
	}
	return false
}

// inWord says whether a byte is of a letter or digit; all of those beyond ASCII are.
func inWord(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= utf8.RuneSelf
}

// trimmed is a value without what is no word at its ends.
func trimmed(lower []byte) []byte {
	return bytes.TrimFunc(lower, func(r rune) bool { return r < utf8.RuneSelf && !inWord(byte(r)) })
}
