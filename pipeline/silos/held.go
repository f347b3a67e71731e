package silos

import (
	"encoding/binary"
	"slices"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
)

// Held is whose rows in live stores the night keeps, and whose it ends. Whoever has a row that stays is held, also
// where it stays in doubt.
type Held struct {
	stays, ends Collections
	known       People // of rows that stay, whom the registry does not know
}

// Rule takes up what is decided of a live row with these references, of which the standings found this; nil: they were
// not asked. collection is the one that the row belongs to, 0 for none.
func (s *Silo) Rule(d *policy.Decision, collection int32, refs []keystore.Ref, found []standings.Found) {
	set := &s.Held.stays
	switch {
	case d.Action == policy.Delete || d.Action == policy.Anonymize:
		set = &s.Held.ends
	case d.Reason == reason.KAnonymized, d.Reason == reason.EAnonWeak: // nobody's any more, or of a pseudonym
		return
	}
	set.Add(collection)
	for i := range refs {
		if found != nil && found[i] > 0 {
			set.Add(int32(found[i]))
			continue
		}
		var scratch [4]int32
		of := s.Standings.Collections(scratch[:0], &refs[i])
		for _, c := range of {
			set.Add(c)
		}
		if len(of) == 0 && set == &s.Held.stays {
			s.Held.known.Add((*[16]byte)(refs[i][:]))
		}
	}
}

// Stays reports whether a row stays that has a reference, or belongs to one of its collections.
func (h *Held) Stays(ref keystore.Ref, collections []int32) bool {
	return slices.ContainsFunc(collections, h.stays.Has) || h.known.Has((*[16]byte)(ref[:]))
}

// Ends reports whether a row ends that belongs to a collection.
func (h *Held) Ends(collection int32) bool { return h.ends.Has(collection) }

// People is a set of references that errs to having one more, in one case of several thousand: a few bits for each, in
// parts that are each four times as large as the one before (Bloom, CACM 13(7), 1970). The first half of a reference
// stands for it.
type People struct {
	parts [][]uint64
	room  int // references that the last part still takes
}

const (
	firstPart = 1 << 10 // words of 64 bits
	bitsEach  = 24
	probes    = 6
)

// place is where in a part the bit of a probe stands: references are as good as random, and two halves of one make as
// many places as are wanted (Kirsch, Mitzenmacher, ESA 2006).
func place(part []uint64, half *[16]byte, probe uint64) (word int, bit uint64) {
	first, second := binary.LittleEndian.Uint64(half[:8]), binary.LittleEndian.Uint64(half[8:])
	at := (first + probe*(second|1)) & uint64(64*len(part)-1)
	return int(at / 64), 1 << (at % 64)
}

// Add puts a reference into the set.
func (p *People) Add(half *[16]byte) {
	if p.Has(half) {
		return
	}
	if p.room == 0 {
		words := firstPart
		if n := len(p.parts); n > 0 {
			words = min(4*len(p.parts[n-1]), 1<<26)
		}
		p.parts, p.room = append(p.parts, make([]uint64, words)), words*64/bitsEach
	}
	part := p.parts[len(p.parts)-1]
	for probe := range uint64(probes) {
		word, bit := place(part, half, probe)
		part[word] |= bit
	}
	p.room--
}

// Has reports whether a reference is in the set, or hardly ever one that is not.
func (p *People) Has(half *[16]byte) bool {
next:
	for _, part := range p.parts {
		for probe := range uint64(probes) {
			if word, bit := place(part, half, probe); part[word]&bit == 0 {
				continue next
			}
		}
		return true
	}
	return false
}

// Empty reports whether nobody is in the set.
func (p *People) Empty() bool { return len(p.parts) == 0 }
