package pipeline

import (
	"context"
	"errors"
	"fmt"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
	"slices"
)

// DestroyKeys ends a silo: the registry forgets all its collections, then the silo's keys are destroyed before two witnesses, those for its references in
// the reports as well, and the registry records it. Afterwards nothing that was keyed with them can be linked to anybody. It is refused while
// something still needs the key. Cut off anywhere, it is finished by asking again; what was destroyed then keeps the evidence of the first time.
func DestroyKeys(ctx context.Context, p *setup.Setup, silo, because string, witnesses []setup.Witness) (destroyed []keystore.Evidence, err error) {
	if err := p.Proven(witnesses); err != nil {
		return nil, err
	}
	lock, err := state.TakeLock(p)
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

// registryForKeys opens the registry whatever the versions of its keys.
func registryForKeys(ctx context.Context, p *setup.Setup) (*registry.Registry, error) {
	config := p.Registry
	config.AllowEmpty, config.Keys = true, nil
	return registry.Open(ctx, config)
}

// destroyKey destroys one version of a silo's key before witnesses and records it.
func destroyKey(ctx context.Context, p *setup.Setup, r *registry.Registry, v keystore.SiloVersion, because string, witnesses []setup.Witness) (keystore.Evidence, error) {
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

// RotateKey gives a silo a new version of its key and carries every reference over to it; it returns the version and how many were carried over. Cut off
// between the two, every use of the registry is refused until it is finished by asking again.
func RotateKey(ctx context.Context, p *setup.Setup, silo string) (version, carried int, err error) {
	folder, err := state.Open(ctx, p)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	if err := unplanned(ctx, p, folder.Journal, silo); err != nil {
		return 0, 0, err
	}
	r, err := registryForKeys(ctx, p)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	known, err := r.KeyVersions(ctx)
	if err != nil {
		return 0, 0, err
	}
	i := slices.IndexFunc(known, func(v registry.KeyVersion) bool { return v.Silo == silo && v.State == registry.KeyActive })
	if i < 0 {
		return 0, 0, fmt.Errorf("%w: the registry holds nothing under a key of silo %q: there is nothing to rotate", setup.ErrConfig, silo)
	}
	if version = p.Keys.Current()[silo]; version == known[i].Version {
		if version, err = p.Keys.RotateSilo(silo); err != nil {
			return 0, 0, err
		}
		p.Crash("rotated")
	}
	key, err := p.Keys.SiloKey(silo)
	if err != nil {
		return 0, 0, err
	}
	carried, err = r.Rotate(ctx, key)
	return version, carried, err
}

// RetireKey destroys, before two witnesses, a version of a silo's key that a later one has replaced.
func RetireKey(ctx context.Context, p *setup.Setup, silo string, version int, because string, witnesses []setup.Witness) (evidence keystore.Evidence, err error) {
	if err := p.Proven(witnesses); err != nil {
		return evidence, err
	}
	r, err := registry.Open(ctx, p.Registry) // the versions fit: no rotation is half done
	if err != nil {
		return evidence, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	known, err := r.KeyVersions(ctx)
	if err != nil {
		return evidence, err
	}
	replaced := func(v registry.KeyVersion) bool {
		return v.Silo == silo && v.Version == version && v.State != registry.KeyActive
	}
	held := p.Keys.SiloVersions()
	i := slices.IndexFunc(held, func(v keystore.SiloVersion) bool { return v.Silo == silo && v.Version == version })
	if i < 0 || !slices.ContainsFunc(known, replaced) {
		return evidence, fmt.Errorf("%w: version %d of the key of silo %q is not one that a later version replaced: `lethe keys list` shows them", setup.ErrConfig, version, silo)
	}
	return destroyKey(ctx, p, r, held[i], because, witnesses)
}

// unplanned refuses while a plan may still change rows of the silo: it names them by references under the key.
func unplanned(ctx context.Context, p *setup.Setup, j *journal.Journal, silo string) error {
	plans, err := j.Plans(ctx, journal.Waiting, journal.Approved)
	if err != nil {
		return err
	}
	for _, entry := range plans {
		doc, err := plan.Open(p.State, entry)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(doc.Groups, func(g plan.Group) bool { return g.Silo == silo }) {
			return fmt.Errorf("%w: plan %s names rows of silo %s and is not settled: apply or reject it first (lethe approve %[2]s --reject)", setup.ErrConfig, entry.ID, silo)
		}
	}
	return nil
}

// unneeded refuses while a plan may still change rows of the silo, or the last night saw rows of it: what shows why they are held would be gone.
func unneeded(ctx context.Context, p *setup.Setup, silo string) error {
	j, err := journal.Open(ctx, p.State)
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
				return fmt.Errorf("%w: the last night saw rows of silo %s in %s.%s: let a night erase them, or take the silo out of the configuration and run a night, before its key goes", setup.ErrConfig, silo, s.Source, s.Object)
			}
		}
		break
	}
	return nil
}
