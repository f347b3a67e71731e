// Package copies keeps, for applications, copies of what the registry says of their own rows: whether each
// may be used for a purpose, and until when. An application looks there instead of asking the registry.
//
//   - Keeper keeps all copies: Sync brings them up to date, SyncErased once more after rows were erased, and
//     what is granted no more is taken back. CheckCopy says where a copy would be kept.
//   - keeping is one target's copy of one table while it is delivered: what it should hold, and its table.
//   - comparison reads an application's table and its copy side by side and makes the copy say what it should.
//   - copyRow is one row of a copy, one record and one purpose, under a seal by which rows that somebody else
//     wrote are told; holding is a count of rows and of their seals, in any order.
//   - A delivery is begun, written and acknowledged in the registry; what was found in a copy and is not as it
//     was left is drift.
//   - The files beside the tables are package snapshot's.
package copies

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/copies/snapshot"
	"lethe/pipeline/journal"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
	"lethe/pipeline/suppression"
)

// Keeper keeps the applications' copies.
type Keeper struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	Journal *journal.Journal
	Silos   *silos.Set
	Stores  *stores.Set
	kept    []*keeping
}

// Sync brings the applications' copies up to the registry's head. Each is compared in full with what the
// registry says of the rows as they are now, and what differs is written; a row of the copy that is not
// as Lethe left it is reported as drift, and repaired. A copy that cannot be reached stops neither the
// others nor the night: the next one compares in full again.
func (cp *Keeper) Sync(ctx context.Context) error {
	if cp.Tonight.Phases == setup.DiscoverOnly || cp.Tonight.Phases == setup.PlanOnly {
		return nil
	}
	for _, c := range cp.Setup.Grants {
		cp.unadopted(c)
		if err := cp.syncTarget(ctx, c); err != nil {
			return err
		}
	}
	return cp.revoke(ctx)
}

