package via

import (
	"bytes"
	"slices"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
)

// Remember tells an empty index of an identifier that several people had before some of them were erased: it goes on
// to say nothing of those who are left.
func (x *Index) Remember(ref keystore.Ref) { x.earlier = append(x.earlier, short(ref[:len(short{})])) }

// recollect adds what is remembered to what is shared. all are the entries, sorted by their references.
func (x *Index) recollect(all []entry) {
	for _, ref := range x.earlier {
		_, held := slices.BinarySearchFunc(all, ref, func(e entry, ref short) int {
			return bytes.Compare(e.ref[:], ref[:])
		})
		if held {
			x.held = append(x.held, ref)
		}
	}
	slices.SortFunc(x.held, func(a, b short) int { return bytes.Compare(a[:], b[:]) })
	x.shared, x.earlier = append(x.shared, x.earlier...), nil
}

// Holds reports whether somebody has an identifier that the index was told to remember.
func (x *Index) Holds(ref keystore.Ref) bool {
	if x == nil {
		return false
	}
	_, held := slices.BinarySearchFunc(x.held, short(ref[:len(short{})]), func(a, b short) int {
		return bytes.Compare(a[:], b[:])
	})
	return held
}

// Shares reports whether some of its identifiers several people have.
func (x *Index) Shares() bool { return len(x.shared) > 0 }

// NameShared keeps the whole references of what several people have in a batch of what was read: an index itself holds
// no more of a reference than it takes to find it.
func (x *Index) NameShared(b connectors.Batch) {
	if x.names == nil {
		x.names = map[short][2]keystore.Ref{}
	}
	for _, way := range x.paths.list {
		if way.hops[len(way.hops)-1].Table != b.Table {
			continue
		}
		for _, id := range way.ids {
			col := b.Rows.Column(id.column).(*array.Binary)
			for row := range col.Len() {
				x.read(x.paths.Kinds[id.kind], col.Value(row), func(name standings.Name, _ []byte) {
					if x.Shared(name.Known) {
						x.names[short(name.Known[:len(short{})])] = [2]keystore.Ref{name.Known, name.Canonical}
					}
				})
			}
		}
	}
}

// Apart are the whole references of what a row has and others have too: as the registry knows it, and of its canonical
// form. own are those of the row itself, which Found has before the others.
func (x *Index) Apart(own []keystore.Ref, f *Found) (refs []keystore.Ref) {
	for i, shared := range f.Shared {
		switch {
		case !shared:
		case i < len(own):
			refs = append(refs, own[i])
		default:
			names := x.names[short(f.Refs[i-len(own)][:len(short{})])]
			refs = append(refs, names[:]...)
		}
	}
	refs = append(refs, f.canonical...)
	refs = slices.DeleteFunc(refs, func(ref keystore.Ref) bool { return ref == keystore.Ref{} }) // of the copied row
	slices.SortFunc(refs, func(a, b keystore.Ref) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(refs)
}
