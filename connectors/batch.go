package connectors

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// BatchBytes is the size of values at which a connector ends a batch.
const BatchBytes = 8 << 20

// Builder fills the offset and value buffers of a batch and wraps them as Arrow arrays. It is reused from
// batch to batch: a batch is valid until the next Append. Arrow's own builders cost as much as a driver.
type Builder struct {
	table   string
	schema  *arrow.Schema
	columns []column
	rows    int
	bytes   int
	sealed  bool
}

type column struct {
	offsets []int32
	data    []byte
	valid   []byte
	nulls   int
}

// NewBuilder makes a builder for the named fields of t; nil means all of them. A name that t lacks is
// ErrSchemaChanged.
func NewBuilder(t Table, fields []string) (*Builder, error) {
	if fields == nil {
		for _, f := range t.Fields {
			fields = append(fields, f.Name)
		}
	}
	known := make(map[string]Field, len(t.Fields))
	for _, f := range t.Fields {
		known[f.Name] = f
	}
	af := make([]arrow.Field, len(fields))
	for i, name := range fields {
		f, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("table %s has no field %s: %w", t.Name, name, ErrSchemaChanged)
		}
		af[i] = arrow.Field{Name: name, Type: arrow.BinaryTypes.Binary, Nullable: true,
			Metadata: arrow.NewMetadata([]string{"kind"}, []string{string(f.Kind)})}
	}
	b := &Builder{table: t.Name, schema: arrow.NewSchema(af, nil), columns: make([]column, len(fields))}
	b.reset()
	return b, nil
}

func (b *Builder) reset() {
	for i := range b.columns {
		c := &b.columns[i]
		c.offsets = append(c.offsets[:0], 0)
		c.data, c.valid, c.nulls = c.data[:0], c.valid[:0], 0
	}
	b.rows, b.bytes, b.sealed = 0, 0, false
}

// Append adds a value, which is copied, to a column of the row at hand.
func (b *Builder) Append(col int, v []byte) {
	if b.sealed {
		b.reset()
	}
	c := &b.columns[col]
	c.mark(true)
	c.data = append(c.data, v...)
	c.offsets = append(c.offsets, int32(len(c.data)))
	b.bytes += len(v)
}

// AppendNull adds NULL to a column of the row at hand.
func (b *Builder) AppendNull(col int) {
	if b.sealed {
		b.reset()
	}
	c := &b.columns[col]
	c.mark(false)
	c.offsets = append(c.offsets, int32(len(c.data)))
	c.nulls++
}

func (c *column) mark(valid bool) {
	i := len(c.offsets) - 1
	if i&7 == 0 {
		c.valid = append(c.valid, 0)
	}
	if valid {
		c.valid[i>>3] |= 1 << (i & 7)
	}
}

// EndRow ends the row; every column must have got its value.
func (b *Builder) EndRow() {
	if b.sealed { // a row of no columns
		b.reset()
	}
	b.rows++
}

// Rows returns the number of ended rows since the last Batch.
func (b *Builder) Rows() int {
	if b.sealed {
		return 0
	}
	return b.rows
}

// Full reports whether the batch should end: at maxRows rows (0: no limit) or at BatchBytes.
func (b *Builder) Full(maxRows int) bool {
	return !b.sealed && (maxRows > 0 && b.rows >= maxRows || b.bytes >= BatchBytes)
}

// Batch wraps the ended rows. The batch is valid until the next Append or AppendNull.
func (b *Builder) Batch(next Cursor) Batch {
	if b.sealed {
		b.reset()
	}
	arrays := make([]arrow.Array, len(b.columns))
	for i := range b.columns {
		arrays[i] = b.columns[i].array(b.rows)
	}
	b.sealed = true
	return Batch{Table: b.table, Rows: array.NewRecord(b.schema, arrays, int64(b.rows)), Next: next}
}

func (c *column) array(rows int) *array.Binary {
	var valid *memory.Buffer
	if c.nulls > 0 {
		valid = memory.NewBufferBytes(c.valid)
	}
	buffers := []*memory.Buffer{valid, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.offsets)),
		memory.NewBufferBytes(c.data)}
	return array.NewBinaryData(array.NewData(arrow.BinaryTypes.Binary, rows, buffers, nil, c.nulls, 0))
}

// Column builds one array of values, for an Assignment. The zero value is ready; Reset reuses it.
type Column struct{ c column }

// Append adds a value, which is copied.
func (c *Column) Append(v []byte) {
	c.start()
	c.c.mark(true)
	c.c.data = append(c.c.data, v...)
	c.c.offsets = append(c.c.offsets, int32(len(c.c.data)))
}

// AppendNull adds NULL.
func (c *Column) AppendNull() {
	c.start()
	c.c.mark(false)
	c.c.offsets = append(c.c.offsets, int32(len(c.c.data)))
	c.c.nulls++
}

func (c *Column) start() {
	if len(c.c.offsets) == 0 {
		c.c.offsets = append(c.c.offsets, 0)
	}
}

// Array wraps what was appended; it is valid until Reset.
func (c *Column) Array() *array.Binary {
	c.start()
	return c.c.array(len(c.c.offsets) - 1)
}

// Reset empties the column and keeps its buffers.
func (c *Column) Reset() {
	c.c.offsets, c.c.data, c.c.valid, c.c.nulls = c.c.offsets[:0], c.c.data[:0], c.c.valid[:0], 0
}
