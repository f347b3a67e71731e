// Package answers is the one chain of what people answer: to a plan, to a proposed order or policy, to a hold, to
// evidence that was lost. Nothing that waits for people is done but for what stands here.
//
// An [Answer] is a small document: who says what, about what, over which digest, and when. The person signs it with
// their own key ([Signed]), and each answer names the hash of the one before it. A [Chain] is such a row of answers,
// checked from its first to its last: what is altered, left out or put between breaks it. A [Book] is where it is
// kept, twice: in the journal, and as one file for each answer in the folder `answers` beside the reports. What one
// copy lacks is in the other. The manifest of each night names the chain's length and its last hash, a [Head], so that
// an answer that was seen once cannot be cut off later.
//
// Whose signature counts is another matter: [Chain.Given] says it, from [People], their keys and their roles.
//
// # To use it for another act
//
// Name an [Act] here. Open the book with state.Answers, which refuses a chain that does not hold; let the person sign
// with state.Say, which looks at name, key and comment; before anything is done, ask Chain.Given what was said about
// it over its digest by people who may, and look at their roles with [Person.Is] and [Person.Owns].
package answers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"lethe/pipeline/registry/keystore"
)

// What a caller can tell apart with errors.Is.
var (
	// ErrBroken: an answer was altered, is missing or was put in.
	ErrBroken = errors.New("the chain of answers does not hold")
	// ErrClock: an answer would be signed before the one before it.
	ErrClock = errors.New("the clock stands before the last answer")
	// ErrTaken: somebody else answered at the same moment.
	ErrTaken = errors.New("somebody else answered just now: try again")
)

// Act is what somebody does by an answer.
type Act string

// The acts. Those about a plan are over its digest.
const (
	Approve     Act = "approve"    // a plan may be applied
	Reject      Act = "reject"     // it never is
	Object      Act = "object"     // the data protection officer: it is not, unless the controller overrides
	Override    Act = "override"   // it may be applied in spite of an objection
	Withdraw    Act = "withdraw"   // one's own last answer to the plan
	Discard     Act = "discard"    // the plan is ended, whatever is in it
	Adopt       Act = "adopt"      // a policy is in force
	Order       Act = "order"      // a standing order is
	Revoke      Act = "revoke"     // an order, or a person's key, is not any more
	HoldPlace   Act = "hold.place" // a legal hold
	HoldApprove Act = "hold.approve"
	HoldRelease Act = "hold.release"
	Acknowledge Act = "acknowledge" // evidence that was lost: the nights go on from here
	Destroy     Act = "destroy"     // a key
	Rebuild     Act = "rebuild"     // the state, from registry and evidence
	Look        Act = "look"        // at what stands in the rows of a plan
	Enter       Act = "enter"       // a request of a person, what becomes of it, or events of people
	Assess      Act = "assess"      // a hint of an incident: what it was, and what follows
	Attest      Act = "attest"      // that something was done which no program sees: training, the destruction of paper
	Prove       Act = "prove"       // a server of an engine: that all that is promised of it held
	Run         Act = "run"         // a night that changes what is due, under the policy of the digest
)

// What an answer can be about, before a colon and the name.
const (
	aboutPlan = "plan:"
	aboutKey  = "key:"
)

// Itself is what an acknowledgement of lost answers is about, and Registry what those sign who have it sealed anew.
const (
	Itself   = "answers"
	Registry = "registry"
)

// AboutPlan names a plan.
func AboutPlan(id string) string { return aboutPlan + id }

// AboutValues names what stands in the rows of a plan; to look at it is no answer to the plan.
func AboutValues(plan string) string { return "values:" + plan }

// AboutRows names the keys of a plan's rows.
func AboutRows(plan string) string { return "rows:" + plan }

// AboutRun names a night.
func AboutRun(id string) string { return "run:" + id }

// AboutIncident names a hint of an incident.
func AboutIncident(hint string) string { return "incident:" + hint }

// AboutAttestation names what somebody attests.
func AboutAttestation(name string) string { return "attestation:" + name }

// AboutEngine names an engine and its series.
func AboutEngine(engine string) string { return "engine:" + engine }

// AboutKey names a person's public key.
func AboutKey(key string) string { return aboutKey + key }

