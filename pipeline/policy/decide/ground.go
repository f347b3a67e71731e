package decide

import (
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
)

// life is the state of one ground.
type life uint8

const (
	alive     life = iota
	dead           // ground.reason says why
	undecided      // an objection or erasure request has to be weighed first
	unknown        // its start is not known
	future         // consent that is not yet effective
	unmatched      // only the registry could tell, and it does not know the record
)

// ground is what became of one rule for one record.
type ground struct {
	life   life
	reason uint8         // dead: an index of deadReasons
	last   calendar.Date // alive: the last day, zero: open. dead: the day on which it ended
	// dead: the first day on which it is dead, which is last itself after an event and the day after it
	// when a term ran out
	from calendar.Date
	// dateless: the reason has no date of its own; last is the night that first found it.
	dateless bool
}

// groundOf says what became of a rule.
func groundOf(c *policy.Compiled, i int, r *policy.Record, s *policy.Standing, ps *policy.PurposeStanding,
	asOf time.Time,
	today calendar.Date) ground {
	if ru := &c.Rules()[i]; ru.Basis == policy.Consent {
		return consent(c, ru, r, s, ps, asOf, today)
	}
	return term(c, i, r, s, ps, today)
}

// consent evaluates a ground of consent.
func consent(c *policy.Compiled, ru *policy.CompiledRule, r *policy.Record, s *policy.Standing,
	ps *policy.PurposeStanding, asOf time.Time,
	today calendar.Date) ground {
	if s == nil {
		return ground{life: unmatched}
	}
	var state policy.ConsentState
	var since time.Time
	if ps != nil {
		state, since = ps.State, ps.Since
		if state == policy.NoConsent && ps.Future || since.After(asOf) {
			return ground{life: future}
		}
	}
	valid := state == policy.Given || state == policy.Renewed
	if !s.Erasure.IsZero() && !(valid && since.After(s.Erasure)) {
		return event(c, erasureRequest, s.Erasure)
	}
	if at, objected := objectedToMarketing(s, ru, ps); objected && !(valid && since.After(at)) {
		return eventOrFlag(c, objectionMarketing, at, r, today)
	}
	if !valid {
		return withoutConsent(c, state, since, ps, r, today)
	}
	return lasting(c, ru, r, s, ps, asOf, today)
}

// lasting is the ground of a consent that is given: whether it counts, and how long it lasts.
func lasting(c *policy.Compiled, ru *policy.CompiledRule, r *policy.Record, s *policy.Standing,
	ps *policy.PurposeStanding, asOf time.Time,
	today calendar.Date) ground {
	since := ps.Since
	switch {
	case child(s, since) && !s.Parental && !ps.Parental:
		return eventOrFlag(c, childNoParental, since, r, today)
	case !ps.Proven:
		return flagged(c, consentUnproven, r, today)
	case since.IsZero():
		return ground{life: unknown}
	}
	last := calendar.EndOf(calendar.DateOf(since, c.Zone()), ru.MaxAge)
	gone := today > last
	if !ps.Until.IsZero() {
		gone = gone || !asOf.Before(ps.Until)
		last = min(last, calendar.LastDay(ps.Until, c.Zone()))
	}
	if gone {
		return ground{life: dead, reason: consentExpired, last: last, from: last + 1}
	}
	return ground{life: alive, last: last}
}

// withoutConsent is the ground of a consent that is not given, or no more.
func withoutConsent(c *policy.Compiled, state policy.ConsentState, since time.Time, ps *policy.PurposeStanding,
	r *policy.Record,
	today calendar.Date) ground {
	switch state {
	case policy.Withdrawn:
		return eventOrFlag(c, consentWithdrawn, since, r, today)
	case policy.Invalidated:
		return eventOrFlag(c, consentInvalid, since, r, today)
	case policy.Refused:
		return eventOrFlag(c, consentRefused, since, r, today)
	case policy.Expired:
		if !ps.Proven { // what nobody can prove was no consent that could run out
			return flagged(c, consentUnproven, r, today)
		}
		if since.IsZero() {
			return flagged(c, consentExpired, r, today)
		}
		last := calendar.LastDay(since, c.Zone())
		return ground{life: dead, reason: consentExpired, last: last, from: last + 1}
	}
	return flagged(c, noConsent, r, today)
}

