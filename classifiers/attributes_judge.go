package classifiers

import (
	"fmt"
	"slices"
	"strings"

	"lethe/classifiers/gazetteer"
)

// judgeAttributes judges the values of a table of attributes key by key, and the fields of values by what that says. The
// verdicts that find something are in the order of the keys.
func (c *Catalogue) judgeAttributes(t *tableState, lists map[string]*tableState) []Verdict {
	if t.pairs == nil || len(t.pairs.keys) == 0 {
		return nil
	}
	t.pairs.shrink()
	names, by := t.listOfKeys(lists), t.fields[t.pairs.key]
	if names == nil && by.field.Kind == "integer" {
		return nil
	}
	keys := c.named(t.pairs.sorted(), names)
	if !by.settleKeys(keys) {
		return nil
	}
	var verdicts []Verdict
	for i, at := range t.pairs.values {
		verdicts = append(verdicts, c.judgeValues(t, t.fields[at], keys, i)...)
	}
	return verdicts
}

// settleKeys says that a field of keys is of nobody, where nearly all are plain words; and reports whether they may be keys:
// where they are persons, they are no names of attributes.
func (f *fieldState) settleKeys(keys []*namedAttribute) bool {
	v := &f.verdict
	if !v.Personal() {
		return true
	}
	plain := 0
	for _, n := range keys {
		if !strings.Contains(n.shown, "*") {
			plain++
		}
	}
	if plain*10 >= len(keys)*9 && f.column.needles.found() == 0 && len(keys) > 2 {
		*v = Verdict{Field: v.Field, Primary: None, Class: NoClass, Confidence: 0.9, Rows: v.Rows, NonEmpty: v.NonEmpty,
			Distinct: v.Distinct, Terms: []Term{{Name: "attributes", Detail: fmt.Sprintf("%d of %d keys beside values are "+
				"plain words", plain, len(keys)), LogOdds: logOdds(0.1)}}}
		return true
	}
	return plain*2 > len(keys) || !slices.Contains(identifying, v.Primary)
}

// namedAttribute is one key, or several that are shown alike, with the header that it gives its values.
type namedAttribute struct {
	shown, header string
	of            []*attribute
}

// named gives keys their names, in the order of these.
func (c *Catalogue) named(list []*attribute, names map[string][]string) []*namedAttribute {
	byName := map[string]*namedAttribute{}
	for _, x := range list {
		header := x.key
		if names != nil {
			header = ""
			for _, name := range names[x.key] { // the first that the lexicon knows something of
				if h := c.lexicon.read(name, sharedEnds{}); header == "" || len(h.concepts) > 0 {
					header = name
					if len(h.concepts) > 0 {
						break
					}
				}
			}
		}
		shown := c.shownKey(header)
		n := byName[shown]
		if n == nil {
			n = &namedAttribute{shown: shown, header: shown}
			byName[shown] = n
		}
		n.of = append(n.of, x)
	}
	all := make([]*namedAttribute, 0, len(byName))
	for _, n := range byName {
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b *namedAttribute) int { return strings.Compare(a.shown, b.shown) })
	return all
}

// shownKey is a key as it may be shown, for somebody's address or name may be one: of its words those of the lexicon and
// common ones, and stars for the others.
func (c *Catalogue) shownKey(key string) string {
	if strings.ContainsRune(key, '@') || len(key) > longestKey {
		return "*"
	}
	var words []string
	stars := false
	for _, w := range c.lexicon.tokens(key) {
		if !c.isPlainWord(w) {
			w, stars = "*", true
		}
		if n := len(words); w != "*" || n == 0 || words[n-1] != "*" {
			words = append(words, w)
		}
	}
	switch {
	case len(words) == 0:
		return "*"
	case !stars && len(key) <= 60:
		return strings.ReplaceAll(key, "\n", " ")
	}
	return strings.Join(words, "_")
}

// isPlainWord reports whether a word is one of a language, and no name of a person or a number.
func (c *Catalogue) isPlainWord(w string) bool {
	if len(w) == 1 || c.lexicon.vocab[w] || len(c.senses.of([]string{w}, nil)) > 0 {
		return !allDigits(w) || len(w) <= 2
	}
	k := gazetteer.Lookup([]byte(w))
	return k&gazetteer.Common != 0 && k&(gazetteer.Given|gazetteer.Family) == 0
}

// listOfKeys is what another table says of the keys: the one that a foreign key or the name of the field refers to, and else
// the only one that knows most of them.
func (t *tableState) listOfKeys(lists map[string]*tableState) map[string][]string {
	f := t.fields[t.pairs.key]
	to, _, ok := cutReference(f.field.References)
	if !ok {
		to = f.refersTo()
	}
	if o := lists[t.table.Database+"\x00"+to]; to != "" && o != nil && o != t && o.list != nil && t.pairs.listedBy(o.list) {
		return o.list.listed
	}
	var found map[string][]string
	seen := map[*tableState]bool{}
	for _, o := range lists {
		if seen[o] || o == t || o.list == nil || o.table.Database != t.table.Database || f.field.Kind != "integer" ||
			!hasOneOf(o.tokens, t.tokens) || !t.pairs.listedBy(o.list) {
			continue
		}
		seen[o] = true
		if found != nil {
			return nil
		}
		found = o.list.listed
	}
	return found
}

