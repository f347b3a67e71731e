package details

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/page/lang"
)

var severities = []struct{ name, level string }{{"high", "red"}, {"medium", "amber"}, {"low", "green"}}

// findings lists the findings, the weightiest first.
func (p *page) findings() {
	for _, s := range severities {
		for _, f := range p.facts.Findings {
			if f.Severity == s.name {
				words, note := p.found(f)
				p.Findings = append(p.Findings, findingView{
					Severity: p.say("details.weight." + s.name),
					Level:    s.level,
					Words:    words,
					Note:     note,
					Place:    place(f.Source, f.Object, f.Column),
					Article:  f.Article,
					Count:    p.number(f.Count),
					Since:    p.civil(f.FirstSeen),
				})
			}
		}
	}
}

// found is what a finding says: in English the sentence of the tables, which has all particulars; in another language
// one of that language, and the tables' sentence beside it.
func (p *page) found(f audit.Finding) (words, note string) {
	at := cmp.Or(place(f.Source, f.Object, f.Column), p.say("here"))
	own := lang.Plain(p.words.Finding(f.Kind, f.Severity, lang.Name(at), f.Count))
	if p.Lang == lang.English || own == "" {
		return f.Words, ""
	}
	return own, f.Words
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
			Since:  cmp.Or(p.civil(r.Since), p.say("details.unknown")),
			Found:  p.civil(r.FirstSeen),
		}
		if r.Example != 0 {
			v.Example = strconv.FormatInt(r.Example, 10)
		}
		if r.More {
			v.Words = p.say("details.remnants.more")
		}
		if r.Sampled > 0 {
			v.Words = strings.TrimSpace(v.Words + " " + p.say("details.remnants.sampled", p.number(r.Sampled)))
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
			Words: p.reason(e.Code, e.Words),
			Code:  e.Code,
			Place: place(e.Source, e.Object, ""),
			Silo:  p.siloWords(e.Silo),
			Count: p.count(e.Silo, e.Count),
			Days:  p.number(e.AgeDays),
			Owner: list(e.Owner),
		})
	}
}
