package execute

import (
	"context"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/judge"
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
		queries = append(queries, l.Queries...)
		for _, take := range l.Take {
			edits = append(edits, func(b connectors.Batch) (connectors.Edit, error) {
				take(b)
				return connectors.Edit{}, nil
			})
		}
	}
	done := func() {
		for g, x := range locked {
			x.Close()
			g.Carried = x
			if t.to < t.last {
				t.identified[g] = x
			}
		}
	}
	if len(edits) == 0 {
		done()
		return queries, edits, after, nil
	}
	last := edits[len(edits)-1]
	edits[len(edits)-1] = func(b connectors.Batch) (connectors.Edit, error) {
		defer done()
		return last(b)
	}
	return queries, edits, after, nil
}

// whose are the keys of the transaction's rows that are decided by identifiers in other tables.
func (t *transaction) whose() map[*judge.Judge][]connectors.Key {
	rows := map[*judge.Judge][]connectors.Key{}
	for i := t.from; i < t.last; i++ {
		if c := &t.set.Rows[i]; c.Kind == change.Root {
			if g := t.judgeOf(c); g.Via != nil {
				rows[g] = append(rows[g], c.Key)
			}
		}
	}
	return rows
}
