package event

import (
	"maps"
	"slices"
)

// Type says what happened.
type Type string

// The types of what people and applications say, and of what Lethe itself records: requests and holds too
// must move the silo's head, like all that decides.
const (
	Given               Type = "given"
	Refused             Type = "refused"
	Renewed             Type = "renewed"
	Withdrawn           Type = "withdrawn"
	Expired             Type = "expired"
	Invalidated         Type = "invalidated"
	Rectified           Type = "rectified"
	Restricted          Type = "restricted"
	RestrictionLifted   Type = "restriction_lifted"
	Objected            Type = "objected"
	ObjectionUpheld     Type = "objection_upheld"
	ObjectionOverridden Type = "objection_overridden"
	BasisStarted        Type = "basis_started"
	BasisEnded          Type = "basis_ended"
	ErasureRequested    Type = "erasure_requested"
	ErasureRefused      Type = "erasure_refused"
	ParentalAuthorised  Type = "parental_authorised"
	AgeReached          Type = "age_reached"
	HoldPlaced          Type = "hold_placed"
	HoldApproved        Type = "hold_approved"
	HoldReleased        Type = "hold_released"
	Rekeyed             Type = "rekeyed"
	PayloadPurged       Type = "payload_purged"
	Rechained           Type = "rechained"
	IdentifierNoted     Type = "identifier_noted" // of somebody whom only rows knew, when a hold or request named them
	RequestOpened       Type = "request_opened"
	RequestPaused       Type = "request_paused"
	RequestResumed      Type = "request_resumed"
	RequestExtended     Type = "request_extended"
	RequestNoted        Type = "request_noted" // a step of a request that changes neither its term nor its state
	RequestClosed       Type = "request_closed"
)

// Kind is what the registry must know of an event type.
type Kind struct {
	Purpose  PurposeNeed
	Consent  bool // changes the state of consent
	Grants   bool // gives a ground: needs a notice, an affirmative act and one certain collection
	No       bool // the person says no: it counts from then on, never from before
	Imported bool // may come from an application; the others are written by Lethe's own commands
	// rank orders events of one instant: the later in this order, the more it counts. Among the states of
	// consent that is the protectiveness: a no counts more than a yes; elsewhere the answer comes after the
	// question, and doubt restricts.
	Rank int
}

// PurposeNeed says whether events of a type name a purpose.
type PurposeNeed uint8

const (
	WithoutPurpose  PurposeNeed = iota // the event is about the whole collection
	OptionalPurpose                    // without one it is about every purpose
	needsPurpose
)

var kinds = map[Type]Kind{
	Given:               {Purpose: needsPurpose, Consent: true, Grants: true, Imported: true, Rank: 1},
	Renewed:             {Purpose: needsPurpose, Consent: true, Grants: true, Imported: true, Rank: 2},
	Expired:             {Purpose: needsPurpose, Consent: true, Imported: true, Rank: 3},
	Refused:             {Purpose: OptionalPurpose, Consent: true, No: true, Imported: true, Rank: 4},
	Withdrawn:           {Purpose: OptionalPurpose, Consent: true, No: true, Imported: true, Rank: 5},
	Invalidated:         {Purpose: OptionalPurpose, Consent: true, Imported: true, Rank: 6},
	Objected:            {Purpose: OptionalPurpose, No: true, Imported: true, Rank: 1},
	ObjectionOverridden: {Purpose: OptionalPurpose, Imported: true, Rank: 2},
	ObjectionUpheld:     {Purpose: OptionalPurpose, Imported: true, Rank: 3},
	BasisStarted:        {Purpose: needsPurpose, Imported: true, Rank: 1},
	BasisEnded:          {Purpose: needsPurpose, Imported: true, Rank: 2},
	ErasureRequested:    {No: true, Imported: true, Rank: 1},
	ErasureRefused:      {Imported: true, Rank: 2},
	RestrictionLifted:   {Imported: true, Rank: 1},
	Restricted:          {Imported: true, Rank: 2},
	ParentalAuthorised:  {Purpose: OptionalPurpose, Imported: true, Rank: 1},
	AgeReached:          {Purpose: OptionalPurpose, Imported: true, Rank: 1},
	Rectified:           {Purpose: OptionalPurpose, Imported: true, Rank: 1},
	HoldReleased:        {Imported: true, Rank: 1},
	HoldPlaced:          {Imported: true, Rank: 2},
	HoldApproved:        {Rank: 3},
	IdentifierNoted:     {Rank: 1},
	RequestOpened:       {Rank: 1},
	RequestPaused:       {Rank: 2},
	RequestResumed:      {Rank: 2},
	RequestExtended:     {Rank: 2},
	RequestNoted:        {Rank: 2},
	RequestClosed:       {Rank: 3},
	Rekeyed:             {Rank: 1},
	PayloadPurged:       {Rank: 1},
	Rechained:           {Rank: 1},
}

// Kind is what the registry must know of a type, the zero value for one that there is not.
func (t Type) Kind() Kind { return kinds[t] }

// Protects reports whether an event of the type takes a use of data away: in doubt about when, it counts.
func (t Type) Protects() bool { return t.Kind().No || t == Restricted || t == Invalidated }

// Closes reports whether an event of the type that is said of a day alone came at the last moment of it: no consent of
// the same day outlives a no, and an answer comes after what was asked.
func (t Type) Closes() bool {
	return t.Protects() || t == ObjectionOverridden || t == ObjectionUpheld || t == ErasureRefused
}

// ParseType returns the type of that name, or an error that lists the names.
func ParseType(name string) (Type, bool) {
	_, ok := kinds[Type(name)]
	return Type(name), ok
}

// Types lists the types of events, sorted.
func Types() []Type { return slices.Sorted(maps.Keys(kinds)) }

// ImportedTypes lists the types of events that a source may deliver, sorted.
func ImportedTypes() []string {
	var list []string
	for _, t := range Types() {
		if t.Kind().Imported {
			list = append(list, string(t))
		}
	}
	return list
}
