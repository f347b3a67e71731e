package classifiers

import (
	"fmt"
	"math"
	"slices"
	"sort"
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
	paired  bool        // one of two fields that look like latitude and longitude
	linked  bool        // named like the key of another table, or with its values
	leads   *tableState // whose keys it holds, by its values
	list    []candidate
	senses  []string
	guesses []feature // what unknown words of the header may mean
	told    sides
	unsaid  Term // what the house says against every kind; zero: nothing
	at      int

	articles bool // numbers of things stand in it, as those of books
}

// Verdicts judges every field of the scanned tables, which should be all those of a database: foreign keys
// carry verdicts from table to table. The result is in the order of the scans. The same scans give the same
// verdicts.
func (c *Catalogue) Verdicts(scans ...*Scan) []TableVerdict {
	tables := c.judged(scans)
	for _, t := range tables {
		for _, f := range t.fields {
			c.weigh(f)
		}
	}
	verdicts, named := make([]TableVerdict, len(tables)), byNames(tables)
	for i, t := range tables {
		v := TableVerdict{Database: t.table.Database, Table: t.table.Name, Rows: t.rows, Subject: t.subject}
		var paths []Verdict
		for _, f := range t.fields {
			paths = append(paths, c.judgeDocuments(f)...)
		}
		paths = append(paths, c.judgeAttributes(t, named)...)
		for _, f := range t.fields {
			f.verdict.Shapes = f.shapes()
			v.Fields = append(v.Fields, f.verdict)
		}
		v.Fields = append(v.Fields, paths...)
		verdicts[i] = v
	}
	return verdicts
}

// judged returns the tables with all fields judged by the rules.
func (c *Catalogue) judged(scans []*Scan) []*tableState {
	tables := make([]*tableState, len(scans))
	glued := c.lexicon.newPrefixes(scans)
	for i, s := range scans {
		tables[i] = c.newTableState(s, glued)
	}
	linkByName(tables)
	for _, t := range tables {
		for _, f := range t.fields {
			c.judge(f, nil)
		}
	}
	c.propagate(tables)
	linkByValue(tables)
	linkTables(tables)
	return tables
}

// candidate is a category with what speaks for and against it.
type candidate struct {
	category Category
	sub      string
	class    Class
	terms    []Term
	total    float64
	own      float64 // what the values alone say
	floor    float64 // what they say at least, whatever header and table say: people's addresses stand among them
	company  bool
	inside   bool // its evidence is what stands among other text
	declared bool // by the configuration
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

// judge weighs all categories that the header or the values suggest, and settles the field's verdict.
// inherited are the terms that a foreign key brings.
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
	f.list = list
	f.verdict = settle(f, list)
	f.keepPeople()
}

// keepPeople sees that addresses of people which stand among other text are found, whatever else is said of the field, and
// come before what is a company's.
func (f *fieldState) keepPeople() {
	i := slices.IndexFunc(f.list, func(k candidate) bool { return k.inside && k.floor > 0 })
	if i < 0 {
		return
	}
	list, least := slices.Clone(f.list), prior+f.list[i].floor
	if !f.verdict.Personal() {
		k := list[i]
		list = append([]candidate{k}, slices.Delete(list, i, i+1)...)
	}
	if best := &list[0]; best.total < least {
		best.terms = slices.Clone(best.terms)
		best.add(inside, "addresses stand in it, whatever else is said", least-best.total)
	}
	f.list, f.verdict = list, settle(f, list)
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
	v := Verdict{Field: f.field.Name, Primary: None, Class: NoClass, Rows: f.column.rows, NonEmpty: f.column.nonEmpty,
		Distinct: p.distinct, Fictitious: p.fictitious}
	if len(list) == 0 {
		v.Terms = []Term{{Name: "prior", LogOdds: prior}}
		v.Confidence = 1 - logistic(prior)
		return v
	}
	best := list[0]
	v.Terms = best.terms
	if best.total <= 0 {
		v.Candidate = best.category
		v.Confidence = 1 - logistic(best.total)
		return v
	}
	v.Primary, v.Sub, v.Class, v.Company = best.category, best.sub, best.class, best.company
	ordinary := v.Class == DirectIdentifier || v.Class == QuasiIdentifier || v.Class == OtherData
	if v.Personal() && ordinary && (hasChildWord(f.tokens) || f.table.child) {
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
		if k.category == FreeText && k.inside {
			v.Also = union(v.Also, k.also, v.Primary)
		} else if k.total > 0 && k.own > 4 && !seen[k.category] && k.category.Personal() {
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
		if !f.listsOfMail() {
			return "email"
		}
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

// logOdds is the inverse of logistic, and finite.
func logOdds(p float64) float64 { return math.Log(max(p, 1e-9) / max(1-p, 1e-9)) }

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
		k.floor = max(k.floor, e.floor)
		k.also = append(k.also, e.also...)
		k.company = k.company || e.company
		k.inside = k.inside || e.name == inside
		if e.detector != "" {
			k.detector = append(k.detector, e.detector)
		}
		if k.sub == "" {
			k.sub = e.sub
		}
	}
	c.declared(f, get)
	c.ofHouse(f, &list, get)
	for i := range list {
		k := &list[i] // an address shows that text stands there, whatever is declared
		if typedAway(k.category, f.field) && !isDayOfLife(k, f.field) &&
			!(k.own > 4 && (k.category == FreeText || k.category == Email)) {
			k.add("type", "a "+f.field.Kind+" does not hold this", -12)
		}
	}
	return list
}

// declared adds what the detectors of the configuration say.
func (c *Catalogue) declared(f *fieldState, get func(Category) *candidate) {
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
			cand.add("values", cu.detector.ID+" matches "+of(k, f.profile.n), lo)
			cand.own += lo
		}
		cand.declared = true
		cand.detector = append(cand.detector, cu.detector.ID)
	}
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
