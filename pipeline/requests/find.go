package requests

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/remnants"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
)

// Find looks for the people of all asks in every source, in one pass over each. What could not be read is in the
// sections; the error is what keeps from looking at all.
func Find(ctx context.Context, p *setup.Setup, asks []Ask) (sections []*Section, err error) {
	if len(asks) == 0 {
		return nil, nil
	}
	asked := *p
	asked.Silos = slices.DeleteFunc(slices.Clone(p.Silos), func(s *policy.Compiled) bool {
		return !slices.ContainsFunc(asks, func(a Ask) bool { return a.Silo == s.Silo.Name })
	})
	tonight := setup.Asking(&asked, p.Now())
	noted := &notes.Notes{Tonight: tonight}
	registry := silos.New(&asked, tonight, nil)
	open := stores.New(&asked, tonight, noted, registry)
	defer func() { err = errors.Join(err, open.Close(), registry.Close()) }()
	if err := registry.Open(ctx, nil); err != nil {
		return nil, err
	}
	f := &finder{setup: p, tonight: tonight, silos: registry, seed: maphash.MakeSeed()}
	if err := f.people(asks); err != nil {
		return nil, err
	}
	for _, s := range f.sections {
		if registry.Silos[s.Silo].Trust == policy.Stale {
			s.Missing = append(s.Missing, Lack{Source: "registry", Why: "of silo " + s.Silo + " it has not heard for " +
				"too long, so that nothing is decided of its rows: import its consents first"})
		}
	}
	asked.Sources = slices.DeleteFunc(slices.Clone(p.Sources), func(s setup.Source) bool {
		return !f.concerns(s)
	})
	if err := open.Open(ctx); err != nil {
		return nil, err
	}
	for _, s := range open.List {
		if s.Err == nil {
			s.Err = f.source(ctx, s)
		}
		f.lacks(s)
		p.Progress("search", s.Name, 0, 0)
	}
	return f.sections, nil
}

// silo is one that is asked, with the references of all who ask in it.
type silo struct {
	name    string
	country string
	state   *silos.Silo
	key     *keystore.SiloKey
	wanted  map[keystore.Ref][]int // by the first half of a reference: the sections of whose person it is
	given   map[keystore.Ref]bool  // that a request gives, and the registry does not know
	of      []map[int32]bool       // by section: the collections of the person; nil where it is of another silo
	none    []uint64               // hashes of texts that say nothing
	buf     []byte
	refs    []keystore.Ref
}

// remembered is for how many texts it is remembered that they say nothing.
const remembered = 1 << 16

// half is the part of a reference by which the registry's index knows it.
func half(ref keystore.Ref) (h keystore.Ref) {
	copy(h[:16], ref[:16])
	return h
}

// finder looks for people in the sources.
type finder struct {
	setup    *setup.Setup
	tonight  setup.Tonight
	silos    *silos.Set
	asked    []*silo
	sections []*Section
	seed     maphash.Seed
	texts    remnants.Texts

	at    *stores.Store
	found [](map[string]*Hit)
	known []known
}

// people gathers the references of everybody who asks.
func (f *finder) people(asks []Ask) error {
	for _, a := range asks {
		f.sections = append(f.sections, &Section{Silo: a.Silo, Request: a.Asked.ID, Kind: a.Asked.Kind,
			untold:   a.Untold,
			Received: a.Asked.Received, Due: a.Asked.Deadline(), AsOf: f.tonight.AsOf, Hits: []*Hit{},
			Missing: []Lack{}, LeftOut: []Lack{}})
	}
	kinds := map[string]bool{}
	for _, c := range f.setup.Silos {
		if f.silos.Silos[c.Silo.Name] == nil {
			continue
		}
		s, err := newSilo(f.setup, f.silos, c.Silo.Name, len(asks))
		if err != nil {
			return err
		}
		for i, a := range asks {
			if a.Silo == s.name {
				if err := s.wants(i, a); err != nil {
					return err
				}
			}
		}
		s.gather()
		f.asked = append(f.asked, s)
		kindsOf(c, kinds)
	}
	f.texts.Kinds = slices.Sorted(maps.Keys(kinds))
	return nil
}

