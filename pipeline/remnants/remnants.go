// Package remnants finds people who should be gone where no silo looks: in audit logs, histories, messages and exports,
// copies of an identifier that no foreign key leads to.
//
//   - A Watch knows, for each silo, who was erased, who is out of consent, and who is held.
//   - A Search reads the fields of one table that no silo governs. An identifier that it finds there becomes references
//     under each silo's key, and is forgotten; what stays is a person, who has a reference in each silo.
//   - Remnants are what is left at the end of the night, when it is known whose rows stay.
//
// Whoever one silo may still hold is no remnant for any other. What cannot be known says nothing.
package remnants

import (
	"hash/maphash"
	"slices"
	"strings"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
)

// remembered is for how many identifiers it is remembered that they say nothing: the same stand in a history again and
// again.
const remembered = 1 << 16

// most is how many people are counted in a field; beyond, a count is the least that there are.
const most = 100_000

// Watch knows who should be gone. It is used by one goroutine.
type Watch struct {
	Setup *setup.Setup
	RunID string // of the night
	Silos *silos.Set

	asks     []*ask
	kinds    []string // of identifiers, of all silos
	people   map[keystore.Ref]*person
	searches []*Search

	seed maphash.Seed
	none []uint64 // hashes of identifiers that say nothing
	in   []known  // scratch
}

// ask is one silo that is asked about an identifier.
type ask struct {
	silo    *policy.Compiled
	state   *silos.Silo
	key     *keystore.SiloKey
	kinds   []string
	named   map[string][]string            // by kind, what fields of it are called
	refs    map[keystore.Ref]calendar.Date // of whom a night erased: the day
	ended   map[int32]calendar.Date        // collections of whom a night erased
	may     silos.People                   // who may be gone
	asked   silos.Collections              // that were decided on
	lawful  silos.Collections              // that may be held
	due     map[int32]calendar.Date        // since when those must not that may not be
	record  policy.Record                  // of nobody's row
	buf     []byte
	scratch []keystore.Ref
}

// person is somebody whom no silo is known to hold.
type person struct {
	kind string
	in   []known
}

// known is a person in one silo.
type known struct {
	of  *ask
	ref keystore.Ref
}

// Open asks each silo for whom nights erased. It is called once the registry is read, before the first table.
func (w *Watch) Open() error {
	w.asks, w.kinds, w.searches = nil, nil, nil
	w.people, w.seed, w.none = map[keystore.Ref]*person{}, maphash.MakeSeed(), make([]uint64, remembered)
	for _, s := range w.Setup.Silos {
		state := w.Silos.Silos[s.Silo.Name]
		if state == nil {
			continue
		}
		a := &ask{silo: s, state: state, named: map[string][]string{}, refs: map[keystore.Ref]calendar.Date{},
			ended: map[int32]calendar.Date{}, due: map[int32]calendar.Date{}}
		a.subjects()
		var err error
		if a.key, err = w.Setup.Keys.SiloKey(s.Silo.Name); err != nil {
			return err
		}
		a.record.Starts = make([]calendar.Date, len(s.Rules()))
		for t := range state.Tombstones.All() {
			a.erased(t, calendar.DateOf(t.ErasedAt, w.Setup.Zone))
		}
		a.gather()
		w.asks = append(w.asks, a)
		for _, kind := range a.kinds {
			if !slices.Contains(w.kinds, kind) {
				w.kinds = append(w.kinds, kind)
			}
		}
	}
	slices.Sort(w.kinds)
	return nil
}

// OpenToEnd is Open where a policy says how people end in fields that no silo governs: plans that were approved since
// may be carried out before the first table is read.
func (w *Watch) OpenToEnd() error {
	if !slices.ContainsFunc(w.Setup.Silos, func(s *policy.Compiled) bool { return len(s.Silo.Remnants) > 0 }) {
		return nil
	}
	return w.Open()
}

// subjects are the kinds of identifier by which the silo knows its people. A user name is none that is looked for: it
// is anybody's word.
func (a *ask) subjects() {
	add := func(kind, field string) {
		if kind == identifier.Username || kind == identifier.Collection {
			return
		}
		if !slices.Contains(a.kinds, kind) {
			a.kinds = append(a.kinds, kind)
		}
		a.named[kind] = append(a.named[kind], plainName(field))
	}
	for _, r := range a.silo.Silo.Records {
		for kind, field := range r.Subject {
			add(kind, field)
		}
		for _, v := range r.Via {
			for kind, field := range v.Fields {
				add(kind, field)
			}
		}
	}
}

// plainName is the name of a field without what writers of schemas disagree on.
func plainName(field string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(field))
}

// erased takes up a trace of what a night erased: by it the person is known, and all other names that the registry
// still has of them.
func (a *ask) erased(t registry.Tombstone, day calendar.Date) {
	if t.Subject == (keystore.Ref{}) || t.Action != string(policy.Delete) && t.Action != string(policy.Anonymize) {
		return
	}
	if old, ok := a.refs[t.Subject]; !ok || day < old {
		a.refs[t.Subject] = day
	}
	for _, c := range a.state.Standings.Lookup(t.Subject) {
		if old, ok := a.ended[c]; !ok || day < old {
			a.ended[c] = day
		}
	}
}

