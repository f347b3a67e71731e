package keystore

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// What stands in a registry's file beside references must not tell, without the keys, who in one silo is who in
// another: neither when somebody acted, nor whose an event is. So numbers, texts and references that would tell are
// stored veiled: as the sum of what they are and of what AES makes, under the silo's key, of their place. A place has
// one content only: an event is never written twice, and the tag of a row beside the chain is that of its content.

// veils are the keys by which an event is veiled. They derive from what a rotation leaves as it is (SiloKey.Fixed),
// because events are never written anew.
type veils struct{ places, names cipher.Block }

// The labels of what veils.
const (
	labelPlaces = "lethe/v1/veil/places"
	labelNames  = "lethe/v1/veil/names"
)

func newVeils(silo string, fixed []byte) (v veils, err error) {
	keys, err := derive(silo, fixed, labelPlaces, labelNames)
	if err != nil {
		return v, err
	}
	if v.places, err = aes.NewCipher(keys[0][:sealKeyLen]); err != nil {
		return v, fmt.Errorf("derive veil of silo %q: %w", silo, err)
	}
	if v.names, err = aes.NewCipher(keys[1][:sealKeyLen]); err != nil {
		return v, fmt.Errorf("derive veil of silo %q: %w", silo, err)
	}
	return v, nil
}

// The parts of an event that are veiled.
const (
	veilTerms   = iota + 1 // from when, and until when, it takes effect
	veilTimes              // when it happened, and when it was recorded
	veilWhose              // the collection
	veilProof              // the salt of the proof
	veilRefs               // the references that it made known
	veilDetails            // what only a few types have
)

// at encrypts the place of a part of an event, a block of it.
func (s *Sealer) at(part byte, seq int64, block uint32) (a, b uint64) {
	binary.BigEndian.PutUint64(s.block[:8], uint64(part)<<56|uint64(block))
	binary.BigEndian.PutUint64(s.block[8:], uint64(seq))
	s.veil.places.Encrypt(s.out[:], s.block[:])
	return binary.LittleEndian.Uint64(s.out[:8]), binary.LittleEndian.Uint64(s.out[8:])
}

// Terms veils, and unveils, from when and until when an event takes effect.
func (s *Sealer) Terms(seq int64, from, until *int64) { s.two(veilTerms, seq, from, until) }

// Times veils, and unveils, when an event happened and when it was recorded.
func (s *Sealer) Times(seq int64, occurred, recorded *int64) {
	s.two(veilTimes, seq, occurred, recorded)
}

func (s *Sealer) two(part byte, seq int64, x, y *int64) {
	a, b := s.at(part, seq, 0)
	*x, *y = *x^int64(a), *y^int64(b)
}

// Whose veils, and unveils, the collection of an event.
func (s *Sealer) Whose(seq, collection int64) int64 {
	a, _ := s.at(veilWhose, seq, 0)
	return collection ^ int64(a)
}

// Proof veils, and unveils in place, the salt of an event's proof.
func (s *Sealer) Proof(seq int64, salt []byte) { s.stream(veilProof, seq, salt) }

// Refs veils, and unveils in place, the references that an event made known.
func (s *Sealer) Refs(seq int64, refs []byte) { s.stream(veilRefs, seq, refs) }

func (s *Sealer) stream(part byte, seq int64, text []byte) {
	for block := uint32(0); len(text) > 0; block++ {
		s.at(part, seq, block)
		for i := range min(len(text), aes.BlockSize) {
			text[i] ^= s.out[i]
		}
		text = text[min(len(text), aes.BlockSize):]
	}
}

// Details veils the details of an event: they stay a text. No details stay none.
func (s *Sealer) Details(seq int64, text string) string {
	b := []byte(text)
	s.stream(veilDetails, seq, b)
	return base64.RawStdEncoding.EncodeToString(b)
}

// Unveiled appends to dst the details of which Details made a text; of what is none, a word that is none either.
func (s *Sealer) Unveiled(dst []byte, seq int64, text []byte) []byte {
	from := len(dst)
	dst, err := base64.RawStdEncoding.AppendDecode(dst, text)
	if err != nil {
		return append(dst[:from], text...)
	}
	s.stream(veilDetails, seq, dst[from:])
	return dst
}

// Name veils what recognises an event, or its content: the same every time, so that it can be looked for.
func (s *Sealer) Name(name [16]byte) (veiled [16]byte) {
	s.block = name
	s.veil.names.Encrypt(s.out[:], s.block[:])
	return s.out
}

// Named is what Name veiled.
func (s *Sealer) Named(veiled [16]byte) (name [16]byte) {
	s.block = veiled
	s.veil.names.Decrypt(s.out[:], s.block[:])
	return s.out
}

// Beside is what two numbers of a row beside the chain are veiled, and unveiled, with: by its tag.
func (s *Sealer) Beside(tag Tag) [2]int64 {
	s.block = tag
	s.beside.Encrypt(s.out[:], s.block[:])
	return [2]int64{int64(binary.LittleEndian.Uint64(s.out[:8])), int64(binary.LittleEndian.Uint64(s.out[8:]))}
}

// Placed is a number as it stands in a column of a row, or, undone, the one that it was: four rounds of Feistel's
// network with AES (Luby and Rackoff 1988). Changed there, it tells only that it is another one.
func (s *Sealer) Placed(place Tag, column byte, n int64, undone bool) int64 {
	left, right := uint32(uint64(n)>>32), uint32(n)
	for round := range byte(4) {
		if s.block = place; undone {
			round = 3 - round
		}
		s.block[0], s.block[1] = s.block[0]^column, s.block[1]^round
		binary.LittleEndian.PutUint32(s.block[2:], binary.LittleEndian.Uint32(s.block[2:])^right)
		s.beside.Encrypt(s.out[:], s.block[:])
		left, right = right, left^binary.LittleEndian.Uint32(s.out[:])
	}
	return int64(uint64(right)<<32 | uint64(left))
}
