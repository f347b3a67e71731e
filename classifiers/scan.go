package classifiers

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Scan gathers what the verdicts on one table need. It is not safe for concurrent use.
type Scan struct {
	catalogue *Catalogue
	table     Table
	rows      int64
	columns   []column
	pairs     *attributes // nil where the table has no keys with values
	keys      *keyList    // nil where it lists no keys
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
	typed    bool // the field is declared to hold no text; some sources let it all the same
	searched int64
	common   bool          // so many values have one that the rest is not searched
	recent   [256]uint64   // hashes of values that hide none
	finder   *needleFinder // shared by the columns of a scan
}

// Scan starts the reading of one table.
func (c *Catalogue) Scan(t Table) *Scan {
	s := &Scan{catalogue: c, table: t, columns: make([]column, len(t.Fields)), pairs: c.newAttributes(t), keys: c.newKeyList(t)}
	finder := newNeedleFinder(c)
	for i, f := range t.Fields {
		s.columns[i] = column{sample: newSample(), search: f.Kind != "bool" && f.Kind != "bit", typed: !holdsText(f.Kind),
			finder: finder}
	}
	return s
}

// holdsText says whether a field of this kind is there for text.
func holdsText(kind string) bool {
	switch kind {
	case "text", "json", "":
		return true
	}
	return false
}

// mayBeText reports whether a value of a field that is declared to hold no text is some: no number or date, and no bytes
// of a picture.
func mayBeText(v []byte) bool {
	if len(v) < 32 && isDigit(v[len(v)-1]) && (isDigit(v[0]) || v[0] == '-') {
		return false
	}
	for _, b := range v[:min(len(v), 32)] {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' {
			return false
		}
	}
	return true
}

// isWritten reports whether most values seen are text, whatever the field is declared to hold: bytes hold names and numbers
// of cards, too.
func (c *column) isWritten() bool {
	size, texts := 0, 0
	for i := range c.sample.entries {
		v := c.sample.entries[i].value
		size += len(v)
		if !slices.ContainsFunc([]rune(string(v)), isUnwritten) {
			texts++
		}
	}
	return size >= fewestWritten && texts*10 >= len(c.sample.entries)*8
}

// isUnwritten reports whether no text has a sign.
func isUnwritten(r rune) bool {
	return r == utf8.RuneError || r < ' ' && r != '\t' && r != '\n' && r != '\r'
}

// fewestWritten are the bytes that are not text by chance.
const fewestWritten = 8

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
	if s.pairs != nil {
		s.pairs.observe(rec)
	}
	if s.keys != nil {
		s.keys.observe(rec)
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
		if !c.search || c.recent[h&255] == h || c.typed && !mayBeText(v) {
			continue
		}
		c.searched++
		if !c.finder.find(v, &c.needles) {
			c.recent[h&255] = h
		} else if c.searched >= settleAfter && c.needles.found()*4 > c.searched {
			c.search, c.common = false, true
		}
	}
}

// settleAfter is the number of values after which a field in which more than a quarter hold something is not
// searched on: what is common needs no search.
const settleAfter = 4096
