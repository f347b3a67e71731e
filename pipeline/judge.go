package pipeline

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/anonymize"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
)

// change is what a decision changes in a source.
type change string

// The changes. Block and unblock are reversible; the others destroy.
const (
	noChange  change = ""
	block     change = "block"
	unblock   change = "unblock"
	clearing  change = "clear"
	anonymise change = "anonymize"
	erase     change = "delete"
	setNull   change = "set_null" // the foreign key of a row that stays when the row it refers to goes
)

func (c change) reversible() bool { return c == block || c == unblock }

// arrowRecord is the rows of a batch.
type arrowRecord = arrow.Record

// group is one silo's rows of one table of one source: the unit of planning and of applying.
type group struct {
	silo    *policy.Compiled
	records policy.Records
	store   *store
	table   connectors.Table
	match   *keystore.SiloKey
	refs    *keystore.AuditKey
	state   *siloState
	zone    *time.Location

	key        []int
	subjects   []subject
	where      []cell
	collected  int // column, -1 none
	collection int
	starts     []int // one column for each rule, -1 none
	kinds      []string
	zones      []*time.Location // nil where the engine stores local time
	blocked    []cell           // the fields and values of a blocked row
	unblocked  []cell
	targets    []target
	guarded    []int // decision-relevant columns
	owned      []ownedEdge

	rows           int64 // of the silo in this table
	roots          []root
	stopped        bool // a stop forbids changes in the table tonight
	summary        map[summaryKey]*audit.Summary
	oldest, newest calendar.Date

	flags []registry.Flag // rows whose reason has no date, with the night that first found it
	met   []uint64        // a bit for each collection that a row of the table led to

	// Scratch: a group is used by one goroutine.
	row      standings.Row
	refsOf   []keystore.Ref    // of the row at hand, or of the rows ahead
	ahead    []int             // where the references of each row ahead end
	found    []standings.Found // of refsOf in the standings
	standing policy.Standing
	record   policy.Record
	buf      []byte
}

type subject struct {
	kind   string
	column int
}

// cell is a column and the canonical text it holds.
type cell struct {
	field  string
	column int
	value  []byte
}

// target is a field that anonymizing changes, and how.
type target struct {
	field     string
	column    int
	technique anonymize.Technique
	anonymize bool // set by anonymizing; else only by clearing, when no live ground covers the field
}

type ownedEdge struct {
	table   string
	columns []int
	fields  []string // of the owned table that the foreign key refers to
}

// root is a governed row that a plan may hold.
type root struct {
	key     connectors.Key
	guard   guard
	subject keystore.Ref // the identifier that met the registry; zero if none did
	record  keystore.Ref
	ref     audit.Ref
	change  change
	block   bool // also to be blocked now, for the change may wait
	clear   []string
	code    reason.Code
	rule    string
	due     calendar.Date
	owns    []connectors.Key // one for each owned edge; "" NULL
	kept    bool             // a referencing row stays, so it cannot be deleted
	ramped  bool             // left for a later night by the ramp
	asks    bool             // no standing order covers it: people are asked

	ruling     *ruling // of a row to be deleted, until it is known whether its dependents let it go
	anonymized bool    // holds already what anonymizing yields
	blockGuard guard   // covers the decision's own fields only
	elseGuard  guard   // of the anonymizing that takes the place of deleting
}

type summaryKey struct {
	reason reason.Code
	action policy.Action
	use    policy.Use
	change change
}

// guard is a keyed digest of what a decision saw of a row.
type guard [16]byte

// siloState is what the night knows of a silo's registry at one head.
type siloState struct {
	trust      policy.Trust
	standings  *standings.Standings
	tombstones *registry.Tombstones
	flags      map[registry.FlagKey]time.Time
	used       collections           // to which rows belong that the night read
	anonymized map[keystore.Ref]bool // records that an earlier night anonymized, and that are still there
}

// ruling is what became of one row before the judge.
type ruling struct {
	policy.Decision
	subject keystore.Ref
	record  keystore.Ref
	known   bool // record is set
	change  change
	block   bool
	clear   []string
	flagged time.Time
	seqFrom int64 // registry positions relied on
	seqTo   int64

	collection int32 // that the row belongs to; 0 none
}

