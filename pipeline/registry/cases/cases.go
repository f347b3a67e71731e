// Package cases keeps what people and courts ask of a registry: a Hold, which keeps data as evidence until
// two people release it, and a Request with its term, which rests and may be extended. What changes a case
// is an event of the silo's chain as well.
package cases

import "lethe/pipeline/registry/chain"

// Cases are the legal holds and the requests of a registry's silos.
type Cases struct {
	store *chain.Store
}

// New are the cases that are in a store.
func New(s *chain.Store) *Cases { return &Cases{s} }
