package pgarchive

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"lethe/connectors"
)

// The blocks of a custom archive.
const (
	blockData  = 1
	blockLarge = 3
)

// Blocks reads the data of a custom archive, one entry after another, as they stand in the file.
type Blocks struct {
	toc  *TOC
	r    *reader
	byID map[int]*Entry
	left map[int]*Entry // whose data have not come yet
	now  *chunks
}

// NewBlocks begins behind the table of contents.
func NewBlocks(t *TOC, b *bufio.Reader) *Blocks {
	s := &Blocks{toc: t, r: &reader{r: b, at: t.Size, size: t.integer}, byID: map[int]*Entry{}, left: map[int]*Entry{}}
	for _, e := range t.Entries {
		s.byID[e.ID] = e
		if e.HasData {
			s.left[e.ID] = e
		}
	}
	return s
}

// Next goes to the data of the next entry, passing what is left of those before; nil: there are no more, and nothing is
// missing.
func (s *Blocks) Next() (*Entry, error) {
	if s.now != nil {
		if _, err := io.Copy(io.Discard, s.now); err != nil {
			return nil, err
		}
		s.now = nil
	}
	at := s.r.at
	if _, err := s.r.r.Peek(1); err == io.EOF {
		for _, e := range s.left {
			return nil, fmt.Errorf("the data of %s are missing: %w", e.What(), connectors.ErrDamaged)
		}
		return nil, nil
	}
	kind, id := s.r.byte(), s.r.int()
	e := s.left[id]
	switch {
	case s.r.err != nil:
	case e == nil:
		s.r.fail("data of an entry %d stand there, which has none, or has them already", id)
	case e.Place >= 0 && e.Place != at:
		s.r.fail("data of %s stand there, and elsewhere by the table of contents", e.What())
	case kind != blockData && kind != blockLarge || (kind == blockLarge) != e.large():
		s.r.fail("data of %s are of an unknown kind", e.What())
	}
	if s.r.err != nil {
		return nil, s.r.err
	}
	delete(s.left, id)
	s.now = &chunks{r: s.r, many: kind == blockLarge, end: true}
	return e, nil
}

// Rows returns the data of the entry at hand, unpacked.
func (s *Blocks) Rows() (io.ReadCloser, error) { return unpack(s.now, s.toc.Compression, false) }

// Raw returns the data of the entry at hand, as they stand in the file: all of its bytes behind its number.
func (s *Blocks) Raw() io.Reader {
	s.now.raw = true
	return s.now
}

// chunks are pieces of data, each with its length before it; a length of 0 ends them. Large objects are many of them,
// each with its number before it; a number of 0 ends those.
type chunks struct {
	r    *reader
	many bool
	raw  bool // what is read holds the numbers, too
	end  bool // of a large object, or of nothing before the first
	head []byte
	left int
	done bool
}

func (c *chunks) Read(p []byte) (int, error) {
	for {
		switch {
		case len(c.head) > 0:
			n := copy(p, c.head)
			c.head = c.head[n:]
			return n, nil
		case c.left > 0:
			n, err := c.r.r.Read(p[:min(len(p), c.left)])
			c.r.at += int64(n)
			c.left -= n
			if n == 0 && err != nil {
				c.r.failed(err)
				return 0, c.r.err
			}
			return n, nil
		case c.done:
			return 0, io.EOF
		}
		if err := c.number(); err != nil {
			return 0, err
		}
	}
}

// number reads the next number: a length, or that of a large object.
func (c *chunks) number() error {
	n := c.r.int()
	if n < 0 {
		c.r.fail("a length is negative")
	}
	if c.r.err != nil {
		return c.r.err
	}
	if c.raw {
		c.head = (&TOC{integer: c.r.size}).AppendInt(nil, n)
	}
	switch {
	case c.many && c.end:
		c.end, c.done = false, n == 0
	case n == 0:
		c.end, c.done = true, !c.many
	default:
		c.left = n
	}
	return nil
}

// unpack reads packed data. A file of its own is of gzip, what stands in a custom archive of zlib.
func unpack(r io.Reader, c Compression, file bool) (io.ReadCloser, error) {
	switch {
	case c == None:
		return io.NopCloser(r), nil
	case c == Gzip && file:
		z, err := gzip.NewReader(r)
		return unpacked{z, func() {}}, damaged(err)
	case c == Gzip:
		z, err := zlib.NewReader(r)
		return unpacked{z, func() {}}, damaged(err)
	case c == LZ4:
		return unpacked{lz4.NewReader(r), func() {}}, nil
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20),
		zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, damaged(err)
	}
	return unpacked{z, z.Close}, nil
}

// unpacked makes the errors of unpacking errors of a damaged file.
type unpacked struct {
	io.Reader
	close func()
}

func (u unpacked) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	return n, damaged(err)
}

func (u unpacked) Close() error {
	u.close()
	return nil
}

func damaged(err error) error {
	switch {
	case err == nil, errors.Is(err, connectors.ErrDamaged):
		return err
	case err == io.EOF:
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the packed data end too early: %w", connectors.ErrDamaged)
	}
	return fmt.Errorf("the packed data cannot be read, %v: %w", err, connectors.ErrDamaged)
}

// whole reads rows and looks whether they end as pg_dump ends them: unpacked data do not tell where they were cut off.
type whole struct {
	io.ReadCloser
	entry *Entry
	tail  []byte
	long  bool // there is more than the tail
}

// ending is behind the last row, but for its first byte where there is none: the end of a line, and two empty ones.
const ending = "\n\n\n"

func (w *whole) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.long = w.long || n > len(ending)
	if w.tail = append(w.tail, p[max(0, n-len(ending)):n]...); len(w.tail) > len(ending) {
		w.tail, w.long = append(w.tail[:0], w.tail[len(w.tail)-len(ending):]...), true
	}
	if err == io.EOF && string(w.tail) != ending && (w.long || string(w.tail) != ending[1:]) {
		return n, fmt.Errorf("the data of %s end too early: %w", w.entry.What(), connectors.ErrDamaged)
	}
	return n, err
}
