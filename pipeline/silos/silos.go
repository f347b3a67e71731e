// Package silos is what the registry says of each silo at one head.
//
// A Set holds a Silo for each that the policy governs, and the heads at which they were read. A Feed
// brings in, while the registry is opened, what the applications' own tables say of consents.
package silos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Set is what the registry says of each governed silo, at one head.
type Set struct {
	setup    *setup.Setup
	tonight  setup.Tonight
	Registry *registry.Registry
	Silos    map[string]*Silo
	Heads    map[string]chain.Head
	Seen     map[string]chain.Head // the heads as the last finished run saw them, or who wrote there since
	Words    string                // the heads in words
	Journal  Journal               // of the nights; none for who only asks
	// Unheard is of which silos the registry has heard nothing, or not for too long, where others decide without it:
	// their rows stay as they are.
	Unheard error
}

// New is a set that opens nothing yet. seen are the heads as the last finished run saw them.
func New(p *setup.Setup, tonight setup.Tonight, seen map[string]chain.Head) *Set {
	return &Set{
		setup: p, tonight: tonight, Silos: map[string]*Silo{}, Heads: map[string]chain.Head{}, Seen: seen,
	}
}

// Feed reads what the applications' own tables say of consents into a registry, while it is opened.
type Feed interface {
	Open(ctx context.Context, r *registry.Registry, config registry.Config) error
	// TakeIn reads the tables of a silo; stale: it may not be relied on.
	TakeIn(ctx context.Context, silo *policy.Compiled) (stale bool, err error)
	Close() error
}

// Close closes the registry, if it was opened.
func (set *Set) Close() error {
	if set.Registry == nil {
		return nil
	}
	return set.Registry.Close()
}

// Connect opens the registry, and marks it where the clock is simulated: one that real nights have written to is
// refused then.
func (set *Set) Connect(ctx context.Context) (err error) {
	if set.Registry, err = registry.Open(ctx, set.config()); err != nil {
		return unusable(err)
	}
	if !set.setup.Simulated || !set.tonight.Apply {
		return nil
	}
	simulated, err := set.Registry.Simulated(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
	}
	m, err := set.Registry.Memory(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
	}
	if m.Nights && !simulated {
		return fmt.Errorf("%w: clock: simulated is for a company that is made up, and nights by the real clock have "+
			"written to this registry: leave it out, or begin with a registry of its own", setup.ErrConfig)
	}
	return set.Registry.MarkSimulated(ctx)
}

// Open opens the registry, verifies its chains against the heads that the last night saw, reads the
// consents that applications keep and writes the `expired` events that are due (both only with --apply),
// and loads every silo's standings at one head. Its errors wrap setup.ErrRegistry, ErrTampered or
// ErrConfig.
func (set *Set) Open(ctx context.Context, feed Feed) (err error) {
	if set.tonight.Phases == setup.DiscoverOnly {
		return nil
	}
	if err := set.Connect(ctx); err != nil {
		return err
	}
	if set.Journal.ID != "" {
		if err := set.Remembered(ctx); err != nil {
			return err
		}
	}
	if err := set.keysHold(ctx); err != nil {
		return err
	}
	if err := set.verifySuppression(ctx); err != nil {
		return err
	}
	if set.tonight.Apply {
		if err := feed.Open(ctx, set.Registry, set.config()); err != nil {
			return unusable(err)
		}
		defer func() { err = errors.Join(err, feed.Close()) }()
	}
	for _, s := range set.setup.Silos {
		if err := set.OpenSilo(ctx, s, feed); err != nil {
			return fmt.Errorf("silo %s: %w", s.Silo.Name, err)
		}
	}
	heads, err := set.Registry.Heads(ctx)
	if err != nil {
		return unusable(err)
	}
	for _, h := range heads {
		set.Heads[h.Silo] = h
	}
	set.Words = state.FormatHeads(heads)
	old := errors.Join(set.unfed(heads), set.Fresh(heads))
	if !slices.ContainsFunc(set.setup.Silos, set.decides) {
		return old
	}
	set.Unheard = old
	return nil
}

