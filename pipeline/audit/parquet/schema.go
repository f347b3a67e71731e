package parquet

import (
	"fmt"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"lethe/pipeline/audit"
)

// schemaOf is the Parquet schema of a table. (pqarrow would make it as well, and brings a
// quarter of the program's size with it.) The root is required: the format gives it no repetition,
// which this library cannot write, and a repeated root is refused by strict readers.
func schemaOf(columns []audit.Column) (*schema.GroupNode, error) {
	nodes := make(schema.FieldList, len(columns))
	for i, c := range columns {
		var err error
		if nodes[i], err = nodeOf(c); err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	return schema.NewGroupNode("schema", parquet.Repetitions.Required, nodes, -1)
}

// nodeOf is how a column stands in the schema. A list has the three levels that the format asks for.
func nodeOf(c audit.Column) (schema.Node, error) {
	repetition := parquet.Repetitions.Required
	if c.Nullable {
		repetition = parquet.Repetitions.Optional
	}
	if c.Kind != audit.List {
		physical, logical, length := typeOf(c)
		return schema.NewPrimitiveNodeLogical(c.Name, repetition, logical, physical, length, -1)
	}
	element, err := schema.NewPrimitiveNodeLogical("element", parquet.Repetitions.Required, schema.StringLogicalType{},
		parquet.Types.ByteArray, -1, -1)
	if err != nil {
		return nil, err
	}
	list, err := schema.NewGroupNode("list", parquet.Repetitions.Repeated, schema.FieldList{element}, -1)
	if err != nil {
		return nil, err
	}
	return schema.NewGroupNodeLogical(c.Name, repetition, schema.FieldList{list}, schema.NewListLogicalType(), -1)
}

// leaf is the path of the column that holds the values.
func leaf(c audit.Column) string {
	if c.Kind == audit.List {
		return c.Name + ".list.element"
	}
	return c.Name
}

// digits is the precision of a decimal: the most that 64 bits hold.
const digits = 18

// typeOf is how values of a column stand in a file; the length is that of fixed bytes, -1 of all else.
func typeOf(c audit.Column) (parquet.Type, schema.LogicalType, int) {
	var none schema.LogicalType = schema.NoLogicalType{}
	switch c.Kind {
	case audit.Text:
		return parquet.Types.ByteArray, schema.StringLogicalType{}, -1
	case audit.Day:
		return parquet.Types.Int32, schema.DateLogicalType{}, -1
	case audit.Instant:
		return parquet.Types.Int64, schema.NewTimestampLogicalType(true, schema.TimeUnitMicros), -1
	case audit.Reference:
		return parquet.Types.FixedLenByteArray, none, len(audit.Ref{})
	case audit.Long:
		return parquet.Types.Int64, schema.NewIntLogicalType(64, true), -1
	case audit.Int:
		return parquet.Types.Int32, schema.NewIntLogicalType(32, true), -1
	case audit.Float:
		return parquet.Types.Double, none, -1
	case audit.Decimal:
		return parquet.Types.Int64, schema.NewDecimalLogicalType(digits, int32(c.Scale)), -1
	case audit.Flag:
		return parquet.Types.Boolean, none, -1
	}
	return parquet.Types.ByteArray, none, -1
}
