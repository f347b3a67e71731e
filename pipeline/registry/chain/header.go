package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
)

// header is what the chain hashes of an event: no personal data, only the commitment to the payload.
type header struct {
	seq                                                        int64
	typ, purpose, version, basis, zone, method, source, notice string
	occurred, from, until, recorded                            int64
	idem                                                       [16]byte
	commitment                                                 [sha256.Size]byte
}

// hash is SHA-256(prev ‖ commitment ‖ fields joined by 0x1f).
func (h *header) hash(silo string, prev [sha256.Size]byte, buf []byte) ([sha256.Size]byte, []byte) {
	buf = append(append(buf[:0], prev[:]...), h.commitment[:]...)
	num := func(n int64) { buf = append(strconv.AppendInt(buf, n, 10), 0x1f) }
	text := func(s string) { buf = append(append(buf, s...), 0x1f) }
	text(silo)
	num(h.seq)
	text(h.typ)
	text(h.purpose)
	text(h.version)
	text(h.basis)
	num(h.occurred)
	text(h.zone)
	num(h.from)
	num(h.until)
	num(h.recorded)
	text(h.method)
	text(h.source)
	text(h.notice)
	buf = hex.AppendEncode(buf, h.idem[:])
	return sha256.Sum256(buf), buf
}

// genesis is the hash before the first event.
func genesis(silo string) [sha256.Size]byte { return sha256.Sum256([]byte("genesis:" + silo)) }

// payload is the severable part of an event.
type payload struct {
	collection int64 // 0: the whole silo
	flags      int64
	evidence   [sha256.Size]byte // the salted commitment to it; zero: none
	details    string
	refs       []byte // references that became aliases of the collection by the event, 32 bytes each
	content    [16]byte
	salt       [16]byte
}

// commit is the salted commitment that the header carries.
func (p *payload) commit(buf []byte) ([sha256.Size]byte, []byte) {
	buf = append(buf[:0], p.salt[:]...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(p.collection))
	buf = binary.BigEndian.AppendUint64(buf, uint64(p.flags))
	buf = append(buf, p.evidence[:]...)
	buf = append(buf, p.content[:]...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(len(p.refs)))
	buf = append(buf, p.refs...)
	buf = append(buf, p.details...)
	return sha256.Sum256(buf), buf
}
