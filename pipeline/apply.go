package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/policy/reason"
	"lethe/pipeline/registry"
)

// The outcomes of a planned row, as the journal keeps them: one byte a row.
const (
	rowDone       byte = 'd' // changed, and verified afterwards
	rowUnverified byte = 'u' // changed, but still seen by a read afterwards
	rowRecovered  byte = 'r' // changed by a run that was cut off before it could say so
	rowDrift      byte = 's' // skipped: the row, or the registry, is not as the plan saw it
	rowGone       byte = 'g' // skipped: somebody else deleted the row
	rowRefused    byte = 'f' // the database refused the change
)

// chunkRoots is the number of governed rows with which a group starts; the time for which a chunk's change keeps the source's rows locked then adapts it. What comes
// after the change, in the registry and the journal, holds nobody up, and costs a row the less the more there are.
const (
	chunkRoots = 200
	maxRoots   = 5000
	chunkTime  = 200 * time.Millisecond
)

// apply executes every approved plan, oldest first. What a crash interrupted is finished; what moved since the plan is skipped as drift.
func (n *night) apply(ctx context.Context) error {
	if !n.opts.Apply {
		return nil
	}
	plans, err := n.journal.Plans(ctx, journal.Approved)
	if err != nil {
		return err
	}
	for _, entry := range plans {
		if err := n.applyPlan(ctx, entry); errors.Is(err, ErrStopped) {
			n.problem(err)
			return nil
		} else if err != nil {
			return fmt.Errorf("apply plan %s: %w", entry.ID, err)
		}
	}
	for silo := range n.silos { // what was changed just now left its traces
		if err := n.recallTraces(ctx, silo); err != nil {
			return err
		}
	}
	return nil
}

// applyPlan executes one plan group by group: live sources in chunks, backups by one rewrite a file.
func (n *night) applyPlan(ctx context.Context, entry journal.Plan) error {
	p, err := openPlan(filepath.Join(n.State, "plans", entry.ID), entry.Digest)
	if err != nil {
		return err
	}
	chunks, err := n.journal.Chunks(ctx, p.PlanID)
	if err != nil {
		return err
	}
	if len(chunks) == 0 && !n.asOf.Before(p.ValidUntil) {
		n.problem(fmt.Errorf("%w: plan %s was valid until %s: this night plans anew", ErrExpired, p.PlanID, p.ValidUntil.In(n.Zone).Format(time.DateOnly)))
		return n.lapse(ctx, p)
	}
	if err := n.authorised(ctx, p); err != nil {
		return err
	}
	whole := true
	for _, s := range n.stores {
		var groups []int
		for i, g := range p.Groups {
			if g.Source == s.Name {
				groups = append(groups, i)
			}
		}
		if len(groups) == 0 {
			continue
		}
		done, err := n.applyTo(ctx, s, p, groups, chunks)
		if err != nil {
			return err
		}
		whole = whole && done
	}
	for _, g := range p.Groups {
		if slices.ContainsFunc(n.stores, func(s *store) bool { return s.Name == g.Source }) || p.Files[g.Source] != "" {
			continue // a backup file that is no longer there holds nothing any more
		}
		whole = false
		n.problem(fmt.Errorf("%w: plan %s names source %s, which the configuration no longer has", ErrSource, p.PlanID, g.Source))
	}
	n.Crash("applied")
	if !whole {
		return nil
	}
	if err := n.journal.SetPlanState(ctx, p.PlanID, journal.Settled, n.run.ID); err != nil {
		return err
	}
	n.Crash("settled")
	_, err = n.Keys.Destroy("plan/"+p.PlanID, n.Now())
	return err
}

// authorised makes sure, from signatures and the configuration rather than from the journal's word, that a plan may be applied.
func (n *night) authorised(ctx context.Context, p *plan) error {
	if p.Part == "reversible" {
		return nil
	}
	answers, err := n.answers(ctx, n.journal, p)
	if err != nil {
		return err
	}
	n.facts.Approvals = append(n.facts.Approvals, n.auditApprovals(p, answers)...)
	if missing := n.missingFor(p, answers); len(missing) > 0 && !n.ordered(p) {
		return fmt.Errorf("%w: plan %s lacks %v", ErrUnapproved, p.PlanID, missing)
	}
	return nil
}

