package classifiers

import (
	"slices"
)

// weighing is a question to the weights, and what they may need for the answer: what a field holds. What rules found, and
// values prove, may be given another name by them, and nothing more.
type weighing struct {
	base     []float64 // by kind, in the order of Categories: what the rules say
	possible []bool
	own      [][]feature // features of one kind
	features []feature   // of the field
	first    int         // the personal kind that the rules hold for likeliest, -1 where nothing speaks for any
	proved   bool        // it holds one of the kinds for sure
	where    []string    // what its table is about
	letters  []feature   // what the words of its header are made of
	few      bool        // there are few values
	least    float64     // how sure the weights must be to find it
}

// absent is what the rules say for a kind that nothing speaks for.
const absent = prior

// doubtful is what the rules say at least for a kind that they do not find but that the weights may.
const doubtful = -3.0

// companyBase is what it weighs that the rules call a contact that of a company.
const companyBase = 2.5

// weighingOf asks about a field once the rules have spoken; nil where there is nothing to ask: the configuration
// declares the field, or addresses stand in its texts, or there is nothing but the header or the values to judge by, or the
// values contradict the header.
func (f *fieldState) weighingOf() *weighing {
	if slices.ContainsFunc(f.list, func(k candidate) bool { return k.declared }) || !f.hasWord() {
		return nil
	}
	if f.contradicted() || f.taught() || f.verdict.Primary == None && (f.articles || f.leads != nil || f.numbersSomething()) {
		return nil
	}
	n := len(categoryFacts)
	w := &weighing{base: make([]float64, n), possible: make([]bool, n), own: make([][]feature, n), first: -1}
	if f.verdict.Primary != None {
		k := &f.list[0]
		if k.inside || f.profile.n == 0 && k.category != FreeText {
			return nil
		}
		w.proved = k.category.Personal() && k.own > 4 && !slices.Contains(places, k.category) // there are lists of places
	}
	for i, fact := range categoryFacts {
		w.base[i] = absent + f.unsaid.LogOdds
		personal := fact.category.Personal()
		w.possible[i] = personal && !w.proved && !f.impossible(fact.category)
		if j := indexOf(f.list, fact.category); j >= 0 {
			k := &f.list[j]
			w.possible[i] = w.possible[i] || k.total > doubtful
			w.base[i], w.own[i] = clamp(k.total, 10), k.features()
			if personal && (w.first < 0 || w.base[i] > w.base[w.first]) {
				w.first = i
			}
		}
	}
	w.features, w.where, w.letters, w.least = f.features(), f.where(), letters(f.tokens), w.threshold(f)
	w.few = f.hasFewRows()
	return w
}

// How sure the weights must be to find what the rules did not, and above what they keep what the rules found: where most
// fields of a database are of nobody, as in whole databases and not in corpora, both are on the safe side.
const (
	toFind     = 0.7
	toTake     = 4.0  // what the rules hold for a company's
	toBelieve  = 0    // what the rules only doubt: a verdict of less is none
	toDrop     = -0.1 // what the rules found
	toDropText = -1.1 // texts: few are about persons
	toDropOne  = -1.3 // what names one person: to lose it costs more than to look at it
	toDeny     = -2.0 // what the header says beside persons, in words of one meaning
	toKeep     = -20  // days of a life: the day of a wedding is like any other day
)

// identifying are the kinds of which a value names one person.
var identifying = append([]Category{Email, Phone, PersonName, Username, PostalAddress}, documents...)

// thresholds say how sure the weights must be. The first that fits decides.
var thresholds = [...]struct {
	when  func(f *fieldState, found Category) bool
	least float64
}{
	{ofCompaniesOrClubs, toDrop},
	{isOfCompany, toTake},
	{isDayOfAPerson, toKeep},
	{isTextOfNobody, toDrop},
	{saysOneThing, toDeny},
	{isHealthOfNobody, toFind},
	{hasLittleAgainstIt, toDeny},
	{func(f *fieldState, found Category) bool {
		return slices.Contains(documents, found) && f.table.hasPersonal
	}, toDeny},
	{func(_ *fieldState, found Category) bool { return found == FreeText }, toDropText},
	{func(_ *fieldState, found Category) bool { return slices.Contains(identifying, found) }, toDropOne},
	{func(_ *fieldState, found Category) bool { return found.Personal() }, toDrop},
}

