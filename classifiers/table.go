package classifiers

import "slices"

// tableState is what neighbours tell each other.
type tableState struct {
	table   Table
	rows    int64
	roles   roles
	fields  []*fieldState
	subject string
	seen
	child                    bool // the table's name says that its rows are children
	personRef                bool // a foreign key or header points to a person
	tokens                   []string
	side                     sides
	refersPerson             bool
	refersOn                 bool // to a table that refers to persons
	refers, referred, isList bool
	referredByPersons        bool
	animals                  bool // its rows are animals
	senses                   []string
	endsInPlace              bool // the last word of its name is one for places
	medical                  bool // its name or its fields speak of health
	clinic                   bool // many tables of the database do
	pairs                    *attributes
	list                     *keyList
}

// seen is what the headers and values of all fields of a table together have.
type seen struct {
	hasStreet, hasPostcode             bool
	hasBirth, hasEmail, hasPersonal    bool
	hasSecret, hasUsername, hasNetwork bool
}

func (c *Catalogue) newTableState(s *Scan, glued prefixes) *tableState {
	name := glued.table(s.table)
	t := &tableState{table: s.table, rows: s.rows, roles: c.lexicon.tableRoles(name),
		child: hasChildWord(c.lexicon.tokens(name)), tokens: c.lexicon.tokens(name), pairs: s.pairs, list: s.keys}
	t.senses = c.senses.of(t.tokens, c.senses.of(splitHeader(name), nil))
	if n := len(t.tokens); n > 0 {
		t.endsInPlace = c.lexicon.tableRoles(t.tokens[n-1]).place
		t.isList = slices.Contains(listEndings[:], stem(t.tokens[n-1]))
	}
	shared := c.lexicon.sharedEnds(s.table.Fields, t.tokens)
	for i := range s.columns {
		f := s.table.Fields[i]
		name := glued.field(s.table, f.Name)
		fs := &fieldState{field: f, column: &s.columns[i], table: t, tokens: c.lexicon.tokens(name),
			header: c.lexicon.read(name, shared)}
		if f.Kind == "binary" && !fs.header.names(IPAddress) && s.columns[i].isWritten() {
			f.Kind = "text"
			fs.field = f
		}
		fs.senses = c.senses.of(fs.tokens, c.senses.of(splitHeader(name), nil))
		fs.guesses = c.guesser.of(fs.tokens, c.lexicon)
		fs.profile = c.newProfile(fs.column, f)
		t.fields = append(t.fields, fs)
	}
	t.roles.company = t.roles.company || c.isPremises(t, splitHeader(name))
	t.observe()
	t.pairCoordinates()
	return t
}

// isPremises reports whether the rows are places of work that have an address or a telephone: the last word of the table's
// name is one for them (branches, Mietstationen), and none is for persons or records.
func (c *Catalogue) isPremises(t *tableState, words []string) bool {
	if t.roles.person || t.roles.record || !slices.ContainsFunc(t.fields, (*fieldState).isReached) {
		return false
	}
	return slices.ContainsFunc([][]string{words, t.tokens}, func(list []string) bool {
		return len(list) > 0 && slices.Contains(c.senses.of(list[len(list)-1:], nil), "premises")
	})
}

// isReached reports whether the header says how somebody is reached.
func (f *fieldState) isReached() bool {
	return slices.ContainsFunc([]Category{PostalAddress, Phone, Email}, f.header.names)
}

// pairCoordinates finds latitude and longitude by their values: two fields side by side whose headers say
// nothing, with four decimals or more, one within 90 degrees and the other within 180, neither near zero
// only.
func (t *tableState) pairCoordinates() {
	for i := 0; i+1 < len(t.fields); i++ {
		a, b := t.fields[i], t.fields[i+1]
		if a.header.opaque && b.header.opaque && a.profile.degrees(90) && b.profile.degrees(180) {
			a.paired, b.paired = true, true
		}
	}
}

// tally counts the fields of a table by what their headers and values say.
type tally struct {
	given, family, full, company, birth, sex int
	// fields for the name of the row, with values of given and family names
	listed                    int
	street, postcode, email   int
	secret, network, username int
	animal                    int // words for species and breeds
}

