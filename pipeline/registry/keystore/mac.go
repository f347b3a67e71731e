package keystore

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
)

// Ref is a keyed reference: HMAC-SHA256 of a value under one silo's (or one audit epoch's) key. It is the only way a person or a record
// is named outside the sources. It is pseudonymous personal data as long as its key exists.
type Ref [sha256.Size]byte

// mac is a reusable HMAC state. It is not safe for concurrent use.
type mac struct {
	key   []byte
	state hash.Hash
	buf   []byte
	out   Ref
}

func newMAC(key []byte) *mac {
	return &mac{key: key, state: hmac.New(sha256.New, key), buf: make([]byte, 0, 256)}
}

func (m *mac) clone() *mac { return newMAC(m.key) }

// start empties the input and opens it with the version of the normalisation.
func (m *mac) start() { m.buf = append(m.buf[:0], "v1|"...) }

func (m *mac) sum() Ref {
	m.state.Reset()
	m.state.Write(m.buf)
	m.state.Sum(m.out[:0])
	return m.out
}

// SiloKey makes the references of one silo. It reuses its hash states and so serves one goroutine; Clone makes one for another.
type SiloKey struct {
	silo                 string
	match, record, dedup *mac
}

// The labels that separate what is derived from K_silo (HKDF-SHA256, RFC 5869, no salt: the secret is uniform already).
const (
	labelMatch  = "lethe/v1/match"
	labelRecord = "lethe/v1/record"
	labelDedup  = "lethe/v1/dedup"
)

func newSiloKey(silo string, secret []byte) (*SiloKey, error) {
	k := &SiloKey{silo: silo}
	for _, d := range []struct {
		label string
		into  **mac
	}{{labelMatch, &k.match}, {labelRecord, &k.record}, {labelDedup, &k.dedup}} {
		key, err := hkdf.Key(sha256.New, secret, nil, d.label, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("derive %s of silo %q: %w", d.label, silo, err)
		}
		*d.into = newMAC(key)
	}
	return k, nil
}

// Silo is the name of the silo whose key this is.
func (k *SiloKey) Silo() string { return k.silo }

// Clone is an independent SiloKey of the same silo, for another goroutine.
func (k *SiloKey) Clone() *SiloKey {
	return &SiloKey{silo: k.silo, match: k.match.clone(), record: k.record.clone(), dedup: k.dedup.clone()}
}

// Match is the reference of an identifier: HMAC(K_match, "v1|kind|value"). The value is normalised already (registry.Normalise).
func (k *SiloKey) Match(kind string, normalised []byte) Ref {
	k.match.start()
	k.match.buf = append(append(k.match.buf, kind...), '|')
	k.match.buf = append(k.match.buf, normalised...)
	return k.match.sum()
}

// Record is the reference of a row: HMAC(K_record, "v1|system|object|key"), where system is the source's name, object the table's and key
// the row's canonical key. Names are length-prefixed, so no two places give one reference.
func (k *SiloKey) Record(system, object string, key []byte) Ref {
	k.record.start()
	k.record.buf = appendName(k.record.buf, system)
	k.record.buf = appendName(k.record.buf, object)
	k.record.buf = append(k.record.buf, key...)
	return k.record.sum()
}

// Dedup is the reference by which a repeated delivery is recognised: HMAC(K_dedup, "v1|source|content"). Two silos that receive the same
// line therefore share no stored value.
func (k *SiloKey) Dedup(source string, content []byte) Ref {
	k.dedup.start()
	k.dedup.buf = appendName(k.dedup.buf, source)
	k.dedup.buf = append(k.dedup.buf, content...)
	return k.dedup.sum()
}

// AuditKey makes the references that stand in the audit of one silo and one epoch. Its secret is 32 random bytes of its own, so that they
// match neither the registry's references nor another epoch's. It serves one goroutine; Clone makes one for another.
type AuditKey struct {
	mac *mac
}

// Clone is an independent AuditKey of the same silo and epoch.
func (k *AuditKey) Clone() *AuditKey { return &AuditKey{mac: k.mac.clone()} }

// Ref is the audit's reference of a value in a domain, "record" or "collection" for example: HMAC(K_audit, "v1|domain|value").
func (k *AuditKey) Ref(domain string, value []byte) Ref {
	k.mac.start()
	k.mac.buf = appendName(k.mac.buf, domain)
	k.mac.buf = append(k.mac.buf, value...)
	return k.mac.sum()
}

// appendName appends a name so that it cannot run into what follows.
func appendName(buf []byte, name string) []byte {
	n := len(name)
	buf = append(buf, byte(n>>8), byte(n))
	return append(append(buf, name...), '|')
}
