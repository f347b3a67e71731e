package nh

import (
	"encoding/binary"
	"math/bits"
)

// Text is a text of up to Longest bytes that is put together to be hashed: as the words that it has, which is quicker
// than to write bytes and read them again. Whoever puts it together sees to its length. The zero Text is empty.
type Text struct {
	words [words + 1]uint64
	n     int // bytes
}

// Begin makes a text of a byte and numbers of eight, the highest first, and of what is appended from here on.
func (t *Text) Begin(first byte, numbers ...int64) {
	left := uint64(first)
	for i, n := range numbers {
		w := bits.ReverseBytes64(uint64(n))
		t.words[i], left = left|w<<8, w>>56
	}
	t.words[len(numbers)], t.n = left, 1+8*len(numbers)
}

// Number appends a number of eight bytes, the highest first.
func (t *Text) Number(n int64) { t.word(bits.ReverseBytes64(uint64(n)), 8) }

// Length appends so many of the lowest bytes of a length, the highest first.
func (t *Text) Length(n, size int) { t.word(bits.ReverseBytes64(uint64(n))>>(64-8*size), size) }

// Bytes appends bytes.
func (t *Text) Bytes(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		t.word(binary.LittleEndian.Uint64(b), 8)
	}
	var w uint64
	switch n := len(b); {
	case n >= 4:
		w = uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<(8*(n-4))
	case n > 0: // the middle one is the first or the last of two
		w = uint64(b[0]) | uint64(b[n/2])<<(8*(n/2)) | uint64(b[n-1])<<(8*(n-1))
	default:
		return
	}
	t.word(w, len(b))
}

// word appends the n lowest bytes of a word, of which the others are zero.
func (t *Text) word(w uint64, n int) {
	at, shift := t.n>>3, 8*(t.n&7)
	if shift == 0 {
		t.words[at] = w
	} else {
		t.words[at] |= w << shift
		t.words[at+1] = w >> (64 - shift)
	}
	t.n += n
}

// OfText is Of a text.
func (k *Key) OfText(t *Text) (high, low uint64) {
	n := (t.n + 7) >> 3
	t.words[n] = 0 // fills an odd one up
	low = uint64(t.n)
	for i := 0; i < n; i += 2 {
		h, l := bits.Mul64(t.words[i&(words-2)]+k[i&(words-2)], t.words[i&(words-2)+1]+k[i&(words-2)+1])
		var carry uint64
		low, carry = bits.Add64(low, l, 0)
		high += h + carry
	}
	return high, low
}
