package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/answers"
	"lethe/pipeline/journal"
	"lethe/pipeline/setup"
)

// Said is what people said of a plan. What may be done with the plan follows from it and from its changes, and from
// nothing else.
type Said struct {
	All       []answers.Signed // over the plan's digest, by people who count, in their order
	Approvals []answers.Signed // that stand; of a plan that was objected to, those that override it
	Objection *answers.Signed  // that was not withdrawn; nil: none
	Discards  []answers.Signed // of people who want it discarded, which takes two
	Ended     *answers.Signed  // by which it was rejected or discarded; nil: it was not
	Void      []string         // why others do not count
	about     []answers.Signed // all over the digest, whoever signed them
	held      []answers.Signed // approvals that stand, also those that an objection holds
	needed    int              // people who discard it
}

// Answered reports whether anybody has answered.
func (s Said) Answered() bool { return len(s.All)+len(s.Void) > 0 || s.Objection != nil }

// SaidOf reads what people said of a plan.
func SaidOf(ctx context.Context, p *setup.Setup, j *journal.Journal, doc *Sealed) (Said, error) {
	b, err := answers.Open(ctx, j, p.Reports)
	if err != nil {
		return Said{}, err
	}
	return said(p, b.Chain, doc.PlanID, doc.Digest, doc.SealedAt), nil
}

// said reads it from the chain; the plan need not be readable.
func said(p *setup.Setup, c answers.Chain, id, digest string, sealed time.Time) Said {
	given, void := c.GivenAnew(p.People, answers.AboutPlan(id), digest, p.Now())
	count := given[:0]
	for _, a := range given {
		if a.Answer.SignedAt.Before(sealed.Truncate(time.Microsecond)) {
			void = append(void, fmt.Sprintf("the %s of %s does not count: it says that it was signed before the plan "+
				"was sealed", a.Answer.Act, a.Answer.Actor))
			continue
		}
		count = append(count, a)
	}
	s := weigh(c.About(answers.AboutPlan(id), digest), count, min(p.Approvals, 2))
	s.Void = void
	return s
}

// weigh says what follows from answers, of which some count. An objection counts whoever stands under people now: to
// take the name away does not take back what was said. It is withdrawn by who has its key, or overridden.
func weigh(about, count []answers.Signed, needed int) Said {
	s := Said{about: about, All: count, needed: needed}
	for _, a := range about {
		switch {
		case a.Answer.Act == answers.Object:
			s.Objection = &a
		case a.Answer.Act == answers.Withdraw && s.Objection != nil && s.Objection.Answer.Key == a.Answer.Key:
			s.Objection = nil
		}
	}
	for _, a := range count {
		s.take(a)
	}
	return s
}

// with is what will have been said with one more answer.
func (s Said) with(a answers.Answer) Said {
	a.Seq = int64(1)
	if n := len(s.about); n > 0 {
		a.Seq = s.about[n-1].Answer.Seq + 1
	}
	next := []answers.Signed{{Answer: a}}
	return weigh(slices.Concat(s.about, next), slices.Concat(s.All, next), s.needed)
}

// take takes in what else was said.
func (s *Said) take(a answers.Signed) {
	switch a.Answer.Act {
	case answers.Reject:
		s.Ended = &a
	case answers.Discard:
		if !slices.ContainsFunc(s.Discards, by(a.Answer.Key)) {
			s.Discards = append(s.Discards, a)
		}
		if len(s.Discards) >= s.needed {
			s.Ended = &a
		}
	case answers.Withdraw:
		s.Approvals = slices.DeleteFunc(s.Approvals, by(a.Answer.Key))
		s.held = slices.DeleteFunc(s.held, by(a.Answer.Key))
		s.Discards = slices.DeleteFunc(s.Discards, by(a.Answer.Key))
	case answers.Approve, answers.Override:
		s.held = append(s.held, a)
		over := s.Objection == nil || a.Answer.Act == answers.Override && a.Answer.Seq > s.Objection.Answer.Seq
		if over && !slices.ContainsFunc(s.Approvals, by(a.Answer.Key)) {
			s.Approvals = append(s.Approvals, a)
		}
	}
}

