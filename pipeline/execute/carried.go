package execute

import (
	"context"
	"time"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/judge"
	"lethe/pipeline/stores"
	"lethe/pipeline/via"
)

// carried makes the queries of a transaction that read, under the lock, whose its rows are, where other tables say it.
// What the last of them returns lets the rows be decided; after puts back what was there before.
func (t *transaction) carried(ctx context.Context) (queries []connectors.Query, edits []connectors.EditFunc,
	after func(), err error) {
	whole, locked := map[*judge.Judge]*via.Index{}, map[*judge.Judge]*via.Index{}
	after = func() {
		for g, x := range whole {
			g.Carried = x
		}
	}
	var others []func(context.Context) error
	for g, keys := range t.whose() {
		if whole[g] = g.Carried; t.first < t.from && t.identified[g] != nil {
			g.Carried = t.identified[g] // what said whose the unit's rows are may be gone with its first rows
			continue
		}
		locked[g] = g.Carried.Part()
		l, err := locked[g].Lookup(ctx, t.store.Conn, g.Table, keys)
		if err != nil {
			return nil, nil, after, err
		}
		queries, others = append(queries, l.Queries...), append(others, l.Others)
		for _, take := range l.Take {
			edits = append(edits, func(b connectors.Batch) (connectors.Edit, error) {
				take(b)
				return connectors.Edit{}, nil
			})
		}
	}
	done := func() error {
		began := time.Now()
		for _, read := range others {
			if err := read(ctx); err != nil {
				return err
			}
		}
		t.beside += time.Since(began)
		for g, x := range locked {
			x.Close()
			g.Carried = x
			if t.to < t.last {
				t.identified[g] = x
			}
		}
		return nil
	}
	if len(edits) == 0 {
		return nil, nil, after, done()
	}
	last := edits[len(edits)-1]
	edits[len(edits)-1] = func(b connectors.Batch) (connectors.Edit, error) {
		if e, err := last(b); err != nil {
			return e, err
		}
		return connectors.Edit{}, done()
	}
	return queries, edits, after, nil
}

// whose are the keys of the transaction's rows that are decided by identifiers in other tables, or that are among the
// rows of a table of which others are.
func (t *transaction) whose() map[*judge.Judge][]connectors.Key {
	rows := map[*judge.Judge][]connectors.Key{}
	for i := t.from; i < t.last; i++ {
		if c := &t.set.Rows[i]; c.Kind == change.Root {
			for _, g := range t.store.Identified(c.Table) {
				rows[g] = append(rows[g], c.Key)
			}
		}
	}
	return rows
}

// apart notes what others have too of a row that is to be erased.
func (x *Executor) apart(b connectors.Batch, row, i int) {
	c := &x.set.Rows[i]
	delete(x.shares, i)
	if c.Op.Reversible() {
		return
	}
	if list := x.store.Apart(c.Table, b.Rows, row); len(list) > 0 {
		x.shares[i] = list
	}
}

// remember makes durable what others have too of the rows from one position up to another, as long as it can be seen:
// what said so goes with them.
func (x *Executor) remember(ctx context.Context, from, to int) error {
	var list []stores.Share
	for i := from; i < to; i++ {
		list = append(list, x.shares[i]...)
	}
	if len(list) == 0 {
		return nil
	}
	return x.o.Share(ctx, list)
}
