package details

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"lethe/pipeline/audit"
)

var severities = []struct{ name, words, level string }{
	{"high", "high", "red"},
	{"medium", "medium", "amber"},
	{"low", "low", "green"},
}

// findings lists the findings, the weightiest first.
func (p *page) findings() {
	for _, s := range severities {
		for _, f := range p.facts.Findings {
			if f.Severity == s.name {
				p.Findings = append(p.Findings, findingView{
					Severity: s.words,
					Level:    s.level,
					Words:    f.Words,
					Place:    place(f.Source, f.Object, f.Column),
					Article:  f.Article,
					Count:    number(f.Count),
					Since:    shortDate(f.FirstSeen),
				})
			}
		}
	}
}

// remnants lists the fields in which people stand who should be gone, silo by silo.
func (p *page) remnants() {
	for _, r := range p.facts.Remnants {
		v := remnantView{
			Place:  place(r.Source, r.Object, r.Column),
			Silo:   r.Silo,
			Kinds:  list(strings.ReplaceAll(r.Kinds, "-", " ")),
			People: p.count(r.Silo, r.People),
			Erased: p.count(r.Silo, r.Erased),
			Rows:   p.count(r.Silo, r.Rows),
			Since:  cmp.Or(shortDate(r.Since), "not known"),
			Found:  shortDate(r.FirstSeen),
		}
		if r.Example != 0 {
			v.Example = strconv.FormatInt(r.Example, 10)
		}
		if r.More {
			v.Words = "There are more."
		}
		if r.Sampled > 0 {
			v.Words = strings.TrimSpace(v.Words + " Only " + number(r.Sampled) + " rows were read.")
		}
		p.Remnants = append(p.Remnants, v)
	}
}

// exceptions lists the exceptions, the oldest first.
func (p *page) exceptions() {
	sorted := slices.Clone(p.facts.Exceptions)
	slices.SortStableFunc(sorted, func(a, b audit.Exception) int { return cmp.Compare(b.AgeDays, a.AgeDays) })
	for _, e := range sorted {
		p.Exceptions = append(p.Exceptions, exceptionView{
			Words: cmp.Or(e.Words, e.Code),
			Code:  e.Code,
			Place: place(e.Source, e.Object, ""),
			Silo:  e.Silo,
			Count: p.count(e.Silo, e.Count),
			Days:  number(e.AgeDays),
			Owner: list(e.Owner),
		})
	}
}
