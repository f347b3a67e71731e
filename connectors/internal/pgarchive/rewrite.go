package pgarchive

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"lethe/connectors"
)

// Editor says what becomes of the data of an archive.
type Editor interface {
	// Begin gets the table of contents before all data.
	Begin(t *TOC) error
	// Wants reports whether the data of an entry are to be looked at; those of others are copied.
	Wants(e *Entry) bool
	// Edit reads the data of an entry to their end and writes what takes their place; touched is false where that is
	// the same.
	Edit(e *Entry, rows io.Reader, out io.Writer) (touched bool, err error)
}

// Rewrite writes the archive in a file anew to another: byte for byte the same but for the data that the editor touches
// and the places and sizes that say where data are. tee gets the bytes of the file.
func Rewrite(in connectors.ShelfFile, tee io.Writer, out *os.File, edit Editor) error {
	b := bufio.NewReaderSize(io.TeeReader(in, tee), 1<<18)
	if head, _ := b.Peek(len(Magic)); string(head) == Magic {
		return rewriteCustom(in, b, out, edit)
	}
	return rewriteTar(b, out, edit)
}

func rewriteCustom(in io.ReaderAt, b *bufio.Reader, out *os.File, edit Editor) error {
	t, err := ReadTOC(b)
	if err != nil {
		return err
	}
	if err := edit.Begin(t); err != nil {
		return err
	}
	if _, err := io.Copy(out, io.NewSectionReader(in, 0, t.Size)); err != nil {
		return err
	}
	blocks := NewBlocks(t, b)
	places := map[*Entry]int64{}
	at := t.Size
	for {
		e, err := blocks.Next()
		if err != nil {
			return err
		}
		if e == nil {
			break
		}
		places[e] = at
		if at, err = blocks.copy(e, in, out, at, edit); err != nil {
			return err
		}
	}
	for e, place := range places {
		if e.Place < 0 {
			continue
		}
		if _, err := out.WriteAt(t.AppendPlace(nil, place), e.PlaceAt); err != nil {
			return err
		}
	}
	return nil
}

