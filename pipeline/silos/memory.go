package silos

import (
	"context"
	"fmt"
	"slices"

	"lethe/pipeline/registry/chain"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Journal is what the journal that is open says of itself.
type Journal struct {
	ID     string
	Nights bool // it knows of one that looked at the registry
}

// Remembered makes sure that the nights that wrote to this registry are those that the journal remembers: an empty
// state folder, or another company's, beside a registry that knows of nights is [setup.ErrTampered]. The registry of
// the first night, or of nights before it said so, gets to know the journal.
func (set *Set) Remembered(ctx context.Context) error {
	j := set.Journal
	m, err := set.Registry.Memory(ctx)
	switch {
	case err != nil:
		return unusable(err)
	case m.By == j.ID:
		return nil
	case m.By == "" && (j.Nights || !m.Nights):
		if !set.tonight.Apply {
			return nil
		}
		return set.Registry.RememberedBy(ctx, j.ID)
	}
	return fmt.Errorf("%w: nights have written to this registry that the journal in %s does not remember: the state "+
		"folder was lost, or is another one, and with it perhaps plans that waited or were approved, and what people "+
		"answered: put it back from its newest copy; where there is none, `lethe state rebuild` lets two people say "+
		"that the nights go on without it", setup.ErrTampered, set.setup.State)
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
			older = append(older, fmt.Sprintf("silo %s has %d events, and event %d that a night saw is not in it "+
				"as it was", name, heads[i].Seq, seen.Seq))
		}
	}
	set.Words = state.FormatHeads(heads)
	return older, nil
}
