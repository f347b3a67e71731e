package census

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Enough is from how many rows on that are alike in what is left of people nobody is singled out among them.
const Enough = 5

// mostGroups are told apart in one table; a row beyond them counts as one that is like no other.
const mostGroups = 1 << 20

// groups count the anonymous rows of a table by what is left in them; alone are those beyond what is told apart.
type groups struct {
	of    map[uint64]uint32
	alone int64
}

// Group is what the anonymous rows of a table come to.
type Group struct {
	Silo, Source, Object string
	Rows                 int64 // anonymous
	Smallest             int64 // rows of the smallest group of them that are alike
	Few                  int64 // rows in groups of fewer than Enough
}

// group counts an anonymous row.
func (t *Table) group(r Row) {
	if !r.Anonymous || r.Group == 0 {
		return
	}
	at := [2]string{t.source, t.object}
	g := t.silo.groups[at]
	if g.of == nil {
		g.of = map[uint64]uint32{}
	}
	if n, known := g.of[r.Group]; known || len(g.of) < mostGroups {
		g.of[r.Group] = n + 1
	} else {
		g.alone++
	}
	t.silo.groups[at] = g
}

// Groups are the tables of all silos that have anonymous rows in which people are looked for, sorted.
func (n *Night) Groups() (list []Group) {
	for name, s := range n.silos {
		for at, g := range s.groups {
			one := Group{Silo: name, Source: at[0], Object: at[1], Rows: g.alone, Smallest: math.MaxInt64, Few: g.alone}
			if g.alone > 0 {
				one.Smallest = 1
			}
			for _, rows := range g.of {
				n := int64(rows)
				one.Rows, one.Smallest = one.Rows+n, min(one.Smallest, n)
				if n < Enough {
					one.Few += n
				}
			}
			list = append(list, one)
		}
	}
	slices.SortFunc(list, func(a, b Group) int {
		return cmp.Or(strings.Compare(a.Silo, b.Silo), strings.Compare(a.Source, b.Source),
			strings.Compare(a.Object, b.Object))
	})
	return list
}
