// Package pgarchive reads the archives that pg_dump writes: custom (-Fc), directory (-Fd) and tar (-Ft), versions 1.12
// to 1.16 of the format, which are those of PostgreSQL 9.0 to 18, and writes them anew. It follows pg_backup_archiver.c,
// pg_backup_custom.c, pg_backup_directory.c and pg_backup_tar.c of PostgreSQL 17. Its nouns: a TOC is the table of contents, of entries;
// Data is what the archive holds of one entry; a Script is the text that pg_restore would write of it all.
//
// Nothing is taken for whole that is not: each entry that has data must have it once, to its end, and nothing may
// follow.
package pgarchive

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"lethe/connectors"
)

// Format is how an archive is laid out.
type Format byte

// The formats, by their number in the header.
const (
	Custom    Format = 1
	Tar       Format = 3
	Directory Format = 5
)

// Compression is how data are packed.
type Compression byte

// The compressions, by their number in the header.
const (
	None Compression = iota
	Gzip
	LZ4
	Zstd
)

// TOC is the table of contents of an archive.
type TOC struct {
	Format      Format
	Minor       int // of the version 1.Minor
	Compression Compression
	Level       int // of the compression, as far as the header says: 0 otherwise
	Entries     []*Entry
	Size        int64  // of header and table of contents in the file
	Made        string // when, as time.DateTime has it, by the clock of whoever ran pg_dump

	integer, offset int // bytes of each
}

// Entry is an entry of the table of contents.
type Entry struct {
	ID                    int
	Tag, Desc, Defn, Copy string
	HasData               bool
	File                  string // that has the data, in formats of several
	Place                 int64  // of the data in the file, -1 where it is not said
	PlaceAt               int64  // where Place stands in the file
	Namespace             string
	section               int
	tablespace, owner     string
}

// The sections of an archive.
const (
	sectionNone = iota + 1
	sectionPreData
	sectionData
	sectionPostData
)

// Magic begins a custom archive, and the table of contents of the others.
const Magic = "PGDMP"

const newest = 16

// ErrVersion says that the format is of another time.
var ErrVersion = errors.New("only versions 1.12 to 1.16, of PostgreSQL 9.0 to 18, are read")

// bound is the most that a text of the table of contents may hold: what is longer is damage.
const bound = 1 << 30

// reader reads the numbers and texts of a table of contents. The first error stays.
type reader struct {
	r    *bufio.Reader
	at   int64
	err  error
	size int // of an integer
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("byte %d: %w: %w", r.at, fmt.Errorf(format, args...), connectors.ErrDamaged)
	}
}

func (r *reader) failed(err error) {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		r.fail("the archive ends too early")
	} else if r.err == nil {
		r.err = err
	}
}

func (r *reader) byte() byte {
	if r.err != nil {
		return 0
	}
	c, err := r.r.ReadByte()
	if err != nil {
		r.failed(err)
		return 0
	}
	r.at++
	return c
}

// unsigned reads a number of some bytes, the lowest first.
func (r *reader) unsigned(size int) uint64 {
	var n uint64
	for i := range size {
		c := uint64(r.byte())
		if i >= 8 && c != 0 {
			r.fail("a number is too large")
		}
		n |= c << (8 * min(i, 7))
	}
	return n
}

// int reads an integer: its sign, and its bytes.
func (r *reader) int() int {
	negative := r.byte() != 0
	n := r.unsigned(r.size)
	if n > 1<<31 {
		r.fail("a number is too large")
	}
	if negative {
		return -int(n)
	}
	return int(n)
}

// text reads a text; ok is false for none, which is not the empty one.
func (r *reader) text() (s string, ok bool) {
	n := r.int()
	if n < 0 || r.err != nil {
		return "", false
	}
	if n > bound {
		r.fail("a text is too long")
		return "", false
	}
	var b strings.Builder
	copied, err := io.CopyN(&b, r.r, int64(n)) // in pieces: the number may be damaged
	r.at += copied
	if err != nil {
		r.failed(err)
	}
	return b.String(), true
}

func (r *reader) string() string {
	s, _ := r.text()
	return s
}

