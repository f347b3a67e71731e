package anew

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"

	"lethe/connectors/internal/packed"
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
func NewWriter(w io.Writer, p packed.Packing) (*Writer, error) { return new(Reused).NewWriter(w, p) }

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
func (r *Reused) NewWriter(w io.Writer, p packed.Packing) (*Writer, error) {
	var z io.WriteCloser
	var leave func()
	var err error
	if l, alone := p.Zstd(); alone {
		var e *zstd.Encoder
		if e, err = r.zstd(w, l); err == nil {
			z, leave = e, func() { r.take(l, e) }
		}
	} else {
		z, err = packed.NewWriter(w, p)
	}
	if err != nil {
		return nil, err
	}
	b := behind(z)
	b.leave = leave
	return b, nil
}

func (r *Reused) zstd(w io.Writer, l *packed.Layer) (*zstd.Encoder, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := frames{l.Window, l.Checksum}
	list := r.zstds[of]
	if len(list) == 0 {
		return zstd.NewWriter(w, l.ZstdLike()...)
	}
	e := list[len(list)-1]
	r.zstds[of] = list[:len(list)-1]
	e.Reset(w)
	return e, nil
}

func (r *Reused) take(l *packed.Layer, e *zstd.Encoder) {
	e.Reset(nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.zstds == nil {
		r.zstds = map[frames][]*zstd.Encoder{}
	}
	of := frames{l.Window, l.Checksum}
	r.zstds[of] = append(r.zstds[of], e)
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
