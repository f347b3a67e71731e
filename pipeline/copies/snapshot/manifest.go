package snapshot

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// Manifest says what a folder of a copy holds: the whole copy as of one instant, and what changed
// since the one before. A target that has the copy whose manifest Since names applies the delta;
// any other takes the snapshot.
type Manifest struct {
	Format     string              `json:"format"`
	Target     string              `json:"target"`
	Controller string              `json:"controller"`
	AsOf       time.Time           `json:"as_of"`
	RunID      string              `json:"run_id"`
	Grants     map[string][]string `json:"grants"` // silo: purposes
	Heads      map[string]int64    `json:"heads"`  // silo: position of the registry
	Snapshot   File                `json:"snapshot"`
	Delta      File                `json:"delta"`
	Since      string              `json:"since"` // sha256 of the manifest before, hex; "" none: the delta is whole
	Key        string              `json:"key"`   // public, of who signed
}

// File is one file of a copy: JSON Lines, a Row each.
type File struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
}

// signedManifest is the file: the signature is over the bytes of the manifest as they stand in it.
type signedManifest struct {
	Manifest  json.RawMessage `json:"manifest"`
	Signature string          `json:"signature"` // base64
}

// readManifest reads a folder's manifest without looking at its signature, and the digest by
// which the next one names it.
func readManifest(folder string) (m Manifest, digest string, err error) {
	file, err := os.ReadFile(filepath.Join(folder, snapshotManifest))
	if err != nil {
		return m, "", err
	}
	var signed signedManifest
	if err := json.Unmarshal(file, &signed); err != nil {
		return m, "damaged", fmt.Errorf("%s is not JSON: %w", snapshotManifest, setup.ErrTampered)
	}
	sum := sha256.Sum256(signed.Manifest)
	if err := json.Unmarshal(signed.Manifest, &m); err != nil || m.Format != snapshotFormat {
		return m, "damaged", fmt.Errorf("%s is of another format: %w", snapshotManifest, setup.ErrTampered)
	}
	return m, hex.EncodeToString(sum[:]), nil
}

// Verify checks a copy's folder with nothing but the key of who signs: the signature, and that
// both files are what was signed.
func Verify(folder string, key keystore.PublicKey) (Manifest, error) {
	m, err := readSigned(folder, key)
	if err == nil {
		err = m.check(folder)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("verify copy %s: %w", folder, err)
	}
	return m, nil
}

// readSigned reads a folder's manifest, and refuses one that is not signed by the key.
func readSigned(folder string, key keystore.PublicKey) (Manifest, error) {
	fail := func(err error) (Manifest, error) { return Manifest{}, err }
	file, err := os.ReadFile(filepath.Join(folder, snapshotManifest))
	if err != nil {
		return fail(fmt.Errorf("%w: %w", setup.ErrConfig, err))
	}
	var signed signedManifest
	if err := json.Unmarshal(file, &signed); err != nil {
		return fail(fmt.Errorf("%w: %s is not JSON", setup.ErrTampered, snapshotManifest))
	}
	signature, err := base64.StdEncoding.DecodeString(signed.Signature)
	if err != nil {
		return fail(fmt.Errorf("%w: the signature is not base64", setup.ErrTampered))
	}
	if err := key.Verify(snapshotContext, signed.Manifest, signature); err != nil {
		return fail(fmt.Errorf("%w: the signature is not of the given key, or the manifest was changed after signing",
			setup.ErrTampered))
	}
	m, _, err := readManifest(folder)
	return m, err
}

// write signs the manifest and puts it in place of the one before.
func (m Manifest) write(folder string, signer *keystore.Signer) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	signature := base64.StdEncoding.EncodeToString(signer.Sign(snapshotContext, body))
	file, err := json.Marshal(signedManifest{body, signature})
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, ".tmp-")
	if err != nil {
		return err
	}
	_, err = f.Write(append(file, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(folder, snapshotManifest))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// check compares both files with the manifest.
func (m Manifest) check(folder string) error {
	for _, f := range []File{m.Snapshot, m.Delta} {
		if filepath.Base(f.Name) != f.Name {
			return fmt.Errorf("%w: %q is no file of the folder", setup.ErrTampered, f.Name)
		}
		digest, err := audit.FileDigest(filepath.Join(folder, f.Name))
		if err != nil || digest != f.SHA256 {
			return fmt.Errorf("%w: %s is missing or was changed", setup.ErrTampered, f.Name)
		}
	}
	return nil
}

// Words says in a line what the folder holds.
func (m Manifest) Words() string {
	var heads []string
	for silo, seq := range m.Heads {
		heads = append(heads, fmt.Sprintf("silo %s at event %d for %s", silo, seq, strings.Join(m.Grants[silo], ", ")))
	}
	slices.Sort(heads)
	since := cmp.Or(m.Since[:min(12, len(m.Since))], "the beginning")
	return fmt.Sprintf("copy of %s as of %s: %d rows, %d changed since %s; %s", m.Target,
		m.AsOf.Format(time.RFC3339), m.Snapshot.Rows, m.Delta.Rows, since, strings.Join(heads, "; "))
}
