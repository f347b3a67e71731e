package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
	"slices"
	"time"
)

// siloSet is what the registry says of each governed silo, at one head.
type siloSet struct {
	setup    *setup.Setup
	tonight  setup.Tonight
	registry *registry.Registry
	states   map[string]*siloState
	heads    map[string]registry.Head
	seen     map[string]registry.Head // the heads as the last finished run saw them
	words    string                   // the heads in words
}

// newSilos is a set that opens nothing yet. seen are the heads as the last finished run saw them.
func newSilos(p *setup.Setup, tonight setup.Tonight, seen map[string]registry.Head) *siloSet {
	return &siloSet{setup: p, tonight: tonight, states: map[string]*siloState{}, heads: map[string]registry.Head{}, seen: seen}
}

// feeder reads what the applications' own tables say of consents into a registry, while it is opened.
type feeder interface {
	Open(ctx context.Context, r *registry.Registry, config registry.Config) error
	TakeIn(ctx context.Context, silo *policy.Compiled) (stale bool, err error) // stale: the silo may not be relied on
	Close() error
}

func (set *siloSet) close() error {
	if set.registry == nil {
		return nil
	}
	return set.registry.Close()
}

// openRegistry opens the registry, verifies its chains against the heads that the last night saw, reads the consents that applications keep
// and writes the `expired` events that are due (both only with --apply), and loads every silo's standings at one head.
func (set *siloSet) openRegistry(ctx context.Context, feed feeder) (err error) {
	if set.tonight.Phases == setup.DiscoverOnly {
		return nil
	}
	config := set.setup.Registry
	config.ReadOnly, config.Now = !set.tonight.Apply, set.setup.Now
	if set.tonight.AsOf.After(set.setup.Now()) {
		config.Now = func() time.Time { return set.tonight.AsOf }
	}
	if set.tonight.Apply { // an application may have the first consents
		config.AllowEmpty = slices.ContainsFunc(set.setup.Silos, func(s *policy.Compiled) bool { return len(s.Silo.Consents) > 0 })
	}
	if set.registry, err = registry.Open(ctx, config); err != nil {
		return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
	}
	if set.setup.Simulated && set.tonight.Apply {
		if err := set.registry.MarkSimulated(ctx); err != nil {
			return err
		}
	}
	if err := set.keysHold(ctx); err != nil {
		return err
	}
	if name := set.setup.Suppression.Name; name != "" {
		if err := set.verify(ctx, name, set.seen[name]); err != nil && (!errors.Is(err, registry.ErrUnknownSilo) || set.seen[name].Seq > 0) {
			return fmt.Errorf("silo %s: %w", name, err)
		}
	}
	if set.tonight.Apply {
		if err := feed.Open(ctx, set.registry, config); err != nil {
			return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
		}
		defer func() { err = errors.Join(err, feed.Close()) }()
	}
	for _, s := range set.setup.Silos {
		if err := set.openSilo(ctx, s, feed); err != nil {
			return fmt.Errorf("silo %s: %w", s.Silo.Name, err)
		}
	}
	heads, err := set.registry.Heads(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
	}
	for _, h := range heads {
		set.heads[h.Silo] = h
	}
	set.words = state.FormatHeads(heads)
	return set.fresh(heads)
}

// verify recomputes a silo's chain.
func (set *siloSet) verify(ctx context.Context, silo string, seen registry.Head) error {
	verify := set.registry.Verify
	if set.tonight.Phases == setup.SyncOnly { // the next night looks at what came before
		verify = set.registry.VerifySince
	}
	err := verify(ctx, silo, seen)
	switch {
	case errors.Is(err, registry.ErrUnknownSilo):
		return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
	case err != nil:
		return fmt.Errorf("%w: %w", setup.ErrTampered, err)
	}
	return nil
}

func (set *siloSet) openSilo(ctx context.Context, s *policy.Compiled, feed feeder) error {
	name := s.Silo.Name
	seen := set.seen[name]
	verified := set.verify(ctx, name, seen)
	st := &siloState{anonymized: map[registry.Ref]bool{}}
	if set.tonight.Apply && (verified == nil || errors.Is(verified, registry.ErrUnknownSilo) && seen.Seq == 0) && len(s.Silo.Consents) > 0 {
		stale, err := feed.TakeIn(ctx, s)
		if err != nil {
			return err
		}
		if stale {
			st.trust = policy.Stale
		}
		if verified != nil { // it may have come with its first consents
			verified = set.verify(ctx, name, seen)
		}
	}
	if verified != nil {
		return verified
	}
	if set.tonight.Apply {
		if _, err := set.registry.ExpireDue(ctx, name, set.tonight.AsOf, expiryEnds(s, set.tonight.AsOf, set.setup.Zone)); err != nil {
			return err
		}
	}
	set.states[name] = st
	var err error
	if st.standings, err = set.registry.Standings(ctx, name, set.tonight.AsOf, endings(s)); err != nil {
		return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
	}
	return set.recallTraces(ctx, name)
}

