package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lethe/connectors"
	"lethe/pipeline/dependents"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/limits"
	"lethe/pipeline/notes"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/setup"
	"lethe/pipeline/silos"
	"lethe/pipeline/state"
	"lethe/pipeline/stores"
)

// chunkRoots is the number of governed rows with which a group starts; the time for which a chunk's change keeps the source's rows locked then adapts it. What comes
// after the change, in the registry and the journal, holds nobody up, and costs a row the less the more there are.
const (
	chunkRoots = 200
	maxRoots   = 5000
	chunkTime  = 200 * time.Millisecond
)

// Apply executes every approved plan, oldest first. What a crash interrupted is finished; what moved since the plan is skipped as drift.
func (ap *Applier) Apply(ctx context.Context) error {
	if !ap.Tonight.Apply {
		return nil
	}
	plans, err := ap.Journal.Plans(ctx, journal.Approved)
	if err != nil {
		return err
	}
	for _, entry := range plans {
		if err := ap.applyPlan(ctx, entry); errors.Is(err, setup.ErrStopped) {
			ap.Notes.Problem(err)
			return nil
		} else if err != nil {
			return fmt.Errorf("apply plan %s: %w", entry.ID, err)
		}
	}
	for silo := range ap.Silos.Silos { // what was changed just now left its traces
		if err := ap.Silos.RecallTraces(ctx, silo); err != nil {
			return err
		}
	}
	return nil
}

// applyPlan executes one plan group by group: live sources in chunks, backups by one rewrite a file.
func (ap *Applier) applyPlan(ctx context.Context, entry journal.Plan) error {
	p, err := plan.Open(ap.Setup.State, entry)
	if err != nil {
		return err
	}
	chunks, err := ap.Journal.Chunks(ctx, p.PlanID)
	if err != nil {
		return err
	}
	if len(chunks) == 0 && !ap.Tonight.AsOf.Before(p.ValidUntil) {
		ap.Notes.Problem(fmt.Errorf("%w: plan %s was valid until %s: this night plans anew", setup.ErrExpired, p.PlanID, p.ValidUntil.In(ap.Setup.Zone).Format(time.DateOnly)))
		return plan.Lapse(ctx, ap.Setup, ap.Journal, p, ap.Tonight.RunID)
	}
	if err := ap.authorised(ctx, p); err != nil {
		return err
	}
	whole := true
	for _, s := range ap.Stores.List {
		var groups []int
		for i, g := range p.Groups {
			if g.Source == s.Name {
				groups = append(groups, i)
			}
		}
		if len(groups) == 0 {
			continue
		}
		done, err := ap.applyTo(ctx, s, p, groups, chunks)
		if err != nil {
			return err
		}
		whole = whole && done
	}
	for _, g := range p.Groups {
		if ap.Stores.Find(g.Source) != nil || p.Files[g.Source] != "" {
			continue // a backup file that is no longer there holds nothing any more
		}
		whole = false
		ap.Notes.Problem(fmt.Errorf("%w: plan %s names source %s, which the configuration no longer has", setup.ErrSource, p.PlanID, g.Source))
	}
	ap.Setup.Crash("applied")
	if !whole {
		return nil
	}
	if err := ap.Journal.SetPlanState(ctx, p.PlanID, journal.Settled, ap.Tonight.RunID); err != nil {
		return err
	}
	ap.Setup.Crash("settled")
	_, err = ap.Setup.Keys.Destroy("plan/"+p.PlanID, ap.Setup.Now())
	return err
}

// authorised makes sure, from signatures and the configuration rather than from the journal's word, that a plan may be applied.
func (ap *Applier) authorised(ctx context.Context, p *plan.Sealed) error {
	if p.Part == plan.Reversible {
		return nil
	}
	answers, err := plan.Answers(ctx, ap.Setup, ap.Journal, p)
	if err != nil {
		return err
	}
	ap.Notes.Facts.Approvals = append(ap.Notes.Facts.Approvals, plan.Approvals(ap.Setup, p, answers)...)
	missing := plan.Missing(ap.Setup, p, answers)
	if len(missing) == 0 {
		return nil
	}
	if !ap.Limits.Covers(p) {
		return fmt.Errorf("%w: plan %s lacks %v", setup.ErrUnapproved, p.PlanID, missing)
	}
	ap.Limits.Note(p)
	return nil
}