// lapse ends a plan that may no longer be applied, and destroys the keys of its rows.
func (n *night) lapse(ctx context.Context, p *plan) error {
	if err := n.journal.SetPlanState(ctx, p.PlanID, journal.Lapsed, n.run.ID); err != nil {
		return err
	}
	_, err := n.Keys.Destroy("plan/"+p.PlanID, n.Now())
	return err
}

// applyTo executes the groups of a plan that are in one source; done says that every row of them has its outcome.
func (n *night) applyTo(ctx context.Context, s *store, p *plan, groups []int, chunks []journal.Chunk) (done bool, err error) {
	if s.err != nil {
		return false, nil
	}
	if len(chunks) == 0 {
		touched := map[string]bool{}
		for _, i := range groups {
			for _, seg := range p.Groups[i].Segments {
				touched[seg.Table] = true
			}
		}
		if fingerprint(s.tables, touched) != p.Schemas[s.Name] {
			n.problem(fmt.Errorf("%w: the schema of source %s changed since plan %s was made: this night plans anew", ErrExpired, s.Name, p.PlanID))
			return false, n.lapse(ctx, p)
		}
	}
	id, err := n.Keys.PlanIdentity(p.PlanID)
	if err != nil {
		return false, err
	}
	apps := make([]*application, len(groups))
	for k, i := range groups {
		g := s.group(p.Groups[i])
		if g == nil {
			n.problem(fmt.Errorf("%w: plan %s: silo %s no longer governs table %s of source %s: the plan ends here", ErrExpired, p.PlanID, p.Groups[i].Silo, p.Groups[i].Table, s.Name))
			return false, n.lapse(ctx, p)
		}
		a := &application{night: n, plan: p, position: i, group: g, asOf: later(p.AsOf, n.asOf)}
		for _, seg := range p.Groups[i].Segments {
			rows, err := readKeys(p.folder, seg, id)
			if err != nil {
				return false, err
			}
			a.segments = append(a.segments, rows)
		}
		apps[k] = a
	}
	if s.backup() {
		return n.rewrite(ctx, s, p, apps, chunks)
	}
	mutator, ok := s.open.(connectors.Mutator)
	if !ok {
		return false, fmt.Errorf("%w: source %s is read-only: give it an apply_dsn", ErrConfig, s.Name)
	}
	for _, a := range apps {
		a.mutator = mutator
		if err := a.run(ctx, chunks); errors.Is(err, ErrStopped) {
			return false, err
		} else if err != nil {
			n.failedSource(s, err)
			return false, nil
		}
	}
	return true, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (s *store) group(pg PlanGroup) *group {
	for _, g := range s.groups {
		if g.silo.Silo.Name == pg.Silo && g.table.Name == pg.Table {
			return g
		}
	}
	return nil
}

// application is one group of a plan being executed.
type application struct {
	*night
	plan     *plan
	position int // of the group in the plan
	group    *group
	segments [][]plannedRow
	mutator  connectors.Mutator
	asOf     time.Time
	took     time.Duration // the change of the last chunk
}

// run settles what an earlier run left open, then goes on chunk by chunk from where the journal ends.
func (a *application) run(ctx context.Context, chunks []journal.Chunk) error {
	next := int64(0)
	for _, c := range chunks {
		if c.Group != a.position {
			continue
		}
		if c.Outcome == nil {
			if err := a.settle(ctx, c, true); err != nil {
				return err
			}
		}
		next = c.First + c.Rows
	}
	size := int64(chunkRoots)
	for total := a.units(); next < total; {
		if err := a.mayWrite(); err != nil {
			return err
		}
		rows := min(size, a.stageEnd(next)-next)
		c, err := a.journal.Intend(ctx, journal.Chunk{RunID: a.night.run.ID, PlanID: a.plan.PlanID, Group: a.position, First: next, Rows: rows, IntentAt: a.Now()})
		if err != nil {
			return err
		}
		a.Crash("intent")
		if err := a.settle(ctx, c, false); err != nil {
			return err
		}
		if a.took > chunkTime {
			size = max(1, size/2)
		} else if a.took < chunkTime/3 {
			size = min(maxRoots, size*2)
		}
		next += rows
		a.Progress("apply", a.group.store.Name, next, total)
	}
	return nil
}

// units counts what chunks are made of: the governed rows, then the owned parents, segment by segment.
func (a *application) units() int64 {
	n := int64(len(a.segments[0]))
	for i, seg := range a.plan.Groups[a.position].Segments {
		if seg.Kind == "owned" {
			n += int64(len(a.segments[i]))
		}
	}
	return n
}

// stageEnd is the end of the segment of units that a position is in: a chunk never spans two.
func (a *application) stageEnd(position int64) int64 {
	end := int64(len(a.segments[0]))
	for i, seg := range a.plan.Groups[a.position].Segments {
		if position < end {
			break
		}
		if seg.Kind == "owned" {
			end += int64(len(a.segments[i]))
		}
	}
	return end
}

// part is the planned rows of one segment that belong to a chunk, with what became of each.
type part struct {
	table   string
	kind    string
	rows    []plannedRow
	outcome []byte
}

// parts cuts a chunk out of the segments.
func (a *application) parts(c journal.Chunk) []part {
	group := a.plan.Groups[a.position]
	if c.First >= int64(len(a.segments[0])) {
		first := int64(len(a.segments[0]))
		for i, seg := range group.Segments {
			if seg.Kind != "owned" {
				continue
			}
			if end := first + int64(len(a.segments[i])); c.First < end {
				rows := a.segments[i][c.First-first : c.First-first+c.Rows]
				return []part{{seg.Table, seg.Kind, rows, make([]byte, len(rows))}}
			}
			first += int64(len(a.segments[i]))
		}
	}
	var parts []part
	for i, seg := range group.Segments {
		if seg.Kind == "owned" {
			continue
		}
		rows := a.segments[i]
		from, _ := slices.BinarySearchFunc(rows, c.First, func(r plannedRow, pos int64) int { return int(r.root - pos) })
		to, _ := slices.BinarySearchFunc(rows, c.First+c.Rows, func(r plannedRow, pos int64) int { return int(r.root - pos) })
		parts = append(parts, part{seg.Table, seg.Kind, rows[from:to], make([]byte, to-from)})
	}
	return parts
}

// settle changes one chunk and makes its outcome durable. recovering says that an earlier run may have changed it already.
func (a *application) settle(ctx context.Context, c journal.Chunk, recovering bool) error {
	parts := a.parts(c)
	began := time.Now()
	var err error
	if parts[0].kind == "owned" {
		err = a.releaseOwned(ctx, &parts[0], recovering)
	} else {
		err = a.try(ctx, parts, recovering)
	}
	if a.took = time.Since(began); err != nil {
		return err
	}
	a.Crash("changed")
	if err := a.verify(ctx, parts); err != nil {
		return err
	}
	if err := a.trace(ctx, parts[0]); err != nil {
		return err
	}
	a.Crash("traced")
	var outcome []byte
	for _, p := range parts {
		outcome = append(outcome, p.outcome...)
	}
	if err := a.journal.Settle(ctx, c.ID, a.night.run.ID, outcome, a.Now()); err != nil {
		return err
	}
	a.Crash("outcome")
	return nil
}

// errMoved says that the registry got new events while a transaction was at work.
var errMoved = errors.New("the registry moved")

// try changes the parts in one transaction. If the database refuses, the chunk is split until the refused row is alone.
func (a *application) try(ctx context.Context, parts []part, recovering bool) error {
	const attempts = 8
	for attempt := 0; ; attempt++ {
		err := a.change(ctx, parts, recovering)
		var late *lateChild
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errMoved):
			if err := a.reload(ctx, a.group.silo.Silo.Name); err != nil {
				return err
			}
		case errors.As(err, &late):
			for i, r := range parts[0].rows {
				if late.roots[r.root] {
					parts[0].outcome[i] = rowDrift
				}
			}
		case errors.Is(err, connectors.ErrRefused):
			return a.split(ctx, parts, recovering)
		case errors.Is(err, connectors.ErrTransient) && attempt < attempts:
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Duration(attempt+1) * 50 * time.Millisecond):
			}
		default:
			return err
		}
	}
}

