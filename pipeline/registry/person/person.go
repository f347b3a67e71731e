// Package person is the file of a person's signing key. Its nouns: the File, and the passphrase that it may be
// encrypted with: by age (age-encryption.org), whose scrypt (RFC 7914, N = 2^18) makes each guess cost a second and
// 256 MiB.
package person

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/keystore/private"
)

// What a caller can tell apart with errors.Is.
var (
	// ErrPassphrase: the passphrase is not the one that the file is encrypted with.
	ErrPassphrase = errors.New("the passphrase is not right")
	// ErrShort: a new passphrase has fewer characters than Shortest.
	ErrShort = errors.New("the passphrase is too short")
)

// Shortest is how many characters a passphrase has at least (NIST SP 800-63B-4, 3.1.1.2: 8 beside something that one
// has, which the file is).
const Shortest = 8

// File is the file of a signing key, read.
type File struct {
	Path   string
	Public string // the public key; "" where none stands in the file of one that is encrypted
	text   []byte
}

// publicLine is what the line with the public key begins with.
const publicLine = "# public key: "

// Read reads a file, which nobody but its owner may read.
func Read(path string) (File, error) {
	text, err := keystore.ReadPerson(path)
	if err != nil {
		return File{}, err
	}
	f := File{Path: path, text: text}
	for line := range strings.Lines(string(text)) {
		if public, ok := strings.CutPrefix(strings.TrimSpace(line), publicLine); ok && f.Public == "" {
			f.Public = public
		}
	}
	return f, nil
}

// Encrypted reports whether it takes a passphrase to open the file.
func (f File) Encrypted() bool { return bytes.Contains(f.text, []byte(armor.Header)) }

// Open returns the signing key; the passphrase is that of a file that is encrypted. The error is ErrPassphrase for a
// wrong one, keystore.ErrDamaged for a file that no passphrase opens.
func (f File) Open(passphrase string) (*keystore.Signer, error) {
	text, err := f.clear(passphrase)
	if err != nil {
		return nil, err
	}
	signer, err := keystore.ParsePerson(f.Path, text)
	if err == nil && f.Encrypted() && signer.Public() != f.Public {
		return nil, fmt.Errorf("load signing key %s: %w: its public key is another one than stands in it", f.Path,
			keystore.ErrDamaged)
	}
	return signer, err
}

// clear is what stands in the file, decrypted.
func (f File) clear(passphrase string) ([]byte, error) {
	if !f.Encrypted() {
		return f.text, nil
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil { // an empty one
		return nil, fmt.Errorf("open %s: %w", f.Path, ErrPassphrase)
	}
	identity.SetMaxWorkFactor(workFactor)
	_, sealed, _ := bytes.Cut(f.text, []byte(armor.Header))
	reader, err := age.Decrypt(armor.NewReader(bytes.NewReader(append([]byte(armor.Header), sealed...))), identity)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return nil, fmt.Errorf("open %s: %w", f.Path, ErrPassphrase)
	}
	if err == nil {
		var text []byte
		if text, err = io.ReadAll(reader); err == nil {
			return text, nil
		}
	}
	return nil, fmt.Errorf("load signing key %s: %w: what is encrypted in it is damaged", f.Path, keystore.ErrDamaged)
}

// workFactor is the logarithm of scrypt's N: age's own default.
const workFactor = 18

// New makes a signing key in a new file, encrypted unless the passphrase is empty, and returns the public key.
func New(path, passphrase string) (public string, err error) {
	text, public, err := keystore.PersonText()
	if err == nil {
		text, err = seal(text, public, passphrase)
	}
	if err == nil {
		err = private.New(path, text)
	}
	if errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("create signing key: %s exists already; name another file", path)
	}
	if err != nil {
		return "", fmt.Errorf("create signing key: %w", err)
	}
	return public, nil
}

// Change writes the file anew with another passphrase; "" none. What stood in it before stays wherever it was copied
// to.
func (f File) Change(old, passphrase string) error {
	text, err := f.clear(old)
	if err != nil {
		return err
	}
	signer, err := keystore.ParsePerson(f.Path, text)
	if err != nil {
		return err
	}
	text, err = seal(text, signer.Public(), passphrase)
	if err == nil {
		err = private.Replace(f.Path, text)
	}
	if err != nil {
		return fmt.Errorf("write signing key %s: %w", f.Path, err)
	}
	return nil
}

// seal encrypts a text with a passphrase; without one it stays as it is.
func seal(text []byte, public, passphrase string) ([]byte, error) {
	if passphrase == "" {
		return text, nil
	}
	if len([]rune(passphrase)) < Shortest {
		return nil, fmt.Errorf("%w: take %d characters at least", ErrShort, Shortest)
	}
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(workFactor)
	var sealed bytes.Buffer
	fmt.Fprintf(&sealed, "# signing key of one person, encrypted with a passphrase: never share it\n%s%s\n", publicLine,
		public)
	armored := armor.NewWriter(&sealed)
	w, err := age.Encrypt(armored, recipient)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = errors.Join(w.Close(), armored.Close())
	}
	return sealed.Bytes(), err
}
