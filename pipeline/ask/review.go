package ask

import (
	"context"
	"fmt"

	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// LastRead returns the facts of the newest run that read the sources.
func LastRead(ctx context.Context, p *setup.Setup) (audit.Facts, error) {
	j, err := journal.Open(ctx, p.State)
	if err != nil {
		return audit.Facts{}, err
	}
	defer j.Close()
	nights, err := j.Nights(ctx, 100)
	if err != nil {
		return audit.Facts{}, err
	}
	for _, r := range nights {
		if r.EndedAt.IsZero() || len(r.Facts) == 0 {
			continue
		}
		f, err := state.FactsOf(r)
		if err != nil {
			return audit.Facts{}, err
		}
		if f.Run.Phases != "apply" && len(f.Inventory) > 0 {
			return f, nil
		}
	}
	return audit.Facts{}, fmt.Errorf("%w: no run has read the sources yet: `lethe discover` does, and changes nothing",
		setup.ErrConfig)
}