func (a *application) split(ctx context.Context, parts []part, recovering bool) error {
	roots := parts[0].rows
	if len(roots) == 1 {
		for _, p := range parts {
			for i := range p.outcome {
				p.outcome[i] = rowRefused
			}
		}
		return nil
	}
	middle := roots[len(roots)/2].root
	low, high := make([]part, len(parts)), make([]part, len(parts))
	for i, p := range parts {
		at, _ := slices.BinarySearchFunc(p.rows, middle, func(r plannedRow, pos int64) int { return int(r.root - pos) })
		low[i] = part{p.table, p.kind, p.rows[:at], p.outcome[:at]}
		high[i] = part{p.table, p.kind, p.rows[at:], p.outcome[at:]}
	}
	if err := a.try(ctx, low, recovering); err != nil {
		return err
	}
	return a.try(ctx, high, recovering)
}

// change runs the transaction of one chunk: the governed rows are locked, compared with what the plan saw and decided anew; their dependents follow
// them; before the commit the registry must still be where it was.
func (a *application) change(ctx context.Context, parts []part, recovering bool) error {
	g := a.group
	head := g.state.standings.Head()
	acts := map[int64]bool{} // positions of roots that go ahead
	excluded := map[int64]bool{}
	for i, r := range parts[0].rows {
		if parts[0].outcome[i] == rowDrift {
			excluded[r.root] = true
		}
	}
	var queries []connectors.Query
	var edits []connectors.EditFunc
	for i := range parts {
		p := &parts[i]
		if len(p.rows) == 0 {
			continue
		}
		t, ok := g.store.table(p.table)
		if !ok {
			return fmt.Errorf("%w: table %s is gone", connectors.ErrSchemaChanged, p.table)
		}
		q := connectors.Query{Table: p.table, Keys: &connectors.Keys{Fields: t.Key}}
		byKey := make(map[connectors.Key]int, len(p.rows))
		for k, r := range p.rows {
			q.Keys.Tuples = append(q.Keys.Tuples, r.key)
			byKey[r.key] = k
		}
		if p.kind == "root" {
			edits = append(edits, func(b connectors.Batch) (connectors.Edit, error) {
				return a.editRoots(b, p, byKey, excluded, acts, recovering)
			})
		} else {
			fields, keyCols, _ := union(t.Key, p.rows[0].fields)
			q.Fields = fields
			edits = append(edits, func(b connectors.Batch) (connectors.Edit, error) {
				return a.editDependents(b, p, byKey, keyCols, acts, recovering)
			})
		}
		queries = append(queries, q)
	}
	checks, checkEdits := a.lateChildren(parts, acts)
	queries, edits = append(queries, checks...), append(edits, checkEdits...)
	next := 0
	_, err := a.mutator.Mutate(ctx, queries, func(b connectors.Batch) (connectors.Edit, error) {
		next++
		return edits[next-1](b)
	}, func() error {
		now, err := a.registry.Head(ctx, g.silo.Silo.Name)
		if err == nil && now != head {
			err = errMoved
		}
		return err
	})
	return err
}

