package standings

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"lethe/pipeline/numbered"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry/event"
)

// blockSize is the size of an arena block; an offset counts bytes over all blocks, and a standing never
// crosses from one to the next.
const blockSize = 1 << 24

// put stores the standing of a collection; collection 0 is the silo as a whole.
func (s *Standings) put(collection int64, standing *policy.Standing) error {
	if collection == 0 {
		s.whole = *standing
		s.whole.Purposes = slices.Clone(standing.Purposes)
		return nil
	}
	for int64(len(s.offsets)) < collection {
		s.offsets = append(s.offsets, 0)
	}
	last := len(s.blocks) - 1
	start := len(s.blocks[last])
	encoded := s.encode(s.blocks[last], standing)
	if len(encoded) > blockSize {
		if last++; last == 1<<8 {
			return errors.New("the silo is too large to hold its standings in memory (4 GiB)")
		}
		// start at 1, so that no offset is 0
		fresh := append(numbered.Slice[byte](s.room, blockSize)[:0], 0)
		encoded, start = append(fresh, encoded[start:]...), 1
		s.blocks = append(s.blocks, nil)
	}
	s.blocks[last] = encoded
	s.offsets[collection-1] = uint32(last*blockSize + start)
	return nil
}

const (
	bitMinor = 1 << iota
	bitParental
	bitHold
	bitRestricted
	bitAccess
	bitErasure
	bitAged
)

const (
	bitProven = 1 << iota
	bitFuture
	bitImpossible
	bitMarketing
	bitUntil
	bitObjected
	bitStarted
	bitEnded
)

// A purpose's first byte holds the state in its low half, above it the objection, and above that one more bit.
const (
	objectionShift  = 4
	bitParentalHere = 1 << 7
)

// bitSame stands beside the state's number, and says that the state began when the data were collected.
const bitSame = 1 << 3

// states gives each state of consent its stored number.
var states = []policy.ConsentState{policy.NoConsent, policy.Given, policy.Renewed, policy.Refused, policy.Withdrawn,
	policy.Expired, policy.Invalidated}

func bit(on bool, bit byte) byte {
	if on {
		return bit
	}
	return 0
}

// encode appends a standing. Instants have eight bytes: a number of variable length would have as many, and
// take five times as long to read.
func (s *Standings) encode(buf []byte, v *policy.Standing) []byte {
	put := func(t time.Time) { buf = binary.LittleEndian.AppendUint64(buf, uint64(event.Micros(t))) }
	buf = append(buf, bit(v.Minor, bitMinor)|bit(v.Parental, bitParental)|bit(v.Hold, bitHold)|bit(v.Restricted,
		bitRestricted)|
		bit(v.PendingAccess, bitAccess)|bit(!v.Erasure.IsZero(), bitErasure)|bit(!v.Aged.IsZero(), bitAged))
	put(v.Collected)
	buf = binary.AppendUvarint(buf, uint64(v.FirstSeq))
	buf = binary.AppendUvarint(buf, uint64(v.LastSeq-v.FirstSeq))
	if !v.Erasure.IsZero() {
		put(v.Erasure)
	}
	if !v.Aged.IsZero() {
		put(v.Aged)
	}
	buf = binary.AppendUvarint(buf, uint64(len(v.Purposes)))
	for i := range v.Purposes {
		p := &v.Purposes[i]
		same := p.Since.Equal(v.Collected)
		buf = binary.AppendUvarint(buf, uint64(s.number(p.Purpose)))
		buf = append(buf, byte(slices.Index(states, p.State))|bit(same,
			bitSame)|byte(p.Objection)<<objectionShift|bit(p.Parental, bitParentalHere),
			bit(p.Proven, bitProven)|bit(p.Future, bitFuture)|bit(p.ImpossibleClock, bitImpossible)|bit(p.Marketing,
				bitMarketing)|
				bit(!p.Until.IsZero(), bitUntil)|bit(!p.ObjectedAt.IsZero(), bitObjected)|bit(!p.Started.IsZero(),
				bitStarted)|bit(!p.Ended.IsZero(), bitEnded))
		if !same {
			put(p.Since)
		}
		for _, t := range []time.Time{p.Until, p.ObjectedAt, p.Started, p.Ended} {
			if !t.IsZero() {
				put(t)
			}
		}
	}
	return buf
}

