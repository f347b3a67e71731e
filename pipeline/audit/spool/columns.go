package spool

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/pipeline/audit"
)

// Schema returns the Arrow schema of a table's row type: one column for each field, named in snake case.
// time.Time is a timestamp in microseconds UTC (null when zero), Ref 32 fixed bytes, a text the number of one of the
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
	for i := range rows {
		v := reflect.ValueOf(&rows[i]).Elem()
		for c := range v.NumField() {
			f := v.Field(c)
			switch col := b.Field(c).(type) {
			case *array.BinaryDictionaryBuilder:
				if err := col.AppendString(f.String()); err != nil {
					return err
				}
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
	return nil
}

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
// files of earlier builds.
func sameType(in, want arrow.DataType) bool {
	return arrow.TypeEqual(in, want) || want.ID() == arrow.DICTIONARY && in.ID() == arrow.STRING
}

// rowsOf copies a record of Schema[T] into rows. Rows with the same text share it.
func rowsOf[T any](rec arrow.Record, at []int) []T {
	rows := make([]T, rec.NumRows())
	all := reflect.ValueOf(rows)
	for c, place := range at {
		read(all, c, rec.Column(place))
	}
	return rows
}

// read copies a column of a record into a field of all rows.
func read(rows reflect.Value, field int, column arrow.Array) {
	each := func(do func(i int, f reflect.Value)) {
		for i := range rows.Len() {
			do(i, rows.Index(i).Field(field))
		}
	}
	switch col := column.(type) {
	case *array.Dictionary:
		texts := col.Dictionary().(*array.String)
		own := make([]string, texts.Len())
		for i := range own {
			own[i] = strings.Clone(texts.Value(i))
		}
		each(func(i int, f reflect.Value) { f.SetString(own[col.GetValueIndex(i)]) })
	case *array.String:
		last := ""
		each(func(i int, f reflect.Value) {
			if text := col.Value(i); text != last {
				last = strings.Clone(text)
			}
			f.SetString(last)
		})
	case *array.Int64:
		each(func(i int, f reflect.Value) { f.SetInt(col.Value(i)) })
	case *array.Int32:
		each(func(i int, f reflect.Value) { f.SetInt(int64(col.Value(i))) })
	case *array.Float64:
		each(func(i int, f reflect.Value) { f.SetFloat(col.Value(i)) })
	case *array.Boolean:
		each(func(i int, f reflect.Value) { f.SetBool(col.Value(i)) })
	case *array.FixedSizeBinary:
		each(func(i int, f reflect.Value) { *f.Addr().Interface().(*audit.Ref) = audit.Ref(col.Value(i)) })
	case *array.Binary:
		each(func(i int, f reflect.Value) { f.SetBytes(append([]byte(nil), col.Value(i)...)) })
	case *array.Timestamp:
		each(func(i int, f reflect.Value) {
			if col.IsValid(i) {
				*f.Addr().Interface().(*time.Time) = time.UnixMicro(int64(col.Value(i))).UTC()
			}
		})
	}
}
