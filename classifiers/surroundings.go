package classifiers

import (
	"slices"
	"strings"
)

// contextRule is what the table and the neighbours say about a candidate.
type contextRule struct {
	categories []Category // empty: any
	when       func(f *fieldState, k *candidate) bool
	lo         float64
	detail     string
}

// contextRules stand in groups. All groups are asked, in order; of a group the first rule that fits speaks.
var contextRules = [...]struct {
	name  string
	rules []contextRule
}{
	{"table", []contextRule{
		{[]Category{Username}, isAmbiguousBesideSecret, 3, "a word of several meanings beside a password"},
		{[]Category{Health}, isAmbiguousInMedical, 2, "a word of several meanings in a table about health"},
		{[]Category{Health}, isAmbiguousIllness, -2, "a word of several meanings"},
		{nil, isAmbiguousBesidePersons, 1.5, "a word of several meanings beside persons"},
		{nil, isAmbiguous("thing"), -2, "a word of several meanings in a table about things"},
		{nil, isAmbiguous("place"), -2, "a word of several meanings in a table about places"},
	}},
	{"key", []contextRule{
		{nil, onlyLinks, -6, "a number that only links rows"},
	}},
	{"table", []contextRule{
		{places, isListOfPlaces, -8, "a list of places"},
		{places, isEachOnce, -8, "a list of places, each once"},
		{places, isThingWithoutStreet, -4, "a table about things"},
		{places, besideAddresses, 1, "beside persons or addresses"},

		{[]Category{PostalAddress, Phone}, isThing, -1, "a table about things"},
		{[]Category{PostalAddress}, besidePostcodes, 0.5, "beside persons or postal codes"},

		{[]Category{Health, Union}, isContribution, -7, "an amount paid for it"},
		{traits, isOfAnimals, -8, "a table about animals"},
		{traits, besideTraits, 0.5, "beside persons"},
		{traits, about("thing"), -4, "a table about things"},
		{traits, about("place"), -4, "a table about places"},

		{[]Category{FreeText}, isOfProgram, -4, "a table of settings, templates or parts of the program"},
		{[]Category{FreeText}, isListOfKinds, -4, "a list of kinds"},
		{[]Category{FreeText}, besideWriters, 1.5, "text about or by persons"},
		{[]Category{FreeText}, isWeakAbout("thing"), -5, "a table about things"},
		{[]Category{FreeText}, isWeakAbout("place"), -5, "a table about places"},

		{[]Category{Financial}, besidePersons, 1, "beside persons"},
		{[]Category{Financial}, about("thing", "place", "company"), -4, "not about persons"},

		{[]Category{Photo}, besidePersons, 1.5, "beside persons"},
		{[]Category{Photo}, about("thing", "place", "company"), -8, "not about persons"},

		{[]Category{Coordinates}, isOfNobody, -5, "not about persons"},

		{[]Category{PersonName}, besideContacts, 1, "beside e-mails, birth dates or addresses"},
		{[]Category{PersonName}, isNameOfThing, -1, "a table about things"},
	}},
	{"key", []contextRule{
		{without(Categories(), append(places, Gender, OtherPersonal)...), refersElsewhere, -2,
			"refers to another table"},
	}},
}

var (
	places = []Category{City, Country, Region, Postcode}
	traits = []Category{DateOfBirth, Gender, Health, Religion, Political, Ethnicity, Union, Sexual, OtherPersonal}
	// contacts are the categories that a company has as well as a person.
	contacts = []Category{Phone, PostalAddress, City, Postcode, Country, Region, PersonalURL, Coordinates, BankAccount,
		IBAN, TaxID, Email}
)

// context adds what the table and the neighbours say.
func (c *Catalogue) context(f *fieldState, k *candidate) {
	for i := range contextRules {
		group := &contextRules[i]
		if r := firstOf(group.rules, f, k); r != nil {
			k.add(group.name, r.detail, r.lo)
		}
	}
	k.company = k.company || f.companyHeader(k.category)
	if f.table.subject == "company" && slices.Contains(contacts, k.category) {
		k.company = k.category != Email || f.mostlyRoles()
	}
}

// mostlyRoles reports whether most addresses of the field are those of roles, and most rows have no other.
func (f *fieldState) mostlyRoles() bool {
	return f.profile.roleMail*2 > f.profile.hits[bEmail] && f.column.needles.email*2 < f.column.nonEmpty
}

