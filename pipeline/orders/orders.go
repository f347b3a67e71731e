// Package orders says which standing orders are in force: those that people signed.
//
// What stands under `orders:` in the configuration is a proposal, a [setup.Order]. Its [Text] is the document that
// people sign, an owner of the silo and a custodian; their answers stand in the chain, each with the document and over
// its digest. A [Standing] is what has come of an order. It is in force while the document that people signed is what
// the configuration proposes, its last day is not over, nobody revoked it, and who signed it had the role in the policy
// that stood then and has it now. All else lets nothing go, and Standing says why, and what leads on.
package orders

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lethe/pipeline/adopted"
	"lethe/pipeline/answers"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Longest is how long an order may be in force after somebody signed it, and soon how long before its end people are
// told of it.
var (
	Longest = calendar.Period{Months: 6}
	soon    = calendar.Period{Days: 30}
)

// About is what a signature under an order of a silo is about.
func About(silo string) string { return "order:" + silo }

// document is an order as it is signed; its JSON, in this order.
type document struct {
	Silo       string   `json:"silo"`
	Reasons    []string `json:"reasons"` // sorted, each once
	MaxRows    int64    `json:"max_rows"`
	MaxPercent float64  `json:"max_percent,omitempty"` // as the breakers say
	ValidUntil string   `json:"valid_until"`
}

// Text is the document of an order.
func Text(o setup.Order) string {
	d := document{Silo: o.Silo, MaxRows: o.MaxRows, MaxPercent: o.MaxPercent, ValidUntil: o.Until.String()}
	for _, r := range o.Reasons {
		d.Reasons = append(d.Reasons, string(r))
	}
	slices.Sort(d.Reasons)
	d.Reasons = slices.Compact(d.Reasons)
	body, err := json.Marshal(d)
	if err != nil {
		panic(err) // texts and numbers of a configuration always marshal
	}
	return string(body)
}

// Digest is the name of a document, hex.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Standing is what has come of an order.
type Standing struct {
	Order   setup.Order
	Text    string
	Digest  string
	Place   int              // in the configuration, from 1; 0: it is not there
	Signed  []answers.Signed // that count
	Missing []string         // who must still sign it
	Void    []string         // why signatures do not count
	Revoked *answers.Signed  // nil: it was not, or was signed again
	Over    bool             // its last day is over
	Ends    bool             // it is one of the next thirty
}

// Name is how an order is named where people read: the beginning of its digest.
func (s Standing) Name() string { return s.Digest[:12] }

// Why says why an order lets nothing go, with what leads on; "" it is in force.
func (s Standing) Why() string {
	sign := fmt.Sprintf("lethe order sign %s --as NAME --key FILE", s.Name())
	switch {
	case s.Place == 0:
		return "the configuration does not have it (any more): put it back, or end it with `lethe order revoke " +
			s.Name() + "`"
	case s.Over:
		return fmt.Sprintf("its last day was %s: write a later one and sign it with `lethe order sign`", s.Order.Until)
	case s.Revoked != nil:
		return fmt.Sprintf("%s revoked it on %s: take it out of the configuration, or sign it anew with `%s`",
			s.Revoked.Answer.Actor, s.Revoked.Answer.SignedAt.Format("2006-01-02"), sign)
	case len(s.Missing) > 0:
		why := fmt.Sprintf("it lacks %s: sign it with `%s`", strings.Join(s.Missing, " and "), sign)
		return strings.Join(append(slices.Clone(s.Void), why), "; ")
	}
	return ""
}