// editRoots decides the locked governed rows anew and says what happens to each.
func (a *application) editRoots(b connectors.Batch, p *part, byKey map[connectors.Key]int, excluded, acts map[int64]bool, recovering bool) (connectors.Edit, error) {
	g := a.group
	rows := int(b.Rows.NumRows())
	edit := connectors.Edit{Ops: make([]connectors.Op, rows)}
	seen := make([]bool, len(p.rows))
	setting := make([]plannedRow, rows)
	for row := range rows {
		key, _ := connectors.KeyOf(b.Rows, g.key, row)
		k, planned := byKey[key]
		if !planned {
			continue // the source matched more than was asked: not ours
		}
		seen[k] = true
		pr := p.rows[k]
		if excluded[pr.root] {
			continue
		}
		switch verdict := g.still(b.Rows, row, pr, a.plan.RunID, later(a.asOf, a.Now())); {
		case verdict == already && recovering:
			p.outcome[k] = rowRecovered
			acts[pr.root] = true
		case verdict == drifted || verdict == already:
			p.outcome[k] = rowDrift
			if verdict == already {
				p.outcome[k] = rowDone
			}
		default:
			p.outcome[k] = rowDone
			acts[pr.root] = true
			if pr.change == erase {
				edit.Ops[row] = connectors.Delete
			} else {
				edit.Ops[row] = connectors.Update
				setting[row] = pr
			}
		}
	}
	for k, was := range seen {
		if !was {
			p.outcome[k] = rowGone
			if recovering {
				p.outcome[k] = rowRecovered
			}
			acts[p.rows[k].root] = true // what depended on it goes as planned
		}
	}
	var err error
	edit.Set, err = g.assign(b, edit.Ops, setting)
	return edit, err
}

