package audit

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// SpoolRows is the most rows of one batch of a spool.
const SpoolRows = 1 << 14

// Schema returns the Arrow schema of a table's row type: one column for each field, named in snake case. time.Time is a timestamp in
// microseconds UTC (null when zero), Ref 32 fixed bytes, the rest as their Go types.
func Schema[T any]() *arrow.Schema {
	t := reflect.TypeFor[T]()
	fields := make([]arrow.Field, t.NumField())
	for i := range fields {
		f := t.Field(i)
		fields[i] = arrow.Field{Name: snake(f.Name), Type: columnType(f.Type), Nullable: f.Type == timeType}
	}
	return arrow.NewSchema(fields, nil)
}

var (
	timeType = reflect.TypeFor[time.Time]()
	refType  = reflect.TypeFor[Ref]()
)

func columnType(t reflect.Type) arrow.DataType {
	switch {
	case t == timeType:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	case t == refType:
		return &arrow.FixedSizeBinaryType{ByteWidth: len(Ref{})}
	}
	switch t.Kind() {
	case reflect.String:
		return arrow.BinaryTypes.String
	case reflect.Int64:
		return arrow.PrimitiveTypes.Int64
	case reflect.Int32:
		return arrow.PrimitiveTypes.Int32
	case reflect.Float64:
		return arrow.PrimitiveTypes.Float64
	case reflect.Bool:
		return arrow.FixedWidthTypes.Boolean
	case reflect.Slice:
		return arrow.BinaryTypes.Binary
	}
	panic("audit: no column type for " + t.String())
}

func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Append adds rows to an Arrow builder of Schema[T].
func Append[T any](b *array.RecordBuilder, rows []T) {
	for i := range rows {
		v := reflect.ValueOf(&rows[i]).Elem()
		for c := range v.NumField() {
			f := v.Field(c)
			switch col := b.Field(c).(type) {
			case *array.StringBuilder:
				col.Append(f.String())
			case *array.Int64Builder:
				col.Append(f.Int())
			case *array.Int32Builder:
				col.Append(int32(f.Int()))
			case *array.Float64Builder:
				col.Append(f.Float())
			case *array.BooleanBuilder:
				col.Append(f.Bool())
			case *array.FixedSizeBinaryBuilder:
				col.Append(f.Slice(0, f.Len()).Bytes())
			case *array.BinaryBuilder:
				col.Append(f.Bytes())
			case *array.TimestampBuilder:
				if t := f.Addr().Interface().(*time.Time); t.IsZero() {
					col.AppendNull()
				} else {
					col.Append(arrow.Timestamp(t.UnixMicro()))
				}
			}
		}
	}
}

// Rows copies a record of Schema[T] into rows.
func Rows[T any](rec arrow.Record) []T {
	rows := make([]T, rec.NumRows())
	for i := range rows {
		v := reflect.ValueOf(&rows[i]).Elem()
		for c := range v.NumField() {
			f := v.Field(c)
			switch col := rec.Column(c).(type) {
			case *array.String:
				f.SetString(strings.Clone(col.Value(i)))
			case *array.Int64:
				f.SetInt(col.Value(i))
			case *array.Int32:
				f.SetInt(int64(col.Value(i)))
			case *array.Float64:
				f.SetFloat(col.Value(i))
			case *array.Boolean:
				f.SetBool(col.Value(i))
			case *array.FixedSizeBinary:
				reflect.Copy(f, reflect.ValueOf(col.Value(i)))
			case *array.Binary:
				f.SetBytes(append([]byte(nil), col.Value(i)...))
			case *array.Timestamp:
				if col.IsValid(i) {
					f.Set(reflect.ValueOf(time.UnixMicro(int64(col.Value(i))).UTC()))
				}
			}
		}
	}
	return rows
}

// Spool is a durable file of rows, in Arrow IPC stream format.
type Spool[T any] struct {
	file    *os.File
	w       *ipc.Writer
	b       *array.RecordBuilder
	pending int
	rows    int64
}

// NewSpool creates the file, which must not exist.
func NewSpool[T any](path string) (*Spool[T], error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create spool: %w", err)
	}
	schema := Schema[T]()
	return &Spool[T]{file: f, w: ipc.NewWriter(f, ipc.WithSchema(schema)), b: array.NewRecordBuilder(memory.DefaultAllocator, schema)}, nil
}

// Append adds rows, which are copied.
func (s *Spool[T]) Append(rows ...T) error {
	Append(s.b, rows)
	s.pending += len(rows)
	s.rows += int64(len(rows))
	if s.pending >= SpoolRows {
		return s.flush()
	}
	return nil
}

func (s *Spool[T]) flush() error {
	if s.pending == 0 {
		return nil
	}
	rec := s.b.NewRecord()
	defer rec.Release()
	s.pending = 0
	if err := s.w.Write(rec); err != nil {
		return fmt.Errorf("write spool: %w", err)
	}
	return nil
}

// Len returns the number of rows appended.
func (s *Spool[T]) Len() int64 { return s.rows }

// Close makes the file durable.
func (s *Spool[T]) Close() error {
	err := errors.Join(s.flush(), s.w.Close(), s.file.Sync(), s.file.Close())
	s.b.Release()
	return err
}

// ended checks that a file ends as a closed Arrow stream does. The reader itself takes a stream cut between two batches for a whole one.
func ended(f *os.File) error {
	mark := []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}
	tail := make([]byte, len(mark))
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := f.ReadAt(tail, max(0, info.Size()-int64(len(mark)))); err != nil || !bytes.Equal(tail, mark) {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// ReadSpool yields the rows of a spool batch by batch, in the order they were appended. A spool cut off by a crash yields what is whole, then the error.
func ReadSpool[T any](path string) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(nil, fmt.Errorf("read spool: %w", err))
			return
		}
		defer f.Close()
		r, err := ipc.NewReader(f, ipc.WithSchema(Schema[T]()))
		if err != nil {
			yield(nil, fmt.Errorf("read spool: %w", err))
			return
		}
		defer r.Release()
		for r.Next() {
			if !yield(Rows[T](r.Record()), nil) {
				return
			}
		}
		if err := cmp.Or(r.Err(), ended(f)); err != nil {
			yield(nil, fmt.Errorf("read spool: %w", err))
		}
	}
}