// companyHeader reports whether the header says that a contact is a company's: companyAddress, employer_phone.
func (f *fieldState) companyHeader(c Category) bool {
	h := &f.header
	return (h.roles.company || h.names(CompanyOnly)) && !h.roles.person && c != Email && slices.Contains(contacts, c)
}

func firstOf(rules []contextRule, f *fieldState, k *candidate) *contextRule {
	for i := range rules {
		r := &rules[i]
		if (r.categories == nil || slices.Contains(r.categories, k.category)) && r.when(f, k) {
			return r
		}
	}
	return nil
}

// ofPersons reports whether the table holds data of persons as far as one can see.
func (t *tableState) ofPersons() bool { return t.hasPersonal || t.subject == "person" || t.hasEmail }

func besidePersons(f *fieldState, _ *candidate) bool { return f.table.ofPersons() }

func about(subjects ...string) func(*fieldState, *candidate) bool {
	return func(f *fieldState, _ *candidate) bool { return slices.Contains(subjects, f.table.subject) }
}

func isAmbiguousWord(f *fieldState, k *candidate) bool {
	return f.header.weak() && f.header.names(k.category)
}

func isAmbiguous(subject string) func(*fieldState, *candidate) bool {
	return func(f *fieldState, k *candidate) bool { return isAmbiguousWord(f, k) && f.table.subject == subject }
}

func isAmbiguousIllness(f *fieldState, k *candidate) bool {
	r := &f.table.roles
	return isAmbiguousWord(f, k) && (r.record || r.thing || !r.person)
}

func isAmbiguousInMedical(f *fieldState, k *candidate) bool {
	return isAmbiguousWord(f, k) && slices.Contains(f.table.senses, "medical") && !f.table.roles.place
}

// isAmbiguousBesideSecret reports whether a user is named in front of a password, or behind one, and nobody else is.
func isAmbiguousBesideSecret(f *fieldState, k *candidate) bool {
	return isAmbiguousWord(f, k) && !f.writes() && (f.table.names(f.at-1, Secret) || f.table.names(f.at+1, Secret))
}

// names reports whether the header of the field at a place names a kind.
func (t *tableState) names(at int, c Category) bool {
	return at >= 0 && at < len(t.fields) && t.fields[at].header.names(c)
}

func isAmbiguousBesidePersons(f *fieldState, k *candidate) bool {
	t := f.table
	return isAmbiguousWord(f, k) && (t.ofPersons() || t.hasStreet && rank(k.category, "") == 5)
}

func onlyLinks(f *fieldState, k *candidate) bool {
	number := f.field.Kind == "integer" && k.sub == "number" || (f.field.Kind == "integer" || f.field.Kind == "decimal") &&
		k.category == DeviceID
	return number && (f.field.Key || f.field.References != "" || f.linked)
}

func isListOfPlaces(f *fieldState, _ *candidate) bool {
	t := f.table
	return t.roles.place && !t.roles.address && !t.roles.person && !t.hasStreet && !t.hasEmail && !t.hasBirth
}

// isEachOnce reports whether a table whose name ends in a word for places names each place once.
func isEachOnce(f *fieldState, _ *candidate) bool {
	t, rows := f.table, f.column.nonEmpty
	return t.endsInPlace && !t.hasStreet && !t.hasEmail && !t.hasBirth && rows >= 8 && f.profile.distinct*10 >= rows*9
}

func isThing(f *fieldState, _ *candidate) bool {
	return f.table.subject == "thing" && !f.table.ofPersons()
}

func isThingWithoutStreet(f *fieldState, k *candidate) bool {
	return isThing(f, k) && !f.table.hasStreet
}

func besideAddresses(f *fieldState, _ *candidate) bool {
	t := f.table
	return t.ofPersons() || t.hasStreet || t.roles.record || t.roles.company
}

func besidePostcodes(f *fieldState, _ *candidate) bool {
	return f.table.ofPersons() || f.table.hasPostcode
}

func besideTraits(f *fieldState, k *candidate) bool {
	t := f.table
	return t.ofPersons() || t.personRef || k.sub == "agent" && t.hasNetwork
}

func besideWriters(f *fieldState, _ *candidate) bool {
	return f.table.ofPersons() || f.table.personRef || f.table.roles.record
}

