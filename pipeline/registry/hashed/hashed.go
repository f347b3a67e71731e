// Package hashed is what the chain of a silo hashes: a Header of each event, which commits to its Payload and
// continues the hash before it; a Walk recomputes them one after the other.
package hashed

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"

	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
)

// Header is what the chain hashes of an event: no personal data, only the commitment to the payload.
type Header struct {
	Seq                                                         int64
	Type, Purpose, Version, Basis, Zone, Method, Source, Notice string
	Occurred, From, Until, Recorded                             int64
	Idem                                                        [16]byte
	Commitment                                                  [sha256.Size]byte
}

// Hash is SHA-256(prev ‖ commitment ‖ fields joined by 0x1f).
func (h *Header) Hash(silo string, prev [sha256.Size]byte, buf []byte) ([sha256.Size]byte, []byte) {
	buf = append(append(buf[:0], prev[:]...), h.Commitment[:]...)
	num := func(n int64) { buf = append(strconv.AppendInt(buf, n, 10), 0x1f) }
	text := func(s string) { buf = append(append(buf, s...), 0x1f) }
	text(silo)
	num(h.Seq)
	text(h.Type)
	text(h.Purpose)
	text(h.Version)
	text(h.Basis)
	num(h.Occurred)
	text(h.Zone)
	num(h.From)
	num(h.Until)
	num(h.Recorded)
	text(h.Method)
	text(h.Source)
	text(h.Notice)
	buf = hex.AppendEncode(buf, h.Idem[:])
	return sha256.Sum256(buf), buf
}

// Genesis is the hash before the first event.
func Genesis(silo string) [sha256.Size]byte { return sha256.Sum256([]byte("genesis:" + silo)) }

// Payload is the severable part of an event.
type Payload struct {
	Collection int64 // 0: the whole silo
	Flags      int64
	Evidence   [sha256.Size]byte // the salted commitment to it; zero: none
	Details    string
	Refs       []byte // references that became aliases of the collection by the event, 32 bytes each
	Content    [16]byte
	Salt       [16]byte
}

// Commit is the salted commitment that the header carries.
func (p *Payload) Commit(buf []byte) ([sha256.Size]byte, []byte) {
	buf = append(buf[:0], p.Salt[:]...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(p.Collection))
	buf = binary.BigEndian.AppendUint64(buf, uint64(p.Flags))
	buf = append(buf, p.Evidence[:]...)
	buf = append(buf, p.Content[:]...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(len(p.Refs)))
	buf = append(buf, p.Refs...)
	buf = append(buf, p.Details...)
	return sha256.Sum256(buf), buf
}

// Veil turns an event into what is stored of it, its references in place. Of an event of the whole silo,
// collection 0, the payload stays as it is, so that it can be read when the silo's key is gone.
func Veil(by *keystore.Sealer, h *Header, p *Payload) {
	by.Times(h.Seq, &h.Occurred, &h.Recorded)
	by.Terms(h.Seq, &h.From, &h.Until)
	h.Idem = by.Name(h.Idem)
	if p == nil || p.Collection == 0 {
		return
	}
	p.Collection = by.Whose(h.Seq, p.Collection)
	if p.Details != "" {
		p.Details = by.Details(h.Seq, p.Details)
	}
	by.Refs(h.Seq, p.Refs)
	p.Content = by.Name(p.Content)
}

// Anew recognises an event that is recorded once more under another version of canonical forms.
func Anew(idem [16]byte) [16]byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "anew|%d|%x", identifier.Version, idem))
	return [16]byte(sum[:16])
}

// Further recognises the same act in a further collection of its person.
func Further(idem [16]byte, collection int64) [16]byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "further|%x|%d", idem, collection))
	return [16]byte(sum[:16])
}

// Salts are random bytes, drawn in larger portions.
type Salts struct{ left []byte }

// Next is the next salt.
func (s *Salts) Next() ([16]byte, error) {
	if len(s.left) < 16 {
		s.left = make([]byte, 16*1024)
		if _, err := rand.Read(s.left); err != nil {
			return [16]byte{}, err
		}
	}
	salt := [16]byte(s.left)
	s.left = s.left[16:]
	return salt, nil
}

// Arena keeps blobs of rows until they are written.
type Arena struct{ buf []byte }

// Keep copies a blob to where it stays.
func (a *Arena) Keep(b []byte) []byte {
	a.Room(len(b))
	at := len(a.buf)
	a.buf = append(a.buf, b...)
	return a.Since(at)
}

// Room makes room for so many bytes in one piece.
func (a *Arena) Room(n int) {
	if cap(a.buf)-len(a.buf) < n {
		a.buf = make([]byte, 0, max(n, 1<<20))
	}
}

// Len is where the next blob will stand, Since what was kept from there on, in the same piece.
func (a *Arena) Len() int { return len(a.buf) }

// Since is what was kept from a place on.
func (a *Arena) Since(at int) []byte { return a.buf[at:len(a.buf):len(a.buf)] }
