package pipeline

import (
	"context"
	"fmt"
	"lethe/pipeline/audit"
	"lethe/pipeline/dependents"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
	"strings"
)

// planner turns what the judges found into sealed plans.
type planner struct {
	setup   *setup.Setup
	tonight setup.Tonight
	notes   *notes.Notes
	journal *journal.Journal
	silos   *silos.Set
	stores  *stores.Set
	scanner *scanner
	session *judge.Session
	limits  *limits
}

// plan seals what the night is to change: dependents are followed, limits tested, standing orders asked. What destroys is up to
// two plans, one that orders let go and one that waits for people; what can be taken back is one of its own.
func (pl *planner) plan(ctx context.Context) error {
	if err := pl.limits.stops(); err != nil {
		return err
	}
	drafts, err := pl.draft(ctx)
	if err != nil {
		return err
	}
	if err := pl.session.Decisions.Close(); err != nil {
		return err
	}
	if err := pl.keepFlags(ctx); err != nil {
		return err
	}
	pl.limits.ramp(drafts)
	if err := pl.askAgain(ctx); err != nil {
		return err
	}
	pl.limits.divide(drafts)
	ordered, err := pl.seal(ctx, drafts, plan.Destructive, "ordered", destroyed(false))
	if err != nil {
		return err
	}
	if ordered == nil { // orders answer nothing, or not this
		for _, d := range drafts {
			d.AskAll()
			d.Graph.Unseal()
		}
	}
	asked, err := pl.seal(ctx, drafts, plan.Destructive, "destructive", destroyed(true))
	if err != nil {
		return err
	}
	if pl.tonight.Apply && asked != nil && len(asked.Questions) > 0 {
		pl.notes.Problem(fmt.Errorf("%w: plan %s asks %s and nobody has answered: look at it with `lethe plan show`, then `lethe approve`", setup.ErrUnapproved, asked.PlanID, strings.Join(asked.Questions, ", ")))
	}
	_, err = pl.seal(ctx, drafts, plan.Reversible, "reversible", pl.reversible)
	return err
}

// draft follows, source by source, what refers to the rows that are to go, and settles which of them can.
func (pl *planner) draft(ctx context.Context) ([]*plan.Draft, error) {
	var drafts []*plan.Draft
	for _, s := range pl.stores.List {
		if s.Err != nil {
			continue
		}
		d := &plan.Draft{Store: s, Graph: dependents.New(s)}
		if err := pl.limits.cadence(ctx, d); err != nil {
			return nil, err
		}
		if err := d.Graph.Follow(ctx); err != nil {
			pl.stores.FailedSource(s, err)
			continue
		}
		for _, g := range s.Judges {
			if err := pl.settleRoots(g); err != nil {
				return nil, err
			}
			pl.leaveReadOnly(s, g)
			pl.notes.Facts.Summary = append(pl.notes.Facts.Summary, g.Summaries()...)
		}
		drafts = append(drafts, d)
	}
	return drafts, nil
}

// destroyed chooses what destroys, of the rows that people are asked about or of the others. In a backup that is rewritten
// anyway, blocking rides along.
func destroyed(asked bool) func(*plan.Draft, *judge.Root) judge.Change {
	return func(d *plan.Draft, r *judge.Root) judge.Change {
		if r.Change.Reversible() && !d.Backup() || r.Ramped || r.Asks != asked {
			return judge.None
		}
		return r.Change
	}
}

// reversible chooses what can be taken back. Blocking is not gated: only destruction waits.
func (pl *planner) reversible(d *plan.Draft, r *judge.Root) judge.Change {
	switch {
	case d.Backup():
		return judge.None
	case r.Change.Reversible():
		return r.Change
	case r.Block && (r.Asks || r.Ramped || !pl.tonight.Apply):
		return judge.Block
	}
	return judge.None
}

// keepFlags records the nights that first found a reason without a date, and drops those whose reason went, for silos whose sources were all read.
func (pl *planner) keepFlags(ctx context.Context) error {
	if !pl.tonight.Apply {
		return nil
	}
	for name, st := range pl.silos.Silos {
		var now []registry.Flag
		whole := true
		for _, s := range pl.stores.List {
			if s.Backup() {
				continue
			}
			whole = whole && s.Err == nil
			for _, g := range s.Judges {
				if g.Silo.Silo.Name == name {
					now = append(now, g.Flags...)
				}
			}
		}
		var added []registry.Flag
		seen := map[registry.FlagKey]bool{}
		for _, f := range now {
			if _, known := st.Flags[f.FlagKey]; !known {
				added = append(added, f)
			}
			seen[f.FlagKey] = true
		}
		if err := pl.silos.Registry.SetFlags(ctx, name, added); err != nil {
			return err
		}
		var gone []registry.FlagKey
		for f := range st.Flags {
			if whole && f.Reason != judge.FlagBlocked && !seen[f] {
				gone = append(gone, f)
			}
		}
		if err := pl.silos.Registry.DropFlags(ctx, name, gone); err != nil {
			return err
		}
	}
	return nil
}

