package mysqldump

import (
	"context"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
)

// Foresee looks at the catalog, and whether the file could be rewritten.
func (r *rewriter) Foresee(ctx context.Context, uses []connectors.Use) (found []connectors.Obstacle, err error) {
	tables, err := r.Tables(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range uses {
		found = append(found, connectors.Tables(tables).CheckUse(u, "path")...)
	}
	return append(found, anew.Foresee(r.Shelf, r.Path)...), nil
}
