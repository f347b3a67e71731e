package intake

import (
	"context"
	"time"

	"lethe/connectors"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
)

// rowReader turns the rows of a table into events.
type rowReader struct {
	ctx      context.Context
	in       *Intake
	silo     *policy.Compiled
	mapping  *policy.Intake
	key      matcher
	zone     *time.Location
	fields   []string
	columns  map[string]int // by field
	zones    map[string]*time.Location
	keys     []int
	next     func() (connectors.Batch, error, bool)
	batch    connectors.Batch
	row      int
	queue    []string // states that the row still has to say
	unproven map[registry.Reason]int
	said     int // rows that say again, without a date, what the registry knows

	standings *registry.Standings // loaded when a row without a date needs them
	standing  policy.Standing
	buf       []byte
}

// clockTolerance is by how much an event may be ahead of its recording (the registry trusts none that is more).
const clockTolerance = 5 * time.Minute

// matcher makes references.
type matcher interface {
	Match(kind string, normalised []byte) registry.Ref
}
