package standings

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"runtime"
	"slices"

	"lethe/pipeline/numbered"
	"lethe/pipeline/registry/keystore"
)

// warmed is how many look-ups Warm begins before it waits for the first.
const warmed = 64

// Warm finds references in the index, fetches from memory what Match and At need of them, and appends what
// it found to dst, for Row.Found. Ten million subjects are in no cache, and a look-up waits for memory four
// times; here the processor waits for those of many references at once: each loop only asks for what the
// next one compares, so that nothing it has to guess stands in between. Some hundreds of references at a
// time stay in its caches. What it found is good until Refresh.
func (s *Standings) Warm(refs []keystore.Ref, dst []Found) []Found {
	var touched byte
	for len(refs) > 0 {
		part := refs[:min(len(refs), warmed)]
		refs = refs[len(part):]
		var from [warmed]uint32
		for i := range part {
			from[i] = s.index.directory[s.index.bucket((*shortRef)(part[i][:16]))]
		}
		for _, first := range from[:len(part)] {
			// a bucket may begin in one line of the cache and go on in the next
			if last := int(first) + 2; last < len(s.index.entries) {
				touched ^= s.index.entries[first].ref[0] ^ s.index.entries[last].ref[0]
			}
		}
		for i := range part {
			found := s.index.seek(int(from[i]), (*shortRef)(part[i][:16]))
			dst, from[i] = append(dst, found), 0
			if found > 0 && int(found) <= len(s.offsets) {
				from[i] = uint32(found)
			}
		}
		for i, collection := range from[:len(part)] {
			if collection > 0 {
				from[i] = s.offsets[collection-1]
			}
		}
		for _, at := range from[:len(part)] {
			touched ^= s.blocks[at/blockSize][at%blockSize]
		}
	}
	runtime.KeepAlive(touched)
	return dst
}

// Lookup returns the collections that a reference leads to, sorted, nil for none.
func (s *Standings) Lookup(ref keystore.Ref) []int32 { return s.lookup(nil, &ref) }

// Each calls do for each reference, of which it has the first half, and one collection that it leads to.
func (s *Standings) Each(do func(half *[16]byte, collection int32)) {
	for i := range s.index.entries {
		do((*[16]byte)(&s.index.entries[i].ref), s.index.entries[i].collection)
	}
	for ref, collections := range s.added {
		for _, c := range collections {
			do((*[16]byte)(&ref), c)
		}
	}
}

// Collections is Lookup that appends to dst.
func (s *Standings) Collections(dst []int32, ref *keystore.Ref) []int32 { return s.lookup(dst, ref) }

// lookup is Lookup that appends to dst.
func (s *Standings) lookup(dst []int32, ref *keystore.Ref) []int32 {
	short := (*shortRef)(ref[:16])
	return s.lookupAt(dst, s.index.find(short), short)
}

// lookupAt is lookup of a reference of which this was found in the index.
func (s *Standings) lookupAt(dst []int32, found Found, ref *shortRef) []int32 {
	dst = s.index.collections(dst, found, ref)
	if len(s.added) == 0 {
		return dst
	}
	if extra, ok := s.added[*ref]; ok {
		dst = append(dst, extra...)
		slices.Sort(dst)
	}
	return dst
}

// index maps references to collections: sorted references with a directory by their first bits. A look-up
// costs two reads of memory that is in no cache.
type index struct {
	entries   []entry
	directory []uint32 // where the references of a bucket begin; one more than there are buckets
	shift     uint
}

type entry struct {
	ref        shortRef
	collection int32
}

func (x *index) grow(in *numbered.Room, n int) { x.entries = numbered.Apart[entry](in, n)[:0] }

// add takes the next reference in order.
func (x *index) add(ref shortRef, collection int32) {
	x.entries = append(x.entries, entry{ref, collection})
}

// order puts the collections of one reference in order.
func (x *index) order() {
	for i := 0; i < len(x.entries); {
		j := i + 1
		for j < len(x.entries) && x.entries[j].ref == x.entries[i].ref {
			j++
		}
		if j > i+1 {
			slices.SortFunc(x.entries[i:j], func(a, b entry) int { return cmp.Compare(a.collection, b.collection) })
		}
		i = j
	}
}

// finish builds the directory: about two references a bucket.
func (x *index) finish(in *numbered.Room) {
	width := max(bits.Len(uint(len(x.entries)/2)), 1)
	x.shift = 32 - uint(width)
	x.directory = numbered.Apart[uint32](in, 1<<width+1)
	bucket := 0
	for i := range x.entries {
		for b := x.bucket(&x.entries[i].ref); bucket <= b; bucket++ {
			x.directory[bucket] = uint32(i)
		}
	}
	for ; bucket < len(x.directory); bucket++ {
		x.directory[bucket] = uint32(len(x.entries))
	}
}

func (x *index) bucket(ref *shortRef) int {
	return int(binary.BigEndian.Uint32(ref[:4]) >> x.shift)
}

// Found is what the index says of a reference: the collection that it leads to, 0 for none, and of several
// collections -1 less the place of the first.
type Found int32

// find looks a reference up.
func (x *index) find(ref *shortRef) Found { return x.seek(int(x.directory[x.bucket(ref)]), ref) }

// seek is find for a reference whose bucket begins at an entry.
func (x *index) seek(from int, ref *shortRef) Found {
	high, low := binary.BigEndian.Uint64(ref[:8]), binary.BigEndian.Uint64(ref[8:])
	for i := from; i < len(x.entries); i++ {
		e := &x.entries[i]
		if here := binary.BigEndian.Uint64(e.ref[:8]); here < high {
			continue
		} else if here > high {
			break
		}
		if here := binary.BigEndian.Uint64(e.ref[8:]); here < low {
			continue
		} else if here > low {
			break
		}
		if i+1 < len(x.entries) && x.entries[i+1].ref == e.ref {
			return Found(-1 - i)
		}
		return Found(e.collection)
	}
	return 0
}

// collections appends the collections of a reference to dst.
func (x *index) collections(dst []int32, found Found, ref *shortRef) []int32 {
	if found > 0 {
		return append(dst, int32(found))
	}
	if found == 0 {
		return dst
	}
	for i := int(-1 - found); i < len(x.entries) && x.entries[i].ref == *ref; i++ {
		dst = append(dst, x.entries[i].collection)
	}
	return dst
}
