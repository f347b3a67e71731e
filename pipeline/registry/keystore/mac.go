package keystore

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
)

// Ref is a keyed reference: HMAC-SHA256 of a value under one silo's (or one audit epoch's) key. It is the
// only way a person or a record is named outside the sources. It is pseudonymous personal data as long as
// its key exists.
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

// start empties the input and opens it with the version of references. That of canonical forms stands in the
// registry: most forms, and so their references, are the same in all.
func (m *mac) start() { m.buf = append(m.buf[:0], "v1|"...) }

func (m *mac) sum() Ref {
	m.state.Reset()
	m.state.Write(m.buf)
	m.state.Sum(m.out[:0])
	return m.out
}

// over is the reference of a reference.
func (m *mac) over(ref Ref) Ref {
	m.buf = append(m.buf[:0], ref[:]...)
	return m.sum()
}

// SiloKey makes the references of one silo. It reuses its hash states and so serves one goroutine; Clone
// makes one for another.
//
// A second version of the key is a layer over the first: its references are HMACs, under a secret of its
// own, of the references that the version before gave. So a rotation carries every reference over at once,
// whoever it stands for and whether or not anybody could still say who that is, and no reference made
// afterwards can be computed by who has the old key only. What is recognised by Dedup and Fixed stays as it
// was.
type SiloKey struct {
	silo                        string
	match, record, dedup, fixed *mac
	layers                      []layer  // of the later versions
	seals                       [][]byte // what each version seals with, this one's last; nil: it is not known any more
}

// layer turns the references of the version before into its own.
type layer struct{ match, record *mac }

// The labels that separate what is derived from K_silo (HKDF-SHA256, RFC 5869, no salt: the secret is
// uniform already).
const (
	labelMatch  = "lethe/v1/match"
	labelRecord = "lethe/v1/record"
	labelDedup  = "lethe/v1/dedup"
	labelFixed  = "lethe/v1/fixed"
)

// newSiloKey makes the key of a first version from its secret, and that of a later one from what rotated gave.
func newSiloKey(silo string, version int, secret []byte) (*SiloKey, error) {
	k := &SiloKey{silo: silo}
	if len(secret) == keyLen {
		keys, err := derive(silo, secret, labelMatch, labelRecord, labelDedup, labelFixed, labelSeal)
		if err != nil {
			return nil, err
		}
		k.match, k.record, k.dedup, k.fixed = newMAC(keys[0]), newMAC(keys[1]), newMAC(keys[2]), newMAC(keys[3])
		k.seals = keys[4:]
		return k, nil
	}
	// its own secret, four keys derived from the first version's, and two of each version in between; then what the
	// versions before seal with, which earlier builds did not keep
	plain := (5 + 2*(version-2)) * keyLen
	if version < 2 || len(secret) != plain && len(secret) != plain+(version-1)*keyLen {
		return nil, fmt.Errorf("key of silo %q: %w: restore the file from a copy", silo, ErrDamaged)
	}
	secret = bytes.Clone(secret) // the keystore's is cleared when it is destroyed
	k.seals = make([][]byte, version-1)
	for i := range k.seals {
		if base := secret[plain:]; len(base) > 0 && !bytes.Equal(base[i*keyLen:(i+1)*keyLen], make([]byte, keyLen)) {
			k.seals[i] = base[i*keyLen : (i+1)*keyLen]
		}
	}
	secret = secret[:plain]
	part := func(i int) *mac { return newMAC(secret[i*keyLen : (i+1)*keyLen]) }
	k.match, k.record, k.dedup, k.fixed = part(1), part(2), part(3), part(4)
	for i := 5; i*keyLen < len(secret); i += 2 {
		k.layers = append(k.layers, layer{part(i), part(i + 1)})
	}
	own, err := derive(silo, secret[:keyLen], labelMatch, labelRecord, labelSeal)
	if err != nil {
		return nil, err
	}
	k.seals = append(k.seals, own[2])
	k.layers = append(k.layers, layer{newMAC(own[0]), newMAC(own[1])})
	return k, nil
}

func derive(silo string, secret []byte, labels ...string) ([][]byte, error) {
	keys := make([][]byte, len(labels))
	for i, label := range labels {
		var err error
		if keys[i], err = hkdf.Key(sha256.New, secret, nil, label, sha256.Size); err != nil {
			return nil, fmt.Errorf("derive %s of silo %q: %w", label, silo, err)
		}
	}
	return keys, nil
}

// rotated is what the file of the next version holds: a fresh secret, and of this version what its
// references are made with and its rows were sealed with, but not its secret.
func (k *SiloKey) rotated() ([]byte, error) {
	secret, err := random()
	for _, m := range []*mac{k.match, k.record, k.dedup, k.fixed} {
		secret = append(secret, m.key...)
	}
	for _, l := range k.layers {
		secret = append(append(secret, l.match.key...), l.record.key...)
	}
	for _, base := range k.seals {
		if base == nil {
			base = make([]byte, keyLen)
		}
		secret = append(secret, base...)
	}
	return secret, err
}