// Finding is what a person should look at in an order; kind is "" where there is nothing. While no policy is adopted no
// order counts.
func (s Standing) Finding(adopted bool) (kind, severity, words string) {
	name := fmt.Sprintf("standing order %s of silo %s", s.Name(), s.Order.Silo)
	why := s.Why()
	switch {
	case s.Place == 0:
		return "F_ORDER_GONE", "high", "People signed " + name + ", which is still to run, and " + why + ". Until " +
			"then what it lets go waits for people."
	case s.Revoked != nil:
		return "F_ORDER_REVOKED", "low", "The configuration proposes " + name + ": " + why + "."
	case s.Over:
		return "F_ORDER_ENDED", "medium", "The time of " + name + " is over: " + why + "."
	case why != "":
		return "F_ORDER_UNSIGNED", "medium", "The configuration proposes " + name + ", and what it lets go waits for " +
			"people: " + why + "."
	case !adopted:
		return "F_ORDER_UNSIGNED", "medium", "People signed " + name + ", and nobody has adopted a policy yet: it " +
			"counts once an owner and a custodian have, with `lethe policy adopt` or by approving the first plan."
	case s.Ends:
		return "F_ORDER_ENDS", "medium", fmt.Sprintf("The last day of %s is %s. Where it is to go on, write a later "+
			"one (`until`), up to six months from now, and sign it with `lethe order sign`.", name, s.Order.Until)
	}
	return "", "", ""
}

// Signers are the names of those whose signatures count.
func (s Standing) Signers() (names []string) {
	for _, a := range s.Signed {
		names = append(names, a.Answer.Actor)
	}
	return names
}

// Look says what has come of each order: first those of the configuration, in their order, then those that people
// signed and the configuration does not have, unless a later one of the silo took their place.
func Look(p *setup.Setup, c answers.Chain) ([]Standing, error) {
	var list []Standing
	for i, o := range p.Orders {
		s, err := standing(p, c, Text(o), o)
		if err != nil {
			return nil, err
		}
		s.Place = i + 1
		list = append(list, s)
	}
	for _, text := range signed(c) {
		if slices.ContainsFunc(list, func(s Standing) bool { return s.Text == text }) {
			continue
		}
		s, err := standing(p, c, text, read(text))
		if err != nil {
			return nil, err
		}
		if len(s.Missing) == 0 && s.Revoked == nil && !s.Over && !s.replaced(list) {
			list = append(list, s)
		}
	}
	return list, nil
}

// signed are the documents that somebody signed.
func signed(c answers.Chain) (texts []string) {
	for _, s := range c.All() {
		if s.Answer.Act == answers.Order && !slices.Contains(texts, s.Answer.Document) {
			texts = append(texts, s.Answer.Document)
		}
	}
	return texts
}

// read is the order of a document; without a silo where that is none.
func read(text string) (o setup.Order) {
	var d document
	if json.Unmarshal([]byte(text), &d) == nil {
		o = setup.Order{Silo: d.Silo, MaxRows: d.MaxRows, MaxPercent: d.MaxPercent}
		o.Until, _ = calendar.ParseDate(d.ValidUntil) // the document was written from a day
		for _, r := range d.Reasons {
			o.Reasons = append(o.Reasons, reason.Code(r))
		}
	}
	return o
}

// replaced reports whether an order of the configuration was signed after this one, for the same silo.
func (s Standing) replaced(list []Standing) bool {
	return slices.ContainsFunc(list, func(o Standing) bool {
		return o.Order.Silo == s.Order.Silo && o.Place > 0 && o.Why() == "" &&
			last(o.Signed) > last(s.Signed)
	})
}

func last(list []answers.Signed) int64 {
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1].Answer.Seq
}

// standing reads from the chain what has come of a document.
func standing(p *setup.Setup, c answers.Chain, text string, o setup.Order) (Standing, error) {
	s := Standing{Order: o, Text: text, Digest: Digest(text)}
	today := calendar.DateOf(p.Now(), p.Zone)
	s.Over, s.Ends = o.Until < today, o.Until <= calendar.EndOf(today, soon)
	for _, a := range c.All() {
		if a.Answer.Act == answers.Acknowledge && a.Answer.About == answers.Itself && len(s.Signed) > 0 {
			s.Signed = nil
			s.Void = append(s.Void, "it was signed before answers were lost, of which one may have revoked it")
		}
		if a.Answer.Digest != s.Digest {
			continue
		}
		if a.Answer.Act == answers.Revoke { // whoever stands under people now
			s.Signed, s.Void, s.Revoked = nil, nil, &a
			continue
		}
		if a.Answer.Act != answers.Order {
			continue
		}
		void, err := voided(p, c, a, o, s.Digest)
		if err != nil {
			return s, err
		}
		if void != "" {
			s.Void = append(s.Void, fmt.Sprintf("the signature of %s does not count: %s", a.Answer.Actor, void))
			continue
		}
		s.Revoked = nil
		if !s.signedBy(a.Answer.Key) {
			s.Signed = append(s.Signed, a)
		}
	}
	s.Missing = missing(p, o.Silo, s.Signed)
	return s, nil
}

