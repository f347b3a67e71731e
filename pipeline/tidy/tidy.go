// Package tidy clears the state folder of what no run needs any more. Its noun is Keeper: at the beginning of a run it
// clears plans that an earlier one was killed over before the journal knew them, and what reports were made of that are
// published and some nights old; at its end, what the run itself made needless.
package tidy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/census"
	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Nights is for how many nights the state folder keeps what their published reports can be made anew of: the
// decisions, and the rows of plans that have ended. Facts is for how many it keeps the facts, which later ones read.
const (
	Nights = 5
	Facts  = 60
)

// Keeper clears the state folder for one run.
type Keeper struct {
	Setup   *setup.Setup
	RunID   string // of the run
	Notes   *notes.Notes
	Journal *journal.Journal
}

// Begin clears what earlier runs left.
func (k *Keeper) Begin(ctx context.Context) error {
	if err := k.clearUnknown(ctx); err != nil {
		return err
	}
	outdated, err := k.Journal.Outdated(ctx, Nights, k.RunID)
	if err != nil {
		return err
	}
	for _, id := range slices.DeleteFunc(slices.Clone(outdated), k.goneOnFrom(outdated)) {
		if err := os.RemoveAll(filepath.Join(k.Setup.State, "runs", id)); err != nil {
			return fmt.Errorf("clear what run %s left: %w", id, err)
		}
	}
	if err := k.clearRows(ctx, outdated); err != nil {
		return err
	}
	if err := k.Journal.Shrink(ctx); err != nil { // it needs room itself; the night does not need it
		k.Setup.Log.Warn("the journal stays as large as it is", "run_id", k.RunID, "error", err)
	}
	return errors.Join(k.Journal.DropFacts(ctx, Facts), k.Journal.PackFacts(ctx))
}

// goneOnFrom tells the runs from whose list of decisions that of tonight goes on, or one that may be made anew.
func (k *Keeper) goneOnFrom(outdated []string) func(id string) bool {
	needed := []string{k.Notes.Facts.Run.DecisionsAfter}
	for _, f := range k.Notes.History {
		if !slices.Contains(outdated, f.Run.RunID) {
			needed = append(needed, f.Run.DecisionsAfter)
		}
	}
	return func(id string) bool { return slices.Contains(needed, id) }
}

// End clears what the run made needless, once its report stands: the rows of plans that ended without a change, such
// as one in whose place a newer asks, and the people that earlier runs counted.
func (k *Keeper) End(ctx context.Context) error {
	if err := k.clearRows(ctx, nil); err != nil {
		return err
	}
	counted, err := filepath.Glob(filepath.Join(k.Setup.State, "runs", "*", census.File))
	if err != nil {
		return fmt.Errorf("clear what runs counted: %w", err)
	}
	own := filepath.Join(k.Setup.State, "runs", k.RunID, census.File)
	if !slices.Contains(counted, own) {
		return nil // the next goes on from an earlier run
	}
	for _, file := range counted {
		if file != own {
			err = errors.Join(err, os.Remove(file))
		}
	}
	return err
}

// clearRows removes the rows of plans that have ended: what is sealed under a key that was destroyed, at once; what the
// reports say of them, once those of all runs that settled one are outdated, or where none did. What a plan was in
// numbers stays, and so does what the report would say of one that people ended.
func (k *Keeper) clearRows(ctx context.Context, outdated []string) error {
	plans, err := k.Journal.Plans(ctx, journal.Settled, journal.Lapsed, journal.Withdrawn, journal.Rejected)
	if err != nil {
		return err
	}
	keys := k.Setup.Keys.Names("plan/")
	for _, p := range plans {
		if slices.Contains(keys, "plan/"+p.ID) {
			continue
		}
		files, err := k.rowsOf(p, "*.changes.arrow.age")
		if err != nil {
			return err
		}
		reported, err := k.rowsOf(p, "*.actions.arrow")
		if err != nil {
			return err
		}
		if len(reported) > 0 && p.State != journal.Rejected {
			done, err := k.reported(ctx, p, outdated)
			if err != nil {
				return err
			}
			if done {
				files = append(files, reported...)
			}
		}
		for _, file := range files {
			if err := os.Remove(file); err != nil {
				return fmt.Errorf("clear the rows of plan %s: %w", p.ID, err)
			}
		}
	}
	return nil
}

