package classifiers

import (
	"fmt"
	"slices"
)

// evidence is what the values say about one category.
type evidence struct {
	category Category
	sub      string
	name     string
	detail   string
	lo       float64
	floor    float64 // what it weighs at least, whatever else is said of the field
	also     []Category
	detector string
	company  bool
}

func of(k, n int) string { return fmt.Sprintf("%d of %d distinct values", k, n) }

// fromValues is evidence of the values for a category.
func fromValues(c Category, lo float64, detail string) evidence {
	return evidence{category: c, name: "values", detail: detail, lo: lo}
}

// fromMatches is evidence of k of n values that a built-in detector matches.
func (c *Catalogue) fromMatches(b, k, n int, lo float64) evidence {
	d := &c.builtins[b].detector
	detail := d.ID + " matches " + of(k, n)
	return evidence{category: d.Category, name: "values", detail: detail, lo: lo, detector: d.ID}
}

// detectedBy names the detector behind the evidence.
func (e evidence) detectedBy(id string) evidence {
	e.detector = id
	return e
}

// evidence weighs the values of a field for every category that has something to say. A positive weight
// stands without a header.
func (c *Catalogue) evidence(f *fieldState) []evidence {
	if f.profile.n == 0 {
		return nil
	}
	var list []evidence
	add := func(e evidence) { list = append(list, e) }
	f.articles = c.articleOdds(f) > surelyArticles
	for _, r := range plainDetectors {
		c.plainEvidence(f, r.builtin, r.floor, add)
	}
	if f.paired {
		detail := "degrees of latitude and longitude side by side, with four decimals and more"
		add(fromValues(Coordinates, 6.5, detail).detectedBy("geo.latlong"))
	}
	c.phoneEvidence(f, add)
	c.networkEvidence(f, add)
	c.nameEvidence(f, add)
	c.placeEvidence(f, add)
	c.dateEvidence(f, add)
	c.wordEvidence(f, add)
	c.secretEvidence(f, add)
	c.schemeEvidence(f, add)
	c.textEvidence(f, add)
	c.plausible(f, add)
	return c.insideEvidence(f, list)
}

// plainDetectors are those whose matches speak for themselves, with the least share of values that they
// match in a field of the kind.
var plainDetectors = [...]struct {
	builtin int
	floor   float64
}{{bEmail, 0.2}, {bMAC, 0.2}, {bProfile, 0.3}, {bPoint, 0.5}, {bLatLong, 0.7}}

func (c *Catalogue) plainEvidence(f *fieldState, b int, floor float64, add func(evidence)) {
	p, d := f.profile, &c.builtins[b].detector
	if p.tested[b] == 0 && !f.header.names(d.Category) || (d.Category == Coordinates || b == bProfile) && p.hits[b] == 0 ||
		b == bEmail && f.listsOfMail() {
		return
	}
	add(c.fromMatches(b, p.hits[b], p.n, likelihood(p.hits[b], p.n, d.Chance, floor)))
}

// names reports whether the header names a category.
func (h *header) names(c Category) bool {
	for _, k := range h.concepts {
		if k.category == c {
			return true
		}
	}
	return false
}

// says reports whether the header names one refinement of a category.
func (h *header) says(c Category, sub string) bool {
	return slices.ContainsFunc(h.concepts, func(k concept) bool { return k.category == c && k.sub == sub })
}

// weak reports whether the header has nothing but words of several meanings.
func (h *header) weak() bool { return len(h.concepts) > 0 && h.concepts[0].weak }

func (c *Catalogue) phoneEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	n := p.n
	if k := p.hits[bPhoneInternational]; k*2 >= n {
		add(c.fromMatches(bPhoneInternational, k, n, likelihood(k, n, 1e-3, 0.5)))
		return
	}
	shaped := p.hits[bPhoneNational]
	if f.header.says(Phone, "extension") {
		return // a few digits, and nothing to tell them from others
	}
	if f.header.names(Phone) {
		lo := 1.0
		if p.share(shaped) < 0.5 {
			lo = -9 * (1 - p.share(shaped))
		}
		lo = f.softenNumbers(lo)
		add(fromValues(Phone, lo, "phone.national admits "+of(shaped, n)).detectedBy("phone.national"))
		return
	}
	if p.phoneRegionHits*10 >= p.phoneTested*8 && p.phoneRegionHits > 3 {
		lo := min(8, likelihood(p.phoneRegionHits, p.phoneTested, p.phoneChance, 0.8)-1)
		detail := fmt.Sprintf("%d of %d are valid national numbers of %s, of random digits %.0f %%",
			p.phoneRegionHits, p.phoneTested, p.phoneRegion, 100*p.phoneChance)
		if g := f.header.generic; !f.header.opaque && g != "contact" && g != "number" {
			lo -= 4
			detail += ", under a header that says something else"
		}
		if f.articles {
			lo -= 8
			detail += "; an article number as well"
		}
		add(fromValues(Phone, lo, detail).detectedBy("phone.national"))
	}
}

