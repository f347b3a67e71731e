package classifiers

// wordRule says when the words of a built-in list, or codes of one form, are what a field holds.
type wordRule struct {
	builtin       int
	sub           string
	least, tenths int     // so many values, and so many tenths of all, match
	limit         float64 // the most that the words say without a header
	few           bool    // the words mean other things too: other words must be few, and the table not about things
}

// wordRules speak in this order. Colours are called black and white, too: of a list that is marked as few,
// three different words must be there.
var wordRules = [...]wordRule{
	{builtin: bReligion, least: 2, tenths: 7, limit: 12},
	{builtin: bMarital, sub: "marital", least: 3, tenths: 7, limit: 8},
	{builtin: bParty, least: 3, tenths: 7, limit: 8, few: true},
	{builtin: bUnion, least: 3, tenths: 7, limit: 8, few: true},
	{builtin: bOrientation, least: 3, tenths: 7, limit: 9, few: true},
	{builtin: bEthnicity, least: 3, tenths: 7, limit: 8, few: true},
	{builtin: bATC, least: 4, tenths: 9, limit: 10},
	{builtin: bUserAgent, sub: "agent", least: 1, tenths: 8, limit: 8},
	{builtin: bICD, least: 4, tenths: 8, limit: 7},
	{builtin: bBloodGroup, least: 3, tenths: 9, limit: 8},
}

func (c *Catalogue) wordEvidence(f *fieldState, add func(evidence)) {
	c.genderEvidence(f, add)
	p := f.profile
	for i := range wordRules {
		r := &wordRules[i]
		k, d := p.hits[r.builtin], &c.builtins[r.builtin].detector
		if k < r.least || k*10 < p.n*r.tenths || r.few && p.distinct > 60 {
			continue
		}
		lo := min(r.limit, likelihood(k, p.n, max(d.Chance, 1e-3), float64(r.tenths)/10))
		if r.few && f.table.subject == "thing" && !f.header.names(d.Category) {
			lo -= 4
		}
		e := c.fromMatches(r.builtin, k, p.n, lo)
		e.sub = r.sub
		add(e)
	}
	c.jobEvidence(f, add)
}

func (c *Catalogue) genderEvidence(f *fieldState, add func(evidence)) {
	p := f.profile
	k, few := p.hits[bGender], p.distinct <= 8
	switch {
	case f.header.names(Gender):
		add(c.fromMatches(bGender, k, p.n, f.soften(p.genderWeight())))
	case few && k*10 >= p.n*7 && k >= 2 && p.genderFormPairs && f.header.opaque:
		add(c.fromMatches(bGender, k, p.n, 6.5))
	}
}

// genderWeight is what the values say under a header that names gender.
func (p *profile) genderWeight() float64 {
	switch {
	case p.longest > 24:
		return -6
	case p.hits[bGender]*2 >= p.n:
		return 3
	case p.distinct <= 8:
		return 1
	}
	return -4
}

func (c *Catalogue) jobEvidence(f *fieldState, add func(evidence)) {
	named := f.header.names(OtherPersonal)
	if (f.header.generic != "title" || f.table.subject != "person") && (!named || f.header.concepts[0].sub != "job") {
		return
	}
	p := f.profile
	lo := clamp(likelihood(p.hits[bJobTitle], p.n, 0.05, 0.4), 6)
	if named {
		lo = max(min(lo, 2), -1)
	}
	e := c.fromMatches(bJobTitle, p.hits[bJobTitle], p.n, lo)
	e.sub = "job"
	add(e)
}
