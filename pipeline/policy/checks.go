package policy

import (
	"slices"
	"strings"
)

// checkIntake checks the mappings of a silo's consents.
func checkIntake(p *problems, s *Silo) {
	for i := range s.Consents {
		m := &s.Consents[i]
		p := p.under("consents %d (%s.%s)", i+1, m.Source, m.Table)
		m.Check(p.add)
		byConsent := func(r Rule) bool { return r.Purpose == m.Purpose && r.Basis == Consent }
		switch {
		case m.Purpose == "":
			p.add("purpose is missing: say what people agree to, in the word of the silo's rules")
		case !slices.ContainsFunc(s.Rules, func(r Rule) bool { return r.Purpose == m.Purpose }):
			p.add("purpose %q is in no rule of the silo: name one of theirs", m.Purpose)
		case m.Given != nil && !slices.ContainsFunc(s.Rules, byConsent):
			p.add("purpose %q does not rest on consent, so none can be given for it: remove given, or name a "+
				"purpose whose basis is consent", m.Purpose)
		}
	}
}

// checkRemnants checks how people who should be gone end where no silo looks.
func checkRemnants(p *problems, s *Silo) {
	for i, r := range s.Remnants {
		p := p.under("remnants %d (%s.%s.%s)", i+1, r.Source, r.Table, r.Field)
		for _, name := range []struct{ key, value string }{{"source", r.Source}, {"table", r.Table},
			{"field", r.Field}} {
			if name.value == "" {
				p.add("%s is missing: write {source: crm, table: audit_log, field: new_value, do: replace}", name.key)
			}
		}
		p.oneOf("do", r.Do, ClearRemnant, ReplaceRemnant, DeleteRemnant)
		if slices.ContainsFunc(s.Records, func(o Records) bool { return o.Source == r.Source && o.Table == r.Table }) {
			p.add("the silo governs rows of the table (records): those end by its rules, so remove the entry")
		}
		if slices.ContainsFunc(s.Remnants[:i], func(o Remnant) bool {
			return o.Source == r.Source && o.Table == r.Table && o.Field == r.Field
		}) {
			p.add("the field is named twice: say once what becomes of it")
		}
	}
}

// checkCarriers refuses records of a table whose rows refer to others and say whose those are: such a row would go by
// itself, and a no that was said under its address would be the other's no more.
func checkCarriers(p *problems, all []Records, r Records) {
	for i, o := range all {
		for _, v := range r.Via {
			for _, h := range v.Path {
				if o.Source == r.Source && h.Identifies(o.Table) && o.Table != r.Table {
					p.add("rows of %s say whose a row is (via), and records %d let them go by themselves, with what "+
						"was said under their address: leave the table to the dependents", o.Table, i+1)
				}
			}
		}
	}
}

// CheckSuppression checks a silo that is a suppression list, which is not compiled: it has no data but
// references, and one rule that says why.
func CheckSuppression(s Silo) error {
	p := &problems{place: "silo " + s.Name}
	if len(s.Records) > 0 || len(s.Consents) > 0 || len(s.Anonymize) > 0 {
		p.add("suppression: true is for a list of references: remove records, consents and anonymize")
	}
	if len(s.Rules) != 1 {
		p.add("suppression: true needs one rule that says why the list is kept: purpose, basis (legal_obligation or " +
			"legitimate_interest), because, owner and review_by")
		return p.join()
	}
	r := s.Rules[0]
	rp := p.under("rule 1 (%s)", r.Purpose)
	if r.Purpose == "" {
		rp.add("purpose is missing: write suppression")
	}
	rp.oneOf("basis", string(r.Basis), string(LegalObligation), string(LegitimateInterest))
	for _, text := range []struct{ key, value string }{{"because", r.Because}, {"owner", r.Owner},
		{"review_by", r.ReviewBy}} {
		if strings.TrimSpace(text.value) == "" {
			rp.add("%s is missing", text.key)
		}
	}
	rp.date("review_by", r.ReviewBy, 0)
	if r.Start != "" || !r.Period.IsZero() || !r.MaxAge.IsZero() || r.End != "" || len(r.Fields) > 0 {
		rp.add("a no to marketing has no end of its own: remove start, period, max_age, end and fields")
	}
	return p.join()
}

// checkAlone checks that the rows of a silo can decide by themselves: the term of each rule starts at a date that every
// record has, and somebody says which law, or which contract, sets it.
func checkAlone(p *problems, s *Silo) {
	if !s.Alone() {
		return
	}
	for i := range s.Rules {
		r := &s.Rules[i]
		rp := p.under("rule %d (%s)", i+1, r.Purpose)
		if strings.TrimSpace(r.Article) == "" {
			rp.add("article is missing: where rows decide alone (no_match: decide), name the law or the clause that " +
				"sets the term, for example article: \"Art. 2220 c.c.\"")
		}
		switch {
		case r.Basis == Consent:
			rp.add("consent is what only the registry knows: rows cannot decide alone, remove no_match: decide")
		case r.Start == AtEvent:
			rp.add("start: event waits for the registry: where rows decide alone, name the field with the day under at")
		case r.At == "" && r.Start == Collected:
			for j, rec := range s.Records {
				if rec.Collected == "" {
					rp.add("the term starts at collecting, and records %d (%s.%s) do not say when that was: name the "+
						"field under collected, or under at of the rule", j+1, rec.Source, rec.Table)
				}
			}
		case r.At == "" && r.Start != FixedDate:
			rp.add("at is missing: where rows decide alone, start: %s needs the field that holds the date", r.Start)
		}
	}
}

// Restarts says what is wrong with terms that start at a field of a record which the engine sets anew at every
// update of the row; "" nothing is, as their owner knows it.
func (c *Compiled) Restarts(r Records, field string) string {
	known := r.Collected != field
	for i := range c.Silo.Rules {
		known = known && (c.Silo.Rules[i].At != field || c.Silo.Rules[i].Touched != "")
	}
	switch {
	case !known:
		return "is set anew at every update of the row, so a term that starts there never ends: name the field with " +
			"the day of collecting, or of the end; where it is meant to start anew, write touched_by_updates: known " +
			"in the rule"
	case r.Block != nil:
		return "is set anew at every update of the row, also when its use is blocked, and so its term would start " +
			"anew: remove block"
	}
	return ""
}
