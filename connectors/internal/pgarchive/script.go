package pgarchive

import (
	"archive/tar"
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"lethe/connectors"
)

// Script reads an archive as the text that pg_restore would write of it, as far as it says what tables there are and
// what stands in them: large objects, owners and rights are left out. It ends with the line that ends a dump.
type Script struct {
	toc   *TOC
	text  strings.Reader
	data  io.ReadCloser
	next  func() (*Entry, io.ReadCloser, error) // the data of another entry; nil: there are no more
	ended bool
	close func() error
}

const trailer = "--\n-- PostgreSQL database dump complete\n--\n"

// Read reads on.
func (s *Script) Read(p []byte) (int, error) {
	for {
		if s.text.Len() > 0 {
			return s.text.Read(p)
		}
		if s.data != nil {
			n, err := s.data.Read(p)
			if err != io.EOF {
				return n, err
			}
			if err := s.data.Close(); err != nil {
				return n, err
			}
			s.data = nil
			s.text.Reset("\n\n")
			return n, nil
		}
		if s.ended {
			return 0, io.EOF
		}
		if err := s.turn(); err != nil {
			return 0, err
		}
	}
}

// turn goes to the data of the next entry, or to what stands behind all of them.
func (s *Script) turn() error {
	e, data, err := s.next()
	switch {
	case err != nil:
		return err
	case e == nil:
		s.ended = true
		s.text.Reset(s.toc.definitions(false) + trailer)
	default:
		s.data = data
		s.text.Reset(e.Copy)
	}
	return nil
}

// Close closes the archive.
func (s *Script) Close() error {
	if s.data != nil {
		s.data.Close()
	}
	return s.close()
}

// Prelude is the text before all data.
func (t *TOC) Prelude() string { return t.definitions(true) }

// definitions are the statements that stand before the data, or behind.
func (t *TOC) definitions(before bool) string {
	var b strings.Builder
	for _, e := range t.Entries {
		if (e.section <= sectionPreData) != before {
			continue
		}
		switch e.Desc {
		case "DATABASE", "DATABASE PROPERTIES", "ACL", "DEFAULT ACL", "COMMENT", "SECURITY LABEL":
		case "BLOB", "BLOB METADATA":
			b.WriteString("SELECT pg_catalog.lo_create('0');\n")
		default:
			if e.Defn != "" {
				b.WriteString(e.Defn + "\n\n")
			}
		}
	}
	return b.String()
}

// Is reports whether the file or folder at a path is an archive.
func Is(shelf connectors.Shelf, path string) bool {
	if shelf == nil {
		info, err := os.Stat(path)
		if err != nil {
			return false
		}
		if info.IsDir() {
			_, err := os.Stat(filepath.Join(path, tocFile))
			return err == nil
		}
		if !info.Mode().IsRegular() {
			return false
		}
	}
	f, err := OpenFile(shelf, path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(tocFile)+1)
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	return strings.HasPrefix(string(head), Magic) || string(head) == tocFile+"\x00"
}

// OpenFile opens the file of an archive, on a Shelf or, where that is nil, in a folder of this machine.
func OpenFile(shelf connectors.Shelf, path string) (connectors.ShelfFile, error) {
	if shelf == nil {
		return os.Open(path)
	}
	was, err := shelf.Stat(path)
	if err != nil {
		return nil, err
	}
	return shelf.Open(was)
}

// tocFile has the table of contents in formats of several files, and lastFile ends a tar archive.
const tocFile, lastFile = "toc.dat", "restore.sql"

// Contents reads the table of contents of the archive in a file.
func Contents(shelf connectors.Shelf, path string) (*TOC, error) {
	s, err := Open(shelf, path)
	if err != nil {
		return nil, err
	}
	return s.toc, s.Close()
}

// Open opens the archive at a path as a script.
func Open(shelf connectors.Shelf, path string) (*Script, error) {
	if shelf == nil {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			return openDirectory(path)
		}
	}
	f, err := OpenFile(shelf, path)
	if err != nil {
		return nil, err
	}
	b := bufio.NewReaderSize(f, 1<<16)
	open := openTar
	if head, _ := b.Peek(len(Magic)); string(head) == Magic {
		open = openCustom
	}
	s, err := open(b)
	if err != nil {
		f.Close()
		return nil, err
	}
	s.close = f.Close
	s.text.Reset(s.toc.Prelude())
	return s, nil
}

func openCustom(b *bufio.Reader) (*Script, error) {
	t, err := ReadTOC(b)
	if err != nil {
		return nil, err
	}
	if t.Format != Custom {
		return nil, fmt.Errorf("it is the table of contents of an archive of several files: %w", connectors.ErrConfig)
	}
	blocks := NewBlocks(t, b)
	next := func() (*Entry, io.ReadCloser, error) {
		for {
			e, err := blocks.Next()
			if e == nil || err != nil {
				return nil, nil, err
			}
			if !e.large() {
				rows, err := blocks.Rows()
				return e, &whole{ReadCloser: rows, entry: e}, err
			}
		}
	}
	return &Script{toc: t, next: next}, nil
}

func openTar(b *bufio.Reader) (*Script, error) {
	members := tar.NewReader(b)
	head, err := members.Next()
	if err != nil || head.Name != tocFile {
		return nil, fmt.Errorf("it does not begin with %s: %w", tocFile, connectors.ErrDamaged)
	}
	t, err := ReadTOC(bufio.NewReader(members))
	if err != nil {
		return nil, err
	}
	if t.Format != Tar {
		return nil, fmt.Errorf("%s is not that of a tar archive: %w", tocFile, connectors.ErrDamaged)
	}
	left := map[string]*Entry{}
	for _, e := range t.Entries {
		if e.HasData && !e.large() {
			left[e.File] = e
		}
	}
	last := false
	next := func() (*Entry, io.ReadCloser, error) {
		for {
			head, err := members.Next()
			if err == io.EOF && !last {
				return nil, nil, fmt.Errorf("its last file, %s, is missing: %w", lastFile, connectors.ErrDamaged)
			}
			if err == io.EOF {
				for _, e := range left {
					return nil, nil, fmt.Errorf("the data of %s are missing: %w", e.What(), connectors.ErrDamaged)
				}
				return nil, nil, nil
			}
			if err != nil {
				return nil, nil, damaged(err)
			}
			last = head.Name == lastFile
			if e := left[head.Name]; e != nil {
				delete(left, head.Name)
				return e, &whole{ReadCloser: io.NopCloser(members), entry: e}, nil
			}
		}
	}
	return &Script{toc: t, next: next}, nil
}
