// Package cmac is AES-CMAC (RFC 4493, NIST SP 800-38B): the MAC of a text under a key, of 16 bytes.
package cmac

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

// MAC makes the MACs of one key. It reuses its memory and so serves one goroutine; a copy is another.
type MAC struct {
	block     cipher.Block
	last      [2][2]uint64 // subkeys for a last block that is whole, and for one that is filled up
	sum, fill [aes.BlockSize]byte
}

// New makes a MAC of a cipher whose blocks have 16 bytes.
func New(block cipher.Block) (m MAC) {
	m.block = block
	var zero [aes.BlockSize]byte
	block.Encrypt(zero[:], zero[:])
	m.last[0] = double(binary.BigEndian.Uint64(zero[:8]), binary.BigEndian.Uint64(zero[8:]))
	m.last[1] = double(m.last[0][0], m.last[0][1])
	return m
}

// double multiplies by x in GF(2^128).
func double(high, low uint64) [2]uint64 {
	return [2]uint64{high<<1 | low>>63, low<<1 ^ (high>>63)*0x87}
}

// Of is the MAC of a text.
func (m *MAC) Of(text []byte) [aes.BlockSize]byte {
	var high, low uint64
	for len(text) > aes.BlockSize {
		high, low = m.next(high^binary.BigEndian.Uint64(text), low^binary.BigEndian.Uint64(text[8:]))
		text = text[aes.BlockSize:]
	}
	last := &m.last[0]
	if n := len(text); n < aes.BlockSize {
		m.fill = [aes.BlockSize]byte{}
		copy(m.fill[:], text)
		m.fill[n] = 0x80
		text, last = m.fill[:], &m.last[1]
	}
	m.next(high^binary.BigEndian.Uint64(text)^last[0], low^binary.BigEndian.Uint64(text[8:])^last[1])
	return m.sum
}

// next encrypts a block, which stays in m.sum.
func (m *MAC) next(high, low uint64) (uint64, uint64) {
	binary.BigEndian.PutUint64(m.sum[:8], high)
	binary.BigEndian.PutUint64(m.sum[8:], low)
	m.block.Encrypt(m.sum[:], m.sum[:])
	return binary.BigEndian.Uint64(m.sum[:8]), binary.BigEndian.Uint64(m.sum[8:])
}