// settleRoots applies row D10 of the decision table to rows that a referencing row holds back, and writes the decisions that
// waited for it.
func (pl *planner) settleRoots(g *judge.Judge) error {
	kept := g.Roots[:0]
	for _, r := range g.Roots {
		if r.Ruling != nil {
			if r.Kept {
				pl.holdBack(g, r)
			}
			if err := pl.session.Decisions.Append(g.Decision(*r.Ruling, r.Ref)); err != nil {
				return err
			}
			r.Ruling = nil
		}
		if !g.Stopped && (r.Change != judge.None || r.Block) {
			kept = append(kept, r)
		}
	}
	g.Roots = kept
	return nil
}

// leaveReadOnly keeps the rows of a source that can only be read out of the plan, and names how many would have
// to change: somebody else has to see to them.
func (pl *planner) leaveReadOnly(s *stores.Store, g *judge.Judge) {
	if !s.ReadOnly || s.Backup() || len(g.Roots) == 0 {
		return
	}
	pl.notes.Except(audit.Exception{Silo: g.Silo.Silo.Name, Source: s.Name, Object: g.Table.Name, Code: notes.CodeReadOnly,
		Count: int64(len(g.Roots)), Owner: g.Silo.Silo.Rules[0].Owner})
	pl.setup.Log.Warn("rows would have to change, but the source can only be read: "+
		"give it an apply_dsn, or have its application change them", "run_id", pl.tonight.RunID,
		"source", s.Name, "table", g.Table.Name, "rows", len(g.Roots))
	g.Roots = nil
}

// holdBack decides a row anew that cannot be deleted, because a row that stays refers to it.
func (pl *planner) holdBack(g *judge.Judge, r *judge.Root) {
	before := *r.Ruling
	r.Ruling.Decision = g.Silo.WithDependent(r.Ruling.Decision)
	r.Code, r.Change = r.Ruling.Reason, judge.None
	if r.Ruling.Action == policy.Anonymize && len(g.Targets) > 0 && !r.Anonymized {
		r.Change, r.Guard = judge.Anonymize, r.ElseGuard
	}
	if r.Change == judge.None && r.Block { // the row stays, so ending its use is all that is left to do
		r.Change, r.Block = judge.Block, false
	}
	r.Ruling.Change = r.Change
	g.Recount(before, *r.Ruling)
	pl.notes.Except(audit.Exception{Silo: g.Silo.Silo.Name, Source: g.Source.Name, Object: g.Table.Name, Code: string(policy.EDependentKept), Count: 1})
}

// recallPlans ends waiting plans whose time is over, and remembers the rows of the others: they are not planned again, so that approvers never
// chase a moving digest.
func (pl *planner) recallPlans(ctx context.Context) error {
	plans, err := pl.journal.Plans(ctx, journal.Waiting, journal.Approved)
	if err != nil {
		return err
	}
	for _, entry := range plans {
		p, err := plan.Open(pl.setup.State, entry)
		if err != nil {
			return err
		}
		if entry.State == journal.Waiting && !pl.tonight.AsOf.Before(p.ValidUntil) {
			if err := plan.Lapse(ctx, pl.setup, pl.journal, p, pl.tonight.RunID); err != nil {
				return err
			}
			continue
		}
		id, err := pl.setup.Keys.PlanIdentity(p.PlanID)
		if err != nil {
			return err
		}
		for _, g := range p.Groups {
			for _, s := range g.Segments {
				if s.Kind != plan.Root || p.Part == plan.Reversible {
					continue
				}
				rows, err := plan.ReadRows(p.Folder, s, id)
				if err != nil {
					return err
				}
				for _, r := range rows {
					pl.session.Pending[judge.Place{Source: g.Source, Table: s.Table, Key: r.Key}] = r.Change == judge.Anonymize
				}
			}
		}
	}
	return nil
}

// askAgain lets standing orders answer the plans that wait and that nobody has answered: those that a run without --apply sealed, which would otherwise keep
// their rows from the nights until they lapse. A plan of another policy is the people's.
func (pl *planner) askAgain(ctx context.Context) error {
	if !pl.tonight.Apply {
		return nil
	}
	waiting, err := pl.journal.Plans(ctx, journal.Waiting)
	if err != nil {
		return err
	}
	for _, entry := range waiting {
		p, err := plan.Open(pl.setup.State, entry)
		if err != nil {
			return err
		}
		answered, err := pl.journal.Approvals(ctx, entry.ID)
		if err != nil {
			return err
		}
		if len(answered) > 0 || p.PolicyDigest != pl.setup.PolicyDigest || !pl.limits.covers(p) {
			continue
		}
		pl.limits.note(p)
		if err := pl.journal.SetPlanState(ctx, entry.ID, journal.Approved, ""); err != nil {
			return err
		}
	}
	return nil
}
