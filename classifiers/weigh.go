package classifiers

import (
	"math"
	"slices"
	"strings"
)

// feature is one thing that is true of a field, or how far it is.
type feature struct {
	name string
	x    float64
}

// weighing is a question to the weights, and what they may need for the answer. Where the rules found nothing it is
// what the field holds all the same; where they found a contact, whether it is one of a company.
type weighing struct {
	base     []float64 // by kind, in the order of Categories: what the rules say
	possible []bool
	own      [][]feature // features of one kind
	features []feature   // of the field
}

// absent is what the rules say for a kind that nothing speaks for.
const absent = prior

// doubtful is what the rules say at least for a kind that they do not find but that the weights may.
const doubtful = -3.0

// companyBase is what it weighs that the rules call a contact that of a company.
const companyBase = 2.5

// weighingOf asks about a field once the rules have spoken; nil where there is nothing to ask.
func (f *fieldState) weighingOf() *weighing {
	if slices.ContainsFunc(f.list, func(k candidate) bool { return k.declared }) {
		return nil
	}
	n := len(categoryFacts)
	w := &weighing{base: make([]float64, n), possible: make([]bool, n), own: make([][]feature, n)}
	if v := &f.verdict; v.Primary != None {
		if !slices.Contains(contacts, v.Primary) {
			if v.Primary == CompanyOnly || f.proved() {
				return nil
			}
			return f.whatItHolds(w)
		}
		i := kindIndex(CompanyOnly)
		w.possible[i], w.base[i] = true, -companyBase
		if v.Company {
			w.base[i] = companyBase
		}
		w.own[i] = f.companyFeatures()
		return w
	}
	if !f.hasWord() {
		return nil
	}
	return f.whatItHolds(w)
}

// proved reports whether the values prove what the rules found, or there is nothing but the header to judge by.
func (f *fieldState) proved() bool {
	k := &f.list[0]
	return k.own > 4 || k.inside || f.profile.n == 0 || !f.hasWord() || k.total > 20
}

// whatItHolds asks what a field holds.
func (f *fieldState) whatItHolds(w *weighing) *weighing {
	for i, fact := range categoryFacts {
		w.base[i] = absent
		w.possible[i] = fact.category.Personal() && !f.impossible(fact.category)
		if j := indexOf(f.list, fact.category); j >= 0 && fact.category.Personal() {
			k := &f.list[j]
			w.possible[i] = w.possible[i] || k.total > doubtful
			w.base[i], w.own[i] = clamp(k.total, 10), k.features()
		}
	}
	w.features = f.features()
	return w
}

// hasWord reports whether the header has a word in it: c1 has none.
func (f *fieldState) hasWord() bool {
	return slices.ContainsFunc(f.tokens, func(t string) bool { return len([]rune(t)) >= 3 && !allDigits(t) })
}

func kindIndex(c Category) int {
	return slices.IndexFunc(categoryFacts, func(f categoryFact) bool { return f.category == c })
}

// impossible reports whether a kind that nothing speaks for cannot be found all the same: what describes a person has
// many names, and so have texts, while numbers of documents and amounts must be named or seen.
func (f *fieldState) impossible(c Category) bool {
	switch c {
	case OtherPersonal: // a number of a document that does not look like one is none, and nothing else
		return len(f.header.concepts) > 0 && slices.Contains(documents, f.header.concepts[0].category)
	case Health:
		return !slices.Contains(f.senses, "medical") && !slices.Contains(f.table.senses, "medical") &&
			f.table.side[ofHealth]-f.told[ofHealth] < 0.5
	case FreeText:
		return typedAway(c, f.field) || !f.mayBeProse() || !f.table.nearPersons()
	case Username:
		return typedAway(c, f.field) || !slices.Contains(f.senses, "actor")
	}
	return true
}

// nearPersons reports whether the table has something to do with persons or with what they do.
func (t *tableState) nearPersons() bool {
	if t.isList {
		return false
	}
	named := t.roles.record || t.roles.person || t.side[ofPersons] > 0.5
	return named || t.subject != "thing" && t.subject != "place" && (t.refersPerson || t.side[ofAccounts] > 0.5)
}

