// Package adopted says which policy is in force: the one that people adopted, whatever the configuration says now.
//
// People adopt a policy by answers in the chain; [InForce] reads from them which one is in force, as package adoption
// judges it. [Judge] is how everything else sees it: the setup with the people who count.
//
// The first adoption has nobody before it to be judged by. It is taken as it comes, from an owner and a custodian of
// the configuration as it stands; the first plan that they approve adopts its policy along with it.
package adopted

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"lethe/pipeline/answers"
	"lethe/pipeline/answers/adoption"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// folder is where the texts of policies that somebody signed stand: in the state folder, and beside the reports.
const folder = "policies"

// Read reads the text of a policy, from either place. What is not the text of that digest is none.
func Read(p *setup.Setup, digest string) (*adoption.Policy, error) {
	if digest == p.PolicyDigest && p.Policy != nil {
		return adoption.Parse(digest, p.Policy, p.Zone)
	}
	for _, path := range paths(p, digest) {
		text, err := os.ReadFile(path)
		if err == nil && adoption.DigestOf(text) == digest {
			return adoption.Parse(digest, text, p.Zone)
		}
	}
	return nil, fmt.Errorf("%w: the text of policy %.12s, which people adopted, is neither in %s nor beside the "+
		"reports: put %[3]s/%[2]s.json back from a copy, or the configuration as it was then", answers.ErrBroken,
		digest, filepath.Join(p.State, folder))
}

// InForce reads from the chain which policy is in force; nil while nobody has adopted one. The error is
// [answers.ErrBroken] where the text of one is lost that people adopted.
func InForce(p *setup.Setup, c answers.Chain) (now *adoption.Policy, err error) {
	return adoption.InForce(func(digest string) (*adoption.Policy, error) { return Read(p, digest) }, c)
}

// paths are where the text of a policy stands.
func paths(p *setup.Setup, digest string) []string {
	return []string{filepath.Join(p.State, folder, digest+".json"), filepath.Join(p.Reports, folder, digest+".json")}
}

// keep writes the text of the configuration's policy to both places.
func keep(p *setup.Setup) error {
	if p.Policy == nil || adoption.DigestOf(p.Policy) != p.PolicyDigest {
		return fmt.Errorf("%w: the configuration's policy has no text to adopt", setup.ErrConfig)
	}
	for _, path := range paths(p, p.PolicyDigest) {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return fmt.Errorf("keep policy: %w", err)
		}
		if err := state.WriteFile(path, p.Policy); err != nil {
			return err
		}
	}
	return nil
}

// Judge is the setup as it counts: with the people, and the number of approvals, of the policy in force. Somebody whom
// the configuration adds, or to whom it gives a role, does not count before that is adopted; somebody whom it leaves
// out does not count at once.
func Judge(p *setup.Setup, c answers.Chain) (*setup.Setup, error) {
	now, err := InForce(p, c)
	if err != nil || now == nil {
		return p, err
	}
	judged := *p
	judged.Adopted = now.Digest
	judged.Approvals = max(now.Approvals, p.Approvals)
	judged.Readers = readers(p, now)
	judged.RegistryAge, judged.Sources = ages(p, now)
	judged.Misread = misread(p, now)
	if judged.Grants, err = copies(p, now); err != nil {
		return p, err
	}
	judged.Held = maps.Clone(p.Held)
	for _, person := range now.People { // also if the configuration leaves them out
		judged.Hold(person)
	}
	judged.People = answers.People{}
	revoked := Revocations(p, c)
	for name, person := range p.People {
		before, ok := now.People[name]
		if !ok || before.Key.String() != person.Key.String() {
			continue
		}
		person.Roles = slices.DeleteFunc(slices.Clone(person.Roles), func(role string) bool { return !before.Is(role) })
		if person.Until.IsZero() || !before.Until.IsZero() && before.Until.Before(person.Until) {
			person.Until = before.Until
		}
		person.Single = person.Single && before.Single
		person.Revoked = revoked[person.Key.String()].Done
		judged.People[name] = person
	}
	return &judged, nil
}

// Readers are for whom the evidence of each silo's rows is encrypted, as [Judge] has it, for who has no judged setup.
func Readers(p *setup.Setup, c answers.Chain) map[string][]string {
	now, err := InForce(p, c)
	if err != nil || now == nil { // what is broken in the chain is said elsewhere
		return p.Readers
	}
	return readers(p, now)
}

// readers are those of the policy in force: whom the configuration adds does not count before that is adopted; whom
// it leaves out does not count at once, unless nobody would be left. Of a silo that the policy in force does not know,
// they are the configuration's.
func readers(p *setup.Setup, now *adoption.Policy) map[string][]string {
	list := map[string][]string{}
	for _, s := range p.Silos {
		silo := s.Silo.Name
		configured := p.Readers[silo]
		before, known := now.Readers[silo]
		kept := slices.DeleteFunc(slices.Clone(before), func(r string) bool { return !slices.Contains(configured, r) })
		switch {
		case !known:
			list[silo] = configured
		case len(kept) == 0:
			list[silo] = before
		default:
			list[silo] = kept
		}
	}
	return list
}

// Revocations are the keys that were revoked, or that one person wants revoked, by the people of the policy that was in
// force when each was signed.
func Revocations(p *setup.Setup, c answers.Chain) map[string]answers.Revocation {
	return c.Revocations(func(a answers.Answer) answers.People {
		if then, err := InForce(p, c.Upto(a.Seq-1)); err == nil && then != nil {
			return then.People
		}
		return p.People
	})
}

