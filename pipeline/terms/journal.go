package terms

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"lethe/pipeline/journal"
	"lethe/pipeline/policy/calendar"
)

// journal ends what the state folder has of rows: after row_level the references of rows that a database refused, and
// the rows of plans that people ended; after keep the outcomes of plans row by row, and what these were in numbers.
// What somebody may still need stays, as in the reports.
// That there was a plan, its digest and how it ended stay, and so do the runs and what people answered.
func (k *Keeper) journal(ctx context.Context, needed need) error {
	plans, err := k.Journal.Plans(ctx, journal.Settled, journal.Lapsed, journal.Withdrawn, journal.Rejected)
	if err != nil {
		return err
	}
	for _, p := range plans {
		day := calendar.DateOf(p.ValidUntil, k.Setup.Zone)
		if needed.night(day) {
			continue
		}
		folder := filepath.Join(k.Setup.State, "plans", p.ID)
		if k.over(day, k.Setup.Evidence.RowLevel) || k.over(day, k.Setup.Evidence.Keep) {
			files, err := filepath.Glob(filepath.Join(folder, "*.arrow*"))
			for _, file := range files {
				if err == nil {
					err = os.Remove(file)
				}
			}
			if err == nil {
				err = k.Journal.EndRefusals(ctx, p.ID)
			}
			if err != nil {
				return fmt.Errorf("end the rows of plan %s: %w", p.ID, err)
			}
		}
		if !k.over(day, k.Setup.Evidence.Keep) {
			continue
		}
		if err := k.Journal.EndChunks(ctx, p.ID); err != nil {
			return err
		}
		if err := os.RemoveAll(folder); err != nil {
			return fmt.Errorf("end plan %s: %w", p.ID, err)
		}
	}
	return nil
}