// mayBeProse reports whether the header or the values are such as those of texts.
func (f *fieldState) mayBeProse() bool {
	form := f.form()
	return f.header.generic == "text" || slices.Contains(f.senses, "remark") || slices.Contains(f.senses, "reason") ||
		form == "prose" || form == "phrase"
}

// features are the terms of a candidate, grouped by where they come from.
func (k *candidate) features() []feature {
	var header, values, table, rest float64
	for _, t := range k.terms {
		switch t.Name {
		case "prior":
		case "header":
			header += t.LogOdds
		case "table", "neighbours":
			table += t.LogOdds
		case "values", inside:
			values += t.LogOdds
		default:
			rest += t.LogOdds
		}
	}
	list := []feature{{"own: a candidate", 1}}
	add := func(name string, x float64) {
		if x != 0 {
			list = append(list, feature{name, x})
		}
	}
	add("own: header", header/7)
	add("own: values for it", clamp(max(values, 0), 10)/7)
	add("own: values against it", clamp(min(values, 0), 10)/7)
	add("own: table for it", clamp(max(table, 0), 8)/4)
	add("own: table against it", clamp(min(table, 0), 8)/4)
	add("own: rest", clamp(rest, 8)/4)
	if header > 0 && values < 0 {
		add("own: header, but values against it", 1)
	}
	if header <= 0 && values > 0 {
		add("own: values without a header", 1)
	}
	return list
}

// form is what a field looks like, whatever it is called.
func (f *fieldState) form() string {
	p := f.profile
	switch {
	case f.isKey():
		return "key"
	case f.field.Kind == "binary":
		return "bytes"
	case f.field.Kind == "timestamp" || f.field.Kind == "time":
		return "stamp"
	case f.field.Kind == "date" || p.n > 0 && p.dated():
		return "date"
	case f.field.Kind == "bool" || f.field.Kind == "bit" || p.n > 0 && isFlag(f):
		return "flag"
	case f.field.Kind == "decimal" || f.field.Kind == "float":
		return "decimal"
	case f.field.Kind == "integer":
		if p.n > 0 && p.low >= 1e9 && p.high < 2.2e9 {
			return "stamp"
		}
		return "integer"
	case f.field.Kind == "json":
		return "document"
	case p.n == 0:
		return "empty"
	case p.rate(bProse) > 0.3 || p.length > 60 && p.share(p.spaced) > 0.7:
		return "prose"
	case p.share(p.spaced) > 0.3:
		return "phrase"
	case p.numeric*2 > p.n:
		return "digits"
	case p.share(p.digits) > 0.5 || p.share(p.upperCode) > 0.6:
		return "code"
	}
	return "word"
}

// isKey reports whether the field is a key of this table or of another.
func (f *fieldState) isKey() bool {
	if f.field.Key || f.field.References != "" || f.linked {
		return true
	}
	n := len(f.tokens)
	if n == 0 {
		return false
	}
	return isIDWord(f.tokens[n-1]) || n > 1 && isIDWord(f.tokens[0])
}

func isIDWord(t string) bool {
	return t == "id" || t == "fk" || t == "uuid" || t == "ids" || t == "guid"
}

