// Package crowd tells rows that were anonymized apart by what is left of people in them. Left is what that is in one
// table. Rows that it does not tell apart are a group, and who knows of somebody what stands there cannot say which of
// them is theirs.
package crowd

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/audit"
)

// Left are the fields of a table that hold personal data, as the night before found, but for the key. The zero Left
// tells nothing apart: nobody has looked yet.
type Left struct {
	Fields  []string
	columns []int
	seed    maphash.Seed
}

// In is what is left in the rows of a table; inventory is what the last night said of its source.
func In(t connectors.Table, source string, inventory []audit.Inventory) Left {
	l := Left{seed: maphash.MakeSeed()}
	for i, f := range t.Fields {
		if slices.Contains(t.Key, f.Name) {
			continue
		}
		if slices.ContainsFunc(inventory, func(x audit.Inventory) bool {
			return x.Source == source && x.Object == t.Name && x.Column == f.Name && x.Personal()
		}) {
			l.Fields, l.columns = append(l.Fields, f.Name), append(l.columns, i)
		}
	}
	return l
}

// Of is the group of a row; 0 it has none, as nothing is looked at.
func (l Left) Of(rows arrow.Record, row int) uint64 {
	if len(l.columns) == 0 {
		return 0
	}
	var h maphash.Hash
	h.SetSeed(l.seed)
	var size [8]byte
	for _, column := range l.columns {
		col := rows.Column(column).(*array.Binary)
		if col.IsNull(row) {
			h.WriteByte(0)
			continue
		}
		value := col.Value(row)
		binary.BigEndian.PutUint64(size[:], uint64(len(value))+1)
		h.Write(size[:])
		h.Write(value)
	}
	return max(h.Sum64(), 1)
}

// Words name the fields.
func (l Left) Words() string { return strings.Join(l.Fields, ", ") }
