package registry

import (
	"context"
	"errors"
	"fmt"

	"lethe/pipeline/registry/event"
)

// Delivered is how many events of a type came from a source, in deliveries that somebody signed, or that nobody did.
type Delivered struct {
	Source string
	Type   event.Type
	Signed bool // or nothing says so any more, because their people were forgotten
	Events int64
}

// Delivered counts a silo's events after one position and up to another by who delivered them and type, in that order;
// without those that Lethe wrote by itself.
func (r *Registry) Delivered(ctx context.Context, silo string, after, upto int64) (list []Delivered, err error) {
	signed := fmt.Sprintf("COALESCE(p.flags & %d, 1) <> 0", event.FlagSigned)
	rows, err := r.store.Query(ctx, `SELECT e.source, e.type, `+signed+`, COUNT(*) FROM event e
		LEFT JOIN event_payload p ON p.silo = e.silo AND p.seq = e.seq
		WHERE e.silo = (SELECT silo FROM silo WHERE name = ?) AND e.seq > ? AND e.seq <= ? AND e.source <> ?
		GROUP BY e.source, e.type, `+signed+` ORDER BY e.source, e.type, 3`, silo, after, upto, event.Own)
	if err != nil {
		return nil, fmt.Errorf("count what was delivered to silo %q: %w", silo, err)
	}
	for rows.Next() {
		var d Delivered
		if err := rows.Scan(&d.Source, &d.Type, &d.Signed, &d.Events); err != nil {
			return nil, errors.Join(fmt.Errorf("count what was delivered to silo %q: %w", silo, err), rows.Close())
		}
		list = append(list, d)
	}
	return list, errors.Join(rows.Err(), rows.Close())
}