// newGroup resolves the names of a silo's records against the catalog.
func (n *night) newGroup(s *store, silo *policy.Compiled, records policy.Records, table connectors.Table) (*group, error) {
	g := &group{silo: silo, records: records, store: s, table: table, zone: n.Zone, collected: -1, collection: -1, summary: map[summaryKey]*audit.Summary{}}
	var errs []error
	column := func(name string) int {
		i := slices.IndexFunc(table.Fields, func(f connectors.Field) bool { return f.Name == name })
		if i < 0 {
			errs = append(errs, fmt.Errorf("%w: silo %s: table %s of source %s has no field %s: name a field that the source has", ErrConfig, silo.Silo.Name, table.Name, s.Name, name))
			i = 0
		}
		return i
	}
	for _, f := range table.Key {
		g.key = append(g.key, column(f))
	}
	for _, kind := range slices.Sorted(maps.Keys(records.Subject)) {
		g.subjects = append(g.subjects, subject{kind, column(records.Subject[kind])})
	}
	cells := func(m map[string]string) []cell {
		var cs []cell
		for _, f := range slices.Sorted(maps.Keys(m)) {
			cs = append(cs, cell{f, column(f), []byte(m[f])})
		}
		return cs
	}
	g.where = cells(records.Where)
	if records.Block != nil {
		g.blocked, g.unblocked = cells(records.Block.Set), cells(records.Block.Unset)
	}
	if records.Collected != "" {
		g.collected = column(records.Collected)
	}
	if records.Collection != "" {
		g.collection = column(records.Collection)
	}
	for _, r := range silo.Silo.Rules {
		c := -1
		switch {
		case r.Start == policy.Collected && r.At == "":
			c = g.collected
		case r.At != "":
			c = column(r.At)
		}
		kind := ""
		if c >= 0 {
			kind = string(table.Fields[c].Kind)
		}
		g.starts, g.kinds, g.zones = append(g.starts, c), append(g.kinds, kind), append(g.zones, g.zoneOf(c))
	}
	for _, c := range slices.Compact(slices.Sorted(slices.Values(append([]int{g.collected}, g.starts...)))) {
		if c >= 0 && table.Fields[c].AutoUpdate {
			errs = append(errs, fmt.Errorf("%w: silo %s: field %s of table %s of source %s is set anew at every update of the row, so a term that starts there never ends: name the field with the day of collecting, or of the end", ErrConfig, silo.Silo.Name, table.Fields[c].Name, table.Name, s.Name))
		}
	}
	relevant := map[int]bool{}
	for _, s := range g.subjects {
		relevant[s.column] = true
	}
	for _, w := range g.where {
		relevant[w.column] = true
	}
	for _, c := range append([]int{g.collected, g.collection}, g.starts...) {
		if c >= 0 {
			relevant[c] = true
		}
	}
	g.guarded = slices.Sorted(maps.Keys(relevant))
	targets, err := n.targets(silo, s, table)
	errs = append(errs, err)
	for _, o := range records.Owns {
		e := ownedEdge{table: o.Table}
		for _, f := range o.FK {
			e.columns = append(e.columns, column(f))
		}
		owned, ok := s.table(o.Table)
		if !ok {
			errs = append(errs, fmt.Errorf("%w: silo %s: owned table %s is not in source %s", ErrConfig, silo.Silo.Name, o.Table, s.Name))
			continue
		}
		e.fields = owned.Key
		for _, fk := range table.ForeignKeys {
			if fk.RefTable == o.Table && slices.Equal(fk.Fields, o.FK) {
				e.fields = fk.RefFields
			}
		}
		if !slices.Equal(e.fields, owned.Key) || len(owned.Key) == 0 {
			errs = append(errs, fmt.Errorf("%w: silo %s: owned table %s: the foreign key must refer to its primary key", ErrConfig, silo.Silo.Name, o.Table))
		}
		g.owned = append(g.owned, e)
	}
	for _, d := range records.Dependents {
		child, ok := s.table(d.Table)
		if !ok {
			errs = append(errs, fmt.Errorf("%w: silo %s: dependent table %s is not in source %s", ErrConfig, silo.Silo.Name, d.Table, s.Name))
			continue
		}
		for _, f := range d.FK {
			if cf, ok := child.Field(f); !ok {
				errs = append(errs, fmt.Errorf("%w: silo %s: dependent table %s has no field %s", ErrConfig, silo.Silo.Name, d.Table, f))
			} else if d.Do == string(setNull) && !cf.Nullable {
				errs = append(errs, fmt.Errorf("%w: silo %s: dependent table %s field %s cannot be NULL, so set_null is impossible: use delete", ErrConfig, silo.Silo.Name, d.Table, f))
			}
		}
	}
	if g.match, err = n.Keys.SiloKey(silo.Silo.Name); err != nil {
		errs = append(errs, err)
	} else if n.epoch != "" { // without one nothing is written down, so no record needs a name
		if g.refs, err = n.Keys.AuditKey(silo.Silo.Name, n.epoch); err != nil {
			errs = append(errs, err)
		}
	}
	g.targets = targets
	if g.match != nil {
		key := g.match.Fixed("anonymize", nil)
		for i := range g.targets {
			g.targets[i].technique = g.targets[i].technique.WithKey(key[:], silo.Silo.Name)
		}
	}
	g.state = n.silos[silo.Silo.Name]
	g.record.Starts = make([]calendar.Date, len(g.starts))
	return g, errors.Join(errs...)
}

