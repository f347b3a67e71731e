package policy

import (
	"slices"
	"time"

	"lethe/pipeline/policy/calendar"
)

// Permit says that a record may be used for a purpose.
type Permit struct {
	Purpose string
	// the first instant at which no ground of that purpose is alive any more, unless something happens
	// before; zero: open
	Ends time.Time
}

// Permits appends to dst the purposes for which a ground of the record is alive at asOf, in the order of
// the rules, each once. It looks at grounds only: whether the record may be used at all (a hold, a
// restriction, an identity in doubt) is Decide's answer, to be asked first.
func (c *Compiled) Permits(r Record, asOf time.Time, dst []Permit) []Permit {
	today := calendar.DateOf(asOf, c.zone)
	from := len(dst)
	for i := range c.rules {
		ru := &c.rules[i]
		if !ru.InForce(today) {
			continue
		}
		ends, permits := c.permits(i, &r, asOf, today)
		if !permits {
			continue
		}
		at := slices.IndexFunc(dst[from:], func(p Permit) bool { return p.Purpose == ru.Purpose })
		switch {
		case at < 0:
			dst = append(dst, Permit{ru.Purpose, ends})
		case sooner(dst[from+at].Ends, ends):
			dst[from+at].Ends = ends
		}
	}
	for i := range dst[from:] {
		c.prolong(&dst[from+i], &r, asOf, today)
	}
	return dst
}

// prolong takes up the rules of a purpose that come into force before the permit ends: the next version of
// a rule takes over where this one stops.
func (c *Compiled) prolong(p *Permit, r *Record, asOf time.Time, today calendar.Date) {
	for again := true; again; {
		again = false
		for i := range c.rules {
			ru := &c.rules[i]
			if ru.Purpose != p.Purpose || ru.Begins <= today || p.Ends.IsZero() ||
				ru.Begins.Start(c.zone).After(p.Ends) {
				continue
			}
			if ends, permits := c.permits(i, r, asOf, today); permits && sooner(p.Ends, ends) {
				p.Ends, again = ends, true
			}
		}
	}
}

// permits reports whether a rule's ground is alive, and when it ends: when its term is over, to the instant
// where a consent has an end of its own, and no later than the rule itself.
func (c *Compiled) permits(i int, r *Record, asOf time.Time, today calendar.Date) (ends time.Time, permits bool) {
	ru, s := &c.rules[i], r.Standing
	if r.Identity != Matched {
		s = nil
	}
	var ps *PurposeStanding
	if s != nil {
		ps = s.purpose(ru.Purpose)
	}
	g := c.ground(i, r, s, ps, asOf, today)
	if g.life != alive {
		return time.Time{}, false
	}
	if g.last != 0 && g.last < calendar.MaxDate {
		ends = (g.last + 1).Start(c.zone)
	}
	if ru.Basis == Consent && sooner(ps.Until, ends) {
		ends = ps.Until
	}
	if ru.Ends <= calendar.MaxDate {
		if stops := ru.Ends.Start(c.zone); sooner(stops, ends) {
			ends = stops
		}
	}
	return ends, true
}

// sooner reports whether an end comes before another; zero never comes.
func sooner(a, b time.Time) bool { return !a.IsZero() && (b.IsZero() || a.Before(b)) }

// Covers returns the fields that the rules of a purpose in force at asOf cover, sorted; all is true where
// one of them covers every field.
func (c *Compiled) Covers(purpose string, asOf time.Time) (fields []string, all bool) {
	for _, r := range c.InForce(asOf) {
		if r.Purpose != purpose {
			continue
		}
		all = all || len(r.Fields) == 0
		fields = append(fields, r.Fields...)
	}
	slices.Sort(fields)
	return slices.Compact(fields), all
}
