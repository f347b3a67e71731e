package planner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"filippo.io/age"

	"lethe/pipeline/audit"
	"lethe/pipeline/census"
	"lethe/pipeline/change"
	"lethe/pipeline/dependents"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
	"lethe/pipeline/report"
	"lethe/pipeline/stores"
)

// planDays is how long a plan may wait for its approval.
const planDays = 7

// seal writes one part of the night's plan: the rows for which choose names a change. It returns nil when
// there are none, and when standing orders do not answer the plan that is named for them.
func (pl *Planner) seal(ctx context.Context, drafts []*plan.Draft, part plan.Part, name string,
	choose func(*plan.Draft, *judge.Root) judge.Change) (*plan.Sealed, error) {
	id := pl.Tonight.RunID + "-" + name
	p := &plan.Sealed{Folder: filepath.Join(pl.Setup.State, "plans", id), State: journal.Waiting,
		Document: plan.Document{
			PlanID: id, RunID: pl.Tonight.RunID, Part: part, AsOf: pl.Tonight.AsOf, SealedAt: pl.Setup.Now().UTC(),
			ValidUntil:   pl.Tonight.AsOf.AddDate(0, 0, planDays),
			PolicyDigest: pl.Setup.PolicyDigest, Approvals: pl.Setup.Approvals, Heads: pl.Silos.Words,
			Schemas: map[string]string{}, Files: map[string]string{}}}
	if err := os.MkdirAll(p.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("seal plan: %w", err)
	}
	pl.Setup.Crash("plan_folder")
	to, err := pl.Setup.Keys.NewPlan(id)
	if err != nil {
		return nil, err
	}
	pl.Setup.Crash("plan_key")
	s := &sealer{Planner: pl, plan: p, to: to, counts: map[plan.Count]*plan.Count{},
		people: map[plan.Count]*census.People{}, all: map[string]*census.People{}}
	held := slices.DeleteFunc(slices.Clone(drafts), func(d *plan.Draft) bool { return d.Backup() && !d.Due })
	for _, d := range held {
		ends := func(r *judge.Root) bool {
			c := choose(d, r)
			return c == judge.Delete || c == judge.Anonymize
		}
		if err := d.Graph.Select(ends, func(together dependents.Selection) error {
			return s.source(d, together, choose)
		}); err != nil {
			return nil, err
		}
	}
	sealed, err := pl.finish(ctx, s, name == "ordered")
	if err == nil && sealed != nil {
		for _, d := range held {
			d.Graph.Seal()
		}
		for _, r := range s.again { // they are in no other plan of tonight
			r.Ramped, r.Block = true, false
		}
	}
	return sealed, err
}

// sealer writes the sets of one plan, and counts what is in them.
type sealer struct {
	*Planner
	plan   *plan.Sealed
	to     age.Recipient
	counts map[plan.Count]*plan.Count
	people map[plan.Count]*census.People
	all    map[string]*census.People // by silo
	again  []*judge.Root             // in a plan that ends once more what was ended
}

// source writes the set of one source: what goes together, then the rows that are changed by themselves.
func (s *sealer) source(d *plan.Draft, together dependents.Selection,
	choose func(*plan.Draft, *judge.Root) judge.Change) error {
	w := &setWriter{sealer: s, draft: d}
	for c := range together.Rows() {
		if err := w.add(c); err != nil {
			return err
		}
	}
	for _, g := range d.Judges {
		for _, r := range g.Roots {
			c := choose(d, r)
			if c == judge.None || c == judge.Delete || c == judge.Anonymize {
				continue
			}
			saw := r.Guard
			// what the guard of an erasure covers beyond the decision's own fields does not matter to a
			// block
			if c.Reversible() {
				saw = r.BlockGuard
			}
			key := g.KeyOf(r)
			alone := change.Change{Unit: int64(together.Len()) + w.rows, Kind: change.Root, Mapping: d.Mapping(g),
				Silo: g.Silo.Silo.Name, Table: g.Table.Name, Key: key, Op: c,
				Fields: g.ShapeOf(r).Clear, Guard: saw, Subject: r.Subject, Record: g.RecordOf(key)}
			if c != judge.Clear {
				alone.Fields = nil
			}
			if err := w.add(dependents.Selected{Change: alone, Of: r, Judge: g}); err != nil {
				return err
			}
		}
	}
	return w.end()
}

