package planner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"filippo.io/age"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/dependents"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/report"
	"lethe/pipeline/stores"
)

// planDays is how long a plan may wait for its approval.
const planDays = 7

// seal writes one part of the night's plan: the rows for which choose names a change. It returns nil when there are none, and when
// standing orders do not answer the plan that is named for them.
func (pl *Planner) seal(ctx context.Context, drafts []*plan.Draft, part plan.Part, name string, choose func(*plan.Draft, *judge.Root) judge.Change) (*plan.Sealed, error) {
	id := pl.Tonight.RunID + "-" + name
	p := &plan.Sealed{Folder: filepath.Join(pl.Setup.State, "plans", id), State: journal.Waiting, Document: plan.Document{
		PlanID: id, RunID: pl.Tonight.RunID, Part: part, AsOf: pl.Tonight.AsOf, ValidUntil: pl.Tonight.AsOf.AddDate(0, 0, planDays),
		PolicyDigest: pl.Setup.PolicyDigest, Heads: pl.Silos.Words, Schemas: map[string]string{}, Files: map[string]string{}}}
	if err := os.MkdirAll(p.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("seal plan: %w", err)
	}
	to, err := pl.Setup.Keys.NewPlan(id)
	if err != nil {
		return nil, err
	}
	s := &sealer{plan: p, to: to, counts: map[plan.Count]*plan.Count{}}
	for _, d := range drafts {
		if d.Backup() && !d.Due {
			continue
		}
		for _, g := range d.Judges {
			if err := s.group(ctx, d, g, choose); err != nil {
				return nil, err
			}
		}
	}
	return pl.finish(ctx, s, name == "ordered")
}

// sealer writes the segments of one plan, and counts what is in them.
type sealer struct {
	plan   *plan.Sealed
	to     age.Recipient
	counts map[plan.Count]*plan.Count
}

// group writes the segments of one silo's table: its chosen rows, then their dependents rank by rank, then the parents they owned.
func (s *sealer) group(ctx context.Context, d *plan.Draft, g *judge.Judge, choose func(*plan.Draft, *judge.Root) judge.Change) error {
	sg := &groupSealer{sealer: s, draft: d, judge: g, position: map[connectors.Key]int64{}, planned: map[connectors.Key]*judge.Root{}}
	sg.Group = plan.Group{Silo: g.Silo.Silo.Name, Source: d.Name, Table: g.Table.Name}
	if err := sg.roots(choose); err != nil || len(sg.Segments) == 0 {
		return err
	}
	if s.plan.Part == plan.Destructive {
		if err := sg.dependents(); err != nil {
			return err
		}
		if err := sg.owned(ctx); err != nil {
			return err
		}
	}
	s.plan.Groups = append(s.plan.Groups, sg.Group)
	s.plan.Schemas[d.Name] = stores.Fingerprint(d.Tables, s.touched(d.Name))
	if d.Backup() {
		s.plan.Files[d.Name] = d.Digest
	}
	return nil
}

// touched is every table of a source that the plan changes so far.
func (s *sealer) touched(source string) map[string]bool {
	touched := map[string]bool{}
	for _, g := range s.plan.Groups {
		if g.Source == source {
			for _, segment := range g.Segments {
				touched[segment.Table] = true
			}
		}
	}
	return touched
}

// groupSealer writes the segments of one group.
type groupSealer struct {
	*sealer
	plan.Group
	draft    *plan.Draft
	judge    *judge.Judge
	position map[connectors.Key]int64 // of the chosen rows, in their segment
	planned  map[connectors.Key]*judge.Root
}

// segment begins the next segment.
func (s *groupSealer) segment(of plan.Segment) (*plan.Writer, error) {
	return plan.NewSegment(s.plan.Folder, fmt.Sprintf("%03d-%02d", len(s.plan.Groups), len(s.Segments)), of, s.to)
}

func (s *groupSealer) end(w *plan.Writer) error {
	segment, err := w.Close()
	s.Segments = append(s.Segments, segment)
	return err
}

// add writes a row of a table, which goes with a root, and counts it.
func (s *groupSealer) add(w *plan.Writer, table string, row judge.Planned, ref audit.Ref, of *judge.Root) error {
	a := audit.Action{PlanID: s.plan.PlanID, Batch: row.Root, Silo: s.Silo, System: s.draft.System(), Source: s.Source, Object: table,
		Record: ref, Root: of.Ref, Change: string(row.Change), Method: s.judge.Method(row.Change), Reason: string(of.Code)}
	if err := w.Add(row, a); err != nil {
		return err
	}
	k := plan.Count{Silo: s.Silo, Source: s.Source, Table: table, Change: a.Change, Reason: a.Reason}
	count := s.counts[k]
	if count == nil {
		fresh := k
		count = &fresh
		s.counts[k] = count
	}
	count.Rows++
	if due := of.Due.String(); due != "" && (count.OldestDue == "" || due < count.OldestDue) {
		count.OldestDue = due
	}
	return nil
}

