package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/figures"
	"lethe/pipeline/audit/publish"
	"lethe/pipeline/chronicle"
	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
	"lethe/pipeline/planner"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/report"
	"lethe/pipeline/review"
	"lethe/pipeline/setup"
)

// end closes the run: whatever happened, the journal gets its facts and the report is made from them.
func (b *book) end(ctx context.Context, night *rooms, err error) (Result, error) {
	err = errors.Join(append(b.notes.Problems, err)...)
	if err != nil && ctx.Err() != nil {
		// What was cut off failed in words of its own, some as if the evidence did not hold; the next start
		// looks again.
		err = ctx.Err()
	}
	err = errors.Join(err, night.stores.Close())
	if b.decisions != nil {
		err = errors.Join(err, b.decisions.Close())
		if b.decisions.Failed() != nil {
			report.DecisionsCut(b.notes)
		}
	}
	if b.began {
		err = b.conclude(context.WithoutCancel(ctx), night, err)
	}
	err = errors.Join(err, night.silos.Close(), b.tonight.Room.Close())
	if b.folder != nil {
		err = errors.Join(err, b.folder.Close())
	}
	return b.result, err
}

// conclude completes the facts, enters the end of the run and publishes the report.
func (b *book) conclude(ctx context.Context, night *rooms, err error) error {
	night.balance.CarryPlans()
	err = errors.Join(err, b.planStates(ctx), night.observe(ctx))
	held := heldLines(b.notes.Facts)
	night.balance.Carry()
	settled, totals, settledErr := b.settledLines(ctx, b.tonight.RunID)
	settledErr = errors.Join(settledErr, b.settledBefore(ctx))
	night.balance.Overdue(totals)
	night.inspector.Together()
	night.balance.Draw(settled)
	report.Listed(&b.notes.Facts, b.listed)
	said, known, answersErr := b.noteAnswers(ctx)
	err = errors.Join(err, answersErr, b.noteLog(), night.owing.Unsigned(ctx, night.silos, said))
	figures.Conclude(&b.notes.Facts, b.notes.History, totals, b.tonight.Today.String())
	err = errors.Join(err, night.proofs.Draw(ctx, said, known))
	tampered := altered(errors.Join(errors.Join(b.notes.Problems...), err))
	night.incidents.Look(said, b.entry.StartedAt, tampered)
	err = errors.Join(err, b.writable())

	facts := b.notes.Facts // whatever becomes of the report, what was done is said
	b.result.Copies = facts.ConsentSync
	b.result.Summary, b.result.Settled, b.result.HeldBack = summaryLines(facts.Own()), settled, held

	err, enterErr := b.enterEnd(ctx, night, err)
	if enterErr != nil {
		return errors.Join(err, settledErr, fmt.Errorf("the end of the night is not on record, and no report was "+
			"made; each row that was changed is in the journal in %s: make room there, and start again: %w",
			b.setup.State, enterErr))
	}
	b.setup.Crash("ended")

	facts = b.notes.Facts
	if b.tonight.Phases == setup.DiscoverOnly {
		b.result.Review = review.Asked(b.setup, b.nights(), b.tonight.Today)
	}
	published, publishErr := report.Publish(ctx, b.setup, b.journal, b.tonight.RunID, facts)
	if publishErr != nil {
		if errors.Is(publishErr, publish.ErrGate) {
			publishErr = fmt.Errorf("%w: %w: correct the rule that let it through, then `lethe report --from-journal`",
				setup.ErrTampered, publishErr)
		} else {
			publishErr = fmt.Errorf("the report is not written, and the journal has all that was done: make it "+
				"possible to write to %s, then `lethe report --from-journal`: %w", b.setup.Reports, publishErr)
		}
		err = errors.Join(err, publishErr)
		b.entry.ExitCode = setup.ExitCode(err)
		return errors.Join(err, b.journal.End(ctx, b.entry))
	}
	b.result.Report, b.result.Manifest = published.ReportPath, published.ManifestSHA256
	b.result.Checkpoint = published.Checkpoint.String()
	if err := b.tidy().End(ctx); err != nil { // the next run clears it as well
		b.setup.Log.Warn("the state folder is not tidy", "run_id", b.tonight.RunID, "error", err)
	}
	if b.tonight.Phases != setup.SyncOnly {
		if err := chronicle.Stamp(ctx, b.setup); err != nil {
			b.result.Unstamped = err.Error()
			b.setup.Log.Warn("no time stamp", "run_id", b.tonight.RunID, "why", err)
		}
	}
	return errors.Join(err, settledErr)
}