func (c *Catalogue) networkEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	k := p.hits[bIPv4] + p.hits[bIPv6]
	if k == 0 && !f.header.names(IPAddress) {
		return
	}
	lo := likelihood(k, p.n, 1e-2, 0.5)
	detail := "ip matches " + of(k, p.n)
	if f.field.Kind == "integer" || f.field.Kind == "binary" {
		lo, detail = 0, "stored as a number"
	}
	if p.hits[bIPv4] > p.hits[bIPv6] && p.octetSpread < 0.5 && !f.header.names(IPAddress) {
		lo, detail = -4, "four small numbers: versions"
	}
	if lo != 0 {
		add(fromValues(IPAddress, lo, detail).detectedBy("ip"))
	}
}

// hasFewOddValues reports whether the values are too few to contradict a header of one meaning.
func (f *fieldState) hasFewOddValues() bool {
	return f.profile.n < fewValues && !f.header.weak() && f.header.unknown == 0
}

// talks reports whether people write in the table, or it is about them.
func (t *tableState) talks() bool {
	return t.ofPersons() || t.personRef || slices.Contains(t.senses, "talk") && !slices.Contains(t.senses, "template")
}

// hasFewRows reports whether few rows have a value.
func (f *fieldState) hasFewRows() bool { return f.column.nonEmpty > 0 && f.column.nonEmpty < fewValues }

// mostOfFew is the most that a few values say against a header of one meaning.
const mostOfFew = -1.5

// soften bounds what a few values say against a header of one meaning beside persons: somebody may have typed them to try,
// as long as they are neither dates nor numbers.
func (f *fieldState) soften(lo float64) float64 {
	if f.profile.numbers() {
		return lo
	}
	return f.softenNumbers(lo)
}

// softenNumbers is soften for what is made of digits: 1212 is what people type where a telephone is asked for.
func (f *fieldState) softenNumbers(lo float64) float64 {
	p := f.profile
	if lo >= mostOfFew || !f.hasFewTries() || !f.hasFewOddValues() || !f.table.ofPersons() || f.field.Kind != "text" || p.dated() ||
		p.longest > 40 {
		return lo
	}
	return mostOfFew
}

// hasFewTries reports whether few rows have a value, or not many more that are no answers of yes and no.
func (f *fieldState) hasFewTries() bool {
	return f.hasFewRows() || f.column.nonEmpty > 0 && f.column.nonEmpty < 2*fewValues && !isFlag(f)
}

// isPlainNameOfPerson reports whether the header is a word for name alone, in a table about persons.
func (f *fieldState) isPlainNameOfPerson() bool {
	return f.header.generic == "name" && isNameOfPerson(f) && !isQualifiedName(f) && !isLoginName(f)
}

// fewValues are too few values to contradict a header that names persons: the accounts of a system may stand in them.
const fewValues = 8

func (c *Catalogue) nameEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	named := f.header.names(PersonName)
	if p.letters == 0 {
		if named || f.header.names(CompanyOnly) {
			add(fromValues(PersonName, -9, "no letters"))
			add(fromValues(CompanyOnly, -3, "no letters"))
		}
		return
	}
	full := p.certainty()
	lo := clamp(4*p.name*full, 8)
	few := f.hasFewRows() && f.isPlainNameOfPerson()
	if named || few {
		least := -3.0
		if few || f.hasFewOddValues() {
			least = mostOfFew
		}
		lo = min(max(lo, least), 4)
	}
	if p.share(p.company) > 0.4 {
		e := fromValues(CompanyOnly, 8*p.share(p.company)*full, "legal forms or words of company "+
			"names in "+of(p.company, p.n))
		e.company = true
		add(e)
		lo -= 8 * p.share(p.company)
	}
	if p.rate(bProse) > 0.3 {
		lo = min(lo, 0) - 6*p.rate(bProse)
	}
	if !named && !few {
		if n := f.profile.n; n < 4 && f.hasFewRows() && !f.header.opaque && f.header.generic != "name" {
			lo -= 3 // two words of three rows are easily a name, too
		}
		for _, loss := range signsAgainstNames {
			lo -= loss(p, f.column.nonEmpty)
		}
	}
	detail := fmt.Sprintf("given %d, family %d, both %d of %d distinct values; mean log-odds %.1f",
		p.given, p.family, p.full, p.n, p.name)
	e := fromValues(PersonName, lo, detail).detectedBy("name.person")
	e.sub = p.partOfName()
	add(e)
}

