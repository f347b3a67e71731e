package mem

import (
	"context"

	"lethe/connectors"
)

// Foresee looks at the catalog: in memory there are no rights and no triggers.
func (s *Store) Foresee(ctx context.Context, uses []connectors.Use) (found []connectors.Obstacle, err error) {
	tables, err := s.Tables(ctx)
	for _, u := range uses {
		dsn := "dsn"
		if u.Changes() {
			dsn = "apply_dsn"
		}
		found = append(found, connectors.Tables(tables).CheckUse(u, dsn)...)
	}
	return found, err
}
