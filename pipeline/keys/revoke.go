package keys

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/adopted"
	"lethe/pipeline/answers"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Revoke revokes the key of a person, named as under people, or by the public key itself: what it signs from now on is
// refused, and what it signed before counts no more for what is still to be done. Everybody revokes their own alone;
// that of somebody else takes two, together or one after the other within a week. It returns the public key; done says
// that it is revoked.
func Revoke(ctx context.Context, p *setup.Setup, whose, comment string, people []setup.Witness) (public string,
	done bool, err error) {
	if strings.TrimSpace(comment) == "" {
		return "", false, fmt.Errorf("%w: --comment: say why the key is revoked", setup.ErrConfig)
	}
	key, err := keystore.ParsePublic(whose)
	if person, ok := p.People[whose]; ok {
		key, err = person.Key, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("%w: %q is neither among people nor a public key: name one of them",
			setup.ErrConfig, whose)
	}
	public = key.String()
	for i, w := range people { // before anybody signs
		me, err := p.Signs(w.Name, w.Signer)
		if err != nil {
			return public, false, err
		}
		if public != w.Signer.Public() && !me.MayRevoke() {
			return public, false, fmt.Errorf("%w: to revoke the key of somebody else takes two of the owners, "+
				"custodians, data protection officers and admins: %s is none of them", setup.ErrConfig, w.Name)
		}
		if slices.ContainsFunc(people[:i], func(o setup.Witness) bool { return o.Name == w.Name }) {
			return public, false, fmt.Errorf("%w: %s is named twice: it takes two different people", setup.ErrConfig,
				w.Name)
		}
	}
	j, book, err := state.Book(ctx, p)
	if err != nil {
		return public, false, err
	}
	defer j.Close()
	for _, w := range people {
		before := adopted.Revocations(p, book.Chain)[public]
		if before.Done || p.People[whose].Revoked {
			return public, true, fmt.Errorf("%w: that key was revoked before: there is nothing to revoke",
				setup.ErrConfig)
		}
		if before.Pending(p.Now()) && slices.ContainsFunc(before.By, func(a answers.Answer) bool {
			return a.Key == w.Signer.Public()
		}) {
			return public, false, fmt.Errorf("%w: %s has signed it already: another person has to", setup.ErrConfig,
				w.Name)
		}
		a := answers.Answer{Act: answers.Revoke, About: answers.AboutKey(public), Actor: w.Name, Comment: comment}
		if _, err = state.Say(ctx, p, book, a, w.Signer, nil); err != nil {
			return public, false, err
		}
	}
	return public, adopted.Revocations(p, book.Chain)[public].Done, nil
}
