package standings

import (
	"cmp"
	"slices"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/event"
)

// clockTolerance is by how much an event may have happened after it was recorded before its clock counts as
// impossible and it is not trusted at all.
const clockTolerance = 5 * time.Minute

// maxAhead is by how much a no, or an answer, may be ahead without a doubt about its clock: a day alone is its last
// moment, and no zone is further from another.
const maxAhead = 26 * time.Hour

// accessMargin is how long after its due date an access or portability request that nobody closed still
// protects the data.
const accessMargin = 30 * 24 * time.Hour

// StateAt folds the events of one collection into its standing at asOf. It is pure: the order of the facts
// does not matter. purposes are those of the silo's rules, with the type of the event that ends each (""
// for basis_ended); an event without a purpose is about all of them and about every purpose that the
// collection's events name.
//
// Consent is the state of the latest event with effective_from <= asOf, by effective_from, then by
// protectiveness, then by position; a consent past its effective_until reads as expired since then. Events
// of one type and instant count as one, proven when one of them is, ending when the first of them ends.
// While a proven consent lasts, a later one without proof says nothing. An expired event of Lethe's own
// ends the consent it was written for, and no other; a consent that expired is as proven as it was. An
// event that happened more than five minutes after it was recorded is not trusted, but for a no, and an answer of that
// day, which count from when they were recorded. A no counts from when the person said it, also where it is said to
// hold since before: no consent given in between outlives it.
//
// An answer to an objection that names no purpose answers what was objected to. Requests for erasure are
// told apart by their names; those without one, of applications, are answered by the next answer to any.
func StateAt(facts []Fact, asOf time.Time, purposes map[string]event.Type, into *policy.Standing) {
	FoldAt(facts, asOf, purposes, into)
	for i := range into.Purposes {
		p := &into.Purposes[i]
		if (p.State == policy.Given || p.State == policy.Renewed) && !p.Until.IsZero() && !p.Until.After(asOf) {
			p.State, p.Since = policy.Expired, p.Until
		}
	}
}

// FoldAt is StateAt before the passing of time is seen: a consent past its end still stands as given.
func FoldAt(facts []Fact, asOf time.Time, purposes map[string]event.Type, into *policy.Standing) {
	*into = policy.Standing{Purposes: into.Purposes[:0]}
	for i := range facts {
		facts[i].settle()
	}
	// Of one type and instant what names no purpose comes last, for it is about what the others named, and
	// of dates on which a request is due the latest, none being later than all.
	slices.SortStableFunc(facts, func(a, b Fact) int {
		if a.From != b.From { // most are
			return cmp.Compare(a.From, b.From)
		}
		return cmp.Or(cmp.Compare(a.Type.Kind().Rank, b.Type.Kind().Rank),
			cmp.Compare(a.Type, b.Type), cmp.Compare(b.Purpose, a.Purpose),
			cmp.Compare(uint64(a.Details.Due)-1, uint64(b.Details.Due)-1), cmp.Compare(a.Seq, b.Seq))
	})
	f := folder{asOf: asOf.UnixMicro(), ends: purposes, into: into}
	for i := range facts {
		f.name(&facts[i])
	}
	for i := range facts {
		f.fold(&facts[i])
	}
	for i := range into.Purposes {
		if p := &into.Purposes[i]; p.State != policy.NoConsent {
			p.Future = false
		}
	}
	into.Hold = len(f.holds) > 0
	for _, at := range f.erasures {
		if at := event.Instant(at); at.After(into.Erasure) {
			into.Erasure = at
		}
	}
	for _, due := range f.requests {
		if due == 0 || f.asOf < due+accessMargin.Microseconds() {
			into.PendingAccess = true
		}
	}
}

type folder struct {
	asOf     int64
	ends     map[string]event.Type
	into     *policy.Standing
	holds    map[string]bool
	requests map[string]int64 // open access and portability requests: due, 0 for none
	erasures map[string]int64 // open requests for erasure: the latest instant of each; "" those without a name
}

// name makes the entries of the purposes that the collection's events and the silo's rules name, sorted.
func (f *folder) name(e *Fact) {
	if e.Purpose != "" || e.allMarketing() {
		f.purpose(e.Purpose)
		return
	}
	if e.Type.Kind().Purpose == event.OptionalPurpose || e.doubted {
		for p := range f.ends {
			f.purpose(p)
		}
	}
}

