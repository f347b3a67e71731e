package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Destroy ends a silo: the registry forgets all its collections, then the silo's keys are destroyed
// before two witnesses, those for its references in the reports as well, and the registry records it.
// Afterwards nothing that was keyed with them can be linked to anybody. It is refused while something
// still needs the key. Cut off anywhere, it is finished by asking again; what was destroyed then keeps
// the evidence of the first time.
func Destroy(ctx context.Context, p *setup.Setup, silo, because string,
	witnesses []setup.Witness) (destroyed []keystore.Evidence, err error) {
	if err := mayWitness(p, witnesses); err != nil {
		return nil, err
	}
	lock, err := state.TakeLock(p, "a key is destroyed")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := unneeded(ctx, p, silo); err != nil {
		return nil, err
	}
	versions := slices.DeleteFunc(p.Keys.SiloVersions(), func(v keystore.SiloVersion) bool { return v.Silo != silo })
	if len(versions) == 0 {
		return nil, fmt.Errorf("%w: silo %q has no key: `lethe keys list` names those that have", setup.ErrConfig, silo)
	}
	r, err := registryForKeys(ctx, p)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if _, err := r.Retire(ctx, silo, p.Now()); err != nil && !errors.Is(err, keystore.ErrDestroyed) {
		return nil, err
	}
	p.Crash("retired")
	if err := signed(ctx, p, versions, because, witnesses); err != nil {
		return nil, err
	}
	for _, v := range versions {
		evidence, err := destroyKey(ctx, p, r, v, because, witnesses)
		if err != nil {
			return nil, err
		}
		destroyed = append(destroyed, evidence)
	}
	for _, name := range p.Keys.Names("audit/" + silo + "/") {
		if _, err := p.Keys.Destroy(name, p.Now()); err != nil {
			return nil, err
		}
	}
	return destroyed, nil
}

// mayWitness refuses people who may not say that a silo's key goes.
func mayWitness(p *setup.Setup, witnesses []setup.Witness) error {
	if err := p.Proven(witnesses); err != nil {
		return err
	}
	for _, w := range witnesses {
		if !slices.ContainsFunc(p.People[w.Name].Roles, func(role string) bool {
			return role == "custodian" || role == "dpo" || strings.HasPrefix(role, "owner:")
		}) {
			return fmt.Errorf("%w: a silo's key is destroyed before two owners, custodians or data protection "+
				"officers: %s is none", setup.ErrConfig, w.Name)
		}
	}
	return nil
}

// signed lets the witnesses say in the chain of answers that keys are destroyed, each once, before they are.
func signed(ctx context.Context, p *setup.Setup, versions []keystore.SiloVersion, because string,
	witnesses []setup.Witness) error {
	j, book, err := state.Book(ctx, p)
	if err != nil {
		return err
	}
	defer j.Close()
	for _, v := range versions {
		about := fmt.Sprintf("silo-key:%s/%d", v.Silo, v.Version)
		for _, w := range witnesses {
			if slices.ContainsFunc(book.About(about, v.KeyID), func(s answers.Signed) bool {
				return s.Answer.Act == answers.Destroy && s.Answer.Key == w.Signer.Public()
			}) {
				continue // before it was cut off
			}
			a := answers.Answer{Act: answers.Destroy, About: about, Digest: v.KeyID, Actor: w.Name, Comment: because}
			if _, err := state.Say(ctx, p, book, a, w.Signer, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// destroyKey destroys one version of a silo's key before witnesses and records it.
func destroyKey(ctx context.Context, p *setup.Setup, r *registry.Registry, v keystore.SiloVersion, because string,
	witnesses []setup.Witness) (keystore.Evidence, error) {
	var signed []string
	for _, w := range witnesses {
		signed = append(signed, w.Signer.Witness(w.Name, v.KeyID, because))
	}
	evidence, err := p.Keys.DestroySilo(v.Silo, v.Version, p.Now(), because, signed...)
	if err != nil {
		return evidence, err
	}
	p.Crash("destroyed")
	return evidence, r.DestroyedKey(ctx, v.Silo, v.Version, evidence.DestroyedAt, evidence.Digest())
}

// unneeded refuses while a plan may still change rows of the silo, or the last night saw rows of it: what
// shows why they are held would be gone.
func unneeded(ctx context.Context, p *setup.Setup, silo string) error {
	j, err := p.Journal(ctx)
	if err != nil {
		return err
	}
	defer j.Close()
	if err := unplanned(ctx, p, j, silo); err != nil {
		return err
	}
	runs, err := j.Runs(ctx, 60)
	if err != nil {
		return err
	}
	for _, r := range runs {
		if r.EndedAt.IsZero() || len(r.Facts) == 0 {
			continue
		}
		f, err := state.FactsOf(r)
		if err != nil {
			return err
		}
		if len(f.Inventory) == 0 {
			continue // it only applied, or failed before it read anything
		}
		for _, s := range f.Summary {
			if s.Silo == silo && s.Rows > 0 {
				return fmt.Errorf("%w: the last night saw rows of silo %s in %s.%s: let a night erase them, or "+
					"take the silo out of the configuration and run a night, before its key goes", setup.ErrConfig,
					silo, s.Source, s.Object)
			}
		}
		break
	}
	return nil
}
