package apply

import (
	"context"
	"errors"
	"time"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
)

// verify reads the deleted rows again: none may be there.
func (a *application) verify(ctx context.Context, parts []part) error {
	for i := range parts {
		p := &parts[i]
		t, _ := a.store.Tables.Find(p.table)
		keys := &connectors.Keys{Fields: t.Key}
		at := map[connectors.Key]int{}
		for k, r := range p.rows {
			if r.Change == judge.Delete && (p.outcome[k] == plan.Done || p.outcome[k] == plan.Recovered) {
				keys.Tuples = append(keys.Tuples, r.Key)
				at[r.Key] = k
			}
		}
		if len(keys.Tuples) == 0 {
			continue
		}
		cols := leading(len(t.Key))
		for b, err := range a.store.Conn.Scan(ctx, connectors.Query{Table: p.table, Fields: t.Key, Keys: keys}) {
			if err != nil {
				return err
			}
			for row := range int(b.Rows.NumRows()) {
				key, _ := connectors.KeyOf(b.Rows, cols, row)
				if k, ok := at[key]; ok {
					p.outcome[k] = plan.Unverified
				}
			}
		}
	}
	return nil
}

// trace leaves in the registry what later nights need: tombstones of what is gone or anonymized, and the
// mark of what Lethe blocked.
func (a *application) trace(ctx context.Context, roots part) error {
	if roots.kind != plan.Root {
		return nil
	}
	g := a.judge
	var tombs []registry.Tombstone
	var blocked []registry.Flag
	var freed []registry.FlagKey
	var reasons []reason.Code // that a row may be flagged for
	if len(g.State.Flags) > 0 {
		reasons = reason.Codes()
	}
	for k, r := range roots.rows {
		if o := roots.outcome[k]; o != plan.Done && o != plan.Recovered && o != plan.Unverified {
			continue
		}
		mark := registry.FlagKey{Record: r.Record, Reason: judge.FlagBlocked}
		switch r.Change {
		case judge.Delete:
			tombs = append(tombs, a.tombstone(r, policy.Delete))
			if !a.store.Backup() {
				freed = append(freed, a.flags(r.Record, reasons)...)
			}
			a.store.Erased = true
		case judge.Anonymize:
			tombs = append(tombs, a.tombstone(r, policy.Anonymize))
			a.store.Erased = true
		case judge.Block:
			blocked = append(blocked, registry.Flag{FlagKey: mark, Since: a.asOf})
		case judge.Unblock:
			freed = append(freed, mark)
		}
	}
	silo := g.Silo.Silo.Name
	return errors.Join(
		a.Silos.Registry.PutTombstones(ctx, silo, tombs),
		a.Silos.Registry.SetFlags(ctx, silo, blocked),
		a.Silos.Registry.DropFlags(ctx, silo, freed))
}

// tombstone is what stays of a governed row that was erased.
func (a *application) tombstone(r judge.Planned, action policy.Action) registry.Tombstone {
	return registry.Tombstone{
		System:     a.store.System(),
		Object:     a.judge.Table.Name,
		Record:     r.Record,
		Subject:    r.Subject,
		Action:     string(action),
		PlanDigest: a.plan.Digest,
		ErasedAt:   a.asOf,
		DropAfter:  a.lastBackup(a.store.System()),
	}
}

// flags are those that may stand for a record which is gone. Its key may be used again, for a row that
// Lethe did not block and whose grace begins anew.
func (a *application) flags(record keystore.Ref, reasons []reason.Code) []registry.FlagKey {
	flags := []registry.FlagKey{{Record: record, Reason: judge.FlagBlocked}}
	for _, code := range reasons {
		flag := registry.FlagKey{Record: record, Reason: string(code)}
		if !a.judge.State.Flags[flag].IsZero() {
			flags = append(flags, flag)
		}
	}
	return flags
}

// lastBackup is when the last backup that may hold a row erased today is gone.
func (ap *Applier) lastBackup(system string) time.Time {
	last := ap.Tonight.AsOf.AddDate(0, 0, 90)
	for _, s := range ap.Setup.Sources {
		if s.Of == system && !s.Keep.IsZero() {
			if end := calendar.EndOf(ap.Tonight.Today, s.Keep).Start(ap.Setup.Zone); end.After(last) {
				last = end
			}
		}
	}
	return last
}
