package classifiers

import (
	"bytes"
	"slices"
	"sort"
	"strings"
)

// Match is one detector that a single value meets.
type Match struct {
	Detector string
	Category Category
	Also     []Category
	Country  string
	// Score is the log-odds that the value is what the detector says, the header and the country counted in.
	// Below zero the form fits and nothing else speaks for it.
	Score float64
	Why   string
	// Start and End are the bytes of the value that match.
	Start, End int

	rarity float64 // how seldom a random string of such signs is one
}

// matchPrior is the log-odds of one detector before a single value is looked at.
const matchPrior = -3.0

// Match says which detectors a single value meets, best first. head and country may be empty. A header that
// names the category and a country that issues the number speak for a match; a country leaves out the
// numbers of other countries. Detectors whose check proves nothing are listed only where one of the two
// speaks for them, but for postal codes and the printed forms of plates and telephone numbers, which have no
// other way, and numbers of companies that begin with the sign of their country, and where no number of a thing explains the value better: an ISBN is not an identity number of which every
// tenth number is one. A value that no detector meets as a whole is searched inside.
func (c *Catalogue) Match(text, head, country string) []Match {
	v := newValue([]byte(text), 0)
	if len(v.raw) == 0 {
		return nil
	}
	at := strings.Index(text, string(v.raw))
	m := matcher{thing: 1, header: c.lexicon.read(head, sharedEnds{}), country: country, start: at, end: at + len(v.raw)}
	for i := range c.builtins {
		if c.builtins[i].needs(v.census) {
			c.matchBuiltin(&m, i, &v, len(v.raw) < len(text))
		}
	}
	for _, i := range c.schemes.match(nil, v.raw) {
		d := c.schemes.detector(int(i))
		if d.Category == None && !d.HeaderOnly {
			m.thing = min(m.thing, c.schemes.rarity(int(i), v.raw))
		}
		if m.admits(&d, &v) {
			m.add(d)
			m.list[len(m.list)-1].rarity = c.schemes.rarity(int(i), v.raw)
		}
	}
	tokens := c.lexicon.tokens(head)
	for i := range c.customs {
		if cu := &c.customs[i]; cu.matchValue(v.raw) || cu.pattern == nil && cu.words == nil && cu.matchHeader(tokens) {
			m.add(cu.detector)
		}
	}
	if !m.whole {
		c.matchInside(&m, []byte(text))
	}
	m.yieldToThings()
	sort.SliceStable(m.list, func(i, j int) bool { return m.list[i].Score > m.list[j].Score })
	return m.list
}

// matchBuiltin asks a built-in detector. blanks says that there are some around the value.
func (c *Catalogue) matchBuiltin(m *matcher, i int, v *value, blanks bool) {
	b := &c.builtins[i]
	d := b.detector
	known := m.country != "" && (c.schemes.covers(m.country, d.Category) || i == bPostcode && knowsPostcode(m.country))
	if known || i == bPostcodeForm && (blanks || m.isAnyNumber(v)) { // the form is all a postal code has, and blanks are not of it
		return
	}
	if check := national(i); check != nil && m.country != "" {
		if check(v.raw, m.country) {
			d.Country = m.country
			m.add(d)
		}
		return
	}
	printed := i == bPlate && v.census.letters()+v.census.digits < len(v.raw)
	telling := !d.HeaderOnly || m.header.names(d.Category) || i == bPostcodeForm || printed
	if telling && b.match(v.raw) || i == bPhoneNational && isPrintedPhone(v.raw) {
		m.add(d)
	}
}

// longestPostcode is how many digits alone are taken for a postal code where neither header nor country speaks for one: of ten every
// number is one of Iran.
const longestPostcode = 8

// isAnyNumber reports whether a value is so many digits and nothing else that its form says nothing.
func (m *matcher) isAnyNumber(v *value) bool {
	return v.census.digits == len(v.raw) && len(v.raw) > longestPostcode && m.country == "" && !m.header.names(Postcode)
}

