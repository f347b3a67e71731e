package execute

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
)

// Backup changes all rows of the set in one rewrite of the file: they are looked at and decided anew, then
// what stands is dropped and changed, read back, and takes the file's place. Nothing else refers to a row
// than when the plan was made, for the file is the same. readBack is called when the new file is whole and
// about to be verified. recovering says that an earlier run may have replaced the file already.
func (x *Executor) Backup(ctx context.Context, r connectors.Rewriter, recovering bool,
	readBack func()) (connectors.RewriteReport, error) {
	silos := x.silos(0, len(x.set.Rows))
	if err := x.reload(ctx, silos); err != nil {
		return connectors.RewriteReport{}, err
	}
	w := &rewrite{Executor: x, byKey: map[string]map[connectors.Key][]int{}}
	for i := range x.set.Rows {
		c := &x.set.Rows[i]
		if w.byKey[c.Table] == nil {
			w.byKey[c.Table] = map[connectors.Key][]int{}
		}
		w.byKey[c.Table][c.Key] = append(w.byKey[c.Table][c.Key], i)
	}
	seen, err := w.read(ctx)
	if err != nil {
		return connectors.RewriteReport{}, err
	}
	w.verdicts = decide(x.set, seen, recovering)
	var queries []connectors.Query
	for _, name := range sortedKeys(w.byKey) {
		queries = append(queries, connectors.Query{Table: name})
	}
	report, err := r.Rewrite(ctx, queries, w.edit, func(rewritten connectors.Source) error {
		readBack()
		if err := w.verify(ctx, rewritten); err != nil {
			return err
		}
		if err := x.still(ctx, silos); errors.Is(err, errMoved) {
			return errors.Join(err, connectors.ErrTransient)
		} else if err != nil {
			return err
		}
		return nil
	})
	if err != nil {
		return report, err
	}
	for i, v := range w.verdicts {
		x.outcomes[i] = v.outcome
	}
	return report, nil
}

// rewrite is one rewrite of a file.
type rewrite struct {
	*Executor
	byKey    map[string]map[connectors.Key][]int // a row may be emptied and forget
	verdicts []verdict
}

// read looks at every row of the set.
func (w *rewrite) read(ctx context.Context) (*view, error) {
	v := newView(0, len(w.set.Rows))
	for i := range v.rows {
		v.rows[i] = gone // until it is met
	}
	var queries []connectors.Query
	for _, name := range sortedKeys(w.byKey) {
		queries = append(queries, connectors.Query{Table: name, Keys: &connectors.Keys{Fields: w.tables[name].Key,
			Tuples: sortedKeys(w.byKey[name])}})
	}
	for b, err := range w.store.Conn.Scan(ctx, queries...) {
		if err != nil {
			return nil, err
		}
		l := w.tables[b.Table].whole
		for row := range int(b.Rows.NumRows()) {
			if key, ok := connectors.KeyOf(b.Rows, l.key, row); ok {
				for _, i := range w.byKey[b.Table][key] {
					w.look(b, l, row, i, v)
				}
			}
		}
	}
	return v, nil
}

// edit says what happens to the rows of one batch of the file.
func (w *rewrite) edit(b connectors.Batch) (connectors.Edit, error) {
	e := change.NewEdits(b)
	l := w.tables[b.Table].whole
	for row := range e.Ops {
		key, ok := connectors.KeyOf(b.Rows, l.key, row)
		if !ok {
			continue
		}
		for _, i := range w.byKey[b.Table][key] {
			c := &w.set.Rows[i]
			e.Add(row, c, w.judgeOf(c), w.verdicts[i].op, w.verdicts[i].nulls)
		}
	}
	return e.Edit()
}

// verify reads the rewritten file: what was to go is gone, and what was to change has changed.
func (w *rewrite) verify(ctx context.Context, rewritten connectors.Source) error {
	var queries []connectors.Query
	for _, name := range sortedKeys(w.byKey) {
		queries = append(queries, connectors.Query{Table: name, Keys: &connectors.Keys{Fields: w.tables[name].Key,
			Tuples: sortedKeys(w.byKey[name])}})
	}
	for b, err := range rewritten.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		l := w.tables[b.Table].whole
		for row := range int(b.Rows.NumRows()) {
			key, _ := connectors.KeyOf(b.Rows, l.key, row)
			for _, i := range w.byKey[b.Table][key] {
				if err := w.stands(b, l, row, i); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// stands checks one row of the rewritten file.
func (w *rewrite) stands(b connectors.Batch, l layout, row, i int) error {
	c, v := &w.set.Rows[i], w.verdicts[i]
	switch {
	case v.op == judge.None:
	case v.op == judge.Delete:
		return fmt.Errorf("table %s: a row that was to be erased is still there", b.Table)
	case v.op == judge.SetNull:
		if slices.ContainsFunc(l.places(v.nulls),
			func(col int) bool { return b.Rows.Column(col).(*array.Binary).IsValid(row) }) {
			return fmt.Errorf("table %s: a reference that was to be forgotten is still there", b.Table)
		}
	case !w.judgeOf(c).HoldsNew(b.Rows, row, c.Planned()):
		return fmt.Errorf("table %s: a row that was to be changed is as it was", b.Table)
	}
	return nil
}

// Changed are the rows from one position up to another that a silo decided and that were changed, with their outcomes.
func (x *Executor) Changed(from, to int, do func(*change.Change)) {
	for i := from; i < to; i++ {
		if o := x.outcomes[i]; x.set.Rows[i].Kind == change.Root && (o == plan.Done || o == plan.Recovered ||
			o == plan.Unverified) {
			do(&x.set.Rows[i])
		}
	}
}
