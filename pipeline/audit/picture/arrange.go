package picture

import (
	"cmp"
	"slices"
	"strings"
)

// arrange says which tables stand together: by how many keys they are away from people, and those that no key leads to.
// There is at least one step.
func arrange(tables []Table) (steps []group, apart group) {
	by := map[string]*Table{}
	for i, t := range tables {
		by[t.Name] = &tables[i]
	}
	at := map[string]int{}
	for _, t := range persons(tables) {
		at[t.Name] = 0
	}
	for step := 1; step <= furthest; step++ {
		near(tables, at, step, Table.about)
	}
	for step := range furthest {
		held(tables, by, at, step)
	}
	doers := func(t Table) []string { // at last by whom something was done, where there is something to be found
		if len(t.Kinds) == 0 {
			return nil
		}
		return t.all()
	}
	near(tables, at, 1, doers)
	return grouped(tables, at)
}

// grouped puts the tables into groups by their steps; what has none and holds personal data stands apart.
func grouped(tables []Table, at map[string]int) (steps []group, apart group) {
	groups := make([]group, furthest+1)
	for _, t := range tables {
		if step, met := at[t.Name]; met {
			groups[step].tables = append(groups[step].tables, t)
		} else if len(t.Kinds) > 0 {
			apart.tables = append(apart.tables, t)
		}
	}
	heads := [...]string{"people", "one key away from people", "two keys away"}
	apart.head, apart.class = "no key leads to people", "apart"
	for step, g := range groups {
		if len(g.tables) > 0 {
			g.head, g.class = heads[step], "near"
			if step == 0 {
				g.class = "person"
			}
			steps = append(steps, g)
		}
	}
	if len(steps) == 0 {
		steps, apart = []group{apart}, group{}
	}
	for _, g := range append(steps, apart) {
		slices.SortStableFunc(g.tables, func(a, b Table) int {
			return cmp.Or(len(b.Kinds)-len(a.Kinds), cmp.Compare(b.Rows, a.Rows), strings.Compare(a.Name, b.Name))
		})
	}
	return steps, apart
}

// furthest is how many keys away from people a table is drawn.
const furthest = 2

// held says of the tables that those of a step refer to and that hold personal data, an address, that they are a step
// further.
func held(tables []Table, by map[string]*Table, at map[string]int, step int) {
	for _, t := range tables {
		if from, met := at[t.Name]; !met || from != step {
			continue
		}
		for _, to := range t.about() {
			if _, met := at[to]; !met && by[to] != nil && len(by[to].Kinds) > 0 {
				at[to] = step + 1
			}
		}
	}
}

// near says of the tables that no step was given yet which refer to one of the step before.
func near(tables []Table, at map[string]int, step int, to func(Table) []string) {
	var found []string
	for _, t := range tables {
		if _, met := at[t.Name]; !met && slices.ContainsFunc(to(t), func(other string) bool {
			before, met := at[other]
			return met && before == step-1
		}) {
			found = append(found, t.Name)
		}
	}
	for _, name := range found {
		at[name] = step
	}
}

// persons are the tables whose rows are people: those that refer to no other such table, the most referred to first.
func persons(tables []Table) (list []Table) {
	referred := map[string]int{}
	for _, t := range tables {
		for _, to := range t.about() {
			referred[to]++
		}
	}
	var all []Table
	for _, t := range tables {
		direct := slices.ContainsFunc(t.Kinds, func(k Kind) bool { return k.Direct })
		if t.Subject == "person" && len(t.Kinds) > 0 && (direct || referred[t.Name] > 0) {
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, func(a, b Table) int {
		return cmp.Or(referred[b.Name]-referred[a.Name], strings.Compare(a.Name, b.Name))
	})
	for _, t := range all {
		if !slices.ContainsFunc(list, func(other Table) bool { return slices.Contains(t.about(), other.Name) }) {
			list = append(list, t)
		}
	}
	return list
}

// about are the other tables that a table refers to by one field each. One to which several lead is who did something:
// created it, changed it.
func (t Table) about() (list []string) {
	for _, to := range t.all() {
		if n := 0; !slices.ContainsFunc(t.Refers, func(r Reference) bool {
			if r.Table == to {
				n++
			}
			return n > 1
		}) {
			list = append(list, to)
		}
	}
	return list
}

// all are the other tables that a table refers to, each once.
func (t Table) all() (list []string) {
	for _, r := range t.Refers {
		if r.Table != t.Name && !slices.Contains(list, r.Table) {
			list = append(list, r.Table)
		}
	}
	return list
}