// Applier executes approved plans.
type Applier struct {
	Setup   *setup.Setup
	Tonight setup.Tonight
	Notes   *notes.Notes
	Journal *journal.Journal
	Silos   *silos.Set
	Stores  *stores.Set
	Limits  *limits.Limits
}

// applyTo executes the groups of a plan that are in one source; done says that every row of them has its outcome.
func (ap *Applier) applyTo(ctx context.Context, s *stores.Store, p *plan.Sealed, groups []int, chunks []journal.Chunk) (done bool, err error) {
	if s.Err != nil {
		return false, nil
	}
	if len(chunks) == 0 {
		touched := map[string]bool{}
		for _, i := range groups {
			for _, seg := range p.Groups[i].Segments {
				touched[seg.Table] = true
			}
		}
		if stores.Fingerprint(s.Tables, touched) != p.Schemas[s.Name] {
			ap.Notes.Problem(fmt.Errorf("%w: the schema of source %s changed since plan %s was made: this night plans anew", setup.ErrExpired, s.Name, p.PlanID))
			return false, plan.Lapse(ctx, ap.Setup, ap.Journal, p, ap.Tonight.RunID)
		}
	}
	id, err := ap.Setup.Keys.PlanIdentity(p.PlanID)
	if err != nil {
		return false, err
	}
	apps := make([]*application, len(groups))
	for k, i := range groups {
		g := s.Judge(p.Groups[i].Silo, p.Groups[i].Table)
		if g == nil {
			ap.Notes.Problem(fmt.Errorf("%w: plan %s: silo %s no longer governs table %s of source %s: the plan ends here", setup.ErrExpired, p.PlanID, p.Groups[i].Silo, p.Groups[i].Table, s.Name))
			return false, plan.Lapse(ctx, ap.Setup, ap.Journal, p, ap.Tonight.RunID)
		}
		a := &application{Applier: ap, plan: p, position: i, store: s, judge: g, asOf: later(p.AsOf, ap.Tonight.AsOf)}
		for _, seg := range p.Groups[i].Segments {
			rows, err := plan.ReadRows(p.Folder, seg, id)
			if err != nil {
				return false, err
			}
			a.segments = append(a.segments, rows)
		}
		apps[k] = a
	}
	if s.Backup() {
		return ap.rewrite(ctx, s, p, apps, chunks)
	}
	mutator, ok := s.Conn.(connectors.Mutator)
	if !ok {
		ap.Notes.Problem(fmt.Errorf("%w: plan %s changes rows of source %s, which can only be read now: "+
			"give it an apply_dsn again", setup.ErrSource, p.PlanID, s.Name))
		return false, nil
	}
	for _, a := range apps {
		a.mutator = mutator
		if err := a.run(ctx, chunks); errors.Is(err, setup.ErrStopped) {
			return false, err
		} else if err != nil {
			ap.Stores.FailedSource(s, err)
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

// application is one group of a plan being executed.
type application struct {
	*Applier
	plan     *plan.Sealed
	position int // of the group in the plan
	store    *stores.Store
	judge    *judge.Judge
	segments [][]judge.Planned
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
		if err := state.MayWrite(a.Setup, a.Tonight.Until); err != nil {
			return err
		}
		rows := min(size, a.stageEnd(next)-next)
		c, err := a.Journal.Intend(ctx, journal.Chunk{RunID: a.Tonight.RunID, PlanID: a.plan.PlanID, Group: a.position, First: next, Rows: rows, IntentAt: a.Setup.Now()})
		if err != nil {
			return err
		}
		a.Setup.Crash("intent")
		if err := a.settle(ctx, c, false); err != nil {
			return err
		}
		if a.took > chunkTime {
			size = max(1, size/2)
		} else if a.took < chunkTime/3 {
			size = min(maxRoots, size*2)
		}
		next += rows
		a.Setup.Progress("apply", a.store.Name, next, total)
	}
	return nil
}

// units counts what chunks are made of: the governed rows, then the owned parents, segment by segment.
func (a *application) units() int64 {
	n := int64(len(a.segments[0]))
	for i, seg := range a.plan.Groups[a.position].Segments {
		if seg.Kind == plan.Owned {
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
		if seg.Kind == plan.Owned {
			end += int64(len(a.segments[i]))
		}
	}
	return end
}

// part is the planned rows of one segment that belong to a chunk, with what became of each.
type part struct {
	table   string
	kind    plan.Kind
	rows    []judge.Planned
	outcome []byte
}

// parts cuts a chunk out of the segments.
func (a *application) parts(c journal.Chunk) []part {
	group := a.plan.Groups[a.position]
	if c.First >= int64(len(a.segments[0])) {
		first := int64(len(a.segments[0]))
		for i, seg := range group.Segments {
			if seg.Kind != plan.Owned {
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
		if seg.Kind == plan.Owned {
			continue
		}
		rows := a.segments[i]
		from, _ := slices.BinarySearchFunc(rows, c.First, func(r judge.Planned, pos int64) int { return int(r.Root - pos) })
		to, _ := slices.BinarySearchFunc(rows, c.First+c.Rows, func(r judge.Planned, pos int64) int { return int(r.Root - pos) })
		parts = append(parts, part{seg.Table, seg.Kind, rows[from:to], make([]byte, to-from)})
	}
	return parts
}

// settle changes one chunk and makes its outcome durable. recovering says that an earlier run may have changed it already.
func (a *application) settle(ctx context.Context, c journal.Chunk, recovering bool) error {
	parts := a.parts(c)
	began := time.Now()
	var err error
	if parts[0].kind == plan.Owned {
		err = a.releaseOwned(ctx, &parts[0], recovering)
	} else {
		err = a.try(ctx, parts, recovering)
	}
	if a.took = time.Since(began); err != nil {
		return err
	}
	a.Setup.Crash("changed")
	if err := a.verify(ctx, parts); err != nil {
		return err
	}
	if err := a.trace(ctx, parts[0]); err != nil {
		return err
	}
	a.Setup.Crash("traced")
	var outcome []byte
	for _, p := range parts {
		outcome = append(outcome, p.outcome...)
	}
	if err := a.Journal.Settle(ctx, c.ID, a.Tonight.RunID, outcome, a.Setup.Now()); err != nil {
		return err
	}
	a.Setup.Crash("outcome")
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
			if err := a.Silos.Reload(ctx, a.judge.Silo.Silo.Name); err != nil {
				return err
			}
		case errors.As(err, &late):
			for i, r := range parts[0].rows {
				if late.roots[r.Root] {
					parts[0].outcome[i] = plan.Drift
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
				p.outcome[i] = plan.Refused
			}
		}
		return nil
	}
	middle := roots[len(roots)/2].Root
	low, high := make([]part, len(parts)), make([]part, len(parts))
	for i, p := range parts {
		at, _ := slices.BinarySearchFunc(p.rows, middle, func(r judge.Planned, pos int64) int { return int(r.Root - pos) })
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
	g := a.judge
	head := g.State.Standings.Head()
	acts := map[int64]bool{} // positions of roots that go ahead
	excluded := map[int64]bool{}
	for i, r := range parts[0].rows {
		if parts[0].outcome[i] == plan.Drift {
			excluded[r.Root] = true
		}
	}
	var queries []connectors.Query
	var edits []connectors.EditFunc
	for i := range parts {
		p := &parts[i]
		if len(p.rows) == 0 {
			continue
		}
		t, ok := a.store.Tables.Find(p.table)
		if !ok {
			return fmt.Errorf("%w: table %s is gone", connectors.ErrSchemaChanged, p.table)
		}
		q := connectors.Query{Table: p.table, Keys: &connectors.Keys{Fields: t.Key}}
		byKey := make(map[connectors.Key]int, len(p.rows))
		for k, r := range p.rows {
			q.Keys.Tuples = append(q.Keys.Tuples, r.Key)
			byKey[r.Key] = k
		}
		if p.kind == plan.Root {
			edits = append(edits, func(b connectors.Batch) (connectors.Edit, error) {
				return a.editRoots(b, p, byKey, excluded, acts, recovering)
			})
		} else {
			fields, keyCols, _ := dependents.Union(t.Key, p.rows[0].Fields)
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
		now, err := a.Silos.Registry.Head(ctx, g.Silo.Silo.Name)
		if err == nil && now != head {
			err = errMoved
		}
		return err
	})
	return err
}

// editRoots decides the locked governed rows anew and says what happens to each.
func (a *application) editRoots(b connectors.Batch, p *part, byKey map[connectors.Key]int, excluded, acts map[int64]bool, recovering bool) (connectors.Edit, error) {
	g := a.judge
	rows := int(b.Rows.NumRows())
	edit := connectors.Edit{Ops: make([]connectors.Op, rows)}
	seen := make([]bool, len(p.rows))
	setting := make([]judge.Planned, rows)
	for row := range rows {
		key, _ := connectors.KeyOf(b.Rows, g.Key, row)
		k, planned := byKey[key]
		if !planned {
			continue // the source matched more than was asked: not ours
		}
		seen[k] = true
		pr := p.rows[k]
		if excluded[pr.Root] {
			continue
		}
		switch verdict := g.Still(b.Rows, row, pr, a.plan.RunID, later(a.asOf, a.Setup.Now())); {
		case verdict == judge.Already && recovering:
			p.outcome[k] = plan.Recovered
			acts[pr.Root] = true
		case verdict == judge.Drifted || verdict == judge.Already:
			p.outcome[k] = plan.Drift
			if verdict == judge.Already {
				p.outcome[k] = plan.Done
			}
		default:
			p.outcome[k] = plan.Done
			acts[pr.Root] = true
			if pr.Change == judge.Delete {
				edit.Ops[row] = connectors.Delete
			} else {
				edit.Ops[row] = connectors.Update
				setting[row] = pr
			}
		}
	}
	for k, was := range seen {
		if !was {
			p.outcome[k] = plan.Gone
			if recovering {
				p.outcome[k] = plan.Recovered
			}
			acts[p.rows[k].Root] = true // what depended on it goes as planned
		}
	}
	var err error
	edit.Set, err = g.Assign(b, edit.Ops, setting)
	return edit, err
}

// editDependents lets the dependents go with the roots that go.
func (a *application) editDependents(b connectors.Batch, p *part, byKey map[connectors.Key]int, keyCols []int, acts map[int64]bool, recovering bool) (connectors.Edit, error) {
	rows := int(b.Rows.NumRows())
	edit := connectors.Edit{Ops: make([]connectors.Op, rows)}
	for k, r := range p.rows {
		p.outcome[k] = plan.Drift
		if acts[r.Root] {
			p.outcome[k] = plan.Gone
			if recovering {
				p.outcome[k] = plan.Recovered
			}
		}
	}
	nulls := make([]bool, rows)
	for row := range rows {
		key, _ := connectors.KeyOf(b.Rows, keyCols, row)
		k, planned := byKey[key]
		if !planned || !acts[p.rows[k].Root] {
			continue
		}
		p.outcome[k] = plan.Done
		if p.rows[k].Change == judge.Delete {
			edit.Ops[row] = connectors.Delete
		} else {
			edit.Ops[row], nulls[row] = connectors.Update, true
		}
	}
	if slices.Contains(nulls, true) {
		for _, f := range p.rows[0].Fields {
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
	edges := dependents.New(a.store).Edges
	going := map[string]map[connectors.Key]int64{}
	for _, p := range parts {
		for _, r := range p.rows {
			if going[p.table] == nil {
				going[p.table] = map[connectors.Key]int64{}
			}
			going[p.table][r.Key] = r.Root
		}
	}
	for _, p := range parts {
		for _, ed := range edges[p.table] {
			if ed.OnDelete == "RESTRICT" || ed.OnDelete == "NO ACTION" || !slices.Equal(ed.RefFields, ed.Parent.Key) || len(ed.Child.Key) == 0 {
				continue
			}
			roots := map[connectors.Key]int64{}
			q := connectors.Query{Table: ed.Child.Name, Keys: &connectors.Keys{Fields: ed.Fields}}
			for _, r := range p.rows {
				if r.Change == judge.Delete {
					q.Keys.Tuples = append(q.Keys.Tuples, r.Key)
					roots[r.Key] = r.Root
				}
			}
			if len(q.Keys.Tuples) == 0 {
				continue
			}
			fields, keyCols, fkCols := dependents.Union(ed.Child.Key, ed.Fields)
			q.Fields = fields
			child := ed.Child.Name
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

// releaseOwned deletes parents that only deleted rows referred to: each is locked, and goes only if no row of any table refers to it any more.
func (a *application) releaseOwned(ctx context.Context, p *part, recovering bool) error {
	s := a.store
	t, ok := s.Tables.Find(p.table)
	if !ok {
		return fmt.Errorf("%w: table %s is gone", connectors.ErrSchemaChanged, p.table)
	}
	keys := &connectors.Keys{Fields: t.Key}
	byKey := map[connectors.Key]int{}
	for k, r := range p.rows {
		keys.Tuples = append(keys.Tuples, r.Key)
		byKey[r.Key] = k
	}
	used := map[connectors.Key]bool{}
	lock := connectors.Query{Table: p.table, Fields: t.Key, Keys: keys}
	queries := []connectors.Query{lock}
	edits := []connectors.EditFunc{func(connectors.Batch) (connectors.Edit, error) { return connectors.Edit{}, nil }}
	for _, ed := range dependents.New(s).Edges[p.table] {
		queries = append(queries, connectors.Query{Table: ed.Child.Name, Fields: ed.Fields, Keys: &connectors.Keys{Fields: ed.Fields, Tuples: keys.Tuples}})
		cols := make([]int, len(ed.Fields))
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
			p.outcome[k] = plan.Gone
			if recovering {
				p.outcome[k] = plan.Recovered
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
				p.outcome[k] = plan.Drift
			default:
				p.outcome[k], edit.Ops[row] = plan.Done, connectors.Delete
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
				p.outcome[k] = plan.Refused
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
		cols := make([]int, len(t.Key))
		for i := range cols {
			cols[i] = i
		}
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

// trace leaves in the registry what later nights need: tombstones of what is gone or anonymized, and the mark of what Lethe blocked.
func (a *application) trace(ctx context.Context, roots part) error {
	if roots.kind != plan.Root {
		return nil
	}
	g := a.judge
	var tombs []registry.Tombstone
	var blocked []registry.Flag
	var freed []registry.FlagKey
	var reasons []policy.Code // that a row may be flagged for
	if len(g.State.Flags) > 0 {
		reasons = policy.Codes()
	}
	for k, r := range roots.rows {
		if o := roots.outcome[k]; o != plan.Done && o != plan.Recovered && o != plan.Unverified {
			continue
		}
		switch r.Change {
		case judge.Delete, judge.Anonymize:
			t := registry.Tombstone{System: a.store.System(), Object: g.Table.Name, Record: r.Record, Subject: r.Subject, Action: string(policy.Delete), PlanDigest: a.plan.Digest, ErasedAt: a.asOf}
			t.DropAfter = a.lastBackup(a.store.System())
			if r.Change == judge.Anonymize {
				t.Action = string(policy.Anonymize)
			} else if !a.store.Backup() { // the key may be used again, for a row that Lethe did not block and whose grace begins anew
				freed = append(freed, registry.FlagKey{Record: r.Record, Reason: judge.FlagBlocked})
				for _, code := range reasons {
					if flagged := (registry.FlagKey{Record: r.Record, Reason: string(code)}); !g.State.Flags[flagged].IsZero() {
						freed = append(freed, flagged)
					}
				}
			}
			tombs = append(tombs, t)
			a.store.Erased = true
		case judge.Block:
			blocked = append(blocked, registry.Flag{FlagKey: registry.FlagKey{Record: r.Record, Reason: judge.FlagBlocked}, Since: a.asOf})
		case judge.Unblock:
			freed = append(freed, registry.FlagKey{Record: r.Record, Reason: judge.FlagBlocked})
		}
	}
	silo := g.Silo.Silo.Name
	return errors.Join(a.Silos.Registry.PutTombstones(ctx, silo, tombs), a.Silos.Registry.SetFlags(ctx, silo, blocked), a.Silos.Registry.DropFlags(ctx, silo, freed))
}

// lastBackup is when the last backup that may hold a row erased today is gone.
func (ap *Applier) lastBackup(system string) time.Time {
	last := ap.Tonight.AsOf.AddDate(0, 0, 90)
	for _, s := range ap.Setup.Sources {
		if s.Of == system && !s.Keep.IsZero() {
			if end := policy.EndOf(ap.Tonight.Today, s.Keep).Start(ap.Setup.Zone); end.After(last) {
				last = end
			}
		}
	}
	return last
}
