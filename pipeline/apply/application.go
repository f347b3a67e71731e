package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lethe/connectors"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
	"lethe/pipeline/stores"
)

// chunkRoots is the number of governed rows with which a group starts; the time for which a chunk's change
// keeps the source's rows locked then adapts it. What comes after the change, in the registry and the
// journal, holds nobody up, and costs a row the less the more there are.
const (
	chunkRoots = 200
	maxRoots   = 5000
	chunkTime  = 200 * time.Millisecond
)

// application is one group of a plan being executed.
type application struct {
	*Applier
	plan     *plan.Sealed
	position int // of the group in the plan
	store    *stores.Store
	judge    *judge.Judge
	segments [][]judge.Planned
	mutator  connectors.Mutator
	asOf     time.Time
	took     time.Duration // the change of the last chunk
}

// applications decrypts the rows of the groups of a plan that are in one source, which all have their judges.
func (ap *Applier) applications(s *stores.Store, p *plan.Sealed, groups []int) ([]*application, error) {
	id, err := ap.Setup.Keys.PlanIdentity(p.PlanID)
	if err != nil {
		return nil, err
	}
	apps := make([]*application, len(groups))
	for k, i := range groups {
		g := p.Groups[i]
		a := &application{Applier: ap, plan: p, position: i, store: s, judge: s.Judge(g.Silo, g.Table)}
		a.asOf = later(p.AsOf, ap.Tonight.AsOf)
		for _, seg := range g.Segments {
			rows, err := plan.ReadRows(p.Folder, seg, id)
			if err != nil {
				return nil, err
			}
			a.segments = append(a.segments, rows)
		}
		apps[k] = a
	}
	return apps, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// applyLive executes the groups of a plan that are in a live source.
func (ap *Applier) applyLive(ctx context.Context, s *stores.Store, p *plan.Sealed, apps []*application,
	chunks []journal.Chunk) (done bool, err error) {
	mutator, ok := s.Conn.(connectors.Mutator)
	if !ok {
		ap.Notes.Problem(fmt.Errorf("%w: plan %s changes rows of source %s, which can only be read now: "+
			"give it an apply_dsn again", setup.ErrSource, p.PlanID, s.Name))
		return false, nil
	}
	for _, a := range apps {
		a.mutator = mutator
		if err := a.run(ctx, chunks); errors.Is(err, setup.ErrStopped) {
			return false, err
		} else if err != nil {
			ap.Stores.FailedSource(s, err)
			return false, nil
		}
	}
	return true, nil
}

// run settles what an earlier run left open, then goes on chunk by chunk from where the journal ends.
func (a *application) run(ctx context.Context, chunks []journal.Chunk) error {
	next := int64(0)
	for _, c := range chunks {
		if c.Group != a.position {
			continue
		}
		if c.Outcome == nil {
			if err := a.settle(ctx, c, true); err != nil {
				return err
			}
		}
		next = c.First + c.Rows
	}

	size := int64(chunkRoots)
	for total := a.units(); next < total; {
		if err := state.MayWrite(a.Setup, a.Tonight.Until); err != nil {
			return err
		}
		c, err := a.intend(ctx, next, min(size, a.stageEnd(next)-next))
		if err != nil {
			return err
		}
		a.Setup.Crash("intent")
		if err := a.settle(ctx, c, false); err != nil {
			return err
		}
		size = nextSize(size, a.took)
		next += c.Rows
		a.Setup.Progress("apply", a.store.Name, next, total)
	}
	return nil
}

// intend makes the intent of changing some units durable.
func (a *application) intend(ctx context.Context, first, rows int64) (journal.Chunk, error) {
	return a.Journal.Intend(ctx, journal.Chunk{RunID: a.Tonight.RunID, PlanID: a.plan.PlanID, Group: a.position,
		First: first, Rows: rows, IntentAt: a.Setup.Now()})
}

// nextSize is the size of the chunk after one of a size that took so long.
func nextSize(size int64, took time.Duration) int64 {
	switch {
	case took > chunkTime:
		return max(1, size/2)
	case took < chunkTime/3:
		return min(maxRoots, size*2)
	}
	return size
}

// units counts what chunks are made of: the governed rows, then the owned parents, segment by segment.
func (a *application) units() int64 {
	n := int64(len(a.segments[0]))
	for i, seg := range a.plan.Groups[a.position].Segments {
		if seg.Kind == plan.Owned {
			n += int64(len(a.segments[i]))
		}
	}
	return n
}

// stageEnd is the end of the segment of units that a position is in: a chunk never spans two.
func (a *application) stageEnd(position int64) int64 {
	end := int64(len(a.segments[0]))
	for i, seg := range a.plan.Groups[a.position].Segments {
		if position < end {
			break
		}
		if seg.Kind == plan.Owned {
			end += int64(len(a.segments[i]))
		}
	}
	return end
}