// editDependents lets the dependents go with the roots that go.
func (a *application) editDependents(b connectors.Batch, p *part, byKey map[connectors.Key]int, keyCols []int, acts map[int64]bool, recovering bool) (connectors.Edit, error) {
	rows := int(b.Rows.NumRows())
	edit := connectors.Edit{Ops: make([]connectors.Op, rows)}
	for k, r := range p.rows {
		p.outcome[k] = rowDrift
		if acts[r.root] {
			p.outcome[k] = rowGone
			if recovering {
				p.outcome[k] = rowRecovered
			}
		}
	}
	nulls := make([]bool, rows)
	for row := range rows {
		key, _ := connectors.KeyOf(b.Rows, keyCols, row)
		k, planned := byKey[key]
		if !planned || !acts[p.rows[k].root] {
			continue
		}
		p.outcome[k] = rowDone
		if p.rows[k].change == erase {
			edit.Ops[row] = connectors.Delete
		} else {
			edit.Ops[row], nulls[row] = connectors.Update, true
		}
	}
	if slices.Contains(nulls, true) {
		for _, f := range p.rows[0].fields {
			col := new(connectors.Column)
			for range rows {
				col.AppendNull()
			}
			edit.Set = append(edit.Set, connectors.Assignment{Field: f, Rows: nulls, Values: col.Array()})
		}
	}
	return edit, nil
}

// lateChild says that rows refer to planned ones which no plan holds: they came after it. The roots they would be lost with are left alone.
type lateChild struct{ roots map[int64]bool }

func (e *lateChild) Error() string { return "a referencing row was added after the plan" }

// lateChildren makes the queries that look, under the lock, for rows which refer to a row about to be deleted and are not about to be deleted
// themselves, along the foreign keys where the engine would not refuse but cascade, forget, or not know.
func (a *application) lateChildren(parts []part, acts map[int64]bool) (queries []connectors.Query, edits []connectors.EditFunc) {
	edges := newErasure(a.group.store).edges
	going := map[string]map[connectors.Key]int64{}
	for _, p := range parts {
		for _, r := range p.rows {
			if going[p.table] == nil {
				going[p.table] = map[connectors.Key]int64{}
			}
			going[p.table][r.key] = r.root
		}
	}
	for _, p := range parts {
		for _, ed := range edges[p.table] {
			if ed.onDelete == "RESTRICT" || ed.onDelete == "NO ACTION" || !slices.Equal(ed.refFields, ed.parent.Key) || len(ed.child.Key) == 0 {
				continue
			}
			roots := map[connectors.Key]int64{}
			q := connectors.Query{Table: ed.child.Name, Keys: &connectors.Keys{Fields: ed.fields}}
			for _, r := range p.rows {
				if r.change == erase {
					q.Keys.Tuples = append(q.Keys.Tuples, r.key)
					roots[r.key] = r.root
				}
			}
			if len(q.Keys.Tuples) == 0 {
				continue
			}
			fields, keyCols, fkCols := union(ed.child.Key, ed.fields)
			q.Fields = fields
			child := ed.child.Name
			queries = append(queries, q)
			edits = append(edits, func(b connectors.Batch) (connectors.Edit, error) {
				late := &lateChild{map[int64]bool{}}
				for row := range int(b.Rows.NumRows()) {
					key, _ := connectors.KeyOf(b.Rows, keyCols, row)
					ref, _ := connectors.KeyOf(b.Rows, fkCols, row)
					root, known := roots[ref]
					if !known || !acts[root] {
						continue
					}
					if _, goes := going[child][key]; !goes {
						late.roots[root] = true
					}
				}
				if len(late.roots) > 0 {
					return connectors.Edit{}, late
				}
				return connectors.Edit{}, nil
			})
		}
	}
	return queries, edits
}

// verdict is what a locked row says to its plan.
type verdict uint8

const (
	agrees  verdict = iota
	already         // it holds what the change would write
	drifted         // it, or the registry's answer, is not what the plan saw
)

// still compares a locked row with the plan and decides it anew at the registry's head.
func (g *group) still(rows arrowRecord, row int, p plannedRow, runID string, asOf time.Time) verdict {
	if p.change != erase && g.holdsNew(rows, row, p) {
		return already
	}
	if !g.mine(rows, row) || g.guard(runID, rows, row, p.change, p.fields) != p.guard {
		return drifted
	}
	r := g.rule(rows, row, asOf)
	switch p.change {
	case block:
		if r.change == block || r.block {
			return agrees
		}
	case anonymise:
		if r.change == anonymise || r.change == erase && r.Else == policy.Anonymize {
			return agrees
		}
	case clearing:
		if r.change == clearing && slices.Equal(r.clear, p.fields) {
			return agrees
		}
	default:
		if r.change == p.change {
			return agrees
		}
	}
	return drifted
}

