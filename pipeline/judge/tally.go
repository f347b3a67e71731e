package judge

import (
	"lethe/pipeline/audit"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
)

// Tally is what a judge has found of its rows.
type Tally struct {
	Rows           int64   // of the silo in this table
	Roots          []*Root // by pointer: the graph of dependents keeps them while rows leave the list
	Stopped        bool    // a stop forbids changes in the table tonight
	Summary        map[summaryKey]*audit.Summary
	Oldest, Newest calendar.Date
	Flags          []registry.Flag // rows whose reason has no date, with the night that first found it
	met            []uint64        // a bit for each collection that a row of the table led to
}

type summaryKey struct {
	reason reason.Code
	action policy.Action
	use    policy.Use
	change Change
}
