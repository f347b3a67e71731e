package silos

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/registry/chain"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Journal is what the journal that is open says of itself.
type Journal struct {
	ID     string
	Nights bool                                                  // it knows of one that looked at the registry
	Knows  func(ctx context.Context, runID string) (bool, error) // a run
}

// note is what the registry keeps of a night that may write to it: the journal that remembers it, the run, and a seal
// under the runner's key over both.
func (set *Set) note(journal, run string) (string, error) {
	sealer, err := set.setup.Keys.Journal()
	if err != nil {
		return "", err
	}
	tag := sealer.Row([]byte("remembered by " + journal + " " + run))
	return fmt.Sprintf("%s %s %x", journal, run, tag[:]), nil
}

// RememberedHere lets the registry know tonight's run, and the journal that remembers it.
func (set *Set) RememberedHere(ctx context.Context) error {
	note, err := set.note(set.Journal.ID, set.tonight.RunID)
	if err != nil {
		return err
	}
	return set.Registry.RememberedBy(ctx, note)
}

// Remembered makes sure that the nights that wrote to this registry are those that the journal remembers: an empty
// state folder, an older one or another company's, beside a registry that knows of nights is [setup.ErrTampered]. The
// registry gets to know each night that may write to it.
func (set *Set) Remembered(ctx context.Context) error {
	known, err := set.known(ctx)
	switch {
	case err != nil:
		return unusable(err)
	case known && !set.tonight.Apply:
		return nil
	case known:
		return set.RememberedHere(ctx)
	}
	return fmt.Errorf("%w: nights have written to this registry that the journal in %s does not remember: the state "+
		"folder was lost, is older or another one, and with it perhaps plans that waited or were approved, and what "+
		"people answered: put it back from its newest copy; where there is none, `lethe state rebuild` lets two "+
		"people say that the nights go on without it", setup.ErrTampered, set.setup.State)
}

// known reports whether the journal remembers the last night that wrote to the registry.
func (set *Set) known(ctx context.Context) (bool, error) {
	j := set.Journal
	m, err := set.Registry.Memory(ctx)
	if err != nil {
		return false, err
	}
	said := strings.Fields(m.By)
	switch len(said) {
	case 0: // of the first night, or of nights before the registry said so
		return j.Nights || !m.Nights, nil
	case 1: // of a build before it said which night
		return m.By == j.ID && (j.Nights || !m.Nights), nil
	}
	note, err := set.note(j.ID, said[1])
	if err != nil || m.By != note {
		return false, err
	}
	return j.Knows(ctx, said[1])
}

// Lost compares what the registry has of each silo with the heads that nights saw, and says where it is older or
// another one. Chains that are broken in themselves are [setup.ErrTampered]: no two people can say that they hold.
func (set *Set) Lost(ctx context.Context) (older []string, err error) {
	names := []string{}
	if set.setup.Suppression.Name != "" {
		names = append(names, set.setup.Suppression.Name)
	}
	for _, s := range set.setup.Silos {
		names = append(names, s.Silo.Name)
	}
	heads, err := set.Registry.Heads(ctx)
	if err != nil {
		return nil, unusable(err)
	}
	for _, name := range names {
		seen := set.Seen[name]
		i := slices.IndexFunc(heads, func(h chain.Head) bool { return h.Silo == name })
		switch {
		case i < 0 && seen.Seq > 0:
			older = append(older, fmt.Sprintf("silo %s is not in it, which had %d events", name, seen.Seq))
			continue
		case i < 0:
			continue
		}
		if err := set.verify(ctx, name, chain.Head{}); err != nil {
			return nil, fmt.Errorf("silo %s: %w", name, err)
		}
		if set.verify(ctx, name, seen) != nil {
			older = append(older, fmt.Sprintf("silo %s has %d events, and event %d that a night saw, or a command "+
				"wrote, is not in it as it was, or what stands beside its events", name, heads[i].Seq, seen.Seq))
		}
	}
	set.Words = state.FormatHeads(heads)
	return older, nil
}
