package pipeline

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"lethe/pipeline/audit"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// SnapshotManifest says what a folder of a copy holds: the whole copy as of one instant, and what changed since the one before. A target that has the copy
// whose manifest Since names applies the delta; any other takes the snapshot.
type SnapshotManifest struct {
	Format     string              `json:"format"`
	Target     string              `json:"target"`
	Controller string              `json:"controller"`
	AsOf       time.Time           `json:"as_of"`
	RunID      string              `json:"run_id"`
	Grants     map[string][]string `json:"grants"` // silo: purposes
	Heads      map[string]int64    `json:"heads"`  // silo: position of the registry
	Snapshot   SnapshotFile        `json:"snapshot"`
	Delta      SnapshotFile        `json:"delta"`
	Since      string              `json:"since"` // sha256 of the manifest before, hex; "" for the first, whose delta is the snapshot
	Key        string              `json:"key"`   // public, of who signed
}

// SnapshotFile is one file of a copy: JSON Lines, a SnapshotRow each.
type SnapshotFile struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
}

// SnapshotRow says whether a record may be used for a purpose.
type SnapshotRow struct {
	Object  string   `json:"object"` // source.table
	Key     []string `json:"key"`    // the record's primary key
	Silo    string   `json:"silo"`
	Purpose string   `json:"purpose"`
	Status  string   `json:"status"`          // allowed, blocked or unknown; in a delta also gone: the copy no longer speaks of it
	Until   string   `json:"until,omitempty"` // the first instant at which it is not allowed any more, RFC 3339 in UTC; "" open
}

const (
	snapshotFormat   = "lethe-copy-1"
	snapshotContext  = "copy" // of the signature
	snapshotManifest = "copy.json"
	keepSnapshots    = 2
	keepDeltas       = 30
)

// signedManifest is the file: the signature is over the bytes of the manifest as they stand in it.
type signedManifest struct {
	Manifest  json.RawMessage `json:"manifest"`
	Signature string          `json:"signature"` // base64
}

// snapshot is one being written.
type snapshot struct {
	folder  string
	file    *rowFile
	changed map[[2]string]int64 // by object and silo: rows of the delta, once it is written
}

// newSnapshot begins a snapshot in a folder, which it makes.
func newSnapshot(folder string) (*snapshot, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	file, err := createRows(folder)
	if err != nil {
		return nil, err
	}
	return &snapshot{folder: folder, file: file}, nil
}

