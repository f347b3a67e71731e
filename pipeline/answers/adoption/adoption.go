// Package adoption reads from what people answered which policy is in force. Its nouns: Policy (a configuration as
// far as it decides, under the digest of its text) and Difference (between two of them, and who has to adopt it).
//
// It is judged by the people of the policy that is in force, so that nobody makes themselves somebody by writing it
// down. The first adoption has nobody before it to be judged by.
package adoption

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/answers"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/keystore"
)

// About is what an adoption is about.
const About = "policy"

// Policy is a policy that somebody adopted.
type Policy struct {
	Digest    string // sha256 of the text, hex
	Text      []byte // JSON
	People    answers.People
	Approvals int
	Readers   map[string][]string // by silo, of every silo
	Copies    map[string]Copy     // by target
	silos     []string

	RegistryAge calendar.Period            // zero: none
	BackupAges  map[string]calendar.Period // by source; zero: none
}

// Copy is the copy of consents that an application is given, as the configuration says it.
type Copy struct {
	Source, Files string
	Table         bool
	Grants        map[string][]string // silo: purposes
}

// DigestOf is the digest of a policy's text.
func DigestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Parse reads what has to be known of a policy.
func Parse(digest string, text []byte, zone *time.Location) (*Policy, error) {
	var doc struct {
		People map[string]struct {
			Key, Until string
			Roles      []string
		}
		Approvals int
		Silos     map[string]json.RawMessage
		Sync      map[string]Copy

		RegistryMaxAge calendar.Period
		Sources        map[string]struct{ MaxBackupAge calendar.Period }
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%w: the text of policy %.12s: %w", answers.ErrBroken, digest, err)
	}
	p := &Policy{Digest: digest, Text: text, People: answers.People{}, Approvals: max(doc.Approvals, 1),
		Copies: doc.Sync, RegistryAge: doc.RegistryMaxAge, BackupAges: map[string]calendar.Period{}}
	for name, s := range doc.Sources {
		p.BackupAges[name] = s.MaxBackupAge
	}
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
	p.Readers = map[string][]string{}
	for name, text := range doc.Silos {
		var silo struct{ Readers []string }
		_ = json.Unmarshal(text, &silo) // of what has no such form nobody is a reader
		p.silos = append(p.silos, name)
		p.Readers[name] = silo.Readers
	}
	return p, nil
}

// Knows reports whether a policy has a silo.
func (p *Policy) Knows(silo string) bool { return slices.Contains(p.silos, silo) }

// InForce reads from the chain which policy is in force; nil while nobody has adopted one. The error is
// [answers.ErrBroken] where the text of one is lost that people adopted.
func InForce(read func(digest string) (*Policy, error), c answers.Chain) (now *Policy, err error) {
	signed := map[string][]answers.Answer{}
	for _, s := range c.All() {
		a := s.Answer
		before := c.Upto(a.Seq - 1)
		if a.Act != answers.Adopt || a.About != About || now != nil && !Counts(now.People, a, before) {
			continue
		}
		next, err := read(a.Digest)
		if err != nil {
			return now, err
		}
		if now == nil && !Counts(next.People, a, before) {
			continue
		}
		signed[a.Digest] = append(signed[a.Digest], a)
		if missing, _ := Lacks(now, next, signed[a.Digest]); len(missing) == 0 {
			now, signed = next, map[string][]answers.Answer{}
		}
	}
	return now, nil
}

// Counts reports whether an answer is of one of the people, with the key that they had, which was not revoked before.
func Counts(people answers.People, a answers.Answer, before answers.Chain) bool {
	person, ok := people[a.Actor]
	return ok && person.Key.String() == a.Key && !person.Ended(a.SignedAt) && !before.Revoked(people, a.Key)
}

// Lacks says who must still adopt a policy, after another one or as the first, and what of that counts as what. Two
// people are two keys.
func Lacks(now, next *Policy, signed []answers.Answer) (missing []string, kind string) {
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
	responsible := func(p answers.Person) bool { return Owns(p) || custodian(p) }
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
	if len(owners) == 0 && !any(Owns) {
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

// Owns reports whether a person answers for some silo.
func Owns(p answers.Person) bool {
	return slices.ContainsFunc(p.Roles, func(role string) bool { return strings.HasPrefix(role, "owner:") })
}