// signsAgainstNames are what words under a header that does not name persons have in common where they are
// no names, and what each takes from the weight of the names among them.
var signsAgainstNames = [...]func(p *profile, rows int64) float64{
	func(p *profile, _ int64) float64 { return 4 * p.share(p.common) }, // ordinary words
	func(p *profile, rows int64) float64 { return when(p.distinct <= 6 && rows > 30, 3) },
	func(p *profile, _ int64) float64 {
		return when(p.rate(bCity) > 0.6 && p.cityMean > p.name, 4*p.rate(bCity))
	},
	func(p *profile, _ int64) float64 { return when(p.rate(bCountry) > 0.5, 6*p.rate(bCountry)) },
}

// when is x where the condition holds, otherwise nothing.
func when(holds bool, x float64) float64 {
	if holds {
		return x
	}
	return 0
}

// certainty grows with the number of values from a quarter to one: the mean of a few values says little.
func (p *profile) certainty() float64 { return float64(p.n) / (float64(p.n) + 3) }

// partOfName says which part of a person's name most values are.
func (p *profile) partOfName() string {
	switch {
	case p.share(p.full) > 0.5:
		return "full"
	case p.given > p.family:
		return "given"
	case p.family > 0:
		return "family"
	}
	return ""
}

// dated reports whether most values are dates.
func (p *profile) dated() bool { return len(p.years)*2 > p.n }

// numbers reports whether all values are numbers.
func (p *profile) numbers() bool { return p.numeric == p.n }

func (c *Catalogue) secretEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	k := p.hits[bPasswordHash] + p.hits[bJWT] + p.hits[bToken]
	if k > 0 && k*5 >= p.n {
		e := fromValues(Secret, likelihood(k, p.n, 1e-6, 0.2), "password.hash or token matches "+of(k, p.n))
		add(e.detectedBy("password.hash"))
		return
	}
	if !f.header.names(Secret) {
		return
	}
	lo := 0.5
	if d := p.hits[bHexDigest] + p.hits[bBase64] + p.hits[bUUID]; d*2 > p.n {
		lo = 2
	}
	if p.numbers() && p.distinct <= 2 && p.longest <= 1 && f.column.nonEmpty > 4 {
		lo = -6
	}
	if p.dated() {
		lo = -8
	}
	add(fromValues(Secret, lo, "digests in "+of(p.hits[bHexDigest]+p.hits[bBase64], p.n)))
}

func (c *Catalogue) textEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	prose := p.rate(bProse)
	if f.header.names(FreeText) {
		lo := -3.0
		switch {
		case prose > 0.2 || p.length > 60:
			lo = 2
		case p.share(p.spaced) > 0.5:
			lo = 0.5
		case p.distinct <= 5 && f.column.nonEmpty > 20 || p.numeric*2 > p.n:
			lo = -6
		}
		if f.hasFewRows() && f.hasFewOddValues() && f.field.Kind == "text" && p.letters*2 > p.n && f.table.talks() {
			lo = max(lo, mostOfFew)
		}
		add(c.fromMatches(bProse, p.hits[bProse], p.n, lo))
		return
	}
	if f.header.generic == "text" && (prose > 0.3 || p.length > 60 && p.share(p.spaced) > 0.7) && p.distinct > 3 {
		lo := 4.0
		if f.table.subject != "person" && !f.table.roles.record {
			lo = 3
		}
		e := c.fromMatches(bProse, p.hits[bProse], p.n, lo)
		e.detail += " under a header for text"
		add(e)
	}
}
