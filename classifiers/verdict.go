package classifiers

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// prior is the log-odds of any one category before anything is known about a field: about one field in 150.
const prior = -5.0

// fieldState is a field on its way to a verdict.
type fieldState struct {
	field   Field
	column  *column
	profile *profile
	header  header
	tokens  []string
	table   *tableState
	verdict Verdict
	paired  bool // one of two fields that look like latitude and longitude
	linked  bool // named like the key of another table
}

// tableState is what neighbours tell each other.
type tableState struct {
	table   Table
	rows    int64
	roles   roles
	fields  []*fieldState
	subject string
	// what the headers of all fields together have
	hasGiven, hasFamily, hasFull, hasCompany, hasStreet, hasCity, hasPostcode, hasBirth, hasEmail, hasPersonal, hasSecret, hasUsername, hasNetwork bool
	child                                                                                                                                          bool // the table's name says that its rows are children
	personRef                                                                                                                                      bool // a foreign key or header points to a person
}

// Verdicts judges every field of the scanned tables, which should be all those of a database: foreign keys carry verdicts from table to table.
// The result is in the order of the scans. The same scans give the same verdicts.
func (c *Catalogue) Verdicts(scans ...*Scan) []TableVerdict {
	tables := make([]*tableState, len(scans))
	for i, s := range scans {
		tables[i] = c.newTableState(s)
	}
	linkByName(tables)
	for _, t := range tables {
		for _, f := range t.fields {
			c.judge(f, nil)
		}
	}
	c.propagate(tables)
	verdicts := make([]TableVerdict, len(tables))
	for i, t := range tables {
		v := TableVerdict{Database: t.table.Database, Table: t.table.Name, Rows: t.rows, Subject: t.subject}
		var paths []Verdict
		for _, f := range t.fields {
			paths = append(paths, c.judgeDocuments(f)...)
			v.Fields = append(v.Fields, f.verdict)
		}
		v.Fields = append(v.Fields, paths...)
		verdicts[i] = v
	}
	return verdicts
}

func (c *Catalogue) newTableState(s *Scan) *tableState {
	t := &tableState{table: s.table, rows: s.rows, roles: c.lexicon.tableRoles(s.table.Name), child: hasChildWord(c.lexicon.tokens(s.table.Name))}
	skip := c.lexicon.sharedPrefix(s.table.Fields)
	for i := range s.columns {
		f := s.table.Fields[i]
		fs := &fieldState{field: f, column: &s.columns[i], table: t, tokens: c.lexicon.tokens(f.Name), header: c.lexicon.read(f.Name, skip)}
		fs.profile = c.newProfile(fs.column, f)
		t.fields = append(t.fields, fs)
	}
	t.observe()
	t.pairCoordinates()
	return t
}

// pairCoordinates finds latitude and longitude by their values: two fields side by side whose headers say nothing, with four decimals or more, one
// within 90 degrees and the other within 180, neither near zero only.
func (t *tableState) pairCoordinates() {
	for i := 0; i+1 < len(t.fields); i++ {
		a, b := t.fields[i], t.fields[i+1]
		if a.header.opaque && b.header.opaque && a.profile.degrees(90) && b.profile.degrees(180) {
			a.paired, b.paired = true, true
		}
	}
}

// sharedPrefix counts the leading tokens, unknown to the lexicon, that most fields of a table share: usr_, tbl_, ENT_.
func (l *lexicon) sharedPrefix(fields []Field) int {
	if len(fields) < 3 {
		return 0
	}
	count := map[string]int{}
	for _, f := range fields {
		if tokens := l.tokens(f.Name); len(tokens) > 1 && len(l.phrases[tokens[0]]) == 0 {
			count[tokens[0]]++
		}
	}
	for _, n := range count {
		if n*10 >= len(fields)*7 {
			return 1
		}
	}
	return 0
}

