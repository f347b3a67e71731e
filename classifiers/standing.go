package classifiers

import (
	"slices"
	"strings"
)

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

var sideNames = [sideCount]string{"names, births, numbers of persons", "contacts", "health", "texts", "accounts",
	"amounts", "other personal data", "companies"}

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
	named := linkLists(tables)
	tellTopics(tables)
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
			if o := named[keyName(t, f)]; o != nil && o != t && !f.field.Key && !f.writes() {
				t.refersPerson = t.refersPerson || person[strings.ToLower(o.table.Database+"\x00"+o.table.Name)]
			}
			if o := f.leads; o != nil && !f.writes() {
				t.refersPerson = t.refersPerson || person[strings.ToLower(o.table.Database+"\x00"+o.table.Name)]
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
	for _, t := range tables {
		if !person[strings.ToLower(t.table.Database+"\x00"+t.table.Name)] {
			continue
		}
		for _, f := range t.fields {
			if o := t.referredBy(f, named); o != nil {
				o.referredByPersons = true
			}
		}
	}
	for _, t := range tables {
		t.refersOn = slices.ContainsFunc(t.fields, func(f *fieldState) bool {
			o := t.referredBy(f, named)
			return o != nil && (o.refersPerson || o.side[ofPersons] > 1.5) && !f.writes()
		})
	}
}

// referredBy is the table that a field refers to, by its foreign key or its name, nil where it refers to none.
func (t *tableState) referredBy(f *fieldState, named map[string]*tableState) *tableState {
	if f.leads != nil {
		return f.leads
	}
	to, _, ok := cutReference(f.field.References)
	if !ok && f.field.Key {
		return nil
	}
	if !ok {
		to = f.refersTo()
	}
	if o := named[t.table.Database+"\x00"+to]; to != "" && o != t {
		return o
	}
	if o := named[keyName(t, f)]; o != t && !ok {
		return o
	}
	return nil
}

// keyName is how a key is called among the keys of its database: many give a key one name in the table whose rows it
// numbers and in all that refer to it (pid, encounter_nr).
func keyName(t *tableState, f *fieldState) string {
	return t.table.Database + "\x00key\x00" + strings.ToLower(f.field.Name)
}

// writes reports whether a key says who wrote a row, and not whom it is about.
func (f *fieldState) writes() bool {
	return slices.Contains(f.senses, "stamp") || slices.ContainsFunc(f.tokens, func(t string) bool {
		return slices.Contains(writers[:], t)
	})
}

// writers are words for who made or changed a row.
var writers = [...]string{"author", "auteur", "autor", "autore", "creator", "editor", "creat", "creation", "create",
	"insert", "update", "change", "modif", "modify",
	"modifier", "valid", "cloture", "close", "by", "admin", "operator", "approve"}

// linkLists finds which tables others refer to, by foreign keys and by names, and returns the tables by what refers to them.
func linkLists(tables []*tableState) map[string]*tableState {
	named := byNames(tables)
	for _, t := range tables {
		for _, f := range t.fields {
			if o := t.referredBy(f, named); o != nil {
				o.referred, t.refers = true, true
			}
		}
	}
	return named
}

// byNames are the tables by what refers to them: their names, and the stems of what their names end in.
func byNames(tables []*tableState) map[string]*tableState {
	named := map[string]*tableState{}
	for _, t := range tables {
		for i := range t.tokens {
			named[t.table.Database+"\x00"+stem(strings.Join(t.tokens[i:], ""))] = t
		}
		named[t.table.Database+"\x00"+t.table.Name] = t
	}
	nameKeys(tables, named)
	return named
}

// nameKeys adds the tables by the names of their keys, where only one table has a key of that name and it is a name of its
// own, not one that all keys have.
func nameKeys(tables []*tableState, named map[string]*tableState) {
	many := map[string]bool{}
	for _, t := range tables {
		var key *fieldState
		for i, f := range t.fields {
			if f.field.Key && key != nil { // of several parts, each is a key of another table
				key = nil
				break
			}
			if f.field.Key || i == 0 && f.isKey() {
				key = f
			}
		}
		if key == nil || slices.Contains(commonKeys[:], strings.ToLower(key.field.Name)) {
			continue
		}
		name := keyName(t, key)
		if named[name] != nil {
			many[name] = true
		}
		named[name] = t
	}
	for name := range many {
		delete(named, name)
	}
	numberPersons(tables, named)
}

// numberPersons adds the tables of persons by a second number of their rows, which other tables have: patient_data has an id,
// and the pid by which all others know a patient. Each value stands once there, and no other table's key is called so.
func numberPersons(tables []*tableState, named map[string]*tableState) {
	second := map[string]*tableState{}
	for _, t := range tables {
		if t.side[ofPersons] <= 1.5 && t.subject != "person" {
			continue
		}
		for i, f := range t.fields {
			if i == 0 || f.field.Key || !f.numbersRows() || t.referredBy(f, named) != nil {
				continue
			}
			name := keyName(t, f)
			if _, twice := second[name]; twice {
				second[name] = nil
			} else if named[name] == nil {
				second[name] = t
			}
		}
	}
	for name, t := range second {
		if t != nil {
			named[name] = t
		}
	}
}

// numbersRows reports whether the field is called like a key, or by a word that nobody knows, by a name of its own, and each of
// its values stands once.
func (f *fieldState) numbersRows() bool {
	n := f.column.nonEmpty
	called := f.isKey() || f.field.Kind == "integer" && f.header.opaque && len(f.senses) == 0 && f.form() == "integer"
	return called && f.field.References == "" && !slices.Contains(commonKeys[:], strings.ToLower(f.field.Name)) &&
		n >= fewValues && f.profile.distinct*10 >= n*9
}

// commonKeys are names that keys have in any table.
var commonKeys = [...]string{"id", "uid", "uuid", "guid", "oid", "rowid", "nr", "no", "num", "key", "pk", "code", "kod", "codigo",
	"name"}

// listEndings are the stems of words that end the name of a table of kinds.
var listEndings = [...]string{"type", "typ", "kind", "stat", "state", "catego", "categor", "kategor", "clas", "tipo",
	"tip", "art", "grou", "look", "enum", "druh", "rodz", "soor", "role", "rol"}

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

// tellTopics finds the tables and the databases that speak of health.
func tellTopics(tables []*tableState) {
	medical, all := map[string]int{}, map[string]int{}
	for _, t := range tables {
		n := 0
		for _, f := range t.fields {
			if slices.Contains(f.senses, "medical") || f.told[ofHealth] > 0 || f.namesIllnesses() {
				n++
			}
		}
		t.medical = slices.Contains(t.senses, "medical") || n > 1 && n*5 >= len(t.fields)
		all[t.table.Database]++
		if t.medical {
			medical[t.table.Database]++
		}
	}
	for _, t := range tables {
		t.clinic = medical[t.table.Database]*4 >= all[t.table.Database] && medical[t.table.Database] > 1
	}
}
