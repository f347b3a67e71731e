package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// Approve records a person's signed answer to a plan, and returns the state that the plan is in then. The
// plan may be applied once as many people as the configuration asks for have approved it, an owner of every
// silo in it and a custodian among them; a single rejection ends it. Until its first change an approved plan
// can be taken back: by a rejection, which ends it, or by an objection, after which it waits again.
func Approve(ctx context.Context, p *setup.Setup, planID, actor, decision, comment string,
	signer *keystore.Signer) (state string, err error) {
	person, err := p.Signs(actor, signer)
	if err != nil {
		return "", err
	}
	j, err := journal.Open(ctx, p.State)
	if err != nil {
		return "", err
	}
	defer j.Close()

	doc, entry, err := answerable(ctx, p, j, planID, decision)
	if err != nil {
		return "", err
	}
	if err := mayAnswer(doc, person, decision); err != nil {
		return "", err
	}

	body, err := signed(signer, Answer{PlanID: doc.PlanID, Digest: doc.Digest, Rows: doc.rows(), Actor: actor,
		Decision: decision, Comment: comment, SignedAt: p.Now().UTC()})
	if err != nil {
		return "", err
	}
	switch {
	case decision == reject:
		return journal.Rejected, takeBack(ctx, p, j, entry, takingBack{actor: actor, body: body, to: journal.Rejected})
	case entry.State == journal.Approved:
		return journal.Waiting, takeBack(ctx, p, j, entry, takingBack{actor: actor, body: body, to: journal.Waiting})
	}
	if err := j.PutApproval(ctx, doc.PlanID, actor, body); errors.Is(err, journal.ErrTwice) {
		return "", fmt.Errorf("%w: %s has answered plan %s already: another person has to",
			setup.ErrConfig, actor, doc.PlanID)
	} else if err != nil {
		return "", err
	}
	return moveOn(ctx, p, j, doc, decision)
}

// signed signs an answer, as the journal keeps it.
func signed(signer *keystore.Signer, a Answer) ([]byte, error) {
	return json.Marshal(Signed{a, signer.Sign(approvalContext, a.message())})
}

// answerable opens a plan that may still be answered so.
func answerable(ctx context.Context, p *setup.Setup, j *journal.Journal, planID, decision string) (*Sealed,
	journal.Plan, error) {
	entry, err := find(ctx, j, planID)
	if err != nil {
		return nil, entry, err
	}
	if entry.State != journal.Waiting && (entry.State != journal.Approved || decision == approve) {
		return nil, entry, fmt.Errorf("%w: plan %s is %s, not waiting", setup.ErrConfig, entry.ID, entry.State)
	}
	doc, _, err := Usable(p, entry)
	if err != nil && (decision == approve || doc == nil) {
		return nil, entry, err
	}
	if !p.Now().Before(doc.ValidUntil) && !p.Simulated {
		return nil, entry, fmt.Errorf("%w: plan %s was valid until %s: the next night plans anew",
			setup.ErrExpired, entry.ID, doc.ValidUntil.In(p.Zone).Format(time.DateOnly))
	}
	return doc, entry, nil
}

// moveOn brings a plan into the state that a new answer leads to.
func moveOn(ctx context.Context, p *setup.Setup, j *journal.Journal, doc *Sealed, decision string) (string, error) {
	if decision != approve {
		return journal.Waiting, nil
	}
	answers, err := Answers(ctx, p, j, doc)
	if err != nil {
		return "", err
	}
	if len(Missing(p, doc, answers)) > 0 {
		return journal.Waiting, nil
	}
	return journal.Approved, j.SetPlanState(ctx, doc.PlanID, journal.Approved, "")
}

// mayAnswer refuses people whose role does not reach: owners and custodians approve or reject, the data
// protection officer may only object.
func mayAnswer(doc *Sealed, person setup.Person, decision string) error {
	if decision == object && slices.Contains(person.Roles, "dpo") {
		return nil
	}
	owner := slices.ContainsFunc(doc.silos(), func(s string) bool {
		return slices.Contains(person.Roles, "owner:"+s)
	})
	if (decision == approve || decision == reject) && (owner || slices.Contains(person.Roles, "custodian")) {
		return nil
	}
	if decision == object {
		return fmt.Errorf("%w: to object takes the data protection officer; "+
			"an owner of one of its silos (%s) or a custodian rejects a plan instead",
			setup.ErrConfig, strings.Join(doc.silos(), ", "))
	}
	return fmt.Errorf("%w: to %s a plan takes an owner of one of its silos (%s) or a custodian; "+
		"the data protection officer may object", setup.ErrConfig, decision, strings.Join(doc.silos(), ", "))
}
