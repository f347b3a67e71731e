package keystore

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"

	"lethe/pipeline/registry/keystore/cmac"
	"lethe/pipeline/registry/keystore/nh"
)

// Tag is what stands beside a row and says that whoever wrote it had the silo's key: a MAC of the row's place and
// content. There may be many millions of rows in a night, so a text of up to 256 bytes is hashed by NH and the hash
// encrypted by AES, as UMAC does (RFC 4418; Black, Halevi, Krawczyk, Krovetz, Rogaway, CRYPTO 1999): two texts of one
// hash, which nobody sees, are found by a chance of 2^-64. A longer one has its AES-CMAC (RFC 4493, NIST SP
// 800-38B), as had all in registries of before, and as have the rows of the journal.
type Tag [aes.BlockSize]byte

// Sealer seals what stands in the registry beside a silo's chain, with keys of their own that derive from the
// version in use of the silo's: who has the database and not the keystore can neither make a row nor take one
// away, nor put an old one back. It reuses its memory and so serves one goroutine; Clone makes one for another.
type Sealer struct {
	rows       cmac.MAC
	sums       cipher.Block
	short      cipher.Block // encrypts the hashes of short texts; nil: all have their AES-CMAC
	hash       nh.Key
	beside     cipher.Block // veils rows beside the chain
	veil       veils
	box        cipher.AEAD
	block, out [aes.BlockSize]byte
}

// The labels of a Sealer's keys.
const (
	labelSeal     = "lethe/v1/seal"
	labelSealRows = "lethe/v1/seal/rows"
	labelSealSums = "lethe/v1/seal/sums"
	labelSealBox  = "lethe/v1/seal/box"
	labelSealVeil = "lethe/v1/seal/veil"
	labelSealTags = "lethe/v1/seal/tags"
	labelSealHash = "lethe/v1/seal/hash"
	labelJournal  = "lethe/v1/journal"
)

// newSealer derives a sealer from what a version of a silo's key seals with.
func newSealer(silo string, base []byte) (*Sealer, error) {
	keys, err := derive(silo, base, labelSealRows, labelSealSums, labelSealBox, labelSealVeil)
	if err != nil {
		return nil, err
	}
	box, err := aes.NewCipher(keys[2])
	if err != nil {
		return nil, fmt.Errorf("derive seal of silo %q: %w", silo, err)
	}
	s := &Sealer{}
	if s.box, err = cipher.NewGCMWithRandomNonce(box); err != nil {
		return nil, fmt.Errorf("derive seal of silo %q: %w", silo, err)
	}
	if s.sums, err = aes.NewCipher(keys[1][:sealKeyLen]); err != nil {
		return nil, fmt.Errorf("derive seal of silo %q: %w", silo, err)
	}
	if s.beside, err = aes.NewCipher(keys[3][:sealKeyLen]); err != nil {
		return nil, fmt.Errorf("derive seal of silo %q: %w", silo, err)
	}
	rows, err := aes.NewCipher(keys[0][:sealKeyLen])
	if err != nil {
		return nil, fmt.Errorf("derive seal of silo %q: %w", silo, err)
	}
	s.rows = cmac.New(rows)
	return s, nil
}

// Journal is the sealer of the journal's rows. Its keys derive from the runner's: both say what was done.
func (k *Keystore) Journal() (*Sealer, error) {
	seed, err := k.get(runner, "the runner", "lethe keys create")
	if err != nil {
		return nil, err
	}
	keys, err := derive(runner, seed, labelJournal)
	if err != nil {
		return nil, err
	}
	s, err := newSealer(runner, keys[0])
	if err == nil {
		s.veil, err = newVeils(runner, keys[0])
	}
	return s, err
}

// sealKeyLen is that of AES-128, as in RFC 4493: a quarter less work a block than AES-256.
const sealKeyLen = 16

// Clone is an independent sealer of the same silo, for another goroutine.
func (s *Sealer) Clone() *Sealer {
	c := *s
	return &c
}

// hashing lets short texts be hashed by NH.
func (s *Sealer) hashing(silo string, base []byte) error {
	keys, err := derive(silo, base, labelSealTags, labelSealHash)
	if err != nil {
		return err
	}
	words, err := aes.NewCipher(keys[1][:sealKeyLen])
	if err != nil {
		return err
	}
	s.hash = nh.New(words)
	s.short, err = aes.NewCipher(keys[0][:sealKeyLen])
	return err
}

