package delivery

import (
	"hash/maphash"

	"lethe/pipeline/registry/event"
)

// A registry that recorded people in the order of a file would say of two silos that got files in one order who is
// who: the place in one is the place in the other. So events come out of a delivery in an order of their own.

// window is how many lines are held to be shuffled: those of a longer delivery, so many at a time.
const window = 100_000

// Shuffle brings n things into another order.
type Shuffle func(n int, swap func(i, j int))

// Shuffled reads a delivery in an order of its own. Events that may be of one person, by an identifier, a collection
// or an id that they have in common, keep theirs among themselves.
type Shuffled struct {
	reader  *Reader
	shuffle Shuffle
	held    []line
	at      int
	line    int
	end     error // what the reader ended with
	seed    maphash.Seed
	scratch []byte
}

// line is one that was read: its number and its event, or why it is refused.
type line struct {
	number int
	event  event.Event
	err    error
}

// Shuffled reads what the reader reads.
func (r *Reader) Shuffled(shuffle Shuffle) *Shuffled {
	return &Shuffled{reader: r, shuffle: shuffle, seed: maphash.MakeSeed()}
}

// Next is that of Reader. What ends the delivery comes after all that was read before it.
func (s *Shuffled) Next(e *event.Event) (number int, err error) {
	if s.at == len(s.held) && s.end == nil {
		s.fill()
	}
	if s.at == len(s.held) {
		return s.line, s.end
	}
	l := &s.held[s.at]
	s.at++
	*e = l.event
	return l.number, l.err
}

// fill reads the next lines.
func (s *Shuffled) fill() {
	read := make([]line, 0, min(window, max(2*len(s.held), 1000)))
	for len(read) < window {
		var l line
		if l.number, l.err = s.reader.Next(&l.event); l.err != nil && !IsRefused(l.err) {
			s.line, s.end = l.number, l.err
			break
		}
		read = append(read, l)
	}
	s.held, s.at = s.order(read), 0
}

// order shuffles lines, those that go together as one.
func (s *Shuffled) order(read []line) []line {
	together := newSets(len(read))
	first := make(map[uint64]int, len(read))
	for i := range read {
		for _, name := range s.names(&read[i]) {
			if at, ok := first[name]; ok {
				together.join(at, i)
			} else {
				first[name] = i
			}
		}
	}
	members := make(map[int][]int, len(read))
	var sets []int
	for i := range read {
		set := together.of(i)
		if members[set] == nil {
			sets = append(sets, set)
		}
		members[set] = append(members[set], i)
	}
	s.shuffle(len(sets), func(i, j int) { sets[i], sets[j] = sets[j], sets[i] })
	out := make([]line, 0, len(read))
	for _, set := range sets {
		for _, i := range members[set] {
			out = append(out, read[i])
		}
	}
	return out
}

// names are what a line may have in common with others of the same person.
func (s *Shuffled) names(l *line) (names []uint64) {
	if l.err != nil {
		return nil
	}
	e := &l.event
	add := func(kind string, value []byte) {
		s.scratch = append(append(append(s.scratch[:0], kind...), '|'), value...)
		names = append(names, maphash.Bytes(s.seed, s.scratch))
	}
	for _, subject := range e.Subjects {
		if normal, err := subject.Normal(e.Country, nil); err == nil {
			add(subject.Kind, normal)
		}
	}
	if e.Collection != "" {
		add("collection", []byte(e.Collection))
	}
	if e.ID != "" {
		add("id", []byte(e.ID))
	}
	return names
}

// sets are disjoint sets of numbers.
type sets []int

func newSets(n int) sets {
	s := make(sets, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// of is the smallest number of a number's set, or near it.
func (s sets) of(i int) int {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

func (s sets) join(a, b int) {
	if a, b = s.of(a), s.of(b); a != b {
		s[max(a, b)] = min(a, b)
	}
}
