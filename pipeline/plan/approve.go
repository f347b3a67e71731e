package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/adopted"
	"lethe/pipeline/answers"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Approve records a person's signed answer to a plan, and returns it with the state that the plan is in then. The
// plan may be applied once as many people as the configuration asks for have approved it, an owner of every
// silo in it and a custodian among them; a single rejection ends it. The data protection officer's objection stands
// until they withdraw it, or as many people as must approve override it, each in writing. Until its first change an
// approved plan can be taken back: by a rejection, which ends it, or by an objection or by who withdraws their
// approval, after which it waits again. While no policy was adopted, who approves adopts the plan's along with it.
func Approve(ctx context.Context, p *setup.Setup, planID, actor string, act answers.Act, comment string,
	signer *keystore.Signer) (to string, given answers.Signed, err error) {
	person, err := p.Signs(actor, signer)
	if err != nil {
		return "", given, err
	}
	j, book, err := state.Book(ctx, p)
	if err != nil {
		return "", given, err
	}
	defer j.Close()
	doc, entry, err := answerable(ctx, p, j, planID, act)
	if err != nil {
		return "", given, err
	}
	if err := mayAnswer(doc, person, act); err != nil {
		return "", given, err
	}
	a := answers.Answer{Act: act, About: answers.AboutPlan(doc.PlanID), Digest: doc.Digest, Rows: doc.rows(),
		Actor: actor, Key: signer.Public(), Comment: comment}
	before := said(p, book.Chain, doc.PlanID, doc.Digest, doc.SealedAt)
	if err := before.fits(a, doc); err != nil {
		return "", given, err
	}
	if p.Now().Before(doc.SealedAt) {
		return "", given, fmt.Errorf("%w: it is %s here, and plan %s was sealed at %s: set the clock right",
			setup.ErrConfig, p.Now().UTC().Format(time.RFC3339), doc.PlanID, doc.SealedAt.UTC().Format(time.RFC3339))
	}
	to, given, err = before.record(ctx, p,
		recording{journal: j, book: book, doc: doc, entry: entry, answer: a, signer: signer})
	if err == nil && (act == answers.Approve || act == answers.Override) {
		_, err = adopted.First(ctx, p, book, actor, doc.PolicyDigest, signer)
	}
	return to, given, err
}

// recording is an answer to a plan that is about to be signed.
type recording struct {
	journal *journal.Journal
	book    *answers.Book
	doc     *Sealed
	entry   journal.Plan
	answer  answers.Answer
	signer  *keystore.Signer
}

// record signs an answer and brings the plan into the state that follows from it.
func (s Said) record(ctx context.Context, p *setup.Setup, r recording) (to string, given answers.Signed, err error) {
	if to = s.with(r.answer).leadsTo(p, r.doc, r.entry.State); to == r.entry.State {
		given, err = state.Say(ctx, p, r.book, r.answer, r.signer, nil)
		return to, given, err
	}
	given, err = takeBack(ctx, p, r.journal, r.entry,
		takingBack{book: r.book, answer: r.answer, signer: r.signer, to: to})
	return to, given, err
}

// leadsTo is the state that a plan that has not begun is in by what was said.
func (s Said) leadsTo(p *setup.Setup, doc *Sealed, now string) string {
	switch {
	case s.Ended != nil:
		return journal.Rejected
	case len(s.Approvals) > 0 && len(Missing(p, doc, s)) == 0:
		return journal.Approved
	case s.Objection != nil || now == journal.Approved && len(s.All) > 0:
		return journal.Waiting
	}
	return now
}

// fits refuses an answer that says nothing new, or not what is needed.
func (s Said) fits(a answers.Answer, doc *Sealed) error {
	refuse := func(words string, args ...any) error {
		return fmt.Errorf("%w: plan %s: %s", setup.ErrConfig, doc.PlanID, fmt.Sprintf(words, args...))
	}
	mine := slices.ContainsFunc(s.Approvals, by(a.Key))
	objected := s.Objection != nil && s.Objection.Answer.Key == a.Key
	switch {
	case (a.Act == answers.Approve || a.Act == answers.Override) && mine, a.Act == answers.Object && objected:
		return fmt.Errorf("%w: %s has answered plan %s already: another person has to; --withdraw takes an answer back",
			setup.ErrConfig, a.Actor, doc.PlanID)
	case a.Act == answers.Approve && s.Objection != nil:
		return refuse("%s objected to it on %s: it is applied only if an owner of each silo and a custodian override "+
			"that, each with --override and a --comment that says why", s.Objection.Answer.Actor,
			s.Objection.Answer.SignedAt.Format(time.DateOnly))
	case a.Act == answers.Override && s.Objection == nil:
		return refuse("nobody objected to it: approve it without --override")
	case a.Act == answers.Override && strings.TrimSpace(a.Comment) == "":
		return refuse("an objection is overridden in writing: say why with --comment")
	case a.Act == answers.Withdraw && !objected && !slices.ContainsFunc(slices.Concat(s.held, s.Discards), by(a.Key)):
		return refuse("%s has no answer to it that stands: there is nothing to withdraw", a.Actor)
	}
	return nil
}

