package via

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"io"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
)

// Index holds the identifiers that were read along the paths of one table's rows: 28 to 35 bytes for each, as lists
// grow, and while it is read 24 to 30 for each row of a join table. It is filled by Observe, closed by Close, and asked
// by Row.
type Index struct {
	paths   *Paths
	key     *keystore.SiloKey
	known   *standings.Standings // nil: the registry is not asked
	country string
	seed    maphash.Seed
	entries []entry
	parts   []part // one for each path of several hops
	shared  []short
	earlier []short                   // several people had it, as an earlier night found
	held    []short                   // those of earlier that somebody still has, sorted
	names   map[short][2]keystore.Ref // whole references of what is known and of its canonical form; nil: not kept
	former  [][2]short                // references that the registry knows, each with that of the canonical form
	texts   map[short]event.Subject   // nil: only references are kept
	whole   *Index                    // of which this is a part
	beside  *Index                    // of the source that these rows are a copy of; nil where there is none
	people  []uint64                  // the places of those who count, while it is read; nil: not asked
	also    *Index                    // who else has what the rows of a part have, as it was before they were locked
	suspect bool                      // what was read does not fit together
	buf     []byte
}

// short is as much of a reference as the registry's own index holds: 128 bits of a keyed hash do not collide.
type short [16]byte

// place is a value by which rows refer: it is compared by a fold that is coarser than any collation, and exactly.
// Two values that only the fold takes for the same are a doubt, for only the engine knows.
type place struct{ high, low, exact uint32 }

// place.exact of an entry also holds at which column its path starts, and the kind of the identifier.
const (
	exactBits = 1<<24 - 1
	kindShift = 24
	fromShift = 28
	counted   = 15 // kind of a reference that only counts who has it
)

// entry is one identifier of the rows at a place; a zero ref is one that cannot be read, and, where it is counted, one
// that may be an address.
type entry struct {
	at  place
	ref short
}

// link is a row of a table between.
type link struct{ in, out place }

// part is what was read along a path of several hops.
type part struct {
	links [][]link // one for each hop but the last
	last  []entry
}

// NewIndex is an index to be filled. References are made with the silo's key, as the registry knows them; phone numbers
// without a prefix are those of the country. texts says that the identifiers themselves are kept too, about 150 bytes
// more for each.
func NewIndex(paths *Paths, key *keystore.SiloKey, known *standings.Standings, country string, texts bool) *Index {
	x := &Index{paths: paths, key: key, known: known, country: country, seed: maphash.MakeSeed(),
		parts: make([]part, len(paths.list))}
	for i, way := range paths.list {
		x.parts[i].links = make([][]link, len(way.hops)-1)
	}
	if texts {
		x.texts = map[short]event.Subject{}
	}
	return x
}

// Part is an empty index for a part of the rows: what several people have it knows by the whole.
func (x *Index) Part() *Index {
	part := NewIndex(x.paths, x.key, x.known, x.country, false)
	part.whole, part.names = x, map[short][2]keystore.Ref{}
	return part
}

// Beside tells an empty index of rows that were copied what is known of those that they were copied from: what another
// row has there is several rows' here, too, and a row that still has something in common with its copy has given it
// what it got since. One that is not whole, or nil, lets every row be in doubt.
func (x *Index) Beside(live *Index) {
	if x.suspect = live == nil || live.parts != nil; !x.suspect {
		x.beside, x.seed = live, live.seed
	}
}

// Observe takes up a batch with all fields of a table, where a path leads over it.
func (x *Index) Observe(b connectors.Batch) {
	if b.Table == x.paths.table {
		x.meet(b.Rows)
		x.hold(b.Rows)
	}
	for p, way := range x.paths.list {
		for h := range way.hops {
			if way.hops[h].Table == b.Table {
				x.take(p, h, b.Rows, nil)
			}
		}
	}
}

// meet takes up which rows there are, and are people of whom the policy speaks.
func (x *Index) meet(rows arrow.Record) {
	if len(x.paths.among) > 0 && x.people == nil {
		x.people = []uint64{}
	}
	for row := range int(rows.NumRows()) {
		if !slices.ContainsFunc(x.paths.among, func(where []cell) bool { return holds(rows, row, where) }) {
			continue
		}
		for _, from := range x.paths.From() {
			if col := rows.Column(from).(*array.Binary); col.IsValid(row) {
				at := x.place(x.paths.start(from), col.Value(row), x.paths.mixed(from))
				x.people = append(x.people, at.folded())
			}
		}
	}
}

// nobodys drops what belongs to none of the people, if it is known who there is.
func (x *Index) nobodys() {
	if x.people == nil {
		return
	}
	slices.Sort(x.people)
	x.entries, x.people = slices.DeleteFunc(x.entries, x.nobody), nil
}

