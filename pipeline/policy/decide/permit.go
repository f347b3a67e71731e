package decide

import (
	"slices"
	"time"

	"lethe/pipeline/policy"
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
func Permits(c *policy.Compiled, r policy.Record, asOf time.Time, dst []Permit) []Permit {
	today := calendar.DateOf(asOf, c.Zone())
	from := len(dst)
	for i := range c.Rules() {
		ru := &c.Rules()[i]
		if !ru.InForce(today) {
			continue
		}
		ends, permits := permits(c, i, &r, asOf, today)
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
		prolong(c, &dst[from+i], &r, asOf, today)
	}
	return dst
}

// prolong takes up the rules of a purpose that come into force before the permit ends: the next version of
// a rule takes over where this one stops.
func prolong(c *policy.Compiled, p *Permit, r *policy.Record, asOf time.Time, today calendar.Date) {
	for again := true; again; {
		again = false
		for i := range c.Rules() {
			ru := &c.Rules()[i]
			if ru.Purpose != p.Purpose || ru.Begins <= today || p.Ends.IsZero() ||
				ru.Begins.Start(c.Zone()).After(p.Ends) {
				continue
			}
			if ends, permits := permits(c, i, r, asOf, today); permits && sooner(p.Ends, ends) {
				p.Ends, again = ends, true
			}
		}
	}
}

// permits reports whether a rule's ground is alive, and when it ends: when its term is over, to the instant
// where a consent has an end of its own, and no later than the rule itself.
func permits(c *policy.Compiled, i int, r *policy.Record, asOf time.Time, today calendar.Date) (ends time.Time,
	permits bool) {
	ru, s := &c.Rules()[i], r.Standing
	if r.Identity != policy.Matched {
		s = nil
	}
	var ps *policy.PurposeStanding
	if s != nil {
		ps = purposeOf(s, ru.Purpose)
	}
	g := groundOf(c, i, r, s, ps, asOf, today)
	if g.life != alive {
		return time.Time{}, false
	}
	if g.last != 0 && g.last < calendar.MaxDate {
		ends = (g.last + 1).Start(c.Zone())
	}
	if ru.Basis == policy.Consent && sooner(ps.Until, ends) {
		ends = ps.Until
	}
	if ru.Ends <= calendar.MaxDate {
		if stops := ru.Ends.Start(c.Zone()); sooner(stops, ends) {
			ends = stops
		}
	}
	return ends, true
}

// sooner reports whether an end comes before another; zero never comes.
func sooner(a, b time.Time) bool { return !a.IsZero() && (b.IsZero() || a.Before(b)) }
