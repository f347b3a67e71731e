package mysqldump

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"lethe/connectors"
)

// The compressions, told apart by the first bytes of the file and not by its name.
const (
	none = iota
	gz
	zst
)

// maxZstdWindow is the largest window a zstd frame may ask for: the limit of the zstd command itself.
const maxZstdWindow = 128 << 20

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// foreign lists the first bytes of what is no dump that can be read here, with what to say.
var foreign = []struct{ magic, what string }{
	{"\xfd7zXZ\x00", "it is compressed with xz; only gzip and zstd are read"},
	{"BZh", "it is compressed with bzip2; only gzip and zstd are read"},
	{"\x04\x22\x4d\x18", "it is compressed with lz4; only gzip and zstd are read"},
	{"PK\x03\x04", "it is a zip archive"},
	{"7z\xbc\xaf", "it is a 7-Zip archive"},
	{"age-encryption.org/", "it is encrypted with age"},
	{"-----BEGIN AGE", "it is encrypted with age"},
	{"-----BEGIN PGP", "it is encrypted with PGP"},
	{"Salted__", "it is encrypted with openssl"},
	{"PGDMP", "it is an archive of pg_dump"},
	{"--\n-- PostgreSQL database", "it is a dump of PostgreSQL"},
	{"<?xml", "it is a dump in XML"},
	{"SQLite format 3", "it is a SQLite database"},
	{"\xff\xfe", "it is UTF-16, as PowerShell's > writes it; take the dump with --result-file"},
	{"XBSTCK01", "it is a physical backup (xbstream), which cannot be edited"},
}

// packed says how the bytes of a file are packed.
type packed struct {
	compression int
	header      gzip.Header // of the first gzip member
	fastest     bool
	best        bool
}

// sniff tells how a file is packed from its first bytes.
func sniff(head []byte, name string) (packed, error) {
	lower := strings.ToLower(name)
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		p := packed{compression: gz}
		if len(head) > 8 { // RFC 1952: XFL is 2 for the slowest and 4 for the fastest algorithm
			p.best, p.fastest = head[8] == 2, head[8] == 4
		}
		return p, nil
	case bytes.HasPrefix(head, zstdMagic), len(head) > 3 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}):
		return packed{compression: zst}, nil
	}
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return packed{}, fmt.Errorf("%s: %w", f.what, connectors.ErrDamaged)
		}
	}
	switch {
	case strings.HasSuffix(lower, ".gz"):
		return packed{}, fmt.Errorf("the name ends in .gz but the file is not gzip: %w", connectors.ErrDamaged)
	case strings.HasSuffix(lower, ".zst"):
		return packed{}, fmt.Errorf("the name ends in .zst but the file is not zstd: %w", connectors.ErrDamaged)
	}
	return packed{}, nil
}

// sniffBytes is how many bytes sniff looks at.
const sniffBytes = 512

// text is an open dump: a reader of its decompressed text.
type text struct {
	io.Reader
	packed packed
	file   *os.File
	ahead  *ahead
	undo   []func()
}

// openText opens the file at path and what decompresses it. tee, if not nil, gets the bytes of the file itself.
func openText(path, name string, tee io.Writer) (_ *text, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError(err)
	}
	t := &text{file: f}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	head := make([]byte, sniffBytes)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, fileError(err)
	}
	if t.packed, err = sniff(head[:n], name); err != nil {
		return nil, err
	}
	var raw io.Reader = f
	if tee != nil {
		raw = io.TeeReader(f, tee)
	}
	switch t.packed.compression {
	case gz:
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, unpackError(err)
		}
		t.packed.header = z.Header
		t.Reader = unpacker{z}
	case zst:
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, unpackError(err)
		}
		t.undo = append(t.undo, z.Close)
		t.Reader = unpacker{z}
	default:
		t.Reader = raw
	}
	if t.packed.compression != none || tee != nil {
		t.ahead = readAhead(t.Reader)
		t.Reader = t.ahead
	}
	return t, nil
}

// Close stops the reading and closes the file.
func (t *text) Close() {
	if t.ahead != nil {
		t.ahead.stop()
	}
	for _, f := range t.undo {
		f()
	}
	t.file.Close()
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

// fileError gives an error of the file system its sentinel.
func fileError(err error) error {
	switch {
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
}

type chunk struct {
	b   []byte
	err error
}

func readAhead(r io.Reader) *ahead {
	a := &ahead{full: make(chan chunk, chunks), free: make(chan []byte, chunks), quit: make(chan struct{}), done: make(chan struct{})}
	for range chunks {
		a.free <- make([]byte, chunkBytes)
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
