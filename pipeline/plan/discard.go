package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Discard ends a plan that has not begun, or that has and cannot be finished, whatever its folder and its key look
// like, by a signed answer of somebody who may answer plans. Nothing is destroyed but the plan's key: the folder
// stays as evidence, and the next night plans the rows that are still there anew.
func Discard(ctx context.Context, p *setup.Setup, planID, actor, comment string, signer *keystore.Signer) (id string,
	err error) {
	person, err := p.Signs(actor, signer)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(comment) == "" {
		return "", fmt.Errorf("%w: --comment: say why the plan is discarded", setup.ErrConfig)
	}
	j, err := p.Journal(ctx)
	if err != nil {
		return "", err
	}
	defer j.Close()
	book, err := state.Answers(ctx, p, j)
	if err != nil {
		return "", err
	}

	entry, err := find(ctx, j, planID)
	if err != nil {
		return "", err
	}
	if entry.State != journal.Waiting && entry.State != journal.Approved {
		return "", fmt.Errorf("%w: plan %s is %s: there is nothing to discard", setup.ErrConfig, entry.ID, entry.State)
	}
	if err := mayDiscard(p, entry, person); err != nil {
		return "", err
	}
	a := answers.Answer{Act: answers.Discard, About: answers.AboutPlan(entry.ID), Digest: entry.Digest, Actor: actor,
		Comment: comment}
	_, err = takeBack(ctx, p, j, entry, takingBack{book: book, answer: a, signer: signer, to: journal.Rejected,
		begun: unfinishable(ctx, p, j, entry)})
	return entry.ID, err
}

// unfinishable reports whether no night can finish a plan as things stand: it cannot be opened, names a source
// that the configuration no longer has, or lacks the approvals of people, since those who gave them are gone or have
// other keys, or a standing order that covered it is over.
func unfinishable(ctx context.Context, p *setup.Setup, j *journal.Journal, entry journal.Plan) bool {
	doc, _, err := Usable(p, entry)
	if err != nil {
		return true
	}
	for _, s := range doc.Sets {
		known := func(of setup.Source) bool { return of.Name == s.Source }
		if doc.Files[s.Source] == "" && !slices.ContainsFunc(p.Sources, known) {
			return true
		}
	}
	s, err := SaidOf(ctx, p, j, doc)
	return err != nil || len(Missing(p, doc, s)) > 0 && doc.Part != Reversible
}

// mayDiscard refuses people who may not answer the plan. Whose rows are in one that cannot be opened nobody can
// say: then the owner of any silo may.
func mayDiscard(p *setup.Setup, entry journal.Plan, person setup.Person) error {
	doc, unopened := Read(p.State, entry)
	if slices.ContainsFunc(person.Roles, func(role string) bool {
		silo, owner := strings.CutPrefix(role, "owner:")
		return role == "custodian" || role == "dpo" || owner && (unopened != nil || slices.Contains(doc.silos(), silo))
	}) {
		return nil
	}
	return fmt.Errorf("%w: to discard a plan takes an owner of one of its silos, a custodian or "+
		"the data protection officer", setup.ErrConfig)
}

// destroyKey destroys the key of a plan's rows, if the keystore has it.
func destroyKey(p *setup.Setup, id string) error {
	_, err := p.Keys.Destroy("plan/"+id, p.Now())
	if errors.Is(err, keystore.ErrMissing) {
		return nil
	}
	return err
}
