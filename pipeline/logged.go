package pipeline

import (
	"context"
	"fmt"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/chronicle"
	"lethe/pipeline/setup"
)

// keepLog makes the log of nights whole before anything is added to it. That it was altered is found and ends the night
// with 12, but stops nothing: the journal has it, and it is written anew with the same checkpoints.
func (b *book) keepLog(ctx context.Context) error {
	kept, err := chronicle.Keep(ctx, b.setup, b.journal)
	if err != nil {
		return err
	}
	if kept.TakenOver > 0 && !b.rebuilt {
		b.notes.Find(audit.Finding{Kind: "F_LOG_BEGUN", Severity: "low", Object: tilelog.Folder, Count: kept.TakenOver,
			Article: "Art. 5(2)", Words: "The log of nights begins: the reports that stood before it are its first " +
				"entries, in their order. It proves them from now on, not what they were before."})
	}
	if b.tonight.Phases != setup.SyncOnly {
		if err := chronicle.Stamp(ctx, b.setup); err != nil && ctx.Err() == nil {
			b.notes.Find(chronicle.Unstamped(err))
		}
	}
	if kept.Restored == "" {
		return nil
	}
	words := fmt.Sprintf("The log of nights in the reports was altered or is missing in part (%s). It was written "+
		"anew "+
		"from the journal, with the same checkpoints. Look who can write there.", kept.Restored)
	b.notes.Find(audit.Finding{Kind: "F_LOG_RESTORED", Severity: "high", Object: tilelog.Folder, Count: 1,
		Article: "Art. 5(2)", Words: words})
	if !b.rebuilt {
		b.notes.Problem(fmt.Errorf("%w: %s", setup.ErrTampered, words))
	}
	return nil
}

// noteLog puts into the facts how the log stands, and that nobody cosigned it for long.
func (b *book) noteLog() error {
	s, err := chronicle.StandOn(b.setup, b.tonight.Today.String())
	if err != nil {
		return fmt.Errorf("%w: the log of nights was altered while the night was at work, or cannot be read: %w: "+
			"the next "+
			"night writes it anew", setup.ErrTampered, err)
	}
	b.notes.Facts.Log = s.Lines
	if f, late := s.Finding(b.setup.Zone); late {
		b.notes.Find(f)
	}
	return nil
}