// observe collects what the fields' headers and values say about whose rows these are.
func (t *tableState) observe() {
	var given, family, full, company, birth, sex, seen int // seen: fields for the name of the row, with values of given and family names
	for _, f := range t.fields {
		text := !typedAway(PersonName, f.field)
		for _, k := range f.header.concepts {
			switch k.category {
			case PersonName:
				if !text || k.weak {
					continue
				}
				switch k.sub {
				case "given":
					given++
				case "family":
					family++
				default:
					full++
				}
			case CompanyOnly:
				company++
			case PostalAddress:
				t.hasStreet = t.hasStreet || text
			case City:
				t.hasCity = t.hasCity || text
			case Postcode:
				t.hasPostcode = true
			case DateOfBirth:
				birth++
			case Gender:
				sex++
			case Email:
				t.hasEmail = t.hasEmail || text
			case Secret:
				t.hasSecret = true
			case IPAddress:
				t.hasNetwork = true
			case Username:
				t.hasUsername = t.hasUsername || text
			}
		}
		if f.header.roles.person {
			t.personRef = true
		}
		p := f.profile
		if p.n >= 8 && text {
			switch {
			case p.share(p.given) > 0.8 && p.name > 1 && p.share(p.full) < 0.3:
				given++
			case p.share(p.family) > 0.8 && p.name > 1 && p.share(p.full) < 0.3:
				family++
			case p.share(p.full) > 0.6 && p.name > 1:
				full++
				if f.header.generic == "name" && f.header.unknown == 0 {
					seen++
				}
			}
			if p.rate(bStreet) > 0.6 {
				t.hasStreet = true
			}
			if p.rate(bEmail) > 0.5 {
				t.hasEmail = true
			}
			if p.share(p.company) > 0.5 {
				company++
			}
		}
	}
	t.hasGiven, t.hasFamily, t.hasFull, t.hasCompany, t.hasBirth = given > 0, family > 0, full > 0, company > 0, birth > 0
	t.hasPersonal = t.hasGiven || t.hasFamily || t.hasFull || birth > 0
	switch {
	case given > 0 && family > 0 || birth > 0:
		t.subject = "person"
	case company > 0 && !t.roles.record && (t.roles.company || t.roles.person && full == 0) && given == 0 && seen == 0:
		t.subject = "company"
	case t.roles.person && !t.roles.thing && !t.roles.place || t.roles.person && (given+family+full > 0 || t.hasEmail):
		t.subject = "person"
	case t.roles.company && !t.roles.person && seen == 0:
		t.subject = "company"
	case given > 0 || family > 0 || full > 0 && sex > 0:
		t.subject = "person"
	case t.roles.address && !t.roles.company:
		t.subject = "person"
	case t.roles.place && !t.roles.record:
		t.subject = "place"
	case t.roles.thing:
		t.subject = "thing"
	case full > 0:
		t.subject = "person"
	}
}

// candidate is a category with what speaks for and against it.
type candidate struct {
	category Category
	sub      string
	class    Class
	terms    []Term
	total    float64
	own      float64 // what the values alone say
	company  bool
	also     []Category
	detector []string
}

func (k *candidate) add(name, detail string, lo float64) {
	if lo == 0 {
		return
	}
	k.terms = append(k.terms, Term{Name: name, Detail: detail, LogOdds: math.Round(lo*100) / 100})
	k.total += lo
}

// judge weighs all categories that the header or the values suggest, and settles the field's verdict. inherited are the terms that a foreign
// key brings.
func (c *Catalogue) judge(f *fieldState, inherited map[Category]Term) {
	list := c.candidates(f)
	for i := range list {
		k := &list[i]
		c.context(f, k)
		if t, ok := inherited[k.category]; ok {
			k.terms = append(k.terms, t)
			k.total += t.LogOdds
		}
	}
	for _, cat := range Categories() {
		t, ok := inherited[cat]
		if !ok || indexOf(list, cat) >= 0 {
			continue
		}
		k := candidate{category: cat, class: cat.Class()}
		k.add("prior", "", prior)
		k.add(t.Name, t.Detail, t.LogOdds)
		list = append(list, k)
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].total > list[j].total })
	f.verdict = settle(f, list)
}

func indexOf(list []candidate, cat Category) int {
	for i := range list {
		if list[i].category == cat {
			return i
		}
	}
	return -1
}

// settle turns the ordered candidates into a verdict.
func settle(f *fieldState, list []candidate) Verdict {
	p := f.profile
	v := Verdict{Field: f.field.Name, Primary: None, Class: NoClass, Rows: f.column.rows, NonEmpty: f.column.nonEmpty, Distinct: p.distinct, Fictitious: int64(p.fictitious)}
	if len(list) == 0 {
		v.Terms = []Term{{Name: "prior", LogOdds: prior}}
		v.Confidence = 1 - logistic(prior)
		return v
	}
	best := list[0]
	v.Terms = best.terms
	if best.total <= 0 {
		v.Confidence = 1 - logistic(best.total)
		return v
	}
	v.Primary, v.Sub, v.Class, v.Company = best.category, best.sub, best.class, best.company
	if v.Personal() && (v.Class == DirectIdentifier || v.Class == QuasiIdentifier || v.Class == OtherData) && (hasChildWord(f.tokens) || f.table.child) {
		v.Class = Child
	}
	v.Confidence = logistic(best.total)
	v.Detectors = best.detector
	seen := map[Category]bool{best.category: true}
	for _, a := range best.also {
		if !seen[a] && a.Personal() {
			seen[a] = true
			v.Also = append(v.Also, a)
		}
	}
	for _, k := range list[1:] {
		if k.total > 0 && k.own > 4 && !seen[k.category] && k.category.Personal() {
			seen[k.category] = true
			v.Also = append(v.Also, k.category)
			v.Detectors = append(v.Detectors, k.detector...)
		}
	}
	if best.category == Email && p.hits[bEmail] > 0 && p.roleMail*5 >= p.hits[bEmail]*4 {
		v.RoleAddress = true
	}
	v.SubjectKind = subjectKind(v, f)
	return v
}

