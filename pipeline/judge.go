package pipeline

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/setup"
	"lethe/pipeline/suppression"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
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

// Judge decides the rows of one silo in one table of one source. It is used by one goroutine.
type Judge struct {
	*Binding
	Tally

	// Of the row at hand.
	row      registry.Row
	refsOf   []registry.Ref   // its references, or those of the rows ahead
	ahead    []int            // where the references of each row ahead end
	found    []registry.Found // of refsOf in the standings
	standing policy.Standing
	record   policy.Record
	buf      []byte
}

// Tally is what a judge has found of its rows.
type Tally struct {
	rows           int64   // of the silo in this table
	roots          []*root // by pointer: the graph of dependents keeps them while rows leave the list
	stopped        bool    // a stop forbids changes in the table tonight
	summary        map[summaryKey]*audit.Summary
	oldest, newest policy.Date
	flags          []registry.Flag // rows whose reason has no date, with the night that first found it
	met            []uint64        // a bit for each collection that a row of the table led to
}

// newJudge makes a judge of a binding.
func newJudge(b *Binding) *Judge {
	g := &Judge{Binding: b}
	g.summary = map[summaryKey]*audit.Summary{}
	g.record.Starts = make([]policy.Date, len(b.starts))
	return g
}

// root is a governed row that a plan may hold.
type root struct {
	key     connectors.Key
	guard   guard
	subject registry.Ref // the identifier that met the registry; zero if none did
	record  registry.Ref
	ref     audit.Ref
	change  change
	block   bool // also to be blocked now, for the change may wait
	clear   []string
	code    policy.Code
	rule    string
	due     policy.Date
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
	reason policy.Code
	action policy.Action
	use    policy.Use
	change change
}

// guard is a keyed digest of what a decision saw of a row.
type guard [16]byte

// ruling is what became of one row before the judge.
type ruling struct {
	policy.Decision
	subject registry.Ref
	record  registry.Ref
	known   bool // record is set
	change  change
	block   bool
	clear   []string
	flagged time.Time
	seqFrom int64 // registry positions relied on
	seqTo   int64

	identity policy.Identity // whom the registry knows
	proven   bool            // the collection has a purpose with a proof

	collection int32 // that the row belongs to; 0 none
}

// session is what the judges of one run share.
type session struct {
	tonight   setup.Tonight
	notes     *notes.Notes
	decisions *audit.Spool[audit.Decision]
	pending   map[place]bool // rows of plans that wait; true: the plan anonymizes the row
}

// judge decides every row of a batch and remembers what is not a plain keep.
func (js *session) judge(g *Judge, batch connectors.Batch) error {
	for row := range int(batch.Rows.NumRows()) {
		if row%aheadRows == 0 {
			g.lookAhead(batch.Rows, row)
		}
		if !g.mine(batch.Rows, row) {
			continue
		}
		g.rows++
		refs, found := g.refsAhead(row % aheadRows)
		r := g.ruleOn(refs, found, batch.Rows, row, js.tonight.AsOf)
		js.asPlanned(g, &r, batch.Rows, row)
		g.seen(batch.Rows, row)
		g.count(r)
		js.exceptions(g, r)
		again := g.again(r.collection)
		if r.quiet() {
			continue
		}
		if again { // the first of them could not know
			r.Notes = append(slices.Clip(r.Notes), policy.IDuplicate)
		}
		key, ok := connectors.KeyOf(batch.Rows, g.key, row)
		if len(g.key) == 0 || !ok {
			js.notes.Except(audit.Exception{Silo: g.silo.Silo.Name, Source: g.source.Name, Object: g.table.Name, Code: notes.CodeNoKey, Count: 1})
			continue
		}
		if !r.known {
			r.record, r.known = g.match.Record(g.source.System(), g.table.Name, []byte(key)), true
		}
		ref := audit.Ref(g.refs.Ref(g.source.System()+"\x1f"+g.table.Name, []byte(key)))
		if r.change != erase {
			if err := js.decisions.Append(g.decision(r, ref)); err != nil {
				return err
			}
		}
		if r.Flag && !g.source.Backup() {
			g.flags = append(g.flags, registry.Flag{FlagKey: registry.FlagKey{Record: r.record, Reason: string(r.Reason)}, Since: r.flagged})
		}
		if r.change == noChange && !r.block {
			continue
		}
		if _, waits := js.pending[place{source: g.source.Name, table: g.table.Name, key: key}]; waits && !r.change.reversible() {
			if r.change == erase {
				if err := js.decisions.Append(g.decision(r, ref)); err != nil {
					return err
				}
			}
			if !r.block {
				continue
			}
			r.change, r.block = block, false // what destroys waits in a plan already; blocking does not wait
		}
		rt := &root{key: key, subject: r.subject, record: r.record, ref: ref, change: r.change, block: r.block, clear: r.clear, code: r.Reason, rule: r.Rule, due: r.Due}
		rt.guard, rt.blockGuard = g.guard(js.tonight.RunID, batch.Rows, row, rt.change, rt.clear), g.guard(js.tonight.RunID, batch.Rows, row, block, nil)
		if r.change == erase {
			rt.ruling, rt.anonymized = &r, g.anonymized(batch.Rows, row)
			rt.elseGuard = g.guard(js.tonight.RunID, batch.Rows, row, anonymise, nil)
			for _, e := range g.owned {
				k, _ := connectors.KeyOf(batch.Rows, e.columns, row)
				rt.owns = append(rt.owns, k)
			}
		}
		g.roots = append(g.roots, rt)
	}
	return nil
}

