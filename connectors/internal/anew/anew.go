// Package anew puts a new file, or folder of files, in the place of an old one, as a connectors.Rewriter has to: written
// beside the old, read back, with owner, mode and time of the old, and only then renamed over it. Its nouns: a Job is
// one rewrite of a file, a Folder one of a folder; a Digest is the checksum of bytes as they pass; a Writer packs what is
// written; a side-car is a file NAME.sha256 or NAME.md5 beside the file, which is computed anew with it.
//
// Only after an error behind the last rename (of a side-car, or the folder's fsync) is the original gone already: the
// new, verified file stands there. Temporary files of runs that were killed are removed when the next begins.
package anew

import (
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"syscall"

	"lethe/connectors"
	"lethe/connectors/internal/textfile"
)

// Point is a moment of a rewrite at which tests kill it.
type Point string

// The points, in order.
const (
	Written  Point = "temporary file written"
	Verified Point = "verified"
	Ready    Point = "before rename"
	Renamed  Point = "after rename"
)

// Points are all of them, in order.
var Points = []Point{Written, Verified, Ready, Renamed}

var errMoved = fmt.Errorf("the file was changed by someone else while it was being rewritten: %w",
	connectors.ErrTransient)

// Hint says what to do about an error of a rewrite, "" for those of others.
func Hint(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "the original is as it was; the folder needs free space for a second copy of the file"
	case errors.Is(err, errSecondName):
		return mendSecondName
	case errors.Is(err, errExchange):
		return NoExchange
	}
	return ""
}

// Job is one rewrite.
type Job struct {
	Before, After connectors.FileState // once it is written

	target  string // the path whose bytes are replaced, symbolic links resolved
	hook    func(Point) error
	room    room
	size    int64  // of the original
	temp    string // "" once it has been renamed
	swapped bool   // the new file is in place
	sums    []*sidecar
}

// File is a temporary file that is written. Sync says that it is whole.
type File interface {
	io.Writer
	io.Closer
	Name() string
	Sync() error
}

// room is where a file is written anew.
type room interface {
	// create makes a temporary file beside a path.
	create(path string) (File, error)
	// drop removes a temporary file.
	drop(temp string) error
	// left lists the temporary files beside a path, which a killed run left.
	left(path string) ([]string, error)
	// read is the content of a small file; fs.ErrNotExist where there is none.
	read(path string) ([]byte, error)
	// digest hashes a file.
	digest(d *Digest, path string) error
	// unchanged checks that the original still holds the bytes that were read.
	unchanged(sum [32]byte) error
	// ready makes a temporary file what it will be in its place.
	ready(temp string) error
	// put puts it there. sum is that of the bytes that it replaces.
	put(temp, path string, sum [32]byte) error
	// settled says that all is in its place.
	settled() error
}

// Begin looks at the file at a path and clears what a killed run left. shelf is where it lies, nil in a folder of this
// machine; hook is asked at each Point: nil, or of tests. Whoever begins also defers Discard.
func Begin(shelf connectors.Shelf, path string, hook func(Point) error) (*Job, error) {
	j := &Job{target: path, hook: hook, Before: connectors.FileState{Path: path},
		After: connectors.FileState{Path: path}}
	var err error
	if shelf != nil {
		j.room, j.size, err = onShelf(shelf, path)
	} else {
		j.room, j.size, j.target, err = inFolder(path)
	}
	if err != nil {
		return nil, err
	}
	left, err := j.room.left(j.target)
	if err != nil {
		return nil, err
	}
	for _, temp := range left {
		if err := j.room.drop(temp); err != nil {
			return nil, err
		}
	}
	j.sums, err = sidecars(j.room, j.target)
	return j, err
}

// Target is the path whose bytes are replaced.
func (j *Job) Target() string { return j.target }

// Discard removes the temporary files that are still there. Once the new file is in place its side-cars are kept: the
// next rewrite puts them in place.
func (j *Job) Discard() {
	if j.swapped {
		return
	}
	if j.temp != "" {
		_ = j.room.drop(j.temp) // the next rewrite removes it
	}
	for _, s := range j.sums {
		if s.temp != "" {
			_ = j.room.drop(s.temp) // as above
		}
	}
}

