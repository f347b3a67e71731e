package judge

import (
	"fmt"
	"slices"
	"sort"

	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/policy/starts"
	"lethe/pipeline/registry"
	"lethe/pipeline/silos"
)

// Tally is what a judge has found of its rows.
type Tally struct {
	Rows           int64   // of the silo in this table
	Roots          []*Root // by pointer: the graph of dependents keeps them while rows leave the list
	Stopped        bool    // a stop forbids changes in the table tonight
	Summary        map[SummaryKey]*audit.Summary
	Oldest, Newest calendar.Date     // of the days of collecting, or those where the first rule's term starts
	Flags          []registry.Flag   // rows whose reason has no date, with the night that first found it
	Spreads        []starts.Spread   // of the days at which the terms of each rule start
	met            silos.Collections // those that a row of the table led to
}

// SummaryKey tells the lines of a summary apart: rows decided alike share one.
type SummaryKey struct {
	Reason reason.Code
	Action policy.Action
	Use    policy.Use
	Change Change
}

func keyOf(r Ruling) SummaryKey { return SummaryKey{r.Reason, r.Action, r.Use, r.Change} }

// again reports whether an earlier row of the table belongs to the same collection: the same person's
// data of the same collecting stand in several rows. Each is decided by itself, and alike. Where the
// silo links all of a person's rows (invoices), several are no news.
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
	k := keyOf(r)
	s := g.Summary[k]
	if s == nil {
		s = &audit.Summary{
			Silo: g.Silo.Silo.Name, Source: g.Source.Name, Object: g.Table.Name,
			Reason: string(r.Reason), Words: r.Reason.Words(), Article: r.Reason.Article(),
			Action: string(r.Action), Use: string(r.Use), Change: string(r.Change),
		}
		if r.Action == policy.Keep && slices.Contains(r.Notes, reason.EDependentKept) {
			s.Words += " It stays, as another record that stays refers to it."
		}
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
	g.identities(s, from, -1)
	if s.Rows == 0 {
		delete(g.Summary, keyOf(from))
	}
	g.count(to)
}

// Summaries returns the lines of the summary in a stable order.
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
