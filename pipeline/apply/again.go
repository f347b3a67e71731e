package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/change"
	"lethe/pipeline/judge/traces"
	"lethe/pipeline/plan"
	"lethe/pipeline/registry"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// ended makes sure of a plan that ends once more what a copy brought back that it does nothing else: each row that it
// decides was ended before as far, by a plan that was let go. Nobody is asked about that again.
func (ap *Applier) ended(ctx context.Context, p *plan.Sealed, sets []*change.Set) error {
	plans, err := state.LetGo(ctx, ap.Journal)
	if err != nil {
		return err
	}
	for i, set := range sets {
		for at := range set.Rows {
			if c := &set.Rows[at]; !ap.bound(c, plans) {
				return fmt.Errorf("%w: plan %s says that all in it was ended before, and no tombstone says so of "+
					"a row of source %s table %s: end it with `lethe plan discard %[2]s`, and look who can write "+
					"to the state folder", setup.ErrTampered, p.PlanID, p.Sets[i].Source, c.Table)
			}
		}
	}
	return nil
}

// bound reports whether plans that were let go had ended as much of a row as a change does.
func (ap *Applier) bound(c *change.Row, plans map[string]bool) bool {
	if c.Kind != change.Root || c.Op.Reversible() {
		return true
	}
	st := ap.Silos.Silos[c.Silo]
	return st != nil &&
		traces.Bound(c.Op, traces.Ended(st.Tombstones.Find(c.Record), c.Subject, c.Fields, plans))
}

// elsewhere reports whether a set is not of the one source in which things are ended once more.
func (ap *Applier) elsewhere(s plan.Set) bool { return s.Source != ap.Source }

// tombstone is the trace of a change.
func (a *application) tombstone(c *change.Row, action string, drop time.Time) registry.Tombstone {
	return registry.Tombstone{System: a.store.System(), Object: c.Table, Record: c.Record, Subject: c.Subject,
		Action: action, PlanDigest: a.plan.Digest, ErasedAt: latest(a.plan.AsOf, a.Tonight.AsOf), DropAfter: drop}
}

// cleared is the trace of a live record that lost fields, with those that it lost before; ok is false where one stands
// already that says more.
func (a *application) cleared(c *change.Row, drop time.Time) (t registry.Tombstone, ok bool) {
	st := a.Silos.Silos[c.Silo]
	if a.store.Backup() || c.Kind != change.Root || st == nil {
		return t, false
	}
	fields := slices.Clone(c.Fields)
	for _, old := range st.Tombstones.Find(c.Record) {
		if old.Subject != c.Subject {
			continue
		}
		if old.Gone() {
			return t, false
		}
		fields = append(fields, traces.Fields(old)...)
	}
	return a.tombstone(c, traces.ClearedOf(fields), drop), !strings.Contains(strings.Join(fields, ""), "\x1f")
}
