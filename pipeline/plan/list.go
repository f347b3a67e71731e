package plan

import (
	"context"
	"fmt"
	"strings"

	"filippo.io/age"

	"lethe/pipeline/journal"
	"lethe/pipeline/setup"
)

// Listed is a plan as the journal knows it, with what it says of itself.
type Listed struct {
	Document // of a plan that cannot be read, what the journal knows
	Entry    journal.Plan
	Unusable error // why a plan that has not ended can be neither answered nor applied; nil: it can
}

// List returns the plans in any of the states, oldest first.
func List(ctx context.Context, p *setup.Setup, states ...string) ([]Listed, error) {
	j, err := p.Journal(ctx)
	if err != nil {
		return nil, err
	}
	defer j.Close()

	entries, err := j.Plans(ctx, states...)
	if err != nil {
		return nil, err
	}
	list := make([]Listed, len(entries))
	for i, e := range entries {
		list[i] = Listed{Entry: e, Document: Document{PlanID: e.ID, RunID: e.RunID, Part: Part(e.Part),
			AsOf: e.CreatedAt, ValidUntil: e.ValidUntil}}
		if doc, err := Read(p.State, e); err == nil {
			list[i].Document = doc.Document
		}
		if e.State == journal.Waiting || e.State == journal.Approved {
			_, _, list[i].Unusable = Usable(p, e)
		}
	}
	return list, nil
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
		return journal.Plan{}, fmt.Errorf("%w: %d plans are named %q: `lethe plan list` lists them",
			setup.ErrConfig, len(hits), id)
	}
	return hits[0], nil
}

// Look opens a plan whose rows somebody wants to see, as it was sealed: what is shown then is what the digest says that
// people sign. One that has ended has no keys of rows any more.
func Look(ctx context.Context, p *setup.Setup, id string) (*Sealed, age.Identity, error) {
	j, err := p.Journal(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer j.Close()
	entry, err := find(ctx, j, id)
	if err != nil {
		return nil, nil, err
	}
	if entry.State != journal.Waiting && entry.State != journal.Approved {
		return nil, nil, fmt.Errorf("%w: plan %s is %s: the keys of its rows were destroyed when it ended; the table "+
			"`actions` of the report says, by reference, what became of them", setup.ErrConfig, entry.ID, entry.State)
	}
	return Usable(p, entry)
}
