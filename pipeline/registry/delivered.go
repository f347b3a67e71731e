package registry

import (
	"context"
	"errors"
	"fmt"

	"lethe/pipeline/registry/event"
)

// Delivered is how many events of a type came from a source.
type Delivered struct {
	Source string
	Type   event.Type
	Events int64
}

// Delivered counts a silo's events after one position and up to another by who delivered them and type, in that order;
// without those that Lethe wrote by itself.
func (r *Registry) Delivered(ctx context.Context, silo string, after, upto int64) (list []Delivered, err error) {
	rows, err := r.store.Query(ctx, `SELECT source, type, COUNT(*) FROM event
		WHERE silo = (SELECT silo FROM silo WHERE name = ?) AND seq > ? AND seq <= ? AND source <> ?
		GROUP BY source, type ORDER BY source, type`, silo, after, upto, event.Own)
	if err != nil {
		return nil, fmt.Errorf("count what was delivered to silo %q: %w", silo, err)
	}
	for rows.Next() {
		var d Delivered
		if err := rows.Scan(&d.Source, &d.Type, &d.Events); err != nil {
			return nil, errors.Join(fmt.Errorf("count what was delivered to silo %q: %w", silo, err), rows.Close())
		}
		list = append(list, d)
	}
	return list, errors.Join(rows.Err(), rows.Close())
}
