package duties

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Entry is what somebody enters into the registry in other people's name.
type Entry struct {
	Silo    string
	Request string   // what is done with a person's request, by its name; "" events come in
	What    []string // what is signed of it, in its order; no value of a record
	Roles   []string // beside an owner of the silo, and who has the role user there
	Owner   string   // who may besides, by name: the owner of a place; "" nobody
	comment string   // what the signature says in clear; "" the first of What
}

// Who delivered what was entered by hand (`lethe consent record`), as the registry has it: nobody said who they are, or
// somebody signed it, who stands in the chain of answers.
const (
	ByHand       = event.Own + " consent record"
	ByHandSigned = ByHand + ", signed"
)

// Import is the entry of a delivery to a silo, by who delivers it; of a file with its digest, where it can be read
// twice.
func Import(silo, source, from, digest string) Entry {
	e := Entry{Silo: silo, What: []string{"import", source, from}, Roles: []string{"operator"},
		comment: signedOf(source)}
	if digest != "" {
		e.What = append(e.What, digest)
	}
	return e
}

// signedOf is what the comment of a signature says that is over a delivery of a source.
func signedOf(source string) string { return strings.TrimSpace("import " + source) }

// Signed reports whether a chain has a signature over a delivery of a source to a silo.
func Signed(said []answers.Signed, silo, source string) bool {
	return slices.ContainsFunc(said, func(s answers.Signed) bool {
		a := s.Answer
		return a.Act == answers.Enter && a.About == Entry{Silo: silo}.about() && a.Comment == signedOf(source)
	})
}

// about names what is entered.
func (e Entry) about() string {
	if e.Request != "" {
		return "request:" + e.Silo + "/" + e.Request
	}
	return "silo:" + e.Silo
}

// digest is over what is signed.
func (e Entry) digest() string {
	body, err := json.Marshal(append([]string{e.Silo, e.Request}, e.What...))
	if err != nil {
		panic(err) // texts always marshal
	}
	return fmt.Sprintf("%x", sha256.Sum256(body))
}

// EnteredBy lets who enters something sign it, before it is done. Who is nil where nobody is named: a silo that has
// people who do this (user:SILO) refuses that; in others whoever reaches the keystore enters. Cut off between the two,
// it is asked for again: what was signed has no effect by itself.
func EnteredBy(ctx context.Context, p *setup.Setup, e Entry, who *setup.Witness, do func() error) (err error) {
	if err := e.May(p, who); err != nil {
		return err
	}
	if who == nil {
		return do()
	}
	j, book, err := state.Book(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	comment := cmp.Or(e.comment, e.What[0])
	_, err = state.Say(ctx, p, book, answers.Answer{Act: answers.Enter, About: e.about(), Digest: e.digest(),
		Actor: who.Name, Comment: comment}, who.Signer, nil)
	if err != nil {
		return err
	}
	return do()
}

// May refuses who may not enter it.
func (e Entry) May(p *setup.Setup, who *setup.Witness) error {
	role := "user:" + e.Silo
	if who == nil {
		if p.Held[role] {
			return fmt.Errorf("%w: in silo %s this is done by people who have the role %s: say who, with --as NAME "+
				"and --key FILE", setup.ErrConfig, e.Silo, role)
		}
		return nil
	}
	person, err := p.Signs(who.Name, who.Signer)
	if err != nil {
		return err
	}
	if who.Name != e.Owner && !person.Owns(e.Silo) && !person.Is(role) && !slices.ContainsFunc(e.Roles, person.Is) {
		return fmt.Errorf("%w: this takes an owner of silo %s, or somebody with the role %s: %s is none",
			setup.ErrConfig, e.Silo, role, who.Name)
	}
	return nil
}
