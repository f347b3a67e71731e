package duties

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/registry"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Reseal lets the nights go on with a registry of which rows are not as they were written, where no copy is left: two
// people sign what did not hold, and its rows are sealed as they stand, as far as its chains bear them out. It is
// refused where every row holds.
func Reseal(ctx context.Context, p *setup.Setup, two []setup.Witness, comment string) (done []registry.Resealed,
	err error) {
	if err := p.Proven(two); err != nil {
		return nil, err
	}
	if err := state.MayAcknowledge(p.People[two[0].Name], p.People[two[1].Name]); err != nil {
		return nil, err
	}
	if strings.TrimSpace(comment) == "" {
		return nil, fmt.Errorf("%w: --comment: say what happened to the registry", setup.ErrConfig)
	}
	folder, err := state.Open(ctx, p, "the registry is sealed anew")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	if err := state.Whole(ctx, p, folder.Journal); err != nil {
		return nil, err
	}
	if err := state.Intact(ctx, p, folder.Journal); err != nil {
		return nil, err
	}
	book, err := state.Answers(ctx, p, folder.Journal)
	if err != nil {
		return nil, err
	}
	runs, err := folder.Journal.Runs(ctx, 100)
	if err != nil {
		return nil, err
	}
	seen, err := state.LastHeads(runs)
	if err != nil {
		return nil, err
	}
	signed := false
	done, err = registry.Reseal(ctx, p.Registry, seen, func(broken []registry.Resealed) error {
		if signed { // the database let the transaction begin again
			return nil
		}
		for _, w := range two {
			a := answers.Answer{Act: answers.Rebuild, About: answers.Registry, Digest: digestOf(broken), Actor: w.Name,
				Comment: comment}
			if _, err := state.Say(ctx, p, book, a, w.Signer, nil); err != nil {
				return err
			}
		}
		signed = true
		return nil
	})
	if err == nil && len(done) == 0 {
		err = fmt.Errorf("%w: every row of the registry is as it was written: there is nothing to seal anew",
			setup.ErrConfig)
	}
	if err == nil {
		err = state.AskAnew(ctx, folder.Journal)
	}
	return done, err
}

// digestOf is the digest of what did not hold.
func digestOf(broken []registry.Resealed) string {
	sum := sha256.New()
	for _, r := range broken {
		fmt.Fprintf(sum, "%s: %v: %d put back, %d taken out\n", r.Silo, r.What, r.Put, r.TakenOut)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}