// nobody reports whether an entry is of a row that is none of the people who were met, if it is known who there is.
func (x *Index) nobody(e entry) bool {
	_, there := slices.BinarySearch(x.people, e.at.folded())
	return !there && x.people != nil
}

// hold takes up what rows hold themselves, only to know who has it.
func (x *Index) hold(rows arrow.Record) {
	if len(x.paths.own) == 0 {
		return
	}
	for _, from := range x.paths.From() {
		col, number := rows.Column(from).(*array.Binary), x.paths.start(from)
		for row := range int(rows.NumRows()) {
			if col.IsNull(row) {
				continue
			}
			here := x.place(number, col.Value(row), x.paths.mixed(from))
			start := len(x.entries)
			for _, id := range x.paths.own {
				x.entries = x.identify(x.entries, id, here, rows, row)
			}
			for i := start; i < len(x.entries); i++ {
				x.entries[i].at.exact |= uint32(number)<<fromShift | counted<<kindShift
			}
		}
	}
}

// take takes up rows of one hop of a path, with all fields of its table. in says which value a row refers to, as
// the engine compares them; nil: the row's own.
func (x *Index) take(p, h int, rows arrow.Record, in func(row int) []byte) {
	way := &x.paths.list[p]
	hop := &way.hops[h]
	at := rows.Column(hop.in).(*array.Binary)
	for row := range int(rows.NumRows()) {
		if at.IsNull(row) || !hop.counts(rows, row) {
			continue
		}
		value := at.Value(row)
		if in != nil {
			value = in(row)
		}
		from, mixed := uint8(0), hop.mixed
		if h == 0 {
			from = x.paths.start(way.from)
			mixed = x.paths.mixed(way.from)
		}
		here := x.place(from, value, mixed)
		if hop.out >= 0 {
			if out := rows.Column(hop.out).(*array.Binary); out.IsValid(row) {
				x.parts[p].links[h] = append(x.parts[p].links[h], link{here,
					x.place(0, out.Value(row), way.hops[h+1].mixed)})
			}
			continue
		}
		for _, id := range way.ids {
			if len(way.hops) > 1 {
				x.parts[p].last = x.identify(x.parts[p].last, id, here, rows, row)
				continue
			}
			start := len(x.entries)
			x.entries = x.identify(x.entries, id, here, rows, row)
			for i := start; i < len(x.entries); i++ {
				x.entries[i].at.exact |= uint32(from) << fromShift
			}
		}
	}
}

// identify adds the identifiers in a column of a row; none where it is empty.
func (x *Index) identify(list []entry, id id, at place, rows arrow.Record, row int) []entry {
	col := rows.Column(id.column).(*array.Binary)
	if col.IsNull(row) || identifier.Blank(string(col.Value(row))) {
		return list
	}
	kind := x.paths.Kinds[id.kind]
	name, err := x.known.Name(x.key, kind, col.Value(row), x.country, &x.buf)
	if err == nil {
		return x.enter(list, id, at, name, col.Value(row))
	}
	before := len(list)
	withheld := x.readList(kind, col.Value(row), func(name standings.Name, text []byte) {
		list = x.enter(list, id, at, name, text)
	})
	if len(list) == before { // there, and none: the registry could know the person by it
		list = append(list, entryOf(at, id.kind, keystore.Ref{}))
	}
	if withheld {
		list = append(list, entryOf(at, counted, keystore.Ref{}))
	}
	return list
}

// enter adds an identifier that was read.
func (x *Index) enter(list []entry, id id, at place, name standings.Name, text []byte) []entry {
	e := entryOf(at, id.kind, name.Known)
	if name.Doubt {
		e.at.exact ^= exactBits
	}
	list = append(list, e)
	if x.names != nil {
		x.names[e.ref] = [2]keystore.Ref{name.Known, name.Canonical}
	}
	if name.Known != name.Canonical {
		canonical := entryOf(at, counted, name.Canonical)
		list = append(list, canonical)
		x.former = append(x.former, [2]short{e.ref, canonical.ref})
	}
	if x.texts != nil {
		if _, known := x.texts[e.ref]; !known {
			x.texts[e.ref] = event.Subject{Kind: x.paths.Kinds[id.kind], Value: string(text)}
		}
	}
	return list
}

func entryOf(at place, kind uint8, ref keystore.Ref) entry {
	e := entry{at: at, ref: short(ref[:len(short{})])}
	e.at.exact |= uint32(kind) << kindShift
	return e
}

// place is where a value stands: of rows that start at the same column of the table, or of a table between. mixed is
// that of the fold.
func (x *Index) place(from uint8, value []byte, mixed bool) place {
	var h maphash.Hash
	h.SetSeed(x.seed)
	h.WriteByte(from)
	h.Write(value)
	exact := uint32(h.Sum64()) & exactBits
	h.Reset()
	h.WriteByte(from)
	writeFolded(&h, value, mixed)
	sum := h.Sum64()
	return place{uint32(sum >> 32), uint32(sum), exact}
}

