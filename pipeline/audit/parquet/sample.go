package parquet

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"lethe/pipeline/audit"
)

// sampleRows is of how many rows, the first of each file, every cell is compared with what was to be written: of most
// files all.
const sampleRows = 1 << 9

// sampler looks at what the reader found in the first rows of a column: its values, and which of them go on with the
// list of the one before.
type sampler func(column int, values []any, repeats []int32) error

var errCell = errors.New("it does not hold what was written")

// sampler compares the first rows of a file, read back, with those that were added.
func (t *Table[T]) sampler(first []T) sampler {
	rows := reflect.ValueOf(first)
	return func(column int, values []any, repeats []int32) error {
		if column >= len(t.columns) {
			return fmt.Errorf("column %d is not of the table", column)
		}
		c, at := t.columns[column], 0
		for row := range rows.Len() {
			for i, want := range c.cells(rows.Index(row).Field(c.Field)) {
				if at >= len(values) || (repeats[at] != 0) != (i > 0) || values[at] != want {
					return fmt.Errorf("column %s, row %d: %w", c.Name, row, errCell)
				}
				at++
			}
		}
		if at < len(repeats) && repeats[at] != 0 {
			return fmt.Errorf("column %s, row %d: %w", c.Name, rows.Len()-1, errCell)
		}
		return nil
	}
}

// cells are the values in which another reader finds a field of a row: more than one of a list.
func (c *column) cells(f reflect.Value) []any {
	if c.Kind != audit.List {
		return []any{c.cell(f)}
	}
	if f.String() == "" {
		return []any{nil}
	}
	var parts []any
	for part := range strings.SplitSeq(f.String(), ";") {
		parts = append(parts, part)
	}
	return parts
}

// cell is the value of a field that is no list; nil is NULL.
func (c *column) cell(f reflect.Value) any {
	if f.IsZero() && c.Nullable || c.Kind == audit.Bytes && f.Len() == 0 {
		return nil
	}
	switch c.Kind {
	case audit.Day:
		n, _ := audit.DayNumber(f.String()) // what is none is refused when it is written
		return n
	case audit.Instant:
		at := f.Interface().(time.Time)
		if at.IsZero() {
			return nil
		}
		return at.UnixMicro()
	case audit.Reference:
		ref := f.Interface().(audit.Ref)
		return string(ref[:])
	case audit.Bytes:
		return string(f.Bytes())
	case audit.Int:
		return int32(f.Int())
	case audit.Long:
		if f.Kind() == reflect.String {
			n, _ := audit.Number(f.String()) // what is none is refused when it is written
			return n
		}
	case audit.Decimal:
		return int64(math.Round(f.Float() * math.Pow10(c.Scale)))
	}
	return f.Interface()
}
