package census

import "slices"

// People is a set of persons: a bit for each whom the registry knows, and the others by themselves.
type People struct {
	known  []uint64
	others []Person // sorted as far as tidy
	tidy   int
}

// tidyOthers is how many others are put in order at once.
const tidyOthers = 1 << 12

// Add puts somebody into the set.
func (s *People) Add(p Person) {
	if p&unknown == 0 {
		word := int(p / 64)
		if word >= len(s.known) {
			s.known = append(s.known, make([]uint64, word+1-len(s.known))...)
		}
		s.known[word] |= 1 << (p % 64)
		return
	}
	s.others = append(s.others, p)
	if len(s.others) >= 2*s.tidy+tidyOthers {
		s.order()
	}
}

func (s *People) order() {
	slices.Sort(s.others)
	s.others = slices.Compact(s.others)
	s.tidy = len(s.others)
}

// has reports whether somebody is in the set.
func (s *People) has(p Person) bool {
	if p&unknown == 0 {
		word := int(p / 64)
		return word < len(s.known) && s.known[word]&(1<<(p%64)) != 0
	}
	if s.tidy != len(s.others) {
		s.order()
	}
	_, found := slices.BinarySearch(s.others, p)
	return found
}

// Len is how many there are.
func (s *People) Len() (n int64) {
	s.order()
	for _, word := range s.known {
		for ; word != 0; word &= word - 1 {
			n++
		}
	}
	return n + int64(len(s.others))
}