// settle says since when a no counts: not from before it was said, nor from after it was recorded, where it is said to
// have been said later. Who writes the time of another zone, or a day alone, means no time to come; nor does who
// answers. It was said before it was recorded, nobody knows when: who asks as of that day hears it, as the night does
// that takes it in.
func (e *Fact) settle() {
	e.doubted = e.doubted || e.Impossible()
	if e.CountsAsRecorded() {
		e.doubted = e.beyondZones()
		e.Occurred, e.From, e.slack = e.Recorded, e.Recorded, maxAhead.Microseconds()
	}
	if e.Type.Kind().No && !e.Impossible() {
		e.From = max(e.From, e.Occurred)
	}
}

// CountsAsRecorded reports whether an event is said to have happened after it was recorded, and counts from its
// recording.
func (e *Fact) CountsAsRecorded() bool {
	return e.Occurred > e.Recorded && (e.Type.Protects() || e.Type.Closes() && !e.beyondZones())
}

// beyondZones reports whether an event happened so long after it was recorded that neither another zone nor a day
// alone explains it.
func (e *Fact) beyondZones() bool {
	return e.Occurred > e.Recorded+(maxAhead+clockTolerance).Microseconds()
}

// Impossible reports whether an event happened after it was recorded.
func (e *Fact) Impossible() bool { return e.Occurred > e.Recorded+clockTolerance.Microseconds() }

// purpose finds or makes the entry of a purpose.
func (f *folder) purpose(name string) *policy.PurposeStanding {
	list := f.into.Purposes
	at, found := slices.BinarySearchFunc(list, name,
		func(p policy.PurposeStanding, name string) int { return cmp.Compare(p.Purpose, name) })
	if !found {
		f.into.Purposes = slices.Insert(list, at, policy.PurposeStanding{Purpose: name})
	}
	return &f.into.Purposes[at]
}

func (f *folder) fold(e *Fact) {
	f.seen(e)
	f.doubt(e)
	if e.Impossible() || e.From-e.slack > f.asOf {
		f.ahead(e)
		return
	}
	if e.minor {
		f.into.Minor, f.into.Aged = true, time.Time{}
	}
	at := event.Instant(min(e.From, f.asOf))
	if !f.foldPerson(e, at) && !f.foldRequest(e) {
		f.foldPurposes(e, at)
	}
	f.end(e, at)
}

// seen takes up where in the chain an event is, and when it happened.
func (f *folder) seen(e *Fact) {
	s := f.into
	if s.FirstSeq == 0 || e.Seq < s.FirstSeq {
		s.FirstSeq = e.Seq
	}
	s.LastSeq = max(s.LastSeq, e.Seq)
	if e.Impossible() {
		return
	}
	if at := event.Instant(e.Occurred); s.Collected.IsZero() || at.Before(s.Collected) {
		s.Collected = at
	}
}

// ahead takes up an event that is not yet effective, or whose clock is impossible.
func (f *folder) ahead(e *Fact) {
	consent := e.Type.Kind().Consent
	f.each(e, func(p *policy.PurposeStanding) { p.Future = p.Future || consent })
}

// doubt takes up that the clock of an event is impossible: whatever it says, somebody has to look at it.
func (f *folder) doubt(e *Fact) {
	if !e.doubted {
		return
	}
	for i := range f.into.Purposes {
		if p := &f.into.Purposes[i]; e.Purpose == "" || p.Purpose == e.Purpose {
			p.ImpossibleClock = true
		}
	}
}

// foldPerson takes up what is about the person, whatever the purpose; false says that the event is about
// something else.
func (f *folder) foldPerson(e *Fact, at time.Time) bool {
	s := f.into
	switch e.Type {
	case event.AgeReached:
		s.Aged = at
	case event.Restricted:
		s.Restricted = true
	case event.RestrictionLifted:
		s.Restricted = false
	case event.ParentalAuthorised:
		if e.Purpose == "" {
			s.Parental = true
		} else {
			f.purpose(e.Purpose).Parental = true
		}
	case event.HoldPlaced:
		if f.holds == nil {
			f.holds = map[string]bool{}
		}
		f.holds[e.Details.Hold] = true
	case event.HoldReleased:
		delete(f.holds, e.Details.Hold)
	default:
		return false
	}
	return true
}

