package registry

import "slices"

// EventType says what happened.
type EventType string

// The types of what people and applications say, and of what Lethe itself records: requests and holds too must move the silo's head, like all that decides.
const (
	Given               EventType = "given"
	Refused             EventType = "refused"
	Renewed             EventType = "renewed"
	Withdrawn           EventType = "withdrawn"
	Expired             EventType = "expired"
	Invalidated         EventType = "invalidated"
	Rectified           EventType = "rectified"
	Restricted          EventType = "restricted"
	RestrictionLifted   EventType = "restriction_lifted"
	Objected            EventType = "objected"
	ObjectionUpheld     EventType = "objection_upheld"
	ObjectionOverridden EventType = "objection_overridden"
	BasisStarted        EventType = "basis_started"
	BasisEnded          EventType = "basis_ended"
	ErasureRequested    EventType = "erasure_requested"
	ErasureRefused      EventType = "erasure_refused"
	ParentalAuthorised  EventType = "parental_authorised"
	AgeReached          EventType = "age_reached"
	HoldPlaced          EventType = "hold_placed"
	HoldApproved        EventType = "hold_approved"
	HoldReleased        EventType = "hold_released"
	Rekeyed             EventType = "rekeyed"
	PayloadPurged       EventType = "payload_purged"
	RequestOpened       EventType = "request_opened"
	RequestPaused       EventType = "request_paused"
	RequestResumed      EventType = "request_resumed"
	RequestExtended     EventType = "request_extended"
	RequestClosed       EventType = "request_closed"
)

// kind is what the registry must know of an event type.
type kind struct {
	purpose  purposeNeed
	consent  bool // changes the state of consent
	grants   bool // gives a ground: needs a notice, an affirmative act and one certain collection
	no       bool // the person says no: it counts from then on, never from before
	imported bool // may come from an application; the others are written by Lethe's own commands
	// rank orders events of one instant: the later in this order, the more it counts. Among the states of consent that is the
	// protectiveness: a no counts more than a yes; elsewhere the answer comes after the question, and doubt restricts.
	rank int
}

type purposeNeed uint8

const (
	noPurpose       purposeNeed = iota // the event is about the whole collection
	optionalPurpose                    // without one it is about every purpose
	needsPurpose
)

var kinds = map[EventType]kind{
	Given:               {purpose: needsPurpose, consent: true, grants: true, imported: true, rank: 1},
	Renewed:             {purpose: needsPurpose, consent: true, grants: true, imported: true, rank: 2},
	Expired:             {purpose: needsPurpose, consent: true, imported: true, rank: 3},
	Refused:             {purpose: optionalPurpose, consent: true, no: true, imported: true, rank: 4},
	Withdrawn:           {purpose: optionalPurpose, consent: true, no: true, imported: true, rank: 5},
	Invalidated:         {purpose: optionalPurpose, consent: true, imported: true, rank: 6},
	Objected:            {purpose: optionalPurpose, no: true, imported: true, rank: 1},
	ObjectionOverridden: {purpose: optionalPurpose, imported: true, rank: 2},
	ObjectionUpheld:     {purpose: optionalPurpose, imported: true, rank: 3},
	BasisStarted:        {purpose: needsPurpose, imported: true, rank: 1},
	BasisEnded:          {purpose: needsPurpose, imported: true, rank: 2},
	ErasureRequested:    {no: true, imported: true, rank: 1},
	ErasureRefused:      {imported: true, rank: 2},
	RestrictionLifted:   {imported: true, rank: 1},
	Restricted:          {imported: true, rank: 2},
	ParentalAuthorised:  {purpose: optionalPurpose, imported: true, rank: 1},
	AgeReached:          {purpose: optionalPurpose, imported: true, rank: 1},
	Rectified:           {purpose: optionalPurpose, imported: true, rank: 1},
	HoldReleased:        {imported: true, rank: 1},
	HoldPlaced:          {imported: true, rank: 2},
	HoldApproved:        {rank: 3},
	RequestOpened:       {rank: 1},
	RequestPaused:       {rank: 2},
	RequestResumed:      {rank: 2},
	RequestExtended:     {rank: 2},
	RequestClosed:       {rank: 3},
	Rekeyed:             {rank: 1},
	PayloadPurged:       {rank: 1},
}

// kind is what the registry must know of a type, the zero value for one that there is not.
func (t EventType) kind() kind { return kinds[t] }

// ParseEventType returns the type of that name, or an error that lists the names.
func ParseEventType(name string) (EventType, bool) {
	_, ok := kinds[EventType(name)]
	return EventType(name), ok
}

// ImportedTypes lists the types of events that a source may deliver, sorted.
func ImportedTypes() []string {
	var list []string
	for typ, k := range kinds {
		if k.imported {
			list = append(list, string(typ))
		}
	}
	slices.Sort(list)
	return list
}
