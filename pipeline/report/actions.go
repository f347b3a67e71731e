package report

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// Actions projects the settled rows of a run from the sets of its plans and the outcomes of their
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

			refused, err := j.Refusals(ctx, entry.ID)
			if err != nil {
				yield(nil, err)
				return
			}
			for rows, err := range settledOf(p, entry, chunks, refused, runID) {
				if !yield(rows, err) || err != nil {
					return
				}
			}
		}
	}
}

// settledOf yields the rows of one plan that a run settled. Of a plan that has ended and whose folder was lost they
// are counted by their outcomes, without their names. Until it has ended it can be put back from a copy: that it
// cannot be opened is the error.
func settledOf(p *setup.Setup, entry journal.Plan, chunks []journal.Chunk, refused []journal.Refusal,
	runID string) iter.Seq2[[]audit.Action, error] {
	doc, err := plan.Read(p.State, entry)
	if err == nil {
		err = doc.Names()
	}
	switch {
	case err == nil:
		return settledRows(doc, p.Keys, chunks, refused, runID)
	case entry.State == journal.Waiting, entry.State == journal.Approved:
		return func(yield func([]audit.Action, error) bool) { yield(nil, err) }
	}
	return func(yield func([]audit.Action, error) bool) {
		for _, c := range chunks {
			if c.RunID == runID && c.Outcome != nil && !yield(unnamed(entry, c), nil) {
				return
			}
		}
	}
}

// unnamed are the rows of a chunk of which nothing but the outcome is known any more.
func unnamed(entry journal.Plan, c journal.Chunk) []audit.Action {
	rows := make([]audit.Action, len(c.Outcome))
	for i, outcome := range c.Outcome {
		rows[i] = audit.Action{PlanID: entry.ID, Digest: entry.Digest, Batch: c.ID, At: c.SettledAt}
		rows[i].Status, _, rows[i].Absent = outcomeWords(outcome)
		rows[i].ErrorCode = "PLAN_LOST"
	}
	return rows
}

// settledRows yields the rows of one plan that a run settled.
func settledRows(doc *plan.Sealed, keys *keystore.Keystore, chunks []journal.Chunk, refused []journal.Refusal,
	runID string) iter.Seq2[[]audit.Action, error] {
	return func(yield func([]audit.Action, error) bool) {
		for set := range doc.Sets {
			p := &projection{doc: doc, keys: keys, runID: runID, set: set, refused: map[int64]journal.Refusal{}}
			for _, r := range refused {
				if r.Group == set {
					p.refused[r.Row] = r
				}
			}
			for _, c := range chunks {
				if c.Group == set && c.Outcome != nil {
					p.chunks = append(p.chunks, c)
				}
			}
			for rows, err := range p.rows() {
				if !yield(rows, err) || err != nil {
					return
				}
			}
		}
	}
}

// projection finds the outcome of each row of one set of a plan: it stands in the chunk that holds the row's position.
type projection struct {
	doc     *plan.Sealed
	keys    *keystore.Keystore
	runID   string
	set     int
	chunks  []journal.Chunk           // that are settled, in the order of their positions
	refused map[int64]journal.Refusal // by position
}

// rows yields the rows of the set that the run settled.
func (p *projection) rows() iter.Seq2[[]audit.Action, error] {
	return func(yield func([]audit.Action, error) bool) {
		set := p.doc.Sets[p.set]
		for _, c := range p.chunks {
			if int64(len(c.Outcome)) != c.Rows || c.First < 0 || c.First+c.Rows > set.Rows {
				yield(nil, fmt.Errorf("plan %s set %d chunk %d: it has %d outcomes, and the plan another number of "+
					"rows for it: %w", p.doc.PlanID, p.set, c.ID, len(c.Outcome), journal.ErrCorrupt))
				return
			}
		}
		at := int64(0)
		for rows, err := range p.doc.Actions(set, p.keys) {
			if err != nil {
				yield(nil, err)
				return
			}
			settled := rows[:0] // of a batch that nobody else has
			for i := range rows {
				if p.settle(&rows[i], at) {
					settled = append(settled, rows[i])
				}
				at++
			}
			if len(settled) > 0 && !yield(settled, nil) {
				return
			}
		}
	}
}

// settle completes the row at a position by its outcome; ours says that it was the run that settled it.
func (p *projection) settle(row *audit.Action, at int64) (ours bool) {
	for len(p.chunks) > 0 && p.chunks[0].First+p.chunks[0].Rows <= at {
		p.chunks = p.chunks[1:]
	}
	if len(p.chunks) == 0 || at < p.chunks[0].First {
		return false
	}
	c := p.chunks[0]
	row.Batch, row.At, row.Digest = c.ID, c.SettledAt, p.doc.Digest
	row.Status, row.ErrorCode, row.Absent = outcomeWords(c.Outcome[at-c.First])
	if why, known := p.refused[at]; known && row.Status == "refused" {
		row.ErrorCode, row.RefusedBy = why.Class, why.By
	}
	return c.RunID == p.runID
}

// outcomeWords turns the outcome of a row into what the report says.
func outcomeWords(outcome byte) (status, code string, verified bool) {
	switch outcome {
	case plan.Done:
		return "done", "", true
	case plan.Unverified:
		return "failed", "UNVERIFIED", false
	case plan.Recovered:
		return "recovered", "", true
	case plan.Drift:
		return "skipped_drift", "", false
	case plan.Half:
		return "skipped_drift", "HALF_DONE", false
	case plan.Locked:
		return "skipped_drift", "LOCKED", false
	case plan.Gone:
		return "skipped_drift", "GONE", true
	case plan.Refused:
		return "refused", "DATABASE", false
	}
	return "failed", "UNKNOWN", false
}
