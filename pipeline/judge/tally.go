package judge

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/census"
	"lethe/pipeline/judge/cells"
	"lethe/pipeline/judge/roots"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/policy/starts"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/silos"
)

// Tally is what a judge has found of its rows.
type Tally struct {
	Rows           int64                      // of the silo in this table
	Roots          []*Root                    // by pointer: the graph keeps them while rows leave the list
	Owns           map[*Root][]connectors.Key // what they own, one for each owned edge; "" NULL
	roots.List                                // with those that are no more among the roots
	shaped         []*Shape                   // of the roots
	shapes         map[alike]int32            // their places
	Stopped        bool                       // a stop forbids changes in the table tonight
	Summary        census.Lines
	Oldest, Newest calendar.Date     // of the days of collecting, or those where the first rule's term starts
	Flags          []registry.Flag   // rows whose reason has no date, with the night that first found it
	Spreads        []starts.Spread   // of the days at which the terms of each rule start
	met            silos.Collections // those that a row of the table led to
	Back           int64             // rows that nights had ended and only a copy can have brought back
}

func keyOf(r Ruling) census.Key {
	return census.Key{Reason: r.Reason, Action: r.Action, Use: r.Use, Change: string(r.Change)}
}

// again reports whether an earlier row of the table belongs to the same collection: each is decided by itself, and
// alike. Where the silo links all of a person's rows (invoices), several are no news.
func (g *Judge) again(collection int32) bool {
	if collection == 0 || g.siloScope() {
		return false
	}
	was := g.met.Has(collection)
	g.met.Add(collection)
	return was
}

// seen notes the age of the row that was ruled on last, and where its terms start.
func (g *Judge) seen() {
	for i, f := range g.Starts {
		if f != nil {
			g.Spreads[i].Add(g.Record.Starts[i])
		}
	}
	var d calendar.Date
	if g.collected >= 0 && !g.Record.Collected.IsZero() {
		d = calendar.DateOf(g.Record.Collected, g.zone)
	} else if len(g.Record.Starts) > 0 {
		d = g.Record.Starts[0]
	}
	if d.Known() && (!g.Oldest.Known() || d < g.Oldest) {
		g.Oldest = d
	}
	g.Newest = max(g.Newest, d)
}

// told is what the census is told of the row that was ruled on last, which has these references.
func (g *Judge) told(r Ruling, refs []keystore.Ref, rows arrow.Record, row int) census.Row {
	c := census.Row{Ground: census.GroundOf(r.Reason, r.Action, r.Use, r.kept()), End: max(r.End, r.Until),
		Anonymous: r.Reason == reason.KAnonymized, Nobodys: r.Reason == reason.XNoMatch}
	if c.Anonymous {
		c.Group = g.Left.Of(rows, row)
	}
	switch {
	case len(refs) > 0:
		c.Person = census.PersonOf(g.State.Standings, refs[0])
	case r.Collection > 0:
		c.Person = census.Person(r.Collection)
	}
	if i := slices.IndexFunc(g.Silo.Silo.Rules, func(s policy.Rule) bool { return s.ID == r.Rule }); i >= 0 {
		c.Start = g.Record.Starts[i]
	}
	if !c.Start.Known() && !g.Record.Collected.IsZero() {
		c.Start = calendar.DateOf(g.Record.Collected, g.zone)
	}
	c.Blocked = c.Ground >= census.InGrace && r.used == 0
	c.Erased = g.Source.Backup() && c.Ground == census.Due && r.known &&
		slices.ContainsFunc(g.State.Tombstones.Find(r.record), registry.Tombstone.Gone)
	return c
}

func (g *Judge) count(r Ruling) {
	s := g.line(r)
	s.Rows++
	s.InUse += r.used
	g.identities(s, r, 1)
	if r.Due.Known() && (s.OldestDue == "" || r.Due.String() < s.OldestDue) {
		s.OldestDue = r.Due.String()
	}
}

// line is the line of the summary on which a ruling is counted.
func (g *Judge) line(r Ruling) *audit.Summary {
	return g.Summary.Of(keyOf(r), g.Silo.Silo.Name, g.Source.Name, g.Table.Name, r.kept())
}

// used is 1 for a row that nobody may use any more, and that its application may go on using when the run is over: it
// is not marked, and the run does not mark it: a dry one marks none, nor does any in a source that can only be read.
func (js *Session) used(g *Judge, r Ruling, rows arrow.Record, row int) int64 {
	writes := r.WritesBlock() && js.Tonight.Apply && !g.Source.ReadOnly
	if r.Use != policy.Blocked || len(g.blocked) > 0 && (writes || cells.Held(rows, row, g.blocked)) {
		return 0
	}
	return 1
}

// kept reports whether a row that is due stays, as another refers to it.
func (r Ruling) kept() bool { return slices.Contains(r.Notes, reason.EDependentKept) }

// identities counts whom the registry knows of the rows of a line.
func (g *Judge) identities(s *audit.Summary, r Ruling, rows int64) {
	switch r.identity {
	case policy.Unmatched:
		s.Unmatched += rows
	case policy.Unparseable:
		s.Unparseable += rows
	case policy.Conflicting, policy.Shared:
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
	s.InUse -= from.used
	g.identities(s, from, -1)
	if s.Rows == 0 {
		delete(g.Summary, keyOf(from))
	}
	g.count(to)
}
