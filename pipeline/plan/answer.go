package plan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// Answer is what a person says to a plan. What is signed is the plan's digest with its counts, so that
// nobody approves what they did not see.
type Answer struct {
	PlanID   string    `json:"plan_id"`
	Digest   string    `json:"digest"`
	Rows     int64     `json:"rows"`
	Actor    string    `json:"actor"`
	Decision string    `json:"decision"` // approve, reject, object, discard
	Comment  string    `json:"comment"`
	SignedAt time.Time `json:"signed_at"`
}

// What a person may decide.
const (
	approve = "approve"
	reject  = "reject"
	object  = "object"
	discard = "discard" // says nothing of what is in the plan, which may be unreadable
)

// Signed is an answer with the signature of the person who gave it.
type Signed struct {
	Answer    Answer `json:"answer"`
	Signature []byte `json:"signature"`
}

// approvalContext keeps a signature under an answer from being taken for one under anything else.
const approvalContext = "plan-approval"

func (a Answer) message() []byte {
	body, err := json.Marshal(a)
	if err != nil {
		panic(err) // strings, numbers and a time always marshal
	}
	return body
}

// Answers returns the answers to a plan that are about this very digest. One whose signature does not hold is
// [setup.ErrTampered]; the others are returned all the same.
func Answers(ctx context.Context, p *setup.Setup, j *journal.Journal, doc *Sealed) ([]Signed, error) {
	return AnswersTo(ctx, p, j, doc.PlanID, doc.Digest)
}

// AnswersTo is Answers of a plan that need not be readable.
func AnswersTo(ctx context.Context, p *setup.Setup, j *journal.Journal, id, digest string) ([]Signed, error) {
	bodies, err := j.Approvals(ctx, id)
	if err != nil {
		return nil, err
	}
	var answers []Signed
	var errs []error
	for _, b := range bodies {
		var s Signed
		if err := json.Unmarshal(b, &s); err != nil {
			errs = append(errs, fmt.Errorf("plan %s: an answer to it: %w: put the state folder back from a copy, "+
				"or end the plan with `lethe plan discard %[1]s`", id, journal.ErrCorrupt))
			continue
		}
		person, ok := p.People[s.Answer.Actor]
		if !ok || s.Answer.Digest != digest || s.Answer.PlanID != id {
			continue
		}
		if err := person.Key.Verify(approvalContext, s.Answer.message(), s.Signature); err != nil {
			errs = append(errs, fmt.Errorf("%w: plan %s: the answer of %s does not verify: if their key is another "+
				"one now, end the plan with `lethe plan discard %[2]s`", setup.ErrTampered, id, s.Answer.Actor))
			continue
		}
		answers = append(answers, s)
	}
	return answers, errors.Join(errs...)
}

// Missing says who must still approve; empty when the plan may be applied.
func Missing(p *setup.Setup, doc *Sealed, answers []Signed) []string {
	var approved []setup.Person
	for _, a := range answers {
		switch a.Answer.Decision {
		case approve:
			approved = append(approved, p.People[a.Answer.Actor])
		case object:
			return []string{"the controller, over the data protection officer's objection"}
		}
	}
	if p.Approvals == 1 && len(approved) >= 1 {
		return nil
	}

	var missing []string
	has := func(role string) bool {
		return slices.ContainsFunc(approved, func(p setup.Person) bool { return slices.Contains(p.Roles, role) })
	}
	for _, s := range doc.silos() {
		if !has("owner:" + s) {
			missing = append(missing, "an owner of "+s)
		}
	}
	if !has("custodian") {
		missing = append(missing, "a custodian")
	}
	if len(missing) == 0 && len(approved) < p.Approvals {
		missing = append(missing, "a second person")
	}
	return missing
}

// WaitsFor says in words who has to answer a waiting plan.
func WaitsFor(ctx context.Context, p *setup.Setup, planID string) ([]string, error) {
	j, err := journal.Open(ctx, p.State)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	return StillMissing(ctx, p, j, planID)
}

// StillMissing is WaitsFor of a journal that is open.
func StillMissing(ctx context.Context, p *setup.Setup, j *journal.Journal, planID string) ([]string, error) {
	entry, err := find(ctx, j, planID)
	if err != nil {
		return nil, err
	}
	doc, _, err := Usable(p, entry)
	if err != nil {
		return nil, err
	}
	answers, err := Answers(ctx, p, j, doc)
	if err != nil {
		return nil, err
	}
	return Missing(p, doc, answers), nil
}

// Approvals turns the answers to a plan into rows of the report.
func Approvals(p *setup.Setup, answers []Signed) []audit.Approval {
	var rows []audit.Approval
	for _, s := range answers {
		person := p.People[s.Answer.Actor]
		rows = append(rows, audit.Approval{
			PlanID:    s.Answer.PlanID,
			Digest:    s.Answer.Digest,
			Actor:     s.Answer.Actor,
			Role:      strings.Join(person.Roles, ";"),
			Decision:  s.Answer.Decision,
			Comment:   s.Answer.Comment,
			SignedAt:  s.Answer.SignedAt,
			KeyID:     keyID(person.Key),
			Signature: s.Signature,
		})
	}
	return rows
}

// keyID is a short name of a public key.
func keyID(key keystore.PublicKey) string {
	sum := sha256.Sum256([]byte(key.String()))
	return hex.EncodeToString(sum[:8])
}