// Version is the version of the key, from 1.
func (k *SiloKey) Version() int { return len(k.layers) + 1 }

// Carry turns references that versions from on gave into those of this version: of people, or of records.
func (k *SiloKey) Carry(ref Ref, record bool, from int) Ref {
	for i := from - 1; i < len(k.layers); i++ {
		m := k.layers[i].match
		if record {
			m = k.layers[i].record
		}
		ref = m.over(ref)
	}
	return ref
}

// Silo is the name of the silo whose key this is.
func (k *SiloKey) Silo() string { return k.silo }

// Sealer seals the silo's rows in the registry with the keys of this version.
func (k *SiloKey) Sealer() (*Sealer, error) { return k.SealerOf(k.Version()) }

// SealerOf is the sealer of a version up to this one, so that a registry from before a rotation can still be checked:
// ErrMissing where that version was replaced by a build that kept no seals.
func (k *SiloKey) SealerOf(version int) (*Sealer, error) {
	if version < 1 || version > len(k.seals) || k.seals[version-1] == nil {
		return nil, fmt.Errorf("what version %d of the key of silo %q sealed with: %w", version, k.silo, ErrMissing)
	}
	s, err := newSealer(k.silo, k.seals[version-1])
	if err != nil {
		return nil, err
	}
	if s.veil, err = newVeils(k.silo, k.fixed.key); err != nil {
		return nil, err
	}
	return s, s.hashing(k.silo, k.seals[version-1])
}

// Clone is an independent SiloKey of the same silo, for another goroutine.
func (k *SiloKey) Clone() *SiloKey {
	c := &SiloKey{silo: k.silo, match: k.match.clone(), record: k.record.clone(), dedup: k.dedup.clone(),
		fixed: k.fixed.clone(), seals: k.seals}
	for _, l := range k.layers {
		c.layers = append(c.layers, layer{l.match.clone(), l.record.clone()})
	}
	return c
}

// Match is the reference of an identifier: HMAC(K_match, "v1|kind|value"), under the later versions. The
// value is normalised already (identifier.Normalise).
func (k *SiloKey) Match(kind string, normalised []byte) Ref {
	return k.Carry(k.First(kind, normalised), false, 1)
}

// First is what the first version of the key gave as Match: it recognises a delivery of before a rotation,
// and nothing is looked up by it.
func (k *SiloKey) First(kind string, normalised []byte) Ref {
	k.match.start()
	k.match.buf = append(append(k.match.buf, kind...), '|')
	k.match.buf = append(k.match.buf, normalised...)
	return k.match.sum()
}

// Record is the reference of a row: HMAC(K_record, "v1|system|object|key"), where system is the source's
// name, object the table's and key the row's canonical key. Names are length-prefixed, so no two places
// give one reference.
func (k *SiloKey) Record(system, object string, key []byte) Ref {
	k.record.start()
	k.record.buf = appendName(k.record.buf, system)
	k.record.buf = appendName(k.record.buf, object)
	k.record.buf = append(k.record.buf, key...)
	return k.Carry(k.record.sum(), true, 1)
}

// Dedup is the reference by which a repeated delivery is recognised: HMAC(K_dedup, "v1|source|content").
// Two silos that receive the same line therefore share no stored value.
func (k *SiloKey) Dedup(source string, content []byte) Ref {
	k.dedup.start()
	k.dedup.buf = appendName(k.dedup.buf, source)
	k.dedup.buf = append(k.dedup.buf, content...)
	return k.dedup.sum()
}

// Fixed is the reference of what must stay the same when the key is rotated, because somebody else keeps
// it: HMAC(K_fixed, "v1|domain|value").
func (k *SiloKey) Fixed(domain string, value []byte) Ref {
	k.fixed.start()
	k.fixed.buf = appendName(k.fixed.buf, domain)
	k.fixed.buf = append(k.fixed.buf, value...)
	return k.fixed.sum()
}

// AuditKey makes the references that stand in the audit of one silo and one epoch. Its secret is 32 random
// bytes of its own, so that they match neither the registry's references nor another epoch's. It serves one
// goroutine; Clone makes one for another.
type AuditKey struct {
	mac *mac
}

// Clone is an independent AuditKey of the same silo and epoch.
func (k *AuditKey) Clone() *AuditKey { return &AuditKey{mac: k.mac.clone()} }

// Ref is the audit's reference of a value in a domain, "record" or "collection" for example: HMAC(K_audit,
// "v1|domain|value").
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