func (s Standing) signedBy(key string) bool {
	return slices.ContainsFunc(s.Signed, func(o answers.Signed) bool { return o.Answer.Key == key })
}

// voided says why a signature under an order does not count; "" it does.
func voided(p *setup.Setup, c answers.Chain, s answers.Signed, o setup.Order, digest string) (string, error) {
	a := s.Answer
	if why := c.Voided(p.People, s, digest, p.Now()); why != "" {
		return why, nil
	}
	if !may(p.People[a.Actor], o.Silo) {
		return "there is no role for it (any more)", nil
	}
	if a.SignedAt.After(p.Now()) {
		return "it says that it was signed on " + a.SignedAt.Format("2006-01-02") + ", which is still to come", nil
	}
	if end := calendar.EndOf(calendar.DateOf(a.SignedAt, p.Zone), Longest); o.Until > end {
		return fmt.Sprintf("it is for longer than six months from then, which end on %s", end), nil
	}
	then, err := adopted.InForce(p, c.Upto(a.Seq-1))
	if err != nil || then == nil {
		return "", err // who counts now counts by the policy that was adopted since
	}
	if person, ok := then.People[a.Actor]; !ok || person.Key.String() != a.Key || !may(person, o.Silo) {
		return "there was no role for it in the policy that was in force then", nil
	}
	return "", nil
}

// may reports whether a person may sign orders of a silo.
func may(p setup.Person, silo string) bool { return p.Owns(silo) || p.Is("custodian") }

// missing says who must still sign an order of a silo. Two people are two keys.
func missing(p *setup.Setup, silo string, signed []answers.Signed) (who []string) {
	if p.Approvals == 1 && len(signed) > 0 {
		return nil
	}
	by := func(is func(setup.Person) bool) bool {
		return slices.ContainsFunc(signed, func(s answers.Signed) bool { return is(p.People[s.Answer.Actor]) })
	}
	if !by(func(p setup.Person) bool { return p.Owns(silo) }) {
		who = append(who, "an owner of "+silo)
	}
	if !by(func(p setup.Person) bool { return p.Is("custodian") }) {
		who = append(who, "a custodian")
	}
	if p.Approvals == 1 {
		return []string{strings.Join(who, " or ")}
	}
	if len(who) == 0 && len(signed) < 2 {
		who = append(who, "a second person")
	}
	return who
}

// Judge is the setup with its orders as they count: each with why it lets nothing go, and who signed it.
func Judge(p *setup.Setup, c answers.Chain) (*setup.Setup, error) {
	if len(p.Orders) == 0 || p.Policy == nil { // none, or made by a program, not read
		return p, nil
	}
	list, err := Look(p, c)
	if err != nil {
		return p, err
	}
	judged := *p
	judged.Orders = slices.Clone(p.Orders)
	for i := range judged.Orders {
		o := &judged.Orders[i]
		o.Why, o.SignedBy, o.Digest = list[i].Why(), list[i].Signers(), list[i].Digest
	}
	return &judged, nil
}

// Now is Look for a command, which has no journal open. Where there is none, nobody has signed anything.
func Now(ctx context.Context, p *setup.Setup) ([]Standing, error) {
	if !state.FileExists(filepath.Join(p.State, "journal.db")) {
		return Look(p, answers.Chain{})
	}
	j, b, err := state.Book(ctx, p)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	return Look(p, b.Chain)
}

// find is the order that somebody means: by its place in the configuration, or by the beginning of its digest.
func find(list []Standing, name string) (Standing, error) {
	var found []Standing
	for _, s := range list {
		if name == fmt.Sprint(s.Place) && s.Place > 0 {
			return s, nil
		}
		if len(name) >= 4 && strings.HasPrefix(s.Digest, name) {
			found = append(found, s)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return Standing{}, fmt.Errorf("%w: %d orders are named %q: `lethe order list` lists them", setup.ErrConfig,
		len(found), name)
}
