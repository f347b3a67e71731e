// Package snapshot writes, for a target, signed files of its copy: the whole of it as of one night, and what
// changed since the one before.
//
//   - Snapshot is one being written: rows are added, then it is published or discarded.
//   - Row says whether a record may be used for a purpose; in a delta it may also be gone.
//   - Manifest says what a folder holds, and is signed; File is one of its two files, by digest.
//   - Verify checks a folder with nothing but the public key of who signed.
//   - Files names what was written to a folder, as far as a signature proves it, and Remove takes it away.
package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"lethe/pipeline/registry/keystore"
)

const (
	snapshotFormat   = "lethe-copy-1"
	snapshotContext  = "copy" // of the signature
	snapshotManifest = "copy.json"
)

// How many files of each kind a folder holds. A target that is further behind than the deltas reach takes the
// snapshot; the one before is kept for whoever is reading it.
const (
	keepSnapshots = 2
	keepDeltas    = 30
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

// before is the snapshot that stands in the folder, and the digest by which the next one names it; ""
// where there is none to compare with.
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

// Publish compares the snapshot with the one before, signs both files and puts them in place, the
// manifest last: m says whose they are, of when and of what. damaged says that the files before were not
// as they were left, so that the delta is whole; crash is called before the manifest is written.
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
	err = errors.Join(os.Rename(s.file.path, filepath.Join(s.folder, m.Snapshot.Name)),
		os.Rename(delta.path, filepath.Join(s.folder, m.Delta.Name)))
	if err != nil {
		return damaged, err
	}
	crash("snapshot_written")
	if err := m.write(s.folder, signer); err != nil {
		return damaged, err
	}
	return damaged, errors.Join(prune(s.folder, "snapshot-", keepSnapshots, m.Snapshot.Name),
		prune(s.folder, "delta-", keepDeltas, m.Delta.Name))
}

// prune removes the oldest files of a kind: they hold keys of people's records and nobody needs them any
// more.
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
