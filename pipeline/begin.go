package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/manifest"
	"lethe/pipeline/audit/spool"
	"lethe/pipeline/clock"
	"lethe/pipeline/findings"
	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/report"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/state"
	"lethe/pipeline/tidy"
)

// book is the record of one run, open from its first moment to its last: whatever happens, what was done
// stands in the journal, and a report is made of it.
type book struct {
	setup     *setup.Setup
	tonight   setup.Tonight
	notes     *notes.Notes
	folder    *state.Folder
	journal   *journal.Journal
	entry     journal.Run
	began     bool // the entry stands in the journal
	rebuilt   bool // the journal knows its newest runs from their reports alone
	answers   *answers.Book
	decisions *spool.Spool[audit.Decision]
	listed    audit.Facts           // of the newest night that decided
	seen      map[string]chain.Head // the registry's heads as the last finished run saw them, or who wrote there since
	self      silos.Journal
	aside     bool      // the journal was set aside: somebody else had written to it
	leapt     bool      // the clock went far on, and nobody has approved a plan since
	made      []string  // silos whose key for references in this quarter's reports was not there
	lastRun   time.Time // when the newest run began
	result    Result
}

// begin takes the lock, opens the journal, publishes what earlier runs owe, checks that their evidence
// still holds, and enters the run. The book is there in any case, and has to be ended.
func begin(ctx context.Context, p *setup.Setup, o setup.Options) (*book, error) {
	b := &book{setup: p, notes: &notes.Notes{}}
	id, err := uuid.NewV7()
	if err != nil {
		return b, err
	}
	if b.tonight, err = setup.Begin(p, o, id.String()); err != nil {
		return b, err
	}
	b.notes.Tonight = b.tonight
	if b.folder, err = state.Open(ctx, p, "run "+b.tonight.RunID); err != nil {
		return b, err
	}
	b.journal = b.folder.Journal
	if err := b.whole(ctx); err != nil {
		return b, err
	}
	if b.made, err = report.Ready(p, b.tonight); err != nil {
		return b, err
	}
	if err := b.keepLog(ctx); err != nil {
		return b, err
	}
	if err := b.publishLate(ctx); err != nil {
		return b, err
	}

	b.entry = journal.Run{ID: b.tonight.RunID, Key: runKey(b.tonight), Apply: o.Apply,
		AsOf: b.tonight.AsOf, StartedAt: p.Now()}
	if err := b.remember(ctx); err != nil || b.result.AlreadyDone {
		return b, err
	}
	if err := b.enter(ctx); err != nil {
		return b, err
	}
	if err := b.operated(ctx); err != nil {
		return b, err
	}
	if o.Apply { // a run that changes nothing has nothing to answer for
		if err := b.takeOver(ctx); err != nil {
			return b, err
		}
	}
	return b, b.tidy().Begin(ctx)
}

// whole makes sure that the journal knows every run of which a report stands. Where two people let this run rebuild
// it, that is found, by this run and by each after it until one has said so in a published report.
func (b *book) whole(ctx context.Context) error {
	if b.tonight.Phases == setup.RebuildOnly {
		if err := b.recover(ctx); err != nil {
			return err
		}
	}
	if err := state.Whole(ctx, b.setup, b.journal); err != nil {
		return err
	}
	if err := state.Intact(ctx, b.setup, b.journal); err != nil {
		return err
	}
	runs, err := b.journal.Runs(ctx, lookBack)
	if err != nil {
		return err
	}
	recalled, err := state.Recalled(runs)
	if err != nil || len(recalled) == 0 {
		return err
	}
	b.rebuilt = true
	b.notes.Find(audit.Finding{Kind: "F_JOURNAL_REBUILT", Severity: "high", Object: recalled[0].RunID,
		Count: int64(len(recalled)), Article: "Art. 5(2)",
		Words: "The journal did not know these runs: it was lost, put back from an older copy, or set aside since " +
			"somebody else had written to it. They were taken from their signed reports, as two people said, and " +
			"what people answered from its files beside them. Plans that waited or were approved are not brought " +
			"back; what is still due is planned and asked anew."})
	return nil
}

// runKey names what a run does: only a finished night of the same key makes another one superfluous.
func runKey(t setup.Tonight) string {
	part := ""
	switch t.Phases {
	case setup.WholeNight:
	case setup.SyncOnly:
		part = journal.SyncOnly
	default:
		part = "-part" // applying what was approved is not the night: that is still to come
	}
	return t.Job + "/" + mode(t) + part + "/" + t.Today.String()
}

// phaseWords are what the report calls a part of a night.
var phaseWords = map[setup.Phases]string{setup.WholeNight: "night", setup.DiscoverOnly: "discover",
	setup.PlanOnly: "plan", setup.ApplyOnly: "apply", setup.ReapplyOnly: "apply", setup.FulfilOnly: "apply",
	setup.SyncOnly: "sync", setup.RebuildOnly: "rebuild"}

func mode(t setup.Tonight) string {
	if t.Apply {
		return "apply"
	}
	return "dry"
}

// tidy clears the state folder of what no run needs any more.
func (b *book) tidy() *tidy.Keeper {
	return &tidy.Keeper{Setup: b.setup, RunID: b.tonight.RunID, Notes: b.notes, Journal: b.journal}
}

