package numbered

import (
	"encoding/binary"
	"slices"
)

// Sets are sets of small numbers. Each has a number of its own: 0 is the empty one. The zero value knows of no other.
type Sets struct {
	members [][]int32 // by the number of the set, and one less; each in order
	known   map[string]uint32
	with    map[with]uint32
}

// with is a set and what is added to it.
type with struct {
	set    uint32
	member int32
}

// Of are the members of a set, in order; not to be changed.
func (s *Sets) Of(set uint32) []int32 {
	if set == 0 {
		return nil
	}
	return s.members[set-1]
}

// Has reports whether a set has a member.
func (s *Sets) Has(set uint32, member int32) bool { return slices.Contains(s.Of(set), member) }

// With is a set and one more member.
func (s *Sets) With(set uint32, member int32) uint32 {
	if s.Has(set, member) {
		return set
	}
	if s.with == nil {
		s.with, s.known = map[with]uint32{}, map[string]uint32{}
	}
	more, ok := s.with[with{set, member}]
	if ok {
		return more
	}
	members := append(slices.Clone(s.Of(set)), member)
	slices.Sort(members)
	var name []byte
	for _, m := range members {
		name = binary.BigEndian.AppendUint32(name, uint32(m))
	}
	if more, ok = s.known[string(name)]; !ok {
		s.members = append(s.members, members)
		more = uint32(len(s.members))
		s.known[string(name)] = more
	}
	s.with[with{set, member}] = more
	return more
}
