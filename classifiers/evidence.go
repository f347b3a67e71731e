package classifiers

import (
	"fmt"
	"math"
)

// evidence is what the values say about one category.
type evidence struct {
	category Category
	sub      string
	name     string
	detail   string
	lo       float64
	also     []Category
	detector string
	company  bool
}

func of(k, n int) string { return fmt.Sprintf("%d of %d distinct values", k, n) }

// evidence weighs the values of a field for every category that has something to say. A positive weight stands without a header.
func (c *Catalogue) evidence(f *fieldState) []evidence {
	p := f.profile
	if p.n == 0 {
		return nil
	}
	var list []evidence
	add := func(e evidence) { list = append(list, e) }
	simple := func(b int, floor float64) {
		d := &c.builtins[b].detector
		if p.tested[b] == 0 && !f.header.names(d.Category) || d.Category == Coordinates && p.hits[b] == 0 {
			return
		}
		add(evidence{category: d.Category, name: "values", detail: d.ID + " matches " + of(p.hits[b], p.n), lo: likelihood(p.hits[b], p.n, d.Chance, floor), detector: d.ID})
	}
	simple(bEmail, 0.2)
	simple(bMAC, 0.2)
	simple(bProfile, 0.3)
	simple(bPoint, 0.5)
	simple(bLatLong, 0.7)
	if f.paired {
		add(evidence{category: Coordinates, name: "values", detail: "degrees of latitude and longitude side by side, with four decimals and more", lo: 6.5, detector: "geo.latlong"})
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
	return list
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

// weak reports whether the header has nothing but words of several meanings.
func (h *header) weak() bool { return len(h.concepts) > 0 && h.concepts[0].weak }

func (c *Catalogue) phoneEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	n := p.n
	if k := p.hits[bPhoneInternational]; k*2 >= n {
		add(evidence{category: Phone, name: "values", detail: "phone.international matches " + of(k, n), lo: likelihood(k, n, 1e-3, 0.5), detector: "phone.international"})
		return
	}
	shaped := p.hits[bPhoneNational]
	if f.header.names(Phone) {
		lo := 1.0
		if p.share(shaped) < 0.5 {
			lo = -9 * (1 - p.share(shaped))
		}
		add(evidence{category: Phone, name: "values", detail: "phone.national admits " + of(shaped, n), lo: lo, detector: "phone.national"})
		return
	}
	if p.phoneRegionHits*10 >= p.phoneTested*8 && p.phoneRegionHits > 3 {
		lo := min(8, likelihood(p.phoneRegionHits, p.phoneTested, p.phoneChance, 0.8)-1)
		detail := fmt.Sprintf("%d of %d are valid national numbers of %s, of random digits %.0f %%", p.phoneRegionHits, p.phoneTested, p.phoneRegion, 100*p.phoneChance)
		add(evidence{category: Phone, name: "values", detail: detail, lo: lo, detector: "phone.national"})
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
		add(evidence{category: IPAddress, name: "values", detail: detail, lo: lo, detector: "ip"})
	}
}

func (c *Catalogue) nameEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	if p.letters == 0 {
		if f.header.names(PersonName) || f.header.names(CompanyOnly) {
			add(evidence{category: PersonName, name: "values", detail: "no letters", lo: -9})
			add(evidence{category: CompanyOnly, name: "values", detail: "no letters", lo: -3})
		}
		return
	}
	full := float64(p.n) / (float64(p.n) + 3)
	lo := clamp(4*p.name*full, 8)
	named := f.header.names(PersonName)
	if named {
		lo = max(lo, -3)
		if lo > 0 {
			lo = min(lo, 4)
		}
	}
	sub := ""
	switch {
	case p.share(p.full) > 0.5:
		sub = "full"
	case p.given > p.family:
		sub = "given"
	case p.family > 0:
		sub = "family"
	}
	if p.share(p.company) > 0.4 {
		add(evidence{category: CompanyOnly, name: "values", detail: "legal forms or words of company names in " + of(p.company, p.n), lo: 8 * p.share(p.company) * full, company: true})
		lo -= 8 * p.share(p.company)
	}
	if p.rate(bProse) > 0.3 {
		lo = min(lo, 0) - 6*p.rate(bProse)
	}
	if !named {
		lo -= 4 * p.share(p.common)
		if p.distinct <= 6 && f.column.nonEmpty > 30 {
			lo -= 3
		}
		if x := p.rate(bCity); x > 0.6 && p.cityMean > p.name {
			lo -= 4 * x
		}
		if x := p.rate(bCountry); x > 0.5 {
			lo -= 6 * x
		}
	}
	detail := fmt.Sprintf("given %d, family %d, both %d of %d distinct values; mean log-odds %.1f", p.given, p.family, p.full, p.n, p.name)
	add(evidence{category: PersonName, sub: sub, name: "values", detail: detail, lo: lo, detector: "name.person"})
}

