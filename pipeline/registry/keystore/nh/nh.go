// Package nh is the universal hash NH of UMAC (RFC 4418, 5.2; Black, Halevi, Krawczyk, Krovetz, Rogaway, CRYPTO
// 1999), on words of 64 bits: whoever does not know the Key finds two texts of one hash by a chance of 2^-64. It is no
// MAC by itself: its hashes are for nobody's eyes, and are encrypted.
package nh

import (
	"crypto/cipher"
	"encoding/binary"
	"math/bits"
)

// Longest is of how many bytes a text may be.
const Longest = 8 * words

const words = 32

// Key is what texts are hashed with.
type Key [words]uint64

// New makes a key of what a cipher makes of numbers; its blocks have 16 bytes.
func New(of cipher.Block) (k Key) {
	var block [16]byte
	for i := range k {
		binary.LittleEndian.PutUint64(block[:8], uint64(i))
		clear(block[8:])
		of.Encrypt(block[:], block[:])
		k[i] = binary.LittleEndian.Uint64(block[:])
	}
	return k
}

// Of is the hash of a text: filled up with zeros to whole pairs of words, the sum of the products of what each pair and
// the key's are together, and the length.
func (k *Key) Of(text []byte) (high, low uint64) {
	low = uint64(len(text))
	i := 0
	for ; len(text) >= 16; text = text[16:] {
		h, l := bits.Mul64(binary.LittleEndian.Uint64(text)+k[i&(words-2)],
			binary.LittleEndian.Uint64(text[8:])+k[i&(words-2)+1])
		var carry uint64
		low, carry = bits.Add64(low, l, 0)
		high += h + carry
		i += 2
	}
	if len(text) > 0 {
		var last [16]byte
		copy(last[:], text)
		h, l := bits.Mul64(binary.LittleEndian.Uint64(last[:8])+k[i&(words-2)],
			binary.LittleEndian.Uint64(last[8:])+k[i&(words-2)+1])
		var carry uint64
		low, carry = bits.Add64(low, l, 0)
		high += h + carry
	}
	return high, low
}
