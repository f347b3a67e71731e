package classifiers

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"lethe/classifiers/container"
)

const (
	sampleSize  = 512 // distinct values that a verdict is built on
	sampleBytes = 512 // bytes kept of each
)

// sample keeps the distinct values with the smallest hashes (KMV, Bar-Yossef et al. 2002). Which values it
// keeps does not depend on the order of the rows, and the largest hash kept estimates how many distinct
// values there are, with a standard error of 1/sqrt(510), 4.5 %.
type sample struct {
	entries []entry
	slots   []uint16 // open addressing: index into entries + 1
	limit   uint64   // hashes from here on are not kept
	most    int      // values that are kept
	free    [][]byte
}

type entry struct {
	hash  uint64
	count uint32
	size  uint32 // length of the whole value
	value []byte // its beginning: see keptOf
}

func newSample() *sample { return newSampleOf(sampleSize) }

// newSampleOf keeps so many values, a power of two.
func newSampleOf(most int) *sample {
	return &sample{limit: math.MaxUint64, most: most, slots: make([]uint16, 4*most)}
}

// add counts a value in and reports whether it was not in the sample before but is now.
func (s *sample) add(hash uint64, value []byte) bool {
	if hash >= s.limit {
		return false
	}
	i := hash & uint64(len(s.slots)-1)
	for ; s.slots[i] != 0; i = (i + 1) & uint64(len(s.slots)-1) {
		if e := &s.entries[s.slots[i]-1]; e.hash == hash {
			if e.count != math.MaxUint32 {
				e.count++
			}
			return false
		}
	}
	var buf []byte
	if n := len(s.free); n > 0 {
		buf, s.free = s.free[n-1], s.free[:n-1]
	}
	e := entry{hash: hash, count: 1, size: uint32(min(len(value), math.MaxUint32)),
		value: append(buf[:0], value[:min(len(value), keptOf(value))]...)}
	s.entries = append(s.entries, e)
	s.slots[i] = uint16(len(s.entries))
	if len(s.entries) == 2*s.most {
		s.shrink()
	}
	return true
}

// keptOf is how many bytes of a value the sample keeps.
func keptOf(value []byte) int {
	if len(value) > sampleBytes && container.Opens(value) {
		return documentBytes
	}
	return sampleBytes
}

// shrink keeps the smallest hashes.
func (s *sample) shrink() {
	slices.SortFunc(s.entries, func(a, b entry) int {
		if a.hash < b.hash {
			return -1
		}
		return 1
	})
	if len(s.entries) <= s.most {
		return
	}
	for _, e := range s.entries[s.most:] {
		s.free = append(s.free, e.value)
	}
	s.limit = s.entries[s.most].hash
	s.entries = s.entries[:s.most]
	clear(s.slots)
	for n, e := range s.entries {
		i := e.hash & uint64(len(s.slots)-1)
		for s.slots[i] != 0 {
			i = (i + 1) & uint64(len(s.slots)-1)
		}
		s.slots[i] = uint16(n + 1)
	}
}

// distinct estimates the number of distinct values after shrink.
func (s *sample) distinct() int64 {
	if s.limit == math.MaxUint64 {
		return int64(len(s.entries))
	}
	return int64(math.Round(float64(len(s.entries)) / (float64(s.limit) / math.MaxUint64)))
}

// hashBytes mixes a value into 64 bits (wyhash's multiply and fold). It is the same in every run: samples must be.
func hashBytes(b []byte) uint64 {
	const k0, k1, k2 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3
	h := uint64(len(b)) ^ k0
	for len(b) > 8 {
		hi, lo := bits.Mul64(binary.LittleEndian.Uint64(b)^k1, h^k2)
		h = hi ^ lo
		b = b[8:]
	}
	var tail uint64
	if len(b) == 8 {
		tail = binary.LittleEndian.Uint64(b)
	} else {
		for i, c := range b {
			tail |= uint64(c) << (8 * i)
		}
	}
	hi, lo := bits.Mul64(tail^k1, h^k2)
	h = hi ^ lo
	hi, lo = bits.Mul64(h^k0, k1)
	return hi ^ lo
}
