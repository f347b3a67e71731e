package expiry

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"lethe/pipeline/registry/keystore"
)

// most is the most bytes of a signed document, a signature or a key that are read.
const most = 64 << 20

// ReadSmall reads a file that is no table.
func ReadSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(body) > most {
		err = errors.New("too long")
	}
	return body, err
}

// SignLine is a signature as it stands beside a document: one line of base64.
func SignLine(signer *keystore.Signer, context string, body []byte) []byte {
	return line(signer.Sign(context, body))
}

func line(signature []byte) []byte {
	return []byte(base64.StdEncoding.EncodeToString(signature) + "\n")
}

// VerifyLine says why a line is not the key's signature of a document; nil it is.
func VerifyLine(key keystore.PublicKey, context string, body, signature []byte) error {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(signature)))
	if err != nil || !bytes.Equal(line(raw), signature) {
		return errors.New("its signature is not one line of base64")
	}
	if err := key.Verify(context, body, raw); err != nil {
		return fmt.Errorf("its signature is not of the given key, or it was changed after signing: %w", err)
	}
	return nil
}

// WriteDurably writes a new file below folders that it makes.
func WriteDurably(path string, body []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	return errors.Join(err, f.Sync(), f.Close())
}

// SyncDir makes what was named in a folder durable.
func SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
