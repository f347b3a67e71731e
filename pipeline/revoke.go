package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
)

// revoke takes back what was made for applications and is granted no more: tables with their views, and
// snapshots. What cannot be taken back is named each night. Without --apply it only says what would go.
func (n *night) revoke(ctx context.Context) error {
	made, err := n.journal.AllMade(ctx)
	if err != nil {
		return err
	}
	remembered := len(made)
	ended, err := n.endedDeliveries(ctx, &made)
	if err != nil {
		return err
	}
	left := map[journal.Made]bool{}
	for i, m := range made {
		if n.grants(m) {
			continue
		}
		gone, err := n.takeBack(ctx, m, i < remembered)
		if left[m] = !gone; err != nil {
			n.problem(fmt.Errorf("%w: what was made for %s is no longer granted, and could not be taken back: %w",
				ErrSource, m.Target, err))
		}
		if gone && n.opts.Apply && i < remembered {
			if err := n.journal.DropMade(ctx, m); err != nil {
				return err
			}
		}
	}
	if !n.opts.Apply {
		return nil
	}
	for _, e := range ended {
		if left[madeBy(e.Delivery)] {
			continue
		}
		if err := n.registry.DropDelivery(ctx, e.silo, e.Target, e.Object); err != nil {
			return fmt.Errorf("%w: %w", ErrRegistry, err)
		}
	}
	return nil
}

// endedDelivery is a delivery of a silo whose grant was taken away.
type endedDelivery struct {
	silo string
	registry.Delivery
}

// endedDeliveries lists deliveries that nothing grants any more. The tables of all deliveries that are not
// among what the journal remembers, as of a state that was lost, are added to made.
func (n *night) endedDeliveries(ctx context.Context, made *[]journal.Made) (ended []endedDelivery, err error) {
	for silo := range n.silos {
		deliveries, err := n.registry.Deliveries(ctx, silo)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRegistry, err)
		}
		for _, d := range deliveries {
			if m := madeBy(d); !slices.Contains(*made, m) {
				*made = append(*made, m)
			}
			if !slices.ContainsFunc(n.kept, func(k *keeping) bool {
				_, has := k.groups[silo]
				return has && k.Target == d.Target && k.object() == d.Object
			}) {
				ended = append(ended, endedDelivery{silo, d})
			}
		}
	}
	return ended, nil
}

// madeBy is the table that a delivery may have made.
func madeBy(d registry.Delivery) journal.Made {
	source, table, _ := strings.Cut(d.Object, ".")
	return journal.Made{Target: d.Target, Source: source, Table: copyPrefix + d.Target + "_" + table}
}

// grants reports whether the configuration still wants what was made. A folder that another target has now is
// that one's.
func (n *night) grants(m journal.Made) bool {
	if m.Folder == "" {
		return slices.ContainsFunc(n.kept, func(k *keeping) bool {
			return k.Table && k.Target == m.Target && k.store.Name == m.Source && k.name() == m.Table
		})
	}
	return slices.ContainsFunc(n.Copies, func(c Copy) bool {
		folder, err := filepath.Abs(c.Files)
		return c.Files != "" && (err != nil || folder == m.Folder)
	})
}

// takeBack removes one thing that was made, if it is there; gone says that it is not any more. What is not
// certain to have been made must be there to be removed.
func (n *night) takeBack(ctx context.Context, m journal.Made, certain bool) (gone bool, err error) {
	there, remove, err := n.leftOf(ctx, m)
	switch {
	case !certain && remove == nil && err == nil: // its source left the configuration
		return true, nil
	case !certain && !there && err != nil: // what the source failed at is said already
		return false, nil
	case !there && err == nil && (remove == nil || !certain || !n.opts.Apply):
		return true, nil
	}
	if err == nil && n.opts.Apply && remove != nil {
		if err = remove(); err == nil {
			n.Log.Info("a copy that is no longer granted was taken back", "run_id", n.run.ID,
				"target", m.Target, "source", m.Source, "table", m.Table, "folder", m.Folder)
			return true, nil
		}
	}
	next := "It could not be taken back: the next night tries again, unless somebody removes it before."
	switch {
	case err == nil && remove == nil:
		next = "Its source left the configuration: put the source back for a night with --apply."
	case err == nil:
		next = "A run with --apply removes it."
		n.Log.Warn("a copy is no longer granted: a run with --apply removes it", "run_id", n.run.ID,
			"target", m.Target, "source", m.Source, "table", m.Table, "folder", m.Folder)
	}
	object := m.Table
	if object == "" {
		object = "snapshots for " + m.Target
	}
	n.find(audit.Finding{Kind: "F_COPY_LEFT", Severity: "high", Source: m.Source, Object: object, Article: "Art. 7(3)",
		Words: "What was made for " + m.Target +
			" is no longer granted and still there: it may list people who have withdrawn since. " + next})
	return false, err
}

// leftOf looks for what is there of something that was made, and returns how it is removed; nil where it cannot
// be asked.
func (n *night) leftOf(ctx context.Context, m journal.Made) (there bool, remove func() error, err error) {
	if m.Folder != "" {
		names, err := n.snapshotsOf(m)
		return len(names) > 0, func() error { return removeSnapshots(m.Folder, names) }, err
	}
	i := slices.IndexFunc(n.stores, func(s *store) bool { return s.Name == m.Source })
	if i < 0 {
		return true, nil, nil
	}
	s := n.stores[i]
	if s.err != nil {
		return false, nil, s.err
	}
	named := func(t connectors.Table) bool { return strings.EqualFold(t.Name, m.Table) }
	if t := slices.IndexFunc(s.tables, named); t >= 0 {
		if there = isCopy(s.tables[t]); !there {
			return false, nil, nil // somebody else's has the name now
		}
	}
	keeper, can := s.open.(connectors.CopyKeeper)
	switch {
	case can:
		return there, func() error { return keeper.DropCopy(ctx, m.Table) }, nil // also views that lost their table
	case there:
		return true, nil, fmt.Errorf("table %s: source %s can only be read now: "+
			"give it an apply_dsn again, or drop the table and its views by hand", m.Table, s.Name)
	}
	return false, nil, nil
}

var snapshotName = regexp.MustCompile(`^(snapshot|delta)-\d{8}T\d{6}Z-[0-9a-f]{12}\.jsonl$`)

// snapshotsOf names the files that were written to a target's folder, the manifest last: its signature proves
// whose they are.
func (n *night) snapshotsOf(m journal.Made) (names []string, err error) {
	entries, err := os.ReadDir(m.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if snapshotName.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	_, missing := os.Stat(filepath.Join(m.Folder, snapshotManifest))
	if errors.Is(missing, fs.ErrNotExist) && len(names) == 0 {
		return nil, nil
	}
	signer, err := n.Keys.Runner()
	if err != nil {
		return nil, err
	}
	key, err := keystore.ParsePublic(signer.Public())
	if err != nil {
		return nil, err
	}
	manifest, err := readSigned(m.Folder, key)
	if err == nil && manifest.Target != m.Target {
		err = fmt.Errorf("%s is of another target", snapshotManifest)
	}
	if err != nil {
		return nil, fmt.Errorf("folder %s: what is in it is not known to be Lethe's and was left alone: "+
			"look at it, and remove it: %w", m.Folder, err)
	}
	return append(names, snapshotManifest), nil
}

// removeSnapshots removes files of a folder, and the folder when nothing else is in it.
func removeSnapshots(folder string, names []string) error {
	for _, name := range names {
		if err := os.Remove(filepath.Join(folder, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	rest, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(rest) > 0 {
		return nil
	}
	return errors.Join(err, os.Remove(folder))
}
