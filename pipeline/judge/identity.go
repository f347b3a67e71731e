package judge

import (
	"slices"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/judge/cells"
	"lethe/pipeline/judge/traces"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
	"lethe/pipeline/via"
)

// aheadRows is for how many rows the registry is asked at once.
const aheadRows = 256

// Identify appends the references of a row's identifiers: its own, then those in other tables.
func (g *Judge) Identify(refs []keystore.Ref, rows arrow.Record, row int) []keystore.Ref {
	g.others.Reset()
	own := via.Namer{Known: g.State.Standings, Keys: g.Match, Country: g.Silo.Jurisdiction.Code, Paths: g.Via,
		Carried: g.Carried}
	for _, s := range g.subjects {
		if col := rows.Column(s.column).(*array.Binary); col.IsValid(row) { // what is none is told by unreadable
			refs = g.others.Own(refs, own, s.kind, col.Value(row), &g.buf)
		}
	}
	g.Carried.Row(rows, row, &g.others)
	return append(refs, g.others.Refs...)
}

// lookAhead identifies the next rows of a batch that are the silo's and has the standings fetch what
// they say of them.
func (g *Judge) lookAhead(rows arrow.Record, from int) {
	g.refsOf, g.ahead, g.asked = g.refsOf[:0], g.ahead[:0], g.asked[:0]
	for row := from; row < min(from+aheadRows, int(rows.NumRows())); row++ {
		g.asked = append(g.asked, g.Mine(rows, row) && (g.only == nil || g.only(g, rows, row)))
		if g.asked[row-from] {
			g.refsOf = g.Identify(g.refsOf, rows, row)
		}
		g.ahead = append(g.ahead, len(g.refsOf))
	}
	g.found = g.State.Standings.Warm(g.refsOf, g.found[:0])
}

// refsAhead are the references of a row that lookAhead identified, and what it found of them.
func (g *Judge) refsAhead(at int) ([]keystore.Ref, []standings.Found) {
	from := 0
	if at > 0 {
		from = g.ahead[at-1]
	}
	to := g.ahead[at]
	return g.refsOf[from:to:to], g.found[from:to:to]
}

// introduce puts together what the registry is told of a row: its identifiers, its collection, and which
// record it is where links lead from records.
func (g *Judge) introduce(r *Ruling, refs []keystore.Ref, found []standings.Found, rows arrow.Record, row int) {
	g.row = standings.Row{Identifiers: refs, Found: found, SiloScope: g.siloScope()}
	if g.Via != nil {
		g.row.Several = &g.others.Several
	}
	if len(refs) > 0 {
		r.subject = refs[0]
	}
	if g.row.SiloScope {
		g.row.Created = g.createdBy()
	}
	if id := g.Text(rows, row, g.collection); id != "" {
		g.row.Collection = g.CollectionRef(id)
	}
	if len(g.Key) == 0 || !g.State.Standings.Linked() {
		return
	}
	if key, ok := connectors.KeyOf(rows, g.Key, row); ok {
		g.name(r, key)
		if !g.Reused(r.record, r.subject) {
			g.row.Record = &r.record
		}
	}
}

// CollectionRef is the reference of a collection's id. What is none the registry does not know.
func (g *Judge) CollectionRef(id string) *keystore.Ref {
	refs, err := g.State.Standings.Names(nil, g.Match, identifier.Collection, []byte(id), "", &g.buf)
	if err != nil {
		return new(keystore.Ref)
	}
	return &refs[0]
}

// Others is what other tables know of the row that was ruled on last.
func (g *Judge) Others() *via.Found { return &g.others }

// Apart are the references of the identifiers of a row that others have too, which so say nothing of it.
func (g *Judge) Apart(rows arrow.Record, row int) []keystore.Ref {
	if g.Carried == nil {
		return nil
	}
	refs := g.Identify(nil, rows, row)
	return g.Carried.Apart(refs[:len(refs)-len(g.others.Refs)], &g.others)
}

