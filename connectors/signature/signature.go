// Package signature tells what a file or a folder is by what it begins with or holds, and never by its name: dumps,
// exports, physical copies of servers and disks, logs, repositories of backup programs, and what they are packed or
// encrypted with. It is how a backup is listed that no connector reads.
package signature

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"lethe/connectors"
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
	inward := slices.Clone(k.Packed)
	slices.Reverse(inward)
	return k.Words + ", packed with " + strings.Join(inward, " in ")
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

// On says what stands at a path on a Shelf; nil is a folder of this machine.
func On(shelf connectors.Shelf, path string) (Kind, error) {
	if shelf == nil {
		return Of(path)
	}
	was, err := shelf.Stat(path)
	if err != nil {
		return Kind{}, err
	}
	f, err := shelf.Open(was)
	if err != nil {
		return Kind{}, err
	}
	defer f.Close() // nothing was written
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
			if in, archive := dumpIn(head, k.Name); archive {
				packed = append(append(packed, k.Name), in.Packed...)
				k = in
			}
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

// dumpIn says what dump lies in an archive of that name, as far as its beginning tells; false where none is seen.
func dumpIn(head []byte, archive string) (Kind, bool) {
	var members iter.Seq[io.Reader]
	switch archive {
	case "tar":
		members = inTar(head)
	case "zip":
		members = inZip(head)
	default:
		return unknown, false
	}
	for m := range members {
		in, err := bufio.NewReaderSize(m, headSize).Peek(headSize)
		if len(in) == 0 {
			continue
		}
		if program, unpack := packing(in); unpack != nil {
			r, done, err := unpack(in)
			if err != nil {
				continue
			}
			in, _ = bufio.NewReaderSize(r, headSize).Peek(headSize) // it breaks off, as its packed beginning does
			done()
			if k := ofBytes(in); k.Class == Dump {
				k.Packed = []string{program}
				return k, true
			}
			continue
		}
		if k := ofBytes(in); k.Class == Dump && (err == nil || len(in) > 0) {
			return k, true
		}
	}
	return unknown, false
}

// inTar are the members whose beginnings lie in that of a tar archive.
func inTar(head []byte) iter.Seq[io.Reader] {
	return func(yield func(io.Reader) bool) {
		r := tar.NewReader(bytes.NewReader(head))
		for h, err := r.Next(); err == nil; h, err = r.Next() {
			if h.Typeflag == tar.TypeReg && !yield(r) {
				return
			}
		}
	}
}

// inZip is the first member of a zip archive, by the header before it (APPNOTE.TXT 4.3.7).
func inZip(head []byte) iter.Seq[io.Reader] {
	return func(yield func(io.Reader) bool) {
		if len(head) < 30 {
			return
		}
		number := func(at int) int { return int(binary.LittleEndian.Uint16(head[at:])) }
		at := 30 + number(26) + number(28)
		switch method := number(8); {
		case at >= len(head) || number(6)&1 != 0:
		case method == 0:
			yield(bytes.NewReader(head[at:]))
		case method == 8:
			yield(flate.NewReader(bytes.NewReader(head[at:])))
		}
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
		return "lz4", func(head []byte) (io.Reader, func(), error) {
			return lz4.NewReader(bytes.NewReader(head)), func() {}, nil
		}
	}
	return "", nil
}
