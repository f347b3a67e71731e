package remnants

import (
	"bytes"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/registry/identifier"
)

// Place is a table whose rows are searched.
type Place struct {
	Source  string
	Table   connectors.Table
	Fields  []string // that are searched
	Follows bool     // its rows go with governed ones: only whom a night erased is a remnant
	Endings []*judge.Judge
}

// Search reads the fields of one table that no silo governs.
type Search struct {
	Place
	watch   *Watch
	key     []int // columns of the primary key
	columns []*column
	rows    int64
	sampled bool
	ends    []*end
	ending  map[int64]map[*judge.Judge]*end // of the batch at hand, by row
}

// column is a field that is searched, and who was met in it.
type column struct {
	field  string
	at     int
	text   bool     // it may hold text, with something inside
	whole  []string // the kinds of identifier that its values are, as its name says
	met    map[*person]*mention
	more   bool // than most people
	inside finder
}

// mention is where a person stands in a field.
type mention struct {
	rows int64
	last int64          // the row of the last
	key  connectors.Key // of the first; "" none
}

// Table begins to read a table; nil where there is nothing to look for in it.
func (w *Watch) Table(p Place) *Search {
	if !w.Anybody() {
		return nil
	}
	s := &Search{Place: p, watch: w}
	for _, f := range p.Table.Key {
		s.key = append(s.key, slices.IndexFunc(p.Table.Fields, func(t connectors.Field) bool { return t.Name == f }))
	}
	for i, f := range p.Table.Fields {
		if !slices.Contains(p.Fields, f.Name) {
			continue
		}
		c := &column{field: f.Name, at: i, met: map[*person]*mention{}, whole: w.wholes(p.Table, f)}
		c.text, c.inside.named = mayHoldText(f), w.underKey
		if c.text || len(c.whole) > 0 {
			s.columns = append(s.columns, c)
		}
	}
	if len(s.columns) == 0 {
		return nil
	}
	w.searches = append(w.searches, s)
	return s
}

// mayHoldText reports whether a field may hold text with something inside.
func mayHoldText(f connectors.Field) bool {
	switch f.Kind {
	case connectors.Text, connectors.JSON, connectors.Binary, "":
		return true
	}
	return false
}

// longestNumber bounds a number that stands alone in its field, in bytes.
const longestNumber = 40

// trimmed is where a value begins and ends without the blanks around it.
func trimmed(v []byte) (from, to int) {
	bare := bytes.TrimLeft(v, " \t\r\n")
	return len(v) - len(bare), len(v) - len(bare) + len(bytes.TrimRight(bare, " \t\r\n"))
}

// wholes are the kinds of number of which a field's name says that its values are such. Numbers are many people's, so
// without a name they say nothing.
func (w *Watch) wholes(t connectors.Table, f connectors.Field) (kinds []string) {
	h := w.Setup.Catalogue.Header(f.Name)
	refers := slices.ContainsFunc(t.ForeignKeys, func(k connectors.ForeignKey) bool {
		return slices.Contains(k.Fields, f.Name)
	})
	for _, kind := range w.kinds {
		says := false
		switch {
		case kind == identifier.Phone:
			says = slices.Contains(h.Categories, classifiers.Phone)
		case kind == identifier.Customer:
			says = !refers && (h.Number || w.named(kind, f.Name))
		case strings.HasPrefix(kind, identifier.National):
			says = w.named(kind, f.Name) || slices.Contains(h.Categories, classifiers.NationalID) ||
				slices.Contains(h.Categories, classifiers.TaxID)
		}
		if says {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// underKey are the kinds of number of which the key of a document says that its value is such. Customers' numbers are
// not among them: a key does not say whether it refers to a table, whose rows have numbers of their own.
func (w *Watch) underKey(key string) []string {
	kinds := w.wholes(connectors.Table{}, connectors.Field{Name: key})
	return slices.DeleteFunc(kinds, func(kind string) bool { return kind == identifier.Customer })
}

// named reports whether a silo calls a field of a kind of identifier so, and that is more than any number's name.
func (w *Watch) named(kind, field string) bool {
	name := plainName(field)
	switch name {
	case "id", "nr", "no", "number", "code", "key", "num", "ref":
		return false
	}
	return slices.ContainsFunc(w.asks, func(a *ask) bool { return slices.Contains(a.named[kind], name) })
}

// Read searches a batch with all fields of the table; skip, which may be nil, leaves out rows that a silo takes.
func (s *Search) Read(b connectors.Batch, skip func(row int) bool) {
	n := int(b.Rows.NumRows())
	base := s.rows
	s.ending = map[int64]map[*judge.Judge]*end{}
	s.rows, s.sampled = s.rows+int64(n), s.sampled || b.Sampled
	for _, c := range s.columns {
		values := b.Rows.Column(c.at).(*array.Binary)
		if values.Len() == 0 || values.Data().Buffers()[2] == nil {
			continue
		}
		offsets, data := values.ValueOffsets(), values.Data().Buffers()[2].Bytes()
		c.inside.reset(data[offsets[0]:offsets[n]], s.watch.kinds)
		meet := func(row int, kind string, value []byte, _ int) bool {
			if skip != nil && skip(row) {
				return true
			}
			p := s.watch.meet(kind, value)
			if p == nil {
				return false
			}
			s.mention(c, p, b.Rows, row, base)
			s.end(c, p, b.Rows, row)
			return true
		}
		if c.text {
			c.inside.each(data, offsets, meet)
		}
		for _, kind := range c.whole {
			for row := range n {
				v := data[offsets[row]:offsets[row+1]]
				if from, to := trimmed(v); from < to && to-from <= longestNumber {
					meet(row, kind, v[from:to], from)
				}
			}
		}
	}
}

// mention counts a row in which a person stands in a field, once.
func (s *Search) mention(c *column, p *person, rows arrow.Record, row int, base int64) {
	m := c.met[p]
	if m == nil {
		if len(c.met) >= most {
			c.more = true
			return
		}
		m = &mention{last: -1}
		if key, ok := connectors.KeyOf(rows, s.key, row); ok && len(s.key) > 0 {
			m.key = key
		}
		c.met[p] = m
	}
	if m.last != base+int64(row) {
		m.rows++
		m.last = base + int64(row)
	}
}
