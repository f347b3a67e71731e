package plan

import (
	"context"

	"lethe/pipeline/journal"
	"lethe/pipeline/setup"
)

// Unsaid says in words how the state in which the journal has a plan does not follow from what people said and from
// what was done; "" it does, or nobody can tell: the plan cannot be read, or is of before there was a chain of answers.
func Unsaid(ctx context.Context, p *setup.Setup, j *journal.Journal, entry journal.Plan) (string, error) {
	doc, err := Read(p.State, entry)
	if err != nil || doc.SealedAt.IsZero() {
		return "", nil
	}
	s, err := SaidOf(ctx, p, j, doc)
	if err != nil {
		return "", err
	}
	chunks, err := j.Chunks(ctx, entry.ID)
	if err != nil {
		return "", err
	}
	return s.unlike(p, doc, entry.State, len(chunks)), nil
}

// unlike says how a state, with so many intents on record, does not follow from what was said.
func (s Said) unlike(p *setup.Setup, doc *Sealed, state string, intents int) string {
	ended := weigh(s.about, s.about, s.needed).Ended != nil // whoever counts now
	complete := len(Missing(p, doc, s)) == 0
	approved := doc.Part != Reversible && s.Objection == nil && len(s.Approvals) > 0 && complete
	switch state {
	case journal.Rejected:
		if !ended {
			return "it is said to be rejected, and nobody rejected or discarded it"
		}
	case journal.Withdrawn:
		if s.Answered() {
			return "it is said to be withdrawn because nobody answered it, and people did"
		}
	case journal.Settled:
		if doc.rows() > 0 && intents == 0 {
			return "it is said to be settled, and none of its rows was begun"
		}
	case journal.Approved:
		if s.Objection != nil && intents == 0 && !complete {
			return "it is said to be approved, and " + s.Objection.Answer.Actor + " objected to it"
		}
	case journal.Waiting:
		if approved && !ended {
			return "it is said to wait, and people approved it"
		}
	}
	return ""
}
