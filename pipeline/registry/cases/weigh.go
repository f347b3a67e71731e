package cases

import (
	"context"
	"fmt"
	"strings"

	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
)

// WeighRequest records what came of weighing an open request for erasure against the grounds that give way to an
// objection (Art. 17(1)(c), 21(1)), purpose by purpose: upheld, the ground ends; else it outweighs what the person
// says.
func (c *Cases) WeighRequest(ctx context.Context, silo, request, by string, upheld bool, purposes ...string) error {
	what := fmt.Sprintf("weigh request %s in silo %q", request, silo)
	typ, word := event.ObjectionOverridden, "overridden"
	if upheld {
		typ, word = event.ObjectionUpheld, "upheld"
	}
	return c.store.Write(ctx, what, func(tx *database.Txn) error {
		w, err := c.store.Writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		q, collections, err := standing(ctx, w, request, false)
		if err != nil {
			return err
		}
		if q.Kind != RequestErasure || len(purposes) == 0 {
			return fmt.Errorf("%w: it is for %s, and weighed is an erasure, for the purposes of which a ground gives "+
				"way", event.ErrRefused, q.Kind)
		}
		at := event.Instant(w.Now)
		d := event.Details{Request: request, Kind: q.Kind}
		for _, purpose := range purposes {
			e := event.Event{Type: typ, Purpose: purpose, OccurredAt: at, EffectiveFrom: at, Details: d}
			if err := w.OwnEvent(ctx, e, collections); err != nil {
				return err
			}
		}
		return w.Own(ctx, event.RequestNoted, at, event.Details{Request: request, Kind: StepWeighed,
			Because: word + " " + strings.Join(purposes, ","), By: by}, collections)
	})
}

// standing finds an open request, or one that is closed where that is asked for too, with whose it is.
func standing(ctx context.Context, w *chain.Writer, request string, closed bool) (q Request, collections []int32,
	err error) {
	if q, err = requestOf(ctx, w, request); err != nil {
		return q, nil, err
	}
	if q.ID == "" || !q.Closed.IsZero() && !closed {
		return q, nil, fmt.Errorf("%w: there is no such open request", event.ErrRefused)
	}
	collections, err = w.Concerned(ctx, event.RequestOpened, func(d event.Details) bool { return d.Request == request })
	return q, collections, err
}
