package planner

import (
	"context"

	"lethe/pipeline/dependents"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

// Person plans what is due of the rows that were judged, which are those of one person, in all sources: by plans of
// their own, that standing orders let go, or that wait for people as on any night. Plans that wait are left alone.
// now has backups with rows of theirs rewritten whatever their cadence.
func (pl *Planner) Person(ctx context.Context, now bool) error {
	var drafts []*plan.Draft
	for _, s := range pl.Stores.List {
		if s.Err != nil {
			continue
		}
		d, err := pl.draftPerson(ctx, s, drafts, now)
		if err != nil {
			return err
		}
		if d != nil {
			drafts = append(drafts, d)
		}
	}
	if err := pl.Limits.LearnTriggers(ctx); err != nil {
		return err
	}
	pl.Limits.Divide(drafts)
	ordered, err := pl.seal(ctx, drafts, plan.Destructive, "ordered", destroyed(false))
	if err != nil {
		return err
	}
	if ordered == nil {
		for _, d := range drafts {
			d.AskAll()
		}
	}
	if _, err := pl.seal(ctx, drafts, plan.Destructive, "destructive", destroyed(true)); err != nil {
		return err
	}
	_, err = pl.seal(ctx, drafts, plan.Reversible, "reversible", pl.reversible)
	return err
}

// draftPerson follows what refers to the person's rows in one source; nil where that fails, which is the source's.
func (pl *Planner) draftPerson(ctx context.Context, s *stores.Store, drafts []*plan.Draft,
	now bool) (*plan.Draft, error) {
	d := &plan.Draft{Store: s, Graph: dependents.New(s, pl.Tonight.RunID, pl.Session.Pending, pl.Tonight.Room)}
	pl.foresee(ctx, s, d.Graph)
	for _, live := range drafts {
		if live.Name == s.Of {
			d.Graph.Behind(live.Graph)
		}
	}
	if now && s.Rewrite != nil {
		s.Rewrite = &setup.RewriteTerms{}
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
	}
	return d, nil
}
