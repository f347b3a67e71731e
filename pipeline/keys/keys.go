// Package keys ends, and renews, the keys of silos, in the order in which a cut anywhere can be taken up
// again: Rotate gives a silo a new version of its key, Retire destroys a version that another has
// replaced, Destroy ends a silo with all its keys. What is destroyed is destroyed before two witnesses,
// and the registry records it.
package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// registryForKeys opens the registry whatever the versions of its keys.
func registryForKeys(ctx context.Context, p *setup.Setup) (*registry.Registry, error) {
	config := p.Registry
	config.AllowEmpty, config.AnyVersion = true, true
	return registry.Open(ctx, config)
}

// Rotate gives a silo a new version of its key and carries every reference over to it; it returns the
// version and how many were carried over. Cut off between the two, every use of the registry is refused
// until it is finished by asking again.
func Rotate(ctx context.Context, p *setup.Setup, silo string) (version, carried int, err error) {
	folder, err := state.Open(ctx, p, "a key of a silo is rotated")
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
	i := slices.IndexFunc(known, func(v chain.KeyVersion) bool {
		return v.Silo == silo && v.State == chain.KeyActive
	})
	if i < 0 {
		return 0, 0, fmt.Errorf("%w: the registry holds nothing under a key of silo %q: there is nothing to rotate",
			setup.ErrConfig, silo)
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

// Retire destroys, before two witnesses, a version of a silo's key that a later one has replaced.
func Retire(ctx context.Context, p *setup.Setup, silo string, version int, because string,
	witnesses []setup.Witness) (evidence keystore.Evidence, err error) {
	if err := mayWitness(p, witnesses); err != nil {
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
	replaced := func(v chain.KeyVersion) bool {
		return v.Silo == silo && v.Version == version && v.State != chain.KeyActive
	}
	held := p.Keys.SiloVersions()
	i := slices.IndexFunc(held, func(v keystore.SiloVersion) bool { return v.Silo == silo && v.Version == version })
	if i < 0 || !slices.ContainsFunc(known, replaced) {
		return evidence, fmt.Errorf("%w: version %d of the key of silo %q is not one that a later version "+
			"replaced: `lethe keys list` shows them", setup.ErrConfig, version, silo)
	}
	if err := signed(ctx, p, held[i:i+1], because, witnesses); err != nil {
		return evidence, err
	}
	return destroyKey(ctx, p, r, held[i], because, witnesses)
}

// unplanned refuses while a plan may still change rows of the silo: it names them by references under the
// key.
func unplanned(ctx context.Context, p *setup.Setup, j *journal.Journal, silo string) error {
	if err := state.Whole(ctx, p, j); err != nil {
		return err
	}
	plans, err := j.Plans(ctx, journal.Waiting, journal.Approved)
	if err != nil {
		return err
	}
	for _, entry := range plans {
		doc, err := plan.Read(p.State, entry)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(doc.Sets, func(s plan.Set) bool { return slices.Contains(s.Silos, silo) }) {
			return fmt.Errorf("%w: plan %s names rows of silo %s and is not settled: apply or reject it first "+
				"(lethe approve %[2]s --reject)", setup.ErrConfig, entry.ID, silo)
		}
	}
	return nil
}