// lookBack is how many earlier runs a night looks at.
const lookBack = tidy.Facts

// remember reads what earlier nights left in the journal, and whether this one is done already.
func (b *book) remember(ctx context.Context) error {
	runs, err := b.journal.Runs(ctx, lookBack)
	if err != nil {
		return err
	}
	if err := b.recall(ctx); err != nil {
		return err
	}
	if err := manifestHolds(b.setup, runs); err != nil {
		return err
	}
	seen, err := state.LastHeads(runs)
	if err == nil {
		b.seen, err = state.Since(ctx, b.journal, seen)
	}
	if err != nil {
		return err
	}
	if len(runs) > 0 {
		b.lastRun = runs[0].StartedAt
	}
	if b.self.ID, err = b.journal.ID(ctx); err != nil {
		return err
	}
	b.self.Nights = len(seen) > 0
	b.self.Knows = func(ctx context.Context, runID string) (bool, error) {
		_, ok, err := b.journal.Find(ctx, runID)
		return ok, err
	}
	if err := b.openAnswers(ctx); err != nil {
		return err
	}
	if err := b.judged(ctx); err != nil {
		return err
	}
	if b.leapt, err = (&clock.Watch{Setup: b.setup, Notes: b.notes}).Leapt(runs, b.answers.Chain); err != nil {
		return err
	}
	in := &findings.Inspector{Setup: b.setup, Tonight: b.tonight, Notes: b.notes}
	if err := in.InspectPlans(ctx, b.journal, b.answers.Chain); err != nil {
		return err
	}
	approved, err := b.journal.Plans(ctx, journal.Approved)
	if err != nil {
		return err
	}
	if len(approved) > 0 || b.rebuilt || len(b.notes.Problems) > 0 {
		// somebody approved a plan since, or this run has to say that it is rebuilt, or what it put back
		b.result.AlreadyDone = false
	}
	return nil
}

// recall takes in the facts of the nights that ended, of which one may have been this one.
func (b *book) recall(ctx context.Context) error {
	nights, err := b.journal.Nights(ctx, lookBack)
	if err != nil {
		return err
	}
	for _, r := range nights {
		if r.EndedAt.IsZero() || len(r.Facts) == 0 {
			continue
		}
		f, err := state.FactsOf(r)
		if err != nil {
			return err
		}
		b.notes.Recall(f)
		decided := f.Run.Phases == phaseWords[setup.WholeNight] || f.Run.Phases == phaseWords[setup.PlanOnly]
		if b.listed.Run.RunID == "" && decided && r.Manifest != "" {
			b.listed = f
		}
		// by the configuration as it is now: one that somebody edited since has not been looked at
		done := r.Key == b.entry.Key && r.Apply && r.ExitCode == 0 && f.Run.PolicyDigest == b.setup.PolicyDigest
		if done && !b.tonight.Again && b.tonight.Phases == setup.WholeNight {
			b.result.AlreadyDone, b.result.RunID = true, r.ID
		}
	}
	return nil
}

// manifestHolds checks that the newest published manifest is where it was left, and as it was. To look at
// all of the evidence is `lethe audit verify`.
func manifestHolds(p *setup.Setup, runs []journal.Run) error {
	i := slices.IndexFunc(runs, func(r journal.Run) bool { return r.Manifest != "" })
	if i < 0 {
		return nil
	}
	path := manifest.Path(p.Reports, calendar.DateOf(runs[i].AsOf, p.Zone).String(), runs[i].ID)
	if digest, err := audit.FileDigest(path); err != nil || digest != runs[i].Manifest {
		return fmt.Errorf("%w: the manifest of the last report, %s, is missing or was edited: put it back, "+
			"or move what is there away and make it anew with `lethe report --from-journal`", setup.ErrTampered, path)
	}
	return nil
}

// enter writes the run into the journal, and opens the file of its decisions.
func (b *book) enter(ctx context.Context) error {
	p, t := b.setup, b.tonight
	b.result.RunID = t.RunID
	decisions := report.Decisions(p, t.RunID)
	if err := os.MkdirAll(filepath.Dir(decisions), 0o700); err != nil {
		return fmt.Errorf("begin run: %w", err)
	}
	if err := b.journal.Begin(ctx, b.entry); err != nil {
		return err
	}
	var err error
	if b.decisions, err = spool.New[audit.Decision](decisions, p.Keys); err != nil {
		return err
	}
	b.began = true
	b.notes.Facts.Run = audit.Run{
		RunID:          t.RunID,
		RunKey:         b.entry.Key,
		Job:            t.Job,
		Mode:           mode(t),
		Phases:         phaseWords[t.Phases],
		AsOf:           t.AsOf,
		Zone:           p.Zone.String(),
		Controller:     p.Controller,
		StartedAt:      b.entry.StartedAt,
		Host:           p.Host,
		ToolVersion:    p.Version,
		PolicyDigest:   p.PolicyDigest,
		RulesDigest:    p.Catalogue.Digest(),
		Simulated:      p.Simulated,
		SingleApproval: p.Approvals == 1,
		DecisionsAfter: report.ListAfter(p, t, b.listed),
	}
	return nil
}
