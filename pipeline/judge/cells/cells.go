// Package cells is what stands in the columns of a row. A Cell is a column and the text that it is to hold.
package cells

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/policy/subject"
)

// Cell is a column and the canonical text it holds.
type Cell struct {
	Field  string
	Column int
	Value  []byte
}

// Held reports whether a row holds the values of all cells.
func Held(rows arrow.Record, row int, cells []Cell) bool {
	for _, c := range cells {
		col := rows.Column(c.Column).(*array.Binary)
		if col.IsNull(row) || !subject.Holds(string(c.Value), col.Value(row)) {
			return false
		}
	}
	return true
}

// Values is a column of the cell's value where marked.
func (c Cell) Values(marks []bool) *array.Binary {
	col := new(connectors.Column)
	for _, marked := range marks {
		if marked {
			col.Append(c.Value)
		} else {
			col.AppendNull()
		}
	}
	return col.Array()
}

// Value is a cell's text, nil for NULL.
func Value(col *array.Binary, row int) []byte {
	if col.IsNull(row) {
		return nil
	}
	return col.Value(row)
}
