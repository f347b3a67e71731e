package classifiers

import (
	"slices"
	"strings"
)

// propagate carries verdicts along foreign keys: a field that refers to a personal field holds the same data. What refers to
// a trait is a key into a list of illnesses or religions, and says nothing by itself.
func (c *Catalogue) propagate(tables []*tableState) {
	byName := map[string]*fieldState{}
	for _, t := range tables {
		for _, f := range t.fields {
			byName[key(t.table.Database, t.table.Name, f.field.Name)] = f
		}
	}
	for _, t := range tables {
		for _, f := range t.fields {
			table, field, ok := cutReference(f.field.References)
			if !ok {
				continue
			}
			target := byName[key(t.table.Database, table, field)]
			if target == nil || target == f || !target.verdict.Primary.Personal() || slices.Contains(traits, target.verdict.Primary) {
				continue
			}
			v := target.verdict
			c.judge(f, map[Category]Term{v.Primary: {Name: "foreign key", Detail: "refers to " + f.field.References +
				", which is " + string(v.Primary), LogOdds: 8}})
		}
	}
}

// linkByName marks the whole numbers that bear the name of another table's key, alone or behind a qualifier:
// orders.customerNumber and customers.salesRepEmployeeNumber refer to rows although no foreign key says so.
func linkByName(tables []*tableState) {
	for _, t := range tables {
		for _, f := range t.fields {
			if f.field.Kind != "integer" || f.field.Key {
				continue
			}
			name := strings.ToLower(f.field.Name)
			for _, other := range tables {
				f.linked = f.linked || other != t && other.table.Database == t.table.Database &&
					other.hasKeyAtEndOf(name)
			}
		}
	}
}

// How many of the values that two fields may share must be the same, and of what length values are none that fields share by
// chance.
const (
	fewestShared = 8
	shortestCode = 8
)

// linkByValue finds which fields hold the keys of other tables although no foreign key says so: the same long codes stand in
// both, as in exports (PATIENT and patients.Id), or shorter ones under a name that speaks of the other table. The samples have the values with the smallest hashes, so that
// what one has below the other's limit must be there too.
func linkByValue(tables []*tableState) {
	type target struct {
		table  *tableState
		hashes map[uint64]bool
		below  uint64
	}
	keys := map[string][]target{}
	for _, t := range tables {
		for i, f := range t.fields {
			if n := f.column.nonEmpty; (f.field.Key || i == 0) && f.holdsCodes() && f.profile.distinct*10 >= n*9 {
				k := target{t, map[uint64]bool{}, f.column.sample.limit}
				for _, e := range f.column.sample.entries {
					k.hashes[e.hash] = true
				}
				keys[t.table.Database] = append(keys[t.table.Database], k)
			}
		}
	}
	for _, t := range tables {
		for i, f := range t.fields {
			if f.field.Key || i == 0 || f.field.References != "" || !f.holdsCodes() {
				continue
			}
			for _, k := range keys[t.table.Database] {
				all, shared := 0, 0
				for _, e := range f.column.sample.entries {
					if e.hash < k.below {
						all++
						if k.hashes[e.hash] {
							shared++
						}
					}
				}
				if k.table != t && (f.profile.shortest >= shortestCode || f.speaksOf(k.table)) && shared >= fewestShared && shared*10 >= all*9 {
					f.linked, f.leads = true, k.table
					break
				}
			}
		}
	}
}

// holdsCodes reports whether the values are codes with a digit in each, and the rules find nothing in them.
func (f *fieldState) holdsCodes() bool {
	p := f.profile
	return f.verdict.Primary == None && p.n >= fewestShared && p.spaced == 0 && p.share(p.digits) > 0.9
}

// speaksOf reports whether the header has a word of a table's name, or one for persons where the table is about them.
func (f *fieldState) speaksOf(t *tableState) bool {
	return f.header.roles.person && t.subject == "person" || slices.ContainsFunc(f.tokens, func(w string) bool {
		return len(w) > 3 && slices.Contains(t.stems(), stem(w))
	})
}

// hasKeyAtEndOf reports whether the table has a key of one whole number whose name, of at least five
// letters, ends the given one.
func (t *tableState) hasKeyAtEndOf(name string) bool {
	for _, f := range t.fields {
		if f.field.Key && f.field.Kind == "integer" && len(f.field.Name) >= 5 &&
			strings.HasSuffix(name, strings.ToLower(f.field.Name)) {
			return true
		}
	}
	return false
}

func key(database, table, field string) string {
	return strings.ToLower(database + "\x00" + table + "\x00" + field)
}

func cutReference(ref string) (table, field string, ok bool) {
	i := strings.LastIndexByte(ref, '.')
	if i <= 0 {
		return "", "", false
	}
	return ref[:i], ref[i+1:], true
}
