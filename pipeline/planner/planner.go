package planner

import (
	"context"
	"fmt"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/dependents"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/limits"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
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
}

// Plan seals what the night is to change: dependents are followed, limits tested, standing orders asked. What destroys is up to
// two plans, one that orders let go and one that waits for people; what can be taken back is one of its own.
func (pl *Planner) Plan(ctx context.Context) error {
	if err := pl.Limits.Stops(); err != nil {
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
			d.Graph.Unseal()
		}
	}
	asked, err := pl.seal(ctx, drafts, plan.Destructive, "destructive", destroyed(true))
	if err != nil {
		return err
	}
	if pl.Tonight.Apply && asked != nil && len(asked.Questions) > 0 {
		pl.Notes.Problem(fmt.Errorf("%w: plan %s asks %s and nobody has answered: look at it with `lethe plan show`, then `lethe approve`", setup.ErrUnapproved, asked.PlanID, strings.Join(asked.Questions, ", ")))
	}
	_, err = pl.seal(ctx, drafts, plan.Reversible, "reversible", pl.reversible)
	return err
}

// draft follows, source by source, what refers to the rows that are to go, and settles which of them can.
func (pl *Planner) draft(ctx context.Context) ([]*plan.Draft, error) {
	var drafts []*plan.Draft
	for _, s := range pl.Stores.List {
		if s.Err != nil {
			continue
		}
		d := &plan.Draft{Store: s, Graph: dependents.New(s)}
		if err := pl.Limits.Cadence(ctx, d); err != nil {
			return nil, err
		}
		if err := d.Graph.Follow(ctx); err != nil {
			pl.Stores.FailedSource(s, err)
			continue
		}
		for _, g := range s.Judges {
			if err := pl.settleRoots(g); err != nil {
				return nil, err
			}
			pl.leaveReadOnly(s, g)
			pl.Notes.Facts.Summary = append(pl.Notes.Facts.Summary, g.Summaries()...)
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
func (pl *Planner) reversible(d *plan.Draft, r *judge.Root) judge.Change {
	switch {
	case d.Backup():
		return judge.None
	case r.Change.Reversible():
		return r.Change
	case r.Block && (r.Asks || r.Ramped || !pl.Tonight.Apply):
		return judge.Block
	}
	return judge.None
}

// keepFlags records the nights that first found a reason without a date, and drops those whose reason went, for silos whose sources were all read.
func (pl *Planner) keepFlags(ctx context.Context) error {
	if !pl.Tonight.Apply {
		return nil
	}
	for name, st := range pl.Silos.Silos {
		var now []registry.Flag
		whole := true
		for _, s := range pl.Stores.List {
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
		if err := pl.Silos.Registry.SetFlags(ctx, name, added); err != nil {
			return err
		}
		var gone []registry.FlagKey
		for f := range st.Flags {
			if whole && f.Reason != judge.FlagBlocked && !seen[f] {
				gone = append(gone, f)
			}
		}
		if err := pl.Silos.Registry.DropFlags(ctx, name, gone); err != nil {
			return err
		}
	}
	return nil
}

// settleRoots applies row D10 of the decision table to rows that a referencing row holds back, and writes the decisions that
// waited for it.
func (pl *Planner) settleRoots(g *judge.Judge) error {
	kept := g.Roots[:0]
	for _, r := range g.Roots {
		if r.Ruling != nil {
			if r.Kept {
				pl.holdBack(g, r)
			}
			if err := pl.Session.Decisions.Append(g.Decision(*r.Ruling, r.Ref)); err != nil {
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
func (pl *Planner) leaveReadOnly(s *stores.Store, g *judge.Judge) {
	if !s.ReadOnly || s.Backup() || len(g.Roots) == 0 {
		return
	}
	pl.Notes.Except(audit.Exception{Silo: g.Silo.Silo.Name, Source: s.Name, Object: g.Table.Name, Code: notes.CodeReadOnly,
		Count: int64(len(g.Roots)), Owner: g.Silo.Silo.Rules[0].Owner})
	pl.Setup.Log.Warn("rows would have to change, but the source can only be read: "+
		"give it an apply_dsn, or have its application change them", "run_id", pl.Tonight.RunID,
		"source", s.Name, "table", g.Table.Name, "rows", len(g.Roots))
	g.Roots = nil
}

// holdBack decides a row anew that cannot be deleted, because a row that stays refers to it.
func (pl *Planner) holdBack(g *judge.Judge, r *judge.Root) {
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
	pl.Notes.Except(audit.Exception{Silo: g.Silo.Silo.Name, Source: g.Source.Name, Object: g.Table.Name, Code: string(policy.EDependentKept), Count: 1})
}

// Recall ends waiting plans whose time is over, and remembers the rows of the others: they are not planned again, so that approvers never
// chase a moving digest.
func (pl *Planner) Recall(ctx context.Context) error {
	plans, err := pl.Journal.Plans(ctx, journal.Waiting, journal.Approved)
	if err != nil {
		return err
	}
	for _, entry := range plans {
		p, err := plan.Open(pl.Setup.State, entry)
		if err != nil {
			return err
		}
		if entry.State == journal.Waiting && !pl.Tonight.AsOf.Before(p.ValidUntil) {
			if err := plan.Lapse(ctx, pl.Setup, pl.Journal, p, pl.Tonight.RunID); err != nil {
				return err
			}
			continue
		}
		id, err := pl.Setup.Keys.PlanIdentity(p.PlanID)
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
					pl.Session.Pending[judge.Place{Source: g.Source, Table: s.Table, Key: r.Key}] = r.Change == judge.Anonymize
				}
			}
		}
	}
	return nil
}

// askAgain lets standing orders answer the plans that wait and that nobody has answered: those that a run without --apply sealed, which would otherwise keep
// their rows from the nights until they lapse. A plan of another policy is the people's.
func (pl *Planner) askAgain(ctx context.Context) error {
	if !pl.Tonight.Apply {
		return nil
	}
	waiting, err := pl.Journal.Plans(ctx, journal.Waiting)
	if err != nil {
		return err
	}
	for _, entry := range waiting {
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