// newSilo is a silo of which nobody is wanted yet.
func newSilo(p *setup.Setup, set *silos.Set, name string, sections int) (s *silo, err error) {
	i := slices.IndexFunc(p.Silos, func(c *policy.Compiled) bool { return c.Silo.Name == name })
	s = &silo{name: name, country: p.Silos[i].Jurisdiction.Code, state: set.Silos[name],
		wanted: map[keystore.Ref][]int{}, given: map[keystore.Ref]bool{}, of: make([]map[int32]bool, sections),
		none: make([]uint64, remembered)}
	s.key, err = p.Keys.SiloKey(name)
	return s, err
}

// gather takes up all references that lead to the collections of those who are wanted.
func (s *silo) gather() {
	whose := map[int32][]int{}
	for section, of := range s.of {
		for collection := range of {
			whose[collection] = append(whose[collection], section)
		}
	}
	s.state.Standings.Each(func(h *[16]byte, collection int32) {
		for _, section := range whose[collection] {
			var ref keystore.Ref
			copy(ref[:], h[:])
			s.want(ref, section)
		}
	})
}

// kindsOf adds the kinds of identifiers by which a silo knows its people, and that a text can hold.
func kindsOf(c *policy.Compiled, kinds map[string]bool) {
	add := func(kind string) {
		if kind == identifier.Email || kind == identifier.Phone || strings.HasPrefix(kind, identifier.National) {
			kinds[kind] = true
		}
	}
	for _, r := range c.Silo.Records {
		for kind := range r.Subject {
			add(kind)
		}
		for _, v := range r.Via {
			for kind := range v.Fields {
				add(kind)
			}
		}
	}
}

// wants takes up one ask: the collections of the person, and what they say of themselves besides.
func (s *silo) wants(section int, a Ask) error {
	s.of[section] = map[int32]bool{}
	for _, c := range a.Asked.Collections {
		s.of[section][c] = true
	}
	for _, subject := range a.Given {
		refs, err := s.state.Standings.Names(nil, s.key, subject.Kind, []byte(subject.Value),
			cmp.Or(a.Country, s.country), &s.buf)
		if err != nil {
			return fmt.Errorf("%w: an identifier that request %s gives is no %s: %w", setup.ErrUsage, a.Asked.ID,
				subject.Kind, err)
		}
		for _, ref := range refs {
			if s.others(section, ref) {
				return fmt.Errorf("%w: the registry knows somebody else in silo %s by the %s that request %s gives: "+
					"look whose it is with `lethe consent show`; if it is theirs too, open a request under it",
					setup.ErrConfig, s.name, subject.Kind, a.Asked.ID)
			}
			s.want(half(ref), section)
			s.given[half(ref)] = len(s.state.Standings.Lookup(ref)) == 0
		}
	}
	return nil
}

// others reports whether a reference leads to somebody else, too.
func (s *silo) others(section int, ref keystore.Ref) bool {
	return slices.ContainsFunc(s.state.Standings.Lookup(ref), func(c int32) bool { return !s.of[section][c] })
}

func (s *silo) want(h keystore.Ref, section int) {
	if !slices.Contains(s.wanted[h], section) {
		s.wanted[h] = append(s.wanted[h], section)
	}
}

// concerns reports whether people of the asked silos may stand in a source: a silo of theirs has records there, or no
// silo has.
func (f *finder) concerns(s setup.Source) bool {
	anybodys := false
	for _, c := range f.setup.Silos {
		for _, r := range c.Silo.Records {
			if r.Source != s.System() {
				continue
			}
			anybodys = true
			if f.silos.Silos[c.Silo.Name] != nil {
				return true
			}
		}
	}
	return !anybodys
}

// source looks for everybody in one source: its error is what keeps it from being read to the end.
func (f *finder) source(ctx context.Context, s *stores.Store) error {
	if err := s.ReadCarried(ctx, false); err != nil {
		return err
	}
	f.at, f.found = s, make([]map[string]*Hit, len(f.sections))
	for i := range f.found {
		f.found[i] = map[string]*Hit{}
	}
	var queries []connectors.Query
	for _, t := range s.Tables {
		if _, left := s.Skip[t.Name]; !left && t.Unreadable == nil && !stores.IsCopy(t) {
			queries = append(queries, connectors.Query{Table: t.Name})
		}
	}
	if len(queries) == 0 {
		return nil
	}
	for b, err := range s.Conn.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		t, _ := s.Tables.Find(b.Table)
		for _, g := range s.Governed[b.Table] {
			if err := f.own(g, t, b.Rows); err != nil {
				return err
			}
		}
		f.named(t, b.Rows)
	}
	return f.follow(ctx, s)
}

