package copies

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/copies/snapshot"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/stores"
)

// revoke takes back what was made for applications and is granted no more: tables with their views, and
// snapshots. What cannot be taken back is named each night. Without --apply it only says what would go.
func (cp *Keeper) revoke(ctx context.Context) error {
	made, err := cp.Journal.AllMade(ctx)
	if err != nil {
		return err
	}
	remembered := len(made)
	ended, err := cp.endedDeliveries(ctx, &made)
	if err != nil {
		return err
	}
	left := map[journal.Made]bool{}
	for i, m := range made {
		if cp.held(m.Target) || cp.grants(m) {
			continue
		}
		gone, err := cp.takeBack(ctx, m, i < remembered)
		if left[m] = !gone; err != nil {
			cp.Notes.Problem(fmt.Errorf("%w: what was made for %s is no longer granted, and could not be taken "+
				"back: %w",
				setup.ErrSource, m.Target, err))
		}
		if gone && cp.Tonight.Apply && i < remembered {
			if err := cp.Journal.DropMade(ctx, m); err != nil {
				return err
			}
		}
	}
	if !cp.Tonight.Apply {
		return nil
	}
	for _, e := range ended {
		if left[madeBy(e.Delivery)] {
			continue
		}
		if err := cp.Silos.Registry.DropDelivery(ctx, e.silo, e.Target, e.Object); err != nil {
			return fmt.Errorf("%w: %w", setup.ErrRegistry, err)
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
func (cp *Keeper) endedDeliveries(ctx context.Context, made *[]journal.Made) (ended []endedDelivery, err error) {
	for silo := range cp.Silos.Silos {
		deliveries, err := cp.Silos.Registry.Deliveries(ctx, silo)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", setup.ErrRegistry, err)
		}
		for _, d := range deliveries {
			if m := madeBy(d); !slices.Contains(*made, m) {
				*made = append(*made, m)
			}
			if !cp.held(d.Target) && !slices.ContainsFunc(cp.kept, func(k *keeping) bool {
				_, has := k.judges[silo]
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
	return journal.Made{Target: d.Target, Source: source, Table: stores.CopyPrefix + d.Target + "_" + table}
}

// held reports whether the configuration has another copy for a target than people adopted: until they say which,
// nothing of it is taken back.
func (cp *Keeper) held(target string) bool {
	return slices.ContainsFunc(cp.Setup.Grants, func(c setup.Grant) bool {
		return c.Target == target && c.Unadopted != ""
	})
}

// grants reports whether the configuration still wants what was made. A folder that another target has now is
// that one's.
func (cp *Keeper) grants(m journal.Made) bool {
	if m.Folder == "" {
		return slices.ContainsFunc(cp.kept, func(k *keeping) bool {
			return k.Table && k.Target == m.Target && k.store.Name == m.Source && k.name() == m.Table
		})
	}
	return slices.ContainsFunc(cp.Setup.Grants, func(c setup.Grant) bool {
		folder, err := filepath.Abs(c.Files)
		return c.Files != "" && (err != nil || folder == m.Folder)
	})
}

// takeBack removes one thing that was made, if it is there; gone says that it is not any more. What is not
// certain to have been made must be there to be removed.
func (cp *Keeper) takeBack(ctx context.Context, m journal.Made, certain bool) (gone bool, err error) {
	there, remove, err := cp.leftOf(ctx, m)
	switch {
	case !certain && remove == nil && err == nil: // its source left the configuration
		return true, nil
	case !certain && !there && err != nil: // what the source failed at is said already
		return false, nil
	case !there && err == nil && (remove == nil || !certain || !cp.Tonight.Apply):
		return true, nil
	}
	if err == nil && cp.Tonight.Apply && remove != nil {
		if err = remove(); err == nil {
			cp.Setup.Log.Info("a copy that is no longer granted was taken back", "run_id", cp.Tonight.RunID,
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
		cp.Setup.Log.Warn("a copy is no longer granted: a run with --apply removes it", "run_id", cp.Tonight.RunID,
			"target", m.Target, "source", m.Source, "table", m.Table, "folder", m.Folder)
	}
	object := m.Table
	if object == "" {
		object = "snapshots for " + m.Target
	}
	cp.Notes.Find(audit.Finding{Kind: "F_COPY_LEFT", Severity: "high", Source: m.Source, Object: object,
		Article: "Art. 7(3)",
		Words: "What was made for " + m.Target +
			" is no longer granted and still there: it may list people who have withdrawn since. " + next})
	return false, err
}

// leftOf looks for what is there of something that was made, and returns how it is removed; nil where it
// cannot be asked.
func (cp *Keeper) leftOf(ctx context.Context, m journal.Made) (there bool, remove func() error, err error) {
	if m.Folder != "" {
		names, err := cp.snapshotsOf(m)
		return len(names) > 0, func() error { return snapshot.Remove(m.Folder, names) }, err
	}
	i := slices.IndexFunc(cp.Stores.List, func(s *stores.Store) bool { return s.Name == m.Source })
	if i < 0 {
		return true, nil, nil
	}
	s := cp.Stores.List[i]
	if s.Err != nil {
		return false, nil, s.Err
	}
	named := func(t connectors.Table) bool { return strings.EqualFold(t.Name, m.Table) }
	if t := slices.IndexFunc(s.Tables, named); t >= 0 {
		if there = stores.IsCopy(s.Tables[t]); !there {
			return false, nil, nil // somebody else's has the name now
		}
	}
	keeper, can := s.Conn.(connectors.CopyKeeper)
	switch {
	case can:
		return there, func() error { return keeper.DropCopy(ctx, m.Table) }, nil // also views that lost their table
	case there:
		return true, nil, fmt.Errorf("table %s: source %s can only be read now: "+
			"give it an apply_dsn again, or drop the table and its views by hand", m.Table, s.Name)
	}
	return false, nil, nil
}

// snapshotsOf names the files that were written to a target's folder.
func (cp *Keeper) snapshotsOf(m journal.Made) ([]string, error) {
	signer, err := cp.Setup.Keys.Runner()
	if err != nil {
		return nil, err
	}
	key, err := keystore.ParsePublic(signer.Public())
	if err != nil {
		return nil, err
	}
	return snapshot.Files(m.Folder, m.Target, key)
}
