package dependents

import (
	"context"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/judge"
)

// Follower is a row that goes, or forgets, with a root.
type Follower struct {
	RowID
	Position int64 // of the root in the plan
	Root     *judge.Root
	Change   judge.Change
	Null     []string // set_null: the fields
}

// RankedTable is one step in the order of deleting: the rows of a table that have the same rank. Rows of
// a higher rank refer to those of a lower one, and go first.
type RankedTable struct {
	Rank  int
	Table string
}

// origin is the root with which a row goes, and its position in the plan.
type origin struct {
	position int64
	root     *judge.Root
}

// Followers returns the dependents that go with the chosen roots of a judge, by rank and table. A row
// that follows several roots goes with the first. Each is returned once, however often it is asked,
// until Unseal.
func (gr *Graph) Followers(
	g *judge.Judge, position map[connectors.Key]int64, planned map[connectors.Key]*judge.Root,
) map[RankedTable][]Follower {
	from := gr.origins(g, position, planned)
	out := map[RankedTable][]Follower{}
	for i := range gr.nodes {
		n := &gr.nodes[i]
		if n.root != nil || n.gone {
			continue
		}
		f, ok := Follower{RowID: n.RowID, Change: judge.Delete}, from[i] != nil
		if ok {
			f.Position, f.Root, n.gone = from[i].position, from[i].root, true
		} else if f, ok = gr.forgetting(n, from); ok {
			n.sealed = append(n.sealed, f.Null...)
		}
		if ok {
			k := RankedTable{n.rank, n.Table}
			out[k] = append(out[k], f)
		}
	}
	return out
}

// forgetting is what a row that stays forgets, with the first of the roots whose rows go; false:
// nothing. A backup is rewritten once, with all that goes, so that a row of one is forgotten in whole.
func (gr *Graph) forgetting(n *node, from []*origin) (Follower, bool) {
	f := Follower{RowID: n.RowID, Change: judge.SetNull}
	whole := gr.store.Backup()
	if whole && (n.live || n.sealed != nil) {
		return f, false
	}
	for _, p := range n.parents {
		null := missing(n.sealed, n.forgets[p])
		if len(null) == 0 || from[p] == nil && !(whole && gr.nodes[p].live) {
			continue
		}
		if o := from[p]; o != nil && (f.Root == nil || o.position < f.Position) {
			f.Position, f.Root = o.position, o.root
		}
		f.Null = append(f.Null, missing(f.Null, null)...)
	}
	return f, f.Root != nil
}

// origins finds for each node that goes the first of the chosen roots that it is, or follows; nil: none.
func (gr *Graph) origins(
	g *judge.Judge, position map[connectors.Key]int64, planned map[connectors.Key]*judge.Root,
) []*origin {
	from := make([]*origin, len(gr.nodes))
	for i, n := range gr.nodes {
		if n.root == nil || n.judge != g || !n.live {
			continue
		}
		if r := planned[n.Key]; r != nil && r.Change == judge.Delete {
			from[i] = &origin{position[n.Key], r}
		}
	}
	for again := true; again; {
		again = false
		for i, n := range gr.nodes {
			if n.root != nil || !n.live {
				continue
			}
			for _, p := range n.follows {
				if o := from[p]; o != nil && (from[i] == nil || o.position < from[i].position) {
					from[i], again = o, true
				}
			}
		}
	}
	return from
}

// Unseal takes back that dependents stand in a plan.
func (gr *Graph) Unseal() {
	for i := range gr.nodes {
		gr.nodes[i].sealed, gr.nodes[i].gone = nil, false
	}
}

// Owned finds the parents that only deleted rows refer to: each with the roots whose going frees it. Its
// errors are those of reading the source.
func (gr *Graph) Owned(ctx context.Context, g *judge.Judge) (map[RowID][]*judge.Root, error) {
	owned := map[RowID][]*judge.Root{}
	for _, r := range g.Roots {
		if r.Change != judge.Delete || r.Kept {
			continue
		}
		for k, key := range r.Owns {
			if key != "" {
				id := RowID{g.Owned[k].Table, key}
				owned[id] = append(owned[id], r)
			}
		}
	}
	for _, o := range g.Owned {
		var tuples []connectors.Key
		for id := range owned {
			if id.Table == o.Table {
				tuples = append(tuples, id.Key)
			}
		}
		slices.Sort(tuples)
		for _, ed := range gr.Edges[o.Table] {
			keys := &connectors.Keys{Fields: ed.Fields, Tuples: tuples}
			err := gr.referring(ctx, ed, keys, func(ref, key connectors.Key, addressable bool) {
				if !addressable || !gr.goes(RowID{ed.Child.Name, key}) {
					delete(owned, RowID{o.Table, ref})
				}
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return owned, nil
}
