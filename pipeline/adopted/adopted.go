// Package adopted says which policy is in force: the one that people adopted, whatever the configuration says now.
//
// A [Policy] is a configuration as far as it decides, under the digest of its text. People adopt it by answers in the
// chain; [InForce] reads from them which one is in force, and who may adopt the next: it is judged by the people of the
// policy that is in force, so that nobody makes themselves somebody by writing it down. [Judge] is how everything else
// sees it: the setup with the people who count.
//
// The first adoption has nobody before it to be judged by. It is taken as it comes, from an owner and a custodian of
// the configuration as it stands; the first plan that they approve adopts its policy along with it.
package adopted

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/answers"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// About is what an adoption is about.
const About = "policy"

// folder is where the texts of policies that somebody signed stand: in the state folder, and beside the reports.
const folder = "policies"

// Policy is a policy that somebody adopted.
type Policy struct {
	Digest    string // sha256 of the text, hex
	Text      []byte // JSON
	People    answers.People
	Approvals int
	silos     []string
}

// Read reads the text of a policy, from either place. What is not the text of that digest is none.
func Read(p *setup.Setup, digest string) (*Policy, error) {
	if digest == p.PolicyDigest && p.Policy != nil {
		return parse(digest, p.Policy, p.Zone)
	}
	for _, path := range paths(p, digest) {
		text, err := os.ReadFile(path)
		if err == nil && digestOf(text) == digest {
			return parse(digest, text, p.Zone)
		}
	}
	return nil, fmt.Errorf("%w: the text of policy %.12s, which people adopted, is neither in %s nor beside the "+
		"reports: put %[3]s/%[2]s.json back from a copy, or the configuration as it was then", answers.ErrBroken,
		digest, filepath.Join(p.State, folder))
}

// paths are where the text of a policy stands.
func paths(p *setup.Setup, digest string) []string {
	return []string{filepath.Join(p.State, folder, digest+".json"), filepath.Join(p.Reports, folder, digest+".json")}
}

func digestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// keep writes the text of the configuration's policy to both places.
func keep(p *setup.Setup) error {
	if p.Policy == nil || digestOf(p.Policy) != p.PolicyDigest {
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

// parse reads what has to be known of a policy.
func parse(digest string, text []byte, zone *time.Location) (*Policy, error) {
	var doc struct {
		People map[string]struct {
			Key, Until string
			Roles      []string
		}
		Approvals int
		Silos     map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%w: the text of policy %.12s: %w", answers.ErrBroken, digest, err)
	}
	p := &Policy{Digest: digest, Text: text, People: answers.People{}, Approvals: max(doc.Approvals, 1)}
	if doc.Approvals == 0 {
		p.Approvals = 2
	}
	for name, d := range doc.People {
		key, err := keystore.ParsePublic(d.Key)
		if err != nil {
			return nil, fmt.Errorf("%w: the text of policy %.12s: %w", answers.ErrBroken, digest, err)
		}
		person := answers.Person{Key: key, Roles: d.Roles, Single: p.Approvals == 1}
		if day, err := calendar.ParseDate(d.Until); err == nil {
			person.Until = (day + 1).Start(zone)
		}
		p.People[name] = person
	}
	for silo := range doc.Silos {
		p.silos = append(p.silos, silo)
	}
	return p, nil
}

// InForce reads from the chain which policy is in force; nil while nobody has adopted one. The error is
// [answers.ErrBroken] where the text of one is lost that people adopted.
func InForce(p *setup.Setup, c answers.Chain) (now *Policy, err error) {
	signed := map[string][]answers.Answer{}
	for _, s := range c.All() {
		a := s.Answer
		before := c.Upto(a.Seq - 1)
		if a.Act != answers.Adopt || a.About != About || now != nil && !counts(now.People, a, before) {
			continue
		}
		next, err := Read(p, a.Digest)
		if err != nil {
			return now, err
		}
		if now == nil && !counts(next.People, a, before) {
			continue
		}
		signed[a.Digest] = append(signed[a.Digest], a)
		if missing, _ := lacks(now, next, signed[a.Digest]); len(missing) == 0 {
			now, signed = next, map[string][]answers.Answer{}
		}
	}
	return now, nil
}

// counts reports whether an answer is of one of the people, with the key that they had, which was not revoked before.
func counts(people answers.People, a answers.Answer, before answers.Chain) bool {
	person, ok := people[a.Actor]
	return ok && person.Key.String() == a.Key && !person.Ended(a.SignedAt) && !before.Revoked(people, a.Key)
}

// lacks says who must still adopt a policy, after another one or as the first, and what of that counts as what. Two
// people are two keys.
func lacks(now, next *Policy, signed []answers.Answer) (missing []string, kind string) {
	judge, owners := now, []string{}
	kind = "the first"
	if now == nil {
		judge = next
	} else {
		d := Between(now, next)
		owners, kind = d.Silos, d.Kind()
	}
	var people []answers.Person
	keys := map[string]bool{}
	for _, a := range signed {
		if !keys[a.Key] {
			keys[a.Key] = true
			people = append(people, judge.People[a.Actor])
		}
	}
	any := func(is func(answers.Person) bool) bool { return slices.ContainsFunc(people, is) }
	custodian := func(p answers.Person) bool { return p.Is("custodian") }
	responsible := func(p answers.Person) bool { return owns(p) || custodian(p) }
	if kind == Relaxing || judge.Approvals == 1 {
		if !any(responsible) {
			missing = append(missing, "an owner or a custodian")
		}
		return missing, kind
	}
	if kind == OfPeople { // whoever of them is gone, the others can go on
		two := slices.DeleteFunc(slices.Clone(people), func(p answers.Person) bool {
			return !responsible(p) && !p.Is("dpo") && !p.Is("admin")
		})
		if len(two) < 2 {
			missing = append(missing, "two of the owners, custodians and data protection officers")
		}
		return missing, kind
	}
	for _, silo := range owners {
		owner := func(p answers.Person) bool { return p.Owns(silo) }
		if !any(owner) {
			missing = append(missing, "an owner of "+silo)
		}
	}
	if len(owners) == 0 && !any(owns) {
		missing = append(missing, "an owner of a silo")
	}
	if !any(custodian) {
		missing = append(missing, "a custodian")
	}
	if len(missing) == 0 && len(people) < 2 {
		missing = append(missing, "a second person")
	}
	return missing, kind
}

func owns(p answers.Person) bool {
	return slices.ContainsFunc(p.Roles, func(role string) bool { return strings.HasPrefix(role, "owner:") })
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
	for _, person := range now.People { // also if the configuration leaves them out
		judged.Operated = judged.Operated || person.Is("operator")
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

// Sign adopts the policy of the configuration, as far as this person's signature does. Missing says who must still
// adopt it; empty when it is in force.
func Sign(ctx context.Context, p *setup.Setup, actor, comment string, signer *keystore.Signer) (missing []string,
	err error) {
	person, err := p.Signs(actor, signer)
	if err != nil {
		return nil, err
	}
	if !owns(person) && len(person.Roles) == 0 {
		return nil, fmt.Errorf("%w: to adopt a policy takes an owner of a silo or a custodian", setup.ErrConfig)
	}
	j, b, err := state.Book(ctx, p)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	return along(ctx, p, b, answers.Answer{Actor: actor, Comment: comment}, signer)
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
	a.Act, a.About, a.Digest = answers.Adopt, About, p.PolicyDigest
	if _, err := state.Say(ctx, p, b, a, signer, nil); err != nil {
		return nil, err
	}
	return Missing(p, b.Chain)
}

// pending are the adoptions of the configuration's policy that count and are not enough yet.
func pending(c answers.Chain, p *setup.Setup, now *Policy) (list []answers.Answer) {
	for _, s := range c.All() {
		a := s.Answer
		switch {
		case a.Act != answers.Adopt || a.About != About:
		case now != nil && a.Digest == now.Digest:
			list = nil // what was signed before that one came into force has had its time
		case a.Digest == p.PolicyDigest && counts(p.People, a, c):
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
	next, err := parse(p.PolicyDigest, p.Policy, p.Zone)
	if err != nil {
		return nil, err
	}
	missing, _ := lacks(now, next, pending(c, p, now))
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
	next, err := parse(p.PolicyDigest, p.Policy, p.Zone)
	if err != nil {
		return a, err
	}
	d := Between(now, next)
	a.InForce, a.Lines, a.Kind = now.Digest, d.Lines, d.Kind()
	return a, nil
}
