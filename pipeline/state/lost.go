package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/manifest"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// recalled is how a run ended that the journal knows from its signed report alone.
const recalled = "recalled"

// Unknown lists the reports that stand and of whose runs the journal knows nothing, in the order of the runs. There
// are some where the state folder was lost, or put back from an older copy: a run is entered before anything else.
func Unknown(ctx context.Context, p *setup.Setup, j *journal.Journal) ([]manifest.Standing, error) {
	stand, err := standing(p) // before the journal is asked: a night may be at work
	if err != nil || len(stand) == 0 {
		return nil, err
	}
	ids := make([]string, len(stand))
	for i, s := range stand {
		ids[i] = s.RunID
	}
	ids, err = j.Unknown(ctx, ids)
	stand = slices.DeleteFunc(stand, func(s manifest.Standing) bool { return !slices.Contains(ids, s.RunID) })
	return stand, err
}

// standing are the reports that stand, in the order of the runs.
func standing(p *setup.Setup) ([]manifest.Standing, error) {
	stand, err := manifest.Stand(p.Reports)
	if err != nil {
		return nil, fmt.Errorf("%w: the reports in %s cannot be looked at: give the folder and all below it to the "+
			"account that Lethe runs as: %w", setup.ErrConfig, p.Reports, err)
	}
	slices.SortFunc(stand, func(a, b manifest.Standing) int { return strings.Compare(a.RunID, b.RunID) })
	return stand, nil
}

// Whole returns [setup.ErrTampered] where reports stand that the journal does not know of, with the ways out.
func Whole(ctx context.Context, p *setup.Setup, j *journal.Journal) error {
	unknown, err := Unknown(ctx, p, j)
	if err != nil || len(unknown) == 0 {
		return err
	}
	return lost(p, unknown)
}

func lost(p *setup.Setup, unknown []manifest.Standing) error {
	newest := unknown[len(unknown)-1]
	return fmt.Errorf("%w: %s holds reports of %d runs that the journal in %s does not know, the newest of %s, run "+
		"%s: the state folder was lost or is older than they are, and with it perhaps plans that waited or were "+
		"approved, and the answers to them: put it back from its newest copy; where none is as new, "+
		"`lethe state rebuild` lets two people say that the nights go on from the signed reports, and asks anew",
		setup.ErrTampered, p.Reports, len(unknown), p.State, newest.Date, newest.RunID)
}

// WholeUnopened is Whole for who only looks, and makes sure besides that nobody else wrote to the journal, and that the
// chain of answers holds: it makes no journal where there is none.
func WholeUnopened(ctx context.Context, p *setup.Setup) error {
	if !FileExists(filepath.Join(p.State, "journal.db")) {
		stand, err := standing(p)
		if err != nil || len(stand) == 0 {
			return err
		}
		return lost(p, stand)
	}
	j, err := p.Journal(ctx)
	if err != nil {
		return err
	}
	defer j.Close()
	if err := Whole(ctx, p, j); err != nil {
		return err
	}
	if err := Untouched(ctx, p, j); err != nil {
		return err
	}
	_, err = Answers(ctx, p, j)
	return err
}

// Intact is Untouched for a run; the journal of an earlier build is sealed as it stands.
func Intact(ctx context.Context, p *setup.Setup, j *journal.Journal) error {
	if err := Untouched(ctx, p, j); err != nil {
		return err
	}
	return j.Seal(ctx)
}

// Untouched makes sure that nobody else than Lethe wrote to the journal, and that it is not an older one than the
// newest report knows: [journal.ErrAltered], with the ways out.
func Untouched(ctx context.Context, p *setup.Setup, j *journal.Journal) error {
	writes := int64(0)
	stand, err := standing(p)
	if err != nil {
		return err
	}
	if len(stand) > 0 {
		key, err := runnerPublic(p)
		if errors.Is(err, keystore.ErrMissing) {
			return nil // whoever needs the key says it
		}
		if err != nil {
			return err
		}
		f, _, err := manifest.Recall(p.Reports, stand[len(stand)-1], key)
		if err != nil {
			return fmt.Errorf("%w: %w", setup.ErrTampered, err)
		}
		writes = f.Run.JournalWrites
	}
	if err := j.Whole(ctx, writes); err != nil {
		return fmt.Errorf("journal in %s: %w: put the state folder back from its newest copy, and look who can "+
			"write there; where there is none, `lethe state rebuild` sets the journal aside and lets two people say "+
			"that the nights go on from the signed reports", p.State, err)
	}
	return nil
}

// SetAside moves the journal into a hidden folder beside it, where it can be looked at, and opens an empty one.
func (f *Folder) SetAside(ctx context.Context, p *setup.Setup) error {
	if err := f.Journal.Close(); err != nil {
		return err
	}
	aside := filepath.Join(p.State, ".quarantine-journal-"+p.Now().UTC().Format("20060102T150405Z"))
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return fmt.Errorf("set the journal aside: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(p.State, "journal.db*"))
	for _, file := range files {
		if err == nil {
			err = os.Rename(file, filepath.Join(aside, filepath.Base(file)))
		}
	}
	if err != nil {
		return fmt.Errorf("set the journal aside: %w", err)
	}
	f.Journal, err = p.Journal(ctx)
	return err
}

// Rebuild enters the runs into the journal that only their reports know, as their signed manifests have them: when
// they were, how they ended, which heads of the registry they saw and which plans they knew. What people answered
// and what became of single rows stands in no manifest, and is not brought back.
func Rebuild(ctx context.Context, p *setup.Setup, j *journal.Journal) error {
	unknown, err := Unknown(ctx, p, j)
	if err != nil || len(unknown) == 0 {
		return err
	}
	key, err := runnerPublic(p)
	if err != nil {
		return err
	}
	runs, writes := make([]journal.Run, len(unknown)), int64(0)
	for i, s := range unknown {
		f, digest, err := manifest.Recall(p.Reports, s, key)
		if err != nil {
			return fmt.Errorf("%w: rebuild the journal: %w", setup.ErrTampered, err)
		}
		f.Run.StopReason, writes = recalled, max(writes, f.Run.JournalWrites)
		body, err := json.Marshal(f)
		if err != nil {
			return fmt.Errorf("rebuild the journal: %w", err)
		}
		runs[i] = journal.Run{ID: s.RunID, Key: f.Run.RunKey, Apply: f.Run.Mode == "apply", AsOf: f.Run.AsOf,
			StartedAt: f.Run.StartedAt, EndedAt: f.Run.EndedAt, ExitCode: int(f.Run.ExitCode), Facts: body,
			Manifest: digest}
	}
	return j.Recall(ctx, runs, writes)
}

// Recalled are the newest of the published runs, as far as the journal knows them from their reports alone: no run
// has said so yet in a report of its own. Runs come newest first.
func Recalled(runs []journal.Run) (list []audit.Run, err error) {
	for _, r := range runs {
		if r.Manifest == "" {
			continue
		}
		if len(r.Facts) == 0 {
			break
		}
		f, err := FactsOf(r)
		if err != nil {
			return nil, err
		}
		if f.Run.StopReason != recalled {
			break
		}
		list = append(list, f.Run)
	}
	return list, nil
}

func runnerPublic(p *setup.Setup) (keystore.PublicKey, error) {
	runner, err := p.Keys.Runner()
	if err != nil {
		return keystore.PublicKey{}, err
	}
	return keystore.ParsePublic(runner.Public())
}
