package setup

import "time"

// Options is one start of the night.
type Options struct {
	Job     string
	AsOf    time.Time // zero: now
	Apply   bool      // without it nothing is written to a source, nor to the registry
	Again   bool      // also when this night is already done
	Retry   bool      // also plan the rows that are set aside because a database refused to change them
	Until   time.Time // no new work after this; zero: no window
	Phases  Phases
	Source  string     // of ReapplyOnly
	Asked   Asked      // of FulfilOnly
	Rebuild Rebuilding // of RebuildOnly

	// Operator runs a night that applies; nil: nobody in particular, which is refused where somebody has that role.
	Operator *Witness
	Full     bool // read every row, whatever Sampling says
}

// Asked is a request of one person of a silo, and how it is fulfilled.
type Asked struct {
	Silo        string
	Collections []int32 // of the person
	Backups     bool    // rewrite the backups with rows of theirs now, whatever their cadence
}

// Phases says how much of the night is run.
type Phases uint8

// The phases, each with what comes before it.
const (
	WholeNight Phases = iota
	DiscoverOnly
	PlanOnly
	ApplyOnly // plans approved earlier
	// what was ended once in Options.Source, which was put back from a copy
	ReapplyOnly
	SyncOnly // the applications' copies of their consents
	// what is due of the rows of one person who asked: Options.Asked
	FulfilOnly
	// the state of nights that were forgotten, from the signed reports and the registry
	RebuildOnly
)

// Rebuilding is what two people say who let the nights go on though earlier ones were forgotten.
type Rebuilding struct {
	Two     []Witness
	Comment string
	Older   bool // also with a registry that is older than the last report
}