// siloScope reports whether a row belongs to whatever the silo has of its person, not to one collecting.
func (g *Judge) siloScope() bool { return g.Silo.Silo.LinkScope == "silo" }

// meet completes the record of a row with what the registry says of it. It is partial where some of its
// identifiers are not known.
func (g *Judge) meet(r *Ruling, rows arrow.Record, row int) (partial bool) {
	m := g.State.Standings.Match(g.row)
	if m.Identity == policy.Unparseable && g.Silo.Silo.Alone() { // whom it does not name the registry does not know
		m.Identity = policy.Unmatched
	}
	if m.Identity == policy.Unmatched && g.row.Collection == nil && g.unreadable(rows, row) {
		m.Identity = policy.Unparseable
	}
	if g.others.Withheld && (m.Identity == policy.Matched || m.Identity == policy.Unmatched) { // a no may stand there
		m.Identity = policy.Unparseable
	}
	whole := m.Identity == policy.Matched && g.State.Standings.Whole(&m, &g.standing)
	g.use(m)
	g.Record.Identity, r.identity = m.Identity, m.Identity
	if whole {
		g.Record.Standing, r.Collection = &g.standing, m.Collection
		r.Relied = g.standing.LastSeq > 0
		r.proven = slices.ContainsFunc(g.standing.Purposes, func(p policy.PurposeStanding) bool { return p.Proven })
	}
	return m.Partial
}

// createdBy is the instant by which a row had come to be, for all that it says itself: of a day its end,
// of a time the end of that second. What was collected until then may be what the row holds.
func (g *Judge) createdBy() time.Time {
	switch at := g.Record.Collected; {
	case at.IsZero():
		return at
	case g.dayOnly:
		return (calendar.DateOf(at, g.zone) + 1).Start(g.zone).Add(-time.Microsecond)
	default:
		return at.Truncate(time.Microsecond).Add(time.Second - time.Microsecond)
	}
}

// Reused reports whether a night deleted the row that had this key, and what has it now is another's: no
// link leads from it. In a backup it is the row that was.
func (g *Judge) Reused(record, subject keystore.Ref) bool {
	return !g.Source.Backup() && traces.Reused(g.State.Tombstones.Find(record), subject)
}

// unreadable reports whether one of a row's identifiers is there and is none: the registry could know
// the person by it.
func (g *Judge) unreadable(rows arrow.Record, row int) bool {
	for _, s := range g.subjects {
		text := cells.Value(rows.Column(s.column).(*array.Binary), row)
		if identifier.Blank(string(text)) {
			continue
		}
		normal, err := identifier.Normalise(s.kind, text, g.Silo.Jurisdiction.Code, g.buf[:0])
		if g.buf = normal; err != nil {
			return true
		}
	}
	return g.others.Unreadable
}

// use notes to which collection the row at hand belongs; where its identifiers disagree, to all that it could
// belong to.
func (g *Judge) use(m standings.Match) {
	switch m.Identity {
	case policy.Matched:
		g.State.Used.Add(m.Collection)
		for _, c := range slices.Concat(m.Others, m.Shared) {
			g.State.Used.Add(c)
		}
	case policy.Conflicting, policy.Shared:
		refs := g.row.Identifiers
		if g.row.Collection != nil {
			refs = append(slices.Clip(refs), *g.row.Collection)
		}
		if g.row.Record != nil {
			refs = append(slices.Clip(refs), *g.row.Record)
		}
		for _, ref := range refs {
			for _, collection := range g.State.Standings.Lookup(ref) {
				g.State.Used.Add(collection)
			}
		}
	}
}

// People are the identifiers of a row; shared says whether those count that other rows have too.
func (g *Judge) People(rows arrow.Record, row int, shared bool) (list []event.Subject) {
	for _, s := range g.subjects {
		if col := rows.Column(s.column).(*array.Binary); col.IsValid(row) {
			list = append(list, event.Subject{Kind: s.kind, Value: string(col.Value(row))})
		}
	}
	return append(list, g.Carried.People(rows, row, shared)...)
}
