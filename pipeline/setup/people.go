package setup

import (
	"fmt"
	"slices"

	"lethe/pipeline/registry/keystore"
)

// Witness is a person of the configuration who vouches, with their own key, that a key was destroyed.
type Witness struct {
	Name   string
	Signer *keystore.Signer
}

// Signs finds the person of a name, whose key the signer must have. Its errors are ErrConfig.
func (p *Setup) Signs(name string, signer *keystore.Signer) (Person, error) {
	person, ok := p.People[name]
	if !ok {
		return Person{}, p.Nobody(name)
	}
	if person.Key.String() != signer.Public() {
		return Person{}, fmt.Errorf("%w: the signing key is not %s's: "+
			"its public key differs from the one under people", ErrConfig, name)
	}
	if person.Revoked {
		return Person{}, fmt.Errorf("%w: the key of %s was revoked: make a new one with `lethe keys new`, put its "+
			"public key under people, and let two others adopt that with `lethe policy adopt`", ErrConfig, name)
	}
	if person.Ended(p.Now()) {
		return Person{}, fmt.Errorf("%w: the key of %s has ended (until): make a new one with `lethe keys new` and "+
			"put its public key under people", ErrConfig, name)
	}
	return person, nil
}

// Hold notes that somebody has the roles of a person.
func (p *Setup) Hold(person Person) {
	if p.Held == nil {
		p.Held = map[string]bool{}
	}
	for _, role := range person.Roles {
		p.Held[role] = true
	}
}

// Nobody is the error of a name that the configuration does not know.
func (p *Setup) Nobody(name string) error {
	if p.Adopted != "" && p.Adopted != p.PolicyDigest {
		return fmt.Errorf("%w: %q is not among the people of the policy that is in force with this key: if the "+
			"configuration adds them, others adopt it first, with `lethe policy adopt`", ErrConfig, name)
	}
	return fmt.Errorf("%w: %q is not among people: add the name with its public key", ErrConfig, name)
}

// Proven makes sure that two people act, each of the configuration and with the key that stands there.
func (p *Setup) Proven(people []Witness) error {
	for i, w := range people {
		if _, err := p.Signs(w.Name, w.Signer); err != nil {
			return err
		}
		if slices.ContainsFunc(people[:i], func(o Witness) bool { return o.Name == w.Name }) {
			return fmt.Errorf("%w: %s is named twice: it takes two different people", ErrConfig, w.Name)
		}
	}
	if len(people) != 2 {
		return fmt.Errorf("%w: it takes two people, each with --as NAME and --key FILE", ErrConfig)
	}
	return nil
}