// others reports whether the rows of a table are those of other silos, and of this one none: nothing is looked for
// there for it, whoever asks in those.
func (f *finder) others(at *stores.Store, table, name string) bool {
	others := false
	for _, c := range f.setup.Silos {
		for _, r := range c.Silo.Records {
			if r.Source != at.System() || r.Table != table {
				continue
			}
			if c.Silo.Name == name {
				return false
			}
			others = true
		}
	}
	return others
}

// ofSilo is the asked silo of a judge.
func (f *finder) ofSilo(g *judge.Judge) *silo {
	i := slices.IndexFunc(f.asked, func(s *silo) bool { return s.name == g.Silo.Silo.Name })
	return f.asked[i]
}

// own takes up the rows of a batch that are those of people who ask.
func (f *finder) own(g *judge.Judge, t connectors.Table, rows arrow.Record) error {
	s := f.ofSilo(g)
	for row := range int(rows.NumRows()) {
		if !g.Mine(rows, row) {
			continue
		}
		f.known = references(f.known[:0], g, rows, row)
		for _, section := range s.whose(f.known) {
			how := s.judge(section, f.known)
			h := f.hit(section, t, rows, row, how)
			if how != Own && how != Given {
				continue
			}
			r := g.Rule(rows, row, f.tonight.AsOf)
			d := f.anyway(g, r)
			h.Decision, h.Change, h.Words = &d, string(r.Change), d.Reason.Words()
		}
	}
	return nil
}

// anyway is what is decided of the row that was ruled on last, had nobody asked to see it: a request for access keeps
// what no ground keeps, and says nothing of the grounds.
func (f *finder) anyway(g *judge.Judge, r judge.Ruling) policy.Decision {
	record := g.Record
	if record.Standing == nil || !record.Standing.PendingAccess {
		return r.Decision
	}
	standing := *record.Standing
	standing.PendingAccess = false
	record.Standing = &standing
	return decide.Decide(g.Silo, record, f.tonight.AsOf)
}

// whose are the sections of whom a row may be.
func (s *silo) whose(refs []known) (sections []int) {
	for _, k := range refs {
		for _, section := range s.wanted[half(k.ref)] {
			if !slices.Contains(sections, section) {
				sections = append(sections, section)
			}
		}
	}
	return sections
}

// judge says how a row with these references is a person's: nobody else's if what is theirs alone leads to them, and
// nothing that the registry knows leads to anybody else.
func (s *silo) judge(section int, refs []known) How {
	theirs, given := false, false
	for _, k := range refs {
		if s.others(section, k.ref) {
			return Shared
		}
		if !k.shared && slices.Contains(s.wanted[half(k.ref)], section) {
			theirs = true
			given = given || s.given[half(k.ref)]
		}
	}
	switch {
	case !theirs:
		return Shared
	case given && !s.knows(section, refs):
		return Given
	}
	return Own
}

// knows reports whether the registry itself knows a row as the person's.
func (s *silo) knows(section int, refs []known) bool {
	return slices.ContainsFunc(refs, func(k known) bool {
		return slices.ContainsFunc(s.state.Standings.Lookup(k.ref), func(c int32) bool { return s.of[section][c] })
	})
}

// named takes up the rows of a batch whose texts name people who ask.
func (f *finder) named(t connectors.Table, rows arrow.Record) {
	asked := slices.DeleteFunc(slices.Clone(f.asked), func(s *silo) bool {
		return f.others(f.at, t.Name, s.name)
	})
	for at, field := range t.Fields {
		_, left := f.at.Skip[t.Name+"."+field.Name]
		whose := slices.ContainsFunc(f.at.Governed[t.Name], func(g *judge.Judge) bool {
			return identifies(g, field.Name)
		})
		if left || whose || !f.texts.MayHold(field) {
			continue
		}
		f.texts.Each(rows.Column(at).(*array.Binary), func(row int, kind string, value []byte) bool {
			met := false
			for _, s := range asked {
				for _, section := range f.meets(s, kind, value) {
					met = true
					h := f.hit(section, t, rows, row, Names)
					if h.How == Names && !slices.Contains(h.Fields, field.Name) {
						h.Fields = append(h.Fields, field.Name)
					}
				}
			}
			return met
		})
	}
}

