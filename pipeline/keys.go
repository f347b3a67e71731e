package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/keystore"
)

// Witness is a person of the configuration who vouches, with their own key, that a key was destroyed.
type Witness struct {
	Name   string
	Signer *keystore.Signer
}

// signs finds the person of a name, whose key the signer must have.
func (p *Pipeline) signs(name string, signer *keystore.Signer) (Person, error) {
	person, ok := p.People[name]
	if !ok {
		return Person{}, p.nobody(name)
	}
	if person.Key.String() != signer.Public() {
		return Person{}, fmt.Errorf("%w: the signing key is not %s's: its public key differs from the one under people", ErrConfig, name)
	}
	return person, nil
}

func (p *Pipeline) nobody(name string) error {
	return fmt.Errorf("%w: %q is not among people: add the name with its public key", ErrConfig, name)
}

// Proven makes sure that two people act, each of the configuration and with the key that stands there.
func (p *Pipeline) Proven(people []Witness) error {
	for i, w := range people {
		if _, err := p.signs(w.Name, w.Signer); err != nil {
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

// DestroyKeys ends a silo: the registry forgets all its collections, then the silo's keys are destroyed before two witnesses, those for its references in
// the reports as well, and the registry records it. Afterwards nothing that was keyed with them can be linked to anybody. It is refused while
// something still needs the key. Cut off anywhere, it is finished by asking again; what was destroyed then keeps the evidence of the first time.
func (p *Pipeline) DestroyKeys(ctx context.Context, silo, because string, witnesses []Witness) (destroyed []keystore.Evidence, err error) {
	if err := p.Proven(witnesses); err != nil {
		return nil, err
	}
	n := &night{Pipeline: p}
	if err := n.takeLock(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.lock.Close()) }()
	if err := p.unneeded(ctx, silo); err != nil {
		return nil, err
	}
	versions := slices.DeleteFunc(p.Keys.SiloVersions(), func(v keystore.SiloVersion) bool { return v.Silo != silo })
	if len(versions) == 0 {
		return nil, fmt.Errorf("%w: silo %q has no key: `lethe keys list` names those that have", ErrConfig, silo)
	}
	r, err := p.registryForKeys(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if _, err := r.Retire(ctx, silo, p.Now()); err != nil && !errors.Is(err, keystore.ErrDestroyed) {
		return nil, err
	}
	p.Crash("retired")
	for _, v := range versions {
		evidence, err := p.destroyKey(ctx, r, v, because, witnesses)
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
func (p *Pipeline) registryForKeys(ctx context.Context) (*registry.Registry, error) {
	config := p.Registry
	config.AllowEmpty, config.Keys = true, nil
	return registry.Open(ctx, config)
}

// destroyKey destroys one version of a silo's key before witnesses and records it.
func (p *Pipeline) destroyKey(ctx context.Context, r *registry.Registry, v keystore.SiloVersion, because string, witnesses []Witness) (keystore.Evidence, error) {
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
func (p *Pipeline) RotateKey(ctx context.Context, silo string) (version, carried int, err error) {
	n := &night{Pipeline: p}
	if err := n.takeLock(); err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, n.lock.Close()) }()
	j, err := journal.Open(ctx, p.State)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	if err := p.unplanned(ctx, j, silo); err != nil {
		return 0, 0, err
	}
	r, err := p.registryForKeys(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	known, err := r.KeyVersions(ctx)
	if err != nil {
		return 0, 0, err
	}
	i := slices.IndexFunc(known, func(v chain.KeyVersion) bool { return v.Silo == silo && v.State == chain.KeyActive })
	if i < 0 {
		return 0, 0, fmt.Errorf("%w: the registry holds nothing under a key of silo %q: there is nothing to rotate", ErrConfig, silo)
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
func (p *Pipeline) RetireKey(ctx context.Context, silo string, version int, because string, witnesses []Witness) (evidence keystore.Evidence, err error) {
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
	replaced := func(v chain.KeyVersion) bool {
		return v.Silo == silo && v.Version == version && v.State != chain.KeyActive
	}
	held := p.Keys.SiloVersions()
	i := slices.IndexFunc(held, func(v keystore.SiloVersion) bool { return v.Silo == silo && v.Version == version })
	if i < 0 || !slices.ContainsFunc(known, replaced) {
		return evidence, fmt.Errorf("%w: version %d of the key of silo %q is not one that a later version replaced: `lethe keys list` shows them", ErrConfig, version, silo)
	}
	return p.destroyKey(ctx, r, held[i], because, witnesses)
}

// unplanned refuses while a plan may still change rows of the silo: it names them by references under the key.
func (p *Pipeline) unplanned(ctx context.Context, j *journal.Journal, silo string) error {
	plans, err := j.Plans(ctx, journal.Waiting, journal.Approved)
	if err != nil {
		return err
	}
	for _, entry := range plans {
		doc, err := openPlan(filepath.Join(p.State, "plans", entry.ID), entry.Digest)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(doc.Groups, func(g PlanGroup) bool { return g.Silo == silo }) {
			return fmt.Errorf("%w: plan %s names rows of silo %s and is not settled: apply or reject it first (lethe approve %[2]s --reject)", ErrConfig, entry.ID, silo)
		}
	}
	return nil
}

// unneeded refuses while a plan may still change rows of the silo, or the last night saw rows of it: what shows why they are held would be gone.
func (p *Pipeline) unneeded(ctx context.Context, silo string) error {
	j, err := journal.Open(ctx, p.State)
	if err != nil {
		return err
	}
	defer j.Close()
	if err := p.unplanned(ctx, j, silo); err != nil {
		return err
	}
	runs, err := j.Runs(ctx, 60)
	if err != nil {
		return err
	}
	for _, r := range runs {
		var f audit.Facts
		if r.EndedAt.IsZero() || len(r.Facts) == 0 {
			continue
		}
		if err := json.Unmarshal(r.Facts, &f); err != nil {
			return fmt.Errorf("run %s: %w: %w", r.ID, journal.ErrCorrupt, err)
		}
		if len(f.Inventory) == 0 {
			continue // it only applied, or failed before it read anything
		}
		for _, s := range f.Summary {
			if s.Silo == silo && s.Rows > 0 {
				return fmt.Errorf("%w: the last night saw rows of silo %s in %s.%s: let a night erase them, or take the silo out of the configuration and run a night, before its key goes", ErrConfig, silo, s.Source, s.Object)
			}
		}
		break
	}
	return nil
}

// keysHold refuses silos whose key was destroyed as the registry knows, whatever the keystore holds: a folder can be put back from a copy.
func (n *night) keysHold(ctx context.Context) error {
	versions, err := n.registry.KeyVersions(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRegistry, err)
	}
	active := map[string]bool{}
	for _, v := range versions {
		active[v.Silo] = active[v.Silo] || v.State == chain.KeyActive
	}
	for _, s := range n.Silos {
		if alive, known := active[s.Silo.Name]; known && !alive {
			return fmt.Errorf("%w: silo %q: %w, as the registry says: remove its file from the keystore, and take the silo out of the configuration", ErrConfig, s.Silo.Name, keystore.ErrDestroyed)
		}
	}
	return nil
}
