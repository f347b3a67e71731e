package classifiers

import "fmt"

// schemeEvidence weighs the number schemes. The best scheme of each category speaks for it.
func (c *Catalogue) schemeEvidence(f *fieldState, add func(evidence)) {
	best := map[Category]evidence{}
	for i := range c.schemes.all {
		if f.profile.schemes[uint16(i)] == 0 {
			continue
		}
		e, ok := c.fromScheme(f, i)
		switch {
		case !ok:
		case e.category == None:
		default:
			if old, ok := best[e.category]; !ok || e.lo > old.lo {
				best[e.category] = e
			}
		}
	}
	for _, cat := range Categories() {
		e, ok := best[cat]
		if !ok {
			continue
		}
		if f.articles && !f.header.names(cat) && e.lo < 12 {
			e.lo -= 8
			e.detail += "; an article number as well"
		}
		add(e)
	}
}

// surelyArticles is what must speak for numbers of things to speak against those of persons.
const surelyArticles = 4.0

// articleOdds is what speaks for numbers of things, as those of books and goods.
func (c *Catalogue) articleOdds(f *fieldState) float64 {
	most := 0.0
	for i := range c.schemes.all {
		if f.profile.schemes[uint16(i)] > 0 && c.schemes.detector(i).Category == None {
			e, _ := c.fromScheme(f, i)
			most = max(most, e.lo)
		}
	}
	return most
}

// fromScheme weighs the values that pass scheme i. ok is false where the scheme proves nothing without a header.
func (c *Catalogue) fromScheme(f *fieldState, i int) (e evidence, ok bool) {
	p, s, d := f.profile, &c.schemes.all[i], c.schemes.detector(i)
	k := p.schemes[uint16(i)]
	ch := chance(s, p.letters*2 < p.n, p.digitsOnly*10 > p.n)
	lo := likelihood(k, p.n, ch, floorOf(ch))
	if d.Category == None {
		return evidence{category: None, lo: lo}, true
	}
	if f.header.namesAny(d) {
		lo = max(lo, 0)
	} else {
		if s.HeaderOnly || ch > 0.5 || ch > 0.2 && p.letters*2 < p.n {
			return evidence{}, false
		}
		for _, doubt := range schemeDoubts {
			if doubt.when(f) {
				lo -= doubt.loss
			}
		}
	}
	e = fromValues(d.Category, lo, fmt.Sprintf("%s passes %s, chance %.2g", s.ID, of(k, p.n), s.Chance))
	e.also, e.detector, e.company = d.Also, s.ID, d.Company
	return e, true
}

// namesAny reports whether the header names one of a detector's categories.
func (h *header) namesAny(d Detector) bool {
	for _, a := range d.Also {
		if h.names(a) {
			return true
		}
	}
	return h.names(d.Category)
}

// schemeDoubts are what speaks against a number scheme that no header names, and how much it takes away.
var schemeDoubts = [...]struct {
	when func(*fieldState) bool
	loss float64
}{
	{func(f *fieldState) bool { return true }, 3.5}, // of so many schemes one may fit by accident
	{func(f *fieldState) bool { return f.profile.n < 4 && f.profile.digitsOnly == f.profile.n }, 3},
	{func(f *fieldState) bool { return f.profile.dense }, 8},
	{func(f *fieldState) bool {
		return f.field.Kind == "float" || f.field.Kind == "decimal" && f.profile.fraction > 0
	}, 8},
	{func(f *fieldState) bool { return f.profile.dated() || f.profile.rate(bIPv4) > 0.5 }, 10},
}

// floorOf is the least share of passing values that counts as "this field holds them": a strict check may be
// mixed with other content, a lax one not.
func floorOf(chance float64) float64 {
	if chance <= 2e-3 {
		return 0.3
	}
	return 0.75
}
