package anew

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"lethe/connectors/internal/textfile"
)

const (
	chunkBytes = 256 << 10
	chunks     = 8
)

// Writer packs, hashes and writes in a goroutine of its own.
type Writer struct {
	full   chan []byte
	free   chan []byte
	now    []byte
	failed atomic.Bool
	done   chan struct{}
	err    error
	closed bool
	leave  func() // what packed, for another writer; nil: it is nobody's
}

// NewWriter makes a writer that packs what it is given as p says.
func NewWriter(w io.Writer, p textfile.Packing) (*Writer, error) { return new(Reused).NewWriter(w, p) }

// Reused is what writers that were closed leave to the next ones: the files of a folder are many, and most of them small.
// The zero value has nothing.
type Reused struct {
	mu    sync.Mutex
	zstds map[frames][]*zstd.Encoder
}

// frames are what tells encoders of zstd apart.
type frames struct {
	window   int
	checksum bool
}

// NewWriter is NewWriter with what others left.
func (r *Reused) NewWriter(w io.Writer, p textfile.Packing) (*Writer, error) {
	var z io.WriteCloser = plainWriter{w}
	var leave func()
	var err error
	switch p.Compression {
	case textfile.Gzip:
		level := 6
		if p.Best {
			level = gzip.BestCompression
		} else if p.Fastest {
			level = gzip.BestSpeed
		}
		var g *gzip.Writer
		if g, err = gzip.NewWriterLevel(w, level); err == nil {
			g.Header = p.Header
			z = g
		}
	case textfile.Zstd:
		var e *zstd.Encoder
		if e, err = r.zstd(w, p); err == nil {
			z, leave = e, func() { r.take(p, e) }
		}
	}
	if err != nil {
		return nil, err
	}
	b := behind(z)
	b.leave = leave
	return b, nil
}

func (r *Reused) zstd(w io.Writer, p textfile.Packing) (*zstd.Encoder, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := frames{p.Window, p.Checksum}
	list := r.zstds[of]
	if len(list) == 0 {
		return zstd.NewWriter(w, zstdLike(p)...)
	}
	e := list[len(list)-1]
	r.zstds[of] = list[:len(list)-1]
	e.Reset(w)
	return e, nil
}

func (r *Reused) take(p textfile.Packing, e *zstd.Encoder) {
	e.Reset(nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.zstds == nil {
		r.zstds = map[frames][]*zstd.Encoder{}
	}
	of := frames{p.Window, p.Checksum}
	r.zstds[of] = append(r.zstds[of], e)
}

// zstdLike are the options of an encoder whose frames are like those of a file. What a frame tells of its level is its
// window: up to 512 KB have the fast ones of the zstd command, 4 MB and more those from 9 on. The window is never larger
// than the old one, so that whoever could read that can read the new, nor than 8 MB.
func zstdLike(p textfile.Packing) []zstd.EOption {
	const widest = 8 << 20
	o := []zstd.EOption{zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(p.Checksum)}
	if p.Window == 0 {
		return append(o, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(2<<20))
	}
	level := zstd.SpeedDefault
	switch {
	case p.Window <= 512<<10:
		level = zstd.SpeedFastest
	case p.Window >= 4<<20:
		level = zstd.SpeedBetterCompression
	}
	window := zstd.MinWindowSize
	for 2*window <= min(p.Window, widest) {
		window *= 2
	}
	return append(o, zstd.WithEncoderLevel(level), zstd.WithWindowSize(window))
}

// Behind makes a writer that hands what it is given to another, in a goroutine of its own.
func Behind(w io.Writer) *Writer { return behind(plainWriter{w}) }

func behind(z io.WriteCloser) *Writer {
	b := &Writer{full: make(chan []byte, chunks), free: make(chan []byte, chunks), done: make(chan struct{})}
	for range chunks - 1 {
		b.free <- nil // made when it is needed: most files of a folder are small
	}
	b.now = make([]byte, 0, chunkBytes)
	go b.run(z)
	return b
}

type plainWriter struct{ io.Writer }

func (plainWriter) Close() error { return nil }

func (b *Writer) run(z io.WriteCloser) {
	defer close(b.done)
	for chunk := range b.full {
		if b.err == nil {
			if _, b.err = z.Write(chunk); b.err != nil {
				b.failed.Store(true)
			}
		}
		b.free <- chunk[:0]
	}
	if err := z.Close(); b.err == nil {
		b.err = err
	}
}

// Put copies p. An error of the goroutine ends it early; Close returns that error.
func (b *Writer) Put(p []byte) error {
	for len(p) > 0 {
		if len(b.now) == cap(b.now) {
			if b.failed.Load() {
				return b.Close()
			}
			b.full <- b.now
			if b.now = <-b.free; b.now == nil {
				b.now = make([]byte, 0, chunkBytes)
			}
		}
		n := copy(b.now[len(b.now):cap(b.now)], p)
		b.now = b.now[:len(b.now)+n]
		p = p[n:]
	}
	return nil
}

// Close writes what is left, ends the goroutine and returns its error. It may be called again.
func (b *Writer) Close() error {
	if !b.closed {
		b.closed = true
		b.full <- b.now
		close(b.full)
		<-b.done
		if b.leave != nil && b.err == nil {
			b.leave()
		}
	}
	return b.err
}
