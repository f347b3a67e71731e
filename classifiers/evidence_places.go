package classifiers

import "fmt"

func (c *Catalogue) placeEvidence(f *fieldState, add func(evidence)) {
	if f.profile.letters > 0 {
		c.meanEvidence(f, bStreet, f.profile.street, f.streetWeight(), add)
		c.meanEvidence(f, bCity, f.profile.cityMean, f.cityWeight(), add)
		add(c.fromMatches(bCountry, f.profile.hits[bCountry], f.profile.n, f.countryWeight()))
		c.meanEvidence(f, bRegion, f.profile.region, f.regionWeight(), add)
	}
	c.postcodeEvidence(f, add)
}

// meanEvidence adds what a detector that gives each value its log-odds says.
func (c *Catalogue) meanEvidence(f *fieldState, b int, mean, lo float64, add func(evidence)) {
	e := c.fromMatches(b, f.profile.hits[b], f.profile.n, lo)
	e.detail += fmt.Sprintf("; mean log-odds %.1f", mean)
	add(e)
}

func (f *fieldState) streetWeight() float64 {
	lo := clamp(4*f.profile.street*f.profile.certainty(), 8)
	if f.header.names(PostalAddress) {
		return max(lo, -1)
	}
	return lo
}

func (f *fieldState) cityWeight() float64 {
	p := f.profile
	full := p.certainty()
	lo := clamp(3*p.cityMean*full, 7) - 4*p.share(p.company) - 3*max(0, p.name)*full
	switch {
	case f.header.names(City) && mostlyNumbers(f): // said once, of all that are numbers
		return 0
	case f.header.names(City):
		return max(min(lo, 3), -2)
	case f.table.subject == "thing":
		return lo - 3
	}
	return lo
}

func (f *fieldState) countryWeight() float64 {
	p := f.profile
	lo := likelihood(p.hits[bCountry], p.n, 0.02, 0.7)
	switch {
	case f.header.names(Country) && p.letters*2 < p.n:
		return -6
	case f.header.names(Country):
		return max(min(lo, 3), -3)
	case p.upperCode == p.n && p.single == p.n || p.n < 3: // codes of two letters stand for much else
		return min(lo, 2)
	}
	return min(lo, 6)
}

func (f *fieldState) regionWeight() float64 {
	p := f.profile
	lo := clamp(2.5*p.region*p.certainty(), 5)
	if !f.header.names(Region) {
		return lo
	}
	if mostlyNumbers(f) {
		return 0
	}
	lo = max(min(lo, 3), -1)
	if p.longest > 60 {
		lo -= 4
	}
	if p.rate(bJobTitle) > 0.5 || p.distinct <= 8 && p.share(p.hits[bRegion]) < 0.3 && p.share(p.common) > 0.5 {
		lo -= 6
	}
	return lo
}

func (c *Catalogue) postcodeEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	if telling := p.hits[bPostcode]; telling*2 > p.n {
		add(c.fromMatches(bPostcode, telling, p.n, likelihood(telling, p.n, 0.02, 0.7)-3))
		return
	}
	beside := f.header.opaque && f.table.hasStreet && f.field.Kind == "text"
	if beside && p.n >= 5 && p.postcodes*20 >= p.n*19 && p.ofOneLength(7) && !p.dense {
		add(evidence{category: Postcode, name: "neighbours", detail: "short numbers of one length beside a " +
			"street", lo: 6})
	}
}

// ofOneLength reports whether the values have one length, of at most so many bytes.
func (p *profile) ofOneLength(most int) bool {
	return p.longest <= most && p.length > float64(p.longest)-0.2
}

func (c *Catalogue) dateEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	dates := len(p.years)
	named := f.header.names(DateOfBirth)
	if named && dates*2 < p.n {
		lo := -5.0
		if p.partsOfDates() {
			lo = 1
		}
		add(fromValues(DateOfBirth, f.soften(lo), fmt.Sprintf("%d of %d are dates", dates, p.n)))
		return
	}
	if dates*10 < p.n*9 || dates == 0 {
		return
	}
	low, high := p.span()
	span := fmt.Sprintf("dates from %d to %d", low, high)
	born := low >= 1880 && high <= 2035 && p.years[dates/2] <= 2015
	switch {
	case named && (born || dates < 5):
		add(fromValues(DateOfBirth, 2, span).detectedBy("date"))
	case named:
		add(fromValues(DateOfBirth, -4, span+" are no birth dates").detectedBy("date"))
	case f.header.opaque && (f.table.hasPersonal || f.table.hasEmail) && p.lifetimes() && f.table.earliest(f):
		add(fromValues(DateOfBirth, 7, span+", the earliest beside names").detectedBy("date"))
	}
}

// partsOfDates reports whether nearly all values are years, days of a month or dates written as one number. What is
// unknown of a date is 0.
func (p *profile) partsOfDates() bool {
	most := p.numeric*10 >= p.n*9
	return most && (p.between(1850, 2100) || p.between(1, 31)) || p.numbers() && p.between(18500000, 21001231)
}

// between reports whether the numbers are none but 0 and those of a range.
func (p *profile) between(low, high float64) bool {
	return (p.low == 0 || p.low >= low) && p.high >= low && p.high <= high
}

// span returns the years between which nine of ten dates lie.
func (p *profile) span() (low, high int) {
	dates := len(p.years)
	return p.years[dates/20], p.years[dates-1-dates/20]
}

// lifetimes reports whether the dates, without a time of day, spread over years in which people who live were born.
func (p *profile) lifetimes() bool {
	dates := len(p.years)
	low, high := p.span()
	return dates >= 8 && p.clocks == 0 && low >= 1900 && p.years[dates/2] <= 2005 && high-low >= 15
}

// earliest reports whether no other field of the table has earlier dates.
func (t *tableState) earliest(f *fieldState) bool {
	own := f.profile.years
	for _, g := range t.fields {
		y := g.profile.years
		if g != f && len(y) > 0 && g.profile.dated() && y[len(y)/2] < own[len(own)/2] {
			return false
		}
	}
	return true
}