// foldRequest takes up what is about a request, of whichever kind; false says that the event is about
// something else.
func (f *folder) foldRequest(e *Fact) bool {
	switch e.Type {
	case event.ErasureRequested:
		if f.erasures == nil {
			f.erasures = map[string]int64{}
		}
		f.erasures[e.Details.Request] = e.From
	case event.ErasureRefused:
		if e.Details.Request == "" {
			clear(f.erasures)
		}
		f.answered(e.Details.Request)
	case event.RequestOpened, event.RequestPaused, event.RequestResumed, event.RequestExtended:
		if e.Details.Kind == cases.RequestAccess || e.Details.Kind == cases.RequestPortability {
			if f.requests == nil {
				f.requests = map[string]int64{}
			}
			f.requests[e.Details.Request] = e.Details.Due
		}
	case event.RequestNoted: // what was done says nothing of what may be
	case event.RequestClosed:
		delete(f.requests, e.Details.Request)
		if e.Details.Kind == cases.RequestErasure { // the erasure request is consumed
			f.answered(e.Details.Request)
		}
	default:
		return false
	}
	return true
}

// foldPurposes takes up what is about the state of purposes.
func (f *folder) foldPurposes(e *Fact, at time.Time) {
	if e.Type != event.ObjectionUpheld && e.Type != event.ObjectionOverridden {
		f.each(e, func(p *policy.PurposeStanding) { foldPurpose(p, e, at) })
		return
	}
	objected := slices.ContainsFunc(f.into.Purposes,
		func(p policy.PurposeStanding) bool { return p.Objection != policy.NoObjection })
	f.each(e, func(p *policy.PurposeStanding) {
		if e.Purpose != "" || p.Objection != policy.NoObjection || !objected && e.Type == event.ObjectionUpheld {
			foldPurpose(p, e, at)
		}
	})
}

// answered takes a request for erasure from the open ones, and those that have no name.
func (f *folder) answered(request string) {
	delete(f.erasures, request)
	delete(f.erasures, "")
}

// each calls do with the entries an event is about.
func (f *folder) each(e *Fact, do func(*policy.PurposeStanding)) {
	for i := range f.into.Purposes {
		p := &f.into.Purposes[i]
		if p.Purpose == e.Purpose && (e.Purpose != "" || e.allMarketing()) || p.Purpose != "" && e.Purpose == "" &&
			e.Type.Kind().Purpose == event.OptionalPurpose && !e.allMarketing() {
			do(p)
		}
	}
}

// allMarketing reports whether an event objects to direct marketing as such (Art. 21(2)). Which purposes
// are marketing only the rules know, so it has an entry without a purpose of its own, and leaves those that
// are none alone.
func (e *Fact) allMarketing() bool { return e.Type == event.Objected && e.Marketing && e.Purpose == "" }

func foldPurpose(p *policy.PurposeStanding, e *Fact, at time.Time) {
	switch e.Type {
	case event.Objected:
		p.Marketing = p.Marketing || e.Marketing
		p.Objection, p.ObjectedAt = policy.ObjectionPending, at
	case event.ObjectionUpheld:
		p.Objection = policy.ObjectionUpheld
		if p.ObjectedAt.IsZero() {
			p.ObjectedAt = at
		}
	case event.ObjectionOverridden:
		if !p.Marketing { // an objection to direct marketing cannot be overridden: Art. 21(3)
			p.Objection = policy.ObjectionOverridden
		}
	case event.BasisStarted:
		p.Started, p.Ended = at, time.Time{}
	default:
		if kind := e.Type.Kind(); kind.Consent {
			foldConsent(p, e, at, kind.Grants)
		}
	}
}

// foldConsent takes up what changes the state of consent to a purpose; grants says that it gives one.
func foldConsent(p *policy.PurposeStanding, e *Fact, at time.Time, grants bool) {
	lasts := p.State == policy.Given || p.State == policy.Renewed
	if e.Details.Since != 0 && (!lasts || event.Micros(p.Since) != e.Details.Since) {
		return // Lethe ended a consent that another one, or a no, recorded late, has replaced
	}
	state, until, proven := policy.ConsentState(e.Type), event.Instant(e.Until), e.notice && e.Proof
	if e.Type == event.Expired {
		proven = p.Proven && (lasts || p.State == policy.Expired)
	}
	if p.State == state && p.Since.Equal(at) {
		p.Proven, p.Until = p.Proven || proven, sooner(p.Until, until)
		return
	}
	if grants && !proven && p.Proven && lasts && (p.Until.IsZero() || p.Until.After(at)) {
		return // what nobody can prove takes no proof away
	}
	p.State, p.Since, p.Until, p.Proven = state, at, until, proven
}

// sooner is the earlier of two ends; the zero time is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// end sets the end of the purposes that an event of this type ends.
func (f *folder) end(e *Fact, at time.Time) {
	for i := range f.into.Purposes {
		p := &f.into.Purposes[i]
		ends := cmp.Or(f.ends[p.Purpose], event.BasisEnded)
		if e.Type == ends && (e.Purpose == "" || e.Purpose == p.Purpose) {
			p.Ended = at
		}
	}
}