func (c *Catalogue) placeEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	full := float64(p.n) / (float64(p.n) + 3)
	if p.letters > 0 {
		lo := clamp(4*p.street*full, 8)
		if f.header.names(PostalAddress) {
			lo = max(lo, -1)
		}
		add(evidence{category: PostalAddress, name: "values", detail: fmt.Sprintf("address.street matches %s; mean log-odds %.1f", of(p.hits[bStreet], p.n), p.street), lo: lo, detector: "address.street"})
		lo = clamp(3*p.cityMean*full, 7) - 4*p.share(p.company) - 3*max(0, p.name)*full
		if f.header.names(City) {
			lo = max(min(lo, 3), -2)
			if p.digitsOnly == p.n {
				lo = -6
			}
		} else if f.table.subject == "thing" {
			lo -= 3
		}
		add(evidence{category: City, name: "values", detail: fmt.Sprintf("place.city matches %s; mean log-odds %.1f", of(p.hits[bCity], p.n), p.cityMean), lo: lo, detector: "place.city"})
		lo = likelihood(p.hits[bCountry], p.n, 0.02, 0.7)
		if f.header.names(Country) {
			lo = max(min(lo, 3), -3)
			if p.letters*2 < p.n {
				lo = -6
			}
		} else {
			lo = min(lo, 6)
			if p.upperCode == p.n && p.single == p.n || p.n < 3 {
				lo = min(lo, 2)
			}
		}
		add(evidence{category: Country, name: "values", detail: "place.country matches " + of(p.hits[bCountry], p.n), lo: lo, detector: "place.country"})
		lo = clamp(2.5*p.region*full, 5)
		if f.header.names(Region) {
			lo = max(min(lo, 3), -1)
			if p.longest > 60 {
				lo -= 4
			}
			if p.rate(bJobTitle) > 0.5 || p.distinct <= 8 && p.share(p.hits[bRegion]) < 0.3 && p.share(p.common) > 0.5 {
				lo -= 6
			}
		}
		add(evidence{category: Region, name: "values", detail: fmt.Sprintf("place.region matches %s; mean log-odds %.1f", of(p.hits[bRegion], p.n), p.region), lo: lo, detector: "place.region"})
	}
	telling := p.hits[bPostcode]
	if telling*2 > p.n {
		add(evidence{category: Postcode, name: "values", detail: "place.postcode matches " + of(telling, p.n), lo: likelihood(telling, p.n, 0.02, 0.7) - 3, detector: "place.postcode"})
	} else if f.header.opaque && f.table.hasStreet && f.field.Kind == "text" && p.n >= 5 && p.postcodes*20 >= p.n*19 && p.longest <= 7 && p.length > float64(p.longest)-0.2 && !p.dense {
		add(evidence{category: Postcode, name: "neighbours", detail: "short numbers of one length beside a street", lo: 6})
	}
}

func (c *Catalogue) dateEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	dates := len(p.years)
	named := f.header.names(DateOfBirth)
	if named && dates*2 < p.n {
		lo := -5.0
		if p.numeric*10 >= p.n*9 && p.low >= 1850 && p.high <= 2100 || p.numeric*10 >= p.n*9 && p.low >= 1 && p.high <= 31 || p.numeric == p.n && p.low >= 18500101 && p.high <= 21001231 {
			lo = 1
		}
		add(evidence{category: DateOfBirth, name: "values", detail: fmt.Sprintf("%d of %d are dates", dates, p.n), lo: lo})
		return
	}
	if dates*10 < p.n*9 || dates == 0 {
		return
	}
	median, low, high := p.years[dates/2], p.years[dates/20], p.years[dates-1-dates/20]
	born := low >= 1880 && high <= 2035 && median <= 2015
	switch {
	case named && (born || dates < 5):
		add(evidence{category: DateOfBirth, name: "values", detail: fmt.Sprintf("dates from %d to %d", low, high), lo: 2, detector: "date"})
	case named:
		add(evidence{category: DateOfBirth, name: "values", detail: fmt.Sprintf("dates from %d to %d are no birth dates", low, high), lo: -4, detector: "date"})
	case f.header.opaque && (f.table.hasPersonal || f.table.hasEmail) && dates >= 8 && p.clocks == 0 && low >= 1900 && median <= 2005 && high-low >= 15 && f.table.earliest(f):
		add(evidence{category: DateOfBirth, name: "values", detail: fmt.Sprintf("dates from %d to %d, the earliest beside names", low, high), lo: 7, detector: "date"})
	}
}

