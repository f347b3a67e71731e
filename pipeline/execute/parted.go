package execute

import (
	"context"
	"errors"

	"lethe/connectors"
	"lethe/pipeline/dependents/circles"
	"lethe/pipeline/execute/verdict"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
)

// refuse settles a unit that the database refused. What the plan connected may hang together no more, as the rows are
// now: then each part is tried alone, and only one that is refused again stays for that. A row that was to stay anyway
// has its own outcome. Of a unit that is too large for a transaction all that is left is refused.
func (x *Executor) refuse(ctx context.Context, t *transaction, why Refusal) error {
	if t.first < t.from || t.last > t.to || t.otherwise() {
		for i := t.from; i < t.to; i++ {
			x.outcomes[i], x.refused[i] = plan.Refused, why
		}
		return nil
	}
	for i, v := range t.given {
		if v.Op == judge.None {
			x.outcomes[t.from+i], x.held[t.from+i] = v.Outcome, v.Held
		}
	}
	parts := t.parts()
	for _, part := range parts {
		alone := &transaction{Executor: x, mutator: t.mutator, recovering: t.recovering, first: t.first, from: t.from,
			to: t.to, last: t.last, only: part}
		err := error(connectors.ErrRefused)
		if len(parts) > 1 {
			err = alone.try(ctx)
		}
		switch {
		case errors.Is(err, connectors.ErrRefused):
			for i := range part {
				x.outcomes[i], x.refused[i] = plan.Refused, refusalOf(err, why)
			}
		case err != nil:
			return err
		default:
			if err := alone.verify(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// refusalOf is what a refusal says of itself; otherwise where it says nothing.
func refusalOf(err error, otherwise Refusal) Refusal {
	var told *connectors.RefusedError
	if errors.As(err, &told) {
		return Refusal{Class: string(told.Class), By: told.By}
	}
	return otherwise
}

// parts are the rows that were to be changed, by those that hang together as they are now.
func (t *transaction) parts() (parts []map[int]bool) {
	var joined circles.Joined
	changes := func(i int) bool { return i >= t.from && i < t.to && t.given[i-t.from].Op != judge.None }
	type row struct{ table, key string }
	same := map[row]int{}
	for i := t.from; i < t.to; i++ {
		c := &t.set.Rows[i]
		if !changes(i) {
			continue
		}
		if other, twice := same[row{c.Table, string(c.Key)}]; twice {
			joined.Join(i, other)
		}
		same[row{c.Table, string(c.Key)}] = i
		for k, r := range c.Refs {
			if changes(r.Row) && t.seen.Ref(i, k) == verdict.Refers {
				joined.Join(i, r.Row)
			}
		}
		for _, other := range t.seen.Others[i] {
			if changes(other) {
				joined.Join(i, other)
			}
		}
	}
	at := map[int]int{}
	for i := t.from; i < t.to; i++ {
		if !changes(i) {
			continue
		}
		first := joined.First(i)
		if _, known := at[first]; !known {
			at[first] = len(parts)
			parts = append(parts, map[int]bool{})
		}
		parts[at[first]][i] = true
	}
	return parts
}

// stays reports whether a row is not of the part that the transaction changes.
func (t *transaction) stays(i int) bool {
	return t.only != nil && i >= t.from && i < t.to && !t.only[i]
}
