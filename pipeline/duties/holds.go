package duties

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// holdDigest is what people sign of a hold: where it is, under which name, for which case, and until when somebody
// looks at it again.
func holdDigest(silo string, h cases.Hold) string {
	body, err := json.Marshal([]string{silo, h.ID, h.CaseRef, h.ReviewBy.UTC().Format(time.RFC3339)})
	if err != nil {
		panic(err) // texts always marshal
	}
	return fmt.Sprintf("%x", sha256.Sum256(body))
}

func aboutHold(silo, id string) string { return "hold:" + silo + "/" + id }

// HoldSigned lets people sign what they do with a hold, and then does it. Cut off between the two, it is asked for
// again: what was signed has no effect by itself.
func HoldSigned(ctx context.Context, p *setup.Setup, act answers.Act, silo string, h cases.Hold,
	people []setup.Witness, do func() error) (err error) {
	for _, w := range people {
		person, err := p.Signs(w.Name, w.Signer)
		if err != nil {
			return err
		}
		if !person.Owns(silo) && !person.Is("custodian") && !person.Is("dpo") {
			return fmt.Errorf("%w: a hold takes an owner of silo %s, a custodian or the data protection officer: %s "+
				"is none of them", setup.ErrConfig, silo, w.Name)
		}
	}
	j, book, err := state.Book(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	for _, w := range people {
		a := answers.Answer{Act: act, About: aboutHold(silo, h.ID), Digest: holdDigest(silo, h), Actor: w.Name}
		if _, err := state.Say(ctx, p, book, a, w.Signer, nil); err != nil {
			return err
		}
	}
	return do()
}

// HoldInForce finds a hold that nobody released.
func HoldInForce(ctx context.Context, r *registry.Registry, silo, id string) (cases.Hold, error) {
	holds, err := r.Holds(ctx, silo)
	if err != nil {
		return cases.Hold{}, err
	}
	i := slices.IndexFunc(holds, func(h cases.Hold) bool { return h.ID == id && h.ReleasedAt.IsZero() })
	if i < 0 {
		return cases.Hold{}, fmt.Errorf("%w: silo %s has no hold %s in force: `lethe hold list` names those that are",
			setup.ErrConfig, silo, id)
	}
	return holds[i], nil
}

// signedBy are the keys of people who signed an act about a hold; what is signed by others, or over another hold of
// this name, does not count.
func signedBy(c answers.Chain, p *setup.Setup, silo string, h cases.Hold, acts ...answers.Act) (keys []string) {
	given, _ := c.Given(p.People, aboutHold(silo, h.ID), holdDigest(silo, h), p.Now())
	for _, s := range given {
		if slices.Contains(acts, s.Answer.Act) && !slices.Contains(keys, s.Answer.Key) {
			keys = append(keys, s.Answer.Key)
		}
	}
	return keys
}

// unlike says in words how a hold of the registry is not what people signed; "" it is.
func unlike(c answers.Chain, p *setup.Setup, silo string, h cases.Hold) string {
	signed := signedBy(c, p, silo, h, answers.HoldPlace, answers.HoldApprove)
	released := signedBy(c, p, silo, h, answers.HoldRelease)
	switch {
	case !h.ReleasedAt.IsZero() && len(signed) > 0 && len(released) < 2:
		return "it is said to be released, and two people did not sign that"
	case h.ReleasedAt.IsZero() && len(released) >= 2:
		return "two people released it, and it is said to be in force"
	case h.ReleasedAt.IsZero() && len(signed) == 0:
		return "nobody whose key counts signed that it was placed"
	case h.ReleasedAt.IsZero() && h.ApprovedBy != "" && len(signed) < 2:
		return "it is said to be approved, and no second person signed that"
	}
	return ""
}

// gone are the holds that people signed, that nobody released, and that the registry does not have.
func gone(c answers.Chain, silo string, holds []cases.Hold) (ids []string) {
	placed := map[string]bool{}
	for _, s := range c.All() {
		switch s.Answer.Act {
		case answers.HoldPlace:
			placed[s.Answer.About] = true
		case answers.HoldRelease:
			delete(placed, s.Answer.About)
		}
	}
	for _, h := range holds {
		delete(placed, aboutHold(silo, h.ID))
	}
	for about := range placed {
		if id, of := strings.CutPrefix(about, aboutHold(silo, "")); of {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// compareHolds finds where the holds of a silo are not what people signed. A hold that is in force without a signature
// keeps all the same, and so does one that somebody released in the registry's table alone: what it covers stands in
// the silo's chain.
func (ow *Book) compareHolds(silo string, holds []cases.Hold) {
	if ow.Answers == nil {
		return
	}
	find := func(id, words string) {
		ow.Notes.Find(audit.Finding{Kind: "F_HOLD_UNSIGNED", Severity: "high", Source: "registry",
			Object: silo + "/" + id, Count: 1, Article: "Art. 17(3)(e)",
			Words: "A legal hold is not what people signed: " + words + ". Look with lethe hold list who should have " +
				"placed or released it; it is signed by lethe hold approve, or ended by lethe hold release."})
	}
	for _, h := range holds {
		if words := unlike(ow.Answers.Chain, ow.Setup, silo, h); words != "" {
			find(h.ID, words)
		}
	}
	for _, id := range gone(ow.Answers.Chain, silo, holds) {
		find(id, "people placed it, nobody released it, and the registry does not have it")
	}
}