// features are those of the field, its header and its table.
func (f *fieldState) features() []feature {
	var list []feature
	add := func(name string, x float64) { list = append(list, feature{name, x}) }
	is := func(name string, holds bool) {
		if holds {
			add(name, 1)
		}
	}
	form := f.form()
	add("always", 1)
	add("form: "+form, 1)
	add("type: "+f.field.Kind, 1)
	h := &f.header
	for _, name := range h.roles.names() {
		add("header about: "+name, 1)
	}
	is("header: nothing known", h.opaque)
	is("header: a part unknown", !h.opaque && h.unknown > 0)
	is("header: several meanings", h.weak())
	is("header: a kind", len(h.concepts) > 0 && !h.weak())
	is("header: a person last", h.byPerson)
	is("header: a fact about it", h.killed != "")
	if h.generic != "" {
		add("header: a word for "+h.generic, 1)
	}
	if p := f.profile; p.n > 0 {
		add("values: names", clamp(p.name, 3)/3*p.certainty())
		add("values: places", clamp(p.cityMean, 3)/3*p.certainty())
		add("values: prose", p.rate(bProse))
		add("values: spaces", p.share(p.spaced))
		add("values: common words", p.share(p.common))
		add("values: companies", p.share(p.company))
		add("values: length", math.Log1p(p.length)/4)
		add("values: titles of jobs", p.rate(bJobTitle))
	}
	for _, s := range f.senses {
		add("sense: "+s, 1)
	}
	return append(list, f.table.features(f, form)...)
}

func (r *roles) names() []string {
	var list []string
	for _, x := range []struct {
		name string
		is   bool
	}{{"persons", r.person}, {"companies", r.company}, {"addresses", r.address}, {"things", r.thing},
		{"places", r.place}, {"records", r.record}} {
		if x.is {
			list = append(list, x.name)
		}
	}
	return list
}

// companyFeatures say whether a contact is that of a company.
func (f *fieldState) companyFeatures() []feature {
	t := f.table
	list := []feature{{"contact", 1}, {"contact: table about " + t.subject, 1},
		{"contact: kind " + string(f.verdict.Primary), 1}}
	for _, name := range t.roles.names() {
		list = append(list, feature{"contact: table called " + name, 1})
	}
	for _, name := range f.header.roles.names() {
		list = append(list, feature{"contact: header about " + name, 1})
	}
	s := t.side
	s[ofContacts], s[ofTexts], s[ofOthers] = 0, 0, 0
	for i, x := range s {
		if x > 0 {
			list = append(list, feature{"contact: beside " + sideNames[i], min(1, x)})
		}
	}
	if s[ofPersons] == 0 {
		list = append(list, feature{"contact: beside no persons", 1})
		if s[ofCompanies] > 0 {
			list = append(list, feature{"contact: beside companies and no persons", 1})
		}
	}
	return list
}

// sides are groups of kinds that the fields of a table tell each other of.
type sides [sideCount]float64

const (
	ofPersons = iota
	ofContacts
	ofHealth
	ofTexts
	ofAccounts
	ofAmounts
	ofOthers
	ofCompanies
	sideCount
)

var sideNames = [sideCount]string{"names, births, numbers of persons", "contacts", "health", "texts", "accounts", "amounts",
	"other personal data", "companies"}

// sideOf is the group of a kind.
func sideOf(c Category) int {
	switch c {
	case PersonName, DateOfBirth, Gender, NationalID, Passport:
		return ofPersons
	case Email, Phone, PostalAddress, City, Postcode, Country, Region, PersonalURL, Coordinates:
		return ofContacts
	case Health, Religion, Ethnicity, Political, Sexual, Union:
		return ofHealth
	case FreeText:
		return ofTexts
	case Username, Secret, IPAddress, DeviceID, MACAddress:
		return ofAccounts
	case Financial, IBAN, BankAccount, TaxID, CreditCard:
		return ofAmounts
	case CompanyOnly:
		return ofCompanies
	}
	return ofOthers
}

func (s *sides) personal() float64 {
	sum := 0.0
	for i, x := range s {
		if i != ofCompanies {
			sum += x
		}
	}
	return min(sum, 1e9)
}

// tell sets what the fields tell each other by the verdicts of the rules.
func (t *tableState) tell() {
	for _, f := range t.fields {
		f.told = sides{}
		if v := f.verdict; v.Company {
			f.told[ofCompanies] = 1
		} else if v.Primary != None {
			f.told[sideOf(v.Primary)] = 1
		}
	}
	t.gather()
}

// gather sums up what the fields tell.
func (t *tableState) gather() {
	t.side = sides{}
	for i, f := range t.fields {
		f.at = i
		for k, x := range f.told {
			t.side[k] += x
		}
	}
}

