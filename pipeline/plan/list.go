package plan

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lethe/pipeline/journal"
	"lethe/pipeline/setup"
)

// List returns the documents of the plans in any of the states, oldest first, with their journal entries. Of a
// plan that cannot be opened the document says what the journal knows; the error then says why, of each.
func List(ctx context.Context, p *setup.Setup, states ...string) ([]Document, []journal.Plan, error) {
	j, err := journal.Open(ctx, p.State)
	if err != nil {
		return nil, nil, err
	}
	defer j.Close()

	entries, err := j.Plans(ctx, states...)
	if err != nil {
		return nil, nil, err
	}
	docs := make([]Document, len(entries))
	var unopened []error
	for i, e := range entries {
		doc, err := Open(p.State, e)
		if err != nil {
			docs[i] = Document{PlanID: e.ID, RunID: e.RunID, Part: Part(e.Part), AsOf: e.CreatedAt,
				ValidUntil: e.ValidUntil}
			if e.State == journal.Waiting || e.State == journal.Approved {
				unopened = append(unopened, err)
			}
			continue
		}
		docs[i] = doc.Document
	}
	return docs, entries, errors.Join(unopened...)
}

// find returns the one plan of a name: its whole name, or the beginning of its name or of its digest.
func find(ctx context.Context, j *journal.Journal, id string) (journal.Plan, error) {
	plans, err := j.Plans(ctx)
	if err != nil {
		return journal.Plan{}, err
	}
	var hits []journal.Plan
	for _, e := range plans {
		if e.ID == id {
			return e, nil
		}
		if strings.HasPrefix(e.ID, id) || strings.HasPrefix(e.Digest, id) {
			hits = append(hits, e)
		}
	}
	if len(hits) != 1 || id == "" {
		return journal.Plan{}, fmt.Errorf("%w: %d plans are named %q: `lethe plan show` lists them",
			setup.ErrConfig, len(hits), id)
	}
	return hits[0], nil
}