// subjectKind names the identifier that a join with consents can use.
func subjectKind(v Verdict, f *fieldState) string {
	switch v.Primary {
	case Email:
		return "email"
	case Phone:
		if v.Sub != "extension" {
			return "phone"
		}
	case NationalID, TaxID:
		return "national-id"
	case OtherPersonal:
		if v.Sub == "number" {
			return "customer-number"
		}
	}
	return ""
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// candidates weighs header and values.
func (c *Catalogue) candidates(f *fieldState) []candidate {
	var list []candidate
	get := func(cat Category) *candidate {
		if i := indexOf(list, cat); i >= 0 {
			return &list[i]
		}
		k := candidate{category: cat, class: cat.Class()}
		k.add("prior", "", prior)
		list = append(list, k)
		return &list[len(list)-1]
	}
	for _, h := range f.header.concepts {
		if i := indexOf(list, h.category); i >= 0 {
			continue
		}
		k := get(h.category)
		k.sub, k.class = h.sub, h.class
		k.add("header", headerDetail(h), h.weight)
	}
	c.nameByTable(f, get)
	for _, e := range c.evidence(f) {
		if indexOf(list, e.category) < 0 && e.lo <= 0 {
			continue
		}
		k := get(e.category)
		k.add(e.name, e.detail, e.lo)
		k.own += e.lo
		k.also = append(k.also, e.also...)
		k.company = k.company || e.company
		if e.detector != "" {
			k.detector = append(k.detector, e.detector)
		}
		if k.sub == "" {
			k.sub = e.sub
		}
	}
	for i := range c.customs {
		cu := &c.customs[i]
		named, k := cu.matchHeader(f.tokens), f.profile.customs[i]
		if !named && k == 0 {
			continue
		}
		cand := get(cu.detector.Category)
		if named {
			cand.add("header", "declared by "+cu.detector.ID, strongHeader)
		}
		if cu.pattern != nil || cu.words != nil {
			lo := likelihood(k, f.profile.n, cu.detector.Chance, 0.2)
			cand.add("values", fmt.Sprintf("%s matches %d of %d distinct values", cu.detector.ID, k, f.profile.n), lo)
			cand.own += lo
		}
		cand.detector = append(cand.detector, cu.detector.ID)
	}
	for i := range list {
		k := &list[i]
		if typedAway(k.category, f.field) {
			k.add("type", "a "+f.field.Kind+" does not hold this", -12)
		}
	}
	return list
}

func headerDetail(h concept) string {
	if h.text == "" {
		return "a name beside a word for whose it is"
	}
	if h.weak {
		return fmt.Sprintf("%q may mean it", h.text)
	}
	return fmt.Sprintf("%q means it", h.text)
}

// nameByTable decides what a bare "name" is the name of.
func (c *Catalogue) nameByTable(f *fieldState, get func(Category) *candidate) {
	h := &f.header
	if h.generic != "name" || len(h.concepts) > 0 && !h.concepts[0].weak {
		return
	}
	t := f.table
	bare := h.unknown == 0 && h.killed == "" && !h.roles.thing && !h.roles.place
	switch {
	case !bare && f.profile.fullNames():
		get(PersonName).add("header", "a name whose words before it say nothing", -1)
	case !bare:
		get(PersonName).add("header", "a name, but of something else", -4)
	case t.hasSecret && !t.hasUsername && !f.profile.fullNames() && f.profile.share(f.profile.usernames) > 0.8:
		get(Username).add("table", "the only name beside a password", rolePlusWord)
	case t.subject == "person" && !t.roles.thing:
		k := get(PersonName)
		if h.concepts == nil {
			k.sub = "full"
		}
		k.add("table", "a name in a table about persons", rolePlusWord)
	case t.subject == "company":
		get(CompanyOnly).add("table", "a name in a table about companies", rolePlusWord)
		get(PersonName).add("table", "a name in a table about companies", -2)
	case t.subject == "thing" || t.subject == "place":
		get(PersonName).add("table", "a name in a table about things", -5)
	}
}

// context adds what the table and the neighbours say.
func (c *Catalogue) context(f *fieldState, k *candidate) {
	t := f.table
	personal := t.hasPersonal || t.subject == "person" || t.hasEmail
	if f.header.weak() && f.header.names(k.category) {
		switch {
		case k.category == Health && (t.roles.record || t.roles.thing || !t.roles.person):
			k.add("table", "a word of several meanings", -2)
		case personal || t.hasStreet && rank(k.category, "") == 5:
			k.add("table", "a word of several meanings beside persons", 1.5)
		case t.subject == "thing" || t.subject == "place":
			k.add("table", "a word of several meanings in a table about "+t.subject+"s", -2)
		}
	}
	if f.field.Kind == "integer" && k.sub == "number" && (f.field.Key || f.field.References != "" || f.linked) {
		k.add("key", "a number that only links rows", -6)
	}
	switch k.category {
	case City, Country, Region, Postcode:
		switch {
		case t.roles.place && !t.hasStreet && !t.hasEmail && !t.hasBirth && !t.roles.address && !t.roles.person:
			k.add("table", "a list of places", -8)
		case t.subject == "thing" && !personal && !t.hasStreet:
			k.add("table", "a table about things", -4)
		case personal || t.hasStreet || t.roles.record || t.roles.company:
			k.add("table", "beside persons or addresses", 1)
		}
	case PostalAddress, Phone:
		switch {
		case t.subject == "thing" && !personal:
			k.add("table", "a table about things", -1)
		case k.category == PostalAddress && (personal || t.hasPostcode):
			k.add("table", "beside persons or postal codes", 0.5)
		}
	case DateOfBirth, Gender, Health, Religion, Political, Ethnicity, Union, Sexual, OtherPersonal:
		switch {
		case personal || t.personRef || k.sub == "agent" && t.hasNetwork:
			k.add("table", "beside persons", 0.5)
		case t.subject == "thing" || t.subject == "place":
			k.add("table", "a table about "+t.subject+"s", -4)
		}
	case FreeText:
		switch {
		case personal || t.personRef || t.roles.record:
			k.add("table", "text about or by persons", 1.5)
		case (t.subject == "thing" || t.subject == "place") && k.own < 5:
			k.add("table", "a table about "+t.subject+"s", -5)
		}
	case Financial:
		switch {
		case personal:
			k.add("table", "beside persons", 1)
		case t.subject == "thing" || t.subject == "place" || t.subject == "company":
			k.add("table", "not about persons", -4)
		}
	case Photo:
		switch {
		case personal:
			k.add("table", "beside persons", 1.5)
		case t.subject == "thing" || t.subject == "place" || t.subject == "company":
			k.add("table", "not about persons", -8)
		}
	case Coordinates:
		if (t.subject == "thing" || t.subject == "place" || t.subject == "company") && !personal && !t.personRef {
			k.add("table", "not about persons", -5)
		}
	case PersonName:
		switch {
		case t.hasEmail || t.hasBirth || t.hasStreet:
			k.add("table", "beside e-mails, birth dates or addresses", 1)
		case t.subject == "thing" && !t.hasPersonal && k.sub == "":
			k.add("table", "a table about things", -1)
		}
	}
	if f.field.References != "" && !f.header.roles.person {
		switch k.category {
		case City, Country, Region, Postcode, Gender, OtherPersonal:
		default:
			k.add("key", "refers to another table", -2)
		}
	}
	if t.subject == "company" {
		switch k.category {
		case Phone, PostalAddress, City, Postcode, Country, Region, PersonalURL, Coordinates, BankAccount, IBAN, TaxID, Email:
			k.company = k.category != Email || f.profile.roleMail*2 > f.profile.hits[bEmail]
		}
	}
}

// typedAway says whether a kind of field cannot hold a category.
func typedAway(c Category, f Field) bool {
	switch f.Kind {
	case "", "text", "json":
		return strings.HasPrefix(strings.ToLower(f.Type), "enum") && c != Gender && c != OtherPersonal && c != Country && c != Health && c != Religion && c != Ethnicity && c != Political && c != Sexual && c != Union
	case "integer", "decimal", "float":
		switch c {
		case Email, PersonName, City, Country, Region, PersonalURL, Photo, Signature, MACAddress, Username, FreeText, CompanyOnly:
			return true
		case PostalAddress:
			return f.Kind != "integer"
		case Gender, Religion, Ethnicity, Political, Union, Sexual, IPAddress, DateOfBirth, Passport, NationalID, TaxID, Phone, Postcode, VehiclePlate, DeviceID, IBAN, BankAccount, CreditCard, Secret:
			return f.Kind == "float" && c != Phone
		}
		return false
	case "date", "timestamp":
		return c != DateOfBirth && c != Health
	case "bool", "bit":
		switch c {
		case Gender, Health, Religion, Political, Ethnicity, Union, Sexual, OtherPersonal:
			return false
		}
		return true
	case "binary":
		switch c {
		case Photo, Signature, Secret, IPAddress, Health, Coordinates, DeviceID:
			return false
		}
		return true
	}
	return f.Kind == "time"
}
