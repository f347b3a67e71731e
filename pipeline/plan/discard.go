package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/answers"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Discard ends a plan that has not begun, or that has and cannot be finished, whatever its folder and its key look
// like, by the signed answers of two people who may answer plans, together or one after the other: done says that it
// is. Nothing is destroyed but the plan's key: the folder stays as evidence, and the next night plans the rows anew.
func Discard(ctx context.Context, p *setup.Setup, planID, comment string, people []setup.Witness) (id string,
	done bool, err error) {
	if strings.TrimSpace(comment) == "" {
		return "", false, fmt.Errorf("%w: --comment: say why the plan is discarded", setup.ErrConfig)
	}
	j, err := p.Journal(ctx)
	if err != nil {
		return "", false, err
	}
	defer j.Close()
	var entry journal.Plan
	for _, w := range people { // before anybody signs
		person, err := p.Signs(w.Name, w.Signer)
		if err != nil {
			return "", false, err
		}
		if entry, err = find(ctx, j, planID); err != nil {
			return "", false, err
		}
		if err := mayDiscard(p, entry, person); err != nil {
			return "", false, err
		}
	}
	for _, w := range people {
		if done, err = discard(ctx, p, j, entry, w, comment); err != nil {
			return entry.ID, false, err
		}
	}
	return entry.ID, done, nil
}

// discard lets one person sign that a plan is discarded.
func discard(ctx context.Context, p *setup.Setup, j *journal.Journal, entry journal.Plan, w setup.Witness,
	comment string) (done bool, err error) {
	book, err := state.Answers(ctx, p, j)
	if err != nil {
		return false, err
	}
	if entry.State != journal.Waiting && entry.State != journal.Approved {
		return false, fmt.Errorf("%w: plan %s is %s: there is nothing to discard", setup.ErrConfig, entry.ID,
			entry.State)
	}
	a := answers.Answer{Act: answers.Discard, About: answers.AboutPlan(entry.ID), Digest: entry.Digest, Actor: w.Name,
		Key: w.Signer.Public(), Comment: comment}
	before := said(p, book.Chain, entry.ID, entry.Digest, time.Time{})
	if slices.ContainsFunc(before.Discards, by(a.Key)) {
		return false, fmt.Errorf("%w: %s has signed already that plan %s is discarded: another person has to",
			setup.ErrConfig, w.Name, entry.ID)
	}
	t := takingBack{book: book, answer: a, signer: w.Signer, to: journal.Rejected,
		begun: unfinishable(ctx, p, j, entry)}
	if done = before.with(a).Ended != nil; !done {
		t.to = entry.State
	}
	_, err = takeBack(ctx, p, j, entry, t)
	return done, err
}

// Discarding are the names of those who want a plan discarded that is not yet.
func Discarding(p *setup.Setup, c answers.Chain, entry journal.Plan) (names []string) {
	s := said(p, c, entry.ID, entry.Digest, time.Time{})
	if s.Ended != nil || entry.State != journal.Waiting && entry.State != journal.Approved {
		return nil
	}
	for _, a := range s.Discards {
		names = append(names, a.Answer.Actor)
	}
	return names
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
