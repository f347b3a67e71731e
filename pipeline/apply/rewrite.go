package apply

import (
	"context"
	"encoding/hex"
	"fmt"

	"lethe/connectors"
	"lethe/pipeline/journal"
	"lethe/pipeline/setup"
)

// rewrite executes the changes of one backup file in one streamed rewrite.
func (a *application) rewrite(ctx context.Context, chunks []journal.Chunk) (done bool, err error) {
	recovering := len(chunks) > 0
	if recovering && chunks[0].Outcome != nil {
		return true, nil
	}
	rewriter, ok := a.store.Conn.(connectors.Rewriter)
	if !ok {
		a.Notes.Problem(fmt.Errorf("%w: plan %s rewrites backup %s, which may only be read now: configure `rewrite:` "+
			"again", setup.ErrSource, a.plan.PlanID, a.store.Name))
		return false, nil
	}
	if a.source != nil && !a.source.done() {
		a.Limits.BackupRow(a.store).Status = "waiting"
		return false, nil
	}
	if err := a.mayWrite(); err != nil {
		return false, err
	}
	if !recovering {
		if same, err := a.sameFile(ctx); err != nil || !same {
			return false, err
		}
	}
	rows := len(a.set.Rows)
	intent, err := a.Journal.Intend(ctx, journal.Chunk{RunID: a.Tonight.RunID, PlanID: a.plan.PlanID,
		Group: a.position, Rows: int64(rows), IntentAt: a.Setup.Now()})
	if err != nil {
		return false, err
	}
	a.Setup.Crash("rewrite_intent")
	kept, err := a.kept(ctx)
	if err != nil {
		return false, err
	}
	report, err := a.x.Backup(ctx, rewriter, kept, recovering, func() { a.Setup.Crash("rewrite_read_back") })
	if err != nil {
		a.Stores.FailedSource(a.store, err)
		a.Limits.BackupRow(a.store).Status = "waiting"
		return false, nil
	}
	ctx = context.WithoutCancel(ctx) // what is changed is recorded, whoever wants the night to end
	a.Setup.Crash("rewritten")
	after := hex.EncodeToString(report.After.SHA256[:])
	if err := a.Journal.Rewritten(ctx, a.store.Path, a.Tonight.AsOf, after); err != nil {
		return false, err
	}
	b := a.Limits.BackupRow(a.store)
	b.Before, b.After, b.Status, b.LastRewrite, b.Pending, b.Size = hex.EncodeToString(report.Before.SHA256[:]),
		after, "rewritten", a.Tonight.AsOf, 0, report.After.Size
	if err := a.settle(ctx, intent); err != nil {
		return false, err
	}
	a.x.Changed(0, rows, a.count)
	a.Setup.Crash("rewrite_settled")
	a.saidKept()
	return true, nil
}

// sameFile reports whether a backup is as the plan saw it, or as another plan left it; else the plan ends.
func (a *application) sameFile(ctx context.Context) (bool, error) {
	digest, err := a.store.FileDigest()
	if err != nil {
		return false, err
	}
	_, ours, err := a.Journal.LastRewrite(ctx, a.store.Path)
	if err != nil {
		return false, err
	}
	if digest == a.plan.Files[a.store.Name] || digest == ours {
		return true, nil
	}
	a.Notes.Problem(fmt.Errorf("%w: backup %s changed since plan %s was made: this night plans anew",
		setup.ErrExpired, a.store.Name, a.plan.PlanID))
	return false, a.lapse(ctx, a.plan)
}