// answerable opens a plan that may still be answered so. One that is approved and lacks an approval all the same, since
// one does not count any more, may be approved by others.
func answerable(ctx context.Context, p *setup.Setup, j *journal.Journal, planID string, act answers.Act) (*Sealed,
	journal.Plan, error) {
	entry, err := find(ctx, j, planID)
	if err != nil {
		return nil, entry, err
	}
	doc, _, err := Usable(p, entry)
	approves := act == answers.Approve || act == answers.Override
	open := entry.State == journal.Waiting || entry.State == journal.Approved && !approves
	if entry.State == journal.Approved && approves && err == nil {
		s, err := SaidOf(ctx, p, j, doc)
		if err != nil {
			return nil, entry, err
		}
		open = len(Missing(p, doc, s)) > 0
	}
	if !open {
		return nil, entry, fmt.Errorf("%w: plan %s is %s, not waiting", setup.ErrConfig, entry.ID, entry.State)
	}
	if err != nil && (approves || doc == nil) {
		return nil, entry, err
	}
	if !p.Now().Before(doc.ValidUntil) && !p.Simulated {
		return nil, entry, fmt.Errorf("%w: plan %s was valid until %s: the next night plans anew",
			setup.ErrExpired, entry.ID, doc.ValidUntil.In(p.Zone).Format(time.DateOnly))
	}
	return doc, entry, nil
}

// mayAnswer refuses people whose role does not reach: owners and custodians approve, override or reject, the data
// protection officer may only object. Everybody may withdraw what they said.
func mayAnswer(doc *Sealed, person setup.Person, act answers.Act) error {
	if act == answers.Object && person.Is("dpo") || act == answers.Withdraw {
		return nil
	}
	owner := slices.ContainsFunc(doc.silos(), person.Owns)
	answer := slices.Contains([]answers.Act{answers.Approve, answers.Override, answers.Reject}, act)
	if answer && (owner || person.Is("custodian")) {
		return nil
	}
	if act == answers.Object {
		return fmt.Errorf("%w: to object takes the data protection officer; "+
			"an owner of one of its silos (%s) or a custodian rejects a plan instead",
			setup.ErrConfig, strings.Join(doc.silos(), ", "))
	}
	return fmt.Errorf("%w: to %s a plan takes an owner of one of its silos (%s) or a custodian; "+
		"the data protection officer may object", setup.ErrConfig, act, strings.Join(doc.silos(), ", "))
}

// takingBack is a signed answer that moves a plan into another state.
type takingBack struct {
	book   *answers.Book
	answer answers.Answer
	signer *keystore.Signer
	to     string
	begun  bool // also if it has begun
}

// takeBack moves a plan that has not begun into another state, by a signed answer. No night may be at work on an
// approved plan meanwhile.
func takeBack(ctx context.Context, p *setup.Setup, j *journal.Journal, entry journal.Plan,
	t takingBack) (given answers.Signed, err error) {
	if entry.State == journal.Approved {
		lock, err := state.TakeLock(p, "an answer to plan "+entry.ID)
		if err != nil {
			return given, err
		}
		defer lock.Close()
	}
	chunks, err := j.Chunks(ctx, entry.ID)
	if err != nil {
		return given, err
	}
	if len(chunks) > 0 && !t.begun {
		return given, fmt.Errorf("%w: plan %s has begun, some of its rows may be changed already: it has to be "+
			"finished: `lethe apply` goes on with it; if it cannot be, `lethe plan discard` ends it", setup.ErrConfig,
			entry.ID)
	}
	move := &journal.Move{Plan: entry, To: t.to, Intents: len(chunks)}
	given, err = state.Say(ctx, p, t.book, t.answer, t.signer, move)
	if errors.Is(err, journal.ErrMovedOn) {
		return given, fmt.Errorf("%w: plan %s: %w since it was looked at: ask again", setup.ErrConfig, entry.ID, err)
	}
	if err != nil || t.to != journal.Rejected {
		return given, err
	}
	return given, destroyKey(p, entry.ID)
}
