package limits

import (
	"context"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/journal"
	"lethe/pipeline/plan"
	"lethe/pipeline/stores"
)

// LearnTriggers finds the triggers that people were told of: those of the plans that destroyed and were applied. A
// plan that can no longer be read told nobody.
func (l *Limits) LearnTriggers(ctx context.Context) error {
	l.Told = map[[5]string]bool{}
	if !slices.ContainsFunc(l.Stores.List, hasTriggers) {
		return nil
	}
	plans, err := l.Journal.Plans(ctx, journal.Settled)
	if err != nil {
		return err
	}
	for _, entry := range plans {
		if entry.Part != string(plan.Destructive) {
			continue
		}
		if p, err := plan.Read(l.Setup.State, entry); err == nil {
			for _, t := range p.Triggers {
				l.Told[t.Key()] = true
			}
		}
	}
	return nil
}

func hasTriggers(s *stores.Store) bool {
	return slices.ContainsFunc(s.Tables, func(t connectors.Table) bool { return len(t.Triggers) > 0 })
}

// Untold reports whether a plan runs a trigger of which nobody was told before it.
func (l *Limits) Untold(p *plan.Sealed) bool {
	return slices.ContainsFunc(p.Triggers, func(t plan.Trigger) bool { return !l.Told[t.Key()] })
}