// setWriter writes the set of one source, once there is a row for it.
type setWriter struct {
	*sealer
	draft *plan.Draft
	w     *plan.Writer
	rows  int64

	root    *judge.Root // of the change at hand, and how the evidence names it
	rootRef audit.Ref
}

// add writes a change and counts it.
func (s *setWriter) add(c dependents.Selected) (err error) {
	if s.w == nil {
		of := plan.Set{Source: s.draft.Name, Edges: s.draft.Graph.Edges()}
		if s.w, err = plan.NewWriter(s.plan.Folder, fmt.Sprintf("%03d", len(s.plan.Sets)), of, s.to,
			s.Setup.Keys); err != nil {
			return err
		}
	}
	s.rows++
	if s.plan.Part == plan.Again && c.Kind == change.Root {
		s.again = append(s.again, c.Of)
	}
	if s.root != c.Of {
		s.root, s.rootRef = c.Of, c.Judge.RefOf(c.Judge.KeyOf(c.Of))
	}
	ref := s.rootRef
	if c.Kind != change.Root {
		ref = audit.RefOf(c.Judge.Refs.Ref(s.draft.System()+"\x1f"+c.Table, []byte(c.Key)))
	}
	shape := c.Judge.ShapeOf(c.Of)
	a := audit.Action{PlanID: s.plan.PlanID, Silo: c.Silo, System: s.draft.System(), Source: s.draft.Name,
		Object: c.Table,
		Record: ref, Root: s.rootRef, Change: string(c.Op), Method: c.Judge.Method(c.Op),
		Reason: string(shape.Code)}
	if err := s.w.Add(c.Change, a, plan.Why{Rule: shape.Rule, Ended: c.Of.End, Due: c.Of.Due}); err != nil {
		return err
	}
	s.count(c)
	return nil
}

func (s *setWriter) count(c dependents.Selected) {
	k := plan.Count{Silo: c.Silo, Source: s.draft.Name, Table: c.Table, Change: string(c.Op),
		Reason: string(c.Judge.ShapeOf(c.Of).Code)}
	count := s.counts[k]
	if count == nil {
		fresh := k
		count = &fresh
		s.counts[k], s.people[k] = count, &census.People{}
	}
	if who := census.PersonOf(s.Silos.Silos[c.Silo].Standings, c.Subject); who != 0 && c.Kind == change.Root {
		s.people[k].Add(who)
		if s.all[c.Silo] == nil {
			s.all[c.Silo] = &census.People{}
		}
		s.all[c.Silo].Add(who)
	}
	count.Rows++
	if due := c.Of.Due.String(); due != "" && (count.OldestDue == "" || due < count.OldestDue) {
		count.OldestDue = due
	}
}

func (s *setWriter) end() error {
	if s.w == nil {
		return nil
	}
	set, err := s.w.Close()
	if err != nil {
		return err
	}
	set.Keys = s.keys(s.draft.Store, set.Tables)
	touched := map[string]bool{}
	set.Stands = map[string][]string{}
	for _, t := range set.Tables {
		touched[t] = true
		if is, _ := s.draft.Tables.Find(t); len(is.Stands) > 0 {
			set.Stands[t] = is.Stands
		}
	}
	s.plan.Sets = append(s.plan.Sets, set)
	s.plan.Schemas[s.draft.Name] = stores.Fingerprint(s.draft.Tables, touched)
	if s.draft.Backup() {
		s.plan.Files[s.draft.Name] = s.draft.Digest
	}
	return nil
}

// startsOf says when the terms start of the tables that a plan destroys rows of.
func (pl *Planner) startsOf(p *plan.Sealed) (list []plan.Start) {
	for _, s := range pl.Notes.Facts.Starts {
		if p.Part == plan.Reversible || !slices.ContainsFunc(p.Counts, func(c plan.Count) bool {
			return c.Silo == s.Silo && c.Source == s.Source && c.Table == s.Object
		}) {
			continue
		}
		list = append(list, plan.StartOf(s))
	}
	return list
}

