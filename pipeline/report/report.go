// Package report makes the report of a run from what the journal holds of it, at the end of the run and
// whenever it is asked for again.
//
//   - [Actions] are the rows that a run settled, projected from the segments of its plans and the outcomes of
//     their chunks.
//   - [Plan] turns a sealed plan into lines of the report.
//   - A gate runs the product's own detectors over the report before it is published, so that it holds no
//     personal data.
//   - [Publish] puts them together, signs them, and records their manifest in the journal.
package report

import (
	"context"
	"path/filepath"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/setup"
)

// Decisions is the file of a run's decisions, of which its report is made.
func Decisions(p *setup.Setup, runID string) string {
	return filepath.Join(p.State, "runs", runID, "decisions.arrow")
}

// Publish makes the report of a run from its facts and its settled rows, and records the manifest in the
// journal. Made again from the same journal, it has the same bytes. A report that the gate does not let
// through is [evidence.ErrGate].
func Publish(ctx context.Context, p *setup.Setup, j *journal.Journal, runID string, f audit.Facts) (
	evidence.Published, error,
) {
	signer, err := p.Keys.Runner()
	if err != nil {
		return evidence.Published{}, err
	}
	published, err := evidence.Publish(ctx, evidence.Publication{
		Facts:     f,
		Root:      p.Reports,
		Date:      calendar.DateOf(f.Run.AsOf, p.Zone).String(),
		Signer:    signer,
		Decisions: audit.ReadSpool[audit.Decision](Decisions(p, runID)),
		Actions:   Actions(ctx, p, j, runID),
		Gate:      gate{p.Catalogue},
		Aside:     func(key string) bool { return strings.Contains(key, journal.SyncOnly+"/") },
	})
	if err != nil {
		return published, err
	}
	return published, j.Publish(ctx, runID, published.ManifestSHA256)
}