// holdsNew reports whether a row holds what a change would write.
func (g *group) holdsNew(rows arrowRecord, row int, p plannedRow) bool {
	switch p.change {
	case block:
		return holds(rows, row, g.blocked)
	case unblock:
		return holds(rows, row, g.unblocked)
	}
	for _, t := range g.targets {
		col := rows.Column(t.column).(*array.Binary)
		if t.in(p) && !t.technique.Holds(value(col, row), col.IsNull(row)) {
			return false
		}
	}
	return true
}

// in reports whether a change touches the target.
func (t target) in(p plannedRow) bool {
	return p.change == anonymise && t.anonymize || p.change == clearing && slices.Contains(p.fields, t.field)
}

// assign computes the new values of a batch, column by column.
func (g *group) assign(b connectors.Batch, ops []connectors.Op, planned []plannedRow) ([]connectors.Assignment, error) {
	var set []connectors.Assignment
	rows := len(ops)
	constant := func(cells []cell, c change) {
		for _, cell := range cells {
			marks := make([]bool, rows)
			col := new(connectors.Column)
			for i := range rows {
				marks[i] = ops[i] == connectors.Update && planned[i].change == c
				if marks[i] {
					col.Append(cell.value)
				} else {
					col.AppendNull()
				}
			}
			if slices.Contains(marks, true) {
				set = append(set, connectors.Assignment{Field: cell.field, Rows: marks, Values: col.Array()})
			}
		}
	}
	constant(g.blocked, block)
	constant(g.unblocked, unblock)
	for _, t := range g.targets {
		marks := make([]bool, rows)
		for i := range rows {
			marks[i] = ops[i] == connectors.Update && t.in(planned[i])
		}
		if !slices.Contains(marks, true) {
			continue
		}
		col := new(connectors.Column)
		if err := t.technique.Apply(col, b.Rows.Column(t.column).(*array.Binary), marks); err != nil {
			return nil, err
		}
		set = append(set, connectors.Assignment{Field: t.field, Rows: marks, Values: col.Array()})
	}
	return set, nil
}

// releaseOwned deletes parents that only deleted rows referred to: each is locked, and goes only if no row of any table refers to it any more.
func (a *application) releaseOwned(ctx context.Context, p *part, recovering bool) error {
	s := a.group.store
	t, ok := s.table(p.table)
	if !ok {
		return fmt.Errorf("%w: table %s is gone", connectors.ErrSchemaChanged, p.table)
	}
	keys := &connectors.Keys{Fields: t.Key}
	byKey := map[connectors.Key]int{}
	for k, r := range p.rows {
		keys.Tuples = append(keys.Tuples, r.key)
		byKey[r.key] = k
	}
	used := map[connectors.Key]bool{}
	lock := connectors.Query{Table: p.table, Fields: t.Key, Keys: keys}
	queries := []connectors.Query{lock}
	edits := []connectors.EditFunc{func(connectors.Batch) (connectors.Edit, error) { return connectors.Edit{}, nil }}
	for _, ed := range newErasure(s).edges[p.table] {
		queries = append(queries, connectors.Query{Table: ed.child.Name, Fields: ed.fields, Keys: &connectors.Keys{Fields: ed.fields, Tuples: keys.Tuples}})
		cols := make([]int, len(ed.fields))
		for i := range cols {
			cols[i] = i
		}
		edits = append(edits, func(b connectors.Batch) (connectors.Edit, error) {
			for row := range int(b.Rows.NumRows()) {
				ref, _ := connectors.KeyOf(b.Rows, cols, row)
				used[ref] = true
			}
			return connectors.Edit{}, nil
		})
	}
	queries = append(queries, lock)
	edits = append(edits, func(b connectors.Batch) (connectors.Edit, error) {
		for k := range p.rows {
			p.outcome[k] = rowGone
			if recovering {
				p.outcome[k] = rowRecovered
			}
		}
		cols := make([]int, len(t.Key))
		for i := range cols {
			cols[i] = i
		}
		edit := connectors.Edit{Ops: make([]connectors.Op, b.Rows.NumRows())}
		for row := range edit.Ops {
			key, _ := connectors.KeyOf(b.Rows, cols, row)
			k, planned := byKey[key]
			switch {
			case !planned:
			case used[key]:
				p.outcome[k] = rowDrift
			default:
				p.outcome[k], edit.Ops[row] = rowDone, connectors.Delete
			}
		}
		return edit, nil
	})
	for attempt := 0; ; attempt++ {
		next := 0
		clear(used)
		_, err := a.mutator.Mutate(ctx, queries, func(b connectors.Batch) (connectors.Edit, error) {
			next++
			return edits[next-1](b)
		}, func() error { return nil })
		switch {
		case errors.Is(err, connectors.ErrTransient) && attempt < 8:
			time.Sleep(time.Duration(attempt+1) * 50 * time.Millisecond)
		case errors.Is(err, connectors.ErrRefused):
			for k := range p.outcome {
				p.outcome[k] = rowRefused
			}
			return nil
		default:
			return err
		}
	}
}