// SyncErased delivers anew where the night erased rows: they are in no copy either.
func (cp *Keeper) SyncErased(ctx context.Context) error {
	for _, c := range cp.Setup.Grants {
		if s := cp.Stores.Find(c.Source); s == nil || !s.Erased || s.Err != nil {
			continue
		}
		if err := cp.syncTarget(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// unadopted says what of a copy is not sent, since people did not adopt it.
func (cp *Keeper) unadopted(c setup.Grant) {
	if c.Unadopted == "" {
		return
	}
	words := fmt.Sprintf("ot all of the copy for %s is sent: by the policy that people adopted %s", c.Target,
		c.Unadopted)
	cp.Notes.Find(audit.Finding{Kind: "F_COPY_UNADOPTED", Severity: "high", Source: c.Source, Object: c.Target,
		Count: 1, Article: "Art. 24", Words: "N" + words + ". Adopt it with `lethe policy adopt`, or put the " +
			"configuration back as it was."})
	cp.Notes.Problem(fmt.Errorf("%w: n%s: adopt it with `lethe policy adopt`, or put the configuration back",
		setup.ErrUnapproved, words))
}

// syncTarget delivers to one target: to its tables, then to its files, and only then is it acknowledged.
// The error is the registry's.
func (cp *Keeper) syncTarget(ctx context.Context, c setup.Grant) (failed error) {
	if len(c.Grants) == 0 { // people adopted none of it
		return nil
	}
	c.Page = cmp.Or(c.Page, 10_000)
	list, err := cp.listFor(ctx, c)
	if err != nil {
		return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
	}
	defer func() { failed = errors.Join(failed, list.Close()) }()

	keepings := cp.keepings(c)
	cp.kept = append(cp.kept, keepings...)
	for _, k := range keepings {
		if err := k.recall(ctx); err != nil {
			return err
		}
	}

	files, failure := cp.openSnapshot(ctx, c)
	errs := make([]error, len(keepings))
	unread := cp.readCarried(ctx, c, list != nil)
	for i, k := range keepings {
		k.files, k.list = files, list
		if errs[i] = cmp.Or(k.store.Err, unread); errs[i] == nil {
			errs[i] = k.deliver(ctx)
		}
		failure = cmp.Or(failure, errs[i])
	}
	failure = cp.publish(files, c, failure)

	for i, k := range keepings {
		if !k.Table && k.files != nil && failure == nil {
			// There was no table to compare with: what changed is what the files say.
			for silo, line := range k.lines {
				line.Changed = files.Changed[[2]string{k.object(), silo}]
			}
		}
		if k.Files != "" { // what the snapshot lacks, or that there is none, was not delivered
			errs[i] = cmp.Or(errs[i], failure)
		}
		errs[i] = cmp.Or(errs[i], k.failed)
		if errs[i] == nil {
			errs[i] = k.acknowledge(ctx)
		}
		if err := k.close(ctx, errs[i]); err != nil {
			return err
		}
	}
	return nil
}

// readCarried reads whose the rows of a target's source are, where other tables say it.
func (cp *Keeper) readCarried(ctx context.Context, c setup.Grant, texts bool) error {
	s := cp.Stores.Find(c.Source)
	if s == nil || s.Err != nil {
		return nil
	}
	return s.ReadCarried(ctx, texts)
}

// listFor opens the suppression list where a target is granted a purpose that is marketing: who said no
// in one silo is not allowed by what another one still holds. nil where there is none.
func (cp *Keeper) listFor(ctx context.Context, c setup.Grant) (*suppression.List, error) {
	marketing := func(s *policy.Compiled) bool {
		return slices.ContainsFunc(c.Grants[s.Silo.Name], s.Silo.IsMarketing)
	}
	if !slices.ContainsFunc(cp.Setup.Silos, marketing) {
		return nil, nil
	}
	config := cp.Setup.Registry
	config.ReadOnly = true
	return suppression.Open(ctx, cp.Setup, config, cp.Tonight.AsOf)
}

// keepings lists what a target's copy consists of: its tables, those of a source that failed as well, so that
// their lag is reported.
func (cp *Keeper) keepings(c setup.Grant) []*keeping {
	s := cp.Stores.Find(c.Source)
	if s == nil {
		return nil
	}

	var list []*keeping
	byTable := map[string]*keeping{}
	for _, silo := range slices.Sorted(maps.Keys(c.Grants)) {
		i := slices.IndexFunc(cp.Setup.Silos, func(p *policy.Compiled) bool { return p.Silo.Name == silo })
		for _, r := range cp.Setup.Silos[i].Silo.Records {
			if r.Source != s.Name {
				continue
			}
			k := byTable[r.Table]
			if k == nil {
				k = newKeeping(cp, c, s, r.Table)
				byTable[r.Table] = k
				list = append(list, k)
			}
			k.takeIn(silo)
		}
	}
	for _, k := range list {
		k.silos = slices.Sorted(maps.Keys(k.judges))
	}
	return list
}

// CheckCopy says where a target's copy is kept, or why it could not be.
func (cp *Keeper) CheckCopy(ctx context.Context, c setup.Grant) (lines []string, err error) {
	var errs []error
	for _, k := range cp.keepings(c) {
		if len(k.of.Fields) == 0 {
			// The table was not looked at, for want of the registry or of the source, which is said already.
			continue
		}
		err := k.keyed()
		if err == nil && k.Table {
			var keeper connectors.CopyKeeper
			if keeper, err = k.keepable(ctx); err == nil {
				err = keeper.CheckCopy(ctx, k.copy())
			}
			if errors.Is(err, connectors.ErrOutdated) { // it is made anew
				err = nil
			}
		}
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%w: sync.%s: %w", setup.ErrSource, c.Target, err))
		case k.Table:
			line := fmt.Sprintf("sync %s: table %s has its copy in %s, with the views", c.Target, k.of.Name, k.name())
			for _, v := range k.views() {
				line += " " + v.Name
			}
			lines = append(lines, line)
		}
	}
	if err := snapshot.FolderOf(c.Files); err != nil {
		errs = append(errs, fmt.Errorf("%w: sync.%s: files: %w", setup.ErrSource, c.Target, err))
	} else if c.Files != "" {
		lines = append(lines, fmt.Sprintf("sync %s: snapshots are written to %s", c.Target, c.Files))
	}
	return lines, errors.Join(errs...)
}
