package execute

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/execute/verdict"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
)

// attempts is how often a transaction is tried that failed for a passing reason.
const attempts = 8

// Live changes the rows from one position of the set up to another in one transaction: whole units, or the
// beginning of one that is too large for a transaction, or what is left of it. What the database refuses is
// left as it was, with what hangs together with it. recovering says that an earlier run may have committed it already.
func (x *Executor) Live(ctx context.Context, m connectors.Mutator, from, to int, recovering bool) error {
	first := from
	for first > 0 && x.set.Rows[first-1].Unit == x.set.Rows[from].Unit {
		first--
	}
	t := &transaction{Executor: x, mutator: m, recovering: recovering, first: first, from: from, to: to,
		last: x.set.UnitEnd(to - 1)}
	err := t.try(ctx)
	if errors.Is(err, connectors.ErrRefused) {
		return x.split(ctx, t, err)
	}
	if errors.Is(err, connectors.ErrLocked) {
		return x.locked(ctx, t, err)
	}
	if err != nil {
		return err
	}
	return t.verify(context.WithoutCancel(ctx)) // it is changed: its outcome has to be known
}

// split halves what the database refused, until the unit that it refuses is alone.
func (x *Executor) split(ctx context.Context, t *transaction, refusal error) error {
	ctx = context.WithoutCancel(ctx) // once the first half is changed, the outcome of all has to be known
	if middle := x.halve(t); middle < t.to {
		if err := x.Live(ctx, t.mutator, t.from, middle, t.recovering); err != nil {
			return err
		}
		return x.Live(ctx, t.mutator, middle, t.to, t.recovering)
	}
	return x.refuse(ctx, t, refusalOf(refusal, Refusal{Class: "DATABASE"}))
}

// halve is about the middle of a transaction, between two units; its end where it is of one.
func (x *Executor) halve(t *transaction) int {
	middle := t.from + (t.to-t.from)/2
	for middle > t.from && x.set.Rows[middle-1].Unit == x.set.Rows[middle].Unit {
		middle--
	}
	if middle == t.from {
		middle = min(x.set.UnitEnd(t.from), t.to)
	}
	return middle
}

// transaction is one attempt after another to change some rows.
type transaction struct {
	*Executor
	mutator    connectors.Mutator
	recovering bool
	first      int          // of the unit that from is in
	from, to   int          // the rows to be changed
	last       int          // behind the unit that the last of them is in
	only       map[int]bool // of a unit that was refused, the part that is changed; nil: all
	all        bool         // also look along edges at which the engine would refuse
	given      []verdict.Verdict
	seen       *verdict.View
	skipped    bool                           // a row was not as assumed, and so not changed
	referred   map[int]map[int]connectors.Key // by edge to fields that are no key: the values of each row
	asides     []aside                        // what cannot be locked, and what the next transactions take
}