func (w *weighing) threshold(f *fieldState) float64 {
	for i := range thresholds {
		if thresholds[i].when(f, f.verdict.Primary) {
			return thresholds[i].least
		}
	}
	if w.odds() > doubtful {
		return toBelieve
	}
	return toFind
}

// ofCompaniesOrClubs reports whether the number of a customer or a member stands beside no person: they may be companies.
func ofCompaniesOrClubs(f *fieldState, found Category) bool {
	return found == OtherPersonal && f.list[0].sub == "number" && !f.table.hasPersonal && f.table.subject != "person"
}

func isOfCompany(f *fieldState, found Category) bool {
	return found == CompanyOnly || found == None && f.header.names(CompanyOnly)
}

func isDayOfAPerson(f *fieldState, found Category) bool {
	return found == OtherPersonal && f.list[0].sub == "life" && f.table.ofPersons()
}

// isTextOfNobody reports whether a text stands in a list, among things or in a part of the program, beside no person.
func isTextOfNobody(f *fieldState, found Category) bool {
	t := f.table
	return found == FreeText && (t.isList || t.subject == "thing" || slices.Contains(t.senses, "template")) && !t.ofPersons() &&
		!t.refersPerson
}

// saysOneThing reports whether the header says beside persons what was found, in words of one meaning: beside what names them,
// a text beside where somebody lives, health and pay where a key leads to somebody.
func saysOneThing(f *fieldState, found Category) bool {
	h, t := &f.header, f.table
	beside := t.ofPersons() || found == FreeText && t.hasStreet && t.subject != "company" ||
		found == Health && (t.refersPerson || t.refersOn) || found == Financial && t.refersPerson && slices.Contains(f.senses, "pay")
	return found.Personal() && len(h.concepts) > 0 && !h.weak() && h.unknown == 0 && beside
}

// isHealthOfNobody reports whether words for health stand in a table that has no persons and refers to none: a list of
// medicines.
func isHealthOfNobody(f *fieldState, found Category) bool {
	t := f.table
	return found == Health && !t.ofPersons() && !t.refersPerson && !t.refersOn
}

// hasLittleAgainstIt reports whether a key has brought what was found, or there are few values: they say little, and what a
// key refers to has been looked at.
func hasLittleAgainstIt(f *fieldState, found Category) bool {
	return found.Personal() && (f.inherited() || f.column.nonEmpty < fewValues && found != FreeText)
}

// inherited reports whether a key has brought what the rules found.
func (f *fieldState) inherited() bool {
	return slices.ContainsFunc(f.list[0].terms, func(t Term) bool { return t.Name == "foreign key" && t.LogOdds > 0 })
}

// odds is what the rules say that the field holds personal data.
func (w *weighing) odds() float64 {
	if w.first < 0 {
		return w.base[0]
	}
	return w.base[w.first]
}

// firsts are the features that only the first question has: of the kind that the rules hold for likeliest, and of letters.
func (w *weighing) firsts() []feature {
	if w.first < 0 {
		return append([]feature{{"rules: nothing", 1}}, w.letters...)
	}
	kind := string(categoryFacts[w.first].category)
	list := []feature{{"rules: " + kind, 1}, {"rules: doubt of " + kind, clamp(min(w.base[w.first], 0), 8) / 4},
		{"rules: for " + kind, clamp(max(w.base[w.first], 0), 8) / 4}}
	for _, f := range w.own[w.first] {
		list = append(list, feature{"rules, " + f.name, f.x})
		if w.few {
			list = append(list, feature{"few values, rules, " + f.name, f.x})
		}
	}
	if w.few {
		list = append(list, feature{"few values: " + kind, 1})
	}
	for _, where := range w.where {
		list = append(list, feature{"rules: " + kind + ", " + where, 1})
	}
	return append(list, w.letters...)
}

// contradicted reports whether the header names one thing, and the values cannot be it: a day of birth of 280.
func (f *fieldState) contradicted() bool {
	h := &f.header
	return f.verdict.Primary == None && len(f.list) > 0 && f.list[0].category != FreeText && f.list[0].own <= -5 && f.list[0].total < 0 && !h.weak() &&
		h.unknown == 0 && h.names(f.list[0].category)
}