// finish completes a plan: percentages, questions, the standing orders' answer; then plan.json and the journal's row.
// One for which there is no use leaves no trace.
func (pl *Planner) finish(ctx context.Context, s *sealer, ordered bool) (*plan.Sealed, error) {
	p := s.plan
	for k, c := range s.counts {
		c.People = s.people[k].Len()
		if t := pl.Scanner.RowsOf(c.Source, c.Table); t > 0 {
			c.Percent = 100 * float64(c.Rows) / float64(t)
		}
		p.Counts = append(p.Counts, *c)
	}
	p.People = map[string]int64{}
	for silo, people := range s.all {
		p.People[silo] = people.Len()
	}
	sort.Slice(p.Counts, func(i, j int) bool {
		a, b := p.Counts[i], p.Counts[j]
		return strings.Join([]string{a.Silo, a.Source, a.Table, a.Change, a.Reason},
			"\x1f") < strings.Join([]string{b.Silo, b.Source, b.Table, b.Change, b.Reason}, "\x1f")
	})
	p.Starts = pl.startsOf(p)
	for _, s := range pl.Stores.List {
		p.Triggers = append(p.Triggers, p.Runs(s)...)
	}
	p.Questions = pl.Limits.Questions(p)
	p.Stays = pl.stays(p)
	if pl.useless(p, ordered) {
		_, err := pl.Setup.Keys.Destroy("plan/"+p.PlanID, pl.Setup.Now())
		pl.Setup.Crash("plan_dropped")
		return nil, errors.Join(err, os.RemoveAll(p.Folder))
	}
	if ordered && pl.Tonight.Apply {
		pl.Limits.Note(p)
	}
	switch {
	case pl.Tonight.AsOf.After(pl.Setup.Now()) && !pl.Setup.Simulated, !pl.Tonight.Apply && p.Part != plan.Destructive:
		p.State = journal.Lapsed // only says what would be
	case pl.Tonight.Apply && (p.Part != plan.Destructive || ordered):
		p.State = journal.Approved
	}
	pl.Setup.Crash("plan_rows")
	if err := p.Write(); err != nil {
		return nil, err
	}
	pl.Setup.Crash("plan_sealed")
	if err := pl.Journal.PutPlan(ctx, journal.Plan{ID: p.PlanID, RunID: pl.Tonight.RunID, Part: string(p.Part),
		Digest: p.Digest, CreatedAt: pl.Setup.Now(), ValidUntil: p.ValidUntil, State: p.State}); err != nil {
		return nil, err
	}
	pl.Setup.Crash("plan_recorded")
	if p.State == journal.Lapsed {
		if _, err := pl.Setup.Keys.Destroy("plan/"+p.PlanID, pl.Setup.Now()); err != nil {
			return nil, err
		}
	}
	report.Plan(pl.Notes, p, p.State)
	return p, nil
}

// useless reports whether a plan is empty, or orders were to answer it and do not, or it ends once more what was ended
// by triggers of which nobody was told.
func (pl *Planner) useless(p *plan.Sealed, ordered bool) bool {
	return len(p.Sets) == 0 || ordered && !pl.Limits.Covers(p) || p.Part == plan.Again && pl.Limits.Untold(p)
}

// stays says what keeps a copy of the rows that a plan destroys, and is not changed with them.
func (pl *Planner) stays(p *plan.Sealed) (list []string) {
	if p.Part == plan.Reversible {
		return nil
	}
	touched := map[notes.Object]bool{}
	for _, c := range p.Counts {
		touched[notes.Object{Source: c.Source, Table: c.Table}] = true
	}
	for _, s := range pl.Stores.List {
		for _, u := range s.Unread {
			if u.Stays && touched[notes.Object{Source: s.Name, Table: u.Of}] {
				list = append(list, s.Name+": "+u.Name+", "+u.Reason)
			}
		}
	}
	return list
}