// try runs the transaction until what it did is what the rows as they are ask for.
func (t *transaction) try(ctx context.Context) error {
	known := t.fresh()
	for attempt := 0; ; attempt++ {
		err := t.run(ctx, known)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errAgain):
			known = t.seen
			if attempt >= attempts {
				return errors.Join(connectors.ErrTransient, err)
			}
		case errors.Is(err, errMoved):
			if err := t.reload(ctx, t.silos(t.first, t.last)); err != nil {
				return err
			}
		// before what was seen could be said
		case errors.Is(err, connectors.ErrRefused) && attempt < attempts && t.otherwise():
			known = t.seen
		case errors.Is(err, connectors.ErrRefused) && !t.all: // perhaps for a row that came after the plan
			t.all = true
		case errors.Is(err, connectors.ErrLocked): // it was waited for, as long as the engine does
			return err
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

// fresh assumes of every row what the plan saw, but for those that earlier transactions dealt with.
func (t *transaction) fresh() *verdict.View {
	v := verdict.NewView(t.first, t.last)
	for i := t.first; i < t.from; i++ {
		v.Rows[i-v.From] = settled(t.outcomes[i])
	}
	for i := t.from; i < t.to; i++ {
		if t.stays(i) {
			v.Rows[i-v.From] = verdict.Drifted
		}
	}
	return v
}

// step is one query of the transaction: rows of one table and level.
type step struct {
	table  string
	level  int
	rows   []int
	layout layout
	detach bool // the fields by which rows refer in a circle are emptied, before anything else is done
	only   bool // rows are looked at, and not changed here
	aside  bool // and not locked either
}

// steps are the queries of the transaction: what is referred to before what refers, since edits are applied
// the other way round.
func (t *transaction) steps() []step {
	type place struct {
		table string
		level int
		only  bool
		root  bool
	}
	byPlace := map[place]*step{}
	var steps []*step
	for i := t.first; i < t.last; i++ {
		c := &t.set.Rows[i]
		if i < t.from {
			continue // dealt with
		}
		mine := i < t.to // or the next transaction's: nothing is begun that it could not end
		p := place{c.Table, c.Level, !mine, c.Kind == change.Root}
		if byPlace[p] == nil {
			byPlace[p] = &step{table: c.Table, level: c.Level, only: !mine, aside: !mine && !p.root,
				layout: t.tables[c.Table].brief}
			if p.root {
				byPlace[p].layout = t.tables[c.Table].whole
			}
			steps = append(steps, byPlace[p])
		}
		byPlace[p].rows = append(byPlace[p].rows, i)
	}
	slices.SortStableFunc(steps, func(a, b *step) int {
		return cmp.Or(cmp.Compare(a.level, b.level),
			strings.Compare(a.table, b.table))
	})
	out := make([]step, len(steps))
	for i, s := range steps {
		out[i] = *s
	}
	detach := map[string]*step{}
	for i := t.from; i < t.to; i++ {
		if c := &t.set.Rows[i]; len(c.Detach) > 0 {
			if detach[c.Table] == nil {
				detach[c.Table] = &step{table: c.Table, detach: true, layout: t.tables[c.Table].brief}
			}
			detach[c.Table].rows = append(detach[c.Table].rows, i)
		}
	}
	for _, table := range sortedKeys(detach) {
		out = append(out, *detach[table])
	}
	return out
}

// run is one transaction. It is decided by what is known; where the rows turn out to ask for something else,
// all is rolled back.
func (t *transaction) run(ctx context.Context, known *verdict.View) error {
	t.seen, t.skipped, t.asides = t.fresh(), false, nil
	t.given = verdict.Of(t.set, known, t.recovering)
	for i := t.from; i < t.to; i++ { // what is not met is gone
		if !t.stays(i) {
			t.seen.Rows[i-t.seen.From] = verdict.Gone
		}
	}
	steps := t.steps()
	var queries []connectors.Query
	var edit []connectors.EditFunc
	for _, s := range steps {
		if s.only {
			for _, i := range s.rows {
				t.seen.Rows[i-t.seen.From] = verdict.Gone
			}
		}
		look := func(b connectors.Batch) (connectors.Edit, error) { return t.edit(s, b, known) }
		if s.aside {
			t.asides = append(t.asides, aside{t.query(s), look})
			continue
		}
		queries, edit = append(queries, t.query(s)), append(edit, look)
	}
	whose, takes, after, err := t.carried(ctx)
	defer after()
	if err != nil {
		return err
	}
	queries, edit = append(whose, queries...), append(takes, edit...)
	late, looks, err := t.late(ctx)
	if err != nil {
		return err
	}
	at := len(queries)
	for at > 0 && steps[len(steps)-1-(len(queries)-at)].detach {
		at--
	}
	queries, edit = slices.Insert(queries, at, late...), slices.Insert(edit, at, looks...)
	next := 0
	_, err = t.mutator.Mutate(ctx, queries, func(b connectors.Batch) (connectors.Edit, error) {
		next++
		e, err := edit[next-1](b)
		if err == nil && next == len(edit) { // all is locked, and nothing changed
			err = t.lookAside(ctx)
		}
		return e, err
	}, func() error { return t.confirm(ctx) })
	return err
}

func (t *transaction) query(s step) connectors.Query {
	q := connectors.Query{Table: s.table, Fields: s.layout.fields,
		Keys: &connectors.Keys{Fields: t.tables[s.table].Key}}
	for _, i := range s.rows {
		q.Keys.Tuples = append(q.Keys.Tuples, t.set.Rows[i].Key)
	}
	return q
}

// edit looks at the locked rows of a step and says what happens to each.
func (t *transaction) edit(s step, b connectors.Batch, known *verdict.View) (connectors.Edit, error) {
	byKey := make(map[connectors.Key]int, len(s.rows))
	for _, i := range s.rows {
		byKey[t.set.Rows[i].Key] = i
	}
	e := change.NewEdits(b)
	for row := range e.Ops {
		key, _ := connectors.KeyOf(b.Rows, s.layout.key, row)
		i, planned := byKey[key]
		if !planned {
			continue // the source matched more than was asked: not ours
		}
		c, v := &t.set.Rows[i], t.given[i-known.From]
		if s.detach {
			if v.Op == judge.Delete && t.asAssumed(i, known) {
				e.Add(row, c, nil, judge.SetNull, c.Detach)
			}
			continue
		}
		t.look(b, s.layout, row, i, t.seen)
		if t.stays(i) {
			t.seen.Rows[i-t.seen.From] = verdict.Drifted
		}
		t.sameValues(b, s.layout, row, i)
		switch {
		case s.only:
		case t.asAssumed(i, known):
			e.Add(row, c, t.judgeOf(c), v.Op, v.Nulls)
		case v.Op != judge.None:
			t.skipped = true
		}
	}
	return e.Edit()
}

// asAssumed reports whether a row is as it was assumed when it was decided.
func (t *transaction) asAssumed(i int, known *verdict.View) bool {
	if t.seen.Status(i) != known.Status(i) {
		return false
	}
	for k := range t.set.Rows[i].Refs {
		if t.seen.Ref(i, k) != known.Ref(i, k) {
			return false
		}
	}
	return true
}

// confirm holds what was done against what the rows, now that all were seen, ask for, and the registry
// against what they were decided by.
func (t *transaction) confirm(ctx context.Context) error {
	if err := t.still(ctx, t.silos(t.first, t.last)); err != nil {
		return err
	}
	if t.otherwise() {
		return errAgain
	}
	if err := t.remember(ctx, t.first, t.last); err != nil {
		return err
	}
	begun := t.begun()
	for i, v := range verdict.Of(t.set, t.seen, t.recovering) {
		if at := t.first + i; at >= t.from && at < t.to && !t.stays(at) {
			t.outcomes[at] = v.Outcome
			t.held[at] = v.Held
			if v.Outcome == plan.Drift && begun[at] {
				t.outcomes[at] = plan.Half
			}
		}
	}
	return nil
}

// begun are the rows with which others of their unit were to go, and went in an earlier transaction.
func (t *transaction) begun() map[int]bool {
	begun := map[int]bool{}
	for i := t.first; i < t.to; i++ { // what refers stands before what it refers to
		o := t.outcomes[i]
		if begun[i] || i < t.from && (o == plan.Done || o == plan.Recovered || o == plan.Unverified) {
			for _, r := range t.set.Rows[i].Refs {
				begun[r.Row] = begun[r.Row] || r.Does != change.Holds
			}
		}
	}
	return begun
}

// otherwise reports whether the rows as they were seen ask for something else than what was done.
func (t *transaction) otherwise() bool {
	if t.skipped {
		return true
	}
	asked := verdict.Of(t.set, t.seen, t.recovering)
	for i := t.from; i < t.to; i++ {
		is, was := asked[i-t.first], t.given[i-t.first]
		if is.Op != was.Op || !slices.Equal(is.Nulls, was.Nulls) {
			return true
		}
	}
	return false
}

// verify reads the deleted rows again: none may be there.
func (t *transaction) verify(ctx context.Context) error {
	byTable := map[string]map[connectors.Key]int{}
	for i := t.from; i < t.to; i++ {
		c := &t.set.Rows[i]
		if c.Op == judge.Delete && (t.outcomes[i] == plan.Done || t.outcomes[i] == plan.Recovered) {
			if byTable[c.Table] == nil {
				byTable[c.Table] = map[connectors.Key]int{}
			}
			byTable[c.Table][c.Key] = i
		}
	}
	for _, name := range sortedKeys(byTable) {
		tab, rows := t.tables[name], byTable[name]
		q := connectors.Query{Table: name, Fields: tab.Key,
			Keys: &connectors.Keys{Fields: tab.Key, Tuples: sortedKeys(rows)}}
		cols := make([]int, len(tab.Key))
		for i := range cols {
			cols[i] = i
		}
		for b, err := range t.store.Conn.Scan(ctx, q) {
			if err != nil {
				return err
			}
			for row := range int(b.Rows.NumRows()) {
				key, _ := connectors.KeyOf(b.Rows, cols, row)
				if i, ok := rows[key]; ok {
					t.outcomes[i] = plan.Unverified
				}
			}
		}
	}
	return nil
}