// ReadTOC reads header and table of contents.
func ReadTOC(b *bufio.Reader) (*TOC, error) {
	r := &reader{r: b}
	t := r.header()
	if r.err != nil {
		return nil, r.err
	}
	n := r.int()
	for range n {
		e := r.entry(t)
		if r.err != nil {
			return nil, r.err
		}
		t.Entries = append(t.Entries, e)
	}
	t.Size = r.at
	return t, r.err
}

func (r *reader) header() *TOC {
	for i := range len(Magic) {
		if r.byte() != Magic[i] {
			r.fail("it is no archive of pg_dump")
		}
	}
	t := &TOC{}
	major := r.byte()
	t.Minor = int(r.byte())
	r.byte() // revision
	if r.err == nil && (major != 1 || t.Minor < 12 || t.Minor > newest) {
		r.err = fmt.Errorf("it is of version %d.%d of the format; %w: %w", major, t.Minor, ErrVersion,
			errors.ErrUnsupported)
		return t
	}
	t.integer, t.offset = int(r.byte()), int(r.byte())
	t.Format = Format(r.byte())
	r.size = t.integer
	if t.integer < 1 || t.integer > 8 || t.offset < 1 || t.offset > 8 {
		r.fail("its numbers are of another size")
	}
	if t.Format != Custom && t.Format != Tar && t.Format != Directory {
		r.fail("it is of an unknown format")
	}
	if t.Minor >= 15 {
		t.Compression = Compression(r.byte())
	} else if t.Level = r.int(); t.Level != 0 {
		t.Compression = Gzip
	}
	if t.Compression > Zstd {
		r.fail("it is packed in an unknown way")
	}
	var at [7]int // second, minute, hour, day, month from 0, year from 1900, summer time
	for i := range at {
		at[i] = r.int()
	}
	t.Made = fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d", at[5]+1900, at[4]+1, at[3], at[2], at[1], at[0])
	for range 3 {
		r.text() // the database, and the versions of server and pg_dump
	}
	return t
}

func (r *reader) entry(t *TOC) *Entry {
	e := &Entry{ID: r.int(), Place: -1}
	e.HasData = r.int() != 0
	r.text() // the catalog that it is of, and its number there
	r.text()
	e.Tag, e.Desc = r.string(), r.string()
	e.section = r.int()
	e.Defn = r.string()
	r.text() // how it is dropped
	e.Copy = r.string()
	e.Namespace, e.tablespace = r.string(), r.string()
	if t.Minor >= 14 {
		r.text() // the table's access method
	}
	if t.Minor >= 16 {
		r.int() // the kind of relation
	}
	e.owner = r.string()
	if r.string() == "true" && r.err == nil {
		r.err = fmt.Errorf("table %s has OIDs of its own, which no PostgreSQL since 12 restores: %w", e.Tag,
			errors.ErrUnsupported)
	}
	for r.err == nil {
		if _, more := r.text(); !more { // what it depends on
			break
		}
	}
	if t.Format != Custom {
		e.File = r.string()
		return e
	}
	e.PlaceAt = r.at
	state, place := r.byte(), r.unsigned(t.offset)
	switch state {
	case placeSet:
		e.Place = int64(place)
	case placeUnset, placeNone:
	default:
		r.fail("entry %d does not say where its data are", e.ID)
	}
	return e
}

// What an entry says of the place of its data.
const (
	placeUnset = 1
	placeSet   = 2
	placeNone  = 3
)

// AppendPlace appends how an entry says the place of its data.
func (t *TOC) AppendPlace(b []byte, place int64) []byte {
	b = append(b, placeSet)
	return append(b, binary.LittleEndian.AppendUint64(nil, uint64(place))[:t.offset]...)
}

// AppendInt appends an integer that is not negative.
func (t *TOC) AppendInt(b []byte, n int) []byte {
	b = append(b, 0)
	return append(b, binary.LittleEndian.AppendUint64(nil, uint64(n))[:t.integer]...)
}

// large reports whether the data of an entry are large objects and no rows.
func (e *Entry) large() bool { return e.Desc == "BLOBS" }

// What says of an entry what it is, for errors.
func (e *Entry) What() string {
	if e.Namespace != "" {
		return fmt.Sprintf("entry %d (%s %s.%s)", e.ID, e.Desc, e.Namespace, e.Tag)
	}
	return fmt.Sprintf("entry %d (%s %s)", e.ID, e.Desc, e.Tag)
}
