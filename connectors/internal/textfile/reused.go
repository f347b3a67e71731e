package textfile

import (
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"lethe/connectors/internal/packed"
)

// Reused is what texts that were read leave to those that are opened next. The files of a folder are many, and most of
// them small: to make room for each anew costs more than to read it. The zero value has nothing, and nil never has.
type Reused struct {
	mu     sync.Mutex
	zstds  []*zstd.Decoder
	chunks [][]byte
}

// unzstd is what unpacks zstd, and what takes it back.
func (r *Reused) unzstd(from io.Reader) (*zstd.Decoder, func(), error) {
	if r == nil {
		z, err := packed.NewZstd(from)
		return z, func() { z.Close() }, err
	}
	z, err := r.zstd(from)
	return z, func() { r.leave(z) }, err
}

func (r *Reused) zstd(from io.Reader) (*zstd.Decoder, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.zstds) - 1
	if last < 0 {
		return packed.NewZstd(from)
	}
	z := r.zstds[last]
	r.zstds = r.zstds[:last]
	return z, z.Reset(from)
}

// leave takes it back, and the chunks of what read ahead.
func (r *Reused) leave(z *zstd.Decoder) {
	if z.Reset(nil) != nil {
		z.Close()
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.zstds = append(r.zstds, z)
}

// chunk is room for a part of a text.
func (r *Reused) chunk() []byte {
	if r == nil {
		return make([]byte, chunkBytes)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.chunks) - 1
	if last < 0 {
		return make([]byte, chunkBytes)
	}
	b := r.chunks[last]
	r.chunks = r.chunks[:last]
	return b
}

// take takes the chunks of what has stopped reading ahead.
func (r *Reused) take(a *ahead) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	keep := func(b []byte) {
		if cap(b) == chunkBytes {
			r.chunks = append(r.chunks, b[:chunkBytes])
		}
	}
	keep(a.held)
	for {
		select {
		case b := <-a.free:
			keep(b)
		case c := <-a.full:
			keep(c.b)
		default:
			return
		}
	}
}