// earliest reports whether no other field of the table has earlier dates.
func (t *tableState) earliest(f *fieldState) bool {
	own := f.profile.years
	for _, g := range t.fields {
		if y := g.profile.years; g != f && len(y)*2 > g.profile.n && len(y) > 0 && y[len(y)/2] < own[len(own)/2] {
			return false
		}
	}
	return true
}

func (c *Catalogue) wordEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	if k := p.hits[bGender]; k > 0 || f.header.names(Gender) {
		few := p.distinct <= 8
		switch {
		case f.header.names(Gender):
			lo := -4.0
			if few {
				lo = 1
			}
			if k*2 >= p.n {
				lo = 3
			}
			if p.longest > 24 {
				lo = -6
			}
			add(evidence{category: Gender, name: "values", detail: "gender.word matches " + of(k, p.n), lo: lo, detector: "gender.word"})
		case few && k*10 >= p.n*7 && k >= 2 && p.genderFormPairs && f.header.opaque:
			add(evidence{category: Gender, name: "values", detail: "gender.word matches " + of(k, p.n), lo: 6.5, detector: "gender.word"})
		}
	}
	if k := p.hits[bReligion]; k*10 >= p.n*7 && k >= 2 {
		add(evidence{category: Religion, name: "values", detail: "religion.word matches " + of(k, p.n), lo: likelihood(k, p.n, 0.01, 0.7), detector: "religion.word"})
	}
	if k := p.hits[bMarital]; k*10 >= p.n*7 && k >= 3 {
		add(evidence{category: OtherPersonal, sub: "marital", name: "values", detail: "marital.word matches " + of(k, p.n), lo: min(8, likelihood(k, p.n, 0.01, 0.7)), detector: "marital.word"})
	}
	for _, w := range [...]struct {
		builtin int
		limit   float64
	}{{bParty, 8}, {bUnion, 8}, {bOrientation, 9}, {bEthnicity, 8}} {
		k, d := p.hits[w.builtin], &c.builtins[w.builtin].detector
		// colours are called black and white, too: three different words must be on the list, and there must not be many others
		if k >= 3 && k*10 >= p.n*7 && p.distinct <= 60 {
			lo := min(w.limit, likelihood(k, p.n, d.Chance, 0.7))
			if f.table.subject == "thing" && !f.header.names(d.Category) {
				lo -= 4
			}
			add(evidence{category: d.Category, name: "values", detail: d.ID + " matches " + of(k, p.n), lo: lo, detector: d.ID})
		}
	}
	if k := p.hits[bATC]; k*10 >= p.n*9 && k >= 4 {
		add(evidence{category: Health, name: "values", detail: "health.atc matches " + of(k, p.n), lo: min(10, likelihood(k, p.n, 0.002, 0.9)), detector: "health.atc"})
	}
	if k := p.hits[bUserAgent]; k*10 >= p.n*8 {
		add(evidence{category: OtherPersonal, sub: "agent", name: "values", detail: "device.agent matches " + of(k, p.n), lo: min(8, likelihood(k, p.n, 1e-3, 0.8)), detector: "device.agent"})
	}
	if k := p.hits[bICD]; k*10 >= p.n*8 && k >= 4 {
		add(evidence{category: Health, name: "values", detail: "health.icd10 matches " + of(k, p.n), lo: min(7, likelihood(k, p.n, 0.02, 0.8)), detector: "health.icd10"})
	}
	if k := p.hits[bBloodGroup]; k*10 >= p.n*9 && k >= 3 {
		add(evidence{category: Health, name: "values", detail: "health.blood matches " + of(k, p.n), lo: min(8, likelihood(k, p.n, 0.02, 0.8)), detector: "health.blood"})
	}
	if f.header.generic == "title" && f.table.subject == "person" || f.header.names(OtherPersonal) && f.header.concepts[0].sub == "job" {
		k := p.hits[bJobTitle]
		lo := clamp(likelihood(k, p.n, 0.05, 0.4), 6)
		if f.header.names(OtherPersonal) {
			lo = max(min(lo, 2), -1)
		}
		add(evidence{category: OtherPersonal, sub: "job", name: "values", detail: "job.title matches " + of(k, p.n), lo: lo, detector: "job.title"})
	}
}

