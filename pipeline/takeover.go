package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/report"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// publishLate writes the evidence that earlier runs owe: they ended, and were cut off, or failed, before
// their report was published. One that cannot be made now either is this run's failure too; it goes on all
// the same.
func (b *book) publishLate(ctx context.Context) error {
	runs, err := b.journal.Runs(ctx, lookBack)
	if err != nil {
		return err
	}
	for i := len(runs) - 1; i >= 0; i-- { // oldest first: each manifest names the one before it
		r := runs[i]
		if r.EndedAt.IsZero() || r.Manifest != "" || len(r.Facts) == 0 {
			continue
		}
		f, err := state.FactsOf(r)
		if err != nil {
			return err
		}
		if _, err := report.Publish(ctx, b.setup, b.journal, r.ID, f); err != nil {
			b.notes.Problem(owed{fmt.Errorf("%w: the report of run %s is not published yet: %w",
				setup.ErrTampered, r.ID, err)})
		}
	}
	return nil
}

// owed is that a report is not published yet: it ends a run as what does not hold does, and nobody wrote to anything.
type owed struct{ error }

func (o owed) Unwrap() error { return o.error }

// altered reports whether a run met something that somebody else wrote.
func altered(err error) bool {
	switch e := err.(type) {
	case owed:
		return false
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), altered)
	}
	if inner := errors.Unwrap(err); inner != nil {
		return altered(inner)
	}
	return errors.Is(err, setup.ErrTampered)
}

// takeOver makes this run answer for what runs that were cut off had settled: their chunks, the plans they
// ended, the approvals these had, and the keys they could not destroy any more; and for the plans that people
// rejected since the last run.
func (b *book) takeOver(ctx context.Context) error {
	if err := b.journal.TakeOver(ctx, b.tonight.RunID); err != nil {
		return err
	}
	plans, err := b.journal.Plans(ctx, journal.Settled, journal.Lapsed, journal.Rejected,
		journal.Withdrawn)
	if err != nil {
		return err
	}
	held := map[string]bool{}
	for _, name := range b.setup.Keys.Names("plan/") {
		held[strings.TrimPrefix(name, "plan/")] = true
	}
	for _, entry := range plans {
		if held[entry.ID] {
			if _, err := b.setup.Keys.Destroy("plan/"+entry.ID, b.setup.Now()); err != nil {
				return err
			}
		}
		if entry.State == journal.Rejected && entry.SettledIn == "" {
			if err := b.cutShort(ctx, entry); err != nil {
				return err
			}
			if err := b.journal.SetPlanState(ctx, entry.ID, journal.Rejected, b.tonight.RunID); err != nil {
				return err
			}
		} else if entry.SettledIn != b.tonight.RunID || entry.Part == string(plan.Reversible) {
			continue
		}
		report.Answered(b.notes, b.setup, b.answers.About(answers.AboutPlan(entry.ID), entry.Digest))
	}
	return nil
}

// cutShort finds a plan that people ended after it had begun, since no night could finish it.
func (b *book) cutShort(ctx context.Context, entry journal.Plan) error {
	chunks, err := b.journal.Chunks(ctx, entry.ID)
	if err != nil || len(chunks) == 0 {
		return err
	}
	var settled, open int64
	for _, c := range chunks {
		if c.Outcome != nil {
			settled += c.Rows
		} else {
			open += c.Rows
		}
	}
	b.notes.Find(audit.Finding{Kind: "F_PLAN_CUT_SHORT", Severity: "medium", Object: entry.ID, Count: open,
		Article: "Art. 5(2)", Words: fmt.Sprintf("A plan was ended after it had begun, since it could not be "+
			"finished. Of %d of its rows the outcome is on record; of %d it is not, they may be changed or not. "+
			"What is left of them is decided anew.", settled, open)})
	return nil
}
