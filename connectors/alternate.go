package connectors

import "slices"

// NameRows gives a table without a primary key, or with one of rounded numbers, the unique constraint that names its rows
// as well as one would: its fields are never NULL, the engine sets none of them, and the text of each is the value. What
// is chosen is no longer among the other unique constraints. Of several it is the one of fewest fields, whole numbers
// before others, then the one whose fields come first, so that a server and its dumps choose alike. usable may refuse the
// fields of one, by what only a connector knows of them; nil refuses none.
func (t *Table) NameRows(usable func(fields []string) bool) {
	if slices.ContainsFunc(t.Key, func(name string) bool { f, _ := t.Field(name); return f.Kind == Float }) {
		t.Key = nil // the text of a float is none
	}
	if len(t.Key) > 0 {
		return
	}
	best := -1
	for i, fields := range t.Unique {
		if t.names(fields, usable) && (best < 0 || slices.Compare(t.rank(fields), t.rank(t.Unique[best])) < 0) {
			best = i
		}
	}
	if best >= 0 {
		t.Key, t.Alternate = t.Unique[best], true
		t.Unique = slices.DeleteFunc(slices.Clone(t.Unique), func(u []string) bool { return slices.Equal(u, t.Key) })
	}
}

// KeyBy is the key that a reference by fields of such names means, though no foreign key declares it: a primary key, or
// the unique constraint in its place where the names are the same; nil where nobody can tell.
func (t *Table) KeyBy(fields []string) []string {
	if t.Alternate && !slices.Equal(fields, t.Key) {
		return nil
	}
	return t.Key
}

// Nameless takes a key away that is a unique constraint, which is one among the others then.
func (t *Table) Nameless() {
	if t.Alternate {
		t.Unique, t.Key, t.Alternate = append(slices.Clip(t.Unique), t.Key), nil, false
	}
}

// names reports whether the values of such fields name a row, given that no two rows have the same.
func (t *Table) names(fields []string, usable func([]string) bool) bool {
	return len(fields) > 0 && !slices.ContainsFunc(fields, func(name string) bool {
		f, ok := t.Field(name)
		return !ok || f.Nullable || f.Generated || f.AutoUpdate || f.Kind == Float || f.Kind == JSON
	}) && (usable == nil || usable(fields))
}

// rank orders unique constraints: the lower one names rows better.
func (t *Table) rank(fields []string) []int {
	texts, places := 0, []int{}
	for _, name := range fields {
		at := slices.IndexFunc(t.Fields, func(f Field) bool { return f.Name == name })
		if places = append(places, at); t.Fields[at].Kind != Integer {
			texts = 1
		}
	}
	return slices.Concat([]int{len(fields), texts}, slices.Sorted(slices.Values(places)), places)
}
