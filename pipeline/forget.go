package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/retention"
	"lethe/pipeline/registry/standings"
)

// The registry forgets as well: tombstones that no backup needs any more, and the proof of what ended longer ago than proof_retention. It
// forgets nothing that it could not look for: a source that was not read whole may hold a row that needs it.

// collections is a set of a silo's collections: a bit for each, which is 1.2 MB for ten million.
type collections []uint64

func (c *collections) add(collection int32) {
	word := int(collection) / 64
	if word >= len(*c) {
		*c = append(*c, make([]uint64, word+1-len(*c))...)
	}
	(*c)[word] |= 1 << (collection % 64)
}

func (c collections) has(collection int32) bool {
	word := int(collection) / 64
	return word < len(c) && c[word]&(1<<(collection%64)) != 0
}

// use notes to which collection the row at hand belongs; where its identifiers disagree, to all that it could belong to.
func (g *group) use(m standings.Match) {
	switch m.Identity {
	case policy.Matched:
		g.state.used.add(m.Collection)
	case policy.Conflicting:
		refs := g.row.Identifiers
		if g.row.Collection != nil {
			refs = append(slices.Clip(refs), *g.row.Collection)
		}
		if g.row.Record != nil {
			refs = append(slices.Clip(refs), *g.row.Record)
		}
		for _, ref := range refs {
			for _, collection := range g.state.standings.Lookup(ref) {
				g.state.used.add(collection)
			}
		}
	}
}

// forget lets the registry forget, silo by silo, at the end of a night that read every source and may change something.
func (n *night) forget(ctx context.Context) error {
	if !n.opts.Apply {
		return nil
	}
	for _, s := range n.Silos {
		name, proof := s.Silo.Name, s.Silo.ProofRetention
		doubt := n.unread(s)
		if doubt == "" {
			if err := n.endTombstones(ctx, name, n.oldestBackup(s)); err != nil {
				return err
			}
		}
		switch {
		case proof.IsZero():
		case doubt != "":
			n.forgot(name, "nothing, because "+doubt)
		default:
			st := n.silos[name]
			gone, err := n.registry.ForgetEnded(ctx, name, n.asOf, retention.Forget{InUse: st.used.has, Purposes: endings(s), Standings: st.standings,
				Until: func(ended time.Time) time.Time {
					return (calendar.EndOf(calendar.DateOf(ended, n.Zone), proof) + 1).Start(n.Zone)
				}})
			if err != nil {
				return err
			}
			n.Crash("forgotten")
			n.forgot(name, fmt.Sprintf("the proof of %d ended collections, %d events", gone.Collections, gone.Events))
		}
	}
	return nil
}

// forgot says in the report and in the log what the registry forgot.
func (n *night) forgot(silo, what string) {
	n.Log.Info("registry forgets", "run_id", n.run.ID, "silo", silo, "what", what)
	n.facts.Run.Forgotten = strings.TrimPrefix(n.facts.Run.Forgotten+";"+silo+": "+what, ";")
}

// unread says why the night cannot know of all rows of a silo; "" when it can.
func (n *night) unread(silo *policy.Compiled) string {
	if errors.Is(errors.Join(n.problems...), ErrStopped) {
		return "the night was stopped before its end"
	}
	for _, r := range silo.Silo.Records {
		for _, s := range n.stores {
			if s.System() != r.Source {
				continue
			}
			if s.err != nil || !s.surveyed {
				return fmt.Sprintf("source %s was not read whole", s.Name)
			}
			if read := s.reading(r.Table); read != nil && (read.state != "scanned" || read.sampled) {
				return fmt.Sprintf("table %s of source %s was not read whole", r.Table, s.Name)
			}
			for _, g := range s.groups {
				if g.stopped {
					return fmt.Sprintf("source %s tripped a stop", s.Name)
				}
			}
		}
	}
	return ""
}

// oldestBackup is when the oldest of the backups that may hold rows of a silo was taken; now, when there is none.
func (n *night) oldestBackup(silo *policy.Compiled) time.Time {
	oldest := n.asOf
	for _, r := range silo.Silo.Records {
		for _, s := range n.stores {
			if s.Of == r.Source && s.TakenAt.Before(oldest) {
				oldest = s.TakenAt
			}
		}
	}
	return oldest
}

// endTombstones drops the tombstones that no backup needs any more: those past the life of the last backup that could hold the record, unless an
// older one is still there. The tombstone of an anonymized record stays as long as the record, and forgets the person.
func (n *night) endTombstones(ctx context.Context, silo string, oldest time.Time) error {
	st := n.silos[silo]
	var over, severed []registry.Tombstone
	for _, t := range st.tombstones.All() {
		switch {
		case !t.DropAfter.Before(n.asOf) || !t.ErasedAt.Before(oldest):
		case t.Action != string(policy.Anonymize) || !st.anonymized[t.Record]:
			over = append(over, t)
		case t.Subject != keystore.Ref{}:
			severed = append(severed, t)
		}
	}
	if len(over)+len(severed) == 0 {
		return nil
	}
	if err := n.registry.DropTombstones(ctx, silo, over, severed); err != nil {
		return err
	}
	return n.recallTraces(ctx, silo)
}
