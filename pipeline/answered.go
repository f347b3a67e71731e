package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/adopted"
	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/orders"
	"lethe/pipeline/plan"
	"lethe/pipeline/report"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// openAnswers reads what people answered, and makes the two copies of it alike again. That one lacked something, or had
// it otherwise, is found and ends the night with 12, but stops nothing: the other still had it, signed and in its
// place.
func (b *book) openAnswers(ctx context.Context) (err error) {
	if b.answers, err = state.Answers(ctx, b.setup, b.journal); err != nil {
		return err
	}
	places, err := b.answers.Restore(ctx)
	if err != nil || len(places) == 0 {
		return err
	}
	first := b.answers.All()[places[0]-1].Answer
	words := fmt.Sprintf("Answers of people were missing or altered in the journal or in the folder %s of the "+
		"reports, the first of them %d, the %s of %s about %s. They were put back from the other copy. Look who can "+
		"write there.", answers.Folder, first.Seq, first.Act, first.Actor, first.About)
	b.notes.Find(audit.Finding{Kind: "F_ANSWERS_RESTORED", Severity: "high", Object: fmt.Sprint(first.Seq),
		Count: int64(len(places)), Article: "Art. 5(2)", Words: words})
	if !b.rebuilt { // else that is what was asked for
		b.notes.Problem(fmt.Errorf("%w: %s", setup.ErrTampered, words))
	}
	return nil
}

// judged looks at the night with the people of the policy in force, and finds where the configuration has another one.
func (b *book) judged() (err error) {
	if b.setup, err = adopted.Judge(b.setup, b.answers.Chain); err != nil {
		return err
	}
	if b.setup.Policy == nil { // made by a program, not read
		return nil
	}
	if err := b.ordered(); err != nil {
		return err
	}
	if b.setup.Adopted == b.setup.PolicyDigest || b.setup.Adopted == "" {
		return nil
	}
	missing, err := adopted.Missing(b.setup, b.answers.Chain)
	b.notes.Find(audit.Finding{Kind: "F_POLICY_UNADOPTED", Severity: "high", Object: "policy", Count: 1,
		Article: "Art. 24", Words: fmt.Sprintf("The configuration's policy is another one than people adopted. Until "+
			"it is adopted, no standing order counts, each plan that destroys asks people, and only those of the "+
			"adopted one may answer. See what differs, and adopt it, with `lethe policy adopt`; it lacks %s.",
			strings.Join(missing, " and "))})
	return err
}

// ordered looks at the night with the standing orders that people signed, and finds what a person should look at in
// them.
func (b *book) ordered() error {
	list, err := orders.Look(b.setup, b.answers.Chain)
	if err != nil {
		return err
	}
	for _, s := range list {
		if kind, severity, words := s.Finding(b.setup.Adopted != ""); kind != "" {
			b.notes.Find(audit.Finding{Kind: kind, Severity: severity, Object: s.Order.Silo, Column: s.Name(), Count: 1,
				Article: "Art. 24", Words: words})
		}
	}
	b.setup, err = orders.Judge(b.setup, b.answers.Chain)
	return err
}

// unsaidDays is for how long a plan is looked at after its term.
const unsaidDays = 30

// unsaid finds plans that are in another state than follows from what people said and what was done.
func (b *book) unsaid(ctx context.Context) error {
	entries, err := b.journal.Plans(ctx)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.ValidUntil.AddDate(0, 0, unsaidDays).Before(b.tonight.AsOf) {
			continue
		}
		words, err := plan.Unsaid(ctx, b.setup, b.journal, e)
		if err != nil {
			return err
		}
		if words != "" {
			b.notes.Find(audit.Finding{Kind: "F_PLAN_STATE", Severity: "high", Object: e.ID, Count: 1,
				Article: "Art. 5(2)", Words: "A plan was not in the state that people brought it to: " + words + ". " +
					"Either people, keys or roles are others than when they answered, or somebody changed the " +
					"journal: look who can write to the state folder."})
		}
	}
	return nil
}

// noteAnswers puts into the facts how long the chain of answers is now, and what was answered since the last report.
func (b *book) noteAnswers(ctx context.Context) error {
	now, err := answers.Open(ctx, b.journal, b.setup.Reports)
	if err != nil {
		now = b.answers // as the run found it
	}
	head := now.Head()
	b.notes.Facts.Run.Answers, b.notes.Facts.Run.AnswersHead = head.Length, head.Hash
	published, err2 := b.published(ctx)
	if err2 != nil {
		return err2
	}
	report.Answered(b.notes, b.setup, now.All()[min(published, head.Length):])
	return err
}

// published is how many answers the last report that was published knew.
func (b *book) published(ctx context.Context) (int64, error) {
	runs, err := b.journal.Runs(ctx, lookBack)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(runs, func(r journal.Run) bool { return r.Manifest != "" && len(r.Facts) > 0 })
	if i < 0 {
		return 0, nil
	}
	f, err := state.FactsOf(runs[i])
	return f.Run.Answers, err
}
