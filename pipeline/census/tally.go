package census

import (
	"iter"
	"maps"
	"math"

	"lethe/pipeline/numbered"
)

// tally counts rows by person: a byte for each whom the registry knows, as far as that goes, and the rest of it, and
// whom it does not know, by themselves.
type tally struct {
	known numbered.Column[uint8]
	more  map[Person]uint32
}

// add counts a row of somebody.
func (t *tally) add(p Person) {
	if p&unknown == 0 {
		for int(p) >= t.known.Len() {
			t.known.Add(0)
		}
		if n := t.known.At(int(p)); *n < math.MaxUint8 {
			*n++
			return
		}
	}
	if t.more == nil {
		t.more = map[Person]uint32{}
	}
	t.more[p]++
}

// of is how many rows of somebody were counted.
func (t *tally) of(p Person) (n uint32) {
	if p&unknown == 0 && int(p) < t.known.Len() {
		if n = uint32(*t.known.At(int(p))); n < math.MaxUint8 {
			return n
		}
	}
	return n + t.more[p]
}

// all yields everybody of whom there are rows, with how many.
func (t *tally) all() iter.Seq2[Person, uint32] {
	return func(yield func(Person, uint32) bool) {
		for p := range t.known.Len() {
			if n := t.of(Person(p)); n > 0 && !yield(Person(p), n) {
				return
			}
		}
		for p, n := range maps.All(t.more) {
			if p&unknown != 0 && !yield(p, n) {
				return
			}
		}
	}
}
