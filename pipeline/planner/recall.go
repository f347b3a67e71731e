package planner

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"filippo.io/age"

	"lethe/pipeline/aside"
	"lethe/pipeline/audit"
	"lethe/pipeline/change"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
	"lethe/pipeline/waiting"
)

// Recall ends waiting plans whose time is over, and remembers the rows of the others: those of a plan that somebody
// has answered are not planned again, so that approvers never chase a moving digest; that of one that nobody has may
// be renewed. A plan that cannot be opened, waiting or approved, holds
// nothing back: it is left alone, as a problem, until a person discards it or its folder is put back. Its rows may
// then stand in a second plan; whichever is applied later finds them changed.
func (pl *Planner) Recall(ctx context.Context) error {
	if pl.Tonight.Retry { // somebody wants what is set aside tried now
		if err := pl.Journal.EndAside(ctx); err != nil {
			return err
		}
	}
	plans, err := pl.Journal.Plans(ctx, journal.Waiting, journal.Approved)
	if err != nil {
		return err
	}
	for _, entry := range plans {
		was := entry.State
		if entry.State, err = plan.Follow(ctx, pl.Setup, pl.Journal, entry, pl.Tonight.RunID); err != nil {
			return err
		}
		if entry.State != was {
			words := "The journal had this plan as " + was + ", and by what people answered it is " + entry.State +
				": somebody wrote there, or an answer was cut off while it was recorded."
			pl.Notes.Find(audit.Finding{Kind: "F_PLAN_STATE", Severity: "medium", Object: entry.ID, Count: 1,
				Article: "Art. 5(2)", Words: words})
		}
		if entry.State == journal.Rejected {
			continue
		}
		p, identity, unusable := plan.Usable(pl.Setup, entry)
		over, err := pl.over(ctx, entry, unusable)
		if err != nil {
			return err
		}
		if over {
			if err := plan.Lapse(ctx, pl.Setup, pl.Journal, entry.ID, pl.Tonight.RunID); err != nil {
				return err
			}
			continue
		}
		if unusable == nil {
			renewable, err := pl.renewable(ctx, entry, p)
			if err != nil {
				return err
			}
			// a run that only applies plans nothing, and the applier opens the rows of what is approved itself
			if pl.Tonight.Phases != setup.ApplyOnly || entry.State != journal.Approved {
				unusable = pl.remember(p, identity, renewable)
			}
		}
		if unusable != nil {
			pl.Notes.LeaveAlone(entry.ID, unusable)
		}
	}
	return nil
}

// SetAside makes the rows known to the judges that the database refused to change and whose next try is still to
// come.
func (pl *Planner) SetAside(ctx context.Context) error {
	list, err := pl.Journal.SetAside(ctx, pl.Tonight.AsOf, pl.Setup.PolicyDigest)
	if err != nil {
		return err
	}
	for _, r := range list {
		row := aside.Row{System: r.Aside.Source, Table: r.Aside.Table, Destroys: r.Aside.Destroys}
		if _, err := hex.Decode(row.Record[:], []byte(r.Aside.Record)); err != nil {
			return fmt.Errorf("rows that are set aside: %w", journal.ErrCorrupt)
		}
		pl.Session.Aside.Add(row)
	}
	return nil
}

// over reports whether the time of a plan is over that nobody approved in it, or that cannot be applied and has not
// begun. What else is approved is its applier's business.
func (pl *Planner) over(ctx context.Context, entry journal.Plan, unusable error) (bool, error) {
	if pl.Tonight.AsOf.Before(entry.ValidUntil) || entry.State == journal.Approved && unusable == nil {
		return false, nil
	}
	chunks, err := pl.Journal.Chunks(ctx, entry.ID)
	return len(chunks) == 0, err
}

// remember makes the governed rows of a destructive plan known to the judges: they stand in a plan already. Those of
// one that may be renewed are judged as if they did not.
func (pl *Planner) remember(p *plan.Sealed, identity age.Identity, renewable bool) (err error) {
	if p.Part == plan.Reversible {
		return nil
	}
	rows := waiting.In(pl.Tonight.Room)
	for _, s := range p.Sets {
		if err := governed(p, s, identity, rows); err != nil {
			return plan.Unusable(p.PlanID, err)
		}
	}
	if renewable {
		pl.older = append(pl.older, &older{plan: p, rows: rows})
		return nil
	}
	for place, anonymizes := range rows.All() {
		pl.Session.Pending.Add(place, anonymizes)
	}
	return nil
}

// governed finds the rows of a set that a silo decides, one after another: a plan may have very many. Its error is that
// of a set which is not whole, or of which a row refers to none of its unit.
func governed(p *plan.Sealed, s plan.Set, identity age.Identity, rows *waiting.Rows) error {
	at, unit, first, last := 0, int64(0), 0, 0 // first: of the unit; last: that the unit refers to, and one
	broken := fmt.Errorf("read set %s: its rows are not those that were sealed: %w", s.Changes, setup.ErrChanged)
	for row, err := range p.Entries(s, identity) {
		if err != nil {
			return err
		}
		if at == 0 || row.Unit != unit {
			if last > at {
				return broken
			}
			unit, first = row.Unit, at
		}
		for _, r := range row.Refs {
			if r.Row < first || int64(r.Row) >= s.Rows || r.Edge < 0 || r.Edge >= len(s.Edges) {
				return broken
			}
			last = max(last, r.Row+1)
		}
		if row.Kind == change.Root {
			rows.Add(waiting.Place{Source: s.Source, Table: row.Table, Key: row.Key}, row.Op == judge.Anonymize)
		}
		at++
	}
	if last > at || int64(at) != s.Rows {
		return broken
	}
	return nil
}

// askAgain lets standing orders answer the plans that wait and that nobody has answered: those that a run
// without --apply sealed, which would otherwise keep their rows from the nights until they lapse. A plan of
// another policy is the people's.
func (pl *Planner) askAgain(ctx context.Context) error {
	return pl.eachWaiting(ctx, func(p *plan.Sealed) error {
		said, err := plan.SaidOf(ctx, pl.Setup, pl.Journal, p)
		if err != nil {
			return err
		}
		if said.Answered() || p.PolicyDigest != pl.Setup.PolicyDigest || !pl.Limits.Covers(p) {
			return nil
		}
		pl.Limits.Note(p)
		return pl.Journal.SetPlanState(ctx, p.PlanID, journal.Approved, "")
	})
}

// unanswered makes a problem of each plan that asks and that people have not answered, tonight's and those of nights
// before: it is the same question for as long as it stands.
func (pl *Planner) unanswered(ctx context.Context) error {
	return pl.eachWaiting(ctx, func(p *plan.Sealed) error {
		said, err := plan.SaidOf(ctx, pl.Setup, pl.Journal, p)
		if err != nil {
			return err
		}
		if len(p.Questions) > 0 {
			pl.Notes.Problem(fmt.Errorf("%w: plan %s asks %s and waits for %s: look at it with "+
				"`lethe plan show`, then `lethe approve`", setup.ErrUnapproved, p.PlanID,
				strings.Join(p.Questions, ", "), strings.Join(plan.Missing(pl.Setup, p, said), " and ")))
		}
		return nil
	})
}

// eachWaiting does something with each waiting plan that can be opened, in a night that applies.
func (pl *Planner) eachWaiting(ctx context.Context, do func(*plan.Sealed) error) error {
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
		p, err := plan.Read(pl.Setup.State, entry)
		if err == nil {
			err = do(p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