// term evaluates a ground of any other basis.
func term(c *policy.Compiled, i int, r *policy.Record, s *policy.Standing, ps *policy.PurposeStanding,
	today calendar.Date) ground {
	ru := &c.Rules()[i]
	weighable := ru.Basis == policy.LegitimateInterest || ru.Basis == policy.PublicTask
	if weighable && s != nil {
		if at, objected := objectedToMarketing(s, ru, ps); objected {
			return eventOrFlag(c, objectionMarketing, at, r, today)
		}
		if ps != nil {
			switch ps.Objection {
			case policy.ObjectionPending:
				return ground{life: undecided}
			case policy.ObjectionUpheld:
				return eventOrFlag(c, objectionUpheld, ps.ObjectedAt, r, today)
			}
		}
	}
	start, l := start(c, i, r, s, ps)
	g := ground{life: l}
	if l == alive && start.Known() {
		g.last = calendar.EndOf(start, ru.Period)
		if today > g.last {
			return ground{life: dead, reason: retentionElapsed, last: g.last, from: g.last + 1}
		}
	}
	if g.life == alive && weighable && s != nil && !s.Erasure.IsZero() &&
		(ps == nil || ps.Objection != policy.ObjectionOverridden) {
		return ground{life: undecided}
	}
	return g
}

// start finds the day from which the period of a rule counts. Alive with a zero date is a relation that has
// not ended.
func start(c *policy.Compiled, i int, r *policy.Record, s *policy.Standing,
	ps *policy.PurposeStanding) (calendar.Date, life) {
	ru := &c.Rules()[i]
	var row calendar.Date
	if i < len(r.Starts) && (ru.At != "" || ru.Start == policy.Collected && r.Starts[i] < 0) {
		row = r.Starts[i]
	}
	if row < 0 {
		return 0, unknown
	}
	switch ru.Start {
	case policy.FixedDate:
		return ru.Fixed, alive
	case policy.BirthPlusAge:
		return known(calendar.EndOf(row, calendar.Period{Years: ru.Age}))
	case policy.Collected:
		if ru.At == "" {
			row = calendar.DateOf(r.Collected, c.Zone())
			if row == 0 && s != nil {
				row = calendar.DateOf(s.Collected, c.Zone())
			}
		}
		return known(row)
	}
	return ended(c, ru, row, s, ps)
}

// ended finds the day on which the relation of a rule ended, of what the row says and what the registry does.
func ended(c *policy.Compiled, ru *policy.CompiledRule, row calendar.Date, s *policy.Standing,
	ps *policy.PurposeStanding) (calendar.Date, life) {
	opened := ru.At != ""
	if ps != nil {
		if !ps.Ended.IsZero() && !ps.Started.After(ps.Ended) {
			row = max(row, calendar.DateOf(ps.Ended, c.Zone()))
		}
		opened = opened || !ps.Started.IsZero()
		if row.Known() && row < calendar.DateOf(ps.Started, c.Zone()) {
			return 0, unknown // nothing ends before it began
		}
	}
	switch {
	case row.Known():
		return row, alive
	case ru.Basis == policy.VitalInterest:
		return 0, unknown
	case opened:
		return 0, alive
	case s == nil:
		return 0, unmatched
	}
	return 0, unknown
}

func known(d calendar.Date) (calendar.Date, life) {
	if d.Known() {
		return d, alive
	}
	return 0, unknown
}

// event is a ground that died with an event.
func event(c *policy.Compiled, reason uint8, at time.Time) ground {
	day := calendar.DateOf(at, c.Zone())
	return ground{life: dead, reason: reason, last: day, from: day}
}

func eventOrFlag(c *policy.Compiled, reason uint8, at time.Time, r *policy.Record, today calendar.Date) ground {
	if at.IsZero() {
		return flagged(c, reason, r, today)
	}
	return event(c, reason, at)
}

// flagged is a ground that is dead for a reason without a date: the night that found it first is the anchor
// of the grace.
func flagged(c *policy.Compiled, reason uint8, r *policy.Record, today calendar.Date) ground {
	day := today
	if !r.Flagged.IsZero() {
		day = calendar.DateOf(r.Flagged, c.Zone())
	}
	return ground{life: dead, reason: reason, last: day, from: day, dateless: true}
}

func purposeOf(s *policy.Standing, name string) *policy.PurposeStanding {
	for i := range s.Purposes {
		if s.Purposes[i].Purpose == name {
			return &s.Purposes[i]
		}
	}
	return nil
}

// child reports whether a consent of that instant was a child's: reaching the age makes none of it an
// adult's, but what is given from then on is.
func child(s *policy.Standing, since time.Time) bool {
	return s.Minor && (s.Aged.IsZero() || since.Before(s.Aged))
}

// objectedToMarketing returns the latest objection to direct marketing that concerns a rule: one to its own
// purpose, or, when the rule is marketing, one to any marketing of the silo. It is absolute (Art. 21(2),
// (3)): nobody weighs it.
func objectedToMarketing(s *policy.Standing, ru *policy.CompiledRule, own *policy.PurposeStanding) (at time.Time,
	objected bool) {
	for i := range s.Purposes {
		ps := &s.Purposes[i]
		if ps.Objection == policy.NoObjection || !ps.Marketing && !(ps == own && ru.Marketing) || ps != own &&
			!ru.Marketing {
			continue
		}
		objected = true
		if ps.ObjectedAt.After(at) {
			at = ps.ObjectedAt
		}
	}
	return at, objected
}
