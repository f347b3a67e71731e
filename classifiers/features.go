package classifiers

import (
	"math"
	"slices"
)

// feature is one thing that is true of a field, or how far it is.
type feature struct {
	name string
	x    float64
}

// features are the terms of a candidate, grouped by where they come from.
func (k *candidate) features() []feature {
	var header, values, table, rest float64
	for _, t := range k.terms {
		switch t.Name {
		case "prior", houseTerm: // both stand in what the rules say
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
	if f.field.Key || f.field.References != "" || f.linked || f.at == 0 && f.profile.dense {
		return true
	}
	n := len(f.tokens)
	if n == 0 || f.profile.n > 0 && f.profile.share(f.profile.digits) < 0.5 && f.field.Kind == "text" { // names under modified_id
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
	is("header: by whom: "+form, f.writes())
	is("header: a fact about it", h.killed != "")
	if f.namesTable() {
		add("header: the table's own word", 1)
		add("header: the table's own word: "+form, 1)
	}
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
		add("values: like user names", p.share(p.usernames))
		add("values: codes", p.share(p.upperCode))
		add("values: digits", p.share(p.digits))
		add("values: addresses of mail", p.rate(bEmail))
		add("values: addresses of pages", p.rate(bURL))
		is("values: hashes", p.hashed())
		for _, b := range tellingDetectors {
			add("values: "+detectorNames[b], p.rate(b)*p.certainty())
		}
		if ill := p.share(p.ailments) * p.certainty(); ill > 0 {
			add("values: illnesses", ill)
			add("values: illnesses, "+f.table.aboutWhom(), 2*ill) // twice: a few tables of the corpus have to say it
			if h.generic != "" {
				add("values: illnesses: a word for "+h.generic, ill)
			}
		}
		add("values: forms of telephones", p.rate(bPhoneNational)*p.certainty())
		if h.generic == "name" {
			add("values: like user names, a name", p.share(p.usernames)*(1-clamp(max(p.name, 0), 2)/2))
			add("values: names, a name", clamp(p.name, 3)/3*p.certainty())
		}
		is("values: few", p.distinct <= 8)
		few := f.hasFewRows()
		is("few values: "+form, few)
		is("few values: header a kind", few && len(h.concepts) > 0 && !h.weak())
		is("few values: nothing known", few && h.opaque)
		if few && h.generic != "" {
			add("few values: a word for "+h.generic, 1)
		}
		is("values: few: "+form, p.distinct <= 8)
		if n := f.column.nonEmpty; n > 0 {
			add("values: all different", clamp(float64(p.distinct)/float64(n), 1))
		}
		if n := f.column.rows; n > 0 {
			add("values: often none", 1-clamp(float64(f.column.nonEmpty)/float64(n), 1))
		}
	}
	for _, s := range f.senses {
		add("sense: "+s, 1)
		add("sense: "+s+": "+form, 1)
	}
	if g := f.header.generic; g != "" {
		add("header: a word for "+g+": "+form, 1)
		add("header: a word for "+g+": table about "+f.table.subject, 1)
	}
	for i, w := range f.tokens {
		if len(w) > 1 && !allDigits(w) && !slices.Contains(f.tokens[:i], w) {
			add("word: "+w, 1)
		}
	}
	for i, w := range f.table.tokens {
		if len(w) > 1 && !allDigits(w) && !slices.Contains(f.table.tokens[:i], w) {
			add("table word: "+w, 1)
		}
	}
	for _, g := range f.guesses {
		list = append(list, g, feature{g.name + ": " + form, g.x})
	}
	return append(list, f.table.features(f, form)...)
}

// aboutWhom says about whom the rows of a table are, as far as persons stand in it or a key leads to them.
func (t *tableState) aboutWhom() string {
	switch {
	case t.ofPersons():
		return "of persons"
	case t.refersPerson:
		return "refers to persons"
	case t.refersOn:
		return "refers to what refers to persons"
	case t.isList || t.referred:
		return "a list"
	}
	return "of nobody"
}

// namesTable reports whether the header has a word of the table's name in it: the number of an account is one thing in a table
// of accounts, and another in one of customers.
func (f *fieldState) namesTable() bool {
	return slices.ContainsFunc(f.tokens, func(w string) bool {
		return len(w) > 3 && slices.ContainsFunc(f.table.tokens, func(t string) bool { return len(t) > 3 && stem(t) == stem(w) })
	})
}

// where says what the field's table is about.
func (f *fieldState) where() []string {
	t := f.table
	s := t.side
	for i := range s {
		s[i] = max(0, s[i]-f.told[i])
	}
	share := s.personal() / float64(max(1, len(t.fields)-1)+2)
	list := []string{"in " + t.standing(&s, share), "table about: " + t.subject}
	for _, sense := range t.senses {
		list = append(list, "table sense: "+sense)
	}
	for _, name := range t.roles.names() {
		list = append(list, "table called: "+name)
	}
	return list
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
	list := []feature{{"contact", 1}, {"contact: table about " + t.subject, 1}}
	for _, name := range t.roles.names() {
		list = append(list, feature{"contact: table called " + name, 1})
	}
	for _, name := range f.header.roles.names() {
		list = append(list, feature{"contact: header about " + name, 1})
	}
	for _, x := range t.senses {
		list = append(list, feature{"contact: table sense " + x, 1})
	}
	for _, x := range f.senses {
		list = append(list, feature{"contact: sense " + x, 1})
	}
	for i, w := range t.tokens {
		if len(w) > 2 && !allDigits(w) && !slices.Contains(t.tokens[:i], w) {
			list = append(list, feature{"contact: table word " + w, 1})
		}
	}
	for i, w := range f.tokens {
		if len(w) > 2 && !allDigits(w) && !slices.Contains(f.tokens[:i], w) {
			list = append(list, feature{"contact: word " + w, 1})
		}
	}
	s := t.side
	s[ofContacts], s[ofTexts], s[ofOthers] = 0, 0, 0
	for i, x := range s {
		if x > 0 {
			list = append(list, feature{"contact: beside " + sideNames[i], min(1, x)})
		}
	}
	is := func(name string, holds bool) {
		if holds {
			list = append(list, feature{name, 1})
		}
	}
	is("contact: table refers to persons", t.refersPerson)
	is("contact: others refer to the table", t.referred)
	is("contact: list that others refer to", t.referred && !t.refers)
	is("contact: persons refer to the table", t.referredByPersons)
	is("contact: others than persons refer to the table", t.referred && !t.referredByPersons)
	if p := f.profile; p.hits[bEmail] > 0 {
		list = append(list, feature{"contact: addresses of roles", float64(p.roleMail) / float64(p.hits[bEmail])})
	}
	if s[ofPersons] == 0 {
		is("contact: beside no persons", true)
		named := !t.roles.person && t.hasNameOfItsOwn()
		is("contact: beside a name that is nobody's", named)
		is("contact: beside a name that is nobody's, others refer to it", named && t.referred)
		is("contact: beside no name, refers to persons", !named && t.refersPerson)
		is("contact: beside companies and no persons", s[ofCompanies] > 0)
		is("contact: beside accounts and no persons", s[ofAccounts] > 0)
		is("contact: refers to persons, beside none", t.refersPerson)
		is("contact: called after persons, beside none", t.roles.person)
		for _, x := range t.senses {
			is("contact: beside no persons, table sense "+x, true)
		}
	}
	return list
}

// hasNameOfItsOwn reports whether the rows of a table have a name that the rules take for nobody's: that of a place where
// somebody works, not of who lives there.
func (t *tableState) hasNameOfItsOwn() bool {
	return slices.ContainsFunc(t.fields, func(f *fieldState) bool {
		return f.header.generic == "name" && !f.isKey() && (f.told[ofPersons] == 0 && f.told[ofAccounts] == 0)
	})
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
	share := s.personal() / float64(others+2) // of a few fields one says little
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
	is("table refers to what refers to persons", t.refersOn && !t.refersPerson)
	is("table refers to others", t.refers)
	is("others refer to the table", t.referred)
	is("a list that others refer to", t.referred && !t.refers)
	is("a list that others refer to: "+form, t.referred && !t.refers)
	is("persons refer to the table", t.referredByPersons)
	is("list in name: "+form, t.isList)
	is("list in name", t.isList)
	is("table: 4 fields or fewer", len(t.fields) <= 4)
	is("table: 20 fields or more", len(t.fields) >= 20)
	for _, s := range t.senses {
		add("table sense: "+s, 1)
		add("table sense: "+s+": "+form, 1)
		if g := f.header.generic; g != "" {
			add("table sense: "+s+": a word for "+g, 1)
		}
		for _, own := range f.senses {
			add("table sense: "+s+": sense "+own, 1)
		}
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
	add("in table about "+t.subject+": "+form, 1)
	if t.medical {
		add("in medical table: "+form, 1)
		for _, s := range f.senses {
			add("in medical table: sense "+s, 1)
		}
		is("in medical table: nothing known", f.header.opaque && form != "key")
		is("in medical table: refers to persons", t.refersPerson)
		is("in medical table: refers to what refers to persons", t.refersOn)
		is("in medical table: refers to persons or on: "+form, t.refersPerson || t.refersOn)
		if g := f.header.generic; g != "" && (t.refersPerson || t.refersOn) {
			add("in medical table: refers to persons or on: a word for "+g, 1)
			add("in medical table: refers to persons or on: a word for "+g+": "+form, 1)
		}
		is("in medical table: list", t.isList || t.referred && !t.refers)
	}
	if t.clinic {
		add("in medical database: "+form, 1)
		add("in medical database, "+standing, 1)
		if g := f.header.generic; g != "" && (t.refersPerson || t.refersOn) {
			add("in medical database: refers to persons or on: a word for "+g, 1)
		}
		is("in medical database: nothing known", f.header.opaque && form != "key")
	}
	return list
}

// tellingDetectors are those whose values say something under headers that nobody knows, with what they are called.
var tellingDetectors = [...]int{bStreet, bCity, bCountry, bRegion, bPostcodeForm, bGender, bReligion, bMarital, bDate,
	bImagePath, bICD, bPerson}

var detectorNames = map[int]string{bStreet: "streets", bCity: "cities", bCountry: "countries", bRegion: "regions",
	bPostcodeForm: "forms of postal codes", bGender: "words for gender", bReligion: "religions", bMarital: "states of marriage",
	bDate: "dates", bImagePath: "paths of pictures", bICD: "codes of diagnoses", bPerson: "names of persons"}