// judge decides every row of a batch and remembers what is not a plain keep.
func (n *night) judge(g *group, batch connectors.Batch) error {
	for row := range int(batch.Rows.NumRows()) {
		if row%aheadRows == 0 {
			g.lookAhead(batch.Rows, row)
		}
		if !g.mine(batch.Rows, row) {
			continue
		}
		g.rows++
		refs, found := g.refsAhead(row % aheadRows)
		r := g.ruleOn(refs, found, batch.Rows, row, n.asOf)
		g.seen(batch.Rows, row)
		g.count(r)
		n.exceptions(g, r)
		again := g.again(r.collection)
		if r.quiet() {
			continue
		}
		if again { // the first of them could not know
			r.Notes = append(slices.Clip(r.Notes), reason.IDuplicate)
		}
		key, ok := connectors.KeyOf(batch.Rows, g.key, row)
		if len(g.key) == 0 || !ok {
			n.except(audit.Exception{Silo: g.silo.Silo.Name, Source: g.store.Name, Object: g.table.Name, Code: codeNoKey, Count: 1})
			continue
		}
		if !r.known {
			r.record, r.known = g.match.Record(g.store.System(), g.table.Name, []byte(key)), true
		}
		ref := audit.Ref(g.refs.Ref(g.store.System()+"\x1f"+g.table.Name, []byte(key)))
		if r.change != erase {
			if err := n.decisions.Append(g.decision(r, ref)); err != nil {
				return err
			}
		}
		if r.Flag && !g.store.backup() {
			g.flags = append(g.flags, registry.Flag{FlagKey: registry.FlagKey{Record: r.record, Reason: string(r.Reason)}, Since: r.flagged})
		}
		if r.change == noChange && !r.block {
			continue
		}
		if !r.change.reversible() && n.pending[place{g.store.Name, g.table.Name, key}] {
			if r.change == erase {
				if err := n.decisions.Append(g.decision(r, ref)); err != nil {
					return err
				}
			}
			if !r.block {
				continue
			}
			r.change, r.block = block, false // what destroys waits in a plan already; blocking does not wait
		}
		rt := root{key: key, subject: r.subject, record: r.record, ref: ref, change: r.change, block: r.block, clear: r.clear, code: r.Reason, rule: r.Rule, due: r.Due}
		rt.guard, rt.blockGuard = g.guard(n.run.ID, batch.Rows, row, rt.change, rt.clear), g.guard(n.run.ID, batch.Rows, row, block, nil)
		if r.change == erase {
			rt.ruling, rt.anonymized = &r, g.anonymized(batch.Rows, row)
			rt.elseGuard = g.guard(n.run.ID, batch.Rows, row, anonymise, nil)
			for _, e := range g.owned {
				k, _ := connectors.KeyOf(batch.Rows, e.columns, row)
				rt.owns = append(rt.owns, k)
			}
		}
		g.roots = append(g.roots, rt)
	}
	return nil
}

// exceptions counts what somebody has to look at: knowledge that is missing or contradicts itself. A backup repeats what its live source says.
func (n *night) exceptions(g *group, r ruling) {
	if g.store.backup() {
		return
	}
	count := func(code reason.Code) {
		if strings.HasPrefix(string(code), "E_") || code == reason.XNoMatch || code == reason.KObjectionPending { // an objection waits for somebody to weigh it
			n.except(audit.Exception{Silo: g.silo.Silo.Name, Source: g.store.Name, Object: g.table.Name, Code: string(code), Count: 1, Owner: g.silo.Silo.Rules[0].Owner})
		}
	}
	count(r.Reason)
	for _, note := range r.Notes {
		count(note)
	}
}

