package duties

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Attest lets its owner, or a data protection officer, say that something was done which no program sees. It is signed,
// and stands in the chain of answers.
func Attest(ctx context.Context, p *setup.Setup, name, actor, comment string, signer *keystore.Signer) (err error) {
	i := slices.IndexFunc(p.Attestations, func(a setup.Attestation) bool { return a.Name == name })
	if i < 0 {
		return fmt.Errorf("%w: no attestation %q is asked for: `lethe attest list` has those that are, which stand "+
			"under attestations: of the configuration", setup.ErrConfig, name)
	}
	person, err := p.Signs(actor, signer)
	if err != nil {
		return err
	}
	if a := p.Attestations[i]; !a.MayAttest(actor, person) {
		return fmt.Errorf("%w: %s is for %s to attest, who answers for it, or for a data protection officer",
			setup.ErrConfig, name, a.Owner)
	}
	if strings.TrimSpace(comment) == "" {
		return fmt.Errorf("%w: --comment: say what was done, when, and where that is filed", setup.ErrConfig)
	}
	j, b, err := state.Book(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	_, err = state.Say(ctx, p, b, answers.Answer{Act: answers.Attest, About: answers.AboutAttestation(name),
		Actor: actor, Comment: comment}, signer, nil)
	return err
}
