package parquet

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
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
	audit.Column
	index   int // of the file's column, and of the row's field
	text    []byte
	values  []parquet.ByteArray
	fixed   []parquet.FixedLenByteArray
	longs   []int64
	ints    []int32
	floats  []float64
	bools   []bool
	levels  []int16 // of the values at hand; nil where none can be NULL
	room    []int16 // for levels
	repeats []int16 // of lists
	valid   []byte
	nulls   int // among ints
	seen    map[string]struct{}
	fresh   []string // not yet judged by the gate
	hits    []error
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
		switch c.Kind {
		case audit.Text:
			return c.writeStrings(w, rows, dict)
		case audit.List:
			return c.writeLists(w, rows)
		}
		c.values = gather(c, c.values, rows, func(f reflect.Value) (parquet.ByteArray, bool) {
			return f.Bytes(), f.Len() > 0
		})
		_, err = w.WriteBatch(c.values, c.levels, nil)
	case *file.FixedLenByteArrayColumnChunkWriter:
		c.fixed = gather(c, c.fixed, rows, func(f reflect.Value) (parquet.FixedLenByteArray, bool) {
			return f.Slice(0, f.Len()).Bytes(), true
		})
		_, err = w.WriteBatch(c.fixed, c.levels, nil)
	case *file.Int64ColumnChunkWriter:
		if c.longs, err = c.gatherLongs(rows); err == nil {
			_, err = w.WriteBatch(c.longs, c.levels, nil)
		}
	case *file.Int32ColumnChunkWriter:
		if c.Kind == audit.Day {
			return c.writeDays(w, rows)
		}
		c.ints = gather(c, c.ints, rows, func(f reflect.Value) (int32, bool) { return int32(f.Int()), f.Int() != 0 })
		_, err = w.WriteBatch(c.ints, c.levels, nil)
	case *file.Float64ColumnChunkWriter:
		c.floats = gather(c, c.floats, rows, func(f reflect.Value) (float64, bool) { return f.Float(), true })
		_, err = w.WriteBatch(c.floats, c.levels, nil)
	case *file.BooleanColumnChunkWriter:
		c.bools = gather(c, c.bools, rows, func(f reflect.Value) (bool, bool) { return f.Bool(), true })
		_, err = w.WriteBatch(c.bools, c.levels, nil)
	default:
		err = fmt.Errorf("no writer for %T", w)
	}
	return err
}

// texts finds the texts of a column in rows: there are so many that to ask reflect for each costs more than to write
// it.
func (c *column) texts(rows reflect.Value) func(row int) string {
	t := rows.Type().Elem()
	first, apart := unsafe.Add(rows.UnsafePointer(), t.Field(c.Field).Offset), t.Size()
	if t.Field(c.Field).Type.Kind() != reflect.String {
		panic("parquet: no text: " + c.Name)
	}
	return func(row int) string { return *(*string)(unsafe.Add(first, uintptr(row)*apart)) }
}

// different is how many bytes the different texts of a column have.
func (c *column) different(rows reflect.Value) (bytes int) {
	if c.Kind != audit.Text && c.Kind != audit.List {
		return 0
	}
	texts := map[string]bool{}
	for i := range rows.Len() {
		if text := rows.Index(i).Field(c.Field).String(); !texts[text] {
			texts[text] = true
			bytes += len(text)
		}
	}
	return bytes
}

// gather fills a buffer with a column's values. Where the column is nullable, those that are not there have the level
// of a null and no value.
func gather[V any](c *column, buffer []V, rows reflect.Value, value func(reflect.Value) (V, bool)) []V {
	buffer, c.levels = buffer[:0], nil
	if c.Nullable {
		c.levels = c.room[:0]
	}
	for i := range rows.Len() {
		v, there := value(rows.Index(i).Field(c.Field))
		if there || !c.Nullable {
			buffer = append(buffer, v)
		}
		if c.Nullable {
			c.levels = append(c.levels, level(there))
		}
	}
	if c.Nullable {
		c.room = c.levels
	}
	return buffer
}

func level(there bool) int16 {
	if there {
		return 1
	}
	return 0
}

// gatherLongs gathers values that take 64 bits. A text that is no number is an error: it must not pass for an unknown
// one.
func (c *column) gatherLongs(rows reflect.Value) (longs []int64, err error) {
	value := c.long
	if c.Kind == audit.Long && rows.Type().Elem().Field(c.Field).Type.Kind() == reflect.String {
		value = func(f reflect.Value) (int64, bool) {
			n, failed := audit.Number(f.String())
			if failed != nil {
				err = failed
			}
			return n, f.Len() > 0
		}
	}
	return gather(c, c.longs, rows, value), err
}

// long is a value that takes 64 bits.
func (c *column) long(f reflect.Value) (int64, bool) {
	switch c.Kind {
	case audit.Instant:
		t := f.Addr().Interface().(*time.Time)
		return t.UnixMicro(), !t.IsZero()
	case audit.Decimal:
		return int64(math.Round(f.Float() * math.Pow10(c.Scale))), f.Float() != 0
	}
	return f.Int(), f.Int() != 0
}

