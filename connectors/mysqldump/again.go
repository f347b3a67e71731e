package mysqldump

import (
	"context"
	"errors"
	"fmt"
	"io"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
	"lethe/connectors/internal/dumpfile"
)

// again is the reading back of a new file: what every whole pass over it is held against.
type again struct {
	job    *job
	old    []*table
	beside [32]byte     // what lies in an archive beside the dump
	digest *anew.Digest // of the pass at hand, or of the last one
	passed bool         // a pass came to the end, and found what must be there
}

// begin begins a pass, and returns what gets the bytes of the file.
func (a *again) begin() io.Writer {
	a.digest = a.job.Digest()
	return a.digest
}

// holds compares what a pass over the whole file met with what was written: its bytes, its tables, their fields and their
// rows.
func (a *again) holds(now []*table) error {
	if a == nil {
		return nil
	}
	if !a.digest.Of(a.job.written) {
		return fmt.Errorf("read back the new file: it does not hold what was written: %w", connectors.ErrDamaged)
	}
	if a.beside != a.job.beside {
		return dumpfile.ErrBeside
	}
	if err := dumpfile.Same(a.old, now, func(t *dumpfile.Entry) int64 { return a.job.rows[t.ID] }); err != nil {
		return err
	}
	a.passed = true
	return nil
}

// readBack has verify read the new file. The pass in which it does, or one of its own where it does not read all of
// it, compares bytes, tables and rows with what must be in it, and gives the new checksum.
func (j *job) readBack(ctx context.Context, temp string) error {
	old, err := j.Contents(ctx)
	if err != nil {
		return err
	}
	a := &again{job: j, old: old}
	f := j.format
	f.before, f.again = old, a
	now := &source{Name: j.Name, Path: temp, Shelf: j.Shelf, Format: f, Expected: old}
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
	j.Holds(a.digest)
	return nil
}
