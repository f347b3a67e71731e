package planner

import (
	"context"
	"time"

	"lethe/pipeline/judge"
	"lethe/pipeline/registry"
)

// keepFlags records the nights that first found a reason without a date, and drops those whose reason went,
// for silos whose sources were all read, by a policy that people adopted.
func (pl *Planner) keepFlags(ctx context.Context) error {
	if !pl.Tonight.Apply {
		return nil
	}
	for name, st := range pl.Silos.Silos {
		now, whole := pl.flags(name)
		added, gone := changed(st.Flags, now, whole && pl.Setup.InForce())
		if err := pl.Silos.Registry.SetFlags(ctx, name, added); err != nil {
			return err
		}
		if err := pl.Silos.Registry.DropFlags(ctx, name, gone); err != nil {
			return err
		}
	}
	return nil
}

// flags are what tonight's judges flagged of a silo's rows; whole says that all live sources were read.
func (pl *Planner) flags(silo string) (now []registry.Flag, whole bool) {
	whole = true
	for _, s := range pl.Stores.List {
		if s.Backup() {
			continue
		}
		whole = whole && s.Err == nil
		for _, g := range s.Judges {
			if g.Silo.Silo.Name == silo {
				now = append(now, g.Flags...)
			}
		}
	}
	return now, whole
}

// changed compares tonight's flags with those that are known. Only a whole look says that one is gone, and
// none says so of the mark of what Lethe blocked.
func changed(known map[registry.FlagKey]time.Time, now []registry.Flag, whole bool) (
	added []registry.Flag, gone []registry.FlagKey,
) {
	seen := map[registry.FlagKey]bool{}
	for _, f := range now {
		if _, is := known[f.FlagKey]; !is {
			added = append(added, f)
		}
		seen[f.FlagKey] = true
	}
	for f := range known {
		if whole && f.Reason != judge.FlagBlocked && !seen[f] {
			gone = append(gone, f)
		}
	}
	return added, gone
}
