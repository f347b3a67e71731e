package judge

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
	"lethe/pipeline/suppression"
)

func (c Change) Reversible() bool { return c == Block || c == Unblock }

// Judge decides the rows of one silo in one table of one source. It is used by one goroutine.
type Judge struct {
	*Binding
	Tally

	// Of the row at hand.
	row      standings.Row
	refsOf   []keystore.Ref    // its references, or those of the rows ahead
	ahead    []int             // where the references of each row ahead end
	found    []standings.Found // of refsOf in the standings
	standing policy.Standing
	Record   policy.Record
	buf      []byte
}

// NewJudge makes a judge of a binding.
func NewJudge(b *Binding) *Judge {
	g := &Judge{Binding: b}
	g.Summary = map[summaryKey]*audit.Summary{}
	g.Record.Starts = make([]calendar.Date, len(b.starts))
	return g
}

// Judge decides every row of a batch and remembers what is not a plain keep.
func (js *Session) Judge(g *Judge, batch connectors.Batch) error {
	for row := range int(batch.Rows.NumRows()) {
		if row%aheadRows == 0 {
			g.lookAhead(batch.Rows, row)
		}
		if !g.Mine(batch.Rows, row) {
			continue
		}
		g.Rows++
		refs, found := g.refsAhead(row % aheadRows)
		r := g.ruleOn(refs, found, batch.Rows, row, js.Tonight.AsOf)
		js.asPlanned(g, &r, batch.Rows, row)
		g.seen(batch.Rows, row)
		g.count(r)
		js.exceptions(g, r)
		again := g.again(r.Collection)
		if r.quiet() {
			continue
		}
		if again { // the first of them could not know
			r.Notes = append(slices.Clip(r.Notes), reason.IDuplicate)
		}
		key, ok := connectors.KeyOf(batch.Rows, g.Key, row)
		if len(g.Key) == 0 || !ok {
			js.Notes.Except(audit.Exception{Silo: g.Silo.Silo.Name, Source: g.Source.Name, Object: g.Table.Name, Code: notes.CodeNoKey, Count: 1})
			continue
		}
		if !r.known {
			r.record, r.known = g.Match.Record(g.Source.System(), g.Table.Name, []byte(key)), true
		}
		ref := audit.Ref(g.Refs.Ref(g.Source.System()+"\x1f"+g.Table.Name, []byte(key)))
		if r.Change != Delete {
			if err := js.Decisions.Append(g.Decision(r, ref)); err != nil {
				return err
			}
		}
		if r.Flag && !g.Source.Backup() {
			g.Flags = append(g.Flags, registry.Flag{FlagKey: registry.FlagKey{Record: r.record, Reason: string(r.Reason)}, Since: r.flagged})
		}
		if r.Change == None && !r.Block {
			continue
		}
		if _, waits := js.Pending[Place{Source: g.Source.Name, Table: g.Table.Name, Key: key}]; waits && !r.Change.Reversible() {
			if r.Change == Delete {
				if err := js.Decisions.Append(g.Decision(r, ref)); err != nil {
					return err
				}
			}
			if !r.Block {
				continue
			}
			r.Change, r.Block = Block, false // what destroys waits in a plan already; blocking does not wait
		}
		rt := &Root{Key: key, Subject: r.subject, Record: r.record, Ref: ref, Change: r.Change, Block: r.Block, Clear: r.Cleared, Code: r.Reason, rule: r.Rule, Due: r.Due}
		rt.Guard, rt.BlockGuard = g.guard(js.Tonight.RunID, batch.Rows, row, rt.Change, rt.Clear), g.guard(js.Tonight.RunID, batch.Rows, row, Block, nil)
		if r.Change == Delete {
			rt.Ruling, rt.Anonymized = &r, g.anonymized(batch.Rows, row)
			rt.ElseGuard = g.guard(js.Tonight.RunID, batch.Rows, row, Anonymize, nil)
			for _, e := range g.Owned {
				k, _ := connectors.KeyOf(batch.Rows, e.columns, row)
				rt.Owns = append(rt.Owns, k)
			}
		}
		g.Roots = append(g.Roots, rt)
	}
	return nil
}

