package answers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/registry/keystore"
)

// Person is somebody whose answers count.
type Person struct {
	Key   keystore.PublicKey
	Roles []string  // owner:, user: and reader:<silo>; custodian, dpo, admin, operator
	Until time.Time // the key counts before; zero: it has no end

	// Single: their policy asks for one approval only.
	Single bool

	// Revoked: who has it, or two people of the policy that stood then, revoked the key, as package adopted has it.
	Revoked bool
}

// Is reports whether a person has a role: custodian, dpo.
func (p Person) Is(role string) bool { return slices.Contains(p.Roles, role) }

// Owns reports whether a person answers for a silo.
func (p Person) Owns(silo string) bool { return p.Is("owner:" + silo) }

// People are those of a policy, by name.
type People map[string]Person

// About are the answers about a thing, over a digest, whoever signed them.
func (c Chain) About(about, digest string) (list []Signed) {
	for _, s := range c.list {
		if s.Answer.About == about && s.Answer.Digest == digest {
			list = append(list, s)
		}
	}
	return list
}

// Given are the answers about a thing, over a digest, whose signers count at an instant: they are among the people,
// with the key that signed, which has not ended and was not revoked. What was said before an acknowledged loss of
// answers does not count either, since an objection may be among what was lost. Void says why others do not count.
// Acts are left as they came: that one was withdrawn, or that a role is not the right one, is the caller's to see.
func (c Chain) Given(people People, about, digest string, now time.Time) (given []Signed, void []string) {
	for _, s := range c.list {
		a := s.Answer
		if a.Act == Acknowledge && a.About == Itself {
			for _, g := range given {
				void = append(void, fmt.Sprintf("the %s of %s was said before answers were lost", g.Answer.Act,
					g.Answer.Actor))
			}
			given = nil
		}
		if a.About != about {
			continue
		}
		if why := c.Voided(people, s, digest, now); why != "" {
			void = append(void, fmt.Sprintf("the %s of %s does not count: %s", a.Act, a.Actor, why))
			continue
		}
		given = append(given, s)
	}
	return given, void
}

// GivenAnew is Given without what was said before people let the nights begin anew: with a journal or a registry that
// is another one than those had before them who said it.
func (c Chain) GivenAnew(people People, about, digest string, now time.Time) (given []Signed, void []string) {
	given, void = c.Given(people, about, digest, now)
	last := int64(0)
	for _, s := range c.list {
		if s.Answer.Act == Rebuild {
			last = s.Answer.Seq
		}
	}
	return slices.DeleteFunc(given, func(g Signed) bool {
		before := g.Answer.Seq < last
		if before {
			void = append(void, fmt.Sprintf("the %s of %s was said before the nights began anew, as people said since",
				g.Answer.Act, g.Answer.Actor))
		}
		return before
	}), void
}

// Voided says why a signature does not count at an instant; "" it does.
func (c Chain) Voided(people People, s Signed, digest string, now time.Time) string {
	a := s.Answer
	person, ok := people[a.Actor]
	switch {
	case a.Digest != digest:
		return "it is over another digest"
	case !ok:
		return "the name is not among people"
	case person.Key.String() != a.Key:
		return "it is signed by another key than the one under people"
	case person.Ended(now) || person.Ended(a.SignedAt):
		return "the key has ended"
	case person.Revoked || c.Revoked(people, a.Key):
		return "the key was revoked"
	}
	return ""
}

// Upto is the chain as it was after so many answers.
func (c Chain) Upto(n int64) Chain { return Chain{c.list[:n]} }

// Approved reports whether, after the answer at a place, so many keys approved one plan: people have looked since.
func (c Chain) Approved(after int64, keys int) bool {
	approved := map[string]map[string]bool{}
	for _, s := range c.list {
		a := s.Answer
		if a.Seq <= after || a.Act != Approve && a.Act != Override {
			continue
		}
		if approved[a.About] == nil {
			approved[a.About] = map[string]bool{}
		}
		if approved[a.About][a.Key] = true; len(approved[a.About]) >= keys {
			return true
		}
	}
	return false
}

// Ended reports whether a person's key has come to its end.
func (p Person) Ended(now time.Time) bool { return !p.Until.IsZero() && !now.Before(p.Until) }

// MayRevoke reports whether a person may sign, beside another who may, that somebody else's key is revoked.
func (p Person) MayRevoke() bool {
	return slices.ContainsFunc(p.Roles, func(role string) bool {
		return role == "custodian" || role == "admin" || role == "dpo" || strings.HasPrefix(role, "owner:")
	})
}

// Alone reports whether a person may revoke somebody else's key without another one: where one approval is enough.
func (p Person) Alone() bool { return p.Single && (p.Is("custodian") || p.Is("admin")) }

// Revoked reports whether a key was revoked: by who has it, or by two others. A key that was revoked may revoke others
// no more.
func (c Chain) Revoked(people People, key string) bool {
	return c.Revocations(func(Answer) People { return people })[key].Done
}

// Revocation is what was signed of the end of a key.
type Revocation struct {
	Done bool
	By   []Answer // who signed it, and whose signature counts still; of one that is done, those by whom it was
}

// revokeWithin is for how long the first of two signatures under a revocation waits for the second: longer, and nobody
// can say that they meant the same.
const revokeWithin = 7 * 24 * time.Hour

// Revocations are the keys that were revoked, or that one person wants revoked, by the people who stood when each
// answer was given.
func (c Chain) Revocations(stood func(Answer) People) map[string]Revocation {
	all := map[string]Revocation{}
	for _, s := range c.list {
		a := s.Answer
		key, about := strings.CutPrefix(a.About, aboutKey)
		if a.Act != Revoke || !about || all[a.Key].Done || all[key].Done {
			continue
		}
		if key == a.Key {
			all[key] = Revocation{true, []Answer{a}}
			continue
		}
		person, ok := stood(a)[a.Actor]
		if !ok || person.Key.String() != a.Key || person.Ended(a.SignedAt) || !person.MayRevoke() {
			continue
		}
		r := Revocation{By: slices.DeleteFunc(slices.Clone(all[key].By), func(b Answer) bool {
			return b.Key == a.Key || all[b.Key].Done || b.SignedAt.Add(revokeWithin).Before(a.SignedAt)
		})}
		r.By = append(r.By, a)
		r.Done = len(r.By) > 1 || person.Alone()
		all[key] = r
	}
	return all
}

// Pending reports whether a revocation that is not done waits at an instant for a second signature.
func (r Revocation) Pending(now time.Time) bool {
	return !r.Done && len(r.By) > 0 && !r.By[len(r.By)-1].SignedAt.Add(revokeWithin).Before(now)
}