// number gives a purpose its number.
func (s *Standings) number(purpose string) int {
	n, ok := s.numbers[purpose]
	if !ok {
		n = len(s.names)
		s.names = append(s.names, purpose)
		s.numbers[purpose] = n
	}
	return n
}

// At decodes the standing of a collection into dst, reusing its Purposes, and returns false for a
// collection that has none. The collections of Lookup and Match have one.
func (s *Standings) At(collection int32, dst *policy.Standing) bool {
	buf := s.encoded(collection)
	if buf == nil {
		return false
	}
	d := decoder{buf}
	flags := d.byte()
	// a literal of all that follows would be made elsewhere, and copied
	*dst = policy.Standing{Purposes: dst.Purposes[:0]}
	dst.Minor, dst.Parental, dst.Restricted, dst.PendingAccess = flags&bitMinor != 0, flags&bitParental != 0,
		flags&bitRestricted != 0, flags&bitAccess != 0
	dst.Hold = flags&bitHold != 0 || s.whole.Hold
	dst.Collected = d.time()
	dst.FirstSeq = int64(d.uint())
	dst.LastSeq = max(dst.FirstSeq+int64(d.uint()), s.whole.LastSeq)
	if flags&bitErasure != 0 {
		dst.Erasure = d.time()
	}
	if flags&bitAged != 0 {
		dst.Aged = d.time()
	}
	n := int(d.uint())
	dst.Purposes = slices.Grow(dst.Purposes, n)[:n]
	for i := range dst.Purposes {
		p := &dst.Purposes[i]
		*p = policy.PurposeStanding{}
		p.Purpose = s.names[d.uint()]
		state, flags := d.byte(), d.byte()
		p.State, p.Objection, p.Parental = states[state&(bitSame-1)],
			policy.Objection(state&^bitParentalHere>>objectionShift), state&bitParentalHere != 0
		p.Proven, p.Future, p.ImpossibleClock, p.Marketing = flags&bitProven != 0, flags&bitFuture != 0,
			flags&bitImpossible != 0, flags&bitMarketing != 0
		p.Since = dst.Collected
		if state&bitSame == 0 {
			p.Since = d.time()
		}
		if flags&bitUntil != 0 {
			p.Until = d.time()
		}
		if flags&bitObjected != 0 {
			p.ObjectedAt = d.time()
		}
		if flags&bitStarted != 0 {
			p.Started = d.time()
		}
		if flags&bitEnded != 0 {
			p.Ended = d.time()
		}
	}
	return true
}

// encoded is the stored standing of a collection, nil for none.
func (s *Standings) encoded(collection int32) []byte {
	if collection < 1 || int(collection) > len(s.offsets) || s.offsets[collection-1] == 0 {
		return nil
	}
	at := s.offsets[collection-1]
	return s.blocks[at/blockSize][at%blockSize:]
}

// collected is the instant of collecting, without decoding the rest.
func (s *Standings) collected(collection int32) time.Time {
	buf := s.encoded(collection)
	if buf == nil {
		return time.Time{}
	}
	d := decoder{buf[1:]}
	return d.time()
}

// decoder reads what encode wrote.
type decoder struct {
	buf []byte
}

func (d *decoder) byte() byte {
	b := d.buf[0]
	d.buf = d.buf[1:]
	return b
}

func (d *decoder) uint() uint64 {
	if d.buf[0] < 0x80 {
		return uint64(d.byte())
	}
	v, n := binary.Uvarint(d.buf)
	d.buf = d.buf[n:]
	return v
}

func (d *decoder) time() time.Time {
	v := binary.LittleEndian.Uint64(d.buf)
	d.buf = d.buf[8:]
	return event.Instant(int64(v))
}
