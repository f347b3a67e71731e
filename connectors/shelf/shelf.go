// Package shelf has what every connectors.Shelf needs, whatever it stands on: Split and Match read patterns of paths,
// Sums remembers the digests of files that passed. A new kind of Shelf is a folder beside s3 and sftp, and a line in
// jobs/config/shelves.go.
package shelf

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"
	"sync"

	"lethe/connectors"
)

// ErrMoved says that other bytes stand at a path than those that were looked at.
var ErrMoved = fmt.Errorf("the file was changed by someone else while it was being read or rewritten: %w",
	connectors.ErrTransient)

// ErrOdd is the error of a name that leads elsewhere than to where it lies: one with an empty part, "." or "..".
var ErrOdd = fmt.Errorf("the name has a part that is empty, . or .., so that it leads elsewhere once it is copied: rename "+
	"it: %w", connectors.ErrConfig)

// IsOdd reports whether a path within a Shelf is such a one.
func IsOdd(within string) bool {
	for part := range strings.SplitSeq(strings.TrimPrefix(within, "/"), "/") {
		if part == "" || part == "." || part == ".." {
			return true
		}
	}
	return strings.ContainsFunc(within, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// Split parts a pattern of paths: folder is what no wildcard is in, up to its last slash, and deep says that wildcards
// stand in the names of folders too.
func Split(pattern string) (folder string, deep bool) {
	fixed := pattern
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		fixed = pattern[:i]
	}
	folder = fixed[:strings.LastIndexByte(fixed, '/')+1]
	return folder, strings.Contains(pattern[len(folder):], "/")
}

// Base is the name of a file, also where the path is odd.
func Base(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

// Temporary is a name for a new file beside one.
func Temporary(p, random string) string {
	return p[:strings.LastIndexByte(p, '/')+1] + connectors.TemporaryPrefix(Base(p)) + random
}

// Sort puts what lies in a folder where it belongs. Temporary files match no pattern.
func Sort(l *connectors.Listing, pattern string, f connectors.Stored) error {
	is, err := path.Match(pattern, f.Path)
	if err != nil {
		return fmt.Errorf("%w: %w", err, connectors.ErrConfig)
	}
	if is && !connectors.IsTemporary(f.Path) {
		l.Matching = append(l.Matching, f)
	} else {
		l.Others = append(l.Others, f)
	}
	return nil
}

// Sums are the digests of files that were read from their beginning to their end. The zero value knows none.
type Sums struct {
	mu    sync.Mutex
	known map[connectors.Stored][32]byte
}

// Watch is a file whose digest is known once it was read whole.
func (s *Sums) Watch(f connectors.ShelfFile, was connectors.Stored) connectors.ShelfFile {
	return &watched{ShelfFile: f, was: was, sums: s, hash: sha256.New()}
}

type watched struct {
	connectors.ShelfFile
	was  connectors.Stored
	sums *Sums
	hash hash.Hash
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ShelfFile.Read(p)
	w.hash.Write(p[:n])
	if err == io.EOF {
		w.sums.note(w.was, [32]byte(w.hash.Sum(nil)))
	}
	return n, err
}

func (s *Sums) note(was connectors.Stored, sum [32]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[connectors.Stored][32]byte{}
	}
	s.known[was] = sum
}

// Of is the digest of a file. One that did not pass is opened and read.
func (s *Sums) Of(was connectors.Stored, open func(connectors.Stored) (connectors.ShelfFile, error)) ([32]byte, error) {
	s.mu.Lock()
	sum, known := s.known[was]
	s.mu.Unlock()
	if known {
		return sum, nil
	}
	f, err := open(was)
	if err != nil {
		return sum, err
	}
	defer f.Close() // nothing was written
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	sum = [32]byte(h.Sum(nil))
	s.note(was, sum)
	return sum, nil
}
