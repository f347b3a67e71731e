// Package sealed encrypts files of the evidence for those who may read them, with age (age-encryption.org): who reads
// one silo's cannot open another's. Its nouns: Recipients (for whom), Identities (who opens), and a sealed file, whose
// name ends in [Ends].
package sealed

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

// Ends is what the name of a sealed file has after that of the clear one.
const Ends = ".age"

// ErrOther says that a file is sealed for others.
var ErrOther = errors.New("it is encrypted for other readers")

// NewIdentity writes a new identity to a file that only its owner may read, and returns the recipient that stands for
// it. A file that is there already is refused.
func NewIdentity(path string) (recipient string, err error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return "", fmt.Errorf("make an identity: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", fmt.Errorf("make an identity: %w", err)
	}
	recipient = identity.Recipient().String()
	_, err = fmt.Fprintf(f, "# public key: %s\n%s\n", recipient, identity)
	return recipient, errors.Join(err, f.Sync(), f.Close())
}

// Identities reads a file of identities, as age-keygen and `lethe keys new --reader` make it.
func Identities(path string) ([]age.Identity, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read identity: %w", err)
	}
	defer f.Close()
	list, err := age.ParseIdentities(io.LimitReader(f, 1<<20))
	if err != nil { // its text may quote a secret
		return nil, fmt.Errorf("read identity: %s is no file of identities (AGE-SECRET-KEY-1...)", path)
	}
	return list, nil
}

// Recipients reads those for whom something is sealed: age1..., one a text.
func Recipients(texts []string) (list []age.Recipient, err error) {
	for _, text := range texts {
		text = strings.TrimSpace(text)
		some, err := age.ParseRecipients(strings.NewReader(text))
		if strings.Contains(text, "SECRET-KEY") {
			return nil,
				errors.New("a reader is named by the public key, age1...: what stands there is a secret, which " +
					"the configuration is not for: make a new one")
		}
		if err != nil || len(some) != 1 {
			return nil, fmt.Errorf("%q is no recipient of age: `lethe keys new --reader` prints one, which begins "+
				"with age1", text)
		}
		list = append(list, some...)
	}
	return list, nil
}

// Seal writes a file encrypted to a new one, durably, and says how long that is and what its digest is, hex.
func Seal(from, to string, recipients []string) (size int64, digest string, err error) {
	list, err := Recipients(recipients)
	if err == nil && len(list) == 0 {
		err = errors.New("there is nobody to seal it for")
	}
	if err != nil {
		return 0, "", fmt.Errorf("seal %s: %w", from, err)
	}
	in, err := os.Open(from)
	if err != nil {
		return 0, "", fmt.Errorf("seal: %w", err)
	}
	defer in.Close()
	return written(to, func(w io.Writer) error {
		inner, err := age.Encrypt(w, list...)
		if err == nil {
			_, err = io.Copy(inner, in)
		}
		if err != nil {
			return err
		}
		return inner.Close()
	})
}

// Copy copies a sealed file as it is.
func Copy(from, to string) (size int64, digest string, err error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, "", fmt.Errorf("copy: %w", err)
	}
	defer in.Close()
	return written(to, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}

// Open writes a sealed file in the clear to a new one, which only its owner may read, and says how long that is and
// what its digest is, hex. It returns [ErrOther] where none of the identities opens it. What a damaged file holds does
// not stay.
func Open(from, to string, identities []age.Identity) (size int64, digest string, err error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, "", fmt.Errorf("open: %w", err)
	}
	defer in.Close()
	clearText, err := age.Decrypt(in, identities...)
	var other *age.NoIdentityMatchError
	if errors.As(err, &other) {
		return 0, "", fmt.Errorf("open %s: %w", from, ErrOther)
	}
	if err != nil {
		return 0, "", fmt.Errorf("open %s: %w", from, err)
	}
	size, digest, err = written(to, func(w io.Writer) error {
		_, err := io.Copy(w, clearText)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return 0, "", errors.Join(fmt.Errorf("open %s: %w", from, err), os.Remove(to))
	}
	return size, digest, err
}

// written writes a new file durably.
func written(to string, write func(io.Writer) error) (size int64, digest string, err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return 0, "", fmt.Errorf("write: %w", err)
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return 0, "", fmt.Errorf("write: %w", err)
	}
	sum := sha256.New()
	err = write(io.MultiWriter(out, sum))
	info, failed := out.Stat()
	if err := errors.Join(err, failed, out.Sync(), out.Close()); err != nil {
		return 0, "", fmt.Errorf("write %s: %w", to, err)
	}
	return info.Size(), hex.EncodeToString(sum.Sum(nil)), nil
}
