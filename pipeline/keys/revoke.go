package keys

import (
	"context"
	"fmt"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Revoke revokes the key of a person, named as under people, or by the public key itself: what it signs from now on is
// refused, and what it signed before counts no more for what is still to be done. Everybody may revoke their own, a
// custodian or an admin those of others. It returns the public key.
func Revoke(ctx context.Context, p *setup.Setup, whose, actor, comment string,
	signer *keystore.Signer) (public string, err error) {
	me, err := p.Signs(actor, signer)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(comment) == "" {
		return "", fmt.Errorf("%w: --comment: say why the key is revoked", setup.ErrConfig)
	}
	key, err := keystore.ParsePublic(whose)
	if person, ok := p.People[whose]; ok {
		key, err = person.Key, nil
	}
	if err != nil {
		return "", fmt.Errorf("%w: %q is neither among people nor a public key: name one of them", setup.ErrConfig,
			whose)
	}
	if key.String() != signer.Public() && !me.MayRevoke() {
		return "", fmt.Errorf("%w: to revoke the key of somebody else takes a custodian or an admin", setup.ErrConfig)
	}
	j, book, err := state.Book(ctx, p)
	if err != nil {
		return "", err
	}
	defer j.Close()
	if p.People[whose].Revoked || book.Revoked(p.People, key.String()) {
		return "", fmt.Errorf("%w: that key was revoked before: there is nothing to revoke", setup.ErrConfig)
	}
	a := answers.Answer{Act: answers.Revoke, About: answers.AboutKey(key.String()), Actor: actor, Comment: comment}
	_, err = state.Say(ctx, p, book, a, signer, nil)
	return key.String(), err
}
