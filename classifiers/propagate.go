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