// decides reports whether the rows of a silo can be decided: they decide alone, or the registry can be relied on.
func (set *Set) decides(s *policy.Compiled) bool { return set.Silos[s.Silo.Name].Trust == policy.Sound }

// unfed refuses the silos that need a registry in which there is nothing yet.
func (set *Set) unfed(heads []chain.Head) error {
	if !slices.ContainsFunc(set.setup.Silos, alone) || slices.ContainsFunc(heads,
		func(h chain.Head) bool { return h.Seq > 0 }) {
		return nil
	}
	var errs []error
	for _, s := range set.setup.Silos {
		if st := set.Silos[s.Silo.Name]; !alone(s) && st.Trust == policy.Sound {
			st.Trust = policy.Stale
			errs = append(errs, fmt.Errorf("%w: silo %s: the registry is empty: import its consents with `lethe "+
				"consent import --silo %[2]s`; its rows stay as they are", setup.ErrRegistry, s.Silo.Name))
		}
	}
	return errors.Join(errs...)
}

// alone reports whether the rows of a silo decide by themselves.
func alone(s *policy.Compiled) bool { return s.Silo.Alone() }

// config is how tonight's registry is opened. It may be empty where an application may have the first
// consents, or rows decide alone.
func (set *Set) config() registry.Config {
	config := set.setup.Registry
	config.ReadOnly, config.Now, config.Room = !set.tonight.Apply, set.setup.Now, set.tonight.Room
	if set.tonight.AsOf.After(set.setup.Now()) {
		config.Now = func() time.Time { return set.tonight.AsOf }
	}
	config.AllowEmpty = config.AllowEmpty || set.tonight.Apply && slices.ContainsFunc(set.setup.Silos, keepsConsents)
	return config
}

// keepsConsents reports whether applications keep consents of a silo in tables of their own.
func keepsConsents(s *policy.Compiled) bool { return len(s.Silo.Consents) > 0 }

// verifySuppression verifies the chain of the list of those who said no, where there is one already. What stands
// beside it is looked at where the list is opened.
func (set *Set) verifySuppression(ctx context.Context) error {
	name := set.setup.Suppression.Name
	if name == "" {
		return nil
	}
	if err := set.verify(ctx, name, set.Seen[name]); err != nil && !set.isNew(name, err) {
		return fmt.Errorf("silo %s: %w", name, err)
	}
	return nil
}

// isNew reports whether a silo was not verified because it is not in the registry, nor ever was.
func (set *Set) isNew(silo string, verified error) bool {
	return errors.Is(verified, registry.ErrUnknownSilo) && set.Seen[silo].Seq == 0
}

// verify recomputes a silo's chain from the head on that the last night saw, all of it when none did. What came
// before is sealed row by row, and looked at when it is read.
func (set *Set) verify(ctx context.Context, silo string, seen chain.Head) error {
	err := set.Registry.VerifySince(ctx, silo, seen)
	switch {
	case errors.Is(err, registry.ErrUnknownSilo):
		return unusable(err)
	case err != nil:
		return fmt.Errorf("%w: %w", setup.ErrTampered, err)
	}
	return nil
}

// unusable is the error of a registry that cannot be relied on: it was tampered with, or something else is wrong.
func unusable(err error) error {
	if errors.Is(err, registry.ErrTampered) {
		return fmt.Errorf("%w: %w", setup.ErrTampered, err)
	}
	return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
}

