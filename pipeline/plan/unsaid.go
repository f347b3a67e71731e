package plan

import (
	"context"
	"slices"

	"lethe/pipeline/answers"
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
	ended := slices.ContainsFunc(s.about, func(a answers.Signed) bool {
		return a.Answer.Act == answers.Reject || a.Answer.Act == answers.Discard
	})
	approved := doc.Part != Reversible && s.Objection == nil && len(s.Approvals) > 0 && len(Missing(p, doc, s)) == 0
	switch {
	case entry.State == journal.Rejected && !ended:
		return "it is said to be rejected, and nobody rejected or discarded it", nil
	case entry.State == journal.Withdrawn && s.Answered():
		return "it is said to be withdrawn because nobody answered it, and people did", nil
	case entry.State == journal.Settled && doc.rows() > 0 && len(chunks) == 0:
		return "it is said to be settled, and none of its rows was begun", nil
	case entry.State == journal.Approved && s.Objection != nil && len(chunks) == 0 && len(Missing(p, doc, s)) > 0:
		return "it is said to be approved, and " + s.Objection.Answer.Actor + " objected to it", nil
	case entry.State == journal.Waiting && approved && !ended:
		return "it is said to wait, and people approved it", nil
	}
	return "", nil
}
