// Package planner turns what the judges found into sealed plans.
//
//   - [Planner] has what a night needs for it. Recall remembers the rows of plans that wait already; Plan seals
//     what is new.
//   - A choice names the change, if any, that one plan holds for a row: each of a night's plans has its own.
//   - A sealer writes one plan, a set writer the changes of one source.
package planner

import (
	"context"
	"errors"
	"slices"

	"lethe/pipeline/dependents"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/limits"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
)

// Planner turns what the judges found into sealed plans.
type Planner struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	Journal *journal.Journal
	Silos   *silos.Set
	Stores  *stores.Set
	Scanner *scan.Scanner
	Session *judge.Session
	Limits  *limits.Limits
	older   []*older // plans whose place tonight's may take
}

// Plan seals what the night is to change: dependents are followed, limits tested, standing orders asked.
// What destroys is up to two plans, one that orders let go and one that waits for people; what can be taken
// back is one of its own.
func (pl *Planner) Plan(ctx context.Context) error {
	if err := errors.Join(pl.Limits.Stops(), pl.Limits.Hear(ctx)); err != nil {
		return err
	}
	drafts, err := pl.draft(ctx)
	if err != nil {
		return err
	}
	if err := pl.Session.Decisions.Close(); err != nil {
		return err
	}
	if err := pl.keepFlags(ctx); err != nil {
		return err
	}

	if err := pl.Limits.LearnTriggers(ctx); err != nil {
		return err
	}
	if err := pl.sealAgain(ctx, drafts); err != nil {
		return err
	}
	left := pl.leave(drafts)
	pl.Limits.Ramp(drafts)
	if err := pl.askAgain(ctx); err != nil {
		return err
	}
	pl.Limits.Divide(drafts)

	ordered, err := pl.seal(ctx, drafts, plan.Destructive, "ordered", destroyed(false))
	if err != nil {
		return err
	}
	if ordered == nil { // orders answer nothing, or not this
		for _, d := range drafts {
			d.AskAll()
		}
	}

	withdraw, err := pl.renew(ctx, drafts, left)
	if err != nil {
		return err
	}
	if _, err := pl.seal(ctx, drafts, plan.Destructive, "destructive", destroyed(true)); err != nil {
		return err
	}
	if err := withdraw(); err != nil {
		return err
	}
	if err := pl.unanswered(ctx); err != nil {
		return err
	}
	_, err = pl.seal(ctx, drafts, plan.Reversible, "reversible", pl.reversible)
	for _, d := range drafts { // the night goes on without them
		for _, g := range d.Judges {
			g.Roots, g.Owns = nil, nil
		}
	}
	return err
}

// draft follows, source by source, what refers to the rows that are to go, and settles which of them can.
func (pl *Planner) draft(ctx context.Context) ([]*plan.Draft, error) {
	var drafts []*plan.Draft
	for _, s := range pl.Stores.List {
		if s.Err != nil {
			continue
		}
		d, err := pl.follow(ctx, s, drafts)
		if err != nil {
			return nil, err
		}
		if d == nil {
			continue
		}
		for _, g := range s.Judges {
			pl.Notes.Facts.Summary = append(pl.Notes.Facts.Summary, g.Summary.List()...)
			pl.Notes.Facts.Starts = append(pl.Notes.Facts.Starts,
				stores.StartsOf(g.Binding, g.Spreads, pl.Setup.Since)...)
		}
		drafts = append(drafts, d)
	}
	return drafts, nil
}

// follow follows what refers to the rows of one source that are to go, and settles which of them can; nil where that
// fails, which is the source's. drafts are those before it, among them that of the live source of which it is a backup.
func (pl *Planner) follow(ctx context.Context, s *stores.Store, drafts []*plan.Draft) (*plan.Draft, error) {
	d := &plan.Draft{Store: s, Graph: dependents.New(s, pl.Tonight.RunID, pl.Session.Pending, pl.Tonight.Room)}
	pl.foresee(ctx, s, d.Graph)
	if i := slices.IndexFunc(drafts, func(d *plan.Draft) bool { return d.Name == s.Of }); i >= 0 {
		d.Graph.Behind(drafts[i].Graph)
	}
	if err := pl.Limits.Cadence(ctx, d); err != nil {
		return nil, err
	}
	if err := d.Graph.Follow(ctx); err != nil {
		pl.Stores.FailedSource(s, err)
		return nil, nil
	}
	pl.nameHolders(s, d.Graph)
	for _, g := range s.Judges {
		if err := pl.settleRoots(g); err != nil {
			return nil, err
		}
		pl.leaveReadOnly(s, g)
		pl.leaveBarred(s, g)
		pl.nameUnnamed(s, g)
	}
	return d, nil
}

// choice names the change of a row that stands in a plan; none leaves it out.
type choice func(*plan.Draft, *judge.Root) judge.Change

// destroyed chooses what destroys, of the rows that people are asked about or of the others. In a backup
// that is rewritten anyway, blocking rides along.
func destroyed(asked bool) choice {
	return func(d *plan.Draft, r *judge.Root) judge.Change {
		if r.Change().Reversible() && !d.Backup() || r.Ramped || r.Asks != asked {
			return judge.None
		}
		return r.Change()
	}
}

// reversible chooses what can be taken back. Blocking is not gated: only destruction waits.
func (pl *Planner) reversible(d *plan.Draft, r *judge.Root) judge.Change {
	switch {
	case d.Backup():
		return judge.None
	case r.Change().Reversible():
		return r.Change()
	case r.Block && (r.Asks || r.Ramped || !pl.Tonight.Apply):
		return judge.Block
	}
	return judge.None
}