// asPlanned lets the ruling of a row say what the plan that it waits in does: it anonymizes a row to be deleted that another row
// holds back.
func (js *session) asPlanned(g *Judge, r *ruling, rows arrow.Record, row int) {
	if r.change != erase || r.Else != policy.Anonymize || len(js.pending) == 0 {
		return
	}
	if key, ok := connectors.KeyOf(rows, g.key, row); ok && js.pending[place{source: g.source.Name, table: g.table.Name, key: key}] {
		r.Decision, r.change = g.silo.WithDependent(r.Decision), anonymise
	}
}

// exceptions counts what somebody has to look at: knowledge that is missing or contradicts itself. A backup repeats what its live source says.
func (js *session) exceptions(g *Judge, r ruling) {
	if g.source.Backup() {
		return
	}
	count := func(code policy.Code) {
		if strings.HasPrefix(string(code), "E_") || code == policy.XNoMatch || code == policy.KObjectionPending { // an objection waits for somebody to weigh it
			js.notes.Except(audit.Exception{Silo: g.silo.Silo.Name, Source: g.source.Name, Object: g.table.Name, Code: string(code), Count: 1, Owner: g.silo.Silo.Rules[0].Owner})
		}
	}
	count(r.Reason)
	for _, note := range r.Notes {
		count(note)
	}
}

