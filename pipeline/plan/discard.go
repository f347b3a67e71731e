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
	return entry.ID, takeBack(ctx, p, j, entry, takingBack{actor: actor, body: body, to: journal.Rejected,
		begun: unfinishable(ctx, p, j, entry)})
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
	answers, err := Answers(ctx, p, j, doc)
	return err != nil || len(Missing(p, doc, answers)) > 0 && doc.Part != Reversible
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

// takingBack is a signed answer that moves a plan into another state.
type takingBack struct {
	actor string
	body  []byte
	to    string
	begun bool // also if it has begun
}

// takeBack moves a plan that has not begun into another state, by a signed answer. No night may be at work on an
// approved plan meanwhile.
func takeBack(ctx context.Context, p *setup.Setup, j *journal.Journal, entry journal.Plan, t takingBack) error {
	if entry.State == journal.Approved {
		lock, err := state.TakeLock(p, "an answer to plan "+entry.ID)
		if err != nil {
			return err
		}
		defer lock.Close()
	}
	chunks, err := j.Chunks(ctx, entry.ID)
	if err != nil {
		return err
	}
	if len(chunks) > 0 && !t.begun {
		return fmt.Errorf("%w: plan %s has begun, some of its rows may be changed already: it has to be finished: "+
			"`lethe apply` goes on with it; if it cannot be, `lethe plan discard` ends it", setup.ErrConfig, entry.ID)
	}
	err = j.TakeBack(ctx, entry, t.actor, t.body, t.to, len(chunks))
	if errors.Is(err, journal.ErrMovedOn) {
		return fmt.Errorf("%w: plan %s: %w since it was looked at: ask again", setup.ErrConfig, entry.ID, err)
	}
	if err != nil || t.to != journal.Rejected {
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
