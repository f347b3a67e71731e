// Package spool keeps rows of the evidence in files until a report is made of them. Its nouns: Spool (a durable file
// of rows, whatever is cut off), Packer (a stream that is packed), Sorted (rows in an order of their own).
package spool

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"lethe/pipeline/registry/keystore"
)

// Rows is the most rows of one batch of a spool.
const Rows = 1 << 14

// Spool is a durable file of rows, a packed stream in Arrow's IPC format; encrypted for the keystore where rows stand
// in an order that says more of them than they do.
type Spool[T any] struct {
	file    *os.File
	sealed  io.WriteCloser
	packer  Packer
	w       *ipc.Writer
	b       *array.RecordBuilder
	held    []T // not in the builder yet: columns are copied many rows at a time
	pending int // rows in both
	rows    int64
	closed  bool
	failed  error
}

// New creates the file, which must not exist; nil keys leave it in the clear.
func New[T any](path string, keys *keystore.Keystore) (*Spool[T], error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create spool: %w", err)
	}
	var sealed io.WriteCloser = open{f}
	if keys != nil {
		sealed, err = keys.Encrypt(f)
	}
	var packer Packer
	if err == nil {
		packer, err = NewPacker(sealed)
	}
	if err != nil {
		return nil, fmt.Errorf("create spool: %w", errors.Join(err, f.Close()))
	}
	schema := Schema[T]()
	return &Spool[T]{file: f, sealed: sealed, packer: packer, w: ipc.NewWriter(packer, ipc.WithSchema(schema)),
		b: array.NewRecordBuilder(memory.DefaultAllocator, schema)}, nil
}

// open is a file that is closed by itself.
type open struct{ io.Writer }

func (open) Close() error { return nil }

// heldRows are copied into the builder at once.
const heldRows = 1 << 9

// Append adds rows, which are copied.
func (s *Spool[T]) Append(rows ...T) error {
	s.held = append(s.held, rows...)
	s.pending += len(rows)
	s.rows += int64(len(rows))
	if len(s.held) >= heldRows {
		s.build()
	}
	if s.pending >= Rows {
		return s.flush()
	}
	return nil
}

// build copies what is held into the builder.
func (s *Spool[T]) build() {
	if err := appendRows(s.b, s.held); err != nil && s.failed == nil {
		s.failed = fmt.Errorf("write spool: %w", err)
	}
	clear(s.held)
	s.held = s.held[:0]
}

func (s *Spool[T]) flush() error {
	if s.pending == 0 || s.failed != nil {
		return s.failed
	}
	if s.build(); s.failed != nil {
		return s.failed
	}
	rec := s.b.NewRecord()
	defer rec.Release()
	begin(s.b)
	if s.pending = 0; rec.NumRows() >= Rows {
		Room(s.b, rec)
	}
	if err := cmp.Or(s.w.Write(rec), s.packer.Flush()); err != nil {
		s.failed = fmt.Errorf("write spool: %w", err)
	}
	return s.failed
}

// Room makes room in a builder for as much as a record of it holds, so that it does not grow step by step and is
// copied at each.
func Room(b *array.RecordBuilder, as arrow.Record) {
	b.Reserve(int(as.NumRows()))
	for i, col := range as.Columns() {
		switch col := col.(type) {
		case *array.String:
			b.Field(i).(*array.StringBuilder).ReserveData(len(col.ValueBytes()))
		case *array.Binary:
			b.Field(i).(*array.BinaryBuilder).ReserveData(len(col.ValueBytes()))
		}
	}
}

// Failed is why the file is not whole; nil while it is.
func (s *Spool[T]) Failed() error { return s.failed }

// Len returns the number of rows appended.
func (s *Spool[T]) Len() int64 { return s.rows }

// Close makes the file durable. A second Close does nothing.
func (s *Spool[T]) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	err := errors.Join(s.flush(), s.w.Close(), s.packer.Close(), s.sealed.Close(), s.file.Sync(), s.file.Close())
	s.b.Release()
	s.failed = err
	return err
}

// encryptedMark is how every encrypted spool begins.
const encryptedMark = "age-encryption.org/"

// clearOf reads a spool as it was written, encrypted or, by an earlier build, not.
func clearOf(f io.Reader, keys *keystore.Keystore) (io.Reader, error) {
	buffered := bufio.NewReader(f)
	begins, err := buffered.Peek(len(encryptedMark))
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case keys == nil || !bytes.Equal(begins, []byte(encryptedMark)):
		return buffered, nil
	}
	return keys.Decrypt(buffered)
}

// Read yields the rows of a spool batch by batch, in the order they were appended: a batch is there until the next one
// is asked for. A spool cut off by a crash yields what is whole, then the error.
func Read[T any](path string, keys *keystore.Keystore) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(nil, fmt.Errorf("read spool: %w", err))
			return
		}
		defer f.Close()
		text, err := clearOf(f, keys)
		if err != nil {
			yield(nil, fmt.Errorf("read spool: %w", err))
			return
		}
		stream, err := unpack(text)
		if err != nil {
			yield(nil, fmt.Errorf("read spool: %w", err))
			return
		}
		defer stream.Close()
		r, err := ipc.NewReader(stream, ipc.WithAllocator(new(Recycled)))
		if err != nil {
			yield(nil, fmt.Errorf("read spool: %w", err))
			return
		}
		defer r.Release()
		at, err := placesOf[T](r.Schema())
		if err != nil {
			yield(nil, fmt.Errorf("read spool: %w", err))
			return
		}
		var rows []T
		for r.Next() {
			rows = rowsOf(rows, r.Record(), at)
			if !yield(rows, nil) {
				return
			}
		}
		if err := cmp.Or(r.Err(), stream.ended()); err != nil {
			yield(nil, fmt.Errorf("read spool: %w", err))
		}
	}
}
