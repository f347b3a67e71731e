package execute

import (
	"context"
	"errors"

	"lethe/connectors"
	"lethe/pipeline/plan"
)

// maxLocked is how many units that somebody else has locked are waited for: with more, the source fails, for each
// costs the limit of the engine several times over.
const maxLocked = 5

// locked goes on without what somebody else has locked: halves it until the unit is alone, which stays for the next
// night. What an earlier run may have changed, or a transaction before has begun, is not known to be as it was.
func (x *Executor) locked(ctx context.Context, t *transaction, refusal error) error {
	if t.recovering || t.first < t.from || t.last > t.to || ctx.Err() != nil || len(x.waited) >= maxLocked {
		return refusal
	}
	middle := x.halve(t)
	if middle == t.to {
		table := ""
		var at *connectors.Error
		if errors.As(refusal, &at) {
			table = at.Table
		}
		x.waited = append(x.waited, table)
		for i := t.from; i < t.to; i++ {
			x.outcomes[i] = plan.Locked
		}
		return nil
	}
	if err := x.Live(ctx, t.mutator, t.from, middle, false); err != nil {
		return err
	}
	if x.ends == nil {
		err := x.Live(ctx, t.mutator, middle, t.to, false)
		if !errors.Is(err, connectors.ErrLocked) {
			return err
		}
		x.ends = err
	}
	for i := middle; i < t.to; i++ { // the outcome of the first half has to be known
		if x.outcomes[i] == 0 {
			x.outcomes[i] = plan.Locked
		}
	}
	return nil
}

// Waited are the tables, once for each unit, in which somebody else had locked rows, "" where the engine does not say;
// and the error by which the source ends, since there were too many.
func (x *Executor) Waited() ([]string, error) { return x.waited, x.ends }
