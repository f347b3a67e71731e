package findings

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/adopted"
	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/orders"
	"lethe/pipeline/plan"
)

// InspectPeople finds what a person should look at in who may say what: keys that ended or soon do, standing orders
// that are not in force, and answers after the first so many that nobody gave who could.
func (in *Inspector) InspectPeople(ctx context.Context, j *journal.Journal, c answers.Chain, seen int64) error {
	in.keys(c)
	in.wentOn(c)
	return errors.Join(in.tried(ctx, j), in.strangers(c, seen), in.orders(c), in.policy(c))
}

// wentOnDays is for how many days that is found.
const wentOnDays = 7

// wentOn finds that two people let the nights go on without evidence that was lost, or with a registry of which rows
// did not hold: whatever happened there is over for the nights, and not for who has to know.
func (in *Inspector) wentOn(c answers.Chain) {
	said := map[string]audit.Finding{}
	for _, s := range c.All() {
		a := s.Answer
		if a.SignedAt.Before(in.Setup.Now().AddDate(0, 0, -wentOnDays)) {
			continue
		}
		day := a.SignedAt.In(in.Setup.Zone).Format(time.DateOnly)
		f := audit.Finding{Severity: "high", Object: a.About, Count: a.Rows, Article: "Art. 5(2)"}
		switch {
		case a.Act == answers.Acknowledge && a.About == answers.Itself:
			f.Kind, f.Words = "F_ANSWERS_LOST", fmt.Sprintf("Two people signed on %s that what people answered up to "+
				"answer %d is lost, and the nights go on without it. An objection, or the adoption of a policy, may "+
				"have been among it; plans that waited are asked anew. Find out who can write to the state folder "+
				"and to the reports.", day, a.Rows)
		case a.Act == answers.Rebuild && a.About == answers.Registry:
			f.Kind, f.Words = "F_REGISTRY_RESEALED", fmt.Sprintf("Rows of the registry were not as they were written, "+
				"and two people signed on %s that it goes on as it stands, as far as its events bear it out. Find "+
				"out who can write to it.", day)
		default:
			continue
		}
		said[f.Kind] = f // the two say the same
	}
	for _, kind := range slices.Sorted(maps.Keys(said)) {
		in.Notes.Find(said[kind])
	}
}

// triedDays is for how many days wrong passphrases are looked at.
const triedDays = 7

// tried finds the people of whose key so many wrong passphrases were given that somebody else may be guessing.
func (in *Inspector) tried(ctx context.Context, j *journal.Journal) error {
	wrong, err := j.Wrong(ctx, in.Setup.Now().AddDate(0, 0, -triedDays))
	for _, name := range slices.Sorted(maps.Keys(in.Setup.People)) {
		t := wrong[in.Setup.People[name].Key.String()]
		if t.Wrong < journal.LockAfter {
			continue
		}
		in.Notes.Find(audit.Finding{Kind: "F_KEY_TRIED", Severity: "high", Object: name, Count: int64(t.Wrong),
			Article: "Art. 32", Words: fmt.Sprintf("%d wrong passphrases were given for the key of %s within %d days, "+
				"the last on %s. Ask %[2]s: was it somebody else, they have the file, and may have a copy: the key "+
				"ends with `lethe keys revoke`.", t.Wrong, name, triedDays,
				t.Last.In(in.Setup.Zone).Format("2006-01-02 15:04"))})
	}
	return err
}

// policy finds that the configuration has another policy than people adopted.
func (in *Inspector) policy(c answers.Chain) error {
	if in.Setup.Adopted == in.Setup.PolicyDigest || in.Setup.Adopted == "" {
		return nil
	}
	missing, err := adopted.Missing(in.Setup, c)
	in.Notes.Find(audit.Finding{Kind: "F_POLICY_UNADOPTED", Severity: "high", Object: "policy", Count: 1,
		Article: "Art. 24", Words: fmt.Sprintf("The configuration's policy is another one than people adopted. Until "+
			"it is adopted, no standing order counts, each plan that destroys asks people, and only those of the "+
			"adopted one may answer. See what differs, and adopt it, with `lethe policy adopt`; it lacks %s.",
			strings.Join(missing, " and "))})
	return err
}

// endsSoon is how many days before a key ends that is said.
const endsSoon = 30

