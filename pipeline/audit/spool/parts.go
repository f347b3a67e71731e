package spool

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"reflect"
	"time"
	"unsafe"

	"lethe/pipeline/audit"
)

// coding writes rows of one type into files that nobody but it reads, and that are gone when it is: what a text is, it
// remembers, and the file has its number.
type coding[T any] struct {
	fields  []coded
	numbers map[string]uint64
	texts   []string
}

// coded is a field of the rows.
type coded struct {
	at     uintptr
	kind   reflect.Kind // Struct: an instant; Array: a reference
	last   string       // most texts are those of the row before
	number uint64
}

// mostTexts is how many texts are remembered; any others stand in the file.
const mostTexts = 1 << 16

func newCoding[T any]() *coding[T] {
	c := &coding[T]{numbers: map[string]uint64{}, texts: []string{""}}
	t := reflect.TypeFor[T]()
	for i := range t.NumField() {
		f := t.Field(i)
		columnType(f.Type) // there is no other
		c.fields = append(c.fields, coded{at: f.Offset, kind: f.Type.Kind()})
	}
	return c
}

// number is that of a text, 0 for one that is written out.
func (c *coding[T]) number(f *coded, text string) uint64 {
	if f.number > 0 && f.last == text {
		return f.number
	}
	n, known := c.numbers[text]
	if !known && len(c.texts) < mostTexts {
		n = uint64(len(c.texts))
		c.numbers[text], c.texts = n, append(c.texts, text)
	}
	f.last, f.number = text, n
	return n
}

// append adds a row.
func (c *coding[T]) append(b []byte, row *T) []byte {
	for i := range c.fields {
		f := &c.fields[i]
		at := unsafe.Add(unsafe.Pointer(row), f.at)
		switch f.kind {
		case reflect.String:
			text := *(*string)(at)
			n := c.number(f, text)
			if b = binary.AppendUvarint(b, n); n == 0 {
				b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
			}
		case reflect.Slice:
			b = append(binary.AppendUvarint(b, uint64(len(*(*[]byte)(at)))), *(*[]byte)(at)...)
		case reflect.Array:
			b = append(b, (*audit.Ref)(at)[:]...)
		case reflect.Bool:
			b = append(b, 0)
			if *(*bool)(at) {
				b[len(b)-1] = 1
			}
		case reflect.Int32:
			b = binary.AppendVarint(b, int64(*(*int32)(at)))
		case reflect.Int64:
			b = binary.AppendVarint(b, *(*int64)(at))
		case reflect.Float64:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(*(*float64)(at)))
		case reflect.Struct:
			micros := int64(math.MinInt64)
			if t := *(*time.Time)(at); !t.IsZero() {
				micros = t.UnixMicro()
			}
			b = binary.AppendVarint(b, micros)
		}
	}
	return b
}

// read takes a row, and returns what follows it.
func (c *coding[T]) read(b []byte, row *T) ([]byte, error) {
	d := decoding{b: b}
	for i := range c.fields {
		f := &c.fields[i]
		at := unsafe.Add(unsafe.Pointer(row), f.at)
		switch f.kind {
		case reflect.String:
			switch n := d.count(); {
			case n == 0:
				*(*string)(at) = string(d.take(d.count()))
			case n < uint64(len(c.texts)):
				*(*string)(at) = c.texts[n]
			default:
				d.short = true
			}
		case reflect.Slice:
			*(*[]byte)(at) = append([]byte(nil), d.take(d.count())...)
		case reflect.Array:
			copy((*audit.Ref)(at)[:], d.take(uint64(len(audit.Ref{}))))
		case reflect.Bool:
			*(*bool)(at) = string(d.take(1)) == "\x01"
		case reflect.Int32:
			*(*int32)(at) = int32(d.number())
		case reflect.Int64:
			*(*int64)(at) = d.number()
		case reflect.Float64:
			if bits := d.take(8); len(bits) == 8 {
				*(*float64)(at) = math.Float64frombits(binary.LittleEndian.Uint64(bits))
			}
		case reflect.Struct:
			*(*time.Time)(at) = time.Time{}
			if micros := d.number(); micros != math.MinInt64 {
				*(*time.Time)(at) = time.UnixMicro(micros).UTC()
			}
		}
	}
	if d.short {
		return nil, io.ErrUnexpectedEOF
	}
	return d.b, nil
}

// decoding is what is left of the bytes of rows.
type decoding struct {
	b     []byte
	short bool
}

func (d *decoding) count() uint64 {
	n, size := binary.Uvarint(d.b)
	d.take(uint64(max(size, 0)))
	d.short = d.short || size <= 0
	return n
}

func (d *decoding) number() int64 {
	n, size := binary.Varint(d.b)
	d.take(uint64(max(size, 0)))
	d.short = d.short || size <= 0
	return n
}

func (d *decoding) take(n uint64) (taken []byte) {
	if n > uint64(len(d.b)) {
		d.b, d.short = nil, true
		return nil
	}
	taken, d.b = d.b[:n], d.b[n:]
	return taken
}

// frameRows is how many rows are read at once: behind their number and that of their bytes.
const frameRows = 1 << 8

const frameHead = 8

// write writes rows to a new file.
func (c *coding[T]) write(path string, rows iter.Seq2[[]T, error]) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("sort rows: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<16)
	frame, n := make([]byte, frameHead), uint32(0)
	flush := func() error {
		binary.LittleEndian.PutUint32(frame, n)
		binary.LittleEndian.PutUint32(frame[4:], uint32(len(frame)-frameHead))
		_, err := w.Write(frame)
		frame, n = frame[:frameHead], 0
		return err
	}
	for batch, failed := range rows {
		if err = failed; err != nil {
			break
		}
		for i := range batch {
			frame = c.append(frame, &batch[i])
			if n++; n == frameRows {
				err = errors.Join(err, flush())
			}
		}
	}
	if err == nil && n > 0 {
		err = flush()
	}
	if err == nil { // a frame of no rows is the end
		err = flush()
	}
	if err = errors.Join(err, w.Flush(), f.Close()); err != nil {
		return fmt.Errorf("sort rows: %w", err)
	}
	return nil
}

// rows yields the rows of a file, a few at a time: they are there until the next ones are asked for.
func (c *coding[T]) rows(path string) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(nil, fmt.Errorf("sort rows: %w", err))
			return
		}
		defer f.Close()
		r := bufio.NewReaderSize(f, 1<<16)
		var head [frameHead]byte
		var frame []byte
		var rows []T
		for {
			if _, err = io.ReadFull(r, head[:]); err != nil {
				break
			}
			n, size := binary.LittleEndian.Uint32(head[:]), binary.LittleEndian.Uint32(head[4:])
			if n == 0 {
				return
			}
			if uint32(cap(frame)) < size {
				frame = make([]byte, size)
			}
			if _, err = io.ReadFull(r, frame[:size]); err != nil {
				break
			}
			rows = rows[:0]
			for b := frame[:size]; n > 0 && err == nil; n-- {
				var row T
				b, err = c.read(b, &row)
				rows = append(rows, row)
			}
			if err != nil || !yield(rows, nil) {
				break
			}
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			yield(nil, fmt.Errorf("sort rows: %w", err))
		}
	}
}
