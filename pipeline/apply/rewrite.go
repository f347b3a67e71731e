package apply

import (
	"context"
	"encoding/hex"
	"fmt"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
	"lethe/pipeline/stores"
)

// rewrite executes the groups of a plan that are in one backup file: the governed rows are decided anew,
// then one streamed rewrite drops and changes what stands, is read back, and takes the file's place.
func (ap *Applier) rewrite(ctx context.Context, s *stores.Store, p *plan.Sealed, apps []*application,
	chunks []journal.Chunk) (done bool, err error) {
	rewriter, ok := s.Conn.(connectors.Rewriter)
	if !ok {
		return false, fmt.Errorf("%w: backup %s may not be rewritten: configure `rewrite:`", setup.ErrConfig, s.Name)
	}
	settled, recovering := begun(apps, chunks)
	if len(settled) == len(apps) {
		return true, nil
	}
	if err := state.MayWrite(ap.Setup, ap.Tonight.Until); err != nil {
		return false, err
	}
	if !recovering {
		same, err := ap.asPlanned(ctx, s, p)
		if err != nil {
			return false, err
		}
		if !same {
			return false, ap.lapse(ctx, p, "%w: backup %s changed since plan %s was made: this night plans anew",
				setup.ErrExpired, s.Name, p.PlanID)
		}
	}

	intents := make([]journal.Chunk, len(apps))
	for i, a := range apps {
		if intents[i], err = a.intend(ctx, 0, a.units()); err != nil {
			return false, err
		}
	}
	ap.Setup.Crash("rewrite_intent")
	job, err := ap.confirm(ctx, s, apps, recovering)
	if err != nil {
		ap.Stores.FailedSource(s, err)
		return false, nil
	}
	report, err := rewriter.Rewrite(ctx, job.queries, job.edit, func(rewritten connectors.Source) error {
		ap.Setup.Crash("rewrite_read_back")
		return job.verify(ctx, rewritten)
	})
	if err != nil {
		ap.Stores.FailedSource(s, err)
		ap.backupRow(s.Name, func(b *audit.Backup) { b.Status = "waiting" })
		return false, nil
	}
	ap.Setup.Crash("rewritten")

	if err := ap.rewritten(ctx, s, report); err != nil {
		return false, err
	}
	for i, a := range apps {
		if settled[a.position] {
			continue
		}
		err := ap.Journal.Settle(ctx, intents[i].ID, ap.Tonight.RunID, job.outcome(a), ap.Setup.Now())
		if err != nil {
			return false, err
		}
	}
	ap.Setup.Crash("rewrite_settled")
	return true, nil
}

// begun says which groups have their outcome, and whether one has only its intent: then the file may have
// been rewritten already.
func begun(apps []*application, chunks []journal.Chunk) (settled map[int]bool, recovering bool) {
	settled = map[int]bool{}
	for _, c := range chunks {
		for _, a := range apps {
			if c.Group == a.position && c.Outcome != nil {
				settled[c.Group] = true
			} else if c.Group == a.position {
				recovering = true
			}
		}
	}
	return settled, recovering
}

// asPlanned reports whether a backup file is the one that the plan saw, or what another plan has made of it
// since.
func (ap *Applier) asPlanned(ctx context.Context, s *stores.Store, p *plan.Sealed) (bool, error) {
	digest, err := audit.FileDigest(s.Path)
	if err != nil {
		return false, err
	}
	_, ours, err := ap.Journal.LastRewrite(ctx, s.Path)
	return digest == p.Files[s.Name] || digest == ours, err
}

// rewritten remembers what the file is now, and says so in the report.
func (ap *Applier) rewritten(ctx context.Context, s *stores.Store, report connectors.RewriteReport) error {
	after := hex.EncodeToString(report.After.SHA256[:])
	if err := ap.Journal.Rewritten(ctx, s.Path, ap.Tonight.AsOf, after); err != nil {
		return err
	}
	ap.backupRow(s.Name, func(b *audit.Backup) {
		b.Before, b.After = hex.EncodeToString(report.Before.SHA256[:]), after
		b.Status, b.LastRewrite, b.Pending, b.Size = "rewritten", ap.Tonight.AsOf, 0, report.After.Size
	})
	return nil
}

// backupRow changes the report's line of a backup.
func (ap *Applier) backupRow(source string, change func(*audit.Backup)) {
	for i := range ap.Notes.Facts.Backups {
		if ap.Notes.Facts.Backups[i].Source == source {
			change(&ap.Notes.Facts.Backups[i])
		}
	}
}
