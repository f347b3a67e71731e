package pgarchive

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lethe/connectors"
)

// readDirectory reads the table of contents of a folder.
func readDirectory(path string) (*TOC, error) {
	f, err := os.Open(filepath.Join(path, tocFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := bufio.NewReader(f)
	t, err := ReadTOC(b)
	if err != nil {
		return nil, err
	}
	if _, err := b.Peek(1); err != io.EOF || t.Format == Custom { // pg_dump itself calls it a tar archive
		return nil, fmt.Errorf("%s is not that of a folder: %w", tocFile, connectors.ErrDamaged)
	}
	named := map[string]*Entry{}
	for _, e := range t.Entries {
		switch {
		case !e.HasData:
			continue
		case e.File == "" || e.File != filepath.Base(e.File) || e.File == tocFile:
			return nil, fmt.Errorf("%s names no file: %w", e.What(), connectors.ErrDamaged)
		case named[e.File] != nil:
			return nil, fmt.Errorf("%s has its data in the file of %s: %w", e.What(), named[e.File].What(),
				connectors.ErrDamaged)
		}
		named[e.File] = e
	}
	return t, nil
}

func openDirectory(path string) (*Script, error) {
	t, err := readDirectory(path)
	if err != nil {
		return nil, err
	}
	for _, e := range t.Entries {
		if _, err := os.Stat(filepath.Join(path, e.File)); e.HasData && e.large() && err != nil {
			return nil, missing(e)
		}
	}
	entries := slices.DeleteFunc(slices.Clone(t.Entries), func(e *Entry) bool { return !e.HasData || e.large() })
	s := &Script{toc: t, close: func() error { return nil }}
	s.next = func() (*Entry, io.ReadCloser, error) {
		if len(entries) == 0 {
			return nil, nil, nil
		}
		e := entries[0]
		entries = entries[1:]
		rows, _, err := openRows(path, e)
		return e, rows, err
	}
	s.text.Reset(t.Prelude())
	return s, nil
}

// endings are those of packed files.
var endings = []struct {
	suffix string
	c      Compression
}{{"", None}, {".gz", Gzip}, {".lz4", LZ4}, {".zst", Zstd}}

// packing is how the file of an entry's data is called and packed.
type packing struct {
	file  string
	c     Compression
	level int // of gzip, where the file tells
}

// openRows opens the file of an entry's data, packed or not: its name tells.
func openRows(path string, e *Entry) (io.ReadCloser, packing, error) {
	for _, end := range endings {
		p := packing{file: e.File + end.suffix, c: end.c, level: -1}
		f, err := os.Open(filepath.Join(path, p.file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, p, err
		}
		b := bufio.NewReaderSize(f, 1<<17)
		if head, _ := b.Peek(9); p.c == Gzip && len(head) == 9 { // RFC 1952: of the slowest and the fastest algorithm
			switch head[8] {
			case 2:
				p.level = 9
			case 4:
				p.level = 1
			}
		}
		z, err := unpack(b, end.c, true)
		if err != nil {
			f.Close()
			return nil, p, fmt.Errorf("%s: %w", e.What(), err)
		}
		return &whole{ReadCloser: closing{z, f}, entry: e}, p, nil
	}
	return nil, packing{}, missing(e)
}

func missing(e *Entry) error {
	return fmt.Errorf("the file of %s is missing: %w", e.What(), connectors.ErrDamaged)
}

// closing closes the file with what unpacks it.
type closing struct {
	io.ReadCloser
	file *os.File
}

func (c closing) Close() error {
	err := c.ReadCloser.Close()
	if e := c.file.Close(); err == nil {
		err = e
	}
	return err
}

// Strays are the files of an archive that is a folder which its table of contents does not name, sorted: nobody restores
// them, and what they hold nobody knows.
func Strays(path string) ([]string, error) {
	t, err := readDirectory(path)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	left := map[string]bool{}
	for _, e := range entries {
		left[e.Name()] = true
	}
	take := func(name string) bool {
		for _, end := range endings {
			if left[name+end.suffix] {
				delete(left, name+end.suffix)
				return true
			}
		}
		return false
	}
	delete(left, tocFile)
	for _, e := range t.Entries {
		if !e.HasData {
			continue
		}
		if !take(e.File) {
			return nil, missing(e)
		}
		if !e.large() {
			continue
		}
		names, err := largeObjects(filepath.Join(path, e.File))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.What(), err)
		}
		for _, name := range names {
			if !take(name) {
				return nil, fmt.Errorf("the file %s of a large object is missing: %w", name, connectors.ErrDamaged)
			}
		}
	}
	var strays []string
	for _, e := range entries {
		if left[e.Name()] {
			strays = append(strays, e.Name())
		}
	}
	return strays, nil
}

// largeObjects reads the names of files from a table of large objects: a line for each, with its number before it.
func largeObjects(path string) (names []string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		_, name, ok := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
		if !ok || name == "" || name != filepath.Base(name) || line[len(line)-1] != '\n' {
			return nil, fmt.Errorf("its table of large objects cannot be read: %w", connectors.ErrDamaged)
		}
		names = append(names, name)
	}
	return names, nil
}

// Files are the files of a new folder.
type Files interface {
	// Create makes a file in the place of the old one of that name.
	Create(name string) (*os.File, error)
	// Drop leaves the old file of that name as it is, though a new one was made.
	Drop(name string) error
}

// RewriteDirectory writes anew the files of a folder of which the editor touches the data, packed as they were. The table
// of contents names files and nothing else of them, and stays. Whatever no file is made of stays, too.
func RewriteDirectory(path string, files Files, edit Editor) error {
	t, err := readDirectory(path)
	if err != nil {
		return err
	}
	if err := edit.Begin(t); err != nil {
		return err
	}
	for _, e := range t.Entries {
		if !e.HasData || e.large() || !edit.Wants(e) {
			continue
		}
		if err := rewriteFile(path, e, files, edit); err != nil {
			return err
		}
	}
	return nil
}

func rewriteFile(path string, e *Entry, files Files, edit Editor) error {
	rows, p, err := openRows(path, e)
	if err != nil {
		return err
	}
	defer rows.Close()
	out, err := files.Create(p.file)
	if err != nil {
		return err
	}
	defer out.Close()
	b := bufio.NewWriterSize(out, 1<<17)
	z, err := pack(b, p.c, p.level, true)
	if err != nil {
		return err
	}
	touched, err := edit.Edit(e, rows, z)
	switch {
	case err != nil:
		return err
	case !touched:
		return files.Drop(p.file)
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return out.Sync()
}
