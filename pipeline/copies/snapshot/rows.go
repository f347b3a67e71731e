package snapshot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"lethe/pipeline/setup"
)

// Row says whether a record may be used for a purpose.
type Row struct {
	Object  string   `json:"object"` // source.table
	Key     []string `json:"key"`    // the record's primary key
	Silo    string   `json:"silo"`
	Purpose string   `json:"purpose"`
	// Status is allowed, blocked or unknown; in a delta also gone: the copy no longer speaks of it.
	Status string `json:"status"`
	// Until is the first instant at which it is not allowed any more, RFC 3339 in UTC; "" open.
	Until string `json:"until,omitempty"`
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

// bucketRows is how many rows of both snapshots are held in memory, as digests, while they are compared.
const bucketRows = 2_000_000

// difference writes to delta what makes the old snapshot the new one; "" is an empty one. Neither is in
// an order that could be merged by, so rows are compared bucket by bucket, and both files are read once
// for each: one bucket up to two million rows.
func difference(delta *rowFile, old, fresh string, rows int64) error {
	buckets := uint64(max(1, rows/bucketRows))
	for bucket := range buckets {
		in := func(r Row) bool { return bucketOf(r.id(), buckets) == bucket }
		if err := differenceIn(delta, old, fresh, in); err != nil {
			return err
		}
	}
	return nil
}

// differenceIn is difference for the rows of one bucket.
func differenceIn(delta *rowFile, old, fresh string, in func(Row) bool) error {
	had := map[[16]byte][8]byte{}
	err := eachRow(old, func(r Row) error {
		if in(r) {
			had[r.id()] = r.state()
		}
		return nil
	})
	if err != nil {
		return err
	}

	err = eachRow(fresh, func(r Row) error {
		if !in(r) {
			return nil
		}
		id := r.id()
		state, known := had[id]
		delete(had, id)
		if known && state == r.state() {
			return nil
		}
		return delta.add(r)
	})
	if err != nil || len(had) == 0 {
		return err
	}

	return eachRow(old, func(r Row) error {
		if _, gone := had[r.id()]; !gone {
			return nil
		}
		r.Status, r.Until = "gone", ""
		return delta.add(r)
	})
}

// bucketOf is the bucket of a row, by its digest.
func bucketOf(id [16]byte, buckets uint64) uint64 {
	return (uint64(id[0])<<24 | uint64(id[1])<<16 | uint64(id[2])<<8 | uint64(id[3])) % buckets
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

// createRows begins a file of rows in a folder.
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

// add writes a row.
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

// eachRow reads a file of rows; "" has none.
func eachRow(path string, do func(Row) error) error {
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
			var r Row
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