// again reports whether an earlier row of the table belongs to the same collection: the same person's data of the same collecting stand in several rows. Each is
// decided by itself, and alike. Where the silo links all of a person's rows (invoices), several are no news.
func (g *group) again(collection int32) bool {
	if collection == 0 || g.silo.Silo.LinkScope == "silo" {
		return false
	}
	if word := int(collection / 64); word >= len(g.met) {
		g.met = append(g.met, make([]uint64, max(word+1-len(g.met), len(g.met)))...)
	}
	bit := uint64(1) << (collection % 64)
	was := g.met[collection/64]&bit != 0
	g.met[collection/64] |= bit
	return was
}

// quiet reports whether a ruling changes nothing and has nothing to say that the counts do not; so does a row whose uncovered fields are cleared already.
func (r ruling) quiet() bool {
	d := r.Decision
	d.Clear = nil
	return r.change == noChange && !r.block && plain(d)
}

// mine reports whether a row belongs to the silo.
func (g *group) mine(rows arrowRecord, row int) bool { return holds(rows, row, g.where) }

func holds(rows arrowRecord, row int, cells []cell) bool {
	for _, c := range cells {
		col := rows.Column(c.column).(*array.Binary)
		if col.IsNull(row) || string(col.Value(row)) != string(c.value) {
			return false
		}
	}
	return true
}

// rule decides one row at an instant. It is asked when planning and again, of the locked row, when applying.
func (g *group) rule(rows arrowRecord, row int, asOf time.Time) ruling {
	g.refsOf = g.identify(g.refsOf[:0], rows, row)
	return g.ruleOn(g.refsOf, nil, rows, row, asOf)
}

// identify appends the references of a row's identifiers.
func (g *group) identify(refs []keystore.Ref, rows arrowRecord, row int) []keystore.Ref {
	for _, s := range g.subjects {
		col := rows.Column(s.column).(*array.Binary)
		if col.IsNull(row) {
			continue
		}
		normal, ok := identifier.Normalise(s.kind, col.Value(row), g.silo.Jurisdiction.Code, g.buf[:0])
		if !ok {
			continue
		}
		g.buf = normal
		refs = append(refs, g.match.Match(s.kind, normal))
	}
	return refs
}

// aheadRows is for how many rows judge asks the registry at once.
const aheadRows = 256

// lookAhead identifies the next rows of a batch that are the silo's and has the standings fetch what they say of them.
func (g *group) lookAhead(rows arrowRecord, from int) {
	g.refsOf, g.ahead = g.refsOf[:0], g.ahead[:0]
	for row := from; row < min(from+aheadRows, int(rows.NumRows())); row++ {
		if g.mine(rows, row) {
			g.refsOf = g.identify(g.refsOf, rows, row)
		}
		g.ahead = append(g.ahead, len(g.refsOf))
	}
	g.found = g.state.standings.Warm(g.refsOf, g.found[:0])
}

// refsAhead are the references of a row that lookAhead identified, and what it found of them.
func (g *group) refsAhead(at int) ([]keystore.Ref, []standings.Found) {
	from := 0
	if at > 0 {
		from = g.ahead[at-1]
	}
	to := g.ahead[at]
	return g.refsOf[from:to:to], g.found[from:to:to]
}

