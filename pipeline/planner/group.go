package planner

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/dependents"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
)

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
	name := fmt.Sprintf("%03d-%02d", len(s.plan.Groups), len(s.Segments))
	return plan.NewSegment(s.plan.Folder, name, of, s.to)
}

// end closes a segment, which is the group's then.
func (s *groupSealer) end(w *plan.Writer) error {
	segment, err := w.Close()
	s.Segments = append(s.Segments, segment)
	return err
}

// add writes a row of a table, which goes with a root, and counts it.
func (s *groupSealer) add(w *plan.Writer, table string, row judge.Planned, ref audit.Ref, of *judge.Root) error {
	a := audit.Action{
		PlanID: s.plan.PlanID,
		Batch:  row.Root,
		Silo:   s.Silo,
		System: s.draft.System(),
		Source: s.Source,
		Object: table,
		Record: ref,
		Root:   of.Ref,
		Change: string(row.Change),
		Method: s.judge.Method(row.Change),
		Reason: string(of.Code),
	}
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
func (s *groupSealer) roots(choose choice) (err error) {
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
		if c.Reversible() { // an erasure's guard covers more than the decision's own fields: a block need not
			saw = r.BlockGuard
		}
		at := int64(len(s.position))
		s.position[r.Key], s.planned[r.Key] = at, r
		row := judge.Planned{Root: at, Key: r.Key, Guard: saw, Subject: r.Subject, Record: r.Record,
			Change: c, Fields: r.Clear}
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
			byTable[id.Table] = append(byTable[id.Table],
				dependents.Follower{RowID: id, Position: last, Root: of, Change: judge.Delete})
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