func (c *Catalogue) secretEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	named := f.header.names(Secret)
	k := p.hits[bPasswordHash] + p.hits[bJWT] + p.hits[bToken]
	if k > 0 && k*5 >= p.n {
		add(evidence{category: Secret, name: "values", detail: "password.hash or token matches " + of(k, p.n), lo: likelihood(k, p.n, 1e-6, 0.2), detector: "password.hash"})
		return
	}
	if named {
		lo := 0.5
		if d := p.hits[bHexDigest] + p.hits[bBase64] + p.hits[bUUID]; d*2 > p.n {
			lo = 2
		}
		if p.numeric == p.n && p.distinct <= 2 && p.longest <= 1 && f.column.nonEmpty > 4 {
			lo = -6
		}
		if len(p.years)*2 > p.n {
			lo = -8
		}
		add(evidence{category: Secret, name: "values", detail: "digests in " + of(p.hits[bHexDigest]+p.hits[bBase64], p.n), lo: lo})
	}
}

// schemeEvidence weighs the number schemes. The best scheme of each category speaks for it.
func (c *Catalogue) schemeEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	best := map[Category]evidence{}
	negative := 0.0
	for i := range c.schemes.all {
		k := p.schemes[uint16(i)]
		if k == 0 {
			continue
		}
		s := &c.schemes.all[i]
		d := c.schemes.detector(i)
		ch := chance(s, p.letters*2 < p.n, p.digitsOnly*10 > p.n)
		lo := likelihood(k, p.n, ch, floorOf(ch))
		if d.Category == None {
			negative = max(negative, lo)
			continue
		}
		named := f.header.names(d.Category)
		for _, a := range d.Also {
			named = named || f.header.names(a)
		}
		if !named {
			if s.HeaderOnly || ch > 0.5 || ch > 0.2 && p.letters*2 < p.n {
				continue
			}
			lo -= 3.5 // of so many schemes one may fit by accident
			if p.n < 4 && p.digitsOnly == p.n {
				lo -= 3
			}
			if p.dense {
				lo -= 8
			}
			if f.field.Kind == "float" || f.field.Kind == "decimal" && p.fraction > 0 {
				lo -= 8
			}
			if len(p.years)*2 > p.n || p.rate(bIPv4) > 0.5 {
				lo -= 10
			}
		} else {
			lo = max(lo, 0)
		}
		e := evidence{category: d.Category, name: "values", detail: fmt.Sprintf("%s passes %s, chance %.2g", s.ID, of(k, p.n), s.Chance), lo: lo, also: d.Also, detector: s.ID, company: d.Company}
		if old, ok := best[d.Category]; !ok || e.lo > old.lo {
			best[d.Category] = e
		}
	}
	for _, cat := range Categories() {
		e, ok := best[cat]
		if !ok {
			continue
		}
		if negative > 4 && !f.header.names(cat) && e.lo < 12 {
			e.lo -= 8
			e.detail += "; an article number as well"
		}
		add(e)
	}
}

// floorOf is the least share of passing values that counts as "this field holds them": a strict check may be mixed with other content, a lax one not.
func floorOf(chance float64) float64 {
	if chance <= 2e-3 {
		return 0.3
	}
	return 0.75
}

func (c *Catalogue) textEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	prose := p.rate(bProse)
	x := &f.column.needles
	if rows := x.total(); rows > 0 && !f.column.common && rows*2 < f.column.nonEmpty && (prose > 0.1 || f.header.concepts == nil) {
		add(evidence{category: FreeText, name: "needles", detail: x.String(), lo: 5.5 + math.Log1p(float64(x.total())), also: x.categories()})
	}
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
		add(evidence{category: FreeText, name: "values", detail: "text.prose matches " + of(p.hits[bProse], p.n), lo: lo, detector: "text.prose"})
		return
	}
	if f.header.generic == "text" && (prose > 0.3 || p.length > 60 && p.share(p.spaced) > 0.7) && p.distinct > 3 {
		lo := 4.0
		if f.table.subject == "" && !f.table.roles.record {
			lo = 3
		}
		add(evidence{category: FreeText, name: "values", detail: "text.prose matches " + of(p.hits[bProse], p.n) + " under a header for text", lo: lo, detector: "text.prose"})
	}
}