// admits reports whether a scheme that a value passes is one of the country asked for, and has something to
// speak for it: a company's tax number may stand under a header that is one for tax numbers.
func (m *matcher) admits(d *Detector, v *value) bool {
	if m.country != "" {
		return d.Country == "" || d.Country == m.country
	}
	return !d.HeaderOnly || d.Country == "" || m.header.namesAny(*d) ||
		d.Category == VehiclePlate && v.census.spaces > 0 || d.Category == CompanyOnly && saysItsCountry(v, d.Country)
}

// longForm is the length from which on letters and digits in their places are a form that nothing else has by chance.
const longForm = 15

// saysItsCountry reports whether a number of a company begins with the sign of its country, or has a long form of letters and
// digits: then it needs nobody to say where it is from.
func saysItsCountry(v *value, country string) bool {
	sign := country
	if sign == "GR" {
		sign = "EL"
	}
	rest, ok := bytes.CutPrefix(v.raw, []byte(sign))
	return ok && len(rest) >= 7 && v.census.digits >= 5 || len(v.raw) >= longForm && v.census.upper >= 5 && v.census.digits >= 5 &&
		v.census.upper+v.census.digits == len(v.raw)
}

// matcher collects the matches of one value.
type matcher struct {
	header     header
	country    string
	start, end int
	list       []Match
	whole      bool    // something other than running text matches the whole value
	thing      float64 // the rarity of the rarest number of a thing that the value is; 1 where it is none
}

// clearly is how many times rarer than a number of a person a number of a thing must be, to be what the value is.
const clearly = 3

// yieldToThings leaves out what a number of a thing with a check digit explains better, where neither a header nor a
// country speaks for anything: forms that have no check, and checks that many more values pass.
func (m *matcher) yieldToThings() {
	if m.thing > 0.2 || m.country != "" || len(m.header.concepts) > 0 {
		return
	}
	m.list = slices.DeleteFunc(m.list, func(a Match) bool {
		return a.Category.Personal() && a.Start == m.start && a.End == m.end && a.rarity > clearly*m.thing
	})
}

func (m *matcher) add(d Detector) {
	score := matchPrior + min(7, -logOf(d.Chance))
	why := []string{"form and check pass"}
	if d.HeaderOnly {
		score, why = matchPrior, []string{"the form fits, which proves little"}
	}
	if m.header.names(d.Category) {
		score += m.header.concepts[0].weight
		why = append(why, "the header names it")
	}
	if m.country != "" && d.Country == m.country {
		score += 2
		why = append(why, "the country issues it")
	}
	m.whole = m.whole || d.Category != FreeText && d.Category != None
	rarity := d.Chance
	if d.HeaderOnly {
		rarity = 1
	}
	m.list = append(m.list, Match{rarity: rarity, Detector: d.ID, Category: d.Category, Also: d.Also,
		Country: d.Country, Score: score,
		Why: strings.Join(why, "; "), Start: m.start, End: m.end})
}

// matchInside looks for values inside a text, with the checks of the country if one is given.
func (c *Catalogue) matchInside(m *matcher, text []byte) {
	for _, s := range c.spans(nil, text, m.country) {
		d, ok := c.byID(s.Detector)
		match := Match{Detector: s.Detector, Category: s.Category, Score: 3, Why: "found inside the text",
			Start: s.Start, End: s.End}
		if ok {
			match.Also, match.Country = d.Also, d.Country
		}
		m.list = append(m.list, match)
	}
}

// byID finds a detector of the sorted list.
func (c *Catalogue) byID(id string) (Detector, bool) {
	i := sort.Search(len(c.detectors), func(i int) bool { return c.detectors[i].ID >= id })
	if i < len(c.detectors) && c.detectors[i].ID == id {
		return c.detectors[i], true
	}
	return Detector{}, false
}
