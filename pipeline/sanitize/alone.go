package sanitize

import (
	"cmp"
	"hash/maphash"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/pipeline/sanitize/maker"
)

// Found says of a table of the copy, in which rows stand for people or belong to them, by what somebody who has the
// original finds a row again: by values that stay as they are and that one row alone has. Keys and the order of rows
// are not counted, by which all rows are found by whoever knows them.
type Found struct {
	Table  string       `json:"table"`
	Share  float64      `json:"share"`  // of the rows, by all fields together that stay
	Fields []FoundField `json:"fields"` // by each of them alone, the most telling first
}

// FoundField is a field by which rows are found.
type FoundField struct {
	Field string  `json:"field"`
	Share float64 `json:"share"`
}

// telling is the share of rows from which a field is named.
const telling = 0.01

// singles counts the values that one row alone has, of values of which the digests are below a limit: as many as it has
// room for.
type singles struct {
	rows  int64
	limit uint64
	often map[uint64]bool // by digest: whether more than one row has the value
}

// room is how many digests are held for a field.
const room = 1 << 16

func (s *singles) add(digest uint64) {
	s.rows++
	if digest > s.limit {
		return
	}
	if _, met := s.often[digest]; met || len(s.often) < room {
		s.often[digest] = met
		return
	}
	s.limit /= 2
	for d := range s.often {
		if d > s.limit {
			delete(s.often, d)
		}
	}
	if digest <= s.limit {
		s.often[digest] = false
	}
}

// share is which part of the rows have a value of their own.
func (s *singles) share() float64 {
	if s.rows == 0 {
		return 0
	}
	alone := 0
	for _, often := range s.often {
		if !often {
			alone++
		}
	}
	return min(1, float64(alone)/(float64(s.limit)/math.MaxUint64)/float64(s.rows))
}

// stays are the fields of a table that stay as they are, and its rows as far as they tell.
type stays struct {
	fields   map[string]*singles
	together singles
	row      []uint64 // scratch: of the rows of a batch
}

// attack finds out by what rows are found again, while the copy is read.
type attack struct {
	seed   maphash.Seed
	tables map[string]*stays
}

func newSingles() *singles { return &singles{limit: math.MaxUint64, often: map[uint64]bool{}} }

// newAttack takes the tables whose rows stand for people, as something in them was replaced, or refer to such rows.
func newAttack(tables []connectors.Table, fields []*Field) *attack {
	a := &attack{seed: maphash.MakeSeed(), tables: map[string]*stays{}}
	about := map[string]bool{}
	for _, f := range fields {
		about[f.Table] = about[f.Table] || f.How != maker.Keep
	}
	for range tables {
		for _, t := range tables {
			about[t.Name] = about[t.Name] || slices.ContainsFunc(t.ForeignKeys, func(fk connectors.ForeignKey) bool {
				return about[fk.RefTable]
			})
		}
	}
	for _, t := range tables {
		if !about[t.Name] {
			continue
		}
		s := &stays{fields: map[string]*singles{}, together: *newSingles()}
		for _, f := range fields {
			if f.Table == t.Name && f.How == maker.Keep && !refers(t, f.Field) && !f.field.Generated &&
				f.Category != classifiers.Country {
				s.fields[f.Field] = newSingles()
			}
		}
		a.tables[t.Name] = s
	}
	return a
}

// refers reports whether a field is of a key, or of a reference.
func refers(t connectors.Table, field string) bool {
	return slices.Contains(t.Key, field) || t.TakesPart(field) ||
		slices.ContainsFunc(t.ForeignKeys, func(fk connectors.ForeignKey) bool {
			return slices.Contains(fk.Fields, field)
		})
}

// take looks at a batch of the copy.
func (a *attack) take(b connectors.Batch) {
	s := a.tables[b.Table]
	if s == nil || len(s.fields) == 0 {
		return
	}
	s.row = append(s.row[:0], make([]uint64, b.Rows.NumRows())...)
	for i, field := range b.Rows.Schema().Fields() {
		of := s.fields[field.Name]
		if of == nil {
			continue
		}
		col := b.Rows.Column(i).(*array.Binary)
		for row := range s.row {
			digest := uint64(1)
			if !col.IsNull(row) {
				digest = maphash.Bytes(a.seed, col.Value(row))
				of.add(digest)
			}
			s.row[row] = (s.row[row] ^ digest) * 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio: Knuth, 6.4
			s.row[row] ^= s.row[row] >> 32
		}
	}
	for _, digest := range s.row {
		s.together.add(digest)
	}
}

// found is what came of it, in the order of the tables.
func (a *attack) found(tables []connectors.Table) (list []Found) {
	for _, t := range tables {
		s := a.tables[t.Name]
		if s == nil || s.together.share() < telling {
			continue
		}
		f := Found{Table: t.Name, Share: s.together.share()}
		for _, field := range t.Fields {
			of := s.fields[field.Name]
			if of == nil {
				continue
			}
			if share := of.share() * float64(of.rows) / float64(s.together.rows); share >= telling {
				f.Fields = append(f.Fields, FoundField{Field: field.Name, Share: share})
			}
		}
		slices.SortStableFunc(f.Fields, func(x, y FoundField) int { return cmp.Compare(y.Share, x.Share) })
		list = append(list, f)
	}
	return list
}
