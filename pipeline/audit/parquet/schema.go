package parquet

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"
)

// schemaOf is the Parquet schema of a table. (pqarrow would make it as well, and brings a
// quarter of the program's size with it.) The root is required: the format gives it no repetition,
// which this library cannot write, and a repeated root is refused by strict readers.
func schemaOf(table *arrow.Schema) (*schema.GroupNode, error) {
	nodes := make(schema.FieldList, table.NumFields())
	for i, f := range table.Fields() {
		repetition := parquet.Repetitions.Required
		if f.Nullable {
			repetition = parquet.Repetitions.Optional
		}
		physical, logical, length, err := typeOf(f.Type)
		if err == nil {
			nodes[i], err = schema.NewPrimitiveNodeLogical(f.Name, repetition, logical, physical, length, -1)
		}
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", f.Name, err)
		}
	}
	return schema.NewGroupNode("schema", parquet.Repetitions.Required, nodes, -1)
}

// typeOf is how values of an Arrow type stand in a file; the length is that of fixed bytes, -1
// of all else.
func typeOf(t arrow.DataType) (parquet.Type, schema.LogicalType, int, error) {
	var none schema.LogicalType = schema.NoLogicalType{}
	switch t := t.(type) {
	case *arrow.TimestampType:
		return parquet.Types.Int64, schema.NewTimestampLogicalType(true, schema.TimeUnitMicros), -1, nil
	case *arrow.FixedSizeBinaryType:
		return parquet.Types.FixedLenByteArray, none, t.ByteWidth, nil
	case *arrow.StringType:
		return parquet.Types.ByteArray, schema.StringLogicalType{}, -1, nil
	case *arrow.BinaryType:
		return parquet.Types.ByteArray, none, -1, nil
	case *arrow.Int64Type:
		return parquet.Types.Int64, schema.NewIntLogicalType(64, true), -1, nil
	case *arrow.Int32Type:
		return parquet.Types.Int32, schema.NewIntLogicalType(32, true), -1, nil
	case *arrow.Float64Type:
		return parquet.Types.Double, none, -1, nil
	case *arrow.BooleanType:
		return parquet.Types.Boolean, none, -1, nil
	}
	return parquet.Types.Undefined, none, -1, fmt.Errorf("no Parquet type for %s", t)
}