// ruleOn decides one row with these references, of which lookAhead has found this; nil: it was not asked.
func (g *group) ruleOn(refs []keystore.Ref, found []standings.Found, rows arrowRecord, row int, asOf time.Time) ruling {
	rec := &g.record
	*rec = policy.Record{Trust: g.state.trust, Starts: rec.Starts}
	if g.collected >= 0 {
		rec.Collected = instant(rows.Column(g.collected).(*array.Binary), row, g.zoneOf(g.collected) != nil, g.zone)
	}
	for i, c := range g.starts {
		rec.Starts[i] = 0
		if c < 0 {
			continue
		}
		if col := rows.Column(c).(*array.Binary); col.IsValid(row) {
			rec.Starts[i], _ = calendar.ParseStart(col.Value(row), g.kinds[i], g.zones[i])
		}
	}
	r := ruling{}
	g.row.Identifiers, g.row.Found = refs, found
	if len(refs) > 0 {
		r.subject = refs[0]
	}
	if g.row.SiloScope, g.row.Collection = g.silo.Silo.LinkScope == "silo", nil; g.row.SiloScope {
		g.row.Created = g.createdBy(rows, row)
	}
	if id := g.text(rows, row, g.collection); id != "" {
		ref := chain.CollectionRef(g.match, id)
		g.row.Collection = &ref
	}
	g.row.Record = nil
	if len(g.key) > 0 && g.state.standings.Linked() {
		if key, ok := connectors.KeyOf(rows, g.key, row); ok {
			r.record, r.known = g.match.Record(g.store.System(), g.table.Name, []byte(key)), true
			if !g.reused(r.record, r.subject) {
				g.row.Record = &r.record
			}
		}
	}
	m := g.state.standings.Match(g.row)
	if m.Identity == policy.Unmatched && g.row.Collection == nil && g.unreadable(rows, row) {
		m.Identity = policy.Unparseable
	}
	g.use(m)
	rec.Identity = m.Identity
	if m.Identity == policy.Matched && g.state.standings.At(m.Collection, &g.standing) {
		rec.Standing, r.collection = &g.standing, m.Collection
		r.seqFrom, r.seqTo = g.standing.FirstSeq, g.standing.LastSeq
	}
	r.Decision = decide.Decide(g.silo, *rec, asOf)
	if plain(r.Decision) && len(g.blocked) == 0 {
		return r
	}
	g.recall(&r, rows, row, asOf)
	if m.Partial {
		r.Notes = append(slices.Clip(r.Notes), reason.IPartialID)
	}
	g.changes(&r, rows, row)
	return r
}

// createdBy is the instant by which a row had come to be, for all that it says itself: of a day its end, of a time the end of that second. What was collected until then
// may be what the row holds.
func (g *group) createdBy(rows arrowRecord, row int) time.Time {
	switch at := g.record.Collected; {
	case at.IsZero():
		return at
	case len(value(rows.Column(g.collected).(*array.Binary), row)) == len(time.DateOnly):
		return (calendar.DateOf(at, g.zone) + 1).Start(g.zone).Add(-time.Microsecond)
	default:
		return at.Truncate(time.Microsecond).Add(time.Second - time.Microsecond)
	}
}

// reused reports whether a night deleted the row that had this key, and what has it now is another's: no link leads from it. In a backup it is the row that was.
func (g *group) reused(record, subject keystore.Ref) bool {
	if g.store.backup() {
		return false
	}
	deleted := false
	for _, t := range g.state.tombstones.Find(record) {
		if t.Action == string(policy.Delete) {
			if t.Subject == subject {
				return false
			}
			deleted = true
		}
	}
	return deleted
}

// unreadable reports whether one of a row's identifiers is there and is none: the registry could know the person by it.
func (g *group) unreadable(rows arrowRecord, row int) bool {
	for _, s := range g.subjects {
		text := value(rows.Column(s.column).(*array.Binary), row)
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		normal, ok := identifier.Normalise(s.kind, text, g.silo.Jurisdiction.Code, g.buf[:0])
		if g.buf = normal; !ok {
			return true
		}
	}
	return false
}

// plain reports whether a decision changes nothing and says nothing of note.
func plain(d policy.Decision) bool {
	return d.Action == policy.Keep && d.Use != policy.Blocked && len(d.Clear) == 0 && len(d.Notes) == 0 && !d.Flag
}

// recall looks up what earlier nights left about a row, where the decision hangs on it: a tombstone, and the night that first flagged it.
func (g *group) recall(r *ruling, rows arrowRecord, row int, asOf time.Time) {
	key, ok := connectors.KeyOf(rows, g.key, row)
	if !ok || len(g.key) == 0 {
		return
	}
	r.record, r.known = g.match.Record(g.store.System(), g.table.Name, []byte(key)), true
	again := false
	if !plain(r.Decision) && g.wasAnonymized(r.record, r.subject) {
		g.state.anonymized[r.record] = true
		if g.anonymized(rows, row) {
			g.record.Anonymized, again = true, true
		}
	}
	if r.Flag {
		r.flagged = asOf
		if since, ok := g.state.flags[registry.FlagKey{Record: r.record, Reason: string(r.Reason)}]; ok {
			g.record.Flagged, r.flagged, again = since, since, true
		}
	}
	if again {
		r.Decision = decide.Decide(g.silo, g.record, asOf)
	}
}

