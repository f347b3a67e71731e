// Package apply executes approved plans, and nothing else: what happens to a row stands in its plan, and
// happens only while the row, the registry and the schema still agree with it.
//
//   - [Applier] takes the approved plans one after the other, and makes sure that each may be applied.
//   - An application is one group of a plan being executed; what an earlier run left open is settled first.
//   - A chunk of a live source is changed in one transaction: its intent stands in the journal before, its
//     outcome after. A part is its rows of one segment; an editor says what happens to the rows that the
//     transaction has locked.
//   - A late child is a row that came after the plan and refers to a row that is about to go: both stay.
//   - A releaser deletes the parents that only deleted rows referred to.
//   - A rewrite job is all that one rewrite drops from a backup file and changes in it.
//   - A trace is what later nights must know of a change: tombstones, and the mark of what Lethe blocked.
package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lethe/pipeline/journal"
	"lethe/pipeline/limits"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
)

// Applier executes approved plans.
type Applier struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	Journal *journal.Journal
	Silos   *silos.Set
	Stores  *stores.Set
	Limits  *limits.Limits
}

// Apply executes every approved plan, oldest first. What a crash interrupted is finished; what moved since
// the plan is skipped as drift. A run that may change nothing does nothing.
func (ap *Applier) Apply(ctx context.Context) error {
	if !ap.Tonight.Apply {
		return nil
	}
	plans, err := ap.Journal.Plans(ctx, journal.Approved)
	if err != nil {
		return err
	}
	for _, entry := range plans {
		if err := ap.applyPlan(ctx, entry); errors.Is(err, setup.ErrStopped) {
			ap.Notes.Problem(err)
			return nil
		} else if err != nil {
			return fmt.Errorf("apply plan %s: %w", entry.ID, err)
		}
	}
	for silo := range ap.Silos.Silos { // what was changed just now left its traces
		if err := ap.Silos.RecallTraces(ctx, silo); err != nil {
			return err
		}
	}
	return nil
}

// applyPlan executes one plan group by group: live sources in chunks, backups by one rewrite a file.
func (ap *Applier) applyPlan(ctx context.Context, entry journal.Plan) error {
	p, err := plan.Open(ap.Setup.State, entry)
	if err != nil {
		return err
	}
	chunks, err := ap.Journal.Chunks(ctx, p.PlanID)
	if err != nil {
		return err
	}
	if len(chunks) == 0 && !ap.Tonight.AsOf.Before(p.ValidUntil) {
		return ap.lapse(ctx, p, "%w: plan %s was valid until %s: this night plans anew",
			setup.ErrExpired, p.PlanID, p.ValidUntil.In(ap.Setup.Zone).Format(time.DateOnly))
	}
	if err := ap.authorised(ctx, p); err != nil {
		return err
	}

	whole, err := ap.applyToAll(ctx, p, chunks)
	if err != nil {
		return err
	}
	ap.Setup.Crash("applied")
	if !whole {
		return nil
	}
	if err := ap.Journal.SetPlanState(ctx, p.PlanID, journal.Settled, ap.Tonight.RunID); err != nil {
		return err
	}
	ap.Setup.Crash("settled")
	_, err = ap.Setup.Keys.Destroy("plan/"+p.PlanID, ap.Setup.Now())
	return err
}

// applyToAll executes a plan source by source; whole says that every row of it has its outcome.
func (ap *Applier) applyToAll(ctx context.Context, p *plan.Sealed, chunks []journal.Chunk) (whole bool, err error) {
	whole = true
	for _, s := range ap.Stores.List {
		var groups []int
		for i, g := range p.Groups {
			if g.Source == s.Name {
				groups = append(groups, i)
			}
		}
		if len(groups) == 0 {
			continue
		}
		done, err := ap.applyTo(ctx, s, p, groups, chunks)
		if err != nil {
			return false, err
		}
		whole = whole && done
	}
	for _, g := range p.Groups {
		if ap.Stores.Find(g.Source) != nil || p.Files[g.Source] != "" {
			continue // a backup file that is no longer there holds nothing any more
		}
		whole = false
		ap.Notes.Problem(fmt.Errorf("%w: plan %s names source %s, which the configuration no longer has",
			setup.ErrSource, p.PlanID, g.Source))
	}
	return whole, nil
}

// authorised makes sure, from signatures and the configuration rather than from the journal's word, that a
// plan may be applied.
func (ap *Applier) authorised(ctx context.Context, p *plan.Sealed) error {
	if p.Part == plan.Reversible {
		return nil
	}
	answers, err := plan.Answers(ctx, ap.Setup, ap.Journal, p)
	if err != nil {
		return err
	}
	ap.Notes.Facts.Approvals = append(ap.Notes.Facts.Approvals, plan.Approvals(ap.Setup, p, answers)...)
	missing := plan.Missing(ap.Setup, p, answers)
	if len(missing) == 0 {
		return nil
	}
	if !ap.Limits.Covers(p) {
		return fmt.Errorf("%w: plan %s lacks %v", setup.ErrUnapproved, p.PlanID, missing)
	}
	ap.Limits.Note(p)
	return nil
}

// applyTo executes the groups of a plan that are in one source; done says that every row of them has its
// outcome.
func (ap *Applier) applyTo(ctx context.Context, s *stores.Store, p *plan.Sealed, groups []int,
	chunks []journal.Chunk) (done bool, err error) {
	if s.Err != nil {
		return false, nil
	}
	if len(chunks) == 0 && !sameSchema(s, p, groups) {
		return false, ap.lapse(ctx, p, "%w: the schema of source %s changed since plan %s was made: "+
			"this night plans anew", setup.ErrExpired, s.Name, p.PlanID)
	}
	for _, i := range groups {
		if g := p.Groups[i]; s.Judge(g.Silo, g.Table) == nil {
			return false, ap.lapse(ctx, p, "%w: plan %s: silo %s no longer governs table %s of source %s: "+
				"the plan ends here", setup.ErrExpired, p.PlanID, g.Silo, g.Table, s.Name)
		}
	}

	apps, err := ap.applications(s, p, groups)
	if err != nil {
		return false, err
	}
	if s.Backup() {
		return ap.rewrite(ctx, s, p, apps, chunks)
	}
	return ap.applyLive(ctx, s, p, apps, chunks)
}

// sameSchema reports whether the tables of a source that a plan touches are as they were when it was made.
func sameSchema(s *stores.Store, p *plan.Sealed, groups []int) bool {
	touched := map[string]bool{}
	for _, i := range groups {
		for _, seg := range p.Groups[i].Segments {
			touched[seg.Table] = true
		}
	}
	return stores.Fingerprint(s.Tables, touched) == p.Schemas[s.Name]
}

// lapse ends a plan that no longer fits, and says why.
func (ap *Applier) lapse(ctx context.Context, p *plan.Sealed, format string, args ...any) error {
	ap.Notes.Problem(fmt.Errorf(format, args...))
	return plan.Lapse(ctx, ap.Setup, ap.Journal, p, ap.Tonight.RunID)
}
