package judge

import (
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry/keystore"
)

// Ruling is what became of one row before the judge.
type Ruling struct {
	policy.Decision
	subject keystore.Ref
	record  keystore.Ref
	known   bool // record is set
	Change  Change
	Block   bool
	Cleared []string
	flagged time.Time
	SeqFrom int64 // registry positions relied on
	SeqTo   int64

	identity policy.Identity // whom the registry knows
	proven   bool            // the collection has a purpose with a proof

	Collection int32 // that the row belongs to; 0 none
}
