// Package decide answers what must happen to one record at one instant, from the silo's rules, the record's
// own dates and what the consent registry knows: Decide follows a table, which its comment holds, and a
// Permit says for which purpose a record may be used, and until when.
package decide

import (
	"slices"
	"time"

	"lethe/pipeline/policy"
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

// aliveReasons are the reasons for keeping, in the order of the policy's bases.
var aliveReasons = [...]reason.Code{reason.KLegalObligation, reason.KContract, reason.KPublicTask,
	reason.KVitalInterest, reason.KLegitimateInterest, reason.KConsent}

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

// Decide says what must happen to a record at asOf. It follows the table below from the top; the first row
// that holds answers. C looks at all grounds (rules) in force.
//
//	A0  anonymized before, and it holds                     keep      unchanged  K_ANONYMIZED
//	A7  anonymized before, and a pseudonym is left          keep      unchanged  E_ANON_WEAK
//	A1  no rule in force on that day                        keep      unchanged  E_NO_POLICY
//	A2  registry chain broken, or its old head missing      keep      unchanged  E_REGISTRY_TAMPERED
//	A3  registry older than allowed                         keep      unchanged  E_REGISTRY_STALE
//	A4  identifier missing or unparseable                   keep      blocked*   E_ID_UNPARSEABLE
//	A5  identifiers disagree                                keep      blocked*   E_ID_CONFLICT
//	A6  identifiers that the registry knows are others' too keep      blocked*   E_ID_SHARED
//	B1  legal hold                                          keep      blocked    K_LEGAL_HOLD (1)
//	B2  restriction (Art. 18)                               keep      blocked    K_RESTRICTED_ART18 (2)
//	B3  access or portability request open                  keep      unchanged  K_PENDING_ACCESS
//	D1  a ground is alive                                   keep      allowed    the strongest live one (3)
//	    and clear the fields that no live ground covers               (limited)  a legal obligation is all
//	D2  none, and an objection is undecided                 keep      blocked    K_OBJECTION_PENDING
//	D3  none, and a ground's start is unknown               keep      blocked*   E_START_UNKNOWN
//	D4  none, and erasure is requested                      delete    blocked    D_ERASURE_REQUEST (4)
//	D5  no registry match, not older than the orphan grace  keep      blocked*   X_NO_MATCH_GRACE (8)
//	D6  no registry match, older                            no_match  blocked*   X_NO_MATCH (8)
//	D7  consent that is not yet effective                   keep      blocked    X_NOT_YET_EFFECTIVE (5)
//	D8  none, before end + grace                            expire    blocked    strongest dead reason
//	D9  none, from end + grace                              the end   blocked    strongest dead reason (6)
//	D10 D4 or D9 would delete, but a referencing row stays  the else  blocked    the same (7)
//
// (1) with E_ERASURE_WHILE_HELD, (2) with E_ERASURE_WHILE_RESTRICTED where erasure was asked. (3)
// K_LEGAL_OBLIGATION before K_CONTRACT, K_PUBLIC_TASK, K_VITAL_INTEREST, K_LEGITIMATE_INTEREST and
// K_CONSENT. (4) without grace. (5) with E_EVENT_CLOCK where the date cannot be right. (6) delete wins over
// anonymize. (7) with E_DEPENDENT_KEPT: see WithDependent. (8) not in a silo whose rows decide alone (no_match:
// decide), where each rule's term starts at a date of the row: D8 and D9 answer.
//
// * is reported and not written to the source (WritesBlock).
//
// A consent ground is alive when its latest state is given or renewed, proof is on file, asOf is before
// effective_until and within max_age, no marketing objection and no erasure request came at the same time
// or later, and a child's has parental authorisation (which stays good when the child comes of age:
// I_AGE_REACHED says that somebody has to tell the person). Contract and legal obligation are alive while
// the relation is open, or through the end of the period. An end before the beginning that the registry knows is no
// known start, nor is one before the row's own day of collecting (which judge sees). Legitimate interest and public
// task too, unless an objection is undecided or upheld; an erasure request has to be weighed first. Vital interest
// has an explicit end. An objection to direct marketing ends every marketing ground of the silo.
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
func Decide(c *policy.Compiled, r policy.Record, asOf time.Time) policy.Decision {
	if r.Anonymized && r.Weak {
		return policy.Decision{Action: policy.Keep, Use: policy.Unchanged, Reason: reason.EAnonWeak, Row: "A7"}
	}
	if r.Anonymized {
		return policy.Decision{Action: policy.Keep, Use: policy.Unchanged, Reason: reason.KAnonymized, Row: "A0"}
	}
	today := calendar.DateOf(asOf, c.Zone())
	if !inForce(c, today) {
		return policy.Decision{Action: policy.Keep, Use: policy.Unchanged, Reason: reason.ENoPolicy, Row: "A1"}
	}
	switch r.Trust {
	case policy.Sound:
	case policy.Stale:
		return policy.Decision{Action: policy.Keep, Use: policy.Unchanged, Reason: reason.ERegistryStale, Row: "A3"}
	default:
		return policy.Decision{Action: policy.Keep, Use: policy.Unchanged, Reason: reason.ERegistryTampered, Row: "A2"}
	}
	s := r.Standing
	switch r.Identity {
	case policy.Matched:
	case policy.Unmatched:
		s = nil
	case policy.Unparseable:
		return policy.Decision{Action: policy.Keep, Use: policy.Blocked, Reason: reason.EIDUnparseable, Row: "A4"}
	case policy.Shared:
		return policy.Decision{Action: policy.Keep, Use: policy.Blocked, Reason: reason.EIDShared, Row: "A6"}
	default:
		return policy.Decision{Action: policy.Keep, Use: policy.Blocked, Reason: reason.EIDConflict, Row: "A5"}
	}
	if s != nil {
		switch {
		case s.Hold:
			return policy.Decision{Action: policy.Keep, Use: policy.Blocked, Reason: reason.KLegalHold, Row: "B1",
				Notes: noteIf(!s.Erasure.IsZero(), noteHeld)}
		case s.Restricted:
			return policy.Decision{Action: policy.Keep, Use: policy.Blocked, Reason: reason.KRestricted, Row: "B2",
				Notes: noteIf(!s.Erasure.IsZero(), noteRestricted)}
		case s.PendingAccess:
			return policy.Decision{Action: policy.Keep, Use: policy.Unchanged, Reason: reason.KPendingAccess, Row: "B3"}
		}
	}
	t := tallyOf(c, &r, s, asOf, today)
	return answer(c, &r, s, &t, today)
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

func tallyOf(c *policy.Compiled, r *policy.Record, s *policy.Standing, asOf time.Time, today calendar.Date) tally {
	t := tally{strongest: len(aliveReasons), onlyLegal: true, reason: uint8(len(deadReasons))}
	for i := range c.Rules() {
		ru := &c.Rules()[i]
		if !ru.InForce(today) {
			continue
		}
		var ps *policy.PurposeStanding
		if s != nil {
			ps = purposeOf(s, ru.Purpose)
		}
		if ps != nil {
			t.clock = t.clock || ps.ImpossibleClock
			t.objection = t.objection || ps.Objection == policy.ObjectionPending && !ru.Marketing && !ps.Marketing
		}
		g := groundOf(c, i, r, s, ps, asOf, today)
		switch g.life {
		case alive:
			t.lives(i, ru, g)
			if ru.Basis == policy.Consent {
				consented(c, &t, r, s, ps)
			}
		case dead:
			if g.reason != erasureRequest && today < dueAfter(g, ru.Grace) {
				t.covers |= uint64(1) << i
				t.waits = t.waits || g.dateless && len(ru.Fields) > 0
			}
			t.bury(i, ru, g, due(c, ru, g))
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
func consented(c *policy.Compiled, t *tally, r *policy.Record, s *policy.Standing, ps *policy.PurposeStanding) {
	t.aged = t.aged || !s.Aged.IsZero() && child(s, ps.Since)
	t.beforeConsent = t.beforeConsent || ps.State == policy.Given && !r.Collected.IsZero() &&
		calendar.DateOf(r.Collected, c.Zone()) < calendar.DateOf(ps.Since, c.Zone())
}

// lives takes up a ground that is alive.
func (t *tally) lives(i int, ru *policy.CompiledRule, g ground) {
	t.live |= uint64(1) << i
	t.covers |= uint64(1) << i
	if ru.Strength < t.strongest {
		t.strongest, t.strongestRule = ru.Strength, i
	}
	t.onlyLegal = t.onlyLegal && ru.Basis == policy.LegalObligation
	t.beyondConsent = t.beyondConsent || ru.Basis != policy.Consent
	t.open = t.open || g.last == 0
	t.until = max(t.until, g.last)
}

// bury adds a dead ground.
func (t *tally) bury(i int, ru *policy.CompiledRule, g ground, due calendar.Date) {
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
	t.deletes = t.deletes || ru.End == policy.Delete
	t.elseAnonyms = t.elseAnonyms || ru.End == policy.Delete && ru.Else == policy.Anonymize
}

// due is the first day on which erasing what a dead ground covered is due. (After an erasure request row D4
// answers, which knows no grace.)
func due(c *policy.Compiled, ru *policy.CompiledRule, g ground) calendar.Date {
	due := dueAfter(g, ru.Grace)
	if ru.End == policy.Delete && !c.Jurisdiction.Blocking.IsZero() {
		due = max(due, dueAfter(g, c.Jurisdiction.Blocking))
	}
	return due
}

// ConsentLasts is the last day of a consent that is given at an instant and never withdrawn.
func ConsentLasts(c *policy.Compiled, ru *policy.CompiledRule, given time.Time) calendar.Date {
	state := policy.PurposeStanding{State: policy.Given, Since: given, Proven: true}
	return consent(c, ru, &policy.Record{}, &policy.Standing{}, &state, given, calendar.DateOf(given, c.Zone())).last
}

// DueWithdrawn is the first day on which a row may go whose consent is withdrawn at an instant.
func DueWithdrawn(c *policy.Compiled, ru *policy.CompiledRule, withdrawn time.Time) calendar.Date {
	return due(c, ru, event(c, consentWithdrawn, withdrawn))
}

// DueAfter is the first day on which a row may go whose ground lives through a last day.
func DueAfter(c *policy.Compiled, ru *policy.CompiledRule, last calendar.Date) calendar.Date {
	return due(c, ru, ground{life: dead, last: last, from: last + 1})
}

func dueAfter(g ground, grace calendar.Period) calendar.Date {
	if grace.IsZero() {
		return g.from
	}
	return calendar.EndOf(g.last, grace) + 1
}

// answer is the part D of the table.
func answer(c *policy.Compiled, r *policy.Record, s *policy.Standing, t *tally, today calendar.Date) policy.Decision {
	if t.live != 0 {
		return answerLive(c, t)
	}
	d := policy.Decision{Action: policy.Keep, Use: policy.Blocked, Notes: noteIf(t.clock, noteClock), Else: policy.Keep}
	if t.elseAnonyms {
		d.Else = policy.Anonymize
	}
	switch {
	case t.objection:
		d.Row, d.Reason = "D2", reason.KObjectionPending
	case t.unknown:
		d.Row, d.Reason = "D3", reason.EStartUnknown
	case s != nil && !s.Erasure.IsZero():
		answerErasure(c, &d, t, calendar.DateOf(s.Erasure, c.Zone()), today)
	case s == nil && !c.Silo.Alone():
		answerUnmatched(c, &d, calendar.DateOf(r.Collected, c.Zone()), today)
	case t.future:
		d.Row, d.Reason = "D7", reason.XNotYetEffective
	default:
		answerDead(c, &d, t, today)
	}
	return d
}

// answerLive is D1.
func answerLive(c *policy.Compiled, t *tally) policy.Decision {
	d := policy.Decision{Action: policy.Keep, Use: policy.Allowed, Reason: aliveReasons[t.strongest], Row: "D1",
		Rule: c.Rules()[t.strongestRule].Name, Until: t.until, Flag: t.waits,
		Grounds: c.IDs(t.live), Clear: c.UncoveredBy(t.covers), Notes: noteIf(t.clock, noteClock)}
	if t.onlyLegal {
		d.Use = policy.Limited
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
func answerErasure(c *policy.Compiled, d *policy.Decision, t *tally, asked, today calendar.Date) {
	d.Row, d.Reason, d.Action, d.End, d.Due = "D4", reason.DErasureRequest, policy.Delete, asked, asked
	if t.dead {
		d.Rule = c.Rules()[t.reasonRule].Name
	}
	if b := c.Jurisdiction.Blocking; !b.IsZero() {
		d.Due = calendar.EndOf(asked, b) + 1
		if today < d.Due {
			d.Action = policy.Expire
		}
	}
}

// answerUnmatched is D5 and D6.
func answerUnmatched(c *policy.Compiled, d *policy.Decision, collected, today calendar.Date) {
	d.Row, d.Reason, d.Flag = "D6", reason.XNoMatch, true
	switch {
	case !collected.Known():
		d.Notes = noteStartUnknown
	case today <= calendar.EndOf(collected, c.OrphanGrace()):
		d.Row, d.Reason, d.Flag = "D5", reason.XNoMatchGrace, false
	case c.Silo.NoMatch == string(policy.Expire):
		d.Action = policy.Expire
	}
}

// answerDead is D8 and D9.
func answerDead(c *policy.Compiled, d *policy.Decision, t *tally, today calendar.Date) {
	d.Row, d.Reason, d.Rule = "D9", deadReasons[t.reason], c.Rules()[t.reasonRule].Name
	d.End, d.Due, d.Flag = t.end, t.due, t.dateless
	if !t.dated {
		d.End, d.Due, d.Flag = t.neverEnd, t.neverDue, true
	}
	d.Action = policy.Anonymize
	if t.deletes {
		d.Action = policy.Delete
	}
	if today < d.Due {
		d.Row, d.Action = "D8", policy.Expire
	}
}

func inForce(c *policy.Compiled, today calendar.Date) bool {
	for i := range c.Rules() {
		if c.Rules()[i].InForce(today) {
			return true
		}
	}
	return false
}

// WithDependent is row D10: what becomes of a decision to delete when a referencing row stays and its
// foreign key is not declared set_null. Any other decision is returned as it is.
func WithDependent(d policy.Decision) policy.Decision {
	if d.Action != policy.Delete {
		return d
	}
	d.Row, d.Action = "D10", policy.Keep
	if d.Else == policy.Anonymize {
		d.Action = policy.Anonymize
		return d
	}
	d.Notes = append(slices.Clip(d.Notes), reason.EDependentKept)
	return d
}

// Held is row D10 where nothing can be done to a row that was to end: one that refers to it, or that was
// declared to go with it, stays, so that it can be neither deleted nor anonymized.
func Held(d policy.Decision) policy.Decision {
	if d.Action != policy.Delete && d.Action != policy.Anonymize {
		return d
	}
	d.Row, d.Action = "D10", policy.Keep
	d.Notes = append(slices.Clip(d.Notes), reason.EDependentKept)
	return d
}

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
