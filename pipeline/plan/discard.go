package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Discard ends a plan that has not begun, whatever its folder and its key look like, by a signed answer of
// somebody who may answer plans. Nothing is destroyed but the plan's key: the folder stays as evidence, and the
// next night plans its rows anew.
func Discard(ctx context.Context, p *setup.Setup, planID, actor, comment string, signer *keystore.Signer) (id string,
	err error) {
	person, err := p.Signs(actor, signer)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(comment) == "" {
		return "", fmt.Errorf("%w: --comment: say why the plan is discarded", setup.ErrConfig)
	}
	j, err := journal.Open(ctx, p.State)
	if err != nil {
		return "", err
	}
	defer j.Close()

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
	body, err := signed(signer, Answer{PlanID: entry.ID, Digest: entry.Digest, Actor: actor, Decision: discard,
		Comment: comment, SignedAt: p.Now().UTC()})
	if err != nil {
		return "", err
	}
	return entry.ID, takeBack(ctx, p, j, entry, actor, body, journal.Rejected)
}

// mayDiscard refuses people who may not answer the plan. Whose rows are in one that cannot be opened nobody can
// say: then the owner of any silo may.
func mayDiscard(p *setup.Setup, entry journal.Plan, person setup.Person) error {
	doc, unopened := Open(p.State, entry)
	if slices.ContainsFunc(person.Roles, func(role string) bool {
		silo, owner := strings.CutPrefix(role, "owner:")
		return role == "custodian" || role == "dpo" || owner && (unopened != nil || slices.Contains(doc.silos(), silo))
	}) {
		return nil
	}
	return fmt.Errorf("%w: to discard a plan takes an owner of one of its silos, a custodian or "+
		"the data protection officer", setup.ErrConfig)
}

// takeBack moves a plan that has not begun into another state, by a signed answer. No night may be at work on an
// approved plan meanwhile.
func takeBack(ctx context.Context, p *setup.Setup, j *journal.Journal, entry journal.Plan, actor string, body []byte,
	to string) (err error) {
	if entry.State == journal.Approved {
		lock, err := state.TakeLock(p)
		if err != nil {
			return err
		}
		defer lock.Close()
	}
	chunks, err := j.Chunks(ctx, entry.ID)
	if err != nil {
		return err
	}
	if len(chunks) > 0 {
		return fmt.Errorf("%w: plan %s has begun, some of its rows may be changed already: it has to be finished: "+
			"`lethe apply` goes on with it, with the plan's folder and key as they were sealed; "+
			"put them back from a copy if they are not", setup.ErrConfig, entry.ID)
	}
	err = j.TakeBack(ctx, entry, actor, body, to)
	if errors.Is(err, journal.ErrMovedOn) {
		return fmt.Errorf("%w: plan %s: %w since it was looked at: ask again", setup.ErrConfig, entry.ID, err)
	}
	if err != nil || to != journal.Rejected {
		return err
	}
	return destroyKey(p, entry.ID)
}

// destroyKey destroys the key of a plan's rows, if the keystore has it.
func destroyKey(p *setup.Setup, id string) error {
	_, err := p.Keys.Destroy("plan/"+id, p.Now())
	if errors.Is(err, keystore.ErrMissing) {
		return nil
	}
	return err
}
