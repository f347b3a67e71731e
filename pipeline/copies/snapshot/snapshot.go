package snapshot

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

const (
	snapshotFormat   = "lethe-copy-1"
	snapshotContext  = "copy" // of the signature
	snapshotManifest = "copy.json"
	keepSnapshots    = 2
	keepDeltas       = 30
)

// Snapshot is one being written.
type Snapshot struct {
	folder  string
	file    *rowFile
	Changed map[[2]string]int64 // by object and silo: rows of the delta, once it is written
}

// New begins a snapshot in a folder, which it makes.
func New(folder string) (*Snapshot, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	file, err := createRows(folder)
	if err != nil {
		return nil, err
	}
	return &Snapshot{folder: folder, file: file}, nil
}

// FolderOf refuses a folder that could not be made, because something on the way to it is none.
func FolderOf(path string) error {
	for at := path; path != ""; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		switch {
		case err == nil && info.IsDir():
			return nil
		case err == nil:
			return fmt.Errorf("%s is no folder: name another one", at)
		case at == filepath.Dir(at):
			return err
		}
	}
	return nil
}

// Add writes a row.
func (s *Snapshot) Add(row Row) error { return s.file.add(row) }

// Discard leaves the folder as it was.
func (s *Snapshot) Discard() { s.file.discard() }

// before is the snapshot that stands in the folder, and the digest by which the next one names it; "" where there is none to compare with.
func (s *Snapshot) before() (m Manifest, since string, damaged error) {
	m, since, err := readManifest(s.folder)
	if err == nil {
		err = m.check(s.folder)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && since == "":
		return Manifest{}, "", nil
	case err != nil: // whoever has it must take the snapshot
		return m, "", err
	}
	return m, since, nil
}

// Publish compares the snapshot with the one before, signs both files and puts them in place, the manifest last: m says whose
// they are, of when and of what. damaged says that the files before were not as they were left, so that the delta is whole;
// crash is called before the manifest is written.
func (s *Snapshot) Publish(m Manifest, signer *keystore.Signer, crash func(string)) (damaged, err error) {
	defer s.file.discard()
	m.Format, m.Key = snapshotFormat, signer.Public()
	before, since, damaged := s.before()
	old := ""
	if m.Since = since; since != "" {
		old = filepath.Join(s.folder, before.Snapshot.Name)
	}
	if m.Snapshot, err = s.file.close(); err != nil {
		return damaged, err
	}
	delta, err := createRows(s.folder)
	if err != nil {
		return damaged, err
	}
	defer delta.discard()
	if err := difference(delta, old, s.file.path, m.Snapshot.Rows+before.Snapshot.Rows); err != nil {
		return damaged, err
	}
	if m.Delta, err = delta.close(); err != nil {
		return damaged, err
	}
	s.Changed = delta.added
	stamp := m.AsOf.UTC().Format("20060102T150405Z") + "-" + m.Snapshot.SHA256[:12] + ".jsonl"
	m.Snapshot.Name, m.Delta.Name = "snapshot-"+stamp, "delta-"+stamp
	if err := errors.Join(os.Rename(s.file.path, filepath.Join(s.folder, m.Snapshot.Name)), os.Rename(delta.path, filepath.Join(s.folder, m.Delta.Name))); err != nil {
		return damaged, err
	}
	crash("snapshot_written")
	if err := m.write(s.folder, signer); err != nil {
		return damaged, err
	}
	return damaged, errors.Join(prune(s.folder, "snapshot-", keepSnapshots, m.Snapshot.Name), prune(s.folder, "delta-", keepDeltas, m.Delta.Name))
}

// write signs the manifest and puts it in place of the one before.
func (m Manifest) write(folder string, signer *keystore.Signer) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	file, err := json.Marshal(signedManifest{body, base64.StdEncoding.EncodeToString(signer.Sign(snapshotContext, body))})
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

// prune removes the oldest files of a kind: they hold keys of people's records and nobody needs them any more.
func prune(folder, prefix string, keep int, current string) error {
	names, err := filepath.Glob(filepath.Join(folder, prefix+"*.jsonl"))
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return filepath.Base(name) == current })
	slices.Sort(names)
	var errs []error
	for _, name := range names[:max(0, len(names)+1-keep)] {
		errs = append(errs, os.Remove(name))
	}
	return errors.Join(errs...)
}

// id is a digest of what the row is about.
func (r Row) id() [16]byte {
	h := sha256.New()
	for _, part := range append([]string{r.Object, r.Silo, r.Purpose}, r.Key...) {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return [16]byte(h.Sum(nil))
}

// state is a digest of what the row says.
func (r Row) state() [8]byte {
	sum := sha256.Sum256([]byte(r.Status + "|" + r.Until))
	return [8]byte(sum[:])
}

func (r *rowFile) add(row Row) error {
	r.rows++
	r.added[[2]string{row.Object, row.Silo}]++
	return r.encode.Encode(row)
}

// close makes the file durable.
func (r *rowFile) close() (File, error) {
	err := errors.Join(r.w.Flush(), r.f.Sync(), r.f.Close())
	return File{Rows: r.rows, SHA256: hex.EncodeToString(r.sum.Sum(nil))}, err
}

// discard removes the file where it was not put in place.
func (r *rowFile) discard() {
	r.f.Close()
	os.Remove(r.path)
}

// Words says in a line what the folder holds.
func (m Manifest) Words() string {
	var heads []string
	for silo, seq := range m.Heads {
		heads = append(heads, fmt.Sprintf("silo %s at event %d for %s", silo, seq, strings.Join(m.Grants[silo], ", ")))
	}
	slices.Sort(heads)
	return fmt.Sprintf("copy of %s as of %s: %d rows, %d changed since %s; %s", m.Target, m.AsOf.Format(time.RFC3339), m.Snapshot.Rows, m.Delta.Rows,
		cmp.Or(m.Since[:min(12, len(m.Since))], "the beginning"), strings.Join(heads, "; "))
}