// keys finds the people whose keys sign nothing any more, or soon do not, or that one person wants revoked.
func (in *Inspector) keys(c answers.Chain) {
	revocations := adopted.Revocations(in.Setup, c)
	for _, name := range slices.Sorted(maps.Keys(in.Setup.People)) {
		person := in.Setup.People[name]
		const next = "a new one is made with `lethe keys new`, put under people and adopted by two with " +
			"`lethe policy adopt`"
		f := audit.Finding{Kind: "F_KEY_ENDS", Severity: "medium", Object: name, Count: 1, Article: "Art. 32"}
		switch last := person.Until.In(in.Setup.Zone).AddDate(0, 0, -1).Format(time.DateOnly); {
		case revocations[person.Key.String()].Pending(in.Tonight.AsOf):
			f.Kind, f.Words = "F_KEY_REVOKE", fmt.Sprintf("%s signed that the key of %s is revoked, which takes two: "+
				"another one signs it too within a week with `lethe keys revoke`, or it counts as if nobody had.",
				revocations[person.Key.String()].By[0].Actor, name)
		case person.Revoked:
			f.Kind, f.Words = "F_KEY_REVOKED", fmt.Sprintf("The key of %s was revoked: %s.", name, next)
		case person.Ended(in.Tonight.AsOf):
			f.Kind, f.Words = "F_KEY_ENDED", fmt.Sprintf("The last day of the key of %s was %s: %s.", name, last, next)
		case person.Ended(in.Tonight.AsOf.AddDate(0, 0, endsSoon)):
			f.Words = fmt.Sprintf("The last day of the key of %s is %s: %s.", name, last, next)
		default:
			continue
		}
		in.Notes.Find(f)
	}
}

// strangers finds answers after the first so many that are signed by a key which nobody of that name had: they count
// for nothing, and somebody who can write to the chain put them there.
func (in *Inspector) strangers(c answers.Chain, from int64) error {
	all := c.All()
	for _, s := range all[min(from, int64(len(all))):] {
		a, people := s.Answer, in.Setup.People
		then, err := adopted.InForce(in.Setup, c.Upto(a.Seq-1))
		if err != nil {
			return err
		}
		if then != nil {
			people = then.People
		}
		if person, ok := people[a.Actor]; ok && person.Key.String() == a.Key {
			continue
		}
		in.Notes.Find(audit.Finding{Kind: "F_ANSWER_STRANGER", Severity: "high", Object: fmt.Sprint(a.Seq), Count: 1,
			Article: "Art. 5(2)", Words: fmt.Sprintf("Answer %d, the %s of %s about %s, is signed by a key that "+
				"nobody of that name had among people then. It counts for nothing. Look who can write to the state "+
				"folder and to the reports.", a.Seq, a.Act, a.Actor, a.About)})
	}
	return nil
}

// orders finds what a person should look at in the standing orders.
func (in *Inspector) orders(c answers.Chain) error {
	list, err := orders.Look(in.Setup, c)
	for _, s := range list {
		if kind, severity, words := s.Finding(in.Setup.Adopted != ""); kind != "" {
			in.Notes.Find(audit.Finding{Kind: kind, Severity: severity, Object: s.Order.Silo, Column: s.Name(),
				Count: 1, Article: "Art. 24", Words: words})
		}
	}
	return err
}

// unsaidDays is for how long a plan is looked at after its term.
const unsaidDays = 30

// InspectPlans finds plans that are in another state than follows from what people said and what was done, and those
// that one person wants discarded.
func (in *Inspector) InspectPlans(ctx context.Context, j *journal.Journal, c answers.Chain) error {
	entries, err := j.Plans(ctx)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.ValidUntil.AddDate(0, 0, unsaidDays).Before(in.Tonight.AsOf) {
			continue
		}
		if by := plan.Discarding(in.Setup, c, e); len(by) > 0 {
			in.Notes.Find(audit.Finding{Kind: "F_PLAN_DISCARD", Severity: "medium", Object: e.ID, Count: 1,
				Article: "Art. 24", Words: strings.Join(by, ", ") + " signed that this plan is discarded, which " +
					"takes two: another one signs it too with `lethe plan discard`, or it goes on as if nobody had."})
		}
		words, err := plan.Unsaid(ctx, in.Setup, j, e)
		if err != nil {
			return err
		}
		if words != "" {
			in.Notes.Find(audit.Finding{Kind: "F_PLAN_STATE", Severity: "high", Object: e.ID, Count: 1,
				Article: "Art. 5(2)", Words: "A plan was not in the state that people brought it to: " + words + ". " +
					"Either people, keys or roles are others than when they answered, or somebody changed the " +
					"journal: look who can write to the state folder."})
		}
	}
	return nil
}