// writeDays writes civil dates. A text that is none is an error: it must not pass for an unknown one.
func (c *column) writeDays(w *file.Int32ColumnChunkWriter, rows reflect.Value) error {
	var wrong error
	last, number := "", int32(0)
	c.ints = gather(c, c.ints, rows, func(f reflect.Value) (int32, bool) {
		if day := f.String(); day != last {
			n, err := audit.DayNumber(day)
			if err != nil && day != "" {
				wrong = err
			}
			last, number = day, n
		}
		return number, last != ""
	})
	if wrong != nil {
		return wrong
	}
	_, err := w.WriteBatch(c.ints, c.levels, nil)
	return err
}

// writeLists writes lists of texts.
func (c *column) writeLists(w *file.ByteArrayColumnChunkWriter, rows reflect.Value) error {
	c.values, c.levels, c.repeats = c.values[:0], c.room[:0], c.repeats[:0]
	last, parts := "", []parquet.ByteArray(nil) // many rows have what the one before has
	of := c.texts(rows)
	for i := range rows.Len() {
		text := of(i)
		if text == "" {
			c.levels, c.repeats = append(c.levels, 0), append(c.repeats, 0)
			continue
		}
		if text != last {
			last, parts = text, nil
			for part := range strings.SplitSeq(text, ";") {
				c.note(part)
				parts = append(parts, parquet.ByteArray(part))
			}
		}
		c.values = append(c.values, parts...)
		for again := range parts {
			c.levels, c.repeats = append(c.levels, 1), append(c.repeats, int16(min(again, 1)))
		}
	}
	c.room = c.levels
	_, err := w.WriteBatch(c.values, c.levels, c.repeats)
	return err
}

// writeStrings writes runs of known strings as numbers of the dictionary, and each new one as itself,
// which teaches the writer its number. An empty one is NULL.
func (c *column) writeStrings(w *file.ByteArrayColumnChunkWriter, rows reflect.Value, d *dictionary) error {
	if d.index == nil {
		d.index = map[string]int32{}
	}
	c.ints, c.levels, c.nulls = c.ints[:0], c.room[:0], 0
	of := c.texts(rows)
	for i := range rows.Len() {
		v := of(i)
		if v == "" {
			c.ints, c.levels = append(c.ints, 0), append(c.levels, 0)
			c.nulls++
			continue
		}
		if v != d.last {
			at, known := d.index[v]
			if !known {
				c.note(v)
				if err := c.writeIndices(w); err != nil {
					return err
				}
				if len(d.index) >= dictEntries || d.bytes+len(v) > dictBytes {
					return c.writePlain(w, rows, i)
				}
				c.values, c.levels = append(c.values[:0], parquet.ByteArray(v)), append(c.levels[:0], 1)
				if _, err := w.WriteBatch(c.values, c.levels, nil); err != nil {
					return err
				}
				c.levels = c.levels[:0]
				d.last, d.at, d.bytes = v, int32(len(d.index)), d.bytes+len(v)
				d.index[v] = d.at
				continue
			}
			d.last, d.at = v, at
		}
		c.ints, c.levels = append(c.ints, d.at), append(c.levels, 1)
	}
	return c.writeIndices(w)
}

// writeIndices writes the numbers that wait in ints, with the nulls among them.
func (c *column) writeIndices(w *file.ByteArrayColumnChunkWriter) error {
	n := len(c.ints)
	if n == 0 {
		return nil
	}
	var valid *memory.Buffer
	if c.nulls > 0 {
		c.valid = append(c.valid[:0], make([]byte, bitutil.BytesForBits(int64(n)))...)
		for i, l := range c.levels {
			if l == 1 {
				bitutil.SetBit(c.valid, i)
			}
		}
		valid = memory.NewBufferBytes(c.valid)
	}
	bytes := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.ints))
	data := array.NewData(arrow.PrimitiveTypes.Int32, n, []*memory.Buffer{valid, bytes}, nil, c.nulls, 0)
	defer data.Release()
	numbers := array.NewInt32Data(data)
	defer numbers.Release()
	levels := c.levels
	c.room, c.ints, c.levels, c.nulls = levels, c.ints[:0], levels[:0], 0
	return w.WriteDictIndices(numbers, levels, nil)
}

// writePlain writes the strings from row i on as they are.
func (c *column) writePlain(w *file.ByteArrayColumnChunkWriter, rows reflect.Value, i int) error {
	c.text, c.longs, c.values, c.levels = c.text[:0], c.longs[:0], c.values[:0], c.room[:0]
	of := c.texts(rows)
	for ; i < rows.Len(); i++ {
		v := of(i)
		c.levels = append(c.levels, level(v != ""))
		if v == "" {
			continue
		}
		c.note(v)
		c.text = append(c.text, v...)
		c.longs = append(c.longs, int64(len(c.text)))
	}
	from := int64(0)
	for _, to := range c.longs {
		c.values = append(c.values, c.text[from:to:to])
		from = to
	}
	c.room = c.levels
	_, err := w.WriteBatch(c.values, c.levels, nil)
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

// judge has the gate see the strings that it has not seen.
func (c *column) judge(gate audit.Gate, table string) {
	if len(c.fresh) == 0 {
		return
	}
	if err := gate.Check(table, c.Name, c.fresh); err != nil && len(c.hits) < 10 {
		c.hits = append(c.hits, err)
	}
	c.fresh = nil
}
