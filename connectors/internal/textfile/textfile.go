// Package textfile reads the text of files that are plain, gzip or zstd, for connectors whose source is a
// file: Open gives the decompressed bytes, a Window slides over them. Errors wrap the sentinels of package
// connectors.
package textfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"lethe/connectors"
)

// maxZstdWindow is the largest window a zstd frame may ask for: the limit of the zstd command itself.
const maxZstdWindow = 128 << 20

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// foreign lists the first bytes of what is no text that can be read here, with what to say and to do.
var foreign = []Foreign{
	{"\xfd7zXZ\x00", "it is compressed with xz; only gzip and zstd are read"},
	{"BZh", "it is compressed with bzip2; only gzip and zstd are read"},
	{"\x04\x22\x4d\x18", "it is compressed with lz4; only gzip and zstd are read"},
	{"PK\x03\x04", "it is a zip archive or a spreadsheet"},
	{"7z\xbc\xaf", "it is a 7-Zip archive"},
	{"\xd0\xcf\x11\xe0", "it is a spreadsheet"},
	{"age-encryption.org/", "it is encrypted with age"},
	{"-----BEGIN AGE", "it is encrypted with age"},
	{"-----BEGIN PGP", "it is encrypted with PGP"},
	{"Salted__", "it is encrypted with openssl"},
	{"PGDMP", "it is an archive of pg_dump, which the connector pgdump opens as it is (not packed once more)"},
	{"toc.dat", "it is a tar archive of pg_dump, which the connector pgdump opens as it is (not packed once more)"},
	{"SQLite format 3", "it is a SQLite database"},
	{littleMark, "it is UTF-16; write it as UTF-8"},
	{bigMark, "it is UTF-16; write it as UTF-8"},
}

// littleMark and bigMark are the byte order marks of UTF-16.
const littleMark, bigMark = "\xff\xfe", "\xfe\xff"

// Foreign is what a file may be instead of the text that is wanted: its first bytes, and what to say and to do.
type Foreign struct{ Magic, What string }

// Check says what the first bytes of a text are if they are those of another format, one of more or one
// that every connector refuses; the error wraps ErrDamaged.
func Check(head []byte, more ...Foreign) error {
	for _, list := range [][]Foreign{more, foreign} {
		for _, f := range list {
			if bytes.HasPrefix(head, []byte(f.Magic)) {
				return fmt.Errorf("%s: %w", f.What, connectors.ErrDamaged)
			}
		}
	}
	return nil
}

// Compression is how a file is packed, told by its first bytes and not by its name.
type Compression int

// The compressions that are read.
const (
	None Compression = iota
	Gzip
	Zstd
)

// Packing says how the bytes of a file are packed, so that it can be written anew in the same way.
type Packing struct {
	Compression Compression
	Header      gzip.Header // of the first gzip member
	Fastest     bool        // gzip's level, where the file tells
	Best        bool
	Window      int  // of the first zstd frame, in bytes, which tells about its level; 0: not told
	Checksum    bool // zstd's frames end with one
}

// sniff tells how a file is packed from its first bytes.
func sniff(head []byte, o Options) (Packing, error) {
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		p := Packing{Compression: Gzip}
		if len(head) > 8 { // RFC 1952: XFL is 2 for the slowest and 4 for the fastest algorithm
			p.Best, p.Fastest = head[8] == 2, head[8] == 4
		}
		return p, nil
	// or a skippable frame
	case bytes.HasPrefix(head, zstdMagic), len(head) > 3 && head[0]&0xf0 == 0x50 &&
		bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}):
		p := Packing{Compression: Zstd, Checksum: true}
		var h zstd.Header
		if err := h.Decode(head); err == nil && !h.Skippable {
			p.Checksum = h.HasCheckSum
			if !h.SingleSegment {
				p.Window = int(h.WindowSize)
			}
		}
		return p, nil
	}
	wide := bytes.HasPrefix(head, []byte(littleMark)) || bytes.HasPrefix(head, []byte(bigMark))
	if err := Check(head, o.Foreign...); err != nil && !(wide && o.UTF16) {
		return Packing{}, err
	}
	switch lower := strings.ToLower(o.Name); {
	case strings.HasSuffix(lower, ".gz"):
		return Packing{}, fmt.Errorf("the name ends in .gz but the file is not gzip: %w", connectors.ErrDamaged)
	case strings.HasSuffix(lower, ".zst"):
		return Packing{}, fmt.Errorf("the name ends in .zst but the file is not zstd: %w", connectors.ErrDamaged)
	}
	return Packing{}, nil
}

