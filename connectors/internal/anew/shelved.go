package anew

import (
	"io"

	"lethe/connectors"
)

// shelved is a Shelf. What was looked at when the rewriting began is what may be replaced.
type shelved struct {
	shelf connectors.Shelf
	seen  map[string]connectors.Stored // files as they were looked at, and new ones as they were made
}

func onShelf(shelf connectors.Shelf, path string) (*shelved, int64, error) {
	was, err := shelf.Stat(path)
	return &shelved{shelf: shelf, seen: map[string]connectors.Stored{path: was}}, was.Size, err
}

func (s *shelved) create(path string) (File, error) {
	w, err := s.shelf.Create(s.seen[path])
	if err != nil {
		return nil, err
	}
	return &shelfFile{ShelfWriter: w, room: s}, nil
}

// shelfFile is a new file on a Shelf.
type shelfFile struct {
	connectors.ShelfWriter
	room *shelved
}

func (f *shelfFile) Sync() error {
	made, err := f.Finish()
	if err == nil {
		f.room.seen[made.Path] = made
	}
	return err
}

func (s *shelved) drop(temp string) error { return s.shelf.Remove(connectors.Stored{Path: temp}) }

func (s *shelved) left(path string) ([]string, error) { return s.shelf.Left(path) }

// mostSidecar is more than any checksum takes.
const mostSidecar = 64 << 10

func (s *shelved) read(path string) ([]byte, error) {
	was, err := s.shelf.Stat(path)
	if err != nil {
		return nil, err
	}
	f, err := s.shelf.Open(was)
	if err != nil {
		return nil, err
	}
	defer f.Close() // nothing was written
	s.seen[path] = was
	return io.ReadAll(io.LimitReader(f, mostSidecar))
}

func (s *shelved) digest(d *Digest, path string) error {
	was, err := s.shelf.Stat(path)
	if err != nil {
		return err
	}
	f, err := s.shelf.Open(was)
	if err != nil {
		return err
	}
	defer f.Close() // nothing was written
	_, err = io.Copy(d, f)
	return err
}

// unchanged has nothing to ask: what was read is what was looked at, or reading failed, and nothing else is replaced.
func (s *shelved) unchanged([32]byte) error { return nil }

func (s *shelved) ready(string) error { return nil }

func (s *shelved) put(temp, path string, sum [32]byte) error {
	made, known := s.seen[temp]
	if !known { // of a run that was killed
		var err error
		if made, err = s.shelf.Stat(temp); err != nil {
			return err
		}
	}
	if err := s.shelf.Replace(made, s.seen[path], sum); err != nil {
		return err
	}
	_ = s.drop(temp) // what is left is named, and the next rewriting removes it
	return nil
}

func (s *shelved) settled() error { return nil }
