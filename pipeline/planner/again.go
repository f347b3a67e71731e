package planner

import (
	"context"

	"lethe/pipeline/dependents"
	"lethe/pipeline/judge"
	"lethe/pipeline/judge/traces"
	"lethe/pipeline/plan"
	"lethe/pipeline/stores"
)

// sealAgain seals, for the live sources that were put back from a copy, what plans that people or standing orders let
// go had ended in them: nobody is asked once more. What else is due there is asked about as on every night; and so is
// all of it while a question stands whatever a plan holds: who let a row be ended did so by another policy, or day.
func (pl *Planner) sealAgain(ctx context.Context, drafts []*plan.Draft) error {
	restored := func(d *plan.Draft) bool { return !d.Backup() && stores.Back(d.Store) > 0 }
	return pl.again(ctx, drafts, restored)
}

func (pl *Planner) again(ctx context.Context, drafts []*plan.Draft, restored func(*plan.Draft) bool) error {
	some := false
	for _, d := range drafts {
		some = some || restored(d)
	}
	if !some || len(pl.Limits.Asks()) > 0 {
		return nil
	}
	_, err := pl.seal(ctx, drafts, plan.Again, "again", func(d *plan.Draft, r *judge.Root) judge.Change {
		if r.Ramped || !restored(d) || !traces.Bound(r.Change(), traces.End(r.Back)) {
			return judge.None
		}
		return r.Change()
	})
	return err
}

// SealedAgain counts the rows of a judge that stand in the plan that ends them once more.
func SealedAgain(g *judge.Judge) (rows int64) {
	for _, r := range g.Roots {
		if r.Ramped && (r.Change() == judge.Delete || r.Change() == judge.Anonymize) {
			rows++
		}
	}
	return rows
}

// Again plans for one live source, which was put back from a copy, only what is to be ended once more in it.
func (pl *Planner) Again(ctx context.Context, s *stores.Store) error {
	d := &plan.Draft{Store: s, Graph: dependents.New(s, pl.Tonight.RunID, pl.Session.Pending, pl.Tonight.Room)}
	pl.foresee(ctx, s, d.Graph)
	if err := d.Graph.Follow(ctx); err != nil {
		return err
	}
	if err := pl.Limits.LearnTriggers(ctx); err != nil {
		return err
	}
	for _, g := range s.Judges {
		if err := pl.settleRoots(g); err != nil {
			return err
		}
		pl.leaveReadOnly(s, g)
		pl.leaveBarred(s, g)
	}
	return pl.again(ctx, []*plan.Draft{d}, func(*plan.Draft) bool { return true })
}