// features of a table, as seen from one of its fields.
func (t *tableState) features(f *fieldState, form string) []feature {
	var list []feature
	add := func(name string, x float64) {
		if x != 0 {
			list = append(list, feature{name, x})
		}
	}
	is := func(name string, holds bool) {
		if holds {
			add(name, 1)
		}
	}
	s := t.side
	for i := range s {
		s[i] = max(0, s[i]-f.told[i])
		add("beside: "+sideNames[i], min(1, s[i]))
		add("beside, several: "+sideNames[i], clamp(max(0, s[i]-1), 2)/2)
	}
	others := max(1, len(t.fields)-1)
	share := s.personal() / float64(others)
	add("beside: share of personal fields", share)
	near := t.near(f)
	for i, x := range near {
		add("next to: "+sideNames[i], x)
	}
	nearby := near.personal()
	add("next to: personal fields", nearby)
	kin, any := t.kin(f)
	if any {
		add("of one beginning: personal fields", kin-share)
	}
	add("table about: "+t.subject, 1)
	for _, name := range t.roles.names() {
		add("table called: "+name, 1)
	}
	is("table refers to persons", t.refersPerson)
	is("table refers to others", t.refers)
	is("others refer to the table", t.referred)
	is("a list that others refer to", t.referred && !t.refers)
	is("a list that others refer to: "+form, t.referred && !t.refers)
	is("list in name: "+form, t.isList)
	is("list in name", t.isList)
	is("table: 4 fields or fewer", len(t.fields) <= 4)
	is("table: 20 fields or more", len(t.fields) >= 20)
	for _, s := range t.senses {
		add("table sense: "+s, 1)
	}
	standing := t.standing(&s, share)
	if form == "word" || form == "phrase" || form == "prose" || form == "code" || form == "flag" {
		add(form+" beside: share of personal fields", share)
		add(form+" next to: personal fields", nearby)
	}
	add("in "+standing, 1)
	add("in "+standing+": "+form, 1)
	if f.header.generic != "" {
		add("in "+standing+": a word for "+f.header.generic, 1)
	}
	for _, s := range f.senses {
		add("in "+standing+": sense "+s, 1)
	}
	is("in "+standing+": nothing known", f.header.opaque && form != "key")
	return list
}

// near is what the two fields before and the two behind tell, of each the share.
func (t *tableState) near(f *fieldState) sides {
	var s sides
	n := 0.0
	for d := -2; d <= 2; d++ {
		if i := f.at + d; d != 0 && i >= 0 && i < len(t.fields) {
			n++
			for k, x := range t.fields[i].told {
				s[k] += x
			}
		}
	}
	for k := range s {
		s[k] /= max(1, n)
	}
	return s
}

// kin is the share of personal fields among those whose header begins with the same word.
func (t *tableState) kin(f *fieldState) (share float64, any bool) {
	if len(f.tokens) < 2 {
		return 0, false
	}
	n := 0
	for _, g := range t.fields {
		if g != f && len(g.tokens) > 1 && g.tokens[0] == f.tokens[0] {
			n++
			share += g.told.personal()
		}
	}
	if n == 0 || n > len(t.fields)*7/10 {
		return 0, false
	}
	return share / float64(n), true
}

// standing says in a word how much a table is about persons.
func (t *tableState) standing(s *sides, share float64) string {
	persons := s[ofPersons]
	switch {
	case persons > 0.5 && share < 0.12 && len(t.fields) > 12:
		return "wide table with persons"
	case persons > 1.5 || persons > 0.5 && t.subject == "person":
		return "table of persons"
	case t.subject == "person" || t.roles.person:
		return "table called after persons"
	case t.subject == "thing" || t.subject == "place" || t.subject == "company":
		if persons > 0.5 || t.refersPerson {
			return "table of things with persons"
		}
		return "table of things"
	case t.refersPerson || persons > 0.5:
		return "table that refers to persons"
	case share > 0.15:
		return "table with personal fields"
	}
	return "table of nobody"
}