// verify reads the deleted rows again: none may be there.
func (a *application) verify(ctx context.Context, parts []part) error {
	for i := range parts {
		p := &parts[i]
		t, _ := a.group.store.table(p.table)
		keys := &connectors.Keys{Fields: t.Key}
		at := map[connectors.Key]int{}
		for k, r := range p.rows {
			if r.change == erase && (p.outcome[k] == rowDone || p.outcome[k] == rowRecovered) {
				keys.Tuples = append(keys.Tuples, r.key)
				at[r.key] = k
			}
		}
		if len(keys.Tuples) == 0 {
			continue
		}
		cols := make([]int, len(t.Key))
		for i := range cols {
			cols[i] = i
		}
		for b, err := range a.group.store.open.Scan(ctx, connectors.Query{Table: p.table, Fields: t.Key, Keys: keys}) {
			if err != nil {
				return err
			}
			for row := range int(b.Rows.NumRows()) {
				key, _ := connectors.KeyOf(b.Rows, cols, row)
				if k, ok := at[key]; ok {
					p.outcome[k] = rowUnverified
				}
			}
		}
	}
	return nil
}

// trace leaves in the registry what later nights need: tombstones of what is gone or anonymized, and the mark of what Lethe blocked.
func (a *application) trace(ctx context.Context, roots part) error {
	if roots.kind != "root" {
		return nil
	}
	g := a.group
	var tombs []registry.Tombstone
	var blocked []registry.Flag
	var freed []registry.FlagKey
	var reasons []reason.Code // that a row may be flagged for
	if len(g.state.flags) > 0 {
		reasons = reason.Codes()
	}
	for k, r := range roots.rows {
		if o := roots.outcome[k]; o != rowDone && o != rowRecovered && o != rowUnverified {
			continue
		}
		switch r.change {
		case erase, anonymise:
			t := registry.Tombstone{System: g.store.System(), Object: g.table.Name, Record: r.record, Subject: r.subject, Action: string(policy.Delete), PlanDigest: a.plan.digest, ErasedAt: a.asOf}
			t.DropAfter = a.lastBackup(g.store.System())
			if r.change == anonymise {
				t.Action = string(policy.Anonymize)
			} else if !g.store.backup() { // the key may be used again, for a row that Lethe did not block and whose grace begins anew
				freed = append(freed, registry.FlagKey{Record: r.record, Reason: flagBlocked})
				for _, code := range reasons {
					if flagged := (registry.FlagKey{Record: r.record, Reason: string(code)}); !g.state.flags[flagged].IsZero() {
						freed = append(freed, flagged)
					}
				}
			}
			tombs = append(tombs, t)
			g.store.erased = true
		case block:
			blocked = append(blocked, registry.Flag{FlagKey: registry.FlagKey{Record: r.record, Reason: flagBlocked}, Since: a.asOf})
		case unblock:
			freed = append(freed, registry.FlagKey{Record: r.record, Reason: flagBlocked})
		}
	}
	silo := g.silo.Silo.Name
	return errors.Join(a.registry.PutTombstones(ctx, silo, tombs), a.registry.SetFlags(ctx, silo, blocked), a.registry.DropFlags(ctx, silo, freed))
}

// lastBackup is when the last backup that may hold a row erased today is gone.
func (n *night) lastBackup(system string) time.Time {
	last := n.asOf.AddDate(0, 0, 90)
	for _, s := range n.Sources {
		if s.Of == system && !s.Keep.IsZero() {
			if end := calendar.EndOf(n.today, s.Keep).Start(n.Zone); end.After(last) {
				last = end
			}
		}
	}
	return last
}
