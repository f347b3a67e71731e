package pipeline

import (
	"context"
	"fmt"
	"iter"
	"lethe/classifiers"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Republish makes the report of a run anew from the journal; "" is the last run.
func Republish(ctx context.Context, p *setup.Setup, runID string) (Result, error) {
	j, err := journal.Open(ctx, p.State)
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
		f, err := state.FactsOf(r)
		if err != nil {
			return Result{}, err
		}
		published, err := publish(ctx, p, j, r.ID, f)
		if err != nil {
			return Result{}, err
		}
		return Result{RunID: r.ID, Report: published.ReportPath, Manifest: published.ManifestSHA256}, nil
	}
	return Result{}, fmt.Errorf("%w: the journal has no finished run %q", setup.ErrConfig, runID)
}

func publish(ctx context.Context, p *setup.Setup, j *journal.Journal, runID string, f audit.Facts) (evidence.Published, error) {
	signer, err := p.Keys.Runner()
	if err != nil {
		return evidence.Published{}, err
	}
	published, err := evidence.Publish(ctx, evidence.Publication{
		Facts: f, Root: p.Reports, Date: policy.DateOf(f.Run.AsOf, p.Zone).String(), Signer: signer,
		Decisions: audit.ReadSpool[audit.Decision](filepath.Join(p.State, "runs", runID, "decisions.arrow")),
		Actions:   actions(ctx, p, j, runID),
		Gate:      outputGate{p.Catalogue},
		Aside:     func(key string) bool { return strings.Contains(key, journal.SyncOnly+"/") },
	})
	if err != nil {
		return published, err
	}
	return published, j.Publish(ctx, runID, published.ManifestSHA256)
}

// actions projects the settled rows of a run from the segments of its plans and the outcomes of their chunks.
func actions(ctx context.Context, p *setup.Setup, j *journal.Journal, runID string) iter.Seq2[[]audit.Action, error] {
	return func(yield func([]audit.Action, error) bool) {
		plans, err := j.Plans(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, entry := range plans {
			chunks, err := j.Chunks(ctx, entry.ID)
			if err != nil {
				yield(nil, err)
				return
			}
			if !slices.ContainsFunc(chunks, func(c journal.Chunk) bool { return c.RunID == runID && c.Outcome != nil }) {
				continue
			}
			doc, err := openPlan(p.State, entry)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range doc.Groups {
				if !projectGroup(doc, i, chunks, runID, yield) {
					return
				}
			}
		}
	}
}

// projectGroup yields the rows of one group that the run settled. A spooled action carries in Batch the position of its unit; the chunk that covers it has
// the outcomes in the order of the segments.
func projectGroup(doc *plan, group int, chunks []journal.Chunk, runID string, yield func([]audit.Action, error) bool) bool {
	var mine []*progress
	for _, c := range chunks {
		if c.Group == group {
			mine = append(mine, &progress{chunk: c})
		}
	}
	units := int64(0)
	for k, seg := range doc.Groups[group].Segments {
		ownedFrom := int64(-1)
		if seg.Kind == kindOwned {
			ownedFrom = units
		}
		if seg.Kind != kindDependent {
			units += seg.Rows
		}
		for rows, err := range audit.ReadSpool[audit.Action](filepath.Join(doc.folder, seg.Actions)) {
			if err != nil {
				return yield(nil, err)
			}
			out := make([]audit.Action, 0, len(rows))
			for i := range rows {
				unit := rows[i].Batch
				if ownedFrom >= 0 {
					unit = ownedFrom
					ownedFrom++
				}
				at, found := slices.BinarySearchFunc(mine, unit, func(p *progress, unit int64) int {
					switch {
					case p.chunk.First+p.chunk.Rows <= unit:
						return -1
					case p.chunk.First > unit:
						return 1
					}
					return 0
				})
				if !found || mine[at].chunk.Outcome == nil {
					continue
				}
				c := mine[at]
				if c.next >= len(c.chunk.Outcome) {
					return yield(nil, fmt.Errorf("plan %s group %d segment %d: %w", doc.PlanID, group, k, journal.ErrCorrupt))
				}
				outcome := c.chunk.Outcome[c.next]
				c.next++
				if c.chunk.RunID != runID {
					continue
				}
				rows[i].Batch, rows[i].At, rows[i].Digest = c.chunk.ID, c.chunk.SettledAt, doc.digest
				rows[i].Status, rows[i].ErrorCode, rows[i].Absent = words(outcome)
				out = append(out, rows[i])
			}
			if len(out) > 0 && !yield(out, nil) {
				return false
			}
		}
	}
	return true
}

type progress struct {
	chunk journal.Chunk
	next  int
}

// words turns the outcome of a row into what the report says.
func words(outcome byte) (status, code string, verified bool) {
	switch outcome {
	case rowDone:
		return "done", "", true
	case rowUnverified:
		return "done", "UNVERIFIED", false
	case rowRecovered:
		return "recovered", "", true
	case rowDrift:
		return "skipped_drift", "", false
	case rowGone:
		return "skipped_drift", "GONE", true
	case rowRefused:
		return "refused", "DATABASE", false
	}
	return "failed", "UNKNOWN", false
}

// outputGate runs the product's own detectors over its own output: no string column may look like personal data, unless its words come from
// the configuration or a catalog.
type outputGate struct{ catalogue *classifiers.Catalogue }

// Check judges the distinct strings of one column of the report.
func (g outputGate) Check(table, column string, values []string) error {
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

// gated are the kinds of value that can never belong into a report. Words of the catalog and of the configuration may look like names, cities or numbers.
var gated = map[classifiers.Category]bool{classifiers.Email: true, classifiers.IBAN: true, classifiers.CreditCard: true, classifiers.Secret: true}

// reportPlan turns a sealed plan into rows of the report.
func reportPlan(n *notes.Notes, p *plan, state string) {
	for _, c := range p.Counts {
		n.Facts.Plans = append(n.Facts.Plans, audit.Plan{PlanID: p.PlanID, Part: string(p.Part), Digest: p.digest, Silo: c.Silo, Source: c.Source, Object: c.Table, Change: c.Change, Reason: c.Reason,
			Rows: c.Rows, PercentOfObject: c.Percent, Usual: usual(n.History, c), Breakers: strings.Join(p.Questions, ";"), RequiresApproval: p.Part == partDestructive && state == journal.Waiting, ValidUntil: p.ValidUntil, State: state})
	}
}
