// Package signature tells what a file or a folder is by what it begins with or holds, and never by its name: dumps,
// exports, physical copies of servers and disks, logs, repositories of backup programs, and what they are packed or
// encrypted with. It is how a backup is listed that no connector reads.
package signature

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Class says what can be done with what was recognised.
type Class string

// The classes.
const (
	Dump       Class = "dump"       // statements or rows of a database, written out: a connector may read it
	Export     Class = "export"     // tables in files: a connector may read it
	Database   Class = "database"   // the file of an embedded database
	Physical   Class = "physical"   // pages of a server's data files: whole or not at all
	Log        Class = "log"        // changes since a physical copy: whole or not at all
	Image      Class = "image"      // a disk
	Repository Class = "repository" // many backups, kept by a program of its own
	Archive    Class = "archive"    // a file of files
	Encrypted  Class = "encrypted"  // what is in it only a key says
	Unknown    Class = "unknown"
)

// Kind is what something is.
type Kind struct {
	Name   string   // one word for programs: "pg_basebackup"; "" of what is not known
	Words  string   // for people: "physical copy of a PostgreSQL server, made by pg_basebackup"
	Class  Class    // what can be done with it
	Packed []string // what it is packed with, the outermost first: "gzip"
}

// Whole reports whether single records can neither be read in something nor be taken out of it: only its end removes
// them.
func (k Kind) Whole() bool { return k.Class == Physical || k.Class == Log || k.Class == Image }

// String is for people: what it is, and what it is packed with.
func (k Kind) String() string {
	if len(k.Packed) == 0 {
		return k.Words
	}
	return k.Words + ", packed with " + strings.Join(k.Packed, " in ")
}

// headSize is how much of a file is looked at: beyond the mark of the last format that is known, of disks.
const headSize = 64 << 10

// maxNested is how often something may be packed and still be looked into.
const maxNested = 3

// Of says what stands at a path. A file of nothing that is known is of the class Unknown. Its errors are those of
// reading the path; one that is neither a file nor a folder is never opened, and is Unknown.
func Of(path string) (Kind, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return Kind{}, err
	case info.IsDir():
		return ofFolder(path)
	case !info.Mode().IsRegular():
		return unknown, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return Kind{}, err
	}
	defer f.Close()
	return Read(f)
}

// Read says what a stream is by its first bytes. Its error is that of the stream.
func Read(r io.Reader) (Kind, error) {
	var packed []string
	for {
		head, err := bufio.NewReaderSize(r, headSize).Peek(headSize)
		if err != nil && !errors.Is(err, io.EOF) && len(packed) == 0 {
			return Kind{}, err
		}
		program, unpack := packing(head)
		if program == "" || len(packed) == maxNested {
			k := ofBytes(head)
			k.Packed = packed
			return k, nil
		}
		packed = append(packed, program)
		if unpack == nil {
			return Kind{Words: "something", Class: Unknown, Packed: packed}, nil
		}
		inner, done, err := unpack(head)
		if err != nil {
			return Kind{Words: "something that cannot be unpacked", Class: Unknown, Packed: packed}, nil
		}
		defer done()
		r = inner
	}
}

// packing says what bytes are packed with, and how the start of them is unpacked: only as much of it is as was read.
func packing(head []byte) (program string, unpack func([]byte) (io.Reader, func(), error)) {
	starts := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case starts("\x1f\x8b"):
		return "gzip", func(head []byte) (io.Reader, func(), error) {
			r, err := gzip.NewReader(bytes.NewReader(head))
			return r, func() {}, err
		}
	case starts("\x28\xb5\x2f\xfd"), len(head) > 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18":
		return "zstd", func(head []byte) (io.Reader, func(), error) {
			r, err := zstd.NewReader(bytes.NewReader(head), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
			if err != nil {
				return nil, nil, err
			}
			return r, r.Close, nil
		}
	case starts("BZh"):
		return "bzip2", func(head []byte) (io.Reader, func(), error) {
			return bzip2.NewReader(bytes.NewReader(head)), func() {}, nil
		}
	case starts("\xfd7zXZ\x00"):
		return "xz", nil
	case starts("\x04\x22\x4d\x18"):
		return "lz4", nil
	}
	return "", nil
}
