package judge

import (
	"github.com/apache/arrow/go/v15/arrow"

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
	Rule    string        // that gave the reason; "" none did
	End     calendar.Date // the day on which the last ground ended, zero for none with a day; Due is of the erasure
	Due     calendar.Date
	Owns    []connectors.Key // one for each owned edge; "" NULL
	Kept    bool             // a referencing row stays, so it cannot be deleted
	Held    bool             // nor can it be anonymized, as what was declared to go with it stays
	Waits   bool             // what refers to it stands in a plan that waits
	Ramped  bool             // left for a later night by the ramp, or left in a plan that waits
	Asks    bool             // no standing order covers it: people are asked

	Ruling     *Ruling // of a row to be ended, until it is known whether what refers to it lets it go
	Anonymized bool    // holds already what anonymizing yields
	BlockGuard Guard   // covers the decision's own fields only
	ElseGuard  Guard   // of the anonymizing that takes the place of deleting
}

// open reports whether what refers to a row has a say in its ruling.
func (g *Judge) open(r Ruling) bool {
	return r.Change == Delete || r.Change == Anonymize && len(g.Records.Dependents) > 0
}

// root is what a plan of a run needs of a row that has to change.
func (g *Judge) root(runID string, r Ruling, rows arrow.Record, row int, key connectors.Key, ref audit.Ref) *Root {
	rt := &Root{
		Key: key, Subject: r.subject, Record: r.record, Ref: ref,
		Change: r.Change, Block: r.Block, Clear: r.Cleared, Code: r.Reason, Rule: r.Rule, End: r.End, Due: r.Due,
		Guard:      g.guard(runID, rows, row, r.Change, r.Cleared),
		BlockGuard: g.guard(runID, rows, row, Block, nil),
	}
	if g.open(r) {
		rt.Ruling = &r
	}
	if r.Change == Delete {
		rt.Anonymized = g.anonymized(rows, row)
		rt.ElseGuard = g.guard(runID, rows, row, Anonymize, nil)
	}
	if r.Change != Delete && r.Change != Anonymize {
		return rt
	}
	for _, e := range g.Owned {
		k, _ := connectors.KeyOf(rows, e.columns, row)
		rt.Owns = append(rt.Owns, k)
	}
	return rt
}
