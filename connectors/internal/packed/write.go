package packed

import (
	"archive/tar"
	"archive/zip"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/dsnet/compress/bzip2"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"lethe/connectors"
)

// Writer packs a text. Its Close ends all layers, and not what they are written to.
type Writer struct {
	io.Writer
	layers []io.WriteCloser // the outermost first
	closed bool
}

// NewWriter packs what it is given as a text was packed, into w. The other members of an archive come from the file
// that was opened, which must still be there.
func NewWriter(w io.Writer, p Packing) (*Writer, error) {
	out := &Writer{Writer: w}
	for i := range p {
		z, err := p[i].pack(out.Writer)
		if err != nil {
			return nil, errors.Join(err, out.abandon())
		}
		out.layers = append(out.layers, z)
		out.Writer = z
	}
	return out, nil
}

// Close ends the layers, the innermost first. It may be called again.
func (w *Writer) Close() (err error) {
	if w.closed {
		return nil
	}
	w.closed = true
	for i := len(w.layers) - 1; i >= 0; i-- {
		if err = w.layers[i].Close(); err != nil {
			w.layers = w.layers[:i]
			return errors.Join(err, w.abandon())
		}
	}
	return nil
}

// abandoner is a layer that keeps something which its Close would remove.
type abandoner interface{ abandon() error }

// abandon removes what layers keep that are not ended.
func (w *Writer) abandon() (err error) {
	for _, l := range w.layers {
		if a, ok := l.(abandoner); ok {
			err = errors.Join(err, a.abandon())
		}
	}
	return err
}

// widest is the largest window, or dictionary, in which something is packed anew: what is packed in a smaller one than
// the old can be read by whoever could read that.
const widest = 8 << 20

// pack packs like a layer.
func (l *Layer) pack(w io.Writer) (io.WriteCloser, error) {
	switch l.Kind {
	case Gzip:
		level := 6
		if l.Best {
			level = gzip.BestCompression
		} else if l.Fastest {
			level = gzip.BestSpeed
		}
		z, err := gzip.NewWriterLevel(w, level)
		if err != nil {
			return nil, err
		}
		z.Header = l.Header
		return z, nil
	case Zstd:
		if l.Frame > 0 {
			return newSeekable(w, l)
		}
		return zstd.NewWriter(w, l.ZstdLike()...)
	case Bzip2:
		return bzip2.NewWriter(w, &bzip2.WriterConfig{Level: l.Level})
	case LZ4:
		z := lz4.NewWriter(w)
		return z, z.Apply(l.lz4Like()...)
	case XZ:
		c := xz.WriterConfig{DictCap: min(max(l.Window, 1<<20), widest), CheckSum: l.Check, NoCheckSum: l.Check == 0}
		return c.NewWriter(w)
	case Age:
		return l.encrypt(w)
	case Tar:
		return newTarWriter(w, l.archive)
	}
	return newZipWriter(w, l.archive)
}

// ZstdLike are the options of an encoder whose frames are like those of a file. What a frame tells of its level is its
// window: up to 512 KB have the fast ones of the zstd command, 4 MB and more those from 9 on.
func (l *Layer) ZstdLike() []zstd.EOption {
	o := []zstd.EOption{zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(l.Checksum)}
	if l.Window == 0 {
		return append(o, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(2<<20))
	}
	level := zstd.SpeedDefault
	switch {
	case l.Window <= 512<<10:
		level = zstd.SpeedFastest
	case l.Window >= 4<<20:
		level = zstd.SpeedBetterCompression
	}
	window := zstd.MinWindowSize
	for 2*window <= min(l.Window, widest) {
		window *= 2
	}
	return append(o, zstd.WithEncoderLevel(level), zstd.WithWindowSize(window))
}

// encrypt encrypts for whom the old file was encrypted.
func (l *Layer) encrypt(w io.Writer) (io.WriteCloser, error) {
	to, err := l.recipients()
	if err != nil || !l.Armor {
		if err != nil {
			return nil, err
		}
		return age.Encrypt(w, to...)
	}
	text := armor.NewWriter(w)
	z, err := age.Encrypt(text, to...)
	return &both{z, text}, err
}

// both is a writer that is ended before the one that it writes to.
type both struct {
	io.WriteCloser
	to io.Closer
}

func (b *both) Close() error { return errors.Join(b.WriteCloser.Close(), b.to.Close()) }