// Text is an open file: a reader of its decompressed text.
type Text struct {
	io.Reader
	Packing Packing
	Size    int64 // of the file, as it is packed; 0: not known
	file    *os.File
	ahead   *ahead
	undo    []func()
	reused  *Reused
}

// Options are what a connector may ask of an opening besides.
type Options struct {
	Name    string    // the name that the file stands for; "" is its path
	Tee     io.Writer // gets the bytes of the file as they are, from a goroutine of the Text; nil gets none
	Foreign []Foreign // what else is refused, before what every connector refuses
	UTF16   bool      // a text of UTF-16 is read: whoever asks decodes it
	Reused  *Reused   // what other texts left; nil: nothing, and what this one leaves is nobody's
}

// Open opens the file at path and what decompresses it. What is no regular file is ErrConfig: to open a pipe waits
// for whoever writes into it. How it is packed is told from the first bytes; a
// name that promises otherwise is ErrDamaged.
func Open(path string) (*Text, error) { return OpenWith(path, Options{}) }

// OpenWith is Open with options.
func OpenWith(path string, o Options) (_ *Text, err error) {
	stamp, err := StampOf(path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, Error(err)
	}
	t := &Text{file: f, Size: stamp.Size, reused: o.Reused}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	head := make([]byte, 64)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, Error(err)
	}
	if o.Name == "" {
		o.Name = path
	}
	if t.Packing, err = sniff(head[:n], o); err != nil {
		return nil, err
	}
	var raw io.Reader = f
	if o.Tee != nil {
		raw = io.TeeReader(f, o.Tee)
	}
	switch t.Packing.Compression {
	case Gzip:
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, unpackError(err)
		}
		t.Packing.Header = z.Header
		t.Reader = unpacker{z}
	case Zstd:
		z, err := o.Reused.unzstd(raw)
		if err != nil {
			return nil, unpackError(err)
		}
		t.undo = append(t.undo, func() { o.Reused.leave(z) })
		t.Reader = unpacker{z}
	default:
		t.Reader = raw
	}
	if t.Packing.Compression != None || o.Tee != nil {
		t.ahead = readAhead(t.Reader, o.Reused)
		t.Reader = t.ahead
	}
	return t, nil
}

// Of is a Text that some reader makes, which is closed with it. It is read ahead of who asks.
func Of(r io.ReadCloser) *Text {
	t := &Text{undo: []func(){func() { r.Close() }}}
	t.ahead = readAhead(r, nil)
	t.Reader = t.ahead
	return t
}

// Close stops the reading and closes the file. It may be called again.
func (t *Text) Close() {
	if t.ahead != nil {
		t.ahead.stop()
		t.reused.take(t.ahead)
	}
	for _, f := range t.undo {
		f()
	}
	t.ahead, t.undo = nil, nil
	if t.file != nil {
		t.file.Close() // nothing was written
	}
}

