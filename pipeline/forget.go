package pipeline

import (
	"context"
	"errors"
	"fmt"
	"lethe/pipeline/notes"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/stores"
	"strings"
	"time"
)

// The registry forgets as well: tombstones that no backup needs any more, and the proof of what ended longer ago than proof_retention. It
// forgets nothing that it could not look for: a source that was not read whole may hold a row that needs it.

// forgetter ends what the registry need not hold any more.
type forgetter struct {
	setup   *setup.Setup
	tonight setup.Tonight
	notes   *notes.Notes
	silos   *silos.Set
	stores  *stores.Set
	scanner *scan.Scanner
}

// forget lets the registry forget, silo by silo, at the end of a night that read every source and may change something.
func (fg *forgetter) forget(ctx context.Context) error {
	if !fg.tonight.Apply {
		return nil
	}
	for _, s := range fg.setup.Silos {
		name, retention := s.Silo.Name, s.Silo.ProofRetention
		doubt := fg.unread(s)
		if doubt == "" {
			if err := fg.endTombstones(ctx, name, fg.oldestBackup(s)); err != nil {
				return err
			}
		}
		switch {
		case retention.IsZero():
		case doubt != "":
			fg.forgot(name, "nothing, because "+doubt)
		default:
			st := fg.silos.Silos[name]
			gone, err := fg.silos.Registry.ForgetEnded(ctx, name, fg.tonight.AsOf, registry.Forget{InUse: st.Used.Has, Purposes: silos.Endings(s), Standings: st.Standings,
				Until: func(ended time.Time) time.Time {
					return (policy.EndOf(policy.DateOf(ended, fg.setup.Zone), retention) + 1).Start(fg.setup.Zone)
				}})
			if err != nil {
				return err
			}
			fg.setup.Crash("forgotten")
			fg.forgot(name, fmt.Sprintf("the proof of %d ended collections, %d events", gone.Collections, gone.Events))
		}
	}
	return nil
}

// forgot says in the report and in the log what the registry forgot.
func (fg *forgetter) forgot(silo, what string) {
	fg.setup.Log.Info("registry forgets", "run_id", fg.tonight.RunID, "silo", silo, "what", what)
	fg.notes.Facts.Run.Forgotten = strings.TrimPrefix(fg.notes.Facts.Run.Forgotten+";"+silo+": "+what, ";")
}

// unread says why the night cannot know of all rows of a silo; "" when it can.
func (fg *forgetter) unread(silo *policy.Compiled) string {
	if errors.Is(errors.Join(fg.notes.Problems...), setup.ErrStopped) {
		return "the night was stopped before its end"
	}
	for _, r := range silo.Silo.Records {
		for _, s := range fg.stores.List {
			if s.System() != r.Source {
				continue
			}
			scan := fg.scanner.Of(s.Name)
			if s.Err != nil || scan == nil || !scan.Surveyed {
				return fmt.Sprintf("source %s was not read whole", s.Name)
			}
			if read := scan.Reading(r.Table); read != nil && (read.State != "scanned" || read.Sampled) {
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

// oldestBackup is when the oldest of the backups that may hold rows of a silo was taken; now, when there is none.
func (fg *forgetter) oldestBackup(silo *policy.Compiled) time.Time {
	oldest := fg.tonight.AsOf
	for _, r := range silo.Silo.Records {
		for _, s := range fg.stores.List {
			if s.Of == r.Source && s.TakenAt.Before(oldest) {
				oldest = s.TakenAt
			}
		}
	}
	return oldest
}

// endTombstones drops the tombstones that no backup needs any more: those past the life of the last backup that could hold the record, unless an
// older one is still there. The tombstone of an anonymized record stays as long as the record, and forgets the person.
func (fg *forgetter) endTombstones(ctx context.Context, silo string, oldest time.Time) error {
	st := fg.silos.Silos[silo]
	var over, severed []registry.Tombstone
	for _, t := range st.Tombstones.All() {
		switch {
		case !t.DropAfter.Before(fg.tonight.AsOf) || !t.ErasedAt.Before(oldest):
		case t.Action != string(policy.Anonymize) || !st.Anonymized[t.Record]:
			over = append(over, t)
		case t.Subject != registry.Ref{}:
			severed = append(severed, t)
		}
	}
	if len(over)+len(severed) == 0 {
		return nil
	}
	if err := fg.silos.Registry.DropTombstones(ctx, silo, over, severed); err != nil {
		return err
	}
	return fg.silos.RecallTraces(ctx, silo)
}
