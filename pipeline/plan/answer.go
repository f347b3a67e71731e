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

// Answer is what a person says to a plan. What is signed is the plan's digest with its counts, so that nobody approves what they did not see.
type Answer struct {
	PlanID   string    `json:"plan_id"`
	Digest   string    `json:"digest"`
	Rows     int64     `json:"rows"`
	Actor    string    `json:"actor"`
	Decision string    `json:"decision"` // approve, reject, object
	Comment  string    `json:"comment"`
	SignedAt time.Time `json:"signed_at"`
}

type Signed struct {
	Answer    Answer `json:"answer"`
	Signature []byte `json:"signature"`
}

const approvalContext = "plan-approval"

func (a Answer) message() []byte {
	body, err := json.Marshal(a)
	if err != nil {
		panic(err) // strings, numbers and a time always marshal
	}
	return body
}

// List returns the documents of the plans in any of the states, oldest first, with their journal entries.
func List(ctx context.Context, p *setup.Setup, states ...string) ([]Document, []journal.Plan, error) {
	j, err := journal.Open(ctx, p.State)
	if err != nil {
		return nil, nil, err
	}
	defer j.Close()
	entries, err := j.Plans(ctx, states...)
	if err != nil {
		return nil, nil, err
	}
	docs := make([]Document, len(entries))
	for i, e := range entries {
		doc, err := Open(p.State, e)
		if err != nil {
			return nil, nil, err
		}
		docs[i] = doc.Document
	}
	return docs, entries, nil
}

// Approve records a person's signed answer to a plan. The plan may be applied once as many people as the configuration asks for have
// approved it, an owner of every silo in it and a custodian among them; a single rejection ends it.
func Approve(ctx context.Context, p *setup.Setup, planID, actor, decision, comment string, signer *keystore.Signer) (state string, err error) {
	person, err := p.Signs(actor, signer)
	if err != nil {
		return "", err
	}
	j, err := journal.Open(ctx, p.State)
	if err != nil {
		return "", err
	}
	defer j.Close()
	entry, err := findPlan(ctx, j, planID)
	if err != nil {
		return "", err
	}
	if entry.State != journal.Waiting {
		return "", fmt.Errorf("%w: plan %s is %s, not waiting", setup.ErrConfig, entry.ID, entry.State)
	}
	doc, err := Open(p.State, entry)
	if err != nil {
		return "", err
	}
	if !p.Now().Before(doc.ValidUntil) && !p.Simulated {
		return "", fmt.Errorf("%w: plan %s was valid until %s: the next night plans anew", setup.ErrExpired, entry.ID, doc.ValidUntil.In(p.Zone).Format(time.DateOnly))
	}
	if err := mayAnswer(p, doc, person, decision); err != nil {
		return "", err
	}
	a := Answer{PlanID: entry.ID, Digest: doc.Digest, Rows: doc.rows(), Actor: actor, Decision: decision, Comment: comment, SignedAt: p.Now().UTC()}
	body, err := json.Marshal(Signed{a, signer.Sign(approvalContext, a.message())})
	if err != nil {
		return "", err
	}
	if err := j.PutApproval(ctx, entry.ID, actor, body); errors.Is(err, journal.ErrTwice) {
		return "", fmt.Errorf("%w: %s has answered plan %s already: another person has to", setup.ErrConfig, actor, entry.ID)
	} else if err != nil {
		return "", err
	}
	state = journal.Waiting
	switch decision {
	case "approve":
		answers, err := Answers(ctx, p, j, doc)
		if err != nil {
			return "", err
		}
		if len(Missing(p, doc, answers)) == 0 {
			state = journal.Approved
		}
	case "reject":
		state = journal.Rejected
	}
	if state == journal.Waiting {
		return state, nil
	}
	if err := j.SetPlanState(ctx, entry.ID, state, ""); err != nil {
		return "", err
	}
	if state == journal.Rejected {
		_, err = p.Keys.Destroy("plan/"+entry.ID, p.Now())
	}
	return state, err
}