// isOfProgram reports whether the table's name is one for what a program is made of, and nothing in it is about persons.
func isOfProgram(f *fieldState, k *candidate) bool {
	t := f.table
	if t.hasPersonal || k.own >= 5 || !slices.Contains(t.senses, "template") {
		return false
	}
	n := len(t.tokens)
	if n > 0 && strings.HasPrefix(t.tokens[n-1], "templat") || slices.ContainsFunc(t.tokens, isOfMigrations) {
		return true
	}
	return !slices.Contains(t.senses, "talk") && !t.roles.person && !t.hasEmail && !t.personRef
}

// isOfMigrations reports whether a word names the list of changes of a schema, whoever wrote them.
func isOfMigrations(word string) bool {
	return strings.HasPrefix(word, "liquibase") || strings.HasSuffix(word, "changelog") || strings.HasPrefix(word, "migration") ||
		word == "flyway"
}

// isListOfKinds reports whether the table's name ends as that of a list of kinds, and nobody's name stands in it.
func isListOfKinds(f *fieldState, k *candidate) bool {
	return f.table.isList && !f.table.hasPersonal && !f.table.hasEmail && k.own < 5
}

// isOfAnimals reports whether the rows are animals, and the header does not say that it is about their owner.
func isOfAnimals(f *fieldState, _ *candidate) bool { return f.table.animals && !f.header.roles.person }

// isContribution reports whether a header speaks of insurances, funds and the like, and the values are amounts: what is paid for
// somebody's health insurance says nothing of health.
func isContribution(f *fieldState, _ *candidate) bool {
	amount := f.field.Kind == "decimal" || f.field.Kind == "float" || f.field.Kind == "integer" && !f.field.Key
	return amount && slices.ContainsFunc(f.tokens, func(t string) bool {
		return slices.ContainsFunc(contributions[:], func(c string) bool { return strings.HasPrefix(t, c) })
	})
}

// contributions begin words for what is paid for somebody.
var contributions = [...]string{"insurance", "fund", "contribut", "premium", "deduct", "dues", "versicherung", "beitrag", "assurance",
	"cotisat", "assicura", "contribut", "seguro", "cuota", "aporte", "ubezpiecz", "skladk", "pojist", "poist", "sigorta", "verzeker",
	"premie", "forsikring", "forsakring", "vakuutus", "biztosit", "asigurar"}

func isWeakAbout(subject string) func(*fieldState, *candidate) bool {
	return func(f *fieldState, k *candidate) bool { return f.table.subject == subject && k.own < 5 }
}

func isOfNobody(f *fieldState, k *candidate) bool {
	return about("thing", "place", "company")(f, k) && !f.table.ofPersons() && !f.table.personRef
}

func besideContacts(f *fieldState, _ *candidate) bool {
	return f.table.hasEmail || f.table.hasBirth || f.table.hasStreet
}

func isNameOfThing(f *fieldState, k *candidate) bool {
	return f.table.subject == "thing" && !f.table.hasPersonal && k.sub == ""
}

func refersElsewhere(f *fieldState, _ *candidate) bool {
	return f.field.References != "" && !f.header.roles.person
}

// nameReading says what a header that is a name and nothing else, or beside unknown words, is the name of.
type nameReading struct {
	when     func(f *fieldState) bool
	category Category
	name     string
	detail   string
	lo       float64
}

// nameReadings are asked in order; the first that fits decides.
var nameReadings = [...]nameReading{
	{isQualifiedFullName, PersonName, "header", "a name whose words before it say nothing", -1},
	{isQualifiedName, PersonName, "header", "a name, but of something else", -4},
	{isLoginName, Username, "table", "the only name beside a password", rolePlusWord},
	{isNameOfPerson, PersonName, "table", "a name in a table about persons", rolePlusWord},
	{isIn("company"), CompanyOnly, "table", "a name in a table about companies", rolePlusWord},
	{isIn("thing", "place"), PersonName, "table", "a name in a table about things", -5},
}

// nameByTable decides what a bare "name" is the name of.
func (c *Catalogue) nameByTable(f *fieldState, get func(Category) *candidate) {
	h := &f.header
	if f.isHouseNumber() {
		get(PostalAddress).add("table", "a number behind a street", behindStreet)
		return
	}
	if f.isKeyOfSession() {
		get(Secret).add("table", "the key of a session or of a token", rolePlusWord)
		return
	}
	if h.generic != "name" || len(h.concepts) > 0 && !h.concepts[0].weak {
		return
	}
	i := slices.IndexFunc(nameReadings[:], func(r nameReading) bool { return r.when(f) })
	if i < 0 {
		return
	}
	r := &nameReadings[i]
	k := get(r.category)
	if r.category == PersonName && r.lo > 0 && h.concepts == nil {
		k.sub = "full"
	}
	k.add(r.name, r.detail, r.lo)
	if r.category == CompanyOnly {
		get(PersonName).add(r.name, r.detail, -2)
	}
}