// JudgeNow is Judge for a command, which has no journal open; where there is none, nobody has adopted anything. A chain
// that does not hold is for who needs it to say: until then nobody counts but by the configuration.
func JudgeNow(ctx context.Context, p *setup.Setup) (*setup.Setup, error) {
	if !state.FileExists(filepath.Join(p.State, "journal.db")) {
		return p, nil
	}
	j, err := p.Journal(ctx)
	if err != nil {
		return p, nil //nolint:nilerr // whoever opens it again says it
	}
	defer j.Close()
	b, err := answers.Open(ctx, j, p.Reports)
	if err != nil {
		return p, nil
	}
	judged, err := Judge(p, b.Chain)
	if errors.Is(err, answers.ErrBroken) {
		return p, nil
	}
	return judged, err
}

// Sign adopts the policy of the configuration, as far as this person's signature does, who saw that it has an effect
// (nil: it was not counted). Missing says who must still adopt it; empty when it is in force.
func Sign(ctx context.Context, p *setup.Setup, actor, comment string, effect *answers.Effect,
	signer *keystore.Signer) (missing []string, err error) {
	person, err := p.Signs(actor, signer)
	if err != nil {
		return nil, err
	}
	if !person.MayRevoke() { // who may answer for more than one's own work
		return nil, fmt.Errorf("%w: to adopt a policy takes an owner of a silo or a custodian; a change of people "+
			"also the data protection officer or an admin", setup.ErrConfig)
	}
	j, b, err := state.Book(ctx, p)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	return along(ctx, p, b, answers.Answer{Actor: actor, Comment: comment, Effect: effect}, signer)
}

// along signs the adoption of the configuration's policy.
func along(ctx context.Context, p *setup.Setup, b *answers.Book, a answers.Answer, signer *keystore.Signer) ([]string,
	error) {
	now, err := InForce(p, b.Chain)
	if err != nil {
		return nil, err
	}
	if now != nil && now.Digest == p.PolicyDigest {
		return nil, fmt.Errorf("%w: the configuration's policy is in force already: there is nothing to adopt",
			setup.ErrConfig)
	}
	for _, s := range pending(b.Chain, p, now) {
		if s.Key == signer.Public() {
			return nil, fmt.Errorf("%w: %s has adopted it already: another person has to", setup.ErrConfig, a.Actor)
		}
	}
	if err := keep(p); err != nil {
		return nil, err
	}
	a.Act, a.About, a.Digest = answers.Adopt, adoption.About, p.PolicyDigest
	if _, err := state.Say(ctx, p, b, a, signer, nil); err != nil {
		return nil, err
	}
	return Missing(p, b.Chain)
}

// pending are the adoptions of the configuration's policy that count and are not enough yet.
func pending(c answers.Chain, p *setup.Setup, now *adoption.Policy) (list []answers.Answer) {
	for _, s := range c.All() {
		a := s.Answer
		switch {
		case a.Act != answers.Adopt || a.About != adoption.About:
		case now != nil && a.Digest == now.Digest:
			list = nil // what was signed before that one came into force has had its time
		case a.Digest == p.PolicyDigest && adoption.Counts(p.People, a, c):
			list = append(list, a)
		}
	}
	return list
}

// Missing says who must still adopt the configuration's policy; empty when it is in force.
func Missing(p *setup.Setup, c answers.Chain) ([]string, error) {
	now, err := InForce(p, c)
	if err != nil || now != nil && now.Digest == p.PolicyDigest {
		return nil, err
	}
	next, err := adoption.Parse(p.PolicyDigest, p.Policy, p.Zone)
	if err != nil {
		return nil, err
	}
	missing, _ := adoption.Lacks(now, next, pending(c, p, now))
	return missing, nil
}

// First adopts the policy along with an approval, while none is in force: who approves the first plan of a policy in
// full has it before them. Done says that it did.
func First(ctx context.Context, p *setup.Setup, b *answers.Book, actor, digest string,
	signer *keystore.Signer) (done bool, err error) {
	if p.Adopted != "" || p.Policy == nil || digest != p.PolicyDigest {
		return false, nil
	}
	for _, s := range pending(b.Chain, p, nil) {
		if s.Key == signer.Public() {
			return false, nil
		}
	}
	_, err = along(ctx, p, b, answers.Answer{Actor: actor, Comment: "with the first plan"}, signer)
	return err == nil, err
}

// Adoption is how the configuration's policy stands to the one in force.
type Adoption struct {
	InForce string   // digest; "" none
	Lines   []string // what differs
	Kind    string   // of the difference
	Missing []string // who must still adopt it
}

// Look says how the configuration's policy stands to the one in force.
func Look(ctx context.Context, p *setup.Setup) (a Adoption, err error) {
	j, b, err := state.Book(ctx, p)
	if err != nil {
		return a, err
	}
	defer j.Close()
	now, err := InForce(p, b.Chain)
	if err != nil {
		return a, err
	}
	if a.Missing, err = Missing(p, b.Chain); err != nil || now == nil {
		return a, err
	}
	next, err := adoption.Parse(p.PolicyDigest, p.Policy, p.Zone)
	if err != nil {
		return a, err
	}
	d := adoption.Between(now, next)
	a.InForce, a.Lines, a.Kind = now.Digest, d.Lines, d.Kind()
	return a, nil
}
