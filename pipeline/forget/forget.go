// Package forget lets the registry forget as well: the tombstones that no backup needs any more, and the
// proof of what ended longer ago than proof_retention. It forgets nothing that it could not look for: a
// source that was not read whole may hold a row that needs it.
//
//   - Forgetter does so at the end of a night, silo by silo.
package forget

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/retention"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
)

// Forgetter ends what the registry need not hold any more.
type Forgetter struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	Silos   *silos.Set
	Stores  *stores.Set
	Scanner *scan.Scanner
	Unsure  bool // nobody has looked yet whether the clock is right: nothing is forgotten
}

// Forget lets the registry forget, silo by silo, at the end of a night that read every source and may
// change something.
func (fg *Forgetter) Forget(ctx context.Context) error {
	if !fg.Tonight.Apply {
		return nil
	}
	for _, s := range fg.Setup.Silos {
		name, proof := s.Silo.Name, s.Silo.ProofRetention
		doubt := fg.unread(s)
		if doubt == "" {
			if err := fg.endTombstones(ctx, name, fg.oldestBackup(s)); err != nil {
				return err
			}
		}
		switch {
		case proof.IsZero():
		case doubt != "":
			fg.forgot(name, "nothing, because "+doubt)
		default:
			st := fg.Silos.Silos[name]
			ends := func(ended time.Time) time.Time {
				return (calendar.EndOf(calendar.DateOf(ended, fg.Setup.Zone), proof) + 1).Start(fg.Setup.Zone)
			}
			gone, err := fg.Silos.Registry.ForgetEnded(ctx, name, fg.Tonight.AsOf, retention.Forget{
				InUse: st.Used.Has, Purposes: silos.Endings(s), Standings: st.Standings, Until: ends,
			})
			if err != nil {
				return err
			}
			fg.Setup.Crash("forgotten")
			fg.forgot(name, fmt.Sprintf("the proof of %d ended collections, %d events", gone.Collections, gone.Events))
		}
	}
	return nil
}

// forgot says in the report and in the log what the registry forgot.
func (fg *Forgetter) forgot(silo, what string) {
	fg.Setup.Log.Info("registry forgets", "run_id", fg.Tonight.RunID, "silo", silo, "what", what)
	fg.Notes.Facts.Run.Forgotten = strings.TrimPrefix(fg.Notes.Facts.Run.Forgotten+";"+silo+": "+what, ";")
}

// unread says why the night cannot know of all rows of a silo; "" when it can.
func (fg *Forgetter) unread(silo *policy.Compiled) string {
	if errors.Is(errors.Join(fg.Notes.Problems...), setup.ErrStopped) {
		return "the night was stopped before its end"
	}
	if fg.Unsure {
		return "nobody has looked yet whether the clock is right"
	}
	if !fg.Setup.InForce() {
		return "the policy is not the one that people adopted"
	}
	for _, r := range silo.Silo.Records {
		for _, s := range fg.Stores.List {
			if s.System() != r.Source {
				continue
			}
			read := fg.Scanner.Of(s.Name)
			if s.Err != nil || read == nil || !read.Surveyed {
				return fmt.Sprintf("source %s was not read whole", s.Name)
			}
			if t := read.Reading(r.Table); t != nil && (t.State != "scanned" || t.Sampled) {
				return fmt.Sprintf("table %s of source %s was not read whole", r.Table, s.Name)
			}
			for _, g := range s.Judges {
				if g.Stopped {
					return fmt.Sprintf("source %s tripped a stop", s.Name)
				}
			}
		}
	}
	return ""
}

// oldestBackup is when the oldest of the backups that may hold rows of a silo was taken; now, when there
// is none.
func (fg *Forgetter) oldestBackup(silo *policy.Compiled) time.Time {
	oldest := fg.Tonight.AsOf
	for _, r := range silo.Silo.Records {
		for _, s := range fg.Stores.List {
			if s.Of == r.Source && s.TakenAt.Before(oldest) {
				oldest = s.TakenAt
			}
		}
	}
	return oldest
}

// endTombstones drops the tombstones that no backup needs any more: those past the life of the last
// backup that could hold the record, unless an older one is still there. The tombstone of an anonymized
// record stays as long as the record, and forgets the person; that of an identifier which was several people's as long
// as somebody has it.
func (fg *Forgetter) endTombstones(ctx context.Context, silo string, oldest time.Time) error {
	st := fg.Silos.Silos[silo]
	var over, severed []registry.Tombstone
	for t := range st.Tombstones.All() {
		switch {
		case t.Action == registry.Shared && fg.held(silo, t):
		case !t.DropAfter.Before(fg.Tonight.AsOf) || !t.ErasedAt.Before(oldest):
		case t.Action != string(policy.Anonymize) || !st.Anonymized[t.Record]:
			over = append(over, t)
		case t.Subject != keystore.Ref{}:
			severed = append(severed, t)
		}
	}
	if len(over)+len(severed) == 0 {
		return nil
	}
	if err := fg.Silos.Registry.DropTombstones(ctx, silo, over, severed); err != nil {
		return err
	}
	return fg.Silos.RecallTraces(ctx, silo)
}

// held reports whether some row still has an identifier that was several people's.
func (fg *Forgetter) held(silo string, t registry.Tombstone) bool {
	for _, s := range fg.Stores.List {
		for _, g := range s.Judges {
			if g.Silo.Silo.Name == silo && g.Carried.Holds(t.Subject) && stores.Place(g) == t.Record {
				return true
			}
		}
	}
	return false
}
