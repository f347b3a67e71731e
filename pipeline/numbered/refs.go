package numbered

import "iter"

// Ref is a reference from one row to another.
type Ref struct {
	Child, Parent   int32
	nextIn, nextOut int32
	By              int32 // the number of the way in which it refers
}

// Refs are references between rows. Those to a row, and those from it, are in the order in which they were added. The
// zero value has none.
type Refs struct {
	refs    Column[Ref]
	in, out Column[int32] // by row: the last reference to and from it, which leads to the first
}

// In lets references of which there are none yet lie in a room.
func (r *Refs) In(room *Room) { r.refs.Room, r.in.Room, r.out.Room = room, room, room }

// Row adds a row that nothing refers to, and that refers to none.
func (r *Refs) Row() {
	r.in.Add(-1)
	r.out.Add(-1)
}

// Add lets a row refer to another, and returns the number of the reference.
func (r *Refs) Add(child, parent int32, by int32) int32 {
	at := int32(r.refs.Add(Ref{Child: child, Parent: parent, By: by}))
	ref := r.At(at)
	ref.nextIn, ref.nextOut = at, at
	if in := r.in.At(int(parent)); *in < 0 {
		*in = at
	} else {
		last := r.At(*in)
		ref.nextIn, last.nextIn, *in = last.nextIn, at, at
	}
	if out := r.out.At(int(child)); *out < 0 {
		*out = at
	} else {
		last := r.At(*out)
		ref.nextOut, last.nextOut, *out = last.nextOut, at, at
	}
	return at
}

// At is the reference that has a number.
func (r *Refs) At(ref int32) *Ref { return r.refs.At(int(ref)) }

// To are the references to a row, with their numbers.
func (r *Refs) To(row int32) iter.Seq2[int32, *Ref] {
	return func(yield func(int32, *Ref) bool) {
		last := *r.in.At(int(row))
		for at := last; at >= 0; {
			ref := r.At(at)
			at = ref.nextIn
			if !yield(at, r.At(at)) || at == last {
				return
			}
		}
	}
}

// From are the references from a row, with their numbers.
func (r *Refs) From(row int32) iter.Seq2[int32, *Ref] {
	return func(yield func(int32, *Ref) bool) {
		for at := r.Next(row, -1); at >= 0; at = r.Next(row, at) {
			if !yield(at, r.At(at)) {
				return
			}
		}
	}
}

// Next is the reference from a row that comes after one, and the first after -1; -1: there is none.
func (r *Refs) Next(row, after int32) int32 {
	last := *r.out.At(int(row))
	switch {
	case after == last:
		return -1
	case after < 0:
		return r.At(last).nextOut
	}
	return r.At(after).nextOut
}

// Any reports whether one of some references is such.
func Any(refs iter.Seq2[int32, *Ref], such func(*Ref) bool) bool {
	for _, r := range refs {
		if such(r) {
			return true
		}
	}
	return false
}