// Former is a sealer that makes tags as registries of before have them.
func (s *Sealer) Former() *Sealer {
	c := s.Clone()
	c.short = nil
	return c
}

// Row is the tag of a row: its place, then its content, so that no two rows have one text.
func (s *Sealer) Row(text []byte) Tag {
	if s.short != nil && len(text) <= nh.Longest {
		high, low := s.hash.Of(text)
		binary.LittleEndian.PutUint64(s.block[:8], low)
		binary.LittleEndian.PutUint64(s.block[8:], high)
		s.short.Encrypt(s.block[:], s.block[:])
		return s.block
	}
	return s.rows.Of(text)
}

// Fits reports whether a text of n bytes is hashed as one that was put together to be.
func (s *Sealer) Fits(n int) bool { return s.short != nil && n <= nh.Longest }

// Holds reports whether a tag is that of a row, whose text Fits, and adds the row to a sum if it is. It is what Row and
// Add do together, as fast as it can be for the many rows of a night: the tag as it stands is encrypted for the sum
// while that of the text is still being made.
func (s *Sealer) Holds(sum *Sum, text *nh.Text, tag []byte) bool {
	if len(tag) != len(Tag{}) {
		return false
	}
	high, low := s.hash.OfText(text)
	binary.LittleEndian.PutUint64(s.block[:8], low)
	binary.LittleEndian.PutUint64(s.block[8:], high)
	s.sums.Encrypt(s.out[:], tag)
	s.short.Encrypt(s.block[:], s.block[:])
	if s.block != Tag(tag) {
		return false
	}
	s.more(sum, 1)
	return true
}

// Sum is how many rows a table has, and the sum of what their tags become under a key of its own. Rows may be added
// and taken away in any order. It is nothing that anybody sees who has no key (Box), so that no rows can be found
// that have the same.
type Sum struct {
	Rows     int64
	of, more uint64
}

// Plus is the sum of the rows of both.
func (s Sum) Plus(o Sum) Sum { return Sum{s.Rows + o.Rows, s.of + o.of, s.more + o.more} }

// Less is the sum without the rows of another.
func (s Sum) Less(o Sum) Sum { return Sum{s.Rows - o.Rows, s.of - o.of, s.more - o.more} }

// Add adds a row by its tag.
func (s *Sealer) Add(sum *Sum, tag Tag) { s.count(sum, tag, 1) }

// Take takes a row away by its tag.
func (s *Sealer) Take(sum *Sum, tag Tag) { s.count(sum, tag, -1) }

func (s *Sealer) count(sum *Sum, tag Tag, n int64) {
	s.block = tag
	s.sums.Encrypt(s.out[:], s.block[:])
	s.more(sum, n)
}

// more adds a row n times, what its tag becomes being in s.out.
func (s *Sealer) more(sum *Sum, n int64) {
	sum.Rows += n
	sum.of += uint64(n) * binary.LittleEndian.Uint64(s.out[:8])
	sum.more += uint64(n) * binary.LittleEndian.Uint64(s.out[8:])
}

// sumLen is how many bytes a sum has.
const sumLen = 24

// Box closes sums together with a text that stands beside them, by AES-GCM: nobody without the key can read the
// sums, or change either.
func (s *Sealer) Box(sums []Sum, beside []byte) []byte {
	plain := make([]byte, 0, len(sums)*sumLen)
	for _, sum := range sums {
		plain = binary.LittleEndian.AppendUint64(plain, uint64(sum.Rows))
		plain = binary.LittleEndian.AppendUint64(plain, sum.of)
		plain = binary.LittleEndian.AppendUint64(plain, sum.more)
	}
	return s.box.Seal(nil, nil, plain, beside)
}

// ErrUnsealed: what was sealed, or what stands beside it, was changed.
var ErrUnsealed = errors.New("the seal does not hold")

// Open opens a box of so many sums: ErrUnsealed for another one, and for another text beside it.
func (s *Sealer) Open(box []byte, sums []Sum, beside []byte) error {
	plain, err := s.box.Open(nil, nil, box, beside)
	if err != nil || len(plain) != len(sums)*sumLen {
		return ErrUnsealed
	}
	for i := range sums {
		of := plain[i*sumLen:]
		sums[i] = Sum{Rows: int64(binary.LittleEndian.Uint64(of)), of: binary.LittleEndian.Uint64(of[8:]),
			more: binary.LittleEndian.Uint64(of[16:])}
	}
	return nil
}
