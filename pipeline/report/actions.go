package report

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"slices"

	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
)

// Actions projects the settled rows of a run from the segments of its plans and the outcomes of their chunks.
func Actions(ctx context.Context, p *setup.Setup, j *journal.Journal, runID string) iter.Seq2[[]audit.Action, error] {
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
			doc, err := plan.Open(p.State, entry)
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
func projectGroup(doc *plan.Sealed, group int, chunks []journal.Chunk, runID string, yield func([]audit.Action, error) bool) bool {
	var mine []*progress
	for _, c := range chunks {
		if c.Group == group {
			mine = append(mine, &progress{chunk: c})
		}
	}
	units := int64(0)
	for k, seg := range doc.Groups[group].Segments {
		ownedFrom := int64(-1)
		if seg.Kind == plan.Owned {
			ownedFrom = units
		}
		if seg.Kind != plan.Dependent {
			units += seg.Rows
		}
		for rows, err := range audit.ReadSpool[audit.Action](filepath.Join(doc.Folder, seg.Actions)) {
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
				rows[i].Batch, rows[i].At, rows[i].Digest = c.chunk.ID, c.chunk.SettledAt, doc.Digest
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
	case plan.Done:
		return "done", "", true
	case plan.Unverified:
		return "done", "UNVERIFIED", false
	case plan.Recovered:
		return "recovered", "", true
	case plan.Drift:
		return "skipped_drift", "", false
	case plan.Gone:
		return "skipped_drift", "GONE", true
	case plan.Refused:
		return "refused", "DATABASE", false
	}
	return "failed", "UNKNOWN", false
}
