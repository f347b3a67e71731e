package apply

import (
	"context"
	"errors"
	"slices"
	"time"

	"lethe/connectors"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
)

// part is the planned rows of one segment that belong to a chunk, with what became of each.
type part struct {
	table   string
	kind    plan.Kind
	rows    []judge.Planned
	outcome []byte
}

// cut divides a part before a root; both sides share the outcomes of the whole.
func (p part) cut(root int64) (low, high part) {
	at := before(p.rows, root)
	return part{p.table, p.kind, p.rows[:at], p.outcome[:at]}, part{p.table, p.kind, p.rows[at:], p.outcome[at:]}
}

// before counts the rows of roots that stand before one; rows stand in the order of their roots.
func before(rows []judge.Planned, root int64) int {
	at, _ := slices.BinarySearchFunc(rows, root, func(r judge.Planned, root int64) int { return int(r.Root - root) })
	return at
}

// parts cuts a chunk out of the segments: some governed rows with what follows from them, or some owned
// parents.
func (a *application) parts(c journal.Chunk) []part {
	group := a.plan.Groups[a.position]
	fresh := func(seg plan.Segment, rows []judge.Planned) part {
		return part{seg.Table, seg.Kind, rows, make([]byte, len(rows))}
	}
	if first := int64(len(a.segments[0])); c.First >= first {
		for i, seg := range group.Segments {
			if seg.Kind != plan.Owned {
				continue
			}
			if end := first + int64(len(a.segments[i])); c.First < end {
				return []part{fresh(seg, a.segments[i][c.First-first:c.First-first+c.Rows])}
			}
			first += int64(len(a.segments[i]))
		}
	}

	var parts []part
	for i, seg := range group.Segments {
		if seg.Kind != plan.Owned {
			rows := a.segments[i]
			parts = append(parts, fresh(seg, rows[before(rows, c.First):before(rows, c.First+c.Rows)]))
		}
	}
	return parts
}

// settle changes one chunk and makes its outcome durable. recovering says that an earlier run may have
// changed it already.
func (a *application) settle(ctx context.Context, c journal.Chunk, recovering bool) error {
	parts := a.parts(c)
	began := time.Now()
	var err error
	if parts[0].kind == plan.Owned {
		err = a.releaseOwned(ctx, &parts[0], recovering)
	} else {
		err = a.try(ctx, parts, recovering)
	}
	if a.took = time.Since(began); err != nil {
		return err
	}
	a.Setup.Crash("changed")

	if err := a.verify(ctx, parts); err != nil {
		return err
	}
	if err := a.trace(ctx, parts[0]); err != nil {
		return err
	}
	a.Setup.Crash("traced")

	var outcome []byte
	for _, p := range parts {
		outcome = append(outcome, p.outcome...)
	}
	if err := a.Journal.Settle(ctx, c.ID, a.Tonight.RunID, outcome, a.Setup.Now()); err != nil {
		return err
	}
	a.Setup.Crash("outcome")
	return nil
}

// errMoved says that the registry got new events while a transaction was at work.
var errMoved = errors.New("the registry moved")

// try changes the parts in one transaction. If the database refuses, the chunk is split until the refused
// row is alone.
func (a *application) try(ctx context.Context, parts []part, recovering bool) error {
	var again retry
	for {
		err := a.transact(ctx, parts, recovering)
		var late *lateChild
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errMoved):
			if err := a.Silos.Reload(ctx, a.judge.Silo.Silo.Name); err != nil {
				return err
			}
		case errors.As(err, &late):
			for i, r := range parts[0].rows {
				if late.roots[r.Root] {
					parts[0].outcome[i] = plan.Drift
				}
			}
		case errors.Is(err, connectors.ErrRefused):
			return a.split(ctx, parts, recovering)
		default:
			if err := again.after(ctx, err); err != nil {
				return err
			}
		}
	}
}

// split tries the halves of a chunk that the database refused; a row that is alone has been refused itself.
func (a *application) split(ctx context.Context, parts []part, recovering bool) error {
	if len(parts[0].rows) == 1 {
		for _, p := range parts {
			for i := range p.outcome {
				p.outcome[i] = plan.Refused
			}
		}
		return nil
	}
	low, high := halve(parts)
	if err := a.try(ctx, low, recovering); err != nil {
		return err
	}
	return a.try(ctx, high, recovering)
}

// halve divides parts in the middle of their governed rows, of which there are two at least; dependents go
// with their roots.
func halve(parts []part) (low, high []part) {
	roots := parts[0].rows
	middle := roots[len(roots)/2].Root
	low, high = make([]part, len(parts)), make([]part, len(parts))
	for i, p := range parts {
		low[i], high[i] = p.cut(middle)
	}
	return low, high
}
