package execute

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/change"
	"lethe/pipeline/execute/verdict"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
)

// Backup changes all rows of the set in one rewrite of the file: they are looked at and decided anew while it is
// written, what stands is dropped and changed, read back, and takes the file's place. What was assumed of the rows
// is what the plan saw; where one is not so, what was written is thrown away, and the file written once more by what
// was seen of all. Nothing else refers to a row than when the plan was made, for the file is the same. readBack is
// called when the new file is whole and about to be verified. recovering says that an earlier run may have replaced
// the file already. What the live store keeps stays, that which it refused with all of its unit.
func (x *Executor) Backup(ctx context.Context, r connectors.Rewriter, live Kept, recovering bool,
	readBack func()) (connectors.RewriteReport, error) {
	silos := x.silos(0, len(x.set.Rows))
	if err := x.reload(ctx, silos); err != nil {
		return connectors.RewriteReport{}, err
	}
	w := &rewrite{Executor: x, live: live, recovering: recovering, rows: x.rowsByKey()}
	var queries []connectors.Query
	for _, name := range sortedKeys(w.rows) {
		queries = append(queries, connectors.Query{Table: name, Fields: w.rows[name].layout.fields,
			Keys: &connectors.Keys{Fields: x.tables[name].Key, Tuples: w.rows[name].keys}})
	}
	known := w.view(verdict.Agrees)
	for attempt := 0; ; attempt++ {
		w.known, w.seen, w.skipped, w.met = known, w.view(verdict.Gone), false, make([]bool, len(x.set.Rows))
		w.given, w.refused = w.decide(known)
		report, err := r.Rewrite(ctx, queries, w.edit, func(rewritten connectors.Source) error {
			if w.otherwise() {
				return errAgain
			}
			readBack()
			if err := w.verify(ctx, rewritten, queries); err != nil {
				return err
			}
			if err := x.still(ctx, silos); errors.Is(err, errMoved) {
				return errors.Join(err, connectors.ErrTransient)
			} else if err != nil {
				return err
			}
			return x.remember(ctx, 0, len(x.set.Rows))
		})
		if err == nil && w.otherwise() { // nothing was written, and nothing read back
			err = errAgain
		}
		if errors.Is(err, errAgain) && attempt < attempts {
			known = w.seen
			continue
		}
		if errors.Is(err, errAgain) {
			return report, errors.Join(connectors.ErrTransient, err)
		}
		if err != nil {
			return report, err
		}
		for i, v := range w.given {
			x.outcomes[i] = v.Outcome
		}
		return report, nil
	}
}

// Kept is what the live store keeps of the rows of a backup, by their positions in the set.
type Kept struct {
	Refused map[int]Refusal // what it would not change
	Held    map[int]bool    // what stays there for what refers to it
}

// rewrite is one rewrite of a file, or another try of it.
type rewrite struct {
	*Executor
	rows       map[string]*rowsOf // of the set, by table
	live       Kept
	recovering bool
	known      *verdict.View // what is assumed of the rows
	given      []verdict.Verdict
	seen       *verdict.View // how they are, in the file
	met        []bool
	skipped    bool // a row was not as assumed, and so not changed
}

// rowsOf are the rows of the set in one table.
type rowsOf struct {
	layout layout // what is looked at of them
	keys   []connectors.Key
	index  *connectors.KeyIndex
	at     []int         // of each key, the row
	twice  map[int][]int // by the first row of a key, the others: one may be emptied and forget
}

func (x *Executor) rowsByKey() map[string]*rowsOf {
	tables, counts := map[string]*rowsOf{}, map[string]int{}
	for i := range x.set.Rows {
		counts[x.set.Rows[i].Table]++
	}
	for name, n := range counts {
		tables[name] = &rowsOf{layout: x.tables[name].brief, twice: map[int][]int{},
			keys: make([]connectors.Key, 0, n), at: make([]int, 0, n)}
	}
	for i := range x.set.Rows {
		c := &x.set.Rows[i]
		t := tables[c.Table]
		if c.Kind == change.Root {
			t.layout = x.tables[c.Table].whole
		}
		t.keys, t.at = append(t.keys, c.Key), append(t.at, i)
	}
	for _, t := range tables {
		t.index = connectors.IndexKeys(t.keys)
		for k, key := range t.keys {
			if first := t.index.Find([]byte(key)); first != k {
				t.twice[t.at[first]] = append(t.twice[t.at[first]], t.at[k])
			}
		}
	}
	return tables
}

// each calls do for every row of the set that a row of a batch is; key is memory to use again.
func (t *rowsOf) each(b connectors.Batch, row int, key []byte, do func(i int)) []byte {
	key, ok := connectors.AppendKey(key[:0], b.Rows, t.layout.key, row)
	if !ok {
		return key
	}
	k := -1
	if b.Tuples != nil {
		k = b.Tuples[row]
	}
	if k < 0 || string(key) != string(t.keys[k]) { // as the source has it, which is held against the row itself
		if k = t.index.Find(key); k < 0 {
			return key
		}
	}
	do(t.at[k])
	for _, i := range t.twice[t.at[k]] {
		do(i)
	}
	return key
}