// Head returns the first bytes of the decompressed text of a file, at most n.
func Head(path string, n int) ([]byte, error) {
	t, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	head := make([]byte, n)
	n, err = io.ReadFull(t, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	return head[:n], Check(head[:n])
}

// Stamp tells whether a file is still the same without reading it.
type Stamp struct {
	Size  int64
	Time  time.Time
	inode uint64
}

// StampOf looks at the file at path. What is no regular file is ErrConfig.
func StampOf(path string) (Stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Stamp{}, Error(err)
	}
	if !info.Mode().IsRegular() {
		return Stamp{}, fmt.Errorf("not a regular file but %s: %w", kindOf(info.Mode()), connectors.ErrConfig)
	}
	s := Stamp{Size: info.Size(), Time: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = st.Ino
	}
	return s, nil
}

// NoFile is what to do about what is no regular file.
const NoFile = "give the path of a dump; beside backups, move it away, or have the pattern of `path` leave it out"

// FolderNames lists the files of a folder, sorted. What is no regular file, as a symbolic link that may lead out of it, is
// an error.
func FolderNames(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, Error(err)
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if !e.Type().IsRegular() {
			return nil, fmt.Errorf("%s in the folder is not a regular file but %s: %w", e.Name(), kindOf(e.Type()),
				connectors.ErrConfig)
		}
		names = append(names, e.Name())
	}
	return names, nil
}

// StampOfFolder looks at the files of a folder, as StampOf at one.
func StampOfFolder(path string) (Stamp, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return Stamp{}, Error(err)
	}
	var s Stamp
	if info, err := os.Stat(path); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			s.inode = st.Ino
		}
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return Stamp{}, Error(err)
		}
		s.Size += info.Size()
		if info.ModTime().After(s.Time) {
			s.Time = info.ModTime()
		}
	}
	return s, nil
}

// kindOf is what lies there instead of a file.
func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// Error gives an error of the file system its sentinel.
func Error(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no such file: %w", connectors.ErrUnreachable)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the file may not be read: %w", connectors.ErrDenied)
	}
	return err
}

// unpacker makes the errors of a decompressor errors of a damaged file.
type unpacker struct{ io.Reader }

func (u unpacker) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = unpackError(err)
	}
	return n, err
}

func unpackError(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
		return fmt.Errorf("the compressed data ends too early: %w", connectors.ErrDamaged)
	}
	return fmt.Errorf("the compressed data cannot be read, %v: %w", err, connectors.ErrDamaged)
}

const (
	chunkBytes = 256 << 10
	chunks     = 8
)

// ahead reads in a goroutine of its own, so that reading and decompressing run beside the parser.
type ahead struct {
	full chan chunk
	free chan []byte
	quit chan struct{}
	done chan struct{}
	now  []byte // what is left of the chunk at hand
	held []byte // that chunk
	err  error

	reused *Reused
}

type chunk struct {
	b   []byte
	err error
}

func readAhead(r io.Reader, reused *Reused) *ahead {
	a := &ahead{full: make(chan chunk, chunks), free: make(chan []byte, chunks), quit: make(chan struct{}),
		done: make(chan struct{}), reused: reused}
	for range chunks {
		a.free <- nil // made when it is needed: a small text needs few
	}
	go a.run(r)
	return a
}

func (a *ahead) run(r io.Reader) {
	defer close(a.done)
	for {
		var b []byte
		select {
		case b = <-a.free:
		case <-a.quit:
			return
		}
		if b == nil {
			b = a.reused.chunk()
		}
		n, err := io.ReadFull(r, b[:cap(b)])
		if err == io.ErrUnexpectedEOF {
			err = io.EOF
		}
		a.full <- chunk{b[:n], err}
		if err != nil {
			return
		}
	}
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.now) == 0 {
		if a.held != nil {
			a.free <- a.held
			a.held = nil
		}
		if a.err != nil {
			return 0, a.err
		}
		c := <-a.full
		a.now, a.held, a.err = c.b, c.b, c.err
	}
	n := copy(p, a.now)
	a.now = a.now[n:]
	return n, nil
}

// stop ends the goroutine and waits for it.
func (a *ahead) stop() {
	close(a.quit)
	<-a.done
}
