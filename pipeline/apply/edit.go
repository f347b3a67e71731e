package apply

import (
	"context"
	"fmt"
	"slices"

	"lethe/connectors"
	"lethe/pipeline/dependents"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
)

// transact runs the transaction of one chunk: the governed rows are locked, compared with what the plan saw
// and decided anew; their dependents follow them; before the commit the registry must still be where it
// was.
func (a *application) transact(ctx context.Context, parts []part, recovering bool) error {
	head := a.judge.State.Standings.Head()
	e := &editor{application: a, recovering: recovering, acts: map[int64]bool{}, excluded: map[int64]bool{}}
	for i, r := range parts[0].rows {
		if parts[0].outcome[i] == plan.Drift {
			e.excluded[r.Root] = true
		}
	}

	var steps []step
	for i := range parts {
		if len(parts[i].rows) == 0 {
			continue
		}
		s, err := e.step(&parts[i])
		if err != nil {
			return err
		}
		steps = append(steps, s)
	}
	steps = append(steps, a.lateChildren(parts, e.acts)...)

	return a.mutate(ctx, steps, func() error {
		now, err := a.Silos.Registry.Head(ctx, a.judge.Silo.Silo.Name)
		if err == nil && now != head {
			err = errMoved
		}
		return err
	})
}

// step is a query of a transaction, and what happens to the rows that it has locked.
type step struct {
	query connectors.Query
	edit  connectors.EditFunc
}

// mutate runs steps in one transaction; confirm is asked before it ends.
func (a *application) mutate(ctx context.Context, steps []step, confirm func() error) error {
	queries := make([]connectors.Query, len(steps))
	for i, s := range steps {
		queries[i] = s.query
	}
	next := 0
	_, err := a.mutator.Mutate(ctx, queries, func(b connectors.Batch) (connectors.Edit, error) {
		next++
		return steps[next-1].edit(b)
	}, confirm)
	return err
}

// editor says, part by part, what happens to the rows of one transaction.
type editor struct {
	*application
	recovering bool           // an earlier run may have changed the rows already
	acts       map[int64]bool // positions of roots that go ahead
	excluded   map[int64]bool // of those that a late child holds back
}

// step locks the rows of a part and edits them.
func (e *editor) step(p *part) (step, error) {
	q, byKey, err := e.lock(p)
	if err != nil {
		return step{}, err
	}
	if p.kind == plan.Root {
		return step{q, func(b connectors.Batch) (connectors.Edit, error) { return e.roots(b, p, byKey) }}, nil
	}
	fields, keyCols, _ := dependents.Union(q.Keys.Fields, p.rows[0].Fields)
	q.Fields = fields
	return step{q, func(b connectors.Batch) (connectors.Edit, error) { return e.dependents(b, p, byKey, keyCols) }}, nil
}

// lock asks for the rows of a part by their keys; byKey is where each stands in it.
func (a *application) lock(p *part) (q connectors.Query, byKey map[connectors.Key]int, err error) {
	t, ok := a.store.Tables.Find(p.table)
	if !ok {
		return q, nil, fmt.Errorf("%w: table %s is gone", connectors.ErrSchemaChanged, p.table)
	}
	q = connectors.Query{Table: p.table, Keys: &connectors.Keys{Fields: t.Key}}
	byKey = make(map[connectors.Key]int, len(p.rows))
	for k, r := range p.rows {
		q.Keys.Tuples = append(q.Keys.Tuples, r.Key)
		byKey[r.Key] = k
	}
	return q, byKey, nil
}

// gone is the outcome of a planned row that is not there.
func gone(recovering bool) byte {
	if recovering {
		return plan.Recovered
	}
	return plan.Gone
}

// roots decides the locked governed rows anew and says what happens to each.
func (e *editor) roots(b connectors.Batch, p *part, byKey map[connectors.Key]int) (connectors.Edit, error) {
	g := e.judge
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
		if e.excluded[pr.Root] {
			continue
		}
		switch verdict := g.Still(b.Rows, row, pr, e.plan.RunID, later(e.asOf, e.Setup.Now())); {
		case verdict == judge.Already && e.recovering:
			p.outcome[k] = plan.Recovered
			e.acts[pr.Root] = true
		case verdict == judge.Drifted || verdict == judge.Already:
			p.outcome[k] = plan.Drift
			if verdict == judge.Already {
				p.outcome[k] = plan.Done
			}
		default:
			p.outcome[k] = plan.Done
			e.acts[pr.Root] = true
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
			p.outcome[k] = gone(e.recovering)
			e.acts[p.rows[k].Root] = true // what depended on it goes as planned
		}
	}

	var err error
	edit.Set, err = g.Assign(b, edit.Ops, setting)
	return edit, err
}

// dependents lets the dependents go with the roots that go.
func (e *editor) dependents(b connectors.Batch, p *part, byKey map[connectors.Key]int, keyCols []int) (
	connectors.Edit, error,
) {
	rows := int(b.Rows.NumRows())
	edit := connectors.Edit{Ops: make([]connectors.Op, rows)}
	for k, r := range p.rows {
		p.outcome[k] = plan.Drift
		if e.acts[r.Root] {
			p.outcome[k] = gone(e.recovering)
		}
	}

	nulls := make([]bool, rows)
	for row := range rows {
		key, _ := connectors.KeyOf(b.Rows, keyCols, row)
		k, planned := byKey[key]
		if !planned || !e.acts[p.rows[k].Root] {
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
			edit.Set = append(edit.Set, forget(f, nulls))
		}
	}
	return edit, nil
}