// Anybody reports whether there is somebody to look for at all.
func (w *Watch) Anybody() bool {
	return w != nil && slices.ContainsFunc(w.asks, func(a *ask) bool { return !a.may.Empty() })
}

// meet returns whose an identifier is, nil where every silo says nothing, or one of them that it may be held.
func (w *Watch) meet(kind string, value []byte) *person {
	sum := 31*maphash.String(w.seed, kind) + maphash.Bytes(w.seed, value)
	slot := &w.none[sum%remembered]
	if *slot == sum {
		return nil
	}
	p := w.find(kind, value)
	if p == nil {
		*slot = sum
	}
	return p
}

// find is meet of one that was not met before.
func (w *Watch) find(kind string, value []byte) *person {
	hit := false
	in := w.in[:0]
	for _, a := range w.asks {
		if !slices.Contains(a.kinds, kind) {
			continue
		}
		var err error
		a.scratch, err = a.state.Standings.Names(a.scratch[:0], a.key, kind, value, a.silo.Jurisdiction.Code, &a.buf)
		if err != nil {
			continue
		}
		for i := range a.scratch {
			hit = hit || a.may.Has((*[16]byte)(a.scratch[i][:]))
			in = append(in, known{a, a.scratch[i]})
		}
	}
	w.in = in
	if !hit || slices.ContainsFunc(in, func(k known) bool { return k.of.lawfully(k.ref) }) {
		return nil
	}
	p := w.people[in[0].ref]
	if p == nil {
		p = &person{kind: kind, in: slices.Clone(in)}
		w.people[in[0].ref] = p
	}
	return p
}

// gather takes up everybody who may be gone: whom a night erased, and who has a collection that the registry alone does
// not let the silo keep.
func (a *ask) gather() {
	for ref := range a.refs {
		a.may.Add((*[16]byte)(ref[:]))
	}
	for c := range int32(a.state.Standings.Len()) { // in the order in which they lie in memory
		a.mayHold(c + 1)
	}
	a.state.Standings.Each(func(half *[16]byte, c int32) {
		if !a.mayHold(c) {
			a.may.Add(half)
		}
	})
}

// lawfully reports whether the registry says that the silo may hold a person.
func (a *ask) lawfully(ref keystore.Ref) bool {
	return slices.ContainsFunc(a.state.Standings.Lookup(ref), a.mayHold)
}

// mayHold decides on a collection as on a row of which nothing is known but whose it is: by the registry alone.
func (a *ask) mayHold(c int32) bool {
	if a.asked.Has(c) {
		return a.lawful.Has(c)
	}
	a.asked.Add(c)
	lawful, due, dead := a.decide(c)
	if dead {
		a.due[c] = due
	}
	if lawful {
		a.lawful.Add(c)
	}
	return lawful
}

// decide is mayHold without what was found before: dead says that the registry lets no rule keep a row, since when.
func (a *ask) decide(c int32) (lawful bool, due calendar.Date, dead bool) {
	var standing policy.Standing
	a.record.Trust, a.record.Identity, a.record.Standing = a.state.Trust, policy.Matched, &standing
	if !a.state.Standings.At(c, &standing) {
		a.record.Identity, a.record.Standing = policy.Unmatched, nil
	}
	d := decide.Decide(a.silo, a.record, a.state.Standings.AsOf())
	switch {
	case d.Action == policy.Delete || d.Action == policy.Anonymize:
		return false, max(d.Due, d.End), true
	case d.Reason == reason.EStartUnknown || a.record.Standing == nil: // the row knew, which may be gone
		return false, 0, false
	}
	return true, 0, false
}

// answer is what a silo says of a person.
type answer uint8

const (
	nothing answer = iota
	holds          // or may
	gone           // must not any more
)

// answers says whether a silo must not hold a person any more, since when, and whether a night erased what it had. It
// is asked when the night knows whose rows stay.
func (a *ask) answers(ref keystore.Ref) (says answer, since calendar.Date, erased bool) {
	of := a.state.Standings.Lookup(ref)
	if a.state.Held.Stays(ref, of) {
		return holds, 0, false
	}
	since, erased = a.refs[ref]
	var due calendar.Date
	dead := true
	for _, c := range of {
		if a.mayHold(c) {
			return holds, 0, false
		}
		if day, ok := a.ended[c]; ok {
			since, erased = earliest(since, day), true
		}
		day, ended := a.due[c]
		due, dead = earliest(due, day), dead && (ended || a.state.Held.Ends(c))
	}
	switch {
	case erased:
		return gone, earliest(since, due), true
	case len(of) == 0:
		return nothing, 0, false
	case dead:
		return gone, due, false
	}
	return holds, 0, false
}

// earliest is the earlier of two days, of which one may not be known.
func earliest(a, b calendar.Date) calendar.Date {
	if !a.Known() || b.Known() && b < a {
		return b
	}
	return a
}