// Close ends the reading: identifiers are brought to the rows they belong to, and those that several people have
// are found.
func (x *Index) Close() {
	for p := range x.parts {
		if len(x.parts[p].links) == 0 {
			continue
		}
		from := uint32(x.paths.start(x.paths.list[p].from)) << fromShift
		for _, e := range x.parts[p].join() {
			e.at.exact |= from
			x.entries = append(x.entries, e)
		}
	}
	x.parts = nil
	x.nobodys()
	all := x.entries
	if x.beside != nil {
		all = slices.Concat(x.entries, x.beside.entries)
	}
	if x.also != nil {
		all = slices.Concat(slices.DeleteFunc(slices.Clone(all), x.also.nobody), x.also.entries)
	}
	x.share(all)
	x.recollect(all)
	x.sortShared()
	slices.SortFunc(x.entries, func(a, b entry) int {
		return cmp.Or(a.at.compare(b.at), bytes.Compare(a.ref[:], b.ref[:]))
	})
	x.entries = slices.Clip(slices.Compact(x.entries))
}

// share finds the identifiers of several people among entries. Who starts at different columns of the table (who a row
// is about, and who it is from) is not compared.
func (x *Index) share(entries []entry) {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(bytes.Compare(a.ref[:], b.ref[:]), cmp.Compare(a.from(), b.from()), a.at.compare(b.at))
	})
	for i := 1; i < len(entries); i++ {
		a, b := &entries[i-1], &entries[i]
		if a.ref != b.ref || a.from() != b.from() || a.at.like(b.at) || b.ref == (short{}) {
			continue
		}
		if last := len(x.shared) - 1; last < 0 || x.shared[last] != b.ref {
			x.shared = append(x.shared, b.ref)
		}
	}
}

func (x *Index) sortShared() {
	order := func() {
		slices.SortFunc(x.shared, func(a, b short) int { return bytes.Compare(a[:], b[:]) })
		x.shared = slices.Clip(slices.Compact(x.shared))
	}
	order()
	var former []short // known by what a version before made of it
	for _, f := range x.former {
		if x.has(f[1]) {
			former = append(former, f[0])
		}
	}
	x.shared, x.former = append(x.shared, former...), nil
	order()
}

func (e *entry) kind() uint8 { return uint8(e.at.exact >> kindShift & counted) }

func (e *entry) from() uint32 { return e.at.exact >> fromShift }

// join brings the identifiers at the end of the links to their beginnings.
func (p *part) join() []entry {
	found := p.last
	for h := len(p.links) - 1; h >= 0; h-- {
		slices.SortFunc(found, func(a, b entry) int { return a.at.compare(b.at) })
		var next []entry
		for _, l := range p.links[h] {
			for _, e := range at(found, l.out) {
				exact := l.in.exact
				if e.at.exact&exactBits != l.out.exact {
					exact ^= exactBits
				}
				next = append(next, entry{place{l.in.high, l.in.low, exact | e.at.exact&^exactBits}, e.ref})
			}
		}
		found, p.links[h] = next, nil
	}
	return found
}

// at are the entries at a place, of a sorted list.
func at(sorted []entry, where place) []entry {
	from, _ := slices.BinarySearchFunc(sorted, where, func(e entry, p place) int {
		return cmp.Or(cmp.Compare(e.at.high, p.high), cmp.Compare(e.at.low, p.low))
	})
	to := from
	for to < len(sorted) && sorted[to].at.like(where) {
		to++
	}
	return sorted[from:to]
}

func (p place) folded() uint64 { return uint64(p.high)<<32 | uint64(p.low) }

func (p place) like(o place) bool { return p.high == o.high && p.low == o.low }

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.high, o.high), cmp.Compare(p.low, o.low), cmp.Compare(p.exact, o.exact))
}

// Found is what is known of a row's people: the kinds of its own identifiers, then those of other tables. Its slices
// are used again.
type Found struct {
	standings.Several
	Refs       []keystore.Ref // of those in other tables; Several has the row's own before them
	Unreadable bool           // one of them is none of its kind
	Withheld   bool           // one may hold an address that cannot be read

	canonical []keystore.Ref // of the row's own that others have too and the registry knows by another form
}

// Reset forgets what was found.
func (f *Found) Reset() {
	f.Kinds, f.Shared, f.Refs, f.canonical = f.Kinds[:0], f.Shared[:0], f.Refs[:0], f.canonical[:0]
	f.Doubt, f.Unreadable, f.Withheld = false, false, false
}

// Namer makes references of identifiers that a row holds itself.
type Namer struct {
	Known   *standings.Standings
	Keys    *keystore.SiloKey
	Country string
	Paths   *Paths // nil: the row holds all of them
	Carried *Index // nil: nothing was read
}