// OpenSilo verifies a silo's chain and what stands beside it, loads what the registry says of it, and then takes in
// and writes what is due (both only with --apply): nothing is written upon what does not hold. A silo that is not in
// the registry may come with its first consents.
func (set *Set) OpenSilo(ctx context.Context, s *policy.Compiled, feed Feed) (err error) {
	name := s.Silo.Name
	seen := set.Seen[name]
	st := &Silo{Anonymized: map[keystore.Ref]bool{}}
	verified := set.verify(ctx, name, seen)
	if verified == nil {
		if verified = set.load(ctx, s, st); verified != nil {
			return verified
		}
	}
	if set.tonight.Apply && keepsConsents(s) && (verified == nil || set.isNew(name, verified)) {
		stale, err := feed.TakeIn(ctx, s)
		if err != nil {
			return err
		}
		if stale {
			st.Trust = policy.Stale
		}
		if verified != nil { // it may have come with its first consents
			verified = cmp.Or(set.verify(ctx, name, seen), set.load(ctx, s, st))
		}
	}
	if verified != nil {
		return verified
	}
	if set.tonight.Apply && (set.setup.InForce() || set.setup.Adopted == "") { // else it would stay for good
		ends := expiryEnds(s, set.tonight.AsOf, set.setup.Zone)
		if _, err := set.Registry.ExpireDue(ctx, name, set.tonight.AsOf, ends, st.Standings); err != nil {
			return err
		}
	}
	if _, err := set.Registry.Refresh(ctx, st.Standings); err != nil { // what was written just now
		return unusable(err)
	}
	return nil
}

// load loads what the registry says of a silo, and looks at the rest of what stands beside its chain.
func (set *Set) load(ctx context.Context, s *policy.Compiled, st *Silo) (err error) {
	name := s.Silo.Name
	set.Silos[name] = st
	if st.Standings, err = set.Registry.Standings(ctx, name, set.tonight.AsOf, Endings(s)); err != nil {
		return unusable(err)
	}
	if err := set.Registry.VerifyCases(ctx, name); err != nil {
		return unusable(err)
	}
	return set.RecallTraces(ctx, name)
}

// RecallTraces reads what nights left about a silo's records: tombstones, and flags.
func (set *Set) RecallTraces(ctx context.Context, silo string) (err error) {
	st := set.Silos[silo]
	if st.Tombstones, err = set.Registry.Tombstones(ctx, silo); err != nil {
		return unusable(err)
	}
	if st.Flags, err = set.Registry.Flags(ctx, silo); err != nil {
		return unusable(err)
	}
	return nil
}

// Reload brings a silo's standings to the registry's present head, and what is new there to the present
// instant: what people said while the night ran counts.
func (set *Set) Reload(ctx context.Context, silo string) error {
	set.Silos[silo].Standings.Advance(set.setup.Now())
	_, err := set.Registry.Refresh(ctx, set.Silos[silo].Standings)
	return err
}

// Fresh refuses the silos of a registry that no source has fed for longer than allowed: its silence is no knowledge.
func (set *Set) Fresh(heads []chain.Head) error {
	if set.setup.RegistryAge.IsZero() {
		return nil
	}
	var errs []error
	for _, s := range set.setup.Silos {
		i := slices.IndexFunc(heads, func(h chain.Head) bool { return h.Silo == s.Silo.Name })
		if i < 0 || alone(s) {
			continue
		}
		heard := calendar.DateOf(heads[i].HeardAt, set.setup.Zone)
		if calendar.EndOf(heard, set.setup.RegistryAge) < set.tonight.Today {
			set.Silos[s.Silo.Name].Trust = policy.Stale
			errs = append(errs, fmt.Errorf("%w: silo %s was last fed on %s, longer ago than registry.max_age %s "+
				"allows: import its consents first", setup.ErrRegistry, s.Silo.Name, heard, set.setup.RegistryAge))
		}
	}
	return errors.Join(errs...)
}

// keysHold refuses silos whose key was destroyed as the registry knows, whatever the keystore holds: a
// folder can be put back from a copy.
func (set *Set) keysHold(ctx context.Context) error {
	versions, err := set.Registry.KeyVersions(ctx)
	if errors.Is(err, registry.ErrTampered) { // which silo's, and what of it, is found when it is opened
		return nil
	}
	if err != nil {
		return unusable(err)
	}
	active := map[string]bool{}
	for _, v := range versions {
		active[v.Silo] = active[v.Silo] || v.State == chain.KeyActive
	}
	for _, s := range set.setup.Silos {
		if alive, known := active[s.Silo.Name]; known && !alive {
			return fmt.Errorf("%w: silo %q: %w, as the registry says: remove its file from the keystore, "+
				"and take the silo out of the configuration", setup.ErrConfig, s.Silo.Name, keystore.ErrDestroyed)
		}
	}
	return nil
}
