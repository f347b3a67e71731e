package report

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
)

func Publish(ctx context.Context, p *setup.Setup, j *journal.Journal, runID string, f audit.Facts) (evidence.Published, error) {
	signer, err := p.Keys.Runner()
	if err != nil {
		return evidence.Published{}, err
	}
	published, err := evidence.Publish(ctx, evidence.Publication{
		Facts: f, Root: p.Reports, Date: policy.DateOf(f.Run.AsOf, p.Zone).String(), Signer: signer,
		Decisions: audit.ReadSpool[audit.Decision](filepath.Join(p.State, "runs", runID, "decisions.arrow")),
		Actions:   Actions(ctx, p, j, runID),
		Gate:      Gate{p.Catalogue},
		Aside:     func(key string) bool { return strings.Contains(key, journal.SyncOnly+"/") },
	})
	if err != nil {
		return published, err
	}
	return published, j.Publish(ctx, runID, published.ManifestSHA256)
}

// Check judges the distinct strings of one column of the report.
func (g Gate) Check(table, column string, values []string) error {
	for _, v := range values {
		if !utf8.ValidString(v) {
			return fmt.Errorf("table %s column %s holds text that is not UTF-8", table, column)
		}
		for _, span := range g.catalogue.Spans(nil, []byte(v)) {
			if gated[span.Category] {
				return fmt.Errorf("table %s column %s looks like %s", table, column, span.Category)
			}
		}
	}
	return nil
}