// roots writes the governed rows themselves; no segment where none is chosen.
func (s *groupSealer) roots(choose func(*plan.Draft, *judge.Root) judge.Change) (err error) {
	g := s.judge
	var w *plan.Writer
	for _, r := range g.Roots {
		c := choose(s.draft, r)
		if c == judge.None {
			continue
		}
		if w == nil {
			if w, err = s.segment(plan.Segment{Table: g.Table.Name, Kind: plan.Root}); err != nil {
				return err
			}
		}
		saw := r.Guard
		if c.Reversible() { // what the guard of an erasure covers beyond the decision's own fields does not matter to a block
			saw = r.BlockGuard
		}
		at := int64(len(s.position))
		s.position[r.Key], s.planned[r.Key] = at, r
		row := judge.Planned{Root: at, Key: r.Key, Guard: saw, Subject: r.Subject, Record: r.Record, Change: c, Fields: r.Clear}
		if err := s.add(w, g.Table.Name, row, r.Ref, r); err != nil {
			return err
		}
	}
	if w == nil {
		return nil
	}
	return s.end(w)
}

// dependents writes what follows from the deleted rows, rank by rank.
func (s *groupSealer) dependents() error {
	byRank := s.draft.Graph.Followers(s.judge, s.position, s.planned)
	for _, k := range slices.SortedFunc(maps.Keys(byRank), func(a, b dependents.RankedTable) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), strings.Compare(a.Table, b.Table))
	}) {
		if err := s.followers(plan.Segment{Table: k.Table, Kind: plan.Dependent, Rank: k.Rank}, byRank[k]); err != nil {
			return err
		}
	}
	return nil
}

// owned writes the parents that only deleted rows refer to, each with the last of them.
func (s *groupSealer) owned(ctx context.Context) error {
	owned, err := s.draft.Graph.Owned(ctx, s.judge)
	if err != nil {
		return err
	}
	byTable := map[string][]dependents.Follower{}
	for id, roots := range owned {
		last := int64(-1)
		var of *judge.Root
		for _, r := range roots {
			if at, ok := s.position[r.Key]; ok && at > last {
				last, of = at, r
			}
		}
		if of != nil {
			byTable[id.Table] = append(byTable[id.Table], dependents.Follower{RowID: id, Position: last, Root: of, Change: judge.Delete})
		}
	}
	for _, table := range slices.Sorted(maps.Keys(byTable)) {
		rows := byTable[table]
		sort.Slice(rows, func(i, j int) bool { return rows[i].Key < rows[j].Key })
		if err := s.followers(plan.Segment{Table: table, Kind: plan.Owned}, rows); err != nil {
			return err
		}
	}
	return nil
}

// followers writes one segment of rows that go with roots, in the order of these.
func (s *groupSealer) followers(of plan.Segment, rows []dependents.Follower) error {
	if len(rows) == 0 {
		return nil
	}
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].Position < rows[j].Position })
	w, err := s.segment(of)
	if err != nil {
		return err
	}
	for _, f := range rows {
		ref := audit.Ref(s.judge.Refs.Ref(s.draft.System()+"\x1f"+f.Table, []byte(f.Key)))
		row := judge.Planned{Root: f.Position, Key: f.Key, Change: f.Change, Fields: f.Null}
		if err := s.add(w, f.Table, row, ref, f.Root); err != nil {
			return err
		}
	}
	return s.end(w)
}

// finish completes a plan: percentages, questions, the standing orders' answer; then plan.json and the journal's row. A plan that is empty, or that orders were to
// answer and do not, leaves no trace.
func (pl *Planner) finish(ctx context.Context, s *sealer, ordered bool) (*plan.Sealed, error) {
	p := s.plan
	for _, c := range s.counts {
		if t := pl.Scanner.RowsOf(c.Source, c.Table); t > 0 {
			c.Percent = 100 * float64(c.Rows) / float64(t)
		}
		p.Counts = append(p.Counts, *c)
	}
	sort.Slice(p.Counts, func(i, j int) bool {
		a, b := p.Counts[i], p.Counts[j]
		return strings.Join([]string{a.Silo, a.Source, a.Table, a.Change, a.Reason}, "\x1f") < strings.Join([]string{b.Silo, b.Source, b.Table, b.Change, b.Reason}, "\x1f")
	})
	p.Questions = pl.Limits.Questions(p)
	if len(p.Groups) == 0 || ordered && !pl.Limits.Covers(p) {
		_, err := pl.Setup.Keys.Destroy("plan/"+p.PlanID, pl.Setup.Now())
		return nil, errors.Join(err, os.RemoveAll(p.Folder))
	}
	if ordered && pl.Tonight.Apply {
		pl.Limits.Note(p)
	}
	switch {
	case pl.Tonight.AsOf.After(pl.Setup.Now()) && !pl.Setup.Simulated, !pl.Tonight.Apply && p.Part == plan.Reversible:
		p.State = journal.Lapsed // only says what would be
	case pl.Tonight.Apply && (p.Part == plan.Reversible || ordered):
		p.State = journal.Approved
	}
	if err := p.Write(); err != nil {
		return nil, err
	}
	if err := pl.Journal.PutPlan(ctx, journal.Plan{ID: p.PlanID, RunID: pl.Tonight.RunID, Part: string(p.Part), Digest: p.Digest, CreatedAt: pl.Setup.Now(), ValidUntil: p.ValidUntil, State: p.State}); err != nil {
		return nil, err
	}
	if p.State == journal.Lapsed {
		if _, err := pl.Setup.Keys.Destroy("plan/"+p.PlanID, pl.Setup.Now()); err != nil {
			return nil, err
		}
	}
	report.Plan(pl.Notes, p, p.State)
	return p, nil
}
