package spool

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/pipeline/audit"
)

// Schema returns the Arrow schema of a table's row type: one column for each field, named in snake case.
// time.Time is a timestamp in microseconds UTC (null when zero), Ref fixed bytes, a text the number of one of the
// texts of its batch, since most are repeated; the rest as their Go types.
func Schema[T any]() *arrow.Schema {
	t := reflect.TypeFor[T]()
	fields := make([]arrow.Field, t.NumField())
	for i := range fields {
		f := t.Field(i)
		fields[i] = arrow.Field{Name: audit.Snake(f.Name), Type: columnType(f.Type), Nullable: f.Type == timeType}
	}
	return arrow.NewSchema(fields, nil)
}

var (
	timeType = reflect.TypeFor[time.Time]()
	refType  = reflect.TypeFor[audit.Ref]()
)

func columnType(t reflect.Type) arrow.DataType {
	switch {
	case t == timeType:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	case t == refType:
		return &arrow.FixedSizeBinaryType{ByteWidth: len(audit.Ref{})}
	}
	switch t.Kind() {
	case reflect.String:
		return &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
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
	panic("spool: no column type for " + t.String())
}

// appendRows adds rows to an Arrow builder of Schema[T].
func appendRows[T any](b *array.RecordBuilder, rows []T) error {
	t := reflect.TypeFor[T]()
	for c := range t.NumField() {
		if err := appendColumn(b.Field(c), fieldOf(rows, t.Field(c))); err != nil {
			return err
		}
	}
	return nil
}

func appendColumn(to array.Builder, from cells) error {
	switch col := to.(type) {
	case *array.BinaryDictionaryBuilder:
		for i := range from.rows {
			if err := col.AppendString(*at[string](from, i)); err != nil {
				return err
			}
		}
	case *array.Int64Builder:
		each(from, col.Append)
	case *array.Int32Builder:
		each(from, col.Append)
	case *array.Float64Builder:
		each(from, col.Append)
	case *array.BooleanBuilder:
		each(from, col.Append)
	case *array.FixedSizeBinaryBuilder:
		each(from, func(r audit.Ref) { col.Append(r[:]) })
	case *array.BinaryBuilder:
		each(from, col.Append)
	case *array.TimestampBuilder:
		each(from, func(t time.Time) {
			if t.IsZero() {
				col.AppendNull()
			} else {
				col.Append(arrow.Timestamp(t.UnixMicro()))
			}
		})
	}
	return nil
}

// each hands the values of cells over.
func each[V any](from cells, to func(V)) {
	for i := range from.rows {
		to(*at[V](from, i))
	}
}

// cells are one field of many rows: there are so many that to find each anew by its name costs more than to copy it.
type cells struct {
	first unsafe.Pointer
	apart uintptr // one row from the next
	rows  int
}

// fieldOf are the cells of a field, whose type is one of columnType.
func fieldOf[T any](rows []T, f reflect.StructField) cells {
	return cells{unsafe.Add(unsafe.Pointer(unsafe.SliceData(rows)), f.Offset), reflect.TypeFor[T]().Size(), len(rows)}
}

// at is the cell of a row.
func at[V any](c cells, row int) *V { return (*V)(unsafe.Add(c.first, uintptr(row)*c.apart)) }

// begin empties a builder for the next batch, whose texts are numbered anew: those of all would be kept in memory.
func begin(b *array.RecordBuilder) {
	for _, col := range b.Fields() {
		if texts, ok := col.(*array.BinaryDictionaryBuilder); ok {
			texts.ResetFull()
		}
	}
}

// placesOf says where in a file the columns of T stand. Columns that T has not are those of an earlier build.
func placesOf[T any](file *arrow.Schema) ([]int, error) {
	var at []int
	for _, want := range Schema[T]().Fields() {
		found := file.FieldIndices(want.Name)
		if len(found) != 1 || !sameType(file.Field(found[0]).Type, want.Type) {
			return nil, fmt.Errorf("column %s is not in the file as it should be", want.Name)
		}
		at = append(at, found[0])
	}
	return at, nil
}

// sameType reports whether a column of a file can be read as one of another type: texts stood there as they are in
// files of earlier builds, and references with all of their bytes.
func sameType(in, want arrow.DataType) bool {
	return arrow.TypeEqual(in, want) || want.ID() == arrow.DICTIONARY && in.ID() == arrow.STRING ||
		want.ID() == arrow.FIXED_SIZE_BINARY && arrow.TypeEqual(in, wholeRef)
}

// wholeRef is how references stood in files of earlier builds; those of now are the first of their bytes.
var wholeRef = &arrow.FixedSizeBinaryType{ByteWidth: 32}

// rowsOf copies a record of Schema[T] into rows, which take the place of others. Rows with the same text share it.
func rowsOf[T any](rows []T, rec arrow.Record, places []int) []T {
	rows = slices.Grow(rows[:0], int(rec.NumRows()))[:rec.NumRows()]
	for c, place := range places {
		read(fieldOf(rows, reflect.TypeFor[T]().Field(c)), rec.Column(place))
	}
	return rows
}

// read copies a column of a record into a field of all rows.
func read(to cells, column arrow.Array) {
	switch col := column.(type) {
	case *array.Dictionary:
		texts := col.Dictionary().(*array.String)
		own := make([]string, texts.Len())
		for i := range own {
			own[i] = strings.Clone(texts.Value(i))
		}
		numbers := col.Indices().(*array.Int32).Int32Values() // as the schema has them
		fill(to, func(i int) string { return own[numbers[i]] })
	case *array.String:
		last := ""
		fill(to, func(i int) string {
			if text := col.Value(i); text != last {
				last = strings.Clone(text)
			}
			return last
		})
	case *array.Int64:
		fill(to, col.Value)
	case *array.Int32:
		fill(to, col.Value)
	case *array.Float64:
		fill(to, col.Value)
	case *array.Boolean:
		fill(to, col.Value)
	case *array.FixedSizeBinary:
		fill(to, func(i int) (r audit.Ref) { copy(r[:], col.Value(i)); return r })
	case *array.Binary:
		fill(to, func(i int) []byte { return append([]byte(nil), col.Value(i)...) })
	case *array.Timestamp:
		fill(to, func(i int) (t time.Time) {
			if col.IsValid(i) {
				t = time.UnixMicro(int64(col.Value(i))).UTC()
			}
			return t
		})
	}
}

// fill puts values into cells.
func fill[V any](to cells, value func(row int) V) {
	for i := range to.rows {
		*at[V](to, i) = value(i)
	}
}
