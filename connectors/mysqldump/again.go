package mysqldump

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"reflect"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
)

// written passes bytes on to a file, and keeps a sum of them that costs next to nothing: whether the file holds them is
// told by the pass that reads it back, which makes its checksum as well.
type written struct {
	io.Writer
	size int64
	sum  uint32
}

func (w *written) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	w.size += int64(n)
	w.sum = crc32.Update(w.sum, castagnoli, b[:n])
	return n, err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// again is the reading back of a new file: what every whole pass over it is held against.
type again struct {
	job    *job
	old    []*table
	digest *digest // of the pass at hand, or of the last one
	passed bool    // a pass came to the end, and found what must be there
}

// begin begins a pass, and returns what gets the bytes of the file.
func (a *again) begin() io.Writer {
	a.digest = newDigest(a.job.withMD5)
	return a.digest
}

// holds compares what a pass over the whole file met with what was written: its bytes, its tables, their fields and their
// rows.
func (a *again) holds(now []*table) error {
	if a == nil {
		return nil
	}
	if a.digest.size != a.job.written.size || a.digest.sum != a.job.written.sum {
		return fmt.Errorf("read back the new file: it does not hold what was written: %w", connectors.ErrDamaged)
	}
	found := map[dumpfile.TableID]*table{}
	for _, t := range now {
		found[t.ID] = t
	}
	for _, was := range a.old {
		is, want := found[was.ID], a.job.rows[was.ID]
		if is == nil || is.Seen != want || !reflect.DeepEqual(is.Fields, was.Fields) {
			return fmt.Errorf("read back the new file: table %s is not as it must be: %w", was.Name,
				connectors.ErrDamaged)
		}
		delete(found, was.ID)
	}
	if len(found) > 0 {
		return fmt.Errorf("read back the new file: it has more tables than the old: %w", connectors.ErrDamaged)
	}
	a.passed = true
	return nil
}

// readBack has verify read the new file. The pass in which it does, or one of its own where it does not read all of
// it, compares bytes, tables and rows with what must be in it, and gives the new checksum.
func (j *job) readBack(ctx context.Context) error {
	old, err := j.Contents(ctx)
	if err != nil {
		return err
	}
	a := &again{job: j, old: old}
	f := j.format
	f.before, f.again = old, a
	now := &source{Name: j.Name, Path: j.temp, Format: f, Expected: old}
	if err := j.verify(now); err != nil {
		return err
	}
	if !a.passed {
		if _, err := now.Contents(ctx); err != nil {
			return fmt.Errorf("read back the new file: %w", err)
		}
	}
	if !a.passed {
		return errors.New("read back the new file: it was not read to its end")
	}
	j.report.After = connectors.FileState{Path: j.Path, Size: a.digest.size, SHA256: a.digest.sha()}
	for _, s := range j.sums {
		s.prepare(a.digest)
	}
	return nil
}

// digest hashes the bytes of a file as they pass.
type digest struct {
	size   int64
	sum    uint32
	sha256 hash.Hash
	md5    hash.Hash // nil unless there is a side-car that needs it
}

func newDigest(withMD5 bool) *digest {
	d := &digest{sha256: sha256.New()}
	if withMD5 {
		d.md5 = md5.New()
	}
	return d
}

func (d *digest) Write(b []byte) (int, error) {
	d.size += int64(len(b))
	d.sum = crc32.Update(d.sum, castagnoli, b)
	d.sha256.Write(b)
	if d.md5 != nil {
		d.md5.Write(b)
	}
	return len(b), nil
}

// digestOf reads a file for its checksum.
func digestOf(path string, withMD5 bool) (*digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d := newDigest(withMD5)
	_, err = io.Copy(d, f)
	return d, err
}

func (d *digest) sha() [32]byte { return [32]byte(d.sha256.Sum(nil)) }
