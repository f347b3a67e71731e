package keystore

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"lethe/pipeline/registry/keystore/private"
)

const (
	publicPrefix = "lethe-ed25519:"
	secretPrefix = "lethe-ed25519-secret:"
	separation   = "lethe-sig-v1|" // what every message begins with that Sign signs
)

// Signer signs as the runner or as a person (Ed25519, RFC 8032). It prints as "***".
type Signer struct {
	key ed25519.PrivateKey
}

// String hides the key.
func (*Signer) String() string { return "***" }

// GoString hides the key.
func (*Signer) GoString() string { return "***" }

// Public is the signer's public key, "lethe-ed25519:BASE64", as it stands under people: in the configuration.
func (s *Signer) Public() string {
	return publicPrefix + base64.StdEncoding.EncodeToString(s.key.Public().(ed25519.PublicKey))
}

// Sign signs a message for one context, "plan" or "manifest" for example: what is signed is "lethe-sig-v1",
// the context and the message, so that a signature given for one purpose serves no other. The context must
// not be empty.
func (s *Signer) Sign(context string, message []byte) []byte {
	return ed25519.Sign(s.key, separated(context, message))
}

// witnessContext is what a witness signs for.
const witnessContext = "key-destruction"

// Witness signs, as a person of this name, that the key of this id is destroyed, and why. The text goes
// into the evidence: name, public key and signature.
func (s *Signer) Witness(name, keyID, because string) string {
	return strings.Join([]string{name, s.Public(),
		base64.StdEncoding.EncodeToString(s.Sign(witnessContext, testimony(name, keyID, because)))}, " ")
}

func testimony(name, keyID, because string) []byte {
	return append(appendName(appendName(nil, name), keyID), because...)
}

// WitnessedBy verifies the signatures of the witnesses and returns their names: ErrSignature when one is
// not what it says.
func (e Evidence) WitnessedBy() ([]string, error) {
	names := make([]string, len(e.Witnesses))
	for i, w := range e.Witnesses {
		name, signature, _ := cutLast(w)
		name, public, _ := cutLast(name)
		key, err := ParsePublic(public)
		raw, decodeErr := base64.StdEncoding.DecodeString(signature)
		if err != nil || decodeErr != nil || key.Verify(witnessContext, testimony(name, e.KeyID, e.Because),
			raw) != nil {
			return nil, fmt.Errorf("witness %d of key %s: %w", i+1, e.Name, ErrSignature)
		}
		names[i] = name
	}
	return names, nil
}

// cutLast cuts a text at its last space.
func cutLast(text string) (before, after string, found bool) {
	i := strings.LastIndexByte(text, ' ')
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}

// PublicKey verifies signatures.
type PublicKey struct {
	key ed25519.PublicKey
}

// ParsePublic reads "lethe-ed25519:BASE64".
func ParsePublic(text string) (PublicKey, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(text), publicPrefix)
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || len(raw) != ed25519.PublicKeySize {
		return PublicKey{}, fmt.Errorf("parse public key: want %sBASE64 of 32 bytes, as `lethe keys new` prints it",
			publicPrefix)
	}
	return PublicKey{key: raw}, nil
}

// Verify checks a signature given for this context: ErrSignature when it is not one of this key, this
// context and this message.
func (p PublicKey) Verify(context string, message, signature []byte) error {
	if len(p.key) != ed25519.PublicKeySize || !ed25519.Verify(p.key, separated(context, message), signature) {
		return fmt.Errorf("verify %s: %w", context, ErrSignature)
	}
	return nil
}

// String is the text that ParsePublic reads.
func (p PublicKey) String() string { return publicPrefix + base64.StdEncoding.EncodeToString(p.key) }

func separated(context string, message []byte) []byte {
	buf := appendName([]byte(separation), context)
	return append(buf, message...)
}

// NewPerson makes a person's signing key in a new file that only its owner can read, and returns the public
// key for the configuration. An existing file is left alone and refused.
func NewPerson(file string) (string, error) {
	text, public, err := PersonText()
	if err == nil {
		err = private.New(file, text)
	}
	if errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("create signing key: %s exists already; name another file", file)
	}
	if err != nil {
		return "", fmt.Errorf("create signing key: %w", err)
	}
	return public, nil
}

// PersonText is what a file with a new signing key holds, and its public key.
func PersonText() (text []byte, public string, err error) {
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	s := &Signer{key: secret}
	if err != nil {
		return nil, "", err
	}
	return fmt.Appendf(nil, "# signing key of one person: never share it\n# public key: %s\n%s%s\n", s.Public(),
		secretPrefix, base64.StdEncoding.EncodeToString(secret.Seed())), s.Public(), nil
}

// LoadPerson reads a person's signing key. A file that others can read gives ErrReadable, a missing one ErrMissing.
func LoadPerson(file string) (*Signer, error) {
	text, err := ReadPerson(file)
	if err != nil {
		return nil, err
	}
	return ParsePerson(file, text)
}

// ReadPerson reads what the file of a person's signing key holds, as LoadPerson does.
func ReadPerson(file string) ([]byte, error) {
	err := private.OwnerOnly(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("load signing key %s: %w; create it with `lethe keys new`", file, ErrMissing)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("load signing key: %w", err)
	}
	return data, nil
}

// ParsePerson is the signing key of a text as PersonText makes it; the file is named in errors.
func ParsePerson(file string, text []byte) (*Signer, error) {
	for line := range strings.Lines(string(text)) {
		encoded, ok := strings.CutPrefix(strings.TrimSpace(line), secretPrefix)
		if !ok {
			continue
		}
		seed, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err != nil || len(seed) != ed25519.SeedSize {
			break
		}
		return &Signer{key: ed25519.NewKeyFromSeed(seed)}, nil
	}
	return nil, fmt.Errorf("load signing key %s: %w: it holds no %sBASE64 line", file, ErrDamaged, secretPrefix)
}

// SignNote signs the text of a note (C2SP signed-note) as it stands. A text that could be taken for what Sign signs is
// refused, so that neither serves for the other.
func (s *Signer) SignNote(text []byte) ([]byte, error) {
	if bytes.HasPrefix(text, []byte(separation)) {
		return nil, fmt.Errorf("sign note: it begins like a message of another purpose")
	}
	return ed25519.Sign(s.key, text), nil
}

// VerifyNote checks a signature that SignNote gave.
func (p PublicKey) VerifyNote(text, signature []byte) error {
	if len(p.key) != ed25519.PublicKeySize || bytes.HasPrefix(text, []byte(separation)) ||
		!ed25519.Verify(p.key, text, signature) {
		return fmt.Errorf("verify note: %w", ErrSignature)
	}
	return nil
}

// Bytes are the 32 bytes of the key (RFC 8032).
func (p PublicKey) Bytes() []byte { return bytes.Clone(p.key) }

// PublicKey is the key that verifies what the signer signs.
func (s *Signer) PublicKey() PublicKey { return PublicKey{key: s.key.Public().(ed25519.PublicKey)} }