// taught reports whether what people said of the name has found it.
func (f *fieldState) taught() bool {
	return f.verdict.Primary != None && slices.ContainsFunc(f.list[0].terms, func(t Term) bool {
		return t.Name == houseTerm && t.LogOdds > 0
	})
}

// hasWord reports whether the header has a word in it: c1 has none.
func (f *fieldState) hasWord() bool {
	return slices.ContainsFunc(f.tokens, func(t string) bool { return len([]rune(t)) >= 3 && !allDigits(t) })
}

func kindIndex(c Category) int {
	return slices.IndexFunc(categoryFacts, func(f categoryFact) bool { return f.category == c })
}

// impossible reports whether a kind that nothing speaks for cannot be found all the same.
func (f *fieldState) impossible(c Category) bool {
	if typedAway(c, f.field) || f.field.Kind == "binary" && !slices.Contains(bytesByNature, c) {
		return true
	}
	switch c {
	case OtherPersonal: // nor is a number of a document that does not look like one
		return f.table.isList || slices.ContainsFunc(f.header.concepts, func(k concept) bool {
			return k.category == CompanyOnly || slices.Contains(documents, k.category)
		})
	case Health:
		return f.table.isList || !f.mayBeMedical() || f.isMoment()
	case FreeText:
		return !f.mayBeProse() || f.table.isList
	case PersonName, PostalAddress, City, Username:
		return f.table.isList || f.profile.share(f.profile.letters) < 0.5 || f.profile.hashed()
	case PersonalURL:
		return f.table.isList || f.profile.rate(bURL) < 0.5
	case Secret:
		return f.table.isList || !f.mayBeSecret()
	case Phone:
		return f.table.isList || f.profile.rate(bPhoneNational) < 0.5
	case Financial:
		return f.table.isList || f.form() != "decimal" && !f.mayBeMoney()
	}
	return true // numbers of documents, amounts, secrets and the like must be named or seen
}

// isMoment reports whether the field says when something was.
func (f *fieldState) isMoment() bool {
	form := f.form()
	return form == "date" || form == "stamp"
}

// mayBeMedical reports whether the field, its table or its database speaks of health.
func (f *fieldState) mayBeMedical() bool {
	t := f.table
	return t.medical || t.clinic || slices.Contains(f.senses, "medical") || f.namesIllnesses() || t.side[ofHealth]-f.told[ofHealth] > 0.5
}

// namesIllnesses reports whether many values have a word for an illness, a medicine or an allergen.
func (f *fieldState) namesIllnesses() bool { return f.profile.share(f.profile.ailments) > 0.2 }

// mayBeSecret reports whether the header speaks of keys, digests or sessions, and the values are long enough for them.
func (f *fieldState) mayBeSecret() bool {
	p := f.profile
	if p.n > 0 && p.length < 6 {
		return false
	}
	return p.hashed() || f.speaksOfSecrets()
}

// speaksOfSecrets reports whether a word of the header may stand for what lets somebody in.
func (f *fieldState) speaksOfSecrets() bool {
	return slices.ContainsFunc(f.tokens, func(t string) bool { return slices.Contains(secrets[:], t) })
}

// numbersSomething reports whether the values are UUIDs under a header that speaks of no secret: what they number is not said.
func (f *fieldState) numbersSomething() bool {
	return f.profile.hashed() && f.profile.longest == lengthOfUUID && !f.speaksOfSecrets()
}

// lengthOfUUID is that of a UUID as it is written.
const lengthOfUUID = 36

// secrets are words for what lets somebody in, none of which means it by itself.
var secrets = [...]string{"token", "hash", "key", "sid", "session", "code", "uuid", "auth", "secret", "community", "nonce",
	"salt", "verify", "reset", "activation", "api", "otp", "private", "value", "cookie", "login", "id"}

// mayBeMoney reports whether the header speaks of money, and the values are numbers.
func (f *fieldState) mayBeMoney() bool {
	return slices.Contains(f.senses, "money") && (f.profile.n == 0 || f.profile.numeric*2 > f.profile.n)
}

// mayBeProse reports whether the header or the values are such as those of texts.
func (f *fieldState) mayBeProse() bool {
	form := f.form()
	return f.header.generic == "text" || slices.Contains(f.senses, "remark") || slices.Contains(f.senses, "reason") ||
		form == "prose" || form == "phrase"
}
