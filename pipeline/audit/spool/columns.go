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
// time.Time is a timestamp in microseconds UTC (null when zero), Ref 32 fixed bytes, the rest as their
// Go types.
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
	panic("spool: no column type for " + t.String())
}

// appendRows adds rows to an Arrow builder of Schema[T].
func appendRows[T any](b *array.RecordBuilder, rows []T) {
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

// placesOf says where in a file the columns of T stand. Columns that T has not are those of an earlier build.
func placesOf[T any](file *arrow.Schema) ([]int, error) {
	var at []int
	for _, want := range Schema[T]().Fields() {
		found := file.FieldIndices(want.Name)
		if len(found) != 1 || !arrow.TypeEqual(file.Field(found[0]).Type, want.Type) {
			return nil, fmt.Errorf("column %s is not in the file as it should be", want.Name)
		}
		at = append(at, found[0])
	}
	return at, nil
}

// rowsOf copies a record of Schema[T] into rows.
func rowsOf[T any](rec arrow.Record, at []int) []T {
	rows := make([]T, rec.NumRows())
	for i := range rows {
		v := reflect.ValueOf(&rows[i]).Elem()
		for c := range v.NumField() {
			f := v.Field(c)
			switch col := rec.Column(at[c]).(type) {
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
