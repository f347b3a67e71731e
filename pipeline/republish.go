package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"lethe/pipeline/report"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
	"lethe/pipeline/tidy"
)

// Republish makes the report of a run anew from the journal; "" is the last run.
func Republish(ctx context.Context, p *setup.Setup, runID string) (Result, error) {
	j, err := p.Journal(ctx)
	if err != nil {
		return Result{}, err
	}
	defer j.Close()
	runs, err := j.Runs(ctx, 1000)
	if err != nil {
		return Result{}, err
	}
	for _, r := range runs {
		if len(r.Facts) == 0 || runID != "" && !strings.HasPrefix(r.ID, runID) {
			continue
		}
		if _, err := os.Stat(report.Decisions(p, r.ID)); r.Manifest != "" && errors.Is(err, os.ErrNotExist) {
			return Result{}, fmt.Errorf("%w: the report of run %s was published, and what it was made of is kept for "+
				"%d nights only: put it back from a copy of %s", setup.ErrConfig, r.ID, tidy.Nights, p.Reports)
		}
		f, err := state.FactsOf(r)
		if err != nil {
			return Result{}, err
		}
		after := f.Run.DecisionsAfter
		if r.Manifest != "" && after != "" && !state.FileExists(report.Decisions(p, after)) {
			return Result{}, fmt.Errorf("%w: the report of run %s was published, and the decisions of run %s, on "+
				"which its list goes on, are kept no more: put it back from a copy of %s", setup.ErrConfig, r.ID,
				after, p.Reports)
		}
		published, err := report.Publish(ctx, p, j, r.ID, f)
		if err != nil {
			return Result{}, err
		}
		return Result{RunID: r.ID, Report: published.ReportPath, Manifest: published.ManifestSHA256,
			Checkpoint: published.Checkpoint.String()}, nil
	}
	return Result{}, fmt.Errorf("%w: the journal has no finished run %q", setup.ErrConfig, runID)
}