// plausible answers for categories without a detector: do the values contradict the header?
func (c *Catalogue) plausible(f *fieldState, add func(evidence)) {
	p := f.profile
	for _, k := range f.header.concepts {
		lo, detail := 0.0, ""
		flags := p.distinct <= 2 && p.longest <= 5 && f.column.nonEmpty > 4 && (p.numeric == p.n || isFlagLike(f))
		switch k.category {
		case Username:
			lo, detail = 1, "could be user names"
			if p.share(p.usernames) < 0.5 && p.rate(bEmail) < 0.5 || flags || len(p.years)*2 > p.n || p.dense {
				lo, detail = -6, "not like user names"
			}
			if p.numeric == p.n && p.length < 5 {
				lo, detail = -6, "small numbers"
			}
		case NationalID, TaxID, Passport, BankAccount, IBAN, CreditCard, VehiclePlate, DeviceID:
			switch {
			case flags || len(p.years)*2 > p.n && k.category != CreditCard || p.longest > 120 && k.category != DeviceID:
				lo, detail = -8, "not like numbers of documents"
			case p.digits*2 < p.n && k.category != DeviceID && k.category != BankAccount:
				lo, detail = -4, "few digits"
			case p.dense && f.field.Kind == "integer" && p.high < 1e6:
				lo, detail = -5, "a sequence"
			default:
				lo, detail = 0.5, "could be"
			}
		case Postcode:
			ok := p.share(p.digits) > 0.6 && p.longest <= 12
			lo, detail = 1, "could be postal codes"
			if !ok {
				lo, detail = -5, "not like postal codes"
			}
		case PostalAddress:
			if flags || p.digitsOnly == p.n && p.longest > 6 || p.rate(bEmail) > 0.5 || p.rate(bIPv4) > 0.5 || p.rate(bMAC) > 0.5 || p.rate(bURL) > 0.5 {
				lo, detail = -9, "not like addresses"
			}
			if f.field.Kind == "integer" && p.dense {
				lo, detail = -5, "a sequence"
			}
		case Coordinates:
			switch {
			case f.field.Kind == "binary" || p.rate(bPoint)+p.rate(bLatLong) > 0.5:
				lo, detail = 1, "points"
			case p.rate(bGeohash) > 0.9:
				lo, detail = 1, "geohashes"
			case p.numeric == p.n && p.low >= -180 && p.high <= 180 && p.fraction > 0:
				lo, detail = 1.5, "degrees with decimals"
			case p.numeric == p.n && p.low >= -1.8e9 && p.high <= 1.8e9 && p.integers == p.n && p.high > 1e5:
				lo, detail = 0, "scaled degrees"
			default:
				lo, detail = -6, "no degrees"
			}
		case Photo:
			switch {
			case f.field.Kind == "binary" || p.rate(bImage)+p.rate(bImagePath) > 0.3:
				lo, detail = 1.5, "pictures or their paths"
			case p.rate(bURL) > 0.5 || p.length > 12:
				lo, detail = 0, ""
			default:
				lo, detail = -3, "neither pictures nor paths"
			}
		case PersonalURL:
			lo, detail = 0.5, ""
			if p.rate(bURL) < 0.2 && p.share(p.usernames) < 0.5 {
				lo, detail = -3, "no addresses"
			}
		case Financial:
			switch {
			case p.numeric*10 >= p.n*8:
				lo, detail = 0.5, "amounts"
				if flags {
					lo, detail = -6, "a flag"
				}
			case p.digits*2 >= p.n:
			default:
				lo, detail = -2.5, "no amounts"
			}
		case OtherPersonal:
			switch k.sub {
			case "age":
				if p.numeric*2 > p.n && (p.low < 0 || p.high > 130) {
					lo, detail = -7, "no ages"
				} else if p.numeric == 0 && p.distinct > 40 {
					lo, detail = -5, "no ages"
				}
			case "number":
				lo = 0.5
				if flags || len(p.years)*2 > p.n || p.digits*2 < p.n {
					lo, detail = -6, "not like numbers"
				}
			case "handle":
				if flags {
					lo, detail = -6, "a flag"
				}
			case "language", "nationality", "marital", "title":
				if p.longest > 60 || len(p.years)*2 > p.n {
					lo, detail = -6, "too long"
				}
			}
		case Health, Religion, Political, Ethnicity, Union, Sexual:
			if len(p.years)*2 > p.n && k.category != Health {
				lo, detail = -4, "dates"
			}
		case Signature:
			if flags || p.numeric == p.n {
				lo, detail = -6, "a flag"
			}
		}
		if lo != 0 {
			add(evidence{category: k.category, name: "values", detail: detail, lo: lo})
		}
	}
}

// isFlagLike reports whether the values are yes and no in some writing.
func isFlagLike(f *fieldState) bool {
	for _, e := range f.column.sample.entries {
		switch foldWord(string(e.value)) {
		case "0", "1", "t", "f", "true", "false", "y", "n", "yes", "no", "si", "ja", "nein", "oui", "non", "\x00", "\x01":
		default:
			return false
		}
	}
	return true
}