// asPlanned lets the ruling of a row say what the plan that it waits in does: it anonymizes a row to be deleted that another row
// holds back.
func (js *Session) asPlanned(g *Judge, r *Ruling, rows arrow.Record, row int) {
	if r.Change != Delete || r.Else != policy.Anonymize || len(js.Pending) == 0 {
		return
	}
	if key, ok := connectors.KeyOf(rows, g.Key, row); ok && js.Pending[Place{Source: g.Source.Name, Table: g.Table.Name, Key: key}] {
		r.Decision, r.Change = decide.WithDependent(r.Decision), Anonymize
	}
}

// exceptions counts what somebody has to look at: knowledge that is missing or contradicts itself. A backup repeats what its live source says.
func (js *Session) exceptions(g *Judge, r Ruling) {
	if g.Source.Backup() {
		return
	}
	count := func(code reason.Code) {
		if strings.HasPrefix(string(code), "E_") || code == reason.XNoMatch || code == reason.KObjectionPending { // an objection waits for somebody to weigh it
			js.Notes.Except(audit.Exception{Silo: g.Silo.Silo.Name, Source: g.Source.Name, Object: g.Table.Name, Code: string(code), Count: 1, Owner: g.Silo.Silo.Rules[0].Owner})
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
	if collection == 0 || g.Silo.Silo.LinkScope == "silo" {
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
func (r Ruling) quiet() bool {
	d := r.Decision
	d.Clear = nil
	return r.Change == None && !r.Block && plain(d)
}

// Mine reports whether a row belongs to the silo.
func (g *Judge) Mine(rows arrow.Record, row int) bool { return holds(rows, row, g.where) }

func holds(rows arrow.Record, row int, cells []cell) bool {
	for _, c := range cells {
		col := rows.Column(c.column).(*array.Binary)
		if col.IsNull(row) || string(col.Value(row)) != string(c.value) {
			return false
		}
	}
	return true
}

// Rule decides one row at an instant. It is asked when planning and again, of the locked row, when applying.
func (g *Judge) Rule(rows arrow.Record, row int, asOf time.Time) Ruling {
	g.refsOf = g.identify(g.refsOf[:0], rows, row)
	return g.ruleOn(g.refsOf, nil, rows, row, asOf)
}

// identify appends the references of a row's identifiers.
func (g *Judge) identify(refs []keystore.Ref, rows arrow.Record, row int) []keystore.Ref {
	for _, s := range g.subjects {
		col := rows.Column(s.column).(*array.Binary)
		if col.IsNull(row) {
			continue
		}
		normal, ok := identifier.Normalise(s.kind, col.Value(row), g.Silo.Jurisdiction.Code, g.buf[:0])
		if !ok {
			continue
		}
		g.buf = normal
		refs = append(refs, g.Match.Match(s.kind, normal))
	}
	return refs
}

// aheadRows is for how many rows judge asks the registry at once.
const aheadRows = 256

// lookAhead identifies the next rows of a batch that are the silo's and has the standings fetch what they say of them.
func (g *Judge) lookAhead(rows arrow.Record, from int) {
	g.refsOf, g.ahead = g.refsOf[:0], g.ahead[:0]
	for row := from; row < min(from+aheadRows, int(rows.NumRows())); row++ {
		if g.Mine(rows, row) {
			g.refsOf = g.identify(g.refsOf, rows, row)
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

// ruleOn decides one row with these references, of which lookAhead has found this; nil: it was not asked.
func (g *Judge) ruleOn(refs []keystore.Ref, found []standings.Found, rows arrow.Record, row int, asOf time.Time) Ruling {
	rec := &g.Record
	*rec = policy.Record{Trust: g.State.Trust, Starts: rec.Starts}
	if g.collected >= 0 {
		rec.Collected = Instant(rows.Column(g.collected).(*array.Binary), row, g.zoneOf(g.collected) != nil, g.zone)
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
	r := Ruling{}
	g.row.Identifiers, g.row.Found = refs, found
	if len(refs) > 0 {
		r.subject = refs[0]
	}
	if g.row.SiloScope, g.row.Collection = g.Silo.Silo.LinkScope == "silo", nil; g.row.SiloScope {
		g.row.Created = g.createdBy(rows, row)
	}
	if id := g.Text(rows, row, g.collection); id != "" {
		ref := chain.CollectionRef(g.Match, id)
		g.row.Collection = &ref
	}
	g.row.Record = nil
	if len(g.Key) > 0 && g.State.Standings.Linked() {
		if key, ok := connectors.KeyOf(rows, g.Key, row); ok {
			r.record, r.known = g.Match.Record(g.Source.System(), g.Table.Name, []byte(key)), true
			if !g.reused(r.record, r.subject) {
				g.row.Record = &r.record
			}
		}
	}
	m := g.State.Standings.Match(g.row)
	if m.Identity == policy.Unmatched && g.row.Collection == nil && g.unreadable(rows, row) {
		m.Identity = policy.Unparseable
	}
	g.use(m)
	rec.Identity, r.identity = m.Identity, m.Identity
	if m.Identity == policy.Matched && g.State.Standings.At(m.Collection, &g.standing) {
		rec.Standing, r.Collection = &g.standing, m.Collection
		r.SeqFrom, r.SeqTo = g.standing.FirstSeq, g.standing.LastSeq
		r.proven = slices.ContainsFunc(g.standing.Purposes, func(p policy.PurposeStanding) bool { return p.Proven })
	}
	r.Decision = decide.Decide(g.Silo, *rec, asOf)
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
func (g *Judge) createdBy(rows arrow.Record, row int) time.Time {
	switch at := g.Record.Collected; {
	case at.IsZero():
		return at
	case len(value(rows.Column(g.collected).(*array.Binary), row)) == len(time.DateOnly):
		return (calendar.DateOf(at, g.zone) + 1).Start(g.zone).Add(-time.Microsecond)
	default:
		return at.Truncate(time.Microsecond).Add(time.Second - time.Microsecond)
	}
}

// reused reports whether a night deleted the row that had this key, and what has it now is another's: no link leads from it. In a backup it is the row that was.
func (g *Judge) reused(record, subject keystore.Ref) bool {
	if g.Source.Backup() {
		return false
	}
	deleted := false
	for _, t := range g.State.Tombstones.Find(record) {
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
		normal, ok := identifier.Normalise(s.kind, text, g.Silo.Jurisdiction.Code, g.buf[:0])
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
func (g *Judge) recall(r *Ruling, rows arrow.Record, row int, asOf time.Time) {
	key, ok := connectors.KeyOf(rows, g.Key, row)
	if !ok || len(g.Key) == 0 {
		return
	}
	r.record, r.known = g.Match.Record(g.Source.System(), g.Table.Name, []byte(key)), true
	again := false
	if !plain(r.Decision) && g.wasAnonymized(r.record, r.subject) {
		g.State.Anonymized[r.record] = true
		if g.anonymized(rows, row) {
			g.Record.Anonymized, again = true, true
		}
	}
	if r.Flag {
		r.flagged = asOf
		if since, ok := g.State.Flags[registry.FlagKey{Record: r.record, Reason: string(r.Reason)}]; ok {
			g.Record.Flagged, r.flagged, again = since, since, true
		}
	}
	if again {
		r.Decision = decide.Decide(g.Silo, g.Record, asOf)
	}
}

// wasAnonymized reports whether an earlier night anonymized the record. Keys are recycled: where anonymizing leaves the identifiers alone, they have to be those
// of the person whose record it was.
func (g *Judge) wasAnonymized(record, subject keystore.Ref) bool {
	return slices.ContainsFunc(g.State.Tombstones.Find(record), func(t registry.Tombstone) bool {
		return t.Action == string(policy.Anonymize) && (t.Subject == subject || subject == keystore.Ref{} || t.Subject == keystore.Ref{} || g.unnamed())
	})
}

// unnamed reports whether anonymizing changes a field that identifies the person, so that what stands there afterwards is nobody's.
func (g *Judge) unnamed() bool {
	return slices.ContainsFunc(g.Targets, func(t target) bool {
		return t.anonymize && slices.ContainsFunc(g.subjects, func(s subject) bool { return s.column == t.column })
	})
}

// anonymized reports whether every target field holds what its technique yields.
func (g *Judge) anonymized(rows arrow.Record, row int) bool {
	if !slices.ContainsFunc(g.Targets, func(t target) bool { return t.anonymize }) {
		return false
	}
	for _, t := range g.Targets {
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
func (g *Judge) changes(r *Ruling, rows arrow.Record, row int) {
	switch r.Action {
	case policy.Delete:
		r.Change = Delete
	case policy.Anonymize:
		if !g.anonymized(rows, row) {
			r.Change = Anonymize
		}
	case policy.Keep:
		for _, f := range r.Clear {
			for _, t := range g.Targets {
				if col := rows.Column(t.column).(*array.Binary); t.field == f && !t.technique.Holds(value(col, row), col.IsNull(row)) {
					r.Cleared = append(r.Cleared, f)
				}
			}
		}
		if len(r.Cleared) > 0 {
			r.Change = Clear
		}
	}
	if len(g.blocked) == 0 {
		return
	}
	is := holds(rows, row, g.blocked)
	switch {
	case r.WritesBlock() && !is:
		if r.Change == None {
			r.Change = Block
		} else {
			r.Block = true
		}
	case is && r.WritesUnblock() && r.Change == None && r.known:
		if _, ours := g.State.Flags[registry.FlagKey{Record: r.record, Reason: FlagBlocked}]; ours {
			r.Change = Unblock
		}
	}
}

// FlagBlocked marks, among the registry's flags, rows that Lethe itself blocked: it never unblocks another's.
const FlagBlocked = "BLOCKED"

// guard digests what the decision saw of a row, and what the change would overwrite, under the silo's key and the planning run.
func (g *Judge) guard(runID string, rows arrow.Record, row int, c Change, fields []string) Guard {
	h := sha256.New()
	for _, c := range g.guarded {
		digestCell(h, rows, c, row)
	}
	for _, t := range g.Targets {
		if t.in(Planned{Change: c, Fields: fields}) {
			digestCell(h, rows, t.column, row)
		}
	}
	keyed := g.Match.Record("guard", runID, h.Sum(nil))
	return Guard(keyed[:len(Guard{})])
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

func (g *Judge) Text(rows arrow.Record, row, column int) string {
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
	return EngineZone(b.Table.Fields[column], b.zone)
}

func (g *Judge) seen(rows arrow.Record, row int) {
	var d calendar.Date
	if g.collected >= 0 && !g.Record.Collected.IsZero() {
		d = calendar.DateOf(g.Record.Collected, g.zone)
	} else if len(g.Record.Starts) > 0 {
		d = g.Record.Starts[0]
	}
	if !d.Known() {
		return
	}
	if !g.Oldest.Known() || d < g.Oldest {
		g.Oldest = d
	}
	if g.Newest < d {
		g.Newest = d
	}
}

func (g *Judge) count(r Ruling) {
	s := g.line(r)
	s.Rows++
	g.identities(s, r, 1)
	if r.Due.Known() && (s.OldestDue == "" || r.Due.String() < s.OldestDue) {
		s.OldestDue = r.Due.String()
	}
}

// line is the line of the summary on which a ruling is counted.
func (g *Judge) line(r Ruling) *audit.Summary {
	k := summaryKey{r.Reason, r.Action, r.Use, r.Change}
	s := g.Summary[k]
	if s == nil {
		s = &audit.Summary{Silo: g.Silo.Silo.Name, Source: g.Source.Name, Object: g.Table.Name, Reason: string(r.Reason), Words: r.Reason.Words(), Article: r.Reason.Article(),
			Action: string(r.Action), Use: string(r.Use), Change: string(r.Change)}
		g.Summary[k] = s
	}
	return s
}

// identities counts whom the registry knows of the rows of a line.
func (g *Judge) identities(s *audit.Summary, r Ruling, rows int64) {
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

// Recount moves a row from one line of the summary to another.
func (g *Judge) Recount(from, to Ruling) {
	s := g.line(from)
	s.Rows--
	g.identities(s, from, -1)
	if s.Rows == 0 {
		delete(g.Summary, summaryKey{from.Reason, from.Action, from.Use, from.Change})
	}
	g.count(to)
}

// Method names how a change is carried out.
func (g *Judge) Method(c Change) string {
	var methods []string
	switch c {
	case Delete:
		methods = []string{"sql_delete"}
	case Block, Unblock:
		methods = []string{"block_flag"}
	case SetNull:
		methods = []string{"null_fields"}
	}
	for _, t := range g.Targets {
		if m := t.technique.Method(); (c == Clear || c == Anonymize && t.anonymize) && !slices.Contains(methods, m) {
			methods = append(methods, m)
		}
	}
	if g.Source.Backup() {
		methods = append([]string{"rewrite"}, methods...)
	}
	return strings.Join(methods, ";")
}

// Decision is the row of the report for a ruling.
func (g *Judge) Decision(r Ruling, ref audit.Ref) audit.Decision {
	notes := make([]string, len(r.Notes))
	for i, c := range r.Notes {
		notes[i] = string(c)
	}
	d := audit.Decision{Silo: g.Silo.Silo.Name, System: g.Source.System(), Source: g.Source.Name, Object: g.Table.Name, Record: ref, Action: string(r.Action), Use: string(r.Use),
		Reason: string(r.Reason), Article: r.Reason.Article(), Row: r.Row, Rule: r.Rule, Grounds: strings.Join(r.Grounds, ";"), Cleared: strings.Join(r.Cleared, ";"),
		Until: r.Until.String(), Due: r.Due.String(), SeqFrom: r.SeqFrom, SeqTo: r.SeqTo, Notes: strings.Join(notes, ";"), Change: string(r.Change)}
	if r.Flag {
		d.FlaggedAt = r.flagged
	}
	return d
}

// Summaries returns the group's counts in a stable order.
func (g *Judge) Summaries() []audit.Summary {
	out := make([]audit.Summary, 0, len(g.Summary))
	for _, s := range g.Summary {
		out = append(out, *s)
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		return fmt.Sprint(a.Action, a.Reason, a.Use, a.Change) < fmt.Sprint(b.Action, b.Reason, b.Use, b.Change)
	})
	return out
}

// use notes to which collection the row at hand belongs; where its identifiers disagree, to all that it could belong to.
func (g *Judge) use(m standings.Match) {
	switch m.Identity {
	case policy.Matched:
		g.State.Used.Add(m.Collection)
	case policy.Conflicting:
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

// Admits reports whether the row that was ruled on last may be used for a purpose that is marketing although one of its people may
// be on the list of those who said no.
func (g *Judge) Admits(l *suppression.List, rows arrow.Record, row int, purpose string) bool {
	if l == nil {
		return true
	}
	var consent policy.PurposeStanding
	if g.Record.Standing != nil {
		consent, _ = suppression.ConsentTo(g.Record.Standing, purpose)
	}
	return l.Outlives(l.Since(g.People(rows, row), g.Silo.Jurisdiction.Code), consent.Since, consent.Proven)
}

// People are the identifiers of a row.
func (g *Judge) People(rows arrow.Record, row int) (list []event.Subject) {
	for _, s := range g.subjects {
		if col := rows.Column(s.column).(*array.Binary); col.IsValid(row) {
			list = append(list, event.Subject{Kind: s.kind, Value: string(col.Value(row))})
		}
	}
	return list
}