// copy writes the block at hand, which begins at a place of the new file, and returns where it ends.
func (s *Blocks) copy(e *Entry, in io.ReaderAt, out *os.File, at int64, edit Editor) (end int64, err error) {
	head := s.toc.AppendInt([]byte{blockData}, e.ID)
	if e.large() {
		head[0] = blockLarge
	}
	if _, err := out.Write(head); err != nil {
		return 0, err
	}
	at += int64(len(head))
	if e.large() || !edit.Wants(e) {
		n, err := io.Copy(out, s.Raw())
		return at + n, err
	}
	start := s.r.at
	rows, err := s.Rows()
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	pieces := &pieces{w: out, toc: s.toc}
	z, err := pack(pieces, s.toc.Compression, s.toc.Level, false)
	if err != nil {
		return 0, err
	}
	touched, err := edit.Edit(e, &whole{ReadCloser: rows, entry: e}, z)
	if err != nil {
		return 0, err
	}
	if err := z.Close(); err != nil {
		return 0, err
	}
	if err := pieces.close(); err != nil {
		return 0, err
	}
	if touched {
		return at + pieces.n, nil
	}
	if _, err := io.Copy(io.Discard, s.now); err != nil { // the number that ends them
		return 0, err
	}
	if err := out.Truncate(at); err != nil {
		return 0, err
	}
	if _, err := out.Seek(at, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.Copy(out, io.NewSectionReader(in, start, s.r.at-start))
	return at + n, err
}

// pieceBytes is the most that stands in a piece of data.
const pieceBytes = 32 << 10

// pieces writes pieces of data, each with its length before it.
type pieces struct {
	w   io.Writer
	toc *TOC
	buf []byte
	n   int64
}

func (p *pieces) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		room := min(len(b), pieceBytes-len(p.buf))
		p.buf = append(p.buf, b[:room]...)
		b = b[room:]
		if len(p.buf) == pieceBytes {
			if err := p.flush(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

func (p *pieces) flush() error {
	if len(p.buf) == 0 {
		return nil
	}
	return p.put(p.buf)
}

func (p *pieces) put(b []byte) error {
	head := p.toc.AppendInt(nil, len(b))
	if _, err := p.w.Write(head); err != nil {
		return err
	}
	_, err := p.w.Write(b)
	p.n += int64(len(head) + len(b))
	p.buf = p.buf[:0]
	return err
}

func (p *pieces) close() error {
	if err := p.flush(); err != nil {
		return err
	}
	return p.put(nil)
}

// pack packs as a custom archive does, or a file of its own.
func pack(w io.Writer, c Compression, level int, file bool) (io.WriteCloser, error) {
	if level < 1 || level > 9 {
		level = zlib.DefaultCompression
	}
	switch {
	case c == Gzip && file:
		z, err := gzip.NewWriterLevel(w, level)
		if err != nil {
			return nil, err
		}
		z.Header.OS = 3 // as zlib writes it on Unix
		return z, nil
	case c == Gzip:
		return zlib.NewWriterLevel(w, level)
	}
	switch c {
	case LZ4:
		return lz4.NewWriter(w), nil
	case Zstd:
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	}
	return plain{w}, nil
}

type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// tarBlock is the unit of a tar archive.
const tarBlock = 512

func rewriteTar(b *bufio.Reader, out *os.File, edit Editor) error {
	wanted := map[string]*Entry{}
	header := make([]byte, tarBlock)
	var at int64
	for first := true; ; first = false {
		if _, err := io.ReadFull(b, header); err != nil {
			return damaged(io.ErrUnexpectedEOF)
		}
		name, size, err := member(header)
		if err != nil {
			return err
		}
		if name == "" {
			break
		}
		if _, err := out.Write(header); err != nil {
			return err
		}
		e := wanted[name]
		delete(wanted, name)
		padded := (size + tarBlock - 1) / tarBlock * tarBlock
		switch {
		case first:
			if wanted, err = beginTar(b, out, edit, name, size); err != nil {
				return err
			}
		case e == nil:
			if _, err := io.CopyN(out, b, size); err != nil {
				return damaged(io.ErrUnexpectedEOF)
			}
		default:
			n, err := editMember(b, out, edit, e, header, size, at)
			if err != nil {
				return err
			}
			if err := pad(out, n); err != nil {
				return err
			}
			if _, err := b.Discard(int(padded - size)); err != nil {
				return damaged(io.ErrUnexpectedEOF)
			}
			at += tarBlock + (n+tarBlock-1)/tarBlock*tarBlock
			continue
		}
		if _, err := io.CopyN(out, b, padded-size); err != nil {
			return damaged(io.ErrUnexpectedEOF)
		}
		at += tarBlock + padded
	}
	for _, e := range wanted {
		return fmt.Errorf("the data of %s are missing: %w", e.What(), connectors.ErrDamaged)
	}
	if _, err := out.Write(header); err != nil {
		return err
	}
	_, err := io.Copy(out, b)
	return err
}

// beginTar copies the table of contents, and returns the entries whose data are wanted by the names of their files.
func beginTar(b *bufio.Reader, out *os.File, edit Editor, name string, size int64) (map[string]*Entry, error) {
	var text bytes.Buffer
	if _, err := io.CopyN(&text, b, size); err != nil || name != tocFile {
		return nil, fmt.Errorf("it does not begin with %s: %w", tocFile, connectors.ErrDamaged)
	}
	t, err := ReadTOC(bufio.NewReader(bytes.NewReader(text.Bytes())))
	if err != nil {
		return nil, err
	}
	if err := edit.Begin(t); err != nil {
		return nil, err
	}
	wanted := map[string]*Entry{}
	for _, e := range t.Entries {
		if e.HasData && !e.large() && edit.Wants(e) {
			wanted[e.File] = e
		}
	}
	_, err = out.Write(text.Bytes())
	return wanted, err
}

// editMember writes the data of an entry, and their size into the header before them.
func editMember(b *bufio.Reader, out *os.File, edit Editor, e *Entry, header []byte,
	size, at int64) (n int64, err error) {
	in := &io.LimitedReader{R: b, N: size}
	w := &counting{w: bufio.NewWriterSize(out, 1<<17)}
	if _, err := edit.Edit(e, &whole{ReadCloser: io.NopCloser(in), entry: e}, w); err != nil {
		return 0, err
	}
	if in.N > 0 {
		return 0, damaged(io.ErrUnexpectedEOF)
	}
	if err := w.w.Flush(); err != nil {
		return 0, err
	}
	if w.n == size {
		return w.n, nil
	}
	resize(header, w.n)
	_, err = out.WriteAt(header, at)
	return w.n, err
}

// counting counts what is written.
type counting struct {
	w *bufio.Writer
	n int64
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func pad(w io.Writer, n int64) error {
	_, err := w.Write(make([]byte, (tarBlock-n%tarBlock)%tarBlock))
	return err
}

// The fields of a header of tar.
const (
	sizeAt, sizeEnd = 124, 136
	sumAt, sumEnd   = 148, 156
)

// member reads a header of tar: the name is "" behind the last.
func member(h []byte) (name string, size int64, err error) {
	if bytes.Count(h, []byte{0}) == len(h) {
		return "", 0, nil
	}
	want, err := strconv.ParseInt(strings.Trim(string(h[sumAt:sumEnd]), " \x00"), 8, 64)
	if err != nil || want != checksum(h) {
		return "", 0, fmt.Errorf("a header of the tar archive is damaged: %w", connectors.ErrDamaged)
	}
	name, _, _ = strings.Cut(string(h[:100]), "\x00")
	if h[sizeAt]&0x80 != 0 { // in binary, since 8 GB
		for _, c := range h[sizeAt+1 : sizeEnd] {
			size = size<<8 | int64(c)
		}
		return name, size, nil
	}
	size, err = strconv.ParseInt(strings.Trim(string(h[sizeAt:sizeEnd]), " \x00"), 8, 64)
	if err != nil || size < 0 || name == "" {
		return "", 0, fmt.Errorf("a header of the tar archive is damaged: %w", connectors.ErrDamaged)
	}
	return name, size, nil
}

// checksum adds the bytes of a header, blanks for the checksum itself.
func checksum(h []byte) (sum int64) {
	for i, c := range h {
		if i >= sumAt && i < sumEnd {
			c = ' '
		}
		sum += int64(c)
	}
	return sum
}

// resize gives a header another size.
func resize(h []byte, size int64) {
	if size < 1<<33 {
		copy(h[sizeAt:sizeEnd-1], fmt.Sprintf("%011o", size))
		h[sizeEnd-1] = ' '
	} else {
		clear(h[sizeAt:sizeEnd])
		h[sizeAt] = 0x80
		for i := sizeEnd - 1; i > sizeAt && size > 0; i-- {
			h[i] = byte(size)
			size >>= 8
		}
	}
	copy(h[sumAt:sumEnd-1], fmt.Sprintf("%07o", checksum(h)))
	h[sumEnd-1] = ' '
}
