package judge

import (
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/judge/cells"
	"lethe/pipeline/judge/targets"
	"lethe/pipeline/judge/traces"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/policy/starts"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/standings"
)

// Ruling is what became of one row before the judge.
type Ruling struct {
	policy.Decision
	subject keystore.Ref
	record  keystore.Ref
	known   bool // record is set
	Change  Change
	Block   bool     // also to be blocked now, for the change may wait
	used    int64    // 1: nobody may use it any more, and nothing keeps its application from it
	Cleared []string // the fields of Decision.Clear that still hold something
	flagged time.Time
	// the registry knows the person, and the decision relied on it
	Relied bool

	identity policy.Identity // whom the registry knows
	proven   bool            // the collection has a purpose with a proof

	Collection int32 // that the row belongs to; 0 none
}

// FlagBlocked marks, among the registry's flags, rows that Lethe itself blocked: it never unblocks another's.
const FlagBlocked = "BLOCKED"

// quiet reports whether a ruling changes nothing and has nothing to say that the counts do not; so does
// a row whose uncovered fields are cleared already.
func (r Ruling) quiet() bool {
	d := r.Decision
	d.Clear = nil
	return r.Change == None && !r.Block && plain(d)
}

// plain reports whether a decision changes nothing and says nothing of note.
func plain(d policy.Decision) bool {
	return d.Action == policy.Keep && d.Use != policy.Blocked && len(d.Clear) == 0 && len(d.Notes) == 0 && !d.Flag
}

// Rule decides one row at an instant. It is asked when planning and again, of the locked row, when applying.
func (g *Judge) Rule(rows arrow.Record, row int, asOf time.Time) Ruling {
	if g.ending != nil {
		return g.ends(rows, row)
	}
	g.refsOf = g.Identify(g.refsOf[:0], rows, row)
	return g.ruleOn(g.refsOf, nil, rows, row, asOf)
}

// ruleOn decides one row with these references, of which lookAhead has found this; nil: it was not asked.
func (g *Judge) ruleOn(
	refs []keystore.Ref, found []standings.Found, rows arrow.Record, row int, asOf time.Time,
) Ruling {
	r := Ruling{}
	g.Dates(rows, row)
	g.Record.Trust = g.State.Trust
	g.introduce(&r, refs, found, rows, row)
	partial := g.meet(&r, rows, row)
	r.Decision = decide.Decide(g.Silo, g.Record, asOf)

	if plain(r.Decision) && len(g.blocked) == 0 {
		return r
	}
	g.recall(&r, rows, row, asOf)
	if partial {
		r.Notes = append(slices.Clip(r.Notes), reason.IPartialID)
	}
	g.change(&r, rows, row)
	g.blocking(&r, rows, row)
	return r
}

// Dates begins the record of a row with what the row itself says: when it was collected, and where terms
// start.
func (g *Judge) Dates(rows arrow.Record, row int) {
	rec := &g.Record
	*rec = policy.Record{Starts: rec.Starts}
	if g.collected >= 0 {
		made, err := g.made.Read(cells.Value(rows.Column(g.collected).(*array.Binary), row))
		if g.dayOnly = made.Whole; err == nil && !made.None() {
			rec.Collected = made.Last
		}
	}
	for i, f := range g.Starts {
		rec.Starts[i] = 0
		if f == nil {
			continue
		}
		if col := rows.Column(f.Column).(*array.Binary); col.IsValid(row) {
			rec.Starts[i] = f.Read(col.Value(row))
		}
	}
	begun := calendar.Date(0)
	if !rec.Collected.IsZero() {
		begun = calendar.DateOf(rec.Collected, g.zone)
	}
	starts.AfterBeginnings(g.Starts, rec.Starts, begun)
}

// name gives a ruling the reference of its record.
func (g *Judge) name(r *Ruling, key connectors.Key) {
	if !r.known {
		r.record, r.known = g.RecordOf(key), true
	}
}

// recall looks up what earlier nights left about a row, where the decision hangs on it: a tombstone, and
// the night that first flagged it.
func (g *Judge) recall(r *Ruling, rows arrow.Record, row int, asOf time.Time) {
	key, ok := connectors.KeyOf(rows, g.Key, row)
	if !ok || len(g.Key) == 0 {
		return
	}
	g.name(r, key)
	again := false
	if !plain(r.Decision) && traces.WasAnonymized(g.State.Tombstones.Find(r.record), r.subject, g.unnamed()) {
		g.State.Anonymized[r.record] = true
		if targets.Anonymized(g.Targets, rows, row) {
			g.Record.Anonymized, g.Record.Weak, again = true, g.Weak(), true
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

// unnamed reports whether anonymizing changes a field that identifies the person, so that what stands there
// afterwards is nobody's.
func (g *Judge) unnamed() bool {
	return slices.ContainsFunc(g.Targets, func(t targets.Target) bool {
		return t.Anonymize && slices.ContainsFunc(g.subjects, func(s naming) bool { return s.column == t.Column })
	})
}

// change says what the decision changes in the source, given what the row holds now.
func (g *Judge) change(r *Ruling, rows arrow.Record, row int) {
	switch r.Action {
	case policy.Delete:
		r.Change = Delete
	case policy.Anonymize:
		if !targets.Anonymized(g.Targets, rows, row) {
			r.Change = Anonymize
		}
	case policy.Keep:
		for _, f := range r.Clear {
			holds := func(t targets.Target) bool { return t.Field == f && !t.HeldBy(rows, row) }
			if slices.ContainsFunc(g.Targets, holds) {
				r.Cleared = append(r.Cleared, f)
			}
		}
		if len(r.Cleared) > 0 {
			r.Change = Clear
		}
	}
}

// blocking adds that a row is to be blocked, by itself or until its other change is made, or unblocked if Lethe did.
func (g *Judge) blocking(r *Ruling, rows arrow.Record, row int) {
	if len(g.blocked) == 0 {
		return
	}
	is := cells.Held(rows, row, g.blocked)
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

// Decision is the row of the report for a ruling.
func (g *Judge) Decision(r Ruling, ref audit.Ref) audit.Decision {
	d := audit.Decision{
		Silo: g.Silo.Silo.Name, System: g.Source.System(), Source: g.Source.Name, Object: g.Table.Name, Record: ref,
		Action: string(r.Action), Use: string(r.Use), Change: string(r.Change),
		Reason: string(r.Reason), Article: r.Reason.Article(), Row: r.Row, Rule: r.Rule,
		Grounds: strings.Join(r.Grounds, ";"), Cleared: strings.Join(r.Cleared, ";"), Notes: reason.Join(r.Notes),
		Until: r.Until.String(), Due: r.Due.String(),
	}
	if r.Flag {
		d.FlaggedAt = r.flagged
	}
	return d
}

// Method names how a change is carried out.
func (g *Judge) Method(c Change) string {
	methods := map[Change][]string{Delete: {"sql_delete"}, Block: {"block_flag"}, Unblock: {"block_flag"},
		SetNull: {"null_fields"}}[c]
	for _, t := range g.Targets {
		m := t.Technique.Method()
		if (c == Clear || c == Anonymize && t.Anonymize) && !slices.Contains(methods, m) {
			methods = append(methods, m)
		}
	}
	if g.Source.Backup() {
		methods = append([]string{"rewrite"}, methods...)
	}
	return strings.Join(methods, ";")
}
