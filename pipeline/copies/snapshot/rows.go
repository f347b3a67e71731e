package snapshot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
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
	Status  string   `json:"status"`          // allowed, blocked or unknown; in a delta also gone: the copy no longer speaks of it
	Until   string   `json:"until,omitempty"` // the first instant at which it is not allowed any more, RFC 3339 in UTC; "" open
}

// bucketRows is how many rows of both snapshots are held in memory, as digests, while they are compared.
const bucketRows = 2_000_000

// difference writes to delta what makes the old snapshot the new one; "" is an empty one. Neither is in an order that could be merged by, so rows are
// compared bucket by bucket, and both files are read once for each: one bucket up to two million rows.
func difference(delta *rowFile, old, fresh string, rows int64) error {
	buckets := uint64(max(1, rows/bucketRows))
	for bucket := range buckets {
		had := map[[16]byte][8]byte{}
		if err := eachRow(old, func(r Row) error {
			if id := r.id(); bucketOf(id, buckets) == bucket {
				had[id] = r.state()
			}
			return nil
		}); err != nil {
			return err
		}
		if err := eachRow(fresh, func(r Row) error {
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
		if err := eachRow(old, func(r Row) error {
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
