package apply

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/execute"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
)

// fit makes the executors of a plan. If one of its sets does not fit its source any more the plan ends, and
// nothing more of it is changed; but what a run that was cut off changed gets its outcome before.
func (ap *Applier) fit(ctx context.Context, p *plan.Sealed, apps []*application,
	chunks []journal.Chunk) (fit bool, err error) {
	var misfit error
	for _, a := range apps {
		if a.store.Err != nil {
			continue
		}
		outcomes, err := a.outcomes(a.own(chunks))
		if err != nil {
			return false, err
		}
		a.x = execute.New(a.store, a.set, outcomes, execute.Options{
			RunID: p.RunID, Head: ap.Silos.Registry.Head, Reload: ap.Silos.Reload, Share: a.share,
			Now: func() time.Time { return latest(p.AsOf, ap.Tonight.AsOf, ap.Setup.Now()) },
		})
		if a.apart, err = a.standsApart(ctx); err != nil {
			ap.Stores.FailedSource(a.store, err)
			a.x = nil
			continue
		}
		misfit = errors.Join(misfit, a.sameMeaning(), a.sameTriggers(), a.sameStands())
	}
	if misfit == nil {
		return true, nil
	}
	ap.Notes.Problem(fmt.Errorf("plan %s: %w: the plan ends here", p.PlanID, misfit))
	for _, c := range chunks {
		if c.Outcome != nil {
			continue
		}
		if closed, err := ap.close(ctx, p, apps, c); err != nil || !closed {
			return false, err
		}
	}
	return false, ap.lapse(ctx, p)
}

// sameTriggers refuses a plan whose changes would run other triggers than it names: whoever approved it was not told
// of these. The error wraps setup.ErrExpired.
func (a *application) sameTriggers() error {
	if _, ok := a.store.Conn.(connectors.Mutator); !ok {
		return nil // runs none, and the plan waits for one that does
	}
	named, runs := map[[5]string]bool{}, map[[5]string]bool{}
	for _, t := range a.plan.Triggers {
		named[t.Key()] = true
	}
	for _, t := range a.plan.Runs(a.store) {
		runs[t.Key()] = true
		if !named[t.Key()] {
			return fmt.Errorf("%w: source %s: trigger %s on table %s came, or was changed, since the plan was made",
				setup.ErrExpired, t.Source, t.Name, t.Table)
		}
	}
	for _, t := range a.plan.Triggers {
		if t.Source == a.store.Name && !runs[t.Key()] {
			return fmt.Errorf("%w: source %s: trigger %s on table %s went since the plan was made", setup.ErrExpired,
				t.Source, t.Name, t.Table)
		}
	}
	return nil
}

// close settles a chunk at which a run was cut off by looking at its rows, and changes nothing. One of a source
// that cannot be read waits, and the plan with it.
func (ap *Applier) close(ctx context.Context, p *plan.Sealed, apps []*application,
	c journal.Chunk) (closed bool, err error) {
	i := slices.IndexFunc(apps, func(a *application) bool { return a.position == c.Group })
	if i < 0 {
		return p.Files[p.Sets[c.Group].Source] != "", nil // a backup file that is no longer there
	}
	a := apps[i]
	if a.x == nil {
		return false, nil
	}
	found, err := a.found(ctx, int(c.First), int(c.First+c.Rows))
	if err != nil {
		ap.Stores.FailedSource(a.store, err)
		return false, nil
	}
	a.x.Take(int(c.First), found)
	a.changed = append(a.changed, c)
	return true, a.record(ctx)
}

// found says what the rows from one position of the set up to another show of the change that they were to get.
func (a *application) found(ctx context.Context, from, to int) ([]byte, error) {
	outcomes := bytes.Repeat([]byte{plan.Recovered}, to-from) // what is not met is gone
	rows := map[string]map[connectors.Key][]int{}
	for i := from; i < to; i++ {
		c := &a.set.Rows[i]
		if len(a.apart[c.Table]) > 0 { // or stands where nobody looks
			outcomes[i-from] = plan.Unknown
		}
		if rows[c.Table] == nil {
			rows[c.Table] = map[connectors.Key][]int{}
		}
		rows[c.Table][c.Key] = append(rows[c.Table][c.Key], i)
	}
	for _, t := range a.store.Tables {
		if len(rows[t.Name]) == 0 {
			continue
		}
		q := connectors.Query{Table: t.Name, Keys: &connectors.Keys{Fields: t.Key,
			Tuples: slices.Sorted(maps.Keys(rows[t.Name]))}}
		var key []int
		for _, f := range t.Fields { // by name, as who changes may see more fields than who read the catalog
			q.Fields = append(q.Fields, f.Name)
		}
		for _, f := range t.Key {
			key = append(key, a.store.Column(t.Name, f))
		}
		if err := a.read(ctx, q, func(b connectors.Batch) {
			for row := range int(b.Rows.NumRows()) {
				k, _ := connectors.KeyOf(b.Rows, key, row)
				if b.Tuples != nil {
					k = q.Keys.Tuples[b.Tuples[row]]
				}
				for _, i := range rows[t.Name][k] {
					outcomes[i-from] = a.shows(b, row, &a.set.Rows[i])
				}
			}
		}); err != nil {
			return nil, err
		}
	}
	return outcomes, nil
}

// read reads rows, under their locks where there are some: a transaction of the run that was cut off may not
// have ended yet.
func (a *application) read(ctx context.Context, q connectors.Query, look func(connectors.Batch)) error {
	if m, ok := a.store.Conn.(connectors.Mutator); ok && !a.store.Backup() {
		_, err := m.Mutate(ctx, []connectors.Query{q}, func(b connectors.Batch) (connectors.Edit, error) {
			look(b)
			return connectors.Edit{}, nil
		}, func() error { return nil })
		return err
	}
	for b, err := range a.store.Conn.Scan(ctx, q) {
		if err != nil {
			return err
		}
		look(b)
	}
	return nil
}

// shows says what a row that is there shows of its change.
func (a *application) shows(b connectors.Batch, row int, c *change.Row) byte {
	done := false
	switch c.Op {
	case judge.Delete:
	case judge.SetNull:
		for _, r := range c.Refs {
			done = done || r.Does == change.Forgets && slices.ContainsFunc(a.set.Edges[r.Edge].Fields,
				func(f string) bool {
					at := a.store.Column(c.Table, f)
					return at >= 0 && b.Rows.Column(at).(*array.Binary).IsNull(row)
				})
		}
	default:
		j := a.store.Judge(c.Silo, c.Table, c.Mapping)
		if j == nil {
			return plan.Unknown
		}
		done = j.HoldsNew(b.Rows, row, c.Planned())
	}
	if done {
		return plan.Recovered
	}
	return plan.Drift
}