// Create makes the temporary file, which the caller closes.
func (j *Job) Create() (File, error) {
	f, err := j.room.create(j.target)
	if err == nil {
		j.temp = f.Name()
	}
	return f, err
}

// Digest makes a digest for what Wrote needs.
func (j *Job) Digest() *Digest {
	return newDigest(slices.ContainsFunc(j.sums, func(s *sidecar) bool { return s.md5 }))
}

// Wrote says what was read of the original, and that the temporary file is whole. A side-car that does not belong to the
// original is an error.
func (j *Job) Wrote(f File, before *Digest) error {
	if err := j.read(before); err != nil {
		return err
	}
	return f.Sync()
}

func (j *Job) read(before *Digest) error {
	if before.size != j.size {
		return errMoved
	}
	j.Before.Size, j.Before.SHA256 = before.size, before.sha()
	for _, s := range j.sums {
		if err := s.agrees(before); err != nil {
			return err
		}
	}
	return nil
}

// Same says what was read of the original, and that nothing is written. A side-car that does not belong to it is an error.
func (j *Job) Same(before *Digest) error {
	err := j.read(before)
	j.After = j.Before
	return err
}

// Holds says what the temporary file holds; it must be known before Finish ends.
func (j *Job) Holds(after *Digest) {
	j.After.Size, j.After.SHA256 = after.size, after.sha()
	for _, s := range j.sums {
		s.prepare(after)
	}
}

// Finish has the temporary file verified and puts it in the place of the original, if that still holds what was read.
func (j *Job) Finish(verify func(temp string) error) error {
	if err := j.reached(Written); err != nil {
		return err
	}
	if err := verify(j.temp); err != nil {
		return err
	}
	if err := j.reached(Verified); err != nil {
		return err
	}
	if err := j.room.unchanged(j.Before.SHA256); err != nil {
		return err
	}
	return j.replace()
}

func (j *Job) reached(p Point) error {
	if j.hook == nil {
		return nil
	}
	return j.hook(p)
}

// replace puts the new file in the place of the original.
func (j *Job) replace() error {
	if err := j.room.ready(j.temp); err != nil {
		return err
	}
	for _, s := range j.sums {
		if err := s.write(j.room); err != nil {
			return err
		}
	}
	if err := j.reached(Ready); err != nil {
		return err
	}
	if err := j.room.put(j.temp, j.target, j.Before.SHA256); err != nil {
		return err
	}
	j.temp, j.swapped = "", true
	if err := j.reached(Renamed); err != nil {
		return err
	}
	for _, s := range j.sums {
		if err := j.room.put(s.temp, s.path, sha256.Sum256(s.old)); err != nil {
			return err
		}
		s.temp = ""
	}
	return j.room.settled()
}

// Passing passes bytes on to a file, and keeps a sum of them that costs next to nothing: whether the file holds them is
// told by the pass that reads it back, which makes its Digest as well.
type Passing struct {
	io.Writer
	size int64
	sum  uint32
}

func (w *Passing) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	w.size += int64(n)
	w.sum = crc32.Update(w.sum, castagnoli, b[:n])
	return n, err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Digest hashes the bytes of a file as they pass.
type Digest struct {
	size   int64
	sum    uint32
	sha256 hash.Hash
	md5    hash.Hash // nil unless there is a side-car that needs it
}

func newDigest(withMD5 bool) *Digest {
	d := &Digest{sha256: sha256.New()}
	if withMD5 {
		d.md5 = md5.New()
	}
	return d
}

func (d *Digest) Write(b []byte) (int, error) {
	d.size += int64(len(b))
	d.sum = crc32.Update(d.sum, castagnoli, b)
	d.sha256.Write(b)
	if d.md5 != nil {
		d.md5.Write(b)
	}
	return len(b), nil
}

// Of reports whether the bytes are those that passed.
func (d *Digest) Of(w *Passing) bool { return d.size == w.size && d.sum == w.sum }

// ReadFile hashes a file from its beginning to its end.
func (d *Digest) ReadFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return textfile.Error(err)
	}
	defer f.Close()
	_, err = io.Copy(d, f)
	return err
}

func (d *Digest) sha() [32]byte { return [32]byte(d.sha256.Sum(nil)) }
