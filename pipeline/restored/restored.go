// Package restored is about live sources that were put back from a copy: rows stand in them again that nights had
// ended.
//
//   - Notice says so of a night that read them.
//   - A Reapplier ends in one source what was ended before, and nothing else, before anybody uses it.
package restored

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/apply"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/planner"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/scan"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/state"
	"lethe/pipeline/stores"
)

// Kind is the finding that a source was put back.
const Kind = "F_RESTORED"

// Notice finds the sources that were put back, and makes each a problem of the night: who restored it has to know.
func Notice(n *notes.Notes, list []*stores.Store) {
	for _, s := range list {
		rows := find(n, s)
		if rows == 0 {
			continue
		}
		n.Problem(fmt.Errorf("%w: source %s: %d rows that nights had ended stand there again: `lethe backup reapply "+
			"%[2]s` ends them once more; find out who put it back, and who has used it since",
			setup.ErrRestored, s.Name, rows))
	}
}

// find notes in which tables of a source rows are back, and how many there are.
func find(n *notes.Notes, s *stores.Store) (rows int64) {
	tables := map[string]int64{}
	for _, g := range s.Judges {
		if g.Back > 0 && s.Err == nil && !s.Backup() {
			tables[g.Table.Name] += g.Back
		}
	}
	for _, t := range s.Tables {
		if tables[t.Name] == 0 {
			continue
		}
		rows += tables[t.Name]
		n.Find(audit.Finding{Kind: Kind, Severity: "high", Source: s.Name, Object: t.Name, Count: tables[t.Name],
			Article: "Art. 5(1)(f), 17(1)",
			Words: "These rows were ended by earlier nights and stand there again: the source was put back from a " +
				"copy, and what had been erased may have been used since."})
	}
	if rows > 0 {
		if n.Back == nil {
			n.Back = map[string]int64{}
		}
		n.Back[s.Name] = rows
	}
	return rows
}

// Reapplier ends once more what was ended in one source.
type Reapplier struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	Journal *journal.Journal
	Silos   *silos.Set
	Stores  *stores.Set
	Planner *planner.Planner
	Applier *apply.Applier
}

// Reapply reads the tables of the source of which rows were ended, decides those rows anew that tombstones name, and
// changes what is due of them, by a plan that holds nothing else.
func (r *Reapplier) Reapply(ctx context.Context) error {
	r.Applier.Source, r.Applier.Census = r.Tonight.Source, nil // nobody has counted who is back
	if err := r.Applier.Apply(ctx); err != nil {               // what a run that was cut off left
		return err
	}
	s := r.Stores.Find(r.Tonight.Source)
	if s.Err != nil {
		return nil // it is a problem already
	}
	if err := r.Planner.SetAside(ctx); err != nil {
		return err
	}
	plans, err := state.LetGo(ctx, r.Journal)
	if err != nil {
		return err
	}
	r.Planner.Scanner = &scan.Scanner{Setup: r.Setup, Tonight: r.Tonight, Notes: r.Notes}
	session := *r.Planner.Session
	session.Census, session.Plans, session.Only = nil, plans, (*judge.Judge).Traced
	r.Planner.Session = &session
	ended := r.ended(s)
	if err := r.Planner.Read(ctx, s, func(g *judge.Judge) bool { return ended[g.Table.Name] }); err != nil {
		r.Stores.FailedSource(s, err)
		return nil
	}
	find(r.Notes, s)
	if err := r.Planner.Limits.Shrunk(); err != nil {
		return err
	}
	if err := r.Planner.Again(ctx, s); err != nil {
		r.Stores.FailedSource(s, err)
		return nil
	}
	left := int64(0)
	for _, g := range s.Judges {
		left += max(0, g.Back-planner.SealedAgain(g))
	}
	if why := "by no plan on record, or something holds them"; left > 0 {
		if asks := r.Planner.Limits.Asks(); len(asks) > 0 {
			why = "people have to look first (" + strings.Join(asks, ", ") + ")"
		}
		r.Notes.Problem(fmt.Errorf("%w: source %s: %d rows that nights had ended stand there again and are left: %s: "+
			"the next night with --apply asks, or names what does", setup.ErrUnapproved, s.Name, left, why))
	}
	return r.Applier.Apply(ctx)
}

// ended are the tables of a source of which rows were ended.
func (r *Reapplier) ended(s *stores.Store) map[string]bool {
	tables := map[string]bool{}
	for _, silo := range r.Silos.Silos {
		for t := range silo.Tombstones.All() {
			tables[t.Object] = tables[t.Object] || t.System == s.System() && t.Action != registry.Shared
		}
	}
	return tables
}

// Of is the live source that is to be reapplied to. Its error names what can be.
func Of(p *setup.Setup, source string) error {
	var live []string
	for _, s := range p.Sources {
		if s.Backup() {
			continue
		}
		if s.Name == source {
			return nil
		}
		live = append(live, s.Name)
	}
	slices.Sort(live)
	return fmt.Errorf("%w: %s is no live source: what was erased can be erased again in %s", setup.ErrConfig, source,
		cmp.Or(strings.Join(live, ", "), "none of this configuration"))
}

// Deaf is a feed that reads nothing: the tables of a source that was put back say of consents what they said then.
type Deaf struct{}

// Open does nothing.
func (Deaf) Open(context.Context, *registry.Registry, registry.Config) error { return nil }

// TakeIn takes in nothing: the registry stands as the last night left it.
func (Deaf) TakeIn(context.Context, *policy.Compiled) (stale bool, err error) { return false, nil }

// Close does nothing.
func (Deaf) Close() error { return nil }
