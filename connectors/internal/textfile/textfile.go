// Package textfile reads the text of files, as they are or packed, for connectors whose source is a file: Open gives the
// bytes that are within (package packed), a Window slides over them. Errors wrap the sentinels of package connectors.
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

	"lethe/connectors"
	"lethe/connectors/internal/packed"
)

// foreign lists the first bytes of what is no text that can be read here, with what to say and to do.
var foreign = []Foreign{
	{"\x02\x21\x4c\x18", "it is compressed in the first form of lz4 (`lz4 -l`), which is not read; pack it without -l"},
	{"PK\x03\x04", "it is a zip archive or a spreadsheet, and no dump is in it"},
	{"7z\xbc\xaf", "it is a 7-Zip archive"},
	{"\xd0\xcf\x11\xe0", "it is a spreadsheet"},
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

// Text is an open file: a reader of its decompressed text.
type Text struct {
	io.Reader
	Packing packed.Packing
	Size    int64 // of the file, as it is packed; 0: not known
	file    packed.File
	ahead   *ahead
	undo    []func()
	reused  *Reused
}

// Options are what a connector may ask of an opening besides.
type Options struct {
	Shelf connectors.Shelf // where the file lies; nil: in a folder of this machine

	Name    string    // the name that the file stands for; "" is its path
	Tee     io.Writer // gets the bytes of the file as they are, from a goroutine of the Text; nil gets none
	Foreign []Foreign // what else is refused, before what every connector refuses
	UTF16   bool      // a text of UTF-16 is read: whoever asks decodes it
	Begins  string    // how what is within has to begin, be it a text or not; "" it is any text
	Reused  *Reused   // what other texts left; nil: nothing, and what this one leaves is nobody's

	Member string       // the name of the dump in an archive; "" the only one
	Keys   *packed.Keys // by which what is encrypted is opened; nil none
	Beside *[32]byte    // gets a digest of what lies in an archive beside the dump, once all was read; nil: nobody asks
}

// check refuses what is within a file that is none of the texts that are asked for.
func (o Options) check(head []byte) error {
	if o.Begins != "" {
		if bytes.HasPrefix(head, []byte(o.Begins)) {
			return nil
		}
		return fmt.Errorf("what is within does not begin as it has to: %w", connectors.ErrDamaged)
	}
	wide := bytes.HasPrefix(head, []byte(littleMark)) || bytes.HasPrefix(head, []byte(bigMark))
	if err := Check(head, o.Foreign...); err != nil && !(wide && o.UTF16) {
		return err
	}
	return nil
}

// promised refuses a plain file whose name says that it is packed.
func (o Options) promised(p packed.Packing) error {
	for suffix, kind := range map[string]packed.Kind{".gz": packed.Gzip, ".zst": packed.Zstd, ".bz2": packed.Bzip2,
		".lz4": packed.LZ4, ".xz": packed.XZ, ".age": packed.Age} {
		if p.Plain() && strings.HasSuffix(strings.ToLower(o.Name), suffix) {
			return fmt.Errorf("the name ends in %s but the file is not %s: %w", suffix, kind, connectors.ErrDamaged)
		}
	}
	return nil
}

// Open opens the file at path and what decompresses it. What is no regular file is ErrConfig: to open a pipe waits
// for whoever writes into it. How it is packed is told from the first bytes; a plain
// file whose name promises otherwise is ErrDamaged.
func Open(path string) (*Text, error) { return OpenWith(path, Options{}) }

// OpenWith is Open with options.
func OpenWith(path string, o Options) (_ *Text, err error) {
	stamp, err := StampOn(o.Shelf, path)
	if err != nil {
		return nil, err
	}
	again := func() (packed.File, error) { return stamp.open(o.Shelf, path) }
	f, err := again()
	if err != nil {
		return nil, Error(err)
	}
	spool := ""
	if o.Shelf != nil {
		spool = os.TempDir()
	}
	t := &Text{file: f, Size: stamp.Size, reused: o.Reused}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	if o.Name == "" {
		o.Name = path
	}
	in, err := packed.Open(f, packed.Options{Path: path, Size: stamp.Size, Tee: o.Tee, Member: o.Member, Keys: o.Keys,
		Unzstd: o.Reused.unzstd, Beside: o.Beside, Check: o.check,
		Again: again, Spool: spool})
	if err != nil {
		return nil, err
	}
	t.undo = append(t.undo, in.Close)
	if err := o.promised(in.Packing); err != nil {
		return nil, err
	}
	t.Reader, t.Packing = in, in.Packing
	if !t.Packing.Plain() || o.Tee != nil || o.Shelf != nil {
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
func Head(path string, n int) ([]byte, error) { return HeadWith(path, n, Options{}) }

// HeadWith is Head with options.
func HeadWith(path string, n int, o Options) ([]byte, error) {
	t, err := OpenWith(path, o)
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
	tag   string // of a file on a Shelf
}

// StampOn is StampOf for a file on a Shelf; nil is a folder of this machine.
func StampOn(shelf connectors.Shelf, path string) (Stamp, error) {
	if shelf == nil {
		return StampOf(path)
	}
	was, err := shelf.Stat(path)
	return Stamp{Size: was.Size, Time: was.Time, tag: was.Tag}, err
}

// open opens the file that was looked at.
func (s Stamp) open(shelf connectors.Shelf, path string) (packed.File, error) {
	if shelf == nil {
		return os.Open(path)
	}
	return shelf.Open(connectors.Stored{Path: path, Size: s.Size, Time: s.Time, Tag: s.tag})
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
	case errors.Is(err, connectors.ErrUnreachable), errors.Is(err, connectors.ErrDenied):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no such file: %w", connectors.ErrUnreachable)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the file may not be read: %w", connectors.ErrDenied)
	}
	return err
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
