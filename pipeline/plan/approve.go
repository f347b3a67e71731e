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
// silo in it and a custodian among them; a single rejection ends it.
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

	doc, err := waiting(ctx, p, j, planID)
	if err != nil {
		return "", err
	}
	if err := mayAnswer(doc, person, decision); err != nil {
		return "", err
	}

	a := Answer{PlanID: doc.PlanID, Digest: doc.Digest, Rows: doc.rows(), Actor: actor, Decision: decision,
		Comment: comment, SignedAt: p.Now().UTC()}
	body, err := json.Marshal(Signed{a, signer.Sign(approvalContext, a.message())})
	if err != nil {
		return "", err
	}
	if err := j.PutApproval(ctx, doc.PlanID, actor, body); errors.Is(err, journal.ErrTwice) {
		return "", fmt.Errorf("%w: %s has answered plan %s already: another person has to",
			setup.ErrConfig, actor, doc.PlanID)
	} else if err != nil {
		return "", err
	}
	return moveOn(ctx, p, j, doc, decision)
}

// waiting opens a plan that may still be answered.
func waiting(ctx context.Context, p *setup.Setup, j *journal.Journal, planID string) (*Sealed, error) {
	entry, err := find(ctx, j, planID)
	if err != nil {
		return nil, err
	}
	if entry.State != journal.Waiting {
		return nil, fmt.Errorf("%w: plan %s is %s, not waiting", setup.ErrConfig, entry.ID, entry.State)
	}
	doc, err := Open(p.State, entry)
	if err != nil {
		return nil, err
	}
	if !p.Now().Before(doc.ValidUntil) && !p.Simulated {
		return nil, fmt.Errorf("%w: plan %s was valid until %s: the next night plans anew",
			setup.ErrExpired, entry.ID, doc.ValidUntil.In(p.Zone).Format(time.DateOnly))
	}
	return doc, nil
}

// moveOn brings a plan into the state that a new answer leads to.
func moveOn(ctx context.Context, p *setup.Setup, j *journal.Journal, doc *Sealed, decision string) (string, error) {
	state := journal.Waiting
	switch decision {
	case approve:
		answers, err := Answers(ctx, p, j, doc)
		if err != nil {
			return "", err
		}
		if len(Missing(p, doc, answers)) == 0 {
			state = journal.Approved
		}
	case reject:
		state = journal.Rejected
	}
	if state == journal.Waiting {
		return state, nil
	}

	if err := j.SetPlanState(ctx, doc.PlanID, state, ""); err != nil {
		return "", err
	}
	if state == journal.Rejected {
		_, err := p.Keys.Destroy("plan/"+doc.PlanID, p.Now())
		return state, err
	}
	return state, nil
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