// counted says which count a category in a header belongs to, and whether the field must be able to hold text. Names of
// persons are counted by their parts.
var counted = [...]struct {
	category Category
	text     bool
	count    func(*tally) *int
}{
	{CompanyOnly, false, func(y *tally) *int { return &y.company }},
	{PostalAddress, true, func(y *tally) *int { return &y.street }},
	{Postcode, false, func(y *tally) *int { return &y.postcode }},
	{DateOfBirth, false, func(y *tally) *int { return &y.birth }},
	{Gender, false, func(y *tally) *int { return &y.sex }},
	{Email, true, func(y *tally) *int { return &y.email }},
	{Secret, false, func(y *tally) *int { return &y.secret }},
	{IPAddress, false, func(y *tally) *int { return &y.network }},
	{Username, true, func(y *tally) *int { return &y.username }},
}

// subjects say whose rows a table holds. The first that fits decides; where none does, nobody knows.
var subjects = [...]struct {
	subject string
	when    func(r roles, y tally) bool
}{
	{"person", func(_ roles, y tally) bool { return y.given > 0 && y.family > 0 }},
	{"thing", func(r roles, y tally) bool { return y.animal > 0 && y.email == 0 && y.family == 0 }},
	{"person", func(r roles, y tally) bool { return y.birth > 0 }},
	{"company", func(r roles, y tally) bool {
		return y.company > 0 && !r.record && (r.company || r.person && y.full == 0) && y.given == 0 && y.listed == 0
	}},
	{"person", func(r roles, y tally) bool { return r.person && !r.thing && !r.place }},
	{"person", func(r roles, y tally) bool { return r.person && (y.named() || y.email > 0) }},
	{"company", func(r roles, y tally) bool { return r.company && !r.person && y.listed == 0 }},
	{"person", func(r roles, y tally) bool { return y.given > 0 || y.family > 0 }},
	{"person", func(r roles, y tally) bool { return y.full > 0 && y.sex > 0 }},
	{"person", func(r roles, y tally) bool { return r.address && !r.company }},
	{"place", func(r roles, y tally) bool { return r.place && !r.record }},
	{"thing", func(r roles, y tally) bool { return r.thing }},
	{"person", func(r roles, y tally) bool { return y.full > 0 }},
}

// named reports whether a field holds names of persons.
func (y *tally) named() bool { return y.given+y.family+y.full > 0 }

// observe collects what the fields' headers and values say about whose rows these are.
func (t *tableState) observe() {
	var y tally
	if slices.Contains(t.senses, "animal") {
		y.animal++
	}
	for i, f := range t.fields {
		f.at = i
		text := !typedAway(PersonName, f.field)
		y.header(&f.header, text)
		if text && f.profile.n >= 8 {
			y.values(f)
		}
		t.personRef = t.personRef || f.header.roles.person
		if slices.Contains(f.senses, "animal") {
			y.animal++
		}
	}
	t.seen = y.seen()
	t.subject = subjectOf(t.roles, y)
	t.animals = y.animal > 0 && t.subject == "thing"
}

func subjectOf(r roles, y tally) string {
	for i := range subjects {
		if subjects[i].when(r, y) {
			return subjects[i].subject
		}
	}
	return ""
}

// header counts what a header names.
func (y *tally) header(h *header, text bool) {
	for i := range h.concepts {
		k := &h.concepts[i]
		if k.category == PersonName && text && !k.weak {
			*y.part(k.sub)++
		}
		for j := range counted {
			if r := &counted[j]; r.category == k.category && (text || !r.text) {
				*r.count(y)++
			}
		}
	}
}

// part is the count of a part of persons' names.
func (y *tally) part(sub string) *int {
	switch sub {
	case "given":
		return &y.given
	case "family":
		return &y.family
	}
	return &y.full
}

// values counts what the values are, whatever the header says.
func (y *tally) values(f *fieldState) {
	p := f.profile
	switch {
	case p.name <= 1:
	case p.share(p.given) > 0.8 && p.share(p.full) < 0.3:
		y.given++
	case p.share(p.family) > 0.8 && p.share(p.full) < 0.3:
		y.family++
	case p.share(p.full) > 0.6:
		y.full++
		if f.header.generic == "name" && f.header.unknown == 0 {
			y.listed++
		}
	}
	if p.rate(bStreet) > 0.6 {
		y.street++
	}
	if p.rate(bEmail) > 0.5 {
		y.email++
	}
	if p.share(p.company) > 0.5 {
		y.company++
	}
}

func (y *tally) seen() seen {
	return seen{
		hasStreet: y.street > 0, hasPostcode: y.postcode > 0,
		hasBirth: y.birth > 0, hasEmail: y.email > 0, hasPersonal: y.named() || y.birth > 0,
		hasSecret: y.secret > 0, hasUsername: y.username > 0, hasNetwork: y.network > 0,
	}
}