func (k *Keeper) rowsOf(p journal.Plan, files string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(k.Setup.State, "plans", p.ID, files))
	if err != nil {
		return nil, fmt.Errorf("clear the rows of plan %s: %w", p.ID, err)
	}
	return found, nil
}

// reported says that no report will be made of the rows of a plan any more.
func (k *Keeper) reported(ctx context.Context, p journal.Plan, outdated []string) (bool, error) {
	chunks, err := k.Journal.Chunks(ctx, p.ID)
	if err != nil || len(chunks) == 0 {
		return len(chunks) == 0, err
	}
	needed := func(runID string) bool { return runID != "" && !slices.Contains(outdated, runID) }
	return !needed(p.SettledIn) && !needed(p.RunID) &&
		!slices.ContainsFunc(chunks, func(c journal.Chunk) bool { return needed(c.RunID) }), nil
}

// planName is what a run calls the plans that it seals: by its own id, a UUID, and what they are.
var planName = regexp.MustCompile(`^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[a-z]+$`)

// clearUnknown removes folders and keys of plans that the journal does not know. They are left by a run that was
// killed, or failed, while it sealed them: nobody was asked about them, and nothing was changed by them. What else
// may know of one is looked at first; such a plan is left alone and found each night.
func (k *Keeper) clearUnknown(ctx context.Context) error {
	unknown, err := k.unknownPlans(ctx)
	if err != nil {
		return err
	}
	for _, id := range unknown {
		known, err := k.spokenOf(ctx, id)
		if err != nil {
			return err
		}
		if known {
			k.Notes.Find(audit.Finding{Kind: "F_PLAN_UNKNOWN", Severity: "medium", Object: id, Count: 1,
				Article: "Art. 5(2)", Words: "The journal does not know this plan, and other evidence may: the state " +
					"folder is perhaps put back from an older copy. It was left alone; nothing in it will be done."})
			continue
		}
		if slices.Contains(k.Setup.Keys.Names("plan/"), "plan/"+id) {
			if _, err := k.Setup.Keys.Destroy("plan/"+id, k.Setup.Now()); err != nil {
				return err
			}
		}
		k.Setup.Crash("left_key_destroyed")
		if err := os.RemoveAll(filepath.Join(k.Setup.State, "plans", id)); err != nil {
			return fmt.Errorf("clear plan %s: %w", id, err)
		}
		k.Setup.Log.Info("a plan was cleared that a run had not sealed to its end", "run_id", k.RunID,
			"plan", id)
		words := "A run was cut off while it sealed this plan. Nobody had been asked about it and nothing changed by " +
			"it; its folder and its key were destroyed."
		k.Notes.Find(audit.Finding{Kind: "F_PLAN_CLEARED", Severity: "low", Object: id, Count: 1,
			Article: "Art. 5(2)", Words: words})
	}
	return nil
}

// unknownPlans are the plans that have a folder or a key and are not in the journal, sorted.
func (k *Keeper) unknownPlans(ctx context.Context) ([]string, error) {
	plans, err := k.Journal.Plans(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(k.Setup.State, "plans"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("look for plans: %w", err)
	}
	var names []string
	for _, name := range k.Setup.Keys.Names("plan/") {
		names = append(names, strings.TrimPrefix(name, "plan/"))
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(id string) bool {
		return !planName.MatchString(id) ||
			slices.ContainsFunc(plans, func(p journal.Plan) bool { return p.ID == id })
	}), nil
}

// spokenOf reports whether anything may refer to a plan that the journal does not know: its run is not in the
// journal either, or is there as one that ended with it, or that was cut off, and has a published report.
func (k *Keeper) spokenOf(ctx context.Context, planID string) (bool, error) {
	runID := planName.FindStringSubmatch(planID)[1]
	run, ok, err := k.Journal.Find(ctx, runID)
	if err != nil || !ok {
		return true, err
	}
	if len(run.Facts) > 0 {
		facts, err := state.FactsOf(run)
		return slices.ContainsFunc(facts.Plans, func(p audit.Plan) bool { return p.PlanID == planID }), err
	}
	return published(k.Setup, runID)
}

// published reports whether there is a report of a run, whatever the journal says.
func published(p *setup.Setup, runID string) (bool, error) {
	found, err := filepath.Glob(filepath.Join(p.Reports, "manifests", "date=*", "run="+runID))
	return len(found) > 0, err
}
