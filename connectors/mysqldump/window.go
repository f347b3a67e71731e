package mysqldump

import (
	"bytes"
	"context"
	"io"
)

// windowBytes is the size of the window over the text of a dump. It grows only for a row (or another statement) that is longer.
const windowBytes = 1 << 20

// window slides over the text of a dump: rest is what has been read and not yet consumed.
type window struct {
	ctx      context.Context
	r        io.Reader
	buf      []byte
	pos, end int
	eof      bool
	lines    int64              // newlines in front of buf
	out      func([]byte) error // gets what pass consumes; nil while only reading
}

func newWindow(ctx context.Context, r io.Reader) *window {
	return &window{ctx: ctx, r: r, buf: make([]byte, windowBytes)}
}

// rest is valid until the next call of more.
func (w *window) rest() []byte { return w.buf[w.pos:w.end] }

// more lengthens rest. It returns io.EOF when there is no more, and every other error as the reader gave it.
func (w *window) more() error {
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
		bigger := make([]byte, len(w.buf)+max(len(w.buf)/2, windowBytes))
		copy(bigger, w.buf)
		w.buf = bigger
	}
	for {
		n, err := w.r.Read(w.buf[w.end:])
		w.end += n
		if err == io.EOF {
			w.eof = true
			if n == 0 {
				return io.EOF
			}
			return nil
		}
		if err != nil {
			return err
		}
		if n > 0 {
			return nil
		}
	}
}

// pass consumes n bytes and hands them to out.
func (w *window) pass(n int) error {
	b := w.buf[w.pos : w.pos+n]
	w.pos += n
	if w.out == nil || n == 0 {
		return nil
	}
	return w.out(b)
}

// drop consumes n bytes.
func (w *window) drop(n int) { w.pos += n }

// line is the number of the line at which rest begins, counted from 1.
func (w *window) line() int64 {
	return w.lines + int64(bytes.Count(w.buf[:w.pos], newline)) + 1
}

var newline = []byte{'\n'}