// view is what is known of all rows before the file is read.
func (w *rewrite) view(of verdict.Status) *verdict.View {
	v := verdict.NewView(0, len(w.set.Rows))
	for i := range v.Rows {
		v.Rows[i] = of
	}
	for i := range w.live.Held {
		v.Late[i] = true
	}
	return v
}

// decide says what happens to rows of which so much is known. Units of which the live store refused a row stay as they
// are.
func (w *rewrite) decide(v *verdict.View) ([]verdict.Verdict, map[int]Refusal) {
	verdicts, refused := verdict.Of(w.set, v, w.recovering), map[int]Refusal{}
	if len(w.live.Refused) == 0 {
		return verdicts, refused
	}
	for i := 0; i < len(w.set.Rows); {
		end := w.set.UnitEnd(i)
		why, stays := Refusal{}, false
		for k := i; k < end && !stays; k++ {
			why, stays = w.live.Refused[k]
		}
		for ; i < end; i++ {
			if stays && verdicts[i].Op != judge.None {
				verdicts[i], refused[i] = verdict.Verdict{Outcome: plan.Refused}, why
			}
		}
	}
	return verdicts, refused
}

// edit looks at the rows of one batch of the file, and says what happens to each that is as it was assumed.
func (w *rewrite) edit(b connectors.Batch) (connectors.Edit, error) {
	e := change.NewEdits(b)
	t := w.rows[b.Table]
	var key []byte
	for row := range e.Ops {
		key = t.each(b, row, key, func(i int) {
			w.meet(b, t.layout, row, i)
			switch v := w.given[i]; {
			case v.Op == judge.None:
			case !w.asAssumed(i):
				w.skipped = true
			case v.Op == judge.Delete, v.Op == judge.SetNull:
				e.Add(row, &w.set.Rows[i], nil, v.Op, v.Nulls)
			default:
				e.Add(row, &w.set.Rows[i], w.judgeOf(&w.set.Rows[i]), v.Op, v.Nulls)
			}
		})
	}
	return e.Edit()
}

// meet looks at a row of the set. One that the file has more than once is what the least of them is.
func (w *rewrite) meet(b connectors.Batch, l layout, row, i int) {
	was, refs, again := w.seen.Rows[i], w.seen.Refs[i], w.met[i]
	w.met[i] = true
	w.look(b, l, row, i, w.seen)
	if !again {
		return
	}
	if was != verdict.Agrees {
		w.seen.Rows[i] = was
	}
	for k, r := range refs {
		if r != verdict.Refers {
			w.seen.SetRef(i, k, r)
		}
	}
}

// asAssumed reports whether a row is as it was assumed when all were decided.
func (w *rewrite) asAssumed(i int) bool {
	if w.seen.Rows[i] != w.known.Rows[i] {
		return false
	}
	for k := range w.set.Rows[i].Refs {
		if w.seen.Ref(i, k) != w.known.Ref(i, k) {
			return false
		}
	}
	return true
}

// otherwise reports whether the rows as they were seen ask for something else than what was done.
func (w *rewrite) otherwise() bool {
	if w.skipped {
		return true
	}
	same := true
	for i := range w.set.Rows {
		same = same && w.asAssumed(i)
	}
	if same {
		return false
	}
	asked, _ := w.decide(w.seen)
	return !slices.EqualFunc(asked, w.given, func(is, was verdict.Verdict) bool {
		return is.Op == was.Op && is.Outcome == was.Outcome && slices.Equal(is.Nulls, was.Nulls)
	})
}

// verify reads the rewritten file: what was to go is gone, and what was to change has changed.
func (w *rewrite) verify(ctx context.Context, rewritten connectors.Source, queries []connectors.Query) error {
	var key []byte
	for b, err := range rewritten.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		t := w.rows[b.Table]
		for row := range int(b.Rows.NumRows()) {
			key = t.each(b, row, key, func(i int) { err = cmp.Or(err, w.stands(b, t.layout, row, i)) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// stands checks one row of the rewritten file.
func (w *rewrite) stands(b connectors.Batch, l layout, row, i int) error {
	c, v := &w.set.Rows[i], w.given[i]
	switch {
	case v.Op == judge.None:
	case v.Op == judge.Delete:
		return fmt.Errorf("table %s: a row that was to be erased is still there", b.Table)
	case v.Op == judge.SetNull:
		if slices.ContainsFunc(l.places(v.Nulls),
			func(col int) bool { return b.Rows.Column(col).(*array.Binary).IsValid(row) }) {
			return fmt.Errorf("table %s: a reference that was to be forgotten is still there", b.Table)
		}
	case !w.judgeOf(c).HoldsNew(b.Rows, row, c.Planned()):
		return fmt.Errorf("table %s: a row that was to be changed is as it was", b.Table)
	}
	return nil
}

// Changed are the rows from one position up to another that a silo decided and that were changed, with their outcomes.
func (x *Executor) Changed(from, to int, do func(*change.Row)) {
	for i := from; i < to; i++ {
		if o := x.outcomes[i]; x.set.Rows[i].Kind == change.Root && (o == plan.Done || o == plan.Recovered ||
			o == plan.Unverified) {
			do(&x.set.Rows[i])
		}
	}
}