// folderOf refuses a folder that could not be made, because something on the way to it is none.
func folderOf(path string) error {
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

// add writes a row.
func (s *snapshot) add(row SnapshotRow) error { return s.file.add(row) }

// discard leaves the folder as it was.
func (s *snapshot) discard() { s.file.discard() }

// before is the snapshot that stands in the folder, and the digest by which the next one names it; "" where there is none to compare with.
func (s *snapshot) before() (m SnapshotManifest, since string, damaged error) {
	m, since, err := readManifest(s.folder)
	if err == nil {
		err = m.check(s.folder)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && since == "":
		return SnapshotManifest{}, "", nil
	case err != nil: // whoever has it must take the snapshot
		return m, "", err
	}
	return m, since, nil
}

// publish compares the snapshot with the one before, signs both files and puts them in place, the manifest last: m says whose
// they are, of when and of what. damaged says that the files before were not as they were left, so that the delta is whole;
// crash is called before the manifest is written.
func (s *snapshot) publish(m SnapshotManifest, signer *keystore.Signer, crash func(string)) (damaged, err error) {
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
	s.changed = delta.added
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
func (m SnapshotManifest) write(folder string, signer *keystore.Signer) error {
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

// readManifest reads a folder's manifest without looking at its signature, and the digest by which the next one names it.
func readManifest(folder string) (m SnapshotManifest, digest string, err error) {
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

// VerifySnapshot checks a copy's folder with nothing but the key of who signs: the signature, and that both files are what was signed.
func VerifySnapshot(folder string, key keystore.PublicKey) (SnapshotManifest, error) {
	m, err := readSigned(folder, key)
	if err == nil {
		err = m.check(folder)
	}
	if err != nil {
		return SnapshotManifest{}, fmt.Errorf("verify copy %s: %w", folder, err)
	}
	return m, nil
}

// readSigned reads a folder's manifest, and refuses one that is not signed by the key.
func readSigned(folder string, key keystore.PublicKey) (SnapshotManifest, error) {
	fail := func(err error) (SnapshotManifest, error) { return SnapshotManifest{}, err }
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
		return fail(fmt.Errorf("%w: the signature is not of the given key, or the manifest was changed after signing", setup.ErrTampered))
	}
	m, _, err := readManifest(folder)
	return m, err
}

// check compares both files with the manifest.
func (m SnapshotManifest) check(folder string) error {
	for _, f := range []SnapshotFile{m.Snapshot, m.Delta} {
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

// bucketRows is how many rows of both snapshots are held in memory, as digests, while they are compared.
const bucketRows = 2_000_000

// difference writes to delta what makes the old snapshot the new one; "" is an empty one. Neither is in an order that could be merged by, so rows are
// compared bucket by bucket, and both files are read once for each: one bucket up to two million rows.
func difference(delta *rowFile, old, fresh string, rows int64) error {
	buckets := uint64(max(1, rows/bucketRows))
	for bucket := range buckets {
		had := map[[16]byte][8]byte{}
		if err := eachRow(old, func(r SnapshotRow) error {
			if id := r.id(); bucketOf(id, buckets) == bucket {
				had[id] = r.state()
			}
			return nil
		}); err != nil {
			return err
		}
		if err := eachRow(fresh, func(r SnapshotRow) error {
			id := r.id()
			if bucketOf(id, buckets) != bucket {
				return nil
			}
			state, known := had[id]
			delete(had, id)
			if known && state == r.state() {
				return nil
			}
			return delta.add(r)
		}); err != nil {
			return err
		}
		if len(had) == 0 {
			continue
		}
		if err := eachRow(old, func(r SnapshotRow) error {
			if _, gone := had[r.id()]; !gone {
				return nil
			}
			r.Status, r.Until = "gone", ""
			return delta.add(r)
		}); err != nil {
			return err
		}
	}
	return nil
}

func bucketOf(id [16]byte, buckets uint64) uint64 {
	return (uint64(id[0])<<24 | uint64(id[1])<<16 | uint64(id[2])<<8 | uint64(id[3])) % buckets
}

// id is a digest of what the row is about.
func (r SnapshotRow) id() [16]byte {
	h := sha256.New()
	for _, part := range append([]string{r.Object, r.Silo, r.Purpose}, r.Key...) {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return [16]byte(h.Sum(nil))
}

// state is a digest of what the row says.
func (r SnapshotRow) state() [8]byte {
	sum := sha256.Sum256([]byte(r.Status + "|" + r.Until))
	return [8]byte(sum[:])
}

// rowFile writes JSON Lines to a temporary file and digests them.
type rowFile struct {
	path   string
	f      *os.File
	w      *bufio.Writer
	encode *json.Encoder
	sum    interface {
		io.Writer
		Sum([]byte) []byte
	}
	rows  int64
	added map[[2]string]int64 // the same, by object and silo
}

func createRows(folder string) (*rowFile, error) {
	f, err := os.CreateTemp(folder, ".tmp-")
	if err != nil {
		return nil, err
	}
	r := &rowFile{path: f.Name(), f: f, sum: sha256.New(), added: map[[2]string]int64{}}
	r.w = bufio.NewWriterSize(io.MultiWriter(f, r.sum), 1<<16)
	r.encode = json.NewEncoder(r.w)
	r.encode.SetEscapeHTML(false)
	return r, nil
}

func (r *rowFile) add(row SnapshotRow) error {
	r.rows++
	r.added[[2]string{row.Object, row.Silo}]++
	return r.encode.Encode(row)
}

// close makes the file durable.
func (r *rowFile) close() (SnapshotFile, error) {
	err := errors.Join(r.w.Flush(), r.f.Sync(), r.f.Close())
	return SnapshotFile{Rows: r.rows, SHA256: hex.EncodeToString(r.sum.Sum(nil))}, err
}

// discard removes the file where it was not put in place.
func (r *rowFile) discard() {
	r.f.Close()
	os.Remove(r.path)
}

// eachRow reads a file of rows; "" has none.
func eachRow(path string, do func(SnapshotRow) error) error {
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var r SnapshotRow
			if jerr := json.Unmarshal(line, &r); jerr != nil {
				return fmt.Errorf("%s line %d: %w: it is not JSON", filepath.Base(path), n, setup.ErrTampered)
			}
			if derr := do(r); derr != nil {
				return derr
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Words says in a line what the folder holds.
func (m SnapshotManifest) Words() string {
	var heads []string
	for silo, seq := range m.Heads {
		heads = append(heads, fmt.Sprintf("silo %s at event %d for %s", silo, seq, strings.Join(m.Grants[silo], ", ")))
	}
	slices.Sort(heads)
	return fmt.Sprintf("copy of %s as of %s: %d rows, %d changed since %s; %s", m.Target, m.AsOf.Format(time.RFC3339), m.Snapshot.Rows, m.Delta.Rows,
		cmp.Or(m.Since[:min(12, len(m.Since))], "the beginning"), strings.Join(heads, "; "))
}