// wasAnonymized reports whether an earlier night anonymized the record. Keys are recycled: where anonymizing leaves the identifiers alone, they have to be those
// of the person whose record it was.
func (g *group) wasAnonymized(record, subject keystore.Ref) bool {
	return slices.ContainsFunc(g.state.tombstones.Find(record), func(t registry.Tombstone) bool {
		return t.Action == string(policy.Anonymize) && (t.Subject == subject || subject == keystore.Ref{} || t.Subject == keystore.Ref{} || g.unnamed())
	})
}

// unnamed reports whether anonymizing changes a field that identifies the person, so that what stands there afterwards is nobody's.
func (g *group) unnamed() bool {
	return slices.ContainsFunc(g.targets, func(t target) bool {
		return t.anonymize && slices.ContainsFunc(g.subjects, func(s subject) bool { return s.column == t.column })
	})
}

// anonymized reports whether every target field holds what its technique yields.
func (g *group) anonymized(rows arrowRecord, row int) bool {
	if !slices.ContainsFunc(g.targets, func(t target) bool { return t.anonymize }) {
		return false
	}
	for _, t := range g.targets {
		col := rows.Column(t.column).(*array.Binary)
		if t.anonymize && !t.technique.Holds(value(col, row), col.IsNull(row)) {
			return false
		}
	}
	return true
}

// value is a cell's text, nil for NULL.
func value(col *array.Binary, row int) []byte {
	if col.IsNull(row) {
		return nil
	}
	return col.Value(row)
}

// changes says what the decision changes in the source, given what the row holds now.
func (g *group) changes(r *ruling, rows arrowRecord, row int) {
	switch r.Action {
	case policy.Delete:
		r.change = erase
	case policy.Anonymize:
		if !g.anonymized(rows, row) {
			r.change = anonymise
		}
	case policy.Keep:
		for _, f := range r.Clear {
			for _, t := range g.targets {
				if col := rows.Column(t.column).(*array.Binary); t.field == f && !t.technique.Holds(value(col, row), col.IsNull(row)) {
					r.clear = append(r.clear, f)
				}
			}
		}
		if len(r.clear) > 0 {
			r.change = clearing
		}
	}
	if len(g.blocked) == 0 {
		return
	}
	is := holds(rows, row, g.blocked)
	switch {
	case r.WritesBlock() && !is:
		if r.change == noChange {
			r.change = block
		} else {
			r.block = true
		}
	case is && r.WritesUnblock() && r.change == noChange && r.known:
		if _, ours := g.state.flags[registry.FlagKey{Record: r.record, Reason: flagBlocked}]; ours {
			r.change = unblock
		}
	}
}

// flagBlocked marks, among the registry's flags, rows that Lethe itself blocked: it never unblocks another's.
const flagBlocked = "BLOCKED"

// guard digests what the decision saw of a row, and what the change would overwrite, under the silo's key and the planning run.
func (g *group) guard(runID string, rows arrowRecord, row int, c change, fields []string) guard {
	h := sha256.New()
	for _, c := range g.guarded {
		digestCell(h, rows, c, row)
	}
	for _, t := range g.targets {
		if t.in(plannedRow{change: c, fields: fields}) {
			digestCell(h, rows, t.column, row)
		}
	}
	keyed := g.match.Record("guard", runID, h.Sum(nil))
	return guard(keyed[:len(guard{})])
}

func digestCell(m hash.Hash, rows arrowRecord, column, row int) {
	col := rows.Column(column).(*array.Binary)
	if col.IsNull(row) {
		m.Write([]byte{0})
		return
	}
	v := col.Value(row)
	var head [9]byte
	head[0] = 1
	for i, l := 1, len(v); i < len(head); i, l = i+1, l>>8 {
		head[i] = byte(l)
	}
	m.Write(head[:])
	m.Write(v)
}

func (g *group) text(rows arrowRecord, row, column int) string {
	if column < 0 {
		return ""
	}
	col := rows.Column(column).(*array.Binary)
	if col.IsNull(row) {
		return ""
	}
	return string(col.Value(row))
}

// zoneOf is the zone in which to count the days of a field: the controller's where its values are instants (UTC), nil where the engine stores
// local time and knows no zone (DATETIME).
func (g *group) zoneOf(column int) *time.Location {
	if column < 0 {
		return nil
	}
	return engineZone(g.table.Fields[column], g.zone)
}

func engineZone(f connectors.Field, zone *time.Location) *time.Location {
	if f.Kind != connectors.Timestamp || strings.HasPrefix(strings.ToLower(f.Type), "datetime") {
		return nil
	}
	return zone
}