// Own adds an identifier of the row itself, and its references to refs. One that cannot be read is left out.
func (f *Found) Own(refs []keystore.Ref, n Namer, kind string, value []byte, buf *[]byte) []keystore.Ref {
	if n.Paths == nil {
		refs, _ = n.Known.Names(refs, n.Keys, kind, value, n.Country, buf)
		return refs
	}
	name, err := n.Known.Name(n.Keys, kind, value, n.Country, buf)
	if err != nil {
		return refs
	}
	f.Kinds, f.Doubt = append(f.Kinds, n.Paths.kind(kind)), f.Doubt || name.Doubt
	shared := n.Carried != nil && n.Carried.Shared(name.Known)
	if f.Shared = append(f.Shared, shared); shared && name.Canonical != name.Known {
		f.canonical = append(f.canonical, name.Canonical)
	}
	return append(refs, name.Known)
}

// Count is how many identifiers stand in other tables, and how many of them other rows have too.
func (f *Found) Count() (known, shared int) {
	for _, too := range f.Shared[len(f.Shared)-len(f.Refs):] {
		if known++; too {
			shared++
		}
	}
	return known, shared
}

// Row adds what is known of a row with all fields of its table; of no index nothing is.
func (x *Index) Row(rows arrow.Record, row int, f *Found) {
	if x == nil {
		return
	}
	for _, from := range x.paths.From() {
		if col := rows.Column(from).(*array.Binary); col.IsValid(row) {
			x.of(from, col.Value(row), f)
		}
	}
}

// of adds what is known of the row that holds a value in a column at which paths start.
func (x *Index) of(from int, value []byte, f *Found) {
	where := x.place(x.paths.start(from), value, x.paths.mixed(from))
	f.Doubt = f.Doubt || x.suspect
	here := at(x.entries, where)
	for _, e := range here {
		x.found(e, where, f)
	}
	if x.beside == nil {
		return
	}
	there := at(x.beside.entries, where)
	if !slices.ContainsFunc(here, func(e entry) bool { return x.same(e, there) }) {
		return // nothing says that it is still the same person
	}
	for _, e := range there {
		if !slices.Contains(here, e) {
			x.found(e, where, f)
		}
	}
}

// same reports whether an identifier that only one person has is among those of the row that was copied.
func (x *Index) same(e entry, there []entry) bool {
	return e.ref != short{} && e.kind() != counted && !x.has(e.ref) && slices.Contains(there, e)
}

// found adds an identifier that stands where the row's do.
func (x *Index) found(e entry, where place, f *Found) {
	switch {
	case e.kind() == counted && e.ref == short{}:
		f.Withheld = true
	case e.kind() == counted:
	case e.at.exact&exactBits != where.exact:
		f.Doubt = true
	case e.ref == short{}:
		f.Unreadable = true
	default:
		var ref keystore.Ref
		copy(ref[:], e.ref[:])
		f.Refs = append(f.Refs, ref)
		f.Kinds = append(f.Kinds, e.kind())
		f.Shared = append(f.Shared, x.Shared(ref))
	}
}

// Digest writes what is known of a row, so that it can be told whether it is still the same.
func (x *Index) Digest(w io.Writer, rows arrow.Record, row int) {
	if x == nil {
		return
	}
	var f Found
	x.Row(rows, row, &f)
	for i, ref := range f.Refs {
		said := []byte{2, f.Kinds[i], 0}
		if f.Shared[i] {
			said[2] = 1
		}
		w.Write(append(said, ref[:]...)) // to a hash, which takes all
	}
	if f.Doubt {
		w.Write([]byte{3})
	}
	if f.Unreadable {
		w.Write([]byte{4})
	}
	if f.Withheld {
		w.Write([]byte{5})
	}
}

// Shared reports whether several people have an identifier.
func (x *Index) Shared(ref keystore.Ref) bool {
	return x.has(short(ref[:len(short{})])) || x.whole != nil && x.whole.Shared(ref)
}

func (x *Index) has(shared short) bool {
	_, has := slices.BinarySearchFunc(x.shared, shared, func(a, b short) int { return bytes.Compare(a[:], b[:]) })
	return has
}

// People are the identifiers of a row in other tables, where texts are kept; shared says whether those count that
// other rows have too.
func (x *Index) People(rows arrow.Record, row int, shared bool) (people []event.Subject) {
	if x == nil {
		return nil
	}
	var f Found
	x.Row(rows, row, &f)
	for i, ref := range f.Refs {
		if f.Shared[i] && !shared {
			continue
		}
		if s, kept := x.texts[short(ref[:len(short{})])]; kept {
			people = append(people, s)
		}
	}
	slices.SortFunc(people, func(a, b event.Subject) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value))
	})
	return people
}
