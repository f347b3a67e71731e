package registry

// Cases are the legal holds and the requests of a registry's silos.
type Cases struct {
	store *Store
}

// NewCases are the cases that are in a store.
func NewCases(s *Store) *Cases { return &Cases{s} }
