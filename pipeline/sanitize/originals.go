package sanitize

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// originals are digests of values, under a key that is gone with the process: it can be asked whether a value is among
// them, and not which they are.
type originals struct {
	seed         maphash.Seed
	sums         []uint64
	made         bool
	words        [longest + 1]bool // of how many words there are values
	lower        []byte            // scratch, as starts and ends of words
	starts, ends []int
	bits         []uint64 // one of each digest, so that most that are none are told without a search
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
	if v = trimmed(o.lowered(v)); utf8.RuneCount(v) < shortest {
		return
	}
	o.sums = append(o.sums, o.sum(v))
	if starts, _ := o.wordsOf(v); len(starts) <= longest {
		o.words[len(starts)] = true
	}
	if len(o.sums) == cap(o.sums) {
		o.ready()
	}
}

// ready puts the digests in order, each once.
func (o *originals) ready() {
	slices.Sort(o.sums)
	o.sums = slices.Compact(o.sums)
	o.bits = make([]uint64, 1<<bits.Len(uint(len(o.sums)/4))) // 16 bits a digest or more
	for _, sum := range o.sums {
		o.bits[sum>>6&uint64(len(o.bits)-1)] |= 1 << (sum & 63)
	}
}

func (o *originals) len() int { return len(o.sums) }

// has says whether a value is one of them.
func (o *originals) has(v []byte) bool { return o.is(trimmed(o.lowered(v))) }

// lowered is a value in lower case, until the next call.
func (o *originals) lowered(v []byte) []byte {
	o.lower = append(o.lower[:0], v...)
	for i, b := range o.lower {
		if b >= utf8.RuneSelf {
			return bytes.ToLower(v)
		}
		if b >= 'A' && b <= 'Z' {
			o.lower[i] = b + 'a' - 'A'
		}
	}
	return o.lower
}

func (o *originals) is(lower []byte) bool {
	if utf8.RuneCount(lower) < shortest {
		return false
	}
	sum := o.sum(lower)
	if len(o.bits) == 0 || o.bits[sum>>6&uint64(len(o.bits)-1)]>>(sum&63)&1 == 0 {
		return false
	}
	_, found := slices.BinarySearch(o.sums, sum)
	return found
}

// within says whether a text is one of them, or holds one as words of its own.
func (o *originals) within(v []byte) bool {
	lower := o.lowered(v)
	if o.is(trimmed(lower)) {
		return true
	}
	starts, ends := o.wordsOf(lower)
	for i, start := range starts {
		for j := i; j < len(ends) && j < i+longest; j++ {
			if o.words[j-i+1] && o.is(lower[start:ends[j]]) {
				return true
			}
		}
	}
	return false
}

// wordsOf are where the words of a text begin and end, until the next call.
func (o *originals) wordsOf(lower []byte) (starts, ends []int) {
	starts, ends = o.starts[:0], o.ends[:0]
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
	o.starts, o.ends = starts, ends
	return starts, ends
}

// inWord says whether a byte is of a letter or digit; all of those beyond ASCII are.
func inWord(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= utf8.RuneSelf
}

// trimmed is a value without what is no word at its ends.
func trimmed(lower []byte) []byte {
	return bytes.TrimFunc(lower, func(r rune) bool { return r < utf8.RuneSelf && !inWord(byte(r)) })
}
