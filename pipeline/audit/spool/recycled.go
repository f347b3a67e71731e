package spool

import "github.com/apache/arrow/go/v15/arrow/memory"

// Recycled gives memory for the batches of one stream, and again what a batch gave back: they are about as large. It is
// used by one goroutine, which copies what it keeps of a batch.
type Recycled struct {
	memory.GoAllocator
	free [][]byte
}

// mostFree is how many pieces are kept: more than a batch has.
const mostFree = 128

// Allocate gives the smallest piece that came back and holds so much, unless most of it would lie idle.
func (r *Recycled) Allocate(size int) []byte {
	best := -1
	for i, b := range r.free {
		if cap(b) >= size && cap(b) <= 2*size+1024 && (best < 0 || cap(b) < cap(r.free[best])) {
			best = i
		}
	}
	if best < 0 {
		return r.GoAllocator.Allocate(size)
	}
	b, last := r.free[best][:size], len(r.free)-1
	r.free[best] = r.free[last]
	r.free = r.free[:last]
	clear(b)
	return b
}

// Reallocate is what Allocate gives, with what stood in another piece.
func (r *Recycled) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		fresh := b[:size]
		clear(fresh[min(len(b), size):])
		return fresh
	}
	fresh := r.Allocate(size)
	copy(fresh, b)
	r.Free(b)
	return fresh
}

// Free takes a piece back.
func (r *Recycled) Free(b []byte) {
	if cap(b) > 0 && len(r.free) < mostFree {
		r.free = append(r.free, b[:0])
	}
}
