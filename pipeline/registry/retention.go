package registry

// Retention lets the consents and the proofs of a registry's silos end when their time is over.
type Retention struct {
	store *Store
}

// NewRetention is the retention of what is in a store.
func NewRetention(s *Store) *Retention { return &Retention{s} }
