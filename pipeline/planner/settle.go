package planner

import (
	"lethe/pipeline/audit"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/decide"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/stores"
)

// settleRoots applies row D10 of the decision table to rows that a referencing row holds back, and writes
// the decisions that waited for it.
func (pl *Planner) settleRoots(g *judge.Judge) error {
	kept := g.Roots[:0]
	for _, r := range g.Roots {
		if r.Ruling != nil {
			if r.Kept {
				pl.holdBack(g, r)
			} else if r.Waits && r.Block {
				r.Change, r.Block = judge.Block, false
			} else if r.Waits {
				r.Change = judge.None
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

// leaveReadOnly keeps the rows of a source that can only be read out of the plan, and names how many would
// have to change: somebody else has to see to them.
func (pl *Planner) leaveReadOnly(s *stores.Store, g *judge.Judge) {
	if !s.ReadOnly || s.Backup() || len(g.Roots) == 0 {
		return
	}
	pl.Notes.Except(audit.Exception{Silo: g.Silo.Silo.Name, Source: s.Name, Object: g.Table.Name,
		Code: notes.CodeReadOnly, Count: int64(len(g.Roots)), Owner: g.Silo.Silo.Rules[0].Owner})
	pl.Setup.Log.Warn("rows would have to change, but the source can only be read: "+
		"give it an apply_dsn, or have its application change them", "run_id", pl.Tonight.RunID,
		"source", s.Name, "table", g.Table.Name, "rows", len(g.Roots))
	g.Roots = nil
}

// holdBack decides a row anew that cannot be deleted, because a row that stays refers to it.
func (pl *Planner) holdBack(g *judge.Judge, r *judge.Root) {
	before := *r.Ruling
	if r.Held {
		r.Ruling.Decision = decide.Held(r.Ruling.Decision)
	} else {
		r.Ruling.Decision = decide.WithDependent(r.Ruling.Decision)
	}
	r.Code, r.Change = r.Ruling.Reason, judge.None
	if r.Ruling.Action == policy.Anonymize && len(g.Targets) > 0 && !r.Anonymized {
		r.Change, r.Guard = judge.Anonymize, r.ElseGuard
	}
	if r.Change == judge.None && r.Block { // the row stays, so ending its use is all that is left to do
		r.Change, r.Block = judge.Block, false
	}

	r.Ruling.Change = r.Change
	g.Recount(before, *r.Ruling)
	pl.Notes.Except(audit.Exception{Silo: g.Silo.Silo.Name, Source: g.Source.Name, Object: g.Table.Name,
		Code: string(reason.EDependentKept), Count: 1})
}