// nights are what this run and the last before it said of the sources.
func (b *book) nights() review.Nights {
	n := review.Nights{Last: b.notes.Facts.Inventory}
	if i := slices.IndexFunc(b.notes.History, func(f audit.Facts) bool { return len(f.Inventory) > 0 }); i >= 0 {
		n.Before = b.notes.History[i].Inventory
	}
	return n
}

// enterEnd enters the end of the run, with its facts, into the journal. What went wrong until then gives
// the exit code, and comes back with what came of looking at the runs before; failed says that the end is
// not entered.
func (b *book) enterEnd(ctx context.Context, night *rooms, err error) (wrong, failed error) {
	facts := &b.notes.Facts
	facts.Run.RegistryHeads = night.silos.Words
	facts.Run.EndedAt = b.setup.Now()
	facts.Run.ExitCode = int32(setup.ExitCode(err))
	facts.Run.StopReason = stopReason(err, b.result)
	var writesErr error
	facts.Run.JournalWrites, writesErr = b.journal.Writes(ctx)
	runs, runsErr := b.journal.Runs(ctx, lookBack)
	if i := slices.IndexFunc(runs, func(r journal.Run) bool { return r.Manifest != "" }); i >= 0 {
		facts.Run.PreviousManifest = runs[i].Manifest
	}
	wrong = errors.Join(err, writesErr, runsErr)

	b.entry.EndedAt, b.entry.ExitCode = facts.Run.EndedAt, int(facts.Run.ExitCode)
	if b.entry.Facts, failed = json.Marshal(*facts); failed != nil {
		return wrong, failed
	}
	return wrong, b.journal.End(ctx, b.entry)
}

// writable leaves out of the facts what the journal cannot hold, as a finding and as a problem: the rest of
// the night is published.
func (b *book) writable() error {
	places := audit.Writable(&b.notes.Facts)
	if len(places) == 0 {
		return nil
	}
	words := strings.Join(places, ", ")
	next := "correct a date or a name that is wrong there; a number is a fault of Lethe: report it"
	b.notes.Find(audit.Finding{Kind: "F_NOT_WRITTEN", Severity: "medium", Count: int64(len(places)),
		Article: "Art. 5(2)", Words: "Values could not be written and are missing here or stand altered (" + words +
			"): " + next + "."})
	return fmt.Errorf("%w: the report leaves out %s: %s", setup.ErrSource, words, next)
}

// early notes the plans that the run finds approved, and so carries out before it reads.
func (b *book) early(ctx context.Context, phases setup.Phases) error {
	if phases == setup.ApplyOnly {
		return nil
	}
	plans, err := b.journal.Plans(ctx)
	for _, p := range plans {
		if p.State == journal.Approved {
			b.notes.Facts.Early = append(b.notes.Facts.Early, p.ID)
		}
	}
	return err
}

// settledBefore notes what was settled before by the night on which the run goes on, and since.
func (b *book) settledBefore(ctx context.Context) error {
	night := b.notes.Facts.Run.Night
	for _, f := range b.notes.History {
		if night == "" || f.Run.RunID != night && f.Run.Night != night {
			continue
		}
		_, totals, err := b.settledLines(ctx, f.Run.RunID)
		if err != nil {
			return err
		}
		early := f.Early
		if f.Run.RunID != night {
			early = nil // it read nothing
		}
		day := calendar.DateOf(f.Run.AsOf, b.setup.Zone).String()
		b.notes.Facts.Before = append(b.notes.Facts.Before, totals.Settled(day, early)...)
	}
	return nil
}

// settledLines counts what a run settled, by place, change and outcome.
func (b *book) settledLines(ctx context.Context, runID string) ([]SettledLine, figures.Totals, error) {
	counts, totals := map[SettledLine]int64{}, figures.Totals{}
	for rows, err := range report.Actions(ctx, b.setup, b.journal, runID) {
		if err != nil {
			return nil, totals, err
		}
		totals.Add(rows)
	}
	for o, n := range totals {
		counts[SettledLine{Silo: o.Silo, Source: o.Source, Object: o.Object, Change: o.Change, Reason: o.Reason,
			Status: o.Status}] += n.Rows
	}
	lines := make([]SettledLine, 0, len(counts))
	for l, rows := range counts {
		l.Rows = rows
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(x, y SettledLine) int {
		return cmp.Or(strings.Compare(x.Silo, y.Silo), strings.Compare(x.Source, y.Source),
			strings.Compare(x.Object, y.Object), strings.Compare(x.Change, y.Change),
			strings.Compare(x.Reason+x.Status, y.Reason+y.Status))
	})
	return lines, totals, nil
}