func findPlan(ctx context.Context, j *journal.Journal, id string) (journal.Plan, error) {
	plans, err := j.Plans(ctx)
	if err != nil {
		return journal.Plan{}, err
	}
	var hits []journal.Plan
	for _, e := range plans {
		if e.ID == id {
			return e, nil
		}
		if strings.HasPrefix(e.ID, id) || strings.HasPrefix(e.Digest, id) {
			hits = append(hits, e)
		}
	}
	if len(hits) != 1 || id == "" {
		return journal.Plan{}, fmt.Errorf("%w: %d plans are named %q: `lethe plan show` lists them", setup.ErrConfig, len(hits), id)
	}
	return hits[0], nil
}

// mayAnswer refuses people whose role does not reach: owners and custodians approve or reject, the data protection officer may only object.
func mayAnswer(p *setup.Setup, doc *Sealed, person setup.Person, decision string) error {
	if decision == "object" && slices.Contains(person.Roles, "dpo") {
		return nil
	}
	owner := slices.ContainsFunc(doc.silos(), func(s string) bool { return slices.Contains(person.Roles, "owner:"+s) })
	if (decision == "approve" || decision == "reject") && (owner || slices.Contains(person.Roles, "custodian")) {
		return nil
	}
	if decision == "object" {
		return fmt.Errorf("%w: to object takes the data protection officer; an owner of one of its silos (%s) or a custodian rejects a plan instead", setup.ErrConfig, strings.Join(doc.silos(), ", "))
	}
	return fmt.Errorf("%w: to %s a plan takes an owner of one of its silos (%s) or a custodian; the data protection officer may object", setup.ErrConfig, decision, strings.Join(doc.silos(), ", "))
}

func (p *Sealed) silos() []string {
	var silos []string
	for _, c := range p.Counts {
		if !slices.Contains(silos, c.Silo) {
			silos = append(silos, c.Silo)
		}
	}
	return silos
}

// Answers returns the answers to a plan whose signature holds for this very digest.
func Answers(ctx context.Context, p *setup.Setup, j *journal.Journal, doc *Sealed) ([]Signed, error) {
	bodies, err := j.Approvals(ctx, doc.PlanID)
	if err != nil {
		return nil, err
	}
	var answers []Signed
	for _, b := range bodies {
		var s Signed
		if err := json.Unmarshal(b, &s); err != nil {
			return nil, fmt.Errorf("plan %s: %w", doc.PlanID, journal.ErrCorrupt)
		}
		person, ok := p.People[s.Answer.Actor]
		if !ok || s.Answer.Digest != doc.Digest || s.Answer.PlanID != doc.PlanID {
			continue
		}
		if err := person.Key.Verify(approvalContext, s.Answer.message(), s.Signature); err != nil {
			return nil, fmt.Errorf("%w: plan %s: the answer of %s does not verify", setup.ErrTampered, doc.PlanID, s.Answer.Actor)
		}
		answers = append(answers, s)
	}
	return answers, nil
}

// Missing says who must still approve; empty when the plan may be applied.
func Missing(p *setup.Setup, doc *Sealed, answers []Signed) []string {
	var approved []setup.Person
	for _, a := range answers {
		switch a.Answer.Decision {
		case "approve":
			approved = append(approved, p.People[a.Answer.Actor])
		case "object":
			return []string{"the controller, over the data protection officer's objection"}
		}
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
	if p.Approvals == 1 && len(approved) >= 1 {
		return nil
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
	entry, err := findPlan(ctx, j, planID)
	if err != nil {
		return nil, err
	}
	doc, err := Open(p.State, entry)
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
func Approvals(p *setup.Setup, doc *Sealed, answers []Signed) []audit.Approval {
	var rows []audit.Approval
	for _, s := range answers {
		person := p.People[s.Answer.Actor]
		role := strings.Join(person.Roles, ";")
		rows = append(rows, audit.Approval{PlanID: doc.PlanID, Digest: s.Answer.Digest, Actor: s.Answer.Actor, Role: role, Decision: s.Answer.Decision,
			Comment: s.Answer.Comment, SignedAt: s.Answer.SignedAt, KeyID: keyID(person.Key), Signature: s.Signature})
	}
	return rows
}

// keyID is a short name of a public key.
func keyID(key keystore.PublicKey) string {
	sum := sha256.Sum256([]byte(key.String()))
	return hex.EncodeToString(sum[:8])
}
