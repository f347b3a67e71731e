package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

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
func (b *book) judged(ctx context.Context) (err error) {
	if b.setup, err = adopted.Judge(b.setup, b.answers.Chain); err != nil {
		return err
	}
	if b.setup.Policy == nil { // made by a program, not read
		return nil
	}
	b.people()
	if err := errors.Join(b.strangers(ctx), b.ordered()); err != nil {
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

// operated lets the operator sign that they run this night, before it changes anything. Without somebody who is one
// under people nobody is asked.
func (b *book) operated(ctx context.Context) error {
	p, w := b.setup, b.tonight.Operator
	if !b.tonight.Apply || b.tonight.Phases == setup.RebuildOnly || w == nil && !p.Operated { // two people sign that
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

// endsSoon is how many days before a key ends that is said.
const endsSoon = 30

// people finds the people whose keys sign nothing any more, or soon do not.
func (b *book) people() {
	for _, name := range slices.Sorted(maps.Keys(b.setup.People)) {
		person := b.setup.People[name]
		const next = "a new one is made with `lethe keys new`, put under people and adopted by two with " +
			"`lethe policy adopt`"
		f := audit.Finding{Kind: "F_KEY_ENDS", Severity: "medium", Object: name, Count: 1, Article: "Art. 32"}
		switch last := person.Until.In(b.setup.Zone).AddDate(0, 0, -1).Format(time.DateOnly); {
		case person.Revoked:
			f.Kind, f.Words = "F_KEY_REVOKED", fmt.Sprintf("The key of %s was revoked: %s.", name, next)
		case person.Ended(b.tonight.AsOf):
			f.Kind, f.Words = "F_KEY_ENDED", fmt.Sprintf("The last day of the key of %s was %s: %s.", name, last, next)
		case person.Ended(b.tonight.AsOf.AddDate(0, 0, endsSoon)):
			f.Words = fmt.Sprintf("The last day of the key of %s is %s: %s.", name, last, next)
		default:
			continue
		}
		b.notes.Find(f)
	}
}

// strangers finds answers since the last report that are signed by a key which nobody of that name had: they count for
// nothing, and somebody who can write to the chain put them there.
func (b *book) strangers(ctx context.Context) error {
	from, err := b.published(ctx)
	if err != nil {
		return err
	}
	all := b.answers.All()
	for _, s := range all[min(from, int64(len(all))):] {
		a, people := s.Answer, b.setup.People
		then, err := adopted.InForce(b.setup, b.answers.Upto(a.Seq-1))
		if err != nil {
			return err
		}
		if then != nil {
			people = then.People
		}
		if person, ok := people[a.Actor]; ok && person.Key.String() == a.Key {
			continue
		}
		b.notes.Find(audit.Finding{Kind: "F_ANSWER_STRANGER", Severity: "high", Object: fmt.Sprint(a.Seq), Count: 1,
			Article: "Art. 5(2)", Words: fmt.Sprintf("Answer %d, the %s of %s about %s, is signed by a key that nobody "+
				"of that name had among people then. It counts for nothing. Look who can write to the state folder and "+
				"to the reports.", a.Seq, a.Act, a.Actor, a.About)})
	}
	return nil
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
		if by := plan.Discarding(b.setup, b.answers.Chain, e); len(by) > 0 {
			b.notes.Find(audit.Finding{Kind: "F_PLAN_DISCARD", Severity: "medium", Object: e.ID, Count: 1,
				Article: "Art. 24", Words: strings.Join(by, ", ") + " signed that this plan is discarded, which " +
					"takes two: another one signs it too with `lethe plan discard`, or it goes on as if nobody had."})
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
