package policy

import (
	"slices"
	"time"

	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
)

// deadReasons in order of strength, strongest first: the decision names the first that applies.
var deadReasons = [...]reason.Code{
	reason.DErasureRequest, reason.DObjectionMarketing, reason.DObjectionUpheld, reason.DConsentWithdrawn,
	reason.DConsentInvalid, reason.DChildNoParental,
	reason.DConsentUnproven, reason.DConsentRefused, reason.DConsentExpired, reason.DRetentionElapsed,
	reason.DNoConsent,
}

// aliveBases in the order in which a live ground gives the reason for keeping, and aliveReasons beside them.
var (
	aliveBases   = [...]Basis{LegalObligation, Contract, PublicTask, VitalInterest, LegitimateInterest, Consent}
	aliveReasons = [...]reason.Code{reason.KLegalObligation, reason.KContract, reason.KPublicTask,
		reason.KVitalInterest, reason.KLegitimateInterest, reason.KConsent}
)

// indexes of deadReasons, for comparing strengths.
const (
	erasureRequest = iota
	objectionMarketing
	objectionUpheld
	consentWithdrawn
	consentInvalid
	childNoParental
	consentUnproven
	consentRefused
	consentExpired
	retentionElapsed
	noConsent
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

// Decide says what must happen to a record at asOf. It follows the table below from the top; the first row
// that holds answers. C looks at all grounds (rules) in force.
//
//	A0  anonymized before, and it holds                     keep      unchanged  K_ANONYMIZED
//	A1  no rule in force on that day                        keep      unchanged  E_NO_POLICY
//	A2  registry chain broken, or its old head missing      keep      unchanged  E_REGISTRY_TAMPERED
//	A3  registry older than allowed                         keep      unchanged  E_REGISTRY_STALE
//	A4  identifier missing or unparseable                   keep      blocked*   E_ID_UNPARSEABLE
//	A5  identifiers disagree                                keep      blocked*   E_ID_CONFLICT
//	B1  legal hold                                          keep      blocked    K_LEGAL_HOLD (1)
//	B2  restriction (Art. 18)                               keep      blocked    K_RESTRICTED_ART18 (2)
//	B3  access or portability request open                  keep      unchanged  K_PENDING_ACCESS
//	D1  a ground is alive                                   keep      allowed    the strongest live one (3)
//	    and clear the fields that no live ground covers               (limited)  a legal obligation is all
//	D2  none, and an objection is undecided                 keep      blocked    K_OBJECTION_PENDING
//	D3  none, and a ground's start is unknown               keep      blocked*   E_START_UNKNOWN
//	D4  none, and erasure is requested                      delete    blocked    D_ERASURE_REQUEST (4)
//	D5  no registry match, not older than the orphan grace  keep      blocked*   X_NO_MATCH_GRACE
//	D6  no registry match, older                            no_match  blocked*   X_NO_MATCH
//	D7  consent that is not yet effective                   keep      blocked    X_NOT_YET_EFFECTIVE (5)
//	D8  none, before end + grace                            expire    blocked    strongest dead reason
//	D9  none, from end + grace                              the end   blocked    strongest dead reason (6)
//	D10 D4 or D9 would delete, but a referencing row stays  the else  blocked    the same (7)
//
// (1) with E_ERASURE_WHILE_HELD, (2) with E_ERASURE_WHILE_RESTRICTED where erasure was asked. (3)
// K_LEGAL_OBLIGATION before K_CONTRACT, K_PUBLIC_TASK, K_VITAL_INTEREST, K_LEGITIMATE_INTEREST and
// K_CONSENT. (4) without grace. (5) with E_EVENT_CLOCK where the date cannot be right. (6) delete wins over
// anonymize. (7) with E_DEPENDENT_KEPT: see WithDependent.
//
// * is reported and not written to the source (WritesBlock).
//
// A consent ground is alive when its latest state is given or renewed, proof is on file, asOf is before
// effective_until and within max_age, no marketing objection and no erasure request came at the same time
// or later, and a child's has parental authorisation (which stays good when the child comes of age:
// I_AGE_REACHED says that somebody has to tell the person). Contract and legal obligation are alive while
// the relation is open, or through the end of the period. Legitimate interest and public task too, unless
// an objection is undecided or upheld; an erasure request has to be weighed first. Vital interest has an
// explicit end. An objection to direct marketing ends every marketing ground of the silo.
//
// What the table leaves open is decided for keeping. A field is cleared only when no ground that is
// undecided, unknown or not yet effective covers it either, and a dead ground covers its fields until its
// own grace is over. Several dead grounds: erasure waits for the latest end and the latest due date. A
// ground that never was consented to has an end only where no other ground has one. A pending objection
// keeps the row also past the retention period (Art. 18(1)(d)).
//
// Where the jurisdiction wants data blocked before they are deleted (Spain), D4 and rules that delete
// expire until that period is over; fields that D1 clears are cleared without it, because a field cannot be
// blocked by itself.
func (c *Compiled) Decide(r Record, asOf time.Time) Decision {
	if r.Anonymized {
		return Decision{Action: Keep, Use: Unchanged, Reason: reason.KAnonymized, Row: "A0"}
	}
	today := calendar.DateOf(asOf, c.zone)
	if !c.inForce(today) {
		return Decision{Action: Keep, Use: Unchanged, Reason: reason.ENoPolicy, Row: "A1"}
	}
	switch r.Trust {
	case Sound:
	case Stale:
		return Decision{Action: Keep, Use: Unchanged, Reason: reason.ERegistryStale, Row: "A3"}
	default:
		return Decision{Action: Keep, Use: Unchanged, Reason: reason.ERegistryTampered, Row: "A2"}
	}
	s := r.Standing
	switch r.Identity {
	case Matched:
	case Unmatched:
		s = nil
	case Unparseable:
		return Decision{Action: Keep, Use: Blocked, Reason: reason.EIDUnparseable, Row: "A4"}
	default:
		return Decision{Action: Keep, Use: Blocked, Reason: reason.EIDConflict, Row: "A5"}
	}
	if s != nil {
		switch {
		case s.Hold:
			return Decision{Action: Keep, Use: Blocked, Reason: reason.KLegalHold, Row: "B1",
				Notes: noteIf(!s.Erasure.IsZero(), noteHeld)}
		case s.Restricted:
			return Decision{Action: Keep, Use: Blocked, Reason: reason.KRestricted, Row: "B2",
				Notes: noteIf(!s.Erasure.IsZero(), noteRestricted)}
		case s.PendingAccess:
			return Decision{Action: Keep, Use: Unchanged, Reason: reason.KPendingAccess, Row: "B3"}
		}
	}
	t := c.tally(&r, s, asOf, today)
	return c.answer(&r, s, &t, today)
}

// tally is what the grounds in force add up to.
type tally struct {
	live, covers         uint64 // rules that are alive; rules whose fields must stay
	strongest            int    // of the live ones: an index of aliveReasons
	strongestRule        int
	until                calendar.Date // the last live ground's end; zero when open
	open                 bool          // a live ground has no end
	onlyLegal            bool
	waits                bool // a dateless dead ground's grace keeps its fields
	objection, unknown   bool
	future, clock        bool
	beforeConsent        bool
	aged                 bool // a live consent was given by parents, for a child that is none any more
	beyondConsent        bool // a live ground is no consent: the data were not collected on consent alone
	dead                 bool
	reason               uint8 // the strongest dead reason
	reasonRule           int
	end, due             calendar.Date // the latest of the dead grounds
	neverEnd, neverDue   calendar.Date // the same for grounds that never were consented to
	dated, dateless      bool          // a ground other than those is dead; one without a date counts
	deletes, elseAnonyms bool
}

func (c *Compiled) tally(r *Record, s *Standing, asOf time.Time, today calendar.Date) tally {
	t := tally{strongest: len(aliveReasons), onlyLegal: true, reason: uint8(len(deadReasons))}
	for i := range c.rules {
		ru := &c.rules[i]
		if !ru.InForce(today) {
			continue
		}
		var ps *PurposeStanding
		if s != nil {
			ps = s.purpose(ru.Purpose)
		}
		if ps != nil {
			t.clock = t.clock || ps.ImpossibleClock
			t.objection = t.objection || ps.Objection == ObjectionPending && !ru.Marketing && !ps.Marketing
		}
		g := c.ground(i, r, s, ps, asOf, today)
		switch g.life {
		case alive:
			t.lives(i, ru, g)
			if ru.Basis == Consent {
				c.consented(&t, r, s, ps)
			}
		case dead:
			if g.reason != erasureRequest && today < dueAfter(g, ru.Grace) {
				t.covers |= uint64(1) << i
				t.waits = t.waits || g.dateless && len(ru.Fields) > 0
			}
			t.bury(i, ru, g, c.due(ru, g))
		default:
			t.covers |= uint64(1) << i
			t.objection = t.objection || g.life == undecided
			t.unknown = t.unknown || g.life == unknown
			t.future = t.future || g.life == future
		}
	}
	if t.open {
		t.until = 0
	}
	return t
}

// consented takes up what is to be said of a consent that is alive.
func (c *Compiled) consented(t *tally, r *Record, s *Standing, ps *PurposeStanding) {
	t.aged = t.aged || !s.Aged.IsZero() && s.child(ps.Since)
	t.beforeConsent = t.beforeConsent || ps.State == Given && !r.Collected.IsZero() &&
		calendar.DateOf(r.Collected, c.zone) < calendar.DateOf(ps.Since, c.zone)
}

// lives takes up a ground that is alive.
func (t *tally) lives(i int, ru *CompiledRule, g ground) {
	t.live |= uint64(1) << i
	t.covers |= uint64(1) << i
	if ru.strength < t.strongest {
		t.strongest, t.strongestRule = ru.strength, i
	}
	t.onlyLegal = t.onlyLegal && ru.Basis == LegalObligation
	t.beyondConsent = t.beyondConsent || ru.Basis != Consent
	t.open = t.open || g.last == 0
	t.until = max(t.until, g.last)
}

// bury adds a dead ground.
func (t *tally) bury(i int, ru *CompiledRule, g ground, due calendar.Date) {
	if g.reason < t.reason {
		t.reason, t.reasonRule = g.reason, i
	}
	t.dead = true
	if g.reason == noConsent {
		t.neverEnd, t.neverDue = max(t.neverEnd, g.last), max(t.neverDue, due)
	} else {
		t.dated = true
		t.dateless = t.dateless || g.dateless
		t.end, t.due = max(t.end, g.last), max(t.due, due)
	}
	t.deletes = t.deletes || ru.End == Delete
	t.elseAnonyms = t.elseAnonyms || ru.End == Delete && ru.Else == Anonymize
}

// due is the first day on which erasing what a dead ground covered is due. (After an erasure request row D4
// answers, which knows no grace.)
func (c *Compiled) due(ru *CompiledRule, g ground) calendar.Date {
	due := dueAfter(g, ru.Grace)
	if ru.End == Delete && !c.Jurisdiction.Blocking.IsZero() {
		due = max(due, dueAfter(g, c.Jurisdiction.Blocking))
	}
	return due
}

// ConsentLasts is the last day of a consent that is given at an instant and never withdrawn.
func (c *Compiled) ConsentLasts(ru *CompiledRule, given time.Time) calendar.Date {
	state := PurposeStanding{State: Given, Since: given, Proven: true}
	return c.consent(ru, &Record{}, &Standing{}, &state, given, calendar.DateOf(given, c.zone)).last
}

// DueWithdrawn is the first day on which a row may go whose consent is withdrawn at an instant.
func (c *Compiled) DueWithdrawn(ru *CompiledRule, withdrawn time.Time) calendar.Date {
	return c.due(ru, c.event(consentWithdrawn, withdrawn))
}

// DueAfter is the first day on which a row may go whose ground lives through a last day.
func (c *Compiled) DueAfter(ru *CompiledRule, last calendar.Date) calendar.Date {
	return c.due(ru, ground{life: dead, last: last, from: last + 1})
}

func dueAfter(g ground, grace calendar.Period) calendar.Date {
	if grace.IsZero() {
		return g.from
	}
	return calendar.EndOf(g.last, grace) + 1
}

// answer is the part D of the table.
func (c *Compiled) answer(r *Record, s *Standing, t *tally, today calendar.Date) Decision {
	if t.live != 0 {
		return c.answerLive(t)
	}
	d := Decision{Action: Keep, Use: Blocked, Notes: noteIf(t.clock, noteClock), Else: Keep}
	if t.elseAnonyms {
		d.Else = Anonymize
	}
	switch {
	case t.objection:
		d.Row, d.Reason = "D2", reason.KObjectionPending
	case t.unknown:
		d.Row, d.Reason = "D3", reason.EStartUnknown
	case s != nil && !s.Erasure.IsZero():
		c.answerErasure(&d, t, calendar.DateOf(s.Erasure, c.zone), today)
	case s == nil:
		c.answerUnmatched(&d, calendar.DateOf(r.Collected, c.zone), today)
	case t.future:
		d.Row, d.Reason = "D7", reason.XNotYetEffective
	default:
		c.answerDead(&d, t, today)
	}
	return d
}

// answerLive is D1.
func (c *Compiled) answerLive(t *tally) Decision {
	d := Decision{Action: Keep, Use: Allowed, Reason: aliveReasons[t.strongest], Row: "D1",
		Rule: c.rules[t.strongestRule].Name, Until: t.until, Flag: t.waits,
		Grounds: c.set(t.live).ids, Clear: c.set(t.covers).uncovered, Notes: noteIf(t.clock, noteClock)}
	if t.onlyLegal {
		d.Use = Limited
	}
	if t.beforeConsent && !t.beyondConsent {
		d.Notes = noteBeforeConsent
		if t.clock {
			d.Notes = noteBeforeConsentClock
		}
	}
	if t.aged {
		d.Notes = append(slices.Clip(d.Notes), reason.IAgeReached)
	}
	return d
}

// answerErasure is D4.
func (c *Compiled) answerErasure(d *Decision, t *tally, asked, today calendar.Date) {
	d.Row, d.Reason, d.Action, d.End, d.Due = "D4", reason.DErasureRequest, Delete, asked, asked
	if t.dead {
		d.Rule = c.rules[t.reasonRule].Name
	}
	if b := c.Jurisdiction.Blocking; !b.IsZero() {
		d.Due = calendar.EndOf(asked, b) + 1
		if today < d.Due {
			d.Action = Expire
		}
	}
}

// answerUnmatched is D5 and D6.
func (c *Compiled) answerUnmatched(d *Decision, collected, today calendar.Date) {
	d.Row, d.Reason, d.Flag = "D6", reason.XNoMatch, true
	switch {
	case !collected.Known():
		d.Notes = noteStartUnknown
	case today <= calendar.EndOf(collected, c.orphanGrace):
		d.Row, d.Reason, d.Flag = "D5", reason.XNoMatchGrace, false
	case c.Silo.NoMatch == string(Expire):
		d.Action = Expire
	}
}

// answerDead is D8 and D9.
func (c *Compiled) answerDead(d *Decision, t *tally, today calendar.Date) {
	d.Row, d.Reason, d.Rule = "D9", deadReasons[t.reason], c.rules[t.reasonRule].Name
	d.End, d.Due, d.Flag = t.end, t.due, t.dateless
	if !t.dated {
		d.End, d.Due, d.Flag = t.neverEnd, t.neverDue, true
	}
	d.Action = Anonymize
	if t.deletes {
		d.Action = Delete
	}
	if today < d.Due {
		d.Row, d.Action = "D8", Expire
	}
}

// ground evaluates what became of a rule.
func (c *Compiled) ground(i int, r *Record, s *Standing, ps *PurposeStanding, asOf time.Time,
	today calendar.Date) ground {
	if ru := &c.rules[i]; ru.Basis == Consent {
		return c.consent(ru, r, s, ps, asOf, today)
	}
	return c.term(i, r, s, ps, today)
}

// consent evaluates a ground of consent.
func (c *Compiled) consent(ru *CompiledRule, r *Record, s *Standing, ps *PurposeStanding, asOf time.Time,
	today calendar.Date) ground {
	if s == nil {
		return ground{life: unmatched}
	}
	var state ConsentState
	var since time.Time
	if ps != nil {
		state, since = ps.State, ps.Since
		if state == NoConsent && ps.Future || since.After(asOf) {
			return ground{life: future}
		}
	}
	valid := state == Given || state == Renewed
	if !s.Erasure.IsZero() && !(valid && since.After(s.Erasure)) {
		return c.event(erasureRequest, s.Erasure)
	}
	if at, objected := s.objectedToMarketing(ru, ps); objected && !(valid && since.After(at)) {
		return c.eventOrFlag(objectionMarketing, at, r, today)
	}
	if !valid {
		return c.noConsent(state, since, ps, r, today)
	}
	return c.lasting(ru, r, s, ps, asOf, today)
}

// lasting is the ground of a consent that is given: whether it counts, and how long it lasts.
func (c *Compiled) lasting(ru *CompiledRule, r *Record, s *Standing, ps *PurposeStanding, asOf time.Time,
	today calendar.Date) ground {
	since := ps.Since
	switch {
	case s.child(since) && !s.Parental && !ps.Parental:
		return c.eventOrFlag(childNoParental, since, r, today)
	case !ps.Proven:
		return c.flagged(consentUnproven, r, today)
	case since.IsZero():
		return ground{life: unknown}
	}
	last := calendar.EndOf(calendar.DateOf(since, c.zone), ru.MaxAge)
	gone := today > last
	if !ps.Until.IsZero() {
		gone = gone || !asOf.Before(ps.Until)
		last = min(last, calendar.LastDay(ps.Until, c.zone))
	}
	if gone {
		return ground{life: dead, reason: consentExpired, last: last, from: last + 1}
	}
	return ground{life: alive, last: last}
}

// noConsent is the ground of a consent that is not given, or no more.
func (c *Compiled) noConsent(state ConsentState, since time.Time, ps *PurposeStanding, r *Record,
	today calendar.Date) ground {
	switch state {
	case Withdrawn:
		return c.eventOrFlag(consentWithdrawn, since, r, today)
	case Invalidated:
		return c.eventOrFlag(consentInvalid, since, r, today)
	case Refused:
		return c.eventOrFlag(consentRefused, since, r, today)
	case Expired:
		if !ps.Proven { // what nobody can prove was no consent that could run out
			return c.flagged(consentUnproven, r, today)
		}
		if since.IsZero() {
			return c.flagged(consentExpired, r, today)
		}
		last := calendar.LastDay(since, c.zone)
		return ground{life: dead, reason: consentExpired, last: last, from: last + 1}
	}
	return c.flagged(noConsent, r, today)
}

// term evaluates a ground of any other basis.
func (c *Compiled) term(i int, r *Record, s *Standing, ps *PurposeStanding, today calendar.Date) ground {
	ru := &c.rules[i]
	weighable := ru.Basis == LegitimateInterest || ru.Basis == PublicTask
	if weighable && s != nil {
		if at, objected := s.objectedToMarketing(ru, ps); objected {
			return c.eventOrFlag(objectionMarketing, at, r, today)
		}
		if ps != nil {
			switch ps.Objection {
			case ObjectionPending:
				return ground{life: undecided}
			case ObjectionUpheld:
				return c.eventOrFlag(objectionUpheld, ps.ObjectedAt, r, today)
			}
		}
	}
	start, l := c.start(i, r, s, ps)
	g := ground{life: l}
	if l == alive && start.Known() {
		g.last = calendar.EndOf(start, ru.Period)
		if today > g.last {
			return ground{life: dead, reason: retentionElapsed, last: g.last, from: g.last + 1}
		}
	}
	if g.life == alive && weighable && s != nil && !s.Erasure.IsZero() &&
		(ps == nil || ps.Objection != ObjectionOverridden) {
		return ground{life: undecided}
	}
	return g
}

// start finds the day from which the period of a rule counts. Alive with a zero date is a relation that has
// not ended.
func (c *Compiled) start(i int, r *Record, s *Standing, ps *PurposeStanding) (calendar.Date, life) {
	ru := &c.rules[i]
	var row calendar.Date
	if i < len(r.Starts) && (ru.At != "" || ru.Start == Collected && r.Starts[i] < 0) {
		row = r.Starts[i]
	}
	if row < 0 {
		return 0, unknown
	}
	switch ru.Start {
	case FixedDate:
		return ru.Fixed, alive
	case BirthPlusAge:
		return known(calendar.EndOf(row, calendar.Period{Years: ru.Age}))
	case Collected:
		if ru.At == "" {
			row = calendar.DateOf(r.Collected, c.zone)
			if row == 0 && s != nil {
				row = calendar.DateOf(s.Collected, c.zone)
			}
		}
		return known(row)
	}
	opened := ru.At != ""
	if ps != nil {
		if !ps.Ended.IsZero() && !ps.Started.After(ps.Ended) {
			row = max(row, calendar.DateOf(ps.Ended, c.zone))
		}
		opened = opened || !ps.Started.IsZero()
	}
	switch {
	case row.Known():
		return row, alive
	case ru.Basis == VitalInterest:
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
func (c *Compiled) event(reason uint8, at time.Time) ground {
	day := calendar.DateOf(at, c.zone)
	return ground{life: dead, reason: reason, last: day, from: day}
}

func (c *Compiled) eventOrFlag(reason uint8, at time.Time, r *Record, today calendar.Date) ground {
	if at.IsZero() {
		return c.flagged(reason, r, today)
	}
	return c.event(reason, at)
}

// flagged is a ground that is dead for a reason without a date: the night that found it first is the anchor
// of the grace.
func (c *Compiled) flagged(reason uint8, r *Record, today calendar.Date) ground {
	day := today
	if !r.Flagged.IsZero() {
		day = calendar.DateOf(r.Flagged, c.zone)
	}
	return ground{life: dead, reason: reason, last: day, from: day, dateless: true}
}

func (c *Compiled) inForce(today calendar.Date) bool {
	for i := range c.rules {
		if c.rules[i].InForce(today) {
			return true
		}
	}
	return false
}

func (s *Standing) purpose(name string) *PurposeStanding {
	for i := range s.Purposes {
		if s.Purposes[i].Purpose == name {
			return &s.Purposes[i]
		}
	}
	return nil
}

// child reports whether a consent of that instant was a child's: reaching the age makes none of it an
// adult's, but what is given from then on is.
func (s *Standing) child(since time.Time) bool {
	return s.Minor && (s.Aged.IsZero() || since.Before(s.Aged))
}

// objectedToMarketing returns the latest objection to direct marketing that concerns a rule: one to its own
// purpose, or, when the rule is marketing, one to any marketing of the silo. It is absolute (Art. 21(2),
// (3)): nobody weighs it.
func (s *Standing) objectedToMarketing(ru *CompiledRule, own *PurposeStanding) (at time.Time, objected bool) {
	for i := range s.Purposes {
		ps := &s.Purposes[i]
		if ps.Objection == NoObjection || !ps.Marketing && !(ps == own && ru.Marketing) || ps != own && !ru.Marketing {
			continue
		}
		objected = true
		if ps.ObjectedAt.After(at) {
			at = ps.ObjectedAt
		}
	}
	return at, objected
}

// WithDependent is row D10: what becomes of a decision to delete when a referencing row stays and its
// foreign key is not declared set_null. Any other decision is returned as it is.
func (c *Compiled) WithDependent(d Decision) Decision {
	if d.Action != Delete {
		return d
	}
	d.Row, d.Action = "D10", Keep
	if d.Else == Anonymize {
		d.Action = Anonymize
		return d
	}
	d.Notes = append(slices.Clip(d.Notes), reason.EDependentKept)
	return d
}

// WritesBlock reports whether the decision's use=blocked is written to the source: in groups B and D, but
// not for what only our own missing knowledge is the reason (group A, D3, D5, and D6 unless the silo opted
// for no_match: expire). A block that is not written is reported.
func (d Decision) WritesBlock() bool {
	if d.Use != Blocked {
		return false
	}
	switch d.Row {
	case "A4", "A5", "D3", "D5":
		return false
	case "D6":
		return d.Action == Expire
	}
	return true
}

// WritesUnblock reports whether a row that is blocked in the source is to be freed: its use is allowed, in
// full or in part.
func (d Decision) WritesUnblock() bool { return d.Use == Allowed || d.Use == Limited }

// The notes that Decide hands out, made once.
var (
	noteStartUnknown       = []reason.Code{reason.EStartUnknown}
	noteBeforeConsent      = []reason.Code{reason.EDataBeforeConsent}
	noteBeforeConsentClock = []reason.Code{reason.EDataBeforeConsent, reason.EEventClock}
	noteClock              = []reason.Code{reason.EEventClock}
	noteHeld               = []reason.Code{reason.EErasureWhileHeld}
	noteRestricted         = []reason.Code{reason.EErasureWhileRestricted}
)

func noteIf(holds bool, note []reason.Code) []reason.Code {
	if holds {
		return note
	}
	return nil
}
