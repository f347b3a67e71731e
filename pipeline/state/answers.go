package state

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/manifest"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/shown"
)

// Answers opens the book of what people answered, and makes sure that it still has what a night has seen. A chain that
// does not hold is [answers.ErrBroken], with the ways out.
func Answers(ctx context.Context, p *setup.Setup, j *journal.Journal) (*answers.Book, error) {
	b, err := answers.Open(ctx, j, p.Reports)
	if err == nil {
		err = Complete(ctx, p, j, b.Chain)
	}
	if err != nil {
		return b, fmt.Errorf("%w: put the state folder, or %s/%s, back from a copy; where there is none, two people "+
			"go on without what is lost by `lethe audit acknowledge`", err, p.Reports, answers.Folder)
	}
	return b, nil
}

// Book opens the journal, and in it the book of what people answered, as [Answers] does. The caller closes the journal.
func Book(ctx context.Context, p *setup.Setup) (*journal.Journal, *answers.Book, error) {
	j, err := p.Journal(ctx)
	if err != nil {
		return nil, nil, err
	}
	b, err := Answers(ctx, p, j)
	if err != nil {
		return nil, nil, errors.Join(err, j.Close())
	}
	return j, b, nil
}

// Complete makes sure that a chain has the answers that a night has seen, or that their loss was acknowledged by two
// people who may: a custodian, and an owner or the data protection officer.
func Complete(ctx context.Context, p *setup.Setup, j *journal.Journal, c answers.Chain) error {
	seen, err := SeenAnswers(ctx, p, j)
	if err != nil {
		return err
	}
	for _, head := range seen {
		two, err := c.Lacks(head)
		if err != nil {
			return err
		}
		if len(two) == 2 {
			a, b := two[0].Answer, two[1].Answer
			if p.People[a.Actor].Key.String() != a.Key || p.People[b.Actor].Key.String() != b.Key {
				return fmt.Errorf("%w: who acknowledged that answers are lost (%s, %s) is not among people with "+
					"that key", answers.ErrBroken, a.Actor, b.Actor)
			}
			if err := MayAcknowledge(p.People[a.Actor], p.People[b.Actor]); err != nil {
				return fmt.Errorf("%w: %w", answers.ErrBroken, err)
			}
		}
	}
	return nil
}

// MayAcknowledge refuses two people who together may not say that the nights go on without lost evidence.
func MayAcknowledge(a, b setup.Person) error {
	other := func(p setup.Person) bool {
		return p.Is("dpo") || strings.Contains(strings.Join(p.Roles, ";"), "owner:")
	}
	if a.Is("custodian") && other(b) || b.Is("custodian") && other(a) {
		return nil
	}
	return fmt.Errorf("%w: to go on without lost evidence takes a custodian, and an owner or the data protection "+
		"officer", setup.ErrConfig)
}

// SeenAnswers are the heads of the chain as the last run saw it, as the journal recorded it last, and as the newest
// signed report says.
func SeenAnswers(ctx context.Context, p *setup.Setup, j *journal.Journal) (seen []answers.Head, err error) {
	runs, err := j.Runs(ctx, 100)
	if err != nil {
		return nil, err
	}
	head := func(f *audit.Facts) answers.Head {
		return answers.Head{Length: f.Run.Answers, Hash: f.Run.AnswersHead}
	}
	last, err := Newest(runs, func(*audit.Facts) bool { return true })
	if err != nil {
		return nil, err
	}
	if last != nil {
		seen = append(seen, head(last))
	}
	recorded := answers.Head{}
	if recorded.Length, recorded.Hash, err = j.LastAnswer(ctx); err != nil {
		return nil, err
	}
	seen = append(seen, recorded)
	stand, err := standing(p)
	if err != nil || len(stand) == 0 {
		return seen, err
	}
	key, err := runnerPublic(p)
	if err != nil {
		return seen, err
	}
	f, _, err := manifest.Recall(p.Reports, stand[len(stand)-1], key)
	if err != nil {
		return seen, fmt.Errorf("%w: %w", setup.ErrTampered, err)
	}
	return append(seen, head(&f)), nil
}

// AskAnew lets plans wait again that were let go and that no night has begun: those who approved them did so before
// people said that the nights go on without what was lost.
func AskAnew(ctx context.Context, j *journal.Journal) error {
	approved, err := j.Plans(ctx, journal.Approved)
	if err != nil {
		return err
	}
	for _, p := range approved {
		chunks, err := j.Chunks(ctx, p.ID)
		if err == nil && len(chunks) == 0 && p.Part == destructive {
			err = j.SetPlanState(ctx, p.ID, journal.Waiting, "")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// destructive is the part of what cannot be taken back, as package plan calls it.
const destructive = "destructive"

// Say lets a person of the configuration sign an answer with their key, and records it; m moves a plan with it, nil
// none. Whether they may say that is for the caller.
func Say(ctx context.Context, p *setup.Setup, b *answers.Book, a answers.Answer, by *keystore.Signer,
	m *journal.Move) (answers.Signed, error) {
	if _, err := p.Signs(a.Actor, by); err != nil {
		return answers.Signed{}, err
	}
	if b.Revoked(p.People, by.Public()) {
		return answers.Signed{}, fmt.Errorf("%w: the key of %s was revoked: make a new one with `lethe keys new` and "+
			"put its public key under people", setup.ErrConfig, a.Actor)
	}
	a.Comment = strings.ToValidUTF8(strings.TrimSpace(a.Comment), "\uFFFD")
	for _, span := range shown.Gated(p.Catalogue, a.Comment) {
		return answers.Signed{}, fmt.Errorf("%w: --comment holds what looks like %s, and it would stand in the "+
			"evidence for ever: say it without", setup.ErrConfig, span.Category)
	}
	return b.Sign(ctx, a, by, p.Now(), m)
}
