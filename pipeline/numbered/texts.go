package numbered

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"math"
)

// Texts are texts by number, in the order in which they came. The zero value has none, and lies in memory. They are
// used by one goroutine.
type Texts struct {
	Room   *Room
	blocks []block
	n      int

	hide       cipher.Block // for what lies in a file
	count, pad [aes.BlockSize]byte
}

// block is some texts that came one after another.
type block struct {
	text   []byte
	ends   []uint32
	hidden bool
}

// Len is how many there are.
func (t *Texts) Len() int { return t.n }

// Add appends a text, and returns its number.
func (t *Texts) Add(text string) int32 {
	at := t.n & (piece - 1)
	if at == 0 {
		t.seal()
		t.blocks = append(t.blocks, block{ends: Slice[uint32](t.Room, piece)})
	}
	b := &t.blocks[len(t.blocks)-1]
	if len(b.text)+len(text) > math.MaxUint32 || t.n == math.MaxInt32 {
		panic("numbered: more texts than numbers")
	}
	b.text = append(b.text, text...)
	b.ends[at] = uint32(len(b.text))
	t.n++
	return int32(t.n - 1)
}

// seal puts the last block where it stays, no longer than it is.
func (t *Texts) seal() {
	last := len(t.blocks) - 1
	if last < 0 {
		return
	}
	b := &t.blocks[last]
	var at []byte
	if t.Room != nil && len(b.text) > 0 {
		at = t.Room.take(int64(len(b.text)))
	}
	if at == nil {
		b.text = bytes.Clone(b.text)
		return
	}
	if t.hide == nil {
		t.hide = t.Room.cipher()
	}
	t.conceal(b.text, last, 0)
	copy(at, b.text)
	b.text, b.hidden = at[:len(b.text)], true
}

// Append appends the text that has a number.
func (t *Texts) Append(dst []byte, i int32) []byte {
	n, at := int(i>>pieceBits), i&(piece-1)
	b, from := &t.blocks[n], uint32(0)
	if at > 0 {
		from = b.ends[at-1]
	}
	begin := len(dst)
	dst = append(dst, b.text[from:b.ends[at]]...)
	if b.hidden {
		t.conceal(dst[begin:], n, int(from))
	}
	return dst
}

// length is that of the text that has a number.
func (t *Texts) length(i int32) int {
	b, at := &t.blocks[i>>pieceBits], i&(piece-1)
	if at == 0 {
		return int(b.ends[0])
	}
	return int(b.ends[at] - b.ends[at-1])
}

// conceal hides bytes of a block from a place on, or shows them again (AES in counter mode: the block of texts and the
// place count).
func (t *Texts) conceal(text []byte, block, from int) {
	for len(text) > 0 {
		binary.LittleEndian.PutUint64(t.count[:8], uint64(block))
		binary.LittleEndian.PutUint64(t.count[8:], uint64(from/aes.BlockSize))
		t.hide.Encrypt(t.pad[:], t.count[:])
		at := from % aes.BlockSize
		n := min(len(text), aes.BlockSize-at)
		for i := range n {
			text[i] ^= t.pad[at+i]
		}
		text, from = text[n:], from+n
	}
}
