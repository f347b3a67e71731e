package apply

import (
	"context"
	"errors"

	"lethe/connectors"
	"lethe/pipeline/dependents"
	"lethe/pipeline/plan"
)

// releaseOwned deletes parents that only deleted rows referred to: each is locked, and goes only if no row
// of any table refers to it any more.
func (a *application) releaseOwned(ctx context.Context, p *part, recovering bool) error {
	lock, byKey, err := a.lock(p)
	if err != nil {
		return err
	}
	lock.Fields = lock.Keys.Fields
	r := &releaser{part: p, byKey: byKey, used: map[connectors.Key]bool{}, key: leading(len(lock.Fields)),
		absent: gone(recovering)}
	steps := []step{{lock, func(connectors.Batch) (connectors.Edit, error) { return connectors.Edit{}, nil }}}
	for _, ed := range dependents.New(a.store).Edges[p.table] {
		q := connectors.Query{Table: ed.Child.Name, Fields: ed.Fields,
			Keys: &connectors.Keys{Fields: ed.Fields, Tuples: lock.Keys.Tuples}}
		steps = append(steps, step{q, r.use(leading(len(ed.Fields)))})
	}
	steps = append(steps, step{lock, r.release})

	var again retry
	for {
		clear(r.used)
		switch err := a.mutate(ctx, steps, func() error { return nil }); {
		case err == nil:
			return nil
		case errors.Is(err, connectors.ErrRefused):
			for k := range p.outcome {
				p.outcome[k] = plan.Refused
			}
			return nil
		default:
			if err := again.after(ctx, err); err != nil {
				return err
			}
		}
	}
}

// releaser lets the locked parents of one part go.
type releaser struct {
	part   *part
	byKey  map[connectors.Key]int
	used   map[connectors.Key]bool // parents that a row refers to
	key    []int                   // columns of a parent's key
	absent byte                    // the outcome of a parent that is not there
}

// use notes which parents the rows of a table refer to by these columns.
func (r *releaser) use(cols []int) connectors.EditFunc {
	return func(b connectors.Batch) (connectors.Edit, error) {
		for row := range int(b.Rows.NumRows()) {
			ref, _ := connectors.KeyOf(b.Rows, cols, row)
			r.used[ref] = true
		}
		return connectors.Edit{}, nil
	}
}

// release deletes the parents that nothing uses.
func (r *releaser) release(b connectors.Batch) (connectors.Edit, error) {
	outcome := r.part.outcome
	for k := range outcome {
		outcome[k] = r.absent
	}
	edit := connectors.Edit{Ops: make([]connectors.Op, b.Rows.NumRows())}
	for row := range edit.Ops {
		key, _ := connectors.KeyOf(b.Rows, r.key, row)
		k, planned := r.byKey[key]
		switch {
		case !planned:
		case r.used[key]:
			outcome[k] = plan.Drift
		default:
			outcome[k], edit.Ops[row] = plan.Done, connectors.Delete
		}
	}
	return edit, nil
}

// leading are the first n columns.
func leading(n int) []int {
	cols := make([]int, n)
	for i := range cols {
		cols[i] = i
	}
	return cols
}