// recallTraces reads what nights left about a silo's records: tombstones, and flags.
func (set *siloSet) recallTraces(ctx context.Context, silo string) (err error) {
	st := set.states[silo]
	if st.tombstones, err = set.registry.Tombstones(ctx, silo); err != nil {
		return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
	}
	if st.flags, err = set.registry.Flags(ctx, silo); err != nil {
		return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
	}
	return nil
}

// expiryEnds says, for each purpose of a silo that rests on consent, when a consent of a given instant has reached its longest life: by the rule in force at an
// instant that grants the most, as no later event takes an end back.
func expiryEnds(s *policy.Compiled, at time.Time, zone *time.Location) registry.ExpiryEnds {
	ages := map[string][]policy.Period{}
	for _, r := range s.InForce(at) {
		if r.Basis == policy.Consent {
			ages[r.Purpose] = append(ages[r.Purpose], r.MaxAge)
		}
	}
	ends := registry.ExpiryEnds{}
	for purpose, list := range ages {
		ends[purpose] = func(since time.Time) time.Time {
			day, last := policy.DateOf(since, zone), policy.Date(0)
			for _, age := range list {
				last = max(last, policy.EndOf(day, age))
			}
			return (last + 1).Start(zone)
		}
	}
	return ends
}

// endings names, for each purpose of a silo, the event that ends it: among rules that wait for one there is no other (policy.Compile).
func endings(s *policy.Compiled) map[string]registry.EventType {
	out := map[string]registry.EventType{}
	for _, r := range s.Silo.Rules {
		out[r.Purpose] = cmp.Or(registry.EventType(r.Event), out[r.Purpose])
	}
	return out
}

// reload brings a silo's standings to the registry's present head, and what is new there to the present instant: what people said while the night ran counts.
func (set *siloSet) reload(ctx context.Context, silo string) error {
	set.states[silo].standings.Advance(set.setup.Now())
	_, err := set.registry.Refresh(ctx, set.states[silo].standings)
	return err
}

// fresh refuses a registry that no source has fed for longer than allowed: its silence is no knowledge.
func (set *siloSet) fresh(heads []registry.Head) error {
	if set.setup.RegistryAge.IsZero() {
		return nil
	}
	for _, h := range heads {
		st, governed := set.states[h.Silo]
		if heard := policy.DateOf(h.HeardAt, set.setup.Zone); governed && policy.EndOf(heard, set.setup.RegistryAge) < set.tonight.Today {
			st.trust = policy.Stale
			return fmt.Errorf("%w: silo %s was last fed on %s, longer ago than registry.max_age %s allows: import its consents first", setup.ErrRegistry, h.Silo, heard, set.setup.RegistryAge)
		}
	}
	return nil
}

// siloState is what the night knows of a silo's registry at one head.
type siloState struct {
	trust      policy.Trust
	standings  *registry.Standings
	tombstones *registry.Tombstones
	flags      map[registry.FlagKey]time.Time
	used       collections           // to which rows belong that the night read
	anonymized map[registry.Ref]bool // records that an earlier night anonymized, and that are still there
}

// keysHold refuses silos whose key was destroyed as the registry knows, whatever the keystore holds: a folder can be put back from a copy.
func (set *siloSet) keysHold(ctx context.Context) error {
	versions, err := set.registry.KeyVersions(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
	}
	active := map[string]bool{}
	for _, v := range versions {
		active[v.Silo] = active[v.Silo] || v.State == registry.KeyActive
	}
	for _, s := range set.setup.Silos {
		if alive, known := active[s.Silo.Name]; known && !alive {
			return fmt.Errorf("%w: silo %q: %w, as the registry says: remove its file from the keystore, and take the silo out of the configuration", setup.ErrConfig, s.Silo.Name, keystore.ErrDestroyed)
		}
	}
	return nil
}

// collections is a set of a silo's collections: a bit for each, which is 1.2 MB for ten million.
type collections []uint64

func (c *collections) add(collection int32) {
	word := int(collection) / 64
	if word >= len(*c) {
		*c = append(*c, make([]uint64, word+1-len(*c))...)
	}
	(*c)[word] |= 1 << (collection % 64)
}

func (c collections) has(collection int32) bool {
	word := int(collection) / 64
	return word < len(c) && c[word]&(1<<(collection%64)) != 0
}