// instant reads a date or timestamp, the latter in UTC unless its engine knows no zones; zero if it is neither.
func instant(col *array.Binary, row int, utc bool, zone *time.Location) time.Time {
	if col.IsNull(row) {
		return time.Time{}
	}
	text := string(col.Value(row))
	in := zone
	if utc {
		in = time.UTC
	}
	for _, layout := range []string{"2006-01-02 15:04:05.999999999", time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.ParseInLocation(layout, text, in); err == nil {
			return t
		}
	}
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

func (g *group) seen(rows arrowRecord, row int) {
	var d calendar.Date
	if g.collected >= 0 && !g.record.Collected.IsZero() {
		d = calendar.DateOf(g.record.Collected, g.zone)
	} else if len(g.record.Starts) > 0 {
		d = g.record.Starts[0]
	}
	if !d.Known() {
		return
	}
	if !g.oldest.Known() || d < g.oldest {
		g.oldest = d
	}
	if g.newest < d {
		g.newest = d
	}
}

func (g *group) count(r ruling) {
	k := summaryKey{r.Reason, r.Action, r.Use, r.change}
	s := g.summary[k]
	if s == nil {
		s = &audit.Summary{Silo: g.silo.Silo.Name, Source: g.store.Name, Object: g.table.Name, Reason: string(r.Reason), Words: r.Reason.Words(), Article: r.Reason.Article(),
			Action: string(r.Action), Use: string(r.Use), Change: string(r.change)}
		g.summary[k] = s
	}
	s.Rows++
	switch g.record.Identity {
	case policy.Unmatched:
		s.Unmatched++
	case policy.Unparseable:
		s.Unparseable++
	case policy.Conflicting:
		s.Conflicting++
	}
	if g.record.Standing != nil && slices.ContainsFunc(g.record.Standing.Purposes, func(p policy.PurposeStanding) bool { return p.Proven }) {
		s.WithProof++
	}
	if r.Due.Known() && (s.OldestDue == "" || r.Due.String() < s.OldestDue) {
		s.OldestDue = r.Due.String()
	}
}

// recount moves a row from one line of the summary to another.
func (g *group) recount(from, to ruling) {
	k := summaryKey{from.Reason, from.Action, from.Use, from.change}
	if g.summary[k].Rows--; g.summary[k].Rows == 0 {
		delete(g.summary, k)
	}
	g.count(to)
}

// method names how a change is carried out.
func (g *group) method(c change) string {
	var methods []string
	switch c {
	case erase:
		methods = []string{"sql_delete"}
	case block, unblock:
		methods = []string{"block_flag"}
	case setNull:
		methods = []string{"null_fields"}
	}
	for _, t := range g.targets {
		if m := t.technique.Method(); (c == clearing || c == anonymise && t.anonymize) && !slices.Contains(methods, m) {
			methods = append(methods, m)
		}
	}
	if g.store.backup() {
		methods = append([]string{"rewrite"}, methods...)
	}
	return strings.Join(methods, ";")
}

// decision is the row of the report for a ruling.
func (g *group) decision(r ruling, ref audit.Ref) audit.Decision {
	notes := make([]string, len(r.Notes))
	for i, c := range r.Notes {
		notes[i] = string(c)
	}
	d := audit.Decision{Silo: g.silo.Silo.Name, System: g.store.System(), Source: g.store.Name, Object: g.table.Name, Record: ref, Action: string(r.Action), Use: string(r.Use),
		Reason: string(r.Reason), Article: r.Reason.Article(), Row: r.Row, Rule: r.Rule, Grounds: strings.Join(r.Grounds, ";"), Cleared: strings.Join(r.clear, ";"),
		Until: r.Until.String(), Due: r.Due.String(), SeqFrom: r.seqFrom, SeqTo: r.seqTo, Notes: strings.Join(notes, ";"), Change: string(r.change)}
	if r.Flag {
		d.FlaggedAt = r.flagged
	}
	return d
}

// summaries returns the group's counts in a stable order.
func (g *group) summaries() []audit.Summary {
	out := make([]audit.Summary, 0, len(g.summary))
	for _, s := range g.summary {
		out = append(out, *s)
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		return fmt.Sprint(a.Action, a.Reason, a.Use, a.Change) < fmt.Sprint(b.Action, b.Reason, b.Use, b.Change)
	})
	return out
}
