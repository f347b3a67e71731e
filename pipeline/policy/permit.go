package policy

import (
	"slices"
	"time"
)

// Permit says that a record may be used for a purpose.
type Permit struct {
	Purpose string
	Until   Date // the last day of the last live ground of that purpose; zero: open
}

// Permits appends to dst the purposes for which a ground of the record is alive at asOf, in the order of the rules, each once. It looks at grounds only:
// whether the record may be used at all (a hold, a restriction, an identity in doubt) is Decide's answer, to be asked first.
func (c *Compiled) Permits(r Record, asOf time.Time, dst []Permit) []Permit {
	today := DateOf(asOf, c.zone)
	s := r.Standing
	if r.Identity != Matched {
		s = nil
	}
	from := len(dst)
	for i := range c.rules {
		ru := &c.rules[i]
		if today < ru.from || today >= ru.until {
			continue
		}
		var ps *PurposeStanding
		if s != nil {
			ps = s.purpose(ru.Purpose)
		}
		var g ground
		if ru.Basis == Consent {
			g = c.consent(ru, &r, s, ps, asOf, today)
		} else {
			g = c.term(i, &r, s, ps, today)
		}
		if g.life != alive {
			continue
		}
		at := slices.IndexFunc(dst[from:], func(p Permit) bool { return p.Purpose == ru.Purpose })
		switch {
		case at < 0:
			dst = append(dst, Permit{ru.Purpose, g.last})
		case g.last == 0 || dst[from+at].Until == 0:
			dst[from+at].Until = 0
		default:
			dst[from+at].Until = max(dst[from+at].Until, g.last)
		}
	}
	return dst
}

// Covers returns the fields that the rules of a purpose cover, sorted; all is true where one of them covers every field.
func (s Silo) Covers(purpose string) (fields []string, all bool) {
	for _, r := range s.Rules {
		if r.Purpose != purpose {
			continue
		}
		all = all || len(r.Fields) == 0
		fields = append(fields, r.Fields...)
	}
	slices.Sort(fields)
	return slices.Compact(fields), all
}
