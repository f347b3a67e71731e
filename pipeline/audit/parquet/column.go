package parquet

import (
	"fmt"
	"reflect"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"

	"lethe/pipeline/audit"
)

const (
	// newStrings is how many strings of a column that were not seen before go to the gate at once;
	// seenStrings, how many are remembered.
	newStrings  = 1 << 12
	seenStrings = 1 << 16
	// dictEntries and dictBytes bound the dictionary that a column keeps for itself; beyond them the
	// values go to the writer one by one.
	dictEntries = 1 << 12
	dictBytes   = 1 << 19
)

// column holds the buffers of one column, filled anew for each chunk.
type column struct {
	field  arrow.Field
	index  int
	text   []byte
	values []parquet.ByteArray
	fixed  []parquet.FixedLenByteArray
	longs  []int64
	ints   []int32
	floats []float64
	bools  []bool
	levels []int16
	seen   map[string]struct{}
	fresh  []string // not yet judged by the gate
	hits   []error
}

// dictionary numbers the strings of one column in the order in which the Parquet writer saw them first,
// so that it can be given numbers: the writer's own table costs an allocation for each value.
type dictionary struct {
	index map[string]int32
	bytes int
	last  string
	at    int32 // of last
}

// write puts one column of the rows (a slice of structs) into a column writer.
func (c *column) write(w file.ColumnChunkWriter, rows reflect.Value, dict *dictionary) error {
	var err error
	switch w := w.(type) {
	case *file.ByteArrayColumnChunkWriter:
		if c.field.Type.ID() == arrow.STRING {
			return c.writeStrings(w, rows, dict)
		}
		c.values = gather(c, c.values, rows, func(f reflect.Value) parquet.ByteArray { return f.Bytes() })
		_, err = w.WriteBatch(c.values, nil, nil)
	case *file.FixedLenByteArrayColumnChunkWriter:
		c.fixed = gather(c, c.fixed, rows, func(f reflect.Value) parquet.FixedLenByteArray {
			return f.Slice(0, f.Len()).Bytes()
		})
		_, err = w.WriteBatch(c.fixed, nil, nil)
	case *file.Int64ColumnChunkWriter:
		if c.field.Nullable {
			c.fillTimes(rows)
			_, err = w.WriteBatch(c.longs, c.levels, nil)
			break
		}
		c.longs = gather(c, c.longs, rows, reflect.Value.Int)
		_, err = w.WriteBatch(c.longs, nil, nil)
	case *file.Int32ColumnChunkWriter:
		c.ints = gather(c, c.ints, rows, func(f reflect.Value) int32 { return int32(f.Int()) })
		_, err = w.WriteBatch(c.ints, nil, nil)
	case *file.Float64ColumnChunkWriter:
		c.floats = gather(c, c.floats, rows, reflect.Value.Float)
		_, err = w.WriteBatch(c.floats, nil, nil)
	case *file.BooleanColumnChunkWriter:
		c.bools = gather(c, c.bools, rows, reflect.Value.Bool)
		_, err = w.WriteBatch(c.bools, nil, nil)
	default:
		err = fmt.Errorf("no writer for %T", w)
	}
	return err
}

// gather fills a buffer with a column's values.
func gather[V any](c *column, buffer []V, rows reflect.Value, value func(reflect.Value) V) []V {
	buffer = buffer[:0]
	for i := range rows.Len() {
		buffer = append(buffer, value(rows.Index(i).Field(c.index)))
	}
	return buffer
}

// writeStrings writes runs of known strings as numbers of the dictionary, and each new one as itself,
// which teaches the writer its number.
func (c *column) writeStrings(w *file.ByteArrayColumnChunkWriter, rows reflect.Value, d *dictionary) error {
	if d.index == nil {
		d.index = map[string]int32{}
	}
	c.ints = c.ints[:0]
	n := rows.Len()
	for i := range n {
		v := rows.Index(i).Field(c.index).String()
		if v != d.last || len(d.index) == 0 {
			at, known := d.index[v]
			if !known {
				c.note(v)
				if err := c.writeIndices(w); err != nil {
					return err
				}
				if len(d.index) >= dictEntries || d.bytes+len(v) > dictBytes {
					return c.writePlain(w, rows, i)
				}
				c.values = append(c.values[:0], parquet.ByteArray(v))
				if _, err := w.WriteBatch(c.values, nil, nil); err != nil {
					return err
				}
				d.last, d.at, d.bytes = v, int32(len(d.index)), d.bytes+len(v)
				d.index[v] = d.at
				continue
			}
			d.last, d.at = v, at
		}
		c.ints = append(c.ints, d.at)
	}
	return c.writeIndices(w)
}

// writeIndices writes the numbers that wait in ints.
func (c *column) writeIndices(w *file.ByteArrayColumnChunkWriter) error {
	if len(c.ints) == 0 {
		return nil
	}
	bytes := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.ints))
	data := array.NewData(arrow.PrimitiveTypes.Int32, len(c.ints), []*memory.Buffer{nil, bytes}, nil, 0, 0)
	defer data.Release()
	numbers := array.NewInt32Data(data)
	defer numbers.Release()
	c.ints = c.ints[:0]
	return w.WriteDictIndices(numbers, nil, nil)
}

// writePlain writes the strings from row i on as they are.
func (c *column) writePlain(w *file.ByteArrayColumnChunkWriter, rows reflect.Value, i int) error {
	c.text, c.longs, c.values = c.text[:0], c.longs[:0], c.values[:0]
	for ; i < rows.Len(); i++ {
		v := rows.Index(i).Field(c.index).String()
		c.note(v)
		c.text = append(c.text, v...)
		c.longs = append(c.longs, int64(len(c.text)))
	}
	from := int64(0)
	for _, to := range c.longs {
		c.values = append(c.values, c.text[from:to:to])
		from = to
	}
	_, err := w.WriteBatch(c.values, nil, nil)
	return err
}

// note remembers a string that the gate has to see.
func (c *column) note(v string) {
	if _, known := c.seen[v]; known || v == "" {
		return
	}
	if len(c.seen) >= seenStrings {
		clear(c.seen)
	}
	c.seen[v] = struct{}{}
	c.fresh = append(c.fresh, v)
}

// fillTimes puts the instants into longs; those that are zero have the level of a null and no value.
func (c *column) fillTimes(rows reflect.Value) {
	c.longs, c.levels = c.longs[:0], c.levels[:0]
	for i := range rows.Len() {
		t := rows.Index(i).Field(c.index).Addr().Interface().(*time.Time)
		if t.IsZero() {
			c.levels = append(c.levels, 0)
			continue
		}
		c.levels = append(c.levels, 1)
		c.longs = append(c.longs, t.UnixMicro())
	}
}

// judge has the gate see the strings that it has not seen.
func (c *column) judge(gate audit.Gate, table string) {
	if len(c.fresh) == 0 {
		return
	}
	if err := gate.Check(table, c.field.Name, c.fresh); err != nil && len(c.hits) < 10 {
		c.hits = append(c.hits, err)
	}
	c.fresh = nil
}
