package judge

import (
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry/keystore"
)

// Root is a governed row that a plan may hold.
type Root struct {
	Key     connectors.Key
	Guard   Guard
	Subject keystore.Ref // the identifier that met the registry; zero if none did
	Record  keystore.Ref
	Ref     audit.Ref
	Change  Change
	Block   bool // also to be blocked now, for the change may wait
	Clear   []string
	Code    reason.Code
	rule    string
	Due     calendar.Date
	Owns    []connectors.Key // one for each owned edge; "" NULL
	Kept    bool             // a referencing row stays, so it cannot be deleted
	Ramped  bool             // left for a later night by the ramp
	Asks    bool             // no standing order covers it: people are asked

	Ruling     *Ruling // of a row to be deleted, until it is known whether its dependents let it go
	Anonymized bool    // holds already what anonymizing yields
	BlockGuard Guard   // covers the decision's own fields only
	ElseGuard  Guard   // of the anonymizing that takes the place of deleting
}

// Guard is a keyed digest of what a decision saw of a row.
type Guard [16]byte