// linkTables finds which tables refer to those about persons, by foreign keys and by names of fields.
func linkTables(tables []*tableState) {
	for _, t := range tables {
		t.tell()
	}
	linkLists(tables)
	person := map[string]bool{}
	for _, t := range tables {
		if t.side[ofPersons] > 1.5 || t.subject == "person" {
			person[strings.ToLower(t.table.Database+"\x00"+t.table.Name)] = true
			for _, stem := range t.stems() {
				person[t.table.Database+"\x00"+stem] = true
			}
		}
	}
	for _, t := range tables {
		for _, f := range t.fields {
			if table, _, ok := cutReference(f.field.References); ok && !f.writes() {
				t.refersPerson = t.refersPerson || person[strings.ToLower(t.table.Database+"\x00"+table)]
			}
			if !f.isKey() && f.field.Kind != "integer" || f.field.Key || f.writes() {
				continue
			}
			t.refersPerson = t.refersPerson || f.header.roles.person
			for _, w := range f.tokens {
				if len(w) > 3 && person[t.table.Database+"\x00"+stem(w)] {
					t.refersPerson = true
				}
			}
		}
	}
}

// writes reports whether a key says who wrote a row, and not whom it is about.
func (f *fieldState) writes() bool {
	return slices.Contains(f.senses, "stamp") || slices.ContainsFunc(f.tokens, func(t string) bool {
		return slices.Contains(writers[:], t)
	})
}

// writers are words for who made or changed a row.
var writers = [...]string{"author", "auteur", "autor", "autore", "creator", "editor", "creat", "creation", "create", "insert",
	"update", "change", "modif", "modify", "modifier", "valid", "cloture", "close", "by", "admin", "operator", "approve"}

// linkLists finds which tables others refer to, by foreign keys and by names.
func linkLists(tables []*tableState) {
	named := map[string]*tableState{}
	for _, t := range tables {
		n := len(t.tokens)
		t.isList = n > 0 && slices.Contains(listEndings[:], stem(t.tokens[n-1]))
		for i := range t.tokens {
			named[t.table.Database+"\x00"+stem(strings.Join(t.tokens[i:], ""))] = t
		}
		named[t.table.Database+"\x00"+t.table.Name] = t
	}
	for _, t := range tables {
		for _, f := range t.fields {
			to, _, ok := cutReference(f.field.References)
			if !ok && f.field.Key {
				continue
			}
			if !ok {
				to = f.refersTo()
			}
			if o := named[t.table.Database+"\x00"+to]; to != "" && o != nil && o != t {
				o.referred, t.refers = true, true
			}
		}
	}
}

// listEndings are the stems of words that end the name of a table of kinds.
var listEndings = [...]string{"type", "typ", "kind", "status", "statu", "state", "catego", "categor", "class", "clas", "tipo",
	"tip", "art", "grou", "gro", "lookup", "looku", "enum", "druh", "rodza", "soort", "catego", "kategor", "role", "rol"}

// refersTo is the stem of the table that a key's name speaks of, empty where it speaks of none.
func (f *fieldState) refersTo() string {
	var list []string
	key := false
	for _, t := range f.tokens {
		if isIDWord(t) || t == "code" || t == "cod" || t == "no" || t == "nr" || t == "ref" {
			key = true
			continue
		}
		list = append(list, t)
	}
	if !key && f.field.Kind != "integer" || len(list) == 0 {
		return ""
	}
	return stem(strings.Join(list, ""))
}

// stem takes the end of a word off, where plurals and cases differ.
func stem(w string) string {
	r := []rune(w)
	if len(r) > 5 {
		return string(r[:len(r)-2])
	}
	if len(r) > 4 {
		return string(r[:len(r)-1])
	}
	return w
}

// stems are those of the words in a table's name.
func (t *tableState) stems() []string {
	var list []string
	for _, w := range t.tokens {
		if len(w) > 3 {
			list = append(list, stem(w))
		}
	}
	return list
}
