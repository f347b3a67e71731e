package classifiers

import (
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Scan gathers what the verdicts on one table need. It is not safe for concurrent use.
type Scan struct {
	catalogue *Catalogue
	table     Table
	rows      int64
	columns   []column
}

// column is the constant-size memory of a field: a sample of its distinct values, and what was seen in
// passing in all of them.
type column struct {
	rows     int64
	nonEmpty int64
	bytes    int64
	sample   *sample
	needles  needles
	search   bool // values can hide a needle
	searched int64
	common   bool          // so many values have one that the sample shows it
	recent   [256]uint64   // hashes of values that hide none
	finder   *needleFinder // shared by the columns of a scan
}

// Scan starts the reading of one table.
func (c *Catalogue) Scan(t Table) *Scan {
	s := &Scan{catalogue: c, table: t, columns: make([]column, len(t.Fields))}
	finder := newNeedleFinder(c)
	for i, f := range t.Fields {
		s.columns[i] = column{sample: newSample(), search: hidesNeedles(f.Kind), finder: finder}
	}
	return s
}

// hidesNeedles says whether a field of this kind can hold a personal value among others that are none.
func hidesNeedles(kind string) bool {
	switch kind {
	case "text", "json", "":
		return true
	}
	return false
}

// Observe reads a record. Its columns are those of the table's fields, in order, each *array.Binary. The
// record is not used after the call. A record of another shape is a mistake of the caller, and panics.
func (s *Scan) Observe(rec arrow.Record) {
	if int(rec.NumCols()) != len(s.columns) {
		panic(fmt.Sprintf("classifiers: record of %d columns for a table of %d fields", rec.NumCols(), len(s.columns)))
	}
	s.rows += rec.NumRows()
	for i := range s.columns {
		values, ok := rec.Column(i).(*array.Binary)
		if !ok {
			panic(fmt.Sprintf("classifiers: field %s is %s, want "+
				"binary", s.table.Fields[i].Name, rec.Column(i).DataType()))
		}
		s.columns[i].observe(values)
	}
}

func (c *column) observe(values *array.Binary) {
	n := values.Len()
	if n == 0 {
		return
	}
	c.rows += int64(n)
	offsets, data := values.ValueOffsets(), values.Data().Buffers()[2]
	if data == nil {
		return
	}
	bytes := data.Bytes()
	nulls := values.NullN() > 0
	for i := 0; i < n; i++ {
		v := bytes[offsets[i]:offsets[i+1]]
		if len(v) == 0 || nulls && values.IsNull(i) {
			continue
		}
		c.nonEmpty++
		c.bytes += int64(len(v))
		h := hashBytes(v)
		c.sample.add(h, v)
		if !c.search || c.recent[h&255] == h {
			continue
		}
		c.searched++
		if !c.finder.find(v, &c.needles) {
			c.recent[h&255] = h
		} else if c.searched >= settleAfter && c.needles.total()*4 > c.searched {
			c.search, c.common = false, true
		}
	}
}

// settleAfter is the number of values after which a field in which more than a quarter hold something is
// left to its sample: what is common needs no search.
const settleAfter = 4096
