package textfile

import (
	"bytes"
	"context"
	"io"
)

// WindowBytes is the usual size of a window. It grows only for a row or a statement that is longer.
const WindowBytes = 1 << 20

// Window slides over a text: Rest is what has been read and not yet consumed.
type Window struct {
	ctx      context.Context
	r        io.Reader
	buf      []byte
	pos, end int
	eof      bool
	lines    int64 // newlines in front of buf
}

// NewWindow makes a window that starts with size bytes. A cancelled context ends it at the next More.
func NewWindow(ctx context.Context, r io.Reader, size int) *Window {
	return &Window{ctx: ctx, r: r, buf: make([]byte, max(size, 1))}
}

// Rest is valid until the next call of More.
func (w *Window) Rest() []byte { return w.buf[w.pos:w.end] }

// EOF reports whether nothing follows Rest.
func (w *Window) EOF() bool { return w.eof }

// More lengthens Rest, at least by half once the window is full, so that a long statement is looked at few
// times. It returns io.EOF when there is no more, and every other error as the reader or the context gave
// it.
func (w *Window) More() error {
	if w.eof {
		return io.EOF
	}
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if w.pos > 0 {
		w.lines += int64(bytes.Count(w.buf[:w.pos], newline))
		w.end = copy(w.buf, w.buf[w.pos:w.end])
		w.pos = 0
	}
	if w.end == len(w.buf) {
		bigger := make([]byte, len(w.buf)+max(len(w.buf)/2, 1))
		copy(bigger, w.buf)
		w.buf = bigger
	}
	n, err := io.ReadFull(w.r, w.buf[w.end:])
	w.end += n
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		w.eof = true
		if n == 0 {
			return io.EOF
		}
		return nil
	}
	return err
}

// Drop consumes n bytes.
func (w *Window) Drop(n int) { w.pos += n }

// Line is the number of the line in which byte n of Rest stands, counted from 1.
func (w *Window) Line(n int) int64 {
	return w.lines + int64(bytes.Count(w.buf[:w.pos+n], newline)) + 1
}

var newline = []byte{'\n'}
