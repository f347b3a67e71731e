package dependents

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/change"
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
	for _, n := range g.nodes {
		if n.root == nil || !n.root.Held {
			continue
		}
		found := map[Holder]bool{}
		n.holders(n.judge, map[*node]bool{n: true}, found)
		if len(found) == 0 {
			found[Holder{By: n.table, Cause: Circle}] = true
		}
		for h := range found {
			h.Silo, h.Table = n.judge.Silo.Silo.Name, n.table
			counts[h]++
		}
	}
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
func (n *node) holders(from *judge.Judge, seen map[*node]bool, found map[Holder]bool) {
	say := func(e *edge, why Cause) {
		found[Holder{By: e.Child, Fields: strings.Join(e.Fields, ", "), Cause: why}] = true
	}
	for _, e := range n.unnamed {
		switch {
		case e.outside.Hidden:
			say(e, Hidden)
		case e.outside.Table != "":
			say(e, Outside)
		default:
			say(e, NoKey)
		}
	}
	for _, r := range n.in {
		does := r.edge.do[from]
		switch c := r.child; {
		case c.barred:
			say(r.edge, Barred)
		case seen[c] || c.leaves() || r.lets() || does == string(judge.SetNull) && r.canForget():
		case c.governed:
			say(r.edge, Governed)
		case does == string(judge.SetNull) && r.edge.computed():
			say(r.edge, Computed)
		case does == string(judge.SetNull):
			say(r.edge, Shared)
		case does != string(judge.Delete):
			say(r.edge, Unlisted)
		default:
			seen[c] = true
			c.holders(from, seen, found)
		}
	}
}

// computed reports whether the engine computes a field of the edge.
func (e *edge) computed() bool {
	return slices.ContainsFunc(e.Fields, func(name string) bool {
		f, _ := e.child.Field(name)
		return f.Generated
	})
}

// Cannot says which rows can never forget what they refer to, though a policy says that they do.
func (g *Graph) Cannot() (list []connectors.Obstacle) {
	for _, e := range g.edges {
		forgets := slices.Contains(slices.Collect(maps.Values(e.do)), string(judge.SetNull))
		o := connectors.Obstacle{Table: e.Child, DSN: "apply_dsn", Kind: errors.ErrUnsupported,
			Mend: "say what else becomes of the rows, such as `do: delete`"}
		fields := strings.Join(e.Fields, ", ")
		switch {
		case !forgets:
		case e.computed():
			o.What = "the engine computes " + fields + ", so that `do: set_null` cannot empty it"
			list = append(list, o)
		case len(e.shares) > 0 && len(change.Own(e.Edge, edgesOf(e.shares))) == 0:
			o.What, o.Doubt = "each of "+fields+" is of another foreign key too: where that one stays, "+
				"`do: set_null` can empty none", true
			list = append(list, o)
		}
	}
	return list
}

func edgesOf(edges []*edge) (list []change.Edge) {
	for _, e := range edges {
		list = append(list, e.Edge)
	}
	return list
}