// again reports whether an earlier row of the table belongs to the same collection: the same person's data of the same collecting stand in several rows. Each is
// decided by itself, and alike. Where the silo links all of a person's rows (invoices), several are no news.
func (g *Judge) again(collection int32) bool {
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
func (g *Judge) mine(rows arrow.Record, row int) bool { return holds(rows, row, g.where) }

func holds(rows arrow.Record, row int, cells []cell) bool {
	for _, c := range cells {
		col := rows.Column(c.column).(*array.Binary)
		if col.IsNull(row) || string(col.Value(row)) != string(c.value) {
			return false
		}
	}
	return true
}

// rule decides one row at an instant. It is asked when planning and again, of the locked row, when applying.
func (g *Judge) rule(rows arrow.Record, row int, asOf time.Time) ruling {
	g.refsOf = g.identify(g.refsOf[:0], rows, row)
	return g.ruleOn(g.refsOf, nil, rows, row, asOf)
}

// identify appends the references of a row's identifiers.
func (g *Judge) identify(refs []registry.Ref, rows arrow.Record, row int) []registry.Ref {
	for _, s := range g.subjects {
		col := rows.Column(s.column).(*array.Binary)
		if col.IsNull(row) {
			continue
		}
		normal, ok := registry.Normalise(s.kind, col.Value(row), g.silo.Jurisdiction.Code, g.buf[:0])
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
func (g *Judge) lookAhead(rows arrow.Record, from int) {
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
func (g *Judge) refsAhead(at int) ([]registry.Ref, []registry.Found) {
	from := 0
	if at > 0 {
		from = g.ahead[at-1]
	}
	to := g.ahead[at]
	return g.refsOf[from:to:to], g.found[from:to:to]
}

// ruleOn decides one row with these references, of which lookAhead has found this; nil: it was not asked.
func (g *Judge) ruleOn(refs []registry.Ref, found []registry.Found, rows arrow.Record, row int, asOf time.Time) ruling {
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
			rec.Starts[i], _ = policy.ParseStart(col.Value(row), g.kinds[i], g.zones[i])
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
		ref := registry.CollectionRef(g.match, id)
		g.row.Collection = &ref
	}
	g.row.Record = nil
	if len(g.key) > 0 && g.state.standings.Linked() {
		if key, ok := connectors.KeyOf(rows, g.key, row); ok {
			r.record, r.known = g.match.Record(g.source.System(), g.table.Name, []byte(key)), true
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
	rec.Identity, r.identity = m.Identity, m.Identity
	if m.Identity == policy.Matched && g.state.standings.At(m.Collection, &g.standing) {
		rec.Standing, r.collection = &g.standing, m.Collection
		r.seqFrom, r.seqTo = g.standing.FirstSeq, g.standing.LastSeq
		r.proven = slices.ContainsFunc(g.standing.Purposes, func(p policy.PurposeStanding) bool { return p.Proven })
	}
	r.Decision = g.silo.Decide(*rec, asOf)
	if plain(r.Decision) && len(g.blocked) == 0 {
		return r
	}
	g.recall(&r, rows, row, asOf)
	if m.Partial {
		r.Notes = append(slices.Clip(r.Notes), policy.IPartialID)
	}
	g.changes(&r, rows, row)
	return r
}

// createdBy is the instant by which a row had come to be, for all that it says itself: of a day its end, of a time the end of that second. What was collected until then
// may be what the row holds.
func (g *Judge) createdBy(rows arrow.Record, row int) time.Time {
	switch at := g.record.Collected; {
	case at.IsZero():
		return at
	case len(value(rows.Column(g.collected).(*array.Binary), row)) == len(time.DateOnly):
		return (policy.DateOf(at, g.zone) + 1).Start(g.zone).Add(-time.Microsecond)
	default:
		return at.Truncate(time.Microsecond).Add(time.Second - time.Microsecond)
	}
}

// reused reports whether a night deleted the row that had this key, and what has it now is another's: no link leads from it. In a backup it is the row that was.
func (g *Judge) reused(record, subject registry.Ref) bool {
	if g.source.Backup() {
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
func (g *Judge) unreadable(rows arrow.Record, row int) bool {
	for _, s := range g.subjects {
		text := value(rows.Column(s.column).(*array.Binary), row)
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		normal, ok := registry.Normalise(s.kind, text, g.silo.Jurisdiction.Code, g.buf[:0])
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
func (g *Judge) recall(r *ruling, rows arrow.Record, row int, asOf time.Time) {
	key, ok := connectors.KeyOf(rows, g.key, row)
	if !ok || len(g.key) == 0 {
		return
	}
	r.record, r.known = g.match.Record(g.source.System(), g.table.Name, []byte(key)), true
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
		r.Decision = g.silo.Decide(g.record, asOf)
	}
}

// wasAnonymized reports whether an earlier night anonymized the record. Keys are recycled: where anonymizing leaves the identifiers alone, they have to be those
// of the person whose record it was.
func (g *Judge) wasAnonymized(record, subject registry.Ref) bool {
	return slices.ContainsFunc(g.state.tombstones.Find(record), func(t registry.Tombstone) bool {
		return t.Action == string(policy.Anonymize) && (t.Subject == subject || subject == registry.Ref{} || t.Subject == registry.Ref{} || g.unnamed())
	})
}

// unnamed reports whether anonymizing changes a field that identifies the person, so that what stands there afterwards is nobody's.
func (g *Judge) unnamed() bool {
	return slices.ContainsFunc(g.targets, func(t target) bool {
		return t.anonymize && slices.ContainsFunc(g.subjects, func(s subject) bool { return s.column == t.column })
	})
}

// anonymized reports whether every target field holds what its technique yields.
func (g *Judge) anonymized(rows arrow.Record, row int) bool {
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
func (g *Judge) changes(r *ruling, rows arrow.Record, row int) {
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
func (g *Judge) guard(runID string, rows arrow.Record, row int, c change, fields []string) guard {
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

func digestCell(m hash.Hash, rows arrow.Record, column, row int) {
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

func (g *Judge) text(rows arrow.Record, row, column int) string {
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
func (b *Binding) zoneOf(column int) *time.Location {
	if column < 0 {
		return nil
	}
	return engineZone(b.table.Fields[column], b.zone)
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

func (g *Judge) seen(rows arrow.Record, row int) {
	var d policy.Date
	if g.collected >= 0 && !g.record.Collected.IsZero() {
		d = policy.DateOf(g.record.Collected, g.zone)
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

func (g *Judge) count(r ruling) {
	s := g.line(r)
	s.Rows++
	g.identities(s, r, 1)
	if r.Due.Known() && (s.OldestDue == "" || r.Due.String() < s.OldestDue) {
		s.OldestDue = r.Due.String()
	}
}

// line is the line of the summary on which a ruling is counted.
func (g *Judge) line(r ruling) *audit.Summary {
	k := summaryKey{r.Reason, r.Action, r.Use, r.change}
	s := g.summary[k]
	if s == nil {
		s = &audit.Summary{Silo: g.silo.Silo.Name, Source: g.source.Name, Object: g.table.Name, Reason: string(r.Reason), Words: r.Reason.Words(), Article: r.Reason.Article(),
			Action: string(r.Action), Use: string(r.Use), Change: string(r.change)}
		g.summary[k] = s
	}
	return s
}

// identities counts whom the registry knows of the rows of a line.
func (g *Judge) identities(s *audit.Summary, r ruling, rows int64) {
	switch r.identity {
	case policy.Unmatched:
		s.Unmatched += rows
	case policy.Unparseable:
		s.Unparseable += rows
	case policy.Conflicting:
		s.Conflicting += rows
	}
	if r.proven {
		s.WithProof += rows
	}
}

// recount moves a row from one line of the summary to another.
func (g *Judge) recount(from, to ruling) {
	s := g.line(from)
	s.Rows--
	g.identities(s, from, -1)
	if s.Rows == 0 {
		delete(g.summary, summaryKey{from.Reason, from.Action, from.Use, from.change})
	}
	g.count(to)
}

// method names how a change is carried out.
func (g *Judge) method(c change) string {
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
	if g.source.Backup() {
		methods = append([]string{"rewrite"}, methods...)
	}
	return strings.Join(methods, ";")
}

// decision is the row of the report for a ruling.
func (g *Judge) decision(r ruling, ref audit.Ref) audit.Decision {
	notes := make([]string, len(r.Notes))
	for i, c := range r.Notes {
		notes[i] = string(c)
	}
	d := audit.Decision{Silo: g.silo.Silo.Name, System: g.source.System(), Source: g.source.Name, Object: g.table.Name, Record: ref, Action: string(r.Action), Use: string(r.Use),
		Reason: string(r.Reason), Article: r.Reason.Article(), Row: r.Row, Rule: r.Rule, Grounds: strings.Join(r.Grounds, ";"), Cleared: strings.Join(r.clear, ";"),
		Until: r.Until.String(), Due: r.Due.String(), SeqFrom: r.seqFrom, SeqTo: r.seqTo, Notes: strings.Join(notes, ";"), Change: string(r.change)}
	if r.Flag {
		d.FlaggedAt = r.flagged
	}
	return d
}

// summaries returns the group's counts in a stable order.
func (g *Judge) summaries() []audit.Summary {
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

// use notes to which collection the row at hand belongs; where its identifiers disagree, to all that it could belong to.
func (g *Judge) use(m registry.Match) {
	switch m.Identity {
	case policy.Matched:
		g.state.used.add(m.Collection)
	case policy.Conflicting:
		refs := g.row.Identifiers
		if g.row.Collection != nil {
			refs = append(slices.Clip(refs), *g.row.Collection)
		}
		if g.row.Record != nil {
			refs = append(slices.Clip(refs), *g.row.Record)
		}
		for _, ref := range refs {
			for _, collection := range g.state.standings.Lookup(ref) {
				g.state.used.add(collection)
			}
		}
	}
}

// admits reports whether the row that was ruled on last may be used for a purpose that is marketing although one of its people may
// be on the list of those who said no.
func (g *Judge) admits(l *suppression.List, rows arrow.Record, row int, purpose string) bool {
	if l == nil {
		return true
	}
	var consent policy.PurposeStanding
	if g.record.Standing != nil {
		consent, _ = suppression.ConsentTo(g.record.Standing, purpose)
	}
	return l.Outlives(l.Since(g.people(rows, row), g.silo.Jurisdiction.Code), consent.Since, consent.Proven)
}

// people are the identifiers of a row.
func (g *Judge) people(rows arrow.Record, row int) (list []registry.Subject) {
	for _, s := range g.subjects {
		if col := rows.Column(s.column).(*array.Binary); col.IsValid(row) {
			list = append(list, registry.Subject{Kind: s.kind, Value: string(col.Value(row))})
		}
	}
	return list
}
