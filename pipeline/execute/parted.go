package execute

import (
	"context"
	"errors"
	"maps"

	"lethe/connectors"
	"lethe/pipeline/dependents/circles"
	"lethe/pipeline/execute/verdict"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
)

// byParts settles a transaction of whole units that the database refused. What the plan connected may hang together no
// more, as the rows are now, and what it did not may: each part is tried apart from the others, by halves, until only
// those stay that are refused alone. A row that was to stay anyway has its own outcome.
func (x *Executor) byParts(ctx context.Context, t *transaction, why Refusal) error {
	for i, v := range t.given {
		if v.Op == judge.None {
			x.outcomes[t.from+i], x.held[t.from+i] = v.Outcome, v.Held
		}
	}
	return x.halves(ctx, t, t.parts(), why)
}

// halves tries each half of some parts that were refused together.
func (x *Executor) halves(ctx context.Context, t *transaction, parts []map[int]bool, why Refusal) error {
	if len(parts) <= 1 {
		for _, part := range parts {
			for i := range part {
				x.outcomes[i], x.refused[i] = plan.Refused, why
			}
		}
		return nil
	}
	middle := (len(parts) + 1) / 2
	for _, half := range [][]map[int]bool{parts[:middle], parts[middle:]} {
		only := map[int]bool{}
		for _, part := range half {
			maps.Copy(only, part)
		}
		alone := &transaction{Executor: x, mutator: t.mutator, recovering: t.recovering, first: t.first, from: t.from,
			to: t.to, last: t.last, all: t.all, only: only}
		err := alone.try(ctx)
		if errors.Is(err, connectors.ErrRefused) {
			err = x.halves(ctx, t, half, refusalOf(err, why))
		} else if err == nil {
			err = alone.verify(ctx)
		}
		if err != nil {
			return err
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
