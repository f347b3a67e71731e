package planner

import (
	"context"

	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
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
		if now && s.Rewrite != nil {
			s.Rewrite = &setup.RewriteTerms{}
		}
		d, err := pl.follow(ctx, s, drafts)
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