// Answer is what one person says. Its JSON, in this order, is what they sign.
type Answer struct {
	Seq      int64     `json:"seq"`      // its place in the chain, from 1
	Previous string    `json:"previous"` // hash of the answer before it, hex; "" of the first
	Act      Act       `json:"act"`
	About    string    `json:"about"`  // plan:ID, policy, order:SILO, hold:SILO/ID, key:PUBLIC, run:ID, silo:NAME, ...
	Digest   string    `json:"digest"` // of what it is about, hex
	Rows     int64     `json:"rows"`   // how many rows that is, where rows are what it is about
	Actor    string    `json:"actor"`  // a name under people
	Key      string    `json:"key"`    // public, by which it is signed
	Comment  string    `json:"comment"`
	Document string    `json:"document,omitempty"` // over which it is, where nothing else keeps it
	SignedAt time.Time `json:"signed_at"`          // in UTC, to the microsecond

	// Effect is what who adopts a policy saw that it does; nil where it was not counted, or nothing is adopted.
	Effect *Effect `json:"effect,omitempty"`
}

// Effect is how many rows of the live sources a policy decides otherwise than the one in force, as both decided them
// when it was signed.
type Effect struct {
	Rows  *int64           `json:"rows,omitempty"` // each counted once; nil: a silo of either policy was not counted
	Silos map[string]int64 `json:"silos"`          // by silo of either, of those that were counted
}

// Signed is an answer with its signature. Its JSON is a file in the folder `answers`, and its hash the SHA-256 of that.
type Signed struct {
	Answer    Answer `json:"answer"`
	Signature []byte `json:"signature"` // Ed25519, of the answer's JSON under the context "answer"
}

// signContext keeps a signature under an answer from being taken for one under anything else.
const signContext = "answer"

func encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts, numbers and a time of this century always marshal
	}
	return body
}

// Bytes are the answer as it is kept.
func (s Signed) Bytes() []byte { return encode(s) }

// Hash is the name of the answer in the one that follows it, hex.
func (s Signed) Hash() string {
	sum := sha256.Sum256(s.Bytes())
	return hex.EncodeToString(sum[:])
}

// Head says how long a chain was when somebody saw it, and the hash of its last answer.
type Head struct {
	Length int64
	Hash   string // hex; "" of an empty chain
}

// Chain is the answers from the first to the last, checked.
type Chain struct{ list []Signed }

// All are the answers in their order.
func (c Chain) All() []Signed { return c.list }

// Head is where the chain ends.
func (c Chain) Head() Head { return c.headAt(int64(len(c.list))) }

func (c Chain) headAt(length int64) Head {
	if length == 0 {
		return Head{}
	}
	return Head{length, c.list[length-1].Hash()}
}