// planStates brings the report's plans up to date with what became of them, and lists what waits.
func (b *book) planStates(ctx context.Context) error {
	entries, err := b.journal.Plans(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		state := e.State
		if state == journal.Settled {
			state = "applied"
		}
		known := b.nowIs(e.ID, state)
		if !known && (e.State == journal.Waiting || e.State == journal.Approved || e.SettledIn == b.tonight.RunID) {
			doc, err := plan.Read(b.setup.State, e)
			if err == nil {
				report.Plan(b.notes, doc, state)
			} else {
				report.Unopened(b.notes, e, state)
			}
			if err != nil && !b.notes.LeftAlone[e.ID] && e.State != journal.Rejected && e.State != journal.Lapsed &&
				e.State != journal.Withdrawn {
				errs = append(errs, err)
			}
		}
		b.saidOf(e)
		if e.State == journal.Approved {
			errs = append(errs, b.unsettled(ctx, e))
		}
		if e.State == journal.Waiting {
			b.result.Waiting = append(b.result.Waiting, e.ID)
		}
	}
	for i, p := range b.notes.Facts.Plans {
		b.notes.Facts.Plans[i].Early = p.Early || slices.Contains(b.notes.Facts.Early, p.PlanID)
	}
	return errors.Join(errs...)
}

// unsettled finds rows of a plan whose change was begun and whose outcome is not on record: they are in no count of
// what was done.
func (b *book) unsettled(ctx context.Context, entry journal.Plan) error {
	chunks, err := b.journal.Chunks(ctx, entry.ID)
	if err != nil {
		return err
	}
	open := int64(0)
	for _, c := range chunks {
		if c.Outcome == nil {
			open += c.Rows
		}
	}
	if open > 0 {
		words := "The change of these rows was begun and what came of it is not known yet, so they are not counted " +
			"among what was done: the next night looks at each and says it."
		b.notes.Find(audit.Finding{Kind: "F_UNSETTLED", Severity: "medium", Object: entry.ID, Count: open,
			Article: "Art. 5(2)", Words: words})
	}
	return nil
}

// nowIs says in the facts which state a plan is in, and whether they have it.
func (b *book) nowIs(id, state string) (known bool) {
	for i := range b.notes.Facts.Plans {
		if p := &b.notes.Facts.Plans[i]; p.PlanID == id {
			p.State, known = state, true
		}
	}
	return known
}

// saidOf notes what people answered of a plan that did not end, also where an earlier report has it.
func (b *book) saidOf(e journal.Plan) {
	if e.State == journal.Waiting || e.State == journal.Approved {
		report.Answered(b.notes, b.setup, b.answers.About(answers.AboutPlan(e.ID), e.Digest))
	}
}

// summaryLines are the report's counts of what was decided, as a run prints them.
func summaryLines(f audit.Facts) []SummaryLine {
	var lines []SummaryLine
	for _, s := range f.Summary {
		lines = append(lines, SummaryLine{Silo: s.Silo, Source: s.Source, Object: s.Object, Reason: s.Reason,
			Words: s.Words, Action: s.Action, Change: s.Change, Rows: s.Rows})
	}
	return lines
}

// heldLines are what the report says of rows that are due and stay: what holds them back, or refused them.
func heldLines(f audit.Facts) (lines []HeldLine) {
	for _, x := range f.Findings {
		if slices.Contains([]string{planner.HeldBack, planner.CannotChange}, x.Kind) {
			lines = append(lines, HeldLine{Source: x.Source, Object: x.Object, Column: x.Column, Words: x.Words,
				Rows: x.Count})
		}
	}
	for _, x := range f.Exceptions {
		if x.Code == notes.CodeRefused {
			lines = append(lines, HeldLine{Source: x.Source, Object: x.Object, Words: x.Words, Rows: x.Count})
		}
	}
	return lines
}

// stopReason is the one word that the report has for the end of a run.
func stopReason(err error, r Result) string {
	switch code := setup.ExitCode(err); {
	case code == 0 && len(r.Waiting) > 0:
		return "waiting"
	case code == 0:
		return "done"
	case errors.Is(err, setup.ErrStopped):
		return "window_end"
	case code == 5:
		return "breaker"
	case code == 3:
		return "source_failed"
	}
	return "error"
}