// reopen opens the file of an archive again, up to what is within the layers around it.
func (a *archive) reopen() (f File, in io.Reader, closes func(), err error) {
	if f, err = a.options.again(); err != nil {
		return nil, nil, nil, err
	}
	t := &Text{raw: &counted{r: f}}
	t.r = t.raw
	for _, l := range a.outer {
		r, done, err := l.stream(t.r, l.keys, nil)
		if err != nil {
			t.Close()
			return nil, nil, nil, errors.Join(err, f.Close())
		}
		if done != nil {
			t.closes = append(t.closes, done)
		}
		t.r = failing{r}
	}
	return f, t.r, func() { t.Close(); f.Close() }, nil // nothing was written
}

// tarWriter writes a tar archive anew. A member's size stands before it, so that the new dump lies beside the archive,
// enciphered, until it is whole.
type tarWriter struct {
	*archive
	to    io.Writer
	spool *os.File
	key   [32]byte
	size  int64
	into  cipher.StreamWriter
}

func newTarWriter(w io.Writer, a *archive) (*tarWriter, error) {
	t := &tarWriter{archive: a, to: w}
	path, err := filepath.EvalSymlinks(a.options.Path)
	folder := filepath.Dir(path)
	if a.options.Spool != "" {
		path, folder, err = a.options.Path, a.options.Spool, nil
	}
	if err != nil {
		return nil, err
	}
	if t.spool, err = os.CreateTemp(folder, connectors.TemporaryPrefix(path)+"*"); err != nil {
		return nil, err
	}
	rand.Read(t.key[:])
	t.into = cipher.StreamWriter{S: t.stream(), W: t.spool}
	return t, nil
}

// stream is the cipher of the spool, from its beginning.
func (t *tarWriter) stream() cipher.Stream {
	block, err := aes.NewCipher(t.key[:])
	if err != nil {
		panic(err) // of the size of the key
	}
	return cipher.NewCTR(block, make([]byte, aes.BlockSize))
}

func (t *tarWriter) Write(p []byte) (int, error) {
	n, err := t.into.Write(p)
	t.size += int64(n)
	return n, err
}

func (t *tarWriter) abandon() error {
	return errors.Join(t.spool.Close(), os.Remove(t.spool.Name()))
}

// Close writes the archive: the other members as they are in the old one, in its order.
func (t *tarWriter) Close() (err error) {
	defer func() { err = errors.Join(err, t.abandon()) }()
	_, in, closes, err := t.reopen()
	if err != nil {
		return err
	}
	defer closes()
	r, w := &tarReader{Reader: tar.NewReader(in)}, tar.NewWriter(t.to)
	for {
		h, err := r.next()
		if err == io.EOF {
			return w.Close()
		}
		if err != nil {
			return err
		}
		content := io.Reader(r)
		if h.Name == t.dump {
			if _, err := t.spool.Seek(0, io.SeekStart); err != nil {
				return err
			}
			h.Size, content = t.size, cipher.StreamReader{S: t.stream(), R: t.spool}
		}
		if err := w.WriteHeader(h); err != nil {
			return fmt.Errorf("write the archive: %w", err)
		}
		if _, err := io.Copy(w, content); err != nil {
			return fmt.Errorf("write the archive: %w", err)
		}
	}
}

// zipWriter writes a zip archive anew.
type zipWriter struct {
	io.Writer
	w    *zip.Writer
	f    File
	left []*zip.File // behind the dump
}

func newZipWriter(to io.Writer, a *archive) (_ *zipWriter, err error) {
	z := &zipWriter{w: zip.NewWriter(to)}
	if z.f, err = a.options.again(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			z.f.Close() // nothing was written
		}
	}()
	r, err := zipMembers(z.f, a.options.Size)
	if err != nil {
		return nil, err
	}
	if err := z.w.SetComment(r.Comment); err != nil {
		return nil, err
	}
	for i, h := range r.File {
		if h.Name == a.dump {
			z.left = r.File[i+1:]
			z.Writer, err = z.w.CreateHeader(like(h))
			return z, err
		}
		if err := z.w.Copy(h); err != nil {
			return nil, err
		}
	}
	return nil, a.missing()
}

// like is the header of a member that has another content than one.
func like(h *zip.File) *zip.FileHeader {
	return &zip.FileHeader{Name: h.Name, Comment: h.Comment, NonUTF8: h.NonUTF8, CreatorVersion: h.CreatorVersion,
		ExternalAttrs: h.ExternalAttrs, Method: h.Method, Modified: h.Modified}
}

func (z *zipWriter) abandon() error { return z.f.Close() }

func (z *zipWriter) Close() error {
	defer z.f.Close() // nothing was written
	for _, h := range z.left {
		if err := z.w.Copy(h); err != nil {
			return err
		}
	}
	return z.w.Close()
}