// listedBy reports whether a table lists nearly all keys.
func (a *attributes) listedBy(l *keyList) bool {
	n := 0
	for _, x := range a.keys {
		if _, ok := l.listed[x.key]; ok {
			n++
		}
	}
	return len(a.keys) > 0 && n*10 >= len(a.keys)*9
}

// judgeValues judges one field of values.
func (c *Catalogue) judgeValues(t *tableState, f *fieldState, keys []*namedAttribute, at int) []Verdict {
	inside := &tableState{table: t.table, rows: t.rows, roles: t.roles, tokens: t.tokens, refersPerson: t.refersPerson}
	for _, n := range keys {
		col := column{sample: newSampleOf(valuesOfKey)}
		for _, x := range n.of {
			from := &x.columns[at]
			col.rows, col.nonEmpty, col.bytes = col.rows+from.rows, col.nonEmpty+from.nonEmpty, col.bytes+from.bytes
			for _, e := range from.sample.entries {
				col.sample.add(e.hash, e.value)
			}
		}
		field := Field{Name: f.field.Name + "." + n.shown, Kind: f.field.Kind}
		p := &fieldState{field: field, column: &col, table: inside, tokens: c.lexicon.tokens(n.header),
			header: c.lexicon.read(n.header, sharedEnds{})}
		p.profile = c.newProfile(&col, field)
		inside.fields = append(inside.fields, p)
	}
	inside.observe()
	settings := t.isOfSettings()
	var verdicts []Verdict
	var holds []Category
	best, rows := 0.0, int64(0)
	for _, p := range inside.fields {
		if p.column.nonEmpty == 0 {
			continue
		}
		c.judge(p, nil)
		v := p.verdict
		if settings && v.Primary == Secret {
			v.Also = nil
		}
		if !v.Personal() || settings && v.Primary != Secret || p.onlyNamed(v.Primary) {
			continue
		}
		v.Path, v.SubjectKind, v.Inside = true, "", "rows by "+t.fields[t.pairs.key].field.Name
		verdicts = append(verdicts, v)
		best, rows = max(best, min(v.Confidence, logistic(mostInside))), rows+v.NonEmpty
		holds = union(holds, append([]Category{v.Primary}, v.Also...), None)
	}
	if settings && len(holds) > 0 && slices.Contains(contacts, f.verdict.Primary) {
		f.verdict.Company = true // the organisation's as well
	}
	f.settleAttributes(holds, best, rows, len(verdicts), t.fields[t.pairs.key].field.Name)
	return verdicts
}

// onlyNamed reports whether values cannot be what their key says: a key may speak of passwords and say how long they must be.
func (f *fieldState) onlyNamed(c Category) bool {
	p := f.profile
	switch c {
	case PersonalURL:
		return p.rate(bURL)+p.rate(bProfile) < 0.5
	case Secret:
		return p.length < 6 || p.numbers()
	}
	return false
}

// isOfSettings reports whether a table of keys says how a program is set up: no field says whose a row is. What it holds is
// the organisation's, but for what lets somebody in.
func (t *tableState) isOfSettings() bool {
	return !slices.ContainsFunc(t.fields, func(f *fieldState) bool {
		if f == t.fields[t.pairs.key] || f.field.Key && f.at == 0 || f.writes() || hasOneOf(f.tokens, scopes[:]) {
			return false
		}
		return f.header.roles.person || f.verdict.Primary == Username || f.field.References != "" ||
			slices.ContainsFunc(f.tokens, func(w string) bool { return w == "id" || w == "fk" })
	})
}

// scopes are words for what settings are for, where it is not everything.
var scopes = [...]string{"scope", "store", "site", "shop", "lang", "language", "group", "module", "section", "tenant", "config", "plugin"}

// settleAttributes adds to a field of values what they hold by their keys: one kind alone is the field's, several make it a
// text that may hold them.
func (f *fieldState) settleAttributes(holds []Category, confidence float64, rows int64, count int, by string) {
	if len(holds) == 0 {
		return
	}
	v := &f.verdict
	proved := f.column.needles.found() > 0 || len(f.list) > 0 && f.list[0].own > 4 || v.Inside != "" // documents in it
	if v.Personal() && proved {
		holds = union(holds, append([]Category{v.Primary}, v.Also...), None)
		confidence = max(confidence, v.Confidence)
	}
	detail := fmt.Sprintf("%d rows of %d keys in %s: %s", rows, count, by, joined(holds))
	primary := FreeText
	if len(holds) == 1 {
		primary = holds[0]
	}
	v.Primary, v.Sub, v.Class, v.Company, v.Confidence, v.SubjectKind = primary, "", primary.Class(), false, confidence, ""
	v.Also, v.Candidate = union(nil, holds, primary), ""
	v.Terms = []Term{{Name: "attributes", Detail: detail, LogOdds: logOdds(confidence)}}
}