// meets are the sections of the people whom a text names.
func (f *finder) meets(s *silo, kind string, value []byte) []int {
	sum := 31*maphash.String(f.seed, kind) + maphash.Bytes(f.seed, value)
	slot := &s.none[sum%remembered]
	if *slot == sum {
		return nil
	}
	var err error
	if s.refs, err = s.state.Standings.Names(s.refs[:0], s.key, kind, value, s.country, &s.buf); err == nil {
		for _, ref := range s.refs {
			if sections := s.wanted[half(ref)]; len(sections) > 0 {
				return sections
			}
		}
	}
	*slot = sum
	return nil
}

// hit is the hit of a row in a section: one, in the surest way in which it was found.
func (f *finder) hit(section int, t connectors.Table, rows arrow.Record, row int, how How) *Hit {
	key, place := keyOf(t, rows, row)
	return f.add(section, t, rows, row, how, key, place)
}

func (f *finder) add(section int, t connectors.Table, rows arrow.Record, row int, how How, key []string,
	place string) *Hit {
	if h := f.found[section][place]; h != nil {
		if surer(how, h.How) {
			h.How, h.Fields = how, nil
		}
		return h
	}
	h := &Hit{Source: f.at.Name, Backup: f.at.Backup(), Table: t.Name, Key: key, How: how, place: place}
	for i, field := range t.Fields {
		h.columns = append(h.columns, field.Name)
		col := rows.Column(i).(*array.Binary)
		if col.IsNull(row) {
			h.cells = append(h.cells, nil)
			continue
		}
		h.cells = append(h.cells, append([]byte{}, col.Value(row)...))
	}
	f.found[section][place] = h
	f.sections[section].Hits = append(f.sections[section].Hits, h)
	return h
}

// ways are how rows are found, the surest first.
var ways = []How{Own, Given, Dependent, Owned, Shared, Refers, Names}

func surer(a, b How) bool { return slices.Index(ways, a) < slices.Index(ways, b) }

// keyOf is the key of a row, and what no other row of the source has: its table and key, or where it has none all that
// stands in it, so that rows without a key that are the very same count as one.
func keyOf(t connectors.Table, rows arrow.Record, row int) (key []string, place string) {
	key = []string{}
	var columns []int
	for _, name := range t.Key {
		columns = append(columns, slices.IndexFunc(t.Fields, func(f connectors.Field) bool { return f.Name == name }))
	}
	if k, ok := connectors.KeyOf(rows, columns, row); ok && len(columns) > 0 {
		for _, c := range columns {
			key = append(key, string(rows.Column(c).(*array.Binary).Value(row)))
		}
		return key, t.Name + "\x1f" + string(k)
	}
	values := make([][]byte, rows.NumCols())
	for i := range values {
		if col := rows.Column(i).(*array.Binary); col.IsValid(row) {
			values[i] = col.Value(row)
		}
	}
	return key, t.Name + "\x1e" + string(connectors.MakeKey(values...))
}

// lacks says of a source what was not looked at.
func (f *finder) lacks(s *stores.Store) {
	missing := func(table, why string) {
		for _, section := range f.sections {
			if f.has(section.Silo, s) {
				section.Missing = append(section.Missing, Lack{Source: s.Name, Table: table, Why: why})
			}
		}
	}
	if s.Err != nil {
		missing("", cmp.Or(notes.Failure(s.Err), "unreadable"))
		return
	}
	for _, t := range s.Tables {
		if t.Unreadable != nil {
			missing(t.Name, notes.Failure(t.Unreadable))
		}
	}
	for _, u := range s.Unread {
		if (u.Unknown || u.Of != "") && !u.Read {
			missing(u.Name, u.Reason)
		}
	}
	for _, lack := range s.Lacks {
		missing("", lack)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Skip)) {
		for _, section := range f.sections {
			if f.has(section.Silo, s) {
				section.LeftOut = append(section.LeftOut, Lack{Source: s.Name, Table: name, Why: s.Skip[name]})
			}
		}
	}
}

// has reports whether a silo has records in a source.
func (f *finder) has(name string, s *stores.Store) bool {
	i := slices.IndexFunc(f.setup.Silos, func(c *policy.Compiled) bool { return c.Silo.Name == name })
	return i >= 0 && slices.ContainsFunc(f.setup.Silos[i].Silo.Records, func(r policy.Records) bool {
		return r.Source == s.System()
	})
}
