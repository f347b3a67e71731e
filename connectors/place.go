package connectors

import "context"

// Placed is a Source that can tell whether another one is the same database, however each was named.
type Placed interface {
	// Place returns a text that is equal for every open Source of one database, by whatever path, link, host name
	// or user it was reached, and differs from that of any other. It is for comparing, and holds no secret.
	Place(ctx context.Context) (string, error)
}
