package classifiers

import (
	"sort"
)

// Match is one detector that a single value meets.
type Match struct {
	Detector string
	Category Category
	Also     []Category
	Country  string
	Score    float64 // log-odds that the value is what the detector says, with what the header and the country add
	Why      string
}

// Match says which detectors a single value meets, best first. header and country may be empty. A header that names the category speaks for a match, and is required by
// detectors whose check proves nothing; a country leaves out the schemes of other countries.
func (c *Catalogue) Match(text, head, country string) []Match {
	v := newValue([]byte(text), len(text))
	if len(v.raw) == 0 {
		return nil
	}
	v.cut = false
	h := c.lexicon.read(head, 0)
	var list []Match
	add := func(d Detector, score float64, why string) {
		list = append(list, Match{Detector: d.ID, Category: d.Category, Also: d.Also, Country: d.Country, Score: score, Why: why})
	}
	for i := range c.builtins {
		b := &c.builtins[i]
		if !b.needs(v.census) || !b.match(&v) {
			continue
		}
		if b.detector.HeaderOnly && country == "" && !h.names(b.detector.Category) {
			continue
		}
		add(b.detector, 4, "shape and check pass")
	}
	for _, i := range c.schemes.match(nil, v.raw) {
		d := c.schemes.detector(int(i))
		if country != "" && d.Country != "" && d.Country != country {
			continue
		}
		if d.HeaderOnly && country == "" && !h.names(d.Category) {
			continue
		}
		add(d, 4, "layout and check pass")
	}
	for i := range c.customs {
		if c.customs[i].matchValue(v.raw) {
			add(c.customs[i].detector, 5, "declared pattern or word")
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].Score > list[j].Score })
	return list
}
