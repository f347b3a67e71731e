package ask

import (
	"context"
	"fmt"

	"lethe/pipeline/review"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// LastRead returns what the newest runs that read the sources said of them.
func LastRead(ctx context.Context, p *setup.Setup) (n review.Nights, err error) {
	j, err := p.Journal(ctx)
	if err != nil {
		return n, err
	}
	defer j.Close()
	nights, err := j.Nights(ctx, 100)
	if err != nil {
		return n, err
	}
	for _, r := range nights {
		if r.EndedAt.IsZero() || len(r.Facts) == 0 {
			continue
		}
		f, err := state.FactsOf(r)
		if err != nil {
			return n, err
		}
		switch {
		case f.Run.Phases == "apply" || len(f.Inventory) == 0:
		case n.Last == nil:
			n.Last, n.Read = f.Inventory, r.EndedAt
		default:
			n.Before = f.Inventory
			return n, nil
		}
	}
	if n.Last != nil {
		return n, nil
	}
	return n, fmt.Errorf("%w: no run has read the sources yet: `lethe discover` does, and changes nothing",
		setup.ErrConfig)
}
