package dependents

import (
	"cmp"
	"slices"
	"strings"

	"lethe/pipeline/dependents/edges"
	"lethe/pipeline/judge"
)

// Cause is why rows that refer to one that is due keep it from going.
type Cause string

// The causes.
const (
	Unlisted Cause = "unlisted" // no policy says what becomes of them
	Governed Cause = "governed" // a silo decides them, and they stay
	Outside  Cause = "outside"  // they are of another database, or of a table that is not in the catalog
	Hidden   Cause = "hidden"   // they may be there, and may not be seen
	Barred   Cause = "barred"   // their table cannot be changed
	NoKey    Cause = "no_key"   // they have no primary key, so that they cannot be named
	Computed Cause = "computed" // the engine computes a field by which they refer, so that they cannot forget it
	Shared   Cause = "shared"   // emptying the reference would empty another one, which stays
	Circle   Cause = "circle"   // they refer to each other, and the engine takes them in no order
)

// Holder says from where rows are referred to that are due and cannot go.
type Holder struct {
	Silo   string
	Table  string // of the rows that are due
	By     string // the table of those that refer
	Fields string // by which, joined by commas; "" of a circle
	Cause  Cause
}

// Holders counts the rows that are due and held back, by what refers to them: not those that are anonymized
// instead, nor those that wait with a plan.
func (g *Graph) Holders() ([]Holder, map[Holder]int64) {
	counts := map[Holder]int64{}
	g.each(func(n int32, _ *row) {
		r := g.rootOf(n)
		if r.Root == nil || !r.Held {
			return
		}
		found, table := map[Holder]bool{}, g.table(n).name
		g.holders(n, r.by, map[int32]bool{n: true}, found)
		if len(found) == 0 {
			found[Holder{By: table, Cause: Circle}] = true
		}
		for h := range found {
			h.Silo, h.Table = r.by.Silo.Silo.Name, table
			counts[h]++
		}
	})
	list := make([]Holder, 0, len(counts))
	for h := range counts {
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b Holder) int {
		return cmp.Or(cmp.Compare(a.Silo, b.Silo), cmp.Compare(a.Table, b.Table), cmp.Compare(a.By, b.By),
			cmp.Compare(a.Fields, b.Fields), cmp.Compare(a.Cause, b.Cause))
	})
	return list, counts
}

// holders finds what would keep a row, and what goes with it by the records that from judges, from going.
func (g *Graph) holders(n int32, from *judge.Judge, seen map[int32]bool, found map[Holder]bool) {
	say := func(e *edges.Edge, why Cause) {
		found[Holder{By: e.Child, Fields: strings.Join(e.Fields, ", "), Cause: why}] = true
	}
	for _, e := range g.nameless(n) {
		switch {
		case e.Outside.Hidden:
			say(e, Hidden)
		case e.Outside.Table != "":
			say(e, Outside)
		default:
			say(e, NoKey)
		}
	}
	for _, r := range g.refs.To(n) {
		c, e := r.Child, g.edge(r)
		does := e.Do[from]
		switch {
		case g.table(c).barred:
			say(e, Barred)
		case seen[c] || g.leaves(c) || g.lets(r) || does == string(judge.SetNull) && g.canForget(r):
		case g.at(c).governed:
			say(e, Governed)
		case does == string(judge.SetNull) && e.Computed():
			say(e, Computed)
		case does == string(judge.SetNull):
			say(e, Shared)
		case does != string(judge.Delete):
			say(e, Unlisted)
		default:
			seen[c] = true
			g.holders(c, from, seen, found)
		}
	}
}
