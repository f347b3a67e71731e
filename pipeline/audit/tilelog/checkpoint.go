package tilelog

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"lethe/pipeline/registry/keystore"
)

// Checkpoint says how long a log was at a time, and what all of it hashes to.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// Origin is the name of the log that a key signs. Two companies have two keys, and so two logs.
func Origin(key keystore.PublicKey) string {
	sum := sha256.Sum256(key.Bytes())
	return "lethe-log/" + hex.EncodeToString(sum[:8])
}

// Text is what is signed: C2SP tlog-checkpoint.
func (c Checkpoint) Text() string { return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root) }

// String is a checkpoint in a line, as a run prints it and as [ParseShort] reads it.
func (c Checkpoint) String() string { return fmt.Sprintf("%d:%x", c.Size, c.Root[:]) }

var shortForm = regexp.MustCompile(`^\s*(?:checkpoint\s+)?(\d{1,9})[:\s]\s*([0-9a-f]{64})\s*$`)

// ParseShort reads the line that a run prints; false for another text. Of which log it is does not stand in it.
func ParseShort(text string) (c Checkpoint, ok bool) {
	m := shortForm.FindStringSubmatch(text)
	if m == nil {
		return c, false
	}
	size, err := strconv.ParseInt(m[1], 10, 64)
	raw, rerr := hex.DecodeString(m[2])
	c.Size = size
	copy(c.Root[:], raw)
	return c, errors.Join(err, rerr) == nil
}

func parseText(text string) (c Checkpoint, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return c, fmt.Errorf("%w: it has not the three lines of a checkpoint", ErrForged)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	root, rerr := tlog.ParseHash(lines[2])
	c = Checkpoint{Origin: lines[0], Size: size, Root: root}
	if errors.Join(err, rerr) != nil || size < 0 || c.Text() != text {
		return c, fmt.Errorf("%w: its size or its root cannot be read", ErrForged)
	}
	return c, nil
}

// The algorithms of signatures under notes, as C2SP signed-note numbers them.
const (
	algEd25519     = 1
	algCosignature = 4
)

// keyHash is the id of a key in a line of a note.
func keyHash(name string, algorithm byte, key keystore.PublicKey) uint32 {
	h := sha256.New()
	h.Write([]byte(name + "\n"))
	h.Write(append([]byte{algorithm}, key.Bytes()...))
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// KeyID is the id of a log's key in a line of a note, eight hex digits.
func KeyID(key keystore.PublicKey) string { return fmt.Sprintf("%08x", logKey{key: key}.KeyHash()) }

// logKey signs and verifies checkpoints of a log; the signer is nil where it only verifies.
type logKey struct {
	key    keystore.PublicKey
	signer *keystore.Signer
}

func (k logKey) Name() string                     { return Origin(k.key) }
func (k logKey) KeyHash() uint32                  { return keyHash(k.Name(), algEd25519, k.key) }
func (k logKey) Sign(text []byte) ([]byte, error) { return k.signer.SignNote(text) }
func (k logKey) Verify(text, sig []byte) bool     { return k.key.VerifyNote(text, sig) == nil }

// Checkpoint is the log's own as it is now, unsigned.
func (l *Log) Checkpoint(key keystore.PublicKey) (Checkpoint, error) {
	root, err := l.Root(l.Size())
	return Checkpoint{Origin: Origin(key), Size: l.Size(), Root: root}, err
}

// Sign signs the log as it is now: a note. The same log gives the same bytes.
func (l *Log) Sign(by *keystore.Signer) ([]byte, error) {
	key := by.PublicKey()
	c, err := l.Checkpoint(key)
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, logKey{key, by})
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	return signed, nil
}

// maxCheckpoint is the most bytes of one that are read.
const maxCheckpoint = 64 << 10

// Open reads a signed checkpoint, with or without cosignatures. The error is [ErrOther] for one of another log,
// [ErrForged] for one that the key did not sign.
func Open(signed []byte, key keystore.PublicKey) (Checkpoint, error) {
	c, _, err := open(signed, key)
	return c, err
}

