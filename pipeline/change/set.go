package change

import (
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/judge"
)

// Set is the changes of one source: unit by unit, within a unit the greatest level first, so that every
// beginning of a unit leaves the rows that refer to others with what they refer to. There are very many of them, and
// they are held until all are executed: so what they have alike is there once.
type Set struct {
	Edges []Edge
	Rows  []Row

	alike []*Alike
	keys  strings.Builder // of the rows, one behind another
	refs  []Ref
}

// Row is a change as a set holds it.
type Row struct {
	*Alike
	Unit            int64
	Level           int
	Key             connectors.Key
	Guard           judge.Guard
	Subject, Record [32]byte
	Refs            []Ref
}

// Alike is what many changes of a set have alike, as Change has it. It is theirs together: nobody changes it.
type Alike struct {
	Kind           Kind
	Silo           string
	Mapping        int
	Table          string
	Op             judge.Change
	Fields, Detach []string
}

// SetOf is the set of some changes.
func SetOf(edges []Edge, changes ...Change) *Set {
	s := &Set{Edges: edges}
	for _, c := range changes {
		s.Add(c)
	}
	return s
}

// How much keys and references are given room at once.
const (
	keyBytes = 1 << 16
	refRoom  = 1 << 10
)

// Add appends a change.
func (s *Set) Add(c Change) {
	r := Row{Alike: s.alikeOf(&c), Unit: c.Unit, Level: c.Level, Guard: c.Guard, Subject: c.Subject, Record: c.Record}
	if s.keys.Cap()-s.keys.Len() < len(c.Key) {
		s.keys = strings.Builder{}
		s.keys.Grow(max(keyBytes, len(c.Key)))
	}
	at := s.keys.Len()
	s.keys.WriteString(string(c.Key))
	r.Key = connectors.Key(s.keys.String()[at:])
	if n := len(c.Refs); n > 0 {
		if cap(s.refs)-len(s.refs) < n {
			s.refs = make([]Ref, 0, max(refRoom, n))
		}
		at := len(s.refs)
		s.refs = append(s.refs, c.Refs...)
		r.Refs = s.refs[at : at+n : at+n]
	}
	s.Rows = append(s.Rows, r)
}

// alikeOf finds what a change has alike with others, most often with one of the last. Sets have few of them.
func (s *Set) alikeOf(c *Change) *Alike {
	for i, a := range slices.Backward(s.alike) {
		if a.Table == c.Table && a.Kind == c.Kind && a.Op == c.Op && a.Silo == c.Silo && a.Mapping == c.Mapping &&
			slices.Equal(a.Fields, c.Fields) && slices.Equal(a.Detach, c.Detach) {
			if last := len(s.alike) - 1; last-i > 2 { // it comes again
				s.alike[i], s.alike[last] = s.alike[last], s.alike[i]
			}
			return a
		}
	}
	a := &Alike{Kind: c.Kind, Silo: c.Silo, Mapping: c.Mapping, Table: c.Table, Op: c.Op,
		Fields: c.Fields, Detach: c.Detach}
	s.alike = append(s.alike, a)
	return a
}

// Planned is what a judge needs of the change of a row that it decides.
func (r *Row) Planned() judge.Planned {
	return judge.Planned{Key: r.Key, Guard: r.Guard, Subject: r.Subject, Record: r.Record, Change: r.Op,
		Fields: r.Fields}
}

// UnitEnd is the position behind the unit that begins at a position, or goes on there.
func (s *Set) UnitEnd(from int) int {
	to := from
	for to < len(s.Rows) && s.Rows[to].Unit == s.Rows[from].Unit {
		to++
	}
	return to
}

// Destroys reports whether anything in the set cannot be taken back.
func (s *Set) Destroys() bool {
	for i := range s.Rows {
		if !s.Rows[i].Op.Reversible() {
			return true
		}
	}
	return false
}

// Own are the fields by which a row forgets one of its references, and no other that stays; ends says of a reference
// of the row that it does not.
func (s *Set) Own(row, ref int, ends func(ref int) bool) []string {
	refs := s.Rows[row].Refs
	e := s.Edges[refs[ref].Edge]
	ended := map[int]bool{refs[ref].Edge: true}
	for k, r := range refs {
		ended[r.Edge] = ended[r.Edge] || ends(k)
	}
	var stay []Edge
	for at, other := range s.Edges {
		if !ended[at] {
			stay = append(stay, other)
		}
	}
	return Own(e, stay)
}
