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

// Actions projects the settled rows of a run from the segments of its plans and the outcomes of their
// chunks. A chunk with more or fewer outcomes than the plan has rows for it is [journal.ErrCorrupt];
// nothing follows an error.
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
			ours := func(c journal.Chunk) bool { return c.RunID == runID && c.Outcome != nil }
			if !slices.ContainsFunc(chunks, ours) {
				continue
			}

			doc, err := plan.Open(p.State, entry)
			if err != nil {
				yield(nil, err)
				return
			}
			for rows, err := range settledRows(doc, chunks, runID) {
				if !yield(rows, err) || err != nil {
					return
				}
			}
		}
	}
}

// settledRows yields the rows of one plan that a run settled.
func settledRows(doc *plan.Sealed, chunks []journal.Chunk, runID string) iter.Seq2[[]audit.Action, error] {
	return func(yield func([]audit.Action, error) bool) {
		for group := range doc.Groups {
			p := &projection{doc: doc, runID: runID, group: group}
			for _, c := range chunks {
				if c.Group == group {
					p.chunks = append(p.chunks, &progress{chunk: c})
				}
			}
			for _, segment := range doc.Groups[group].Segments {
				for rows, err := range p.segment(segment) {
					if !yield(rows, err) || err != nil {
						return
					}
				}
			}
			if err := p.whole(); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// projection finds, segment after segment, the outcome of each row of one group of a plan.
//
// Chunks cover units: the governed rows, then the owned parents, segment by segment. A dependent belongs to
// the unit of the row it follows. The outcomes of a chunk stand in the order of the segments, so that each
// chunk is read once from its beginning to its end, side by side with the others.
type projection struct {
	doc    *plan.Sealed
	runID  string
	group  int
	chunks []*progress // of the group, in the order of their units
	units  int64       // of the segments that are behind
}

// progress is how far the outcomes of a chunk have been given to rows.
type progress struct {
	chunk journal.Chunk
	next  int
}

// segment yields the rows of the next segment that the run settled.
func (p *projection) segment(s plan.Segment) iter.Seq2[[]audit.Action, error] {
	first := p.units
	if s.Kind != plan.Dependent {
		p.units += s.Rows
	}
	return func(yield func([]audit.Action, error) bool) {
		at := first
		for rows, err := range audit.ReadSpool[audit.Action](filepath.Join(p.doc.Folder, s.Actions)) {
			if err != nil {
				yield(nil, err)
				return
			}
			settled := make([]audit.Action, 0, len(rows))
			for i := range rows {
				row := &rows[i]
				unit := row.Batch // a spooled row carries the position of its root there
				if s.Kind == plan.Owned {
					unit = at
				}
				at++
				ours, err := p.settle(row, unit)
				if err != nil {
					yield(nil, err)
					return
				}
				if ours {
					settled = append(settled, *row)
				}
			}
			if len(settled) > 0 && !yield(settled, nil) {
				return
			}
		}
	}
}

// settle completes a row by the outcome that its chunk has for it; ours says that it was the run that
// settled it.
func (p *projection) settle(row *audit.Action, unit int64) (ours bool, err error) {
	at, found := slices.BinarySearchFunc(p.chunks, unit, func(p *progress, unit int64) int {
		switch {
		case p.chunk.First+p.chunk.Rows <= unit:
			return -1
		case p.chunk.First > unit:
			return 1
		}
		return 0
	})
	if !found || p.chunks[at].chunk.Outcome == nil {
		return false, nil
	}
	c := p.chunks[at]
	if c.next >= len(c.chunk.Outcome) {
		return false, p.corrupt(c)
	}
	outcome := c.chunk.Outcome[c.next]
	c.next++

	row.Batch, row.At, row.Digest = c.chunk.ID, c.chunk.SettledAt, p.doc.Digest
	row.Status, row.ErrorCode, row.Absent = outcomeWords(outcome)
	return c.chunk.RunID == p.runID, nil
}

// whole makes sure, when all segments are behind, that every outcome of every chunk was a row's.
func (p *projection) whole() error {
	for _, c := range p.chunks {
		if c.next < len(c.chunk.Outcome) {
			return p.corrupt(c)
		}
	}
	return nil
}

func (p *projection) corrupt(c *progress) error {
	return fmt.Errorf("plan %s group %d chunk %d: it has %d outcomes, and the plan another number of rows for it: %w",
		p.doc.PlanID, p.group, c.chunk.ID, len(c.chunk.Outcome), journal.ErrCorrupt)
}

// outcomeWords turns the outcome of a row into what the report says.
func outcomeWords(outcome byte) (status, code string, verified bool) {
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