// behindStreet is what it weighs that a number stands behind a street: such a number alone looks like no address.
const behindStreet = 8.0

// isHouseNumber reports whether a header only says that it is a number, and a street stands in front of it.
func (f *fieldState) isHouseNumber() bool {
	h := &f.header
	return h.generic == "number" && len(f.tokens) == 1 && len(h.concepts) == 0 && f.table.names(f.at-1, PostalAddress) &&
		!f.field.Key && f.profile.longest <= 12
}

// isKeyOfSession reports whether the field is the key of a table of sessions, and no counter: who has it is who logged in.
func (f *fieldState) isKeyOfSession() bool {
	p := f.profile
	if p.n < 2 || p.shortest < 16 || p.spaced > 0 || p.share(p.digits) < 0.9 || p.share(p.letters) < 0.9 {
		return false
	}
	session := func(t string) bool { return t == "session" || t == "sessions" || t == "sess" }
	other := func(t string) bool { return !isIDWord(t) && t != "sid" && t != "key" && !session(t) }
	return !slices.ContainsFunc(f.tokens, other) && slices.ContainsFunc(f.table.tokens, session)
}

func isQualifiedName(f *fieldState) bool {
	h := &f.header
	return h.unknown > 0 || h.killed != "" || h.roles.thing || h.roles.place
}

func isQualifiedFullName(f *fieldState) bool { return isQualifiedName(f) && f.profile.fullNames() }

func isLoginName(f *fieldState) bool {
	t, p := f.table, f.profile
	return t.hasSecret && !t.hasUsername && !p.fullNames() && p.share(p.usernames) > 0.8
}

func isNameOfPerson(f *fieldState) bool { return f.table.subject == "person" && !f.table.roles.thing }

func isIn(subjects ...string) func(*fieldState) bool {
	return func(f *fieldState) bool { return slices.Contains(subjects, f.table.subject) }
}

var (
	// answers are the categories that a list of allowed values can hold.
	answers = []Category{Gender, OtherPersonal, Country, Health, Religion, Ethnicity, Political, Sexual, Union}
	// beyondNumbers are the categories that no number can be.
	beyondNumbers = []Category{Email, PersonName, City, Country, Region, PersonalURL, Photo, Signature, MACAddress,
		Username, FreeText, CompanyOnly}
	// beyondFloats are those that a number can be, but not one whose digits are rounded.
	beyondFloats = []Category{Gender, Religion, Ethnicity, Political, Union, Sexual, IPAddress, DateOfBirth, Passport,
		NationalID, TaxID, Postcode, VehiclePlate, DeviceID, IBAN, BankAccount, CreditCard, Secret}
	// yesAndNo are the categories that a field of two states can hold.
	yesAndNo = []Category{Gender, Health, Religion, Political, Ethnicity, Union, Sexual, OtherPersonal}
	// bytesByNature are the categories whose values are bytes.
	bytesByNature = []Category{Photo, Signature, Secret, IPAddress, Health, Coordinates, DeviceID}
	// keptAsBytes are those that a field of bytes can hold if its header says so: people encrypt the others, too.
	keptAsBytes = append(append([]Category{PersonName, Email, Phone, PostalAddress, DateOfBirth}, bytesByNature...),
		documents...)
)

// typedAway says whether a kind of field cannot hold a category.
func typedAway(c Category, f Field) bool {
	switch f.Kind {
	case "", "text", "json":
		return strings.HasPrefix(strings.ToLower(f.Type), "enum") && !slices.Contains(answers, c)
	case "integer", "decimal", "float":
		return slices.Contains(beyondNumbers, c) || c == PostalAddress && f.Kind != "integer" ||
			f.Kind == "float" && slices.Contains(beyondFloats, c)
	case "date", "timestamp":
		return c != DateOfBirth && c != Health
	case "bool", "bit":
		return !slices.Contains(yesAndNo, c)
	case "binary":
		return !slices.Contains(keptAsBytes, c)
	}
	return f.Kind == "time"
}

// isDayOfLife reports whether a date can be what the header names: the day of a death or of a wedding.
func isDayOfLife(k *candidate, f Field) bool {
	return k.sub == "life" && (f.Kind == "date" || f.Kind == "timestamp")
}
