// Package retention lets a registry's own time pass: it ends each consent whose day has come with an event,
// and forgets the proof of what ended once nothing needs it any more, by a purge or by the retirement of a
// whole silo. The chain keeps the headers, and still verifies.
package retention

import "lethe/pipeline/registry/chain"

// Retention lets the consents and the proofs of a registry's silos end when their time is over.
type Retention struct {
	store *chain.Store
}

// New is the retention of what is in a store.
func New(s *chain.Store) *Retention { return &Retention{s} }
