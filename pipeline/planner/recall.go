package planner

import (
	"context"
	"encoding/hex"
	"fmt"

	"lethe/pipeline/change"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
)

// Recall ends waiting plans whose time is over, and remembers the rows of the others: they are not planned
// again, so that approvers never chase a moving digest. A waiting plan that cannot be opened holds nothing back:
// it is left alone, as a problem, until a person discards it or its folder is put back. Its rows may then stand
// in a second plan; whichever is applied later finds them changed.
func (pl *Planner) Recall(ctx context.Context) error {
	if err := pl.setAside(ctx); err != nil {
		return err
	}
	plans, err := pl.Journal.Plans(ctx, journal.Waiting, journal.Approved)
	if err != nil {
		return err
	}
	for _, entry := range plans {
		p, err := plan.Open(pl.Setup.State, entry)
		if err == nil && entry.State == journal.Waiting && !pl.Tonight.AsOf.Before(p.ValidUntil) {
			if err := plan.Lapse(ctx, pl.Setup, pl.Journal, p, pl.Tonight.RunID); err != nil {
				return err
			}
			continue
		}
		if err == nil {
			err = pl.remember(p)
		}
		if err != nil && entry.State == journal.Waiting {
			pl.Notes.LeaveAlone(entry.ID, err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// setAside makes the rows known to the judges that the database refused to change and whose next try is still to
// come. Somebody may want them tried now: then none is set aside any more.
func (pl *Planner) setAside(ctx context.Context) error {
	if pl.Tonight.Retry {
		return pl.Journal.EndAside(ctx)
	}
	list, err := pl.Journal.SetAside(ctx, pl.Tonight.AsOf, pl.Setup.PolicyDigest)
	if err != nil {
		return err
	}
	for _, r := range list {
		row := judge.Aside{Source: r.Aside.Source, Table: r.Aside.Table, Destroys: r.Aside.Destroys}
		if _, err := hex.Decode(row.Record[:], []byte(r.Aside.Record)); err != nil {
			return fmt.Errorf("rows that are set aside: %w", journal.ErrCorrupt)
		}
		pl.Session.Aside[row] = true
	}
	return nil
}

// remember makes the governed rows of a destructive plan known to the judges: they stand in a plan already.
func (pl *Planner) remember(p *plan.Sealed) error {
	if p.Part == plan.Reversible {
		return nil
	}
	id, err := pl.Setup.Keys.PlanIdentity(p.PlanID)
	if err != nil {
		return plan.Unusable(p.PlanID, err)
	}
	sets := make([]*change.Set, len(p.Sets))
	for i, s := range p.Sets {
		if sets[i], err = p.Changes(s, id); err != nil {
			return plan.Unusable(p.PlanID, err)
		}
	}
	for i, s := range p.Sets {
		set := sets[i]
		for i := range set.Rows {
			c := &set.Rows[i]
			if c.Kind == change.Root {
				place := judge.Place{Source: s.Source, Table: c.Table, Key: c.Key}
				pl.Session.Pending[place] = c.Op == judge.Anonymize
			}
		}
	}
	return nil
}

// askAgain lets standing orders answer the plans that wait and that nobody has answered: those that a run
// without --apply sealed, which would otherwise keep their rows from the nights until they lapse. A plan of
// another policy is the people's.
func (pl *Planner) askAgain(ctx context.Context) error {
	if !pl.Tonight.Apply {
		return nil
	}
	waiting, err := pl.Journal.Plans(ctx, journal.Waiting)
	if err != nil {
		return err
	}
	for _, entry := range waiting {
		if pl.Notes.LeftAlone[entry.ID] {
			continue
		}
		p, err := plan.Open(pl.Setup.State, entry)
		if err != nil {
			return err
		}
		answered, err := pl.Journal.Approvals(ctx, entry.ID)
		if err != nil {
			return err
		}
		if len(answered) > 0 || p.PolicyDigest != pl.Setup.PolicyDigest || !pl.Limits.Covers(p) {
			continue
		}
		pl.Limits.Note(p)
		if err := pl.Journal.SetPlanState(ctx, entry.ID, journal.Approved, ""); err != nil {
			return err
		}
	}
	return nil
}