// by tells the answers that a key signed.
func by(key string) func(answers.Signed) bool {
	return func(s answers.Signed) bool { return s.Answer.Key == key }
}

// Missing says who must still approve; empty when the plan may be applied. Two people are two keys.
func Missing(p *setup.Setup, doc *Sealed, s Said) []string {
	missing := lacks(p, doc, s.Approvals)
	if s.Objection != nil && len(missing) > 0 {
		return []string{"the controller, over the data protection officer's objection: " +
			strings.Join(missing, " and ") + ", each by --override"}
	}
	return missing
}

func lacks(p *setup.Setup, doc *Sealed, approvals []answers.Signed) (missing []string) {
	var approved []setup.Person
	for _, a := range approvals {
		if person := p.People[a.Answer.Actor]; mayAnswer(doc, person, a.Answer.Act) == nil {
			approved = append(approved, person)
		}
	}
	needed := max(p.Approvals, doc.Approvals)
	if needed == 1 && len(approved) >= 1 {
		return nil
	}
	has := func(role string) bool {
		return slices.ContainsFunc(approved, func(p setup.Person) bool { return p.Is(role) })
	}
	for _, s := range doc.silos() {
		if !has("owner:" + s) {
			missing = append(missing, "an owner of "+s)
		}
	}
	if !has("custodian") {
		missing = append(missing, "a custodian")
	}
	if len(missing) == 0 && len(approved) < needed {
		missing = append(missing, "a second person")
	}
	return missing
}

// Unmet says why approvals that were given do not count any more.
func (s Said) Unmet(p *setup.Setup, doc *Sealed) (why []string) {
	for _, a := range s.Approvals {
		if mayAnswer(doc, p.People[a.Answer.Actor], a.Answer.Act) != nil {
			why = append(why, fmt.Sprintf("the %s of %s does not count: there is no role for it (any more)",
				a.Answer.Act, a.Answer.Actor))
		}
	}
	return append(why, s.Void...)
}

// WaitsFor says in words who has to answer a waiting plan.
func WaitsFor(ctx context.Context, p *setup.Setup, planID string) ([]string, error) {
	j, err := p.Journal(ctx)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	return StillMissing(ctx, p, j, planID)
}

// StillMissing is WaitsFor of a journal that is open.
func StillMissing(ctx context.Context, p *setup.Setup, j *journal.Journal, planID string) ([]string, error) {
	entry, err := find(ctx, j, planID)
	if err != nil {
		return nil, err
	}
	doc, _, err := Usable(p, entry)
	if err != nil {
		return nil, err
	}
	s, err := SaidOf(ctx, p, j, doc)
	if err != nil {
		return nil, err
	}
	return Missing(p, doc, s), nil
}

// Follow brings the state in which the journal has a plan in line with what people said of it, where the plan has not
// begun: that state is a note of it, and may be old or altered. It returns the state; runID
// is the run that asks.
func Follow(ctx context.Context, p *setup.Setup, j *journal.Journal, entry journal.Plan, runID string) (string, error) {
	doc, err := Read(p.State, entry)
	if err != nil || doc.Part == Reversible {
		return entry.State, nil // what cannot be read is the caller's to say
	}
	s, err := SaidOf(ctx, p, j, doc)
	if err != nil {
		return entry.State, err
	}
	to := entry.State
	switch {
	case s.Ended != nil:
		to = journal.Rejected
	case s.Objection != nil && len(Missing(p, doc, s)) > 0:
		to = journal.Waiting
	case len(s.Approvals) > 0 && len(Missing(p, doc, s)) == 0:
		to = journal.Approved
	}
	if to == entry.State {
		return to, nil
	}
	chunks, err := j.Chunks(ctx, entry.ID)
	if err != nil || len(chunks) > 0 {
		return entry.State, err
	}
	if to != journal.Rejected {
		return to, j.SetPlanState(ctx, entry.ID, to, "")
	}
	if err := j.SetPlanState(ctx, entry.ID, to, runID); err != nil {
		return to, err
	}
	return to, destroyKey(p, entry.ID)
}