// follow checks that a body is the answer that comes next: its form, its place, its signature and its clock. The
// error is [ErrBroken].
func (c Chain) follow(body []byte) (Signed, error) {
	var s Signed
	wrong := func(why string) error {
		return fmt.Errorf("%w: answer %d %s", ErrBroken, len(c.list)+1, why)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil || !bytes.Equal(s.Bytes(), body) {
		return s, wrong("is not as it was written")
	}
	head := c.Head()
	if s.Answer.Seq != head.Length+1 || s.Answer.Previous != head.Hash {
		return s, wrong("does not follow the one before it")
	}
	key, err := keystore.ParsePublic(s.Answer.Key)
	if err != nil || key.Verify(signContext, encode(s.Answer), s.Signature) != nil {
		return s, wrong("is not signed by the key that it names")
	}
	if s.Answer.SignedAt.Before(c.last()) {
		return s, wrong("says that it was signed before the one before it")
	}
	if sum := sha256.Sum256([]byte(s.Answer.Document)); s.Answer.Document != "" &&
		hex.EncodeToString(sum[:]) != s.Answer.Digest {
		return s, wrong("is over another digest than its document's")
	}
	return s, nil
}

// last is when the last answer was signed.
func (c Chain) last() time.Time {
	if len(c.list) == 0 {
		return time.Time{}
	}
	return c.list[len(c.list)-1].Answer.SignedAt
}

// Next is the answer that comes next, signed. Place, key and instant are set here; the name is the caller's to check.
func (c Chain) Next(a Answer, by *keystore.Signer, now time.Time) (Signed, error) {
	head := c.Head()
	a.Seq, a.Previous, a.Key = head.Length+1, head.Hash, by.Public()
	a.SignedAt = now.UTC().Truncate(time.Microsecond)
	if a.SignedAt.Before(c.last()) {
		return Signed{}, fmt.Errorf("%w: it is %s here, and answer %d was signed at %s: set the clock right", ErrClock,
			a.SignedAt.Format(time.RFC3339), head.Length, c.last().Format(time.RFC3339))
	}
	s := Signed{a, by.Sign(signContext, encode(a))}
	_, err := c.follow(s.Bytes()) // a comment that is no UTF-8 for example
	return s, err
}

// Copy is one copy of a chain, as it is kept: bodies by their place.
type Copy map[int64][]byte

// Merge makes one chain of copies of it: of each place the answer that follows the one before it. Where the copies
// differ is said, and left to the caller: what one of them lacks or has otherwise is still there in the other. The
// error is [ErrBroken] where an answer is in none of them, or two that both follow; the chain before that place comes
// back all the same.
func Merge(copies ...Copy) (c Chain, differ []int64, err error) {
	last := int64(0)
	for _, copied := range copies {
		for place := range copied {
			last = max(last, place)
		}
	}
	for place := int64(1); place <= last; place++ {
		next, err := c.next(place, copies)
		if err != nil {
			return c, differ, err
		}
		for _, copied := range copies {
			if !bytes.Equal(copied[place], next.Bytes()) {
				differ = append(differ, place)
				break
			}
		}
		c.list = append(c.list, next)
	}
	return c, differ, nil
}

// next finds the one answer of a place that follows.
func (c Chain) next(place int64, copies []Copy) (Signed, error) {
	var found []Signed
	wrong := fmt.Errorf("%w: answer %d is missing", ErrBroken, place)
	for _, copied := range copies {
		body, ok := copied[place]
		if !ok {
			continue
		}
		s, err := c.follow(body)
		if err != nil {
			wrong = err
			continue
		}
		found = append(found, s)
	}
	if len(found) > 1 && found[0].Hash() != found[1].Hash() { // the one that others follow
		found = slices.DeleteFunc(found, func(s Signed) bool { return !s.followed(copies) })
		wrong = fmt.Errorf("%w: there are two answers %d", ErrBroken, place)
		if len(found) > 1 {
			return Signed{}, wrong
		}
	}
	if len(found) == 0 {
		return Signed{}, wrong
	}
	return found[0], nil
}

// followed reports whether a signed answer stands after this one and names it.
func (s Signed) followed(copies []Copy) bool {
	c := Chain{list: make([]Signed, s.Answer.Seq)}
	c.list[s.Answer.Seq-1] = s
	return slices.ContainsFunc(copies, func(copied Copy) bool {
		body, ok := copied[s.Answer.Seq+1]
		_, err := c.follow(body)
		return ok && err == nil
	})
}

// Lacks says what of a chain is not there that somebody has seen: nil where nothing is, [ErrBroken] where the head that
// was seen is not in it. Answers that were lost may be acknowledged by two people; who they are is for the caller.
func (c Chain) Lacks(seen Head) ([]Signed, error) {
	if seen.Length == 0 || seen.Length <= int64(len(c.list)) && c.headAt(seen.Length) == seen {
		return nil, nil
	}
	for i := 0; i+1 < len(c.list); i++ {
		a, b := c.list[i].Answer, c.list[i+1].Answer
		if a.lost(seen.Length) && b.lost(seen.Length) && a.Rows == b.Rows && a.Digest == b.Digest && a.Key != b.Key {
			return c.list[i : i+2], nil
		}
	}
	if int64(len(c.list)) < seen.Length {
		return nil, fmt.Errorf("%w: %d answers are there of %d that were seen", ErrBroken, len(c.list), seen.Length)
	}
	return nil, fmt.Errorf("%w: answer %d is another one than was seen", ErrBroken, seen.Length)
}

// lost reports whether an answer acknowledges that the one of a place is gone.
func (a Answer) lost(place int64) bool {
	return a.Act == Acknowledge && a.About == Itself && a.Seq <= place+1 && place <= a.Rows
}
