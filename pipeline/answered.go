package pipeline

import (
	"context"
	"fmt"
	"slices"

	"lethe/pipeline/adopted"
	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/findings"
	"lethe/pipeline/journal"
	"lethe/pipeline/orders"
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

// judged looks at the night with the people of the policy in force and with the standing orders that they signed, and
// finds what a person should look at in them.
func (b *book) judged(ctx context.Context) (err error) {
	if b.setup, err = adopted.Judge(b.setup, b.answers.Chain); err != nil {
		return err
	}
	if b.setup.Policy == nil { // made by a program, not read
		return nil
	}
	from, err := b.published(ctx)
	if err != nil {
		return err
	}
	in := &findings.Inspector{Setup: b.setup, Tonight: b.tonight, Notes: b.notes}
	if err := in.InspectPeople(ctx, b.journal, b.answers.Chain, from); err != nil {
		return err
	}
	b.setup, err = orders.Judge(b.setup, b.answers.Chain)
	return err
}

// operated lets the operator sign that they run this night, before it changes anything. Without somebody who is one
// under people nobody is asked.
func (b *book) operated(ctx context.Context) error {
	p, w := b.setup, b.tonight.Operator
	rebuilds := b.tonight.Phases == setup.RebuildOnly // two people sign that
	if !b.tonight.Apply || rebuilds || w == nil && !p.Held["operator"] {
		return nil
	}
	if w == nil {
		return fmt.Errorf("%w: a night that changes anything is run by an operator: name one with --as NAME and --key "+
			"FILE, or under `operator:` in the configuration", setup.ErrConfig)
	}
	person, err := p.Signs(w.Name, w.Signer)
	if err != nil {
		return err
	}
	if !person.Is("operator") {
		return fmt.Errorf("%w: %s is no operator: a night that changes anything is run by somebody with that role "+
			"under people", setup.ErrConfig, w.Name)
	}
	_, err = state.Say(ctx, p, b.answers, answers.Answer{Act: answers.Run, About: answers.AboutRun(b.tonight.RunID),
		Digest: p.PolicyDigest, Actor: w.Name}, w.Signer, nil)
	return err
}

// noteAnswers puts into the facts how long the chain of answers is now, and what was answered since the last report.
// It returns them, and how many that report knew.
func (b *book) noteAnswers(ctx context.Context) (said answers.Chain, known int64, err error) {
	now, err := answers.Open(ctx, b.journal, b.setup.Reports)
	if err != nil {
		now = b.answers // as the run found it
	}
	head := now.Head()
	b.notes.Facts.Run.Answers, b.notes.Facts.Run.AnswersHead = head.Length, head.Hash
	published, err2 := b.published(ctx)
	if err2 != nil {
		return now.Chain, 0, err2
	}
	report.Answered(b.notes, b.setup, now.All()[min(published, head.Length):])
	return now.Chain, published, err
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