func open(signed []byte, key keystore.PublicKey) (c Checkpoint, n *note.Note, err error) {
	if len(signed) > maxCheckpoint {
		return c, nil, fmt.Errorf("%w: it is too long", ErrForged)
	}
	n, err = note.Open(signed, note.VerifierList(logKey{key: key}))
	var unverified *note.UnverifiedNoteError
	if errors.As(err, &unverified) {
		other, perr := parseText(unverified.Note.Text)
		if perr == nil && other.Origin != Origin(key) {
			return other, nil, fmt.Errorf("%w: %s, and the key is that of %s: give the public key of the company "+
				"whose "+
				"it is, or the checkpoint of this one", ErrOther, quoted(other.Origin), Origin(key))
		}
	}
	if err != nil {
		return c, nil, fmt.Errorf("%w: %w", ErrForged, err)
	}
	if c, err = parseText(n.Text); err == nil && c.Origin != Origin(key) {
		err = fmt.Errorf("%w: %s", ErrOther, quoted(c.Origin))
	}
	return c, n, err
}

// quoted is a text of somebody else's, in which nothing moves a terminal.
func quoted(text string) string {
	if len(text) > 60 {
		text = text[:60]
	}
	return strconv.Quote(text)
}

// Cosignature says that somebody saw a checkpoint, and that it went on from the last one they saw.
type Cosignature struct {
	Checkpoint Checkpoint
	Name       string    // as it stands in the line
	ID         string    // of the key in the line, eight hex digits
	At         time.Time // by the clock of who signed
	Known      bool      // it is of one of the keys that were asked for; else nobody looked at its signature
	Key        keystore.PublicKey
}

// cosigner is a key of somebody who is not the log; the signer is nil where it only verifies.
type cosigner struct {
	name   string
	key    keystore.PublicKey
	signer *keystore.Signer
	at     time.Time
}

func (k cosigner) Name() string    { return k.name }
func (k cosigner) KeyHash() uint32 { return keyHash(k.name, algCosignature, k.key) }

func cosigned(text []byte, at uint64) []byte {
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", at), text...)
}

func (k cosigner) Sign(text []byte) ([]byte, error) {
	at := uint64(k.at.Unix())
	sig, err := k.signer.SignNote(cosigned(text, at))
	return append(binary.BigEndian.AppendUint64(nil, at), sig...), err
}

func (k cosigner) Verify(text, sig []byte) bool {
	if len(sig) < 8 {
		return false
	}
	return k.key.VerifyNote(cosigned(text, binary.BigEndian.Uint64(sig)), sig[8:]) == nil
}

// CosignerName is what may stand as the name of a cosigner in a note: the letters of a name without spaces and plus.
func CosignerName(name string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == '+' || r > '~' {
			return '-'
		}
		return r
	}, name)
}

// Cosign adds a cosignature (C2SP tlog-cosignature, version 1) to a signed checkpoint. It is for who has seen that the
// checkpoint goes on from the last one that they signed: whoever signs two that do not is no witness.
func Cosign(signed []byte, log keystore.PublicKey, name string, by *keystore.Signer, at time.Time) ([]byte, error) {
	_, n, err := open(signed, log)
	if err != nil {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	n.UnverifiedSigs = nil // of others: each stands in a file of its own
	out, err := note.Sign(n, cosigner{CosignerName(name), by.PublicKey(), by, at})
	if err != nil {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	return out, nil
}

// Cosignatures reads those under a signed checkpoint. Of a key that is not among the witnesses it is said that it is
// there; one that is and whose signature does not verify is [ErrForged].
func Cosignatures(signed []byte, log keystore.PublicKey, witnesses []keystore.PublicKey) ([]Cosignature, error) {
	c, n, err := open(signed, log)
	if err != nil {
		return nil, err
	}
	var list []Cosignature
	for _, s := range n.UnverifiedSigs {
		one := Cosignature{Checkpoint: c, Name: s.Name, ID: fmt.Sprintf("%08x", s.Hash)}
		for _, w := range witnesses {
			if keyHash(s.Name, algCosignature, w) != s.Hash {
				continue
			}
			again, err := note.Open(signed, note.VerifierList(logKey{key: log}, cosigner{name: s.Name, key: w}))
			if err != nil || len(again.Sigs) != 2 {
				return list, fmt.Errorf("%w: the cosignature of %s does not verify", ErrForged, quoted(s.Name))
			}
			one.Known, one.Key = true, w
			one.At = timeOf(s)
		}
		list = append(list, one)
	}
	return list, nil
}

// timeOf is when a cosignature says that it was made.
func timeOf(s note.Signature) time.Time {
	raw, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil || len(raw) < 12 {
		return time.Time{}
	}
	return time.Unix(int64(binary.BigEndian.Uint64(raw[4:12])), 0).UTC()
}
