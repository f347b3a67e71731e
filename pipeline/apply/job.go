package apply

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/stores"
)

// rewriteJob is what one rewrite drops and changes.
type rewriteJob struct {
	store    *stores.Store
	apps     []*application
	outcomes map[*application][][]byte // by segment
	rows     map[string]map[connectors.Key]placed
	keys     map[string][]int // columns of the key, by table
	queries  []connectors.Query
}

// placed is a planned row where it stands in its plan.
type placed struct {
	app      *application
	segment  int
	position int
}

func (at placed) row() judge.Planned { return at.app.segments[at.segment][at.position] }

// confirm decides the governed rows of a backup anew, and returns the job for what still stands.
func (ap *Applier) confirm(ctx context.Context, s *stores.Store, apps []*application, recovering bool) (
	*rewriteJob, error,
) {
	j := &rewriteJob{store: s, apps: apps, outcomes: map[*application][][]byte{},
		rows: map[string]map[connectors.Key]placed{}, keys: map[string][]int{}}
	for _, a := range apps {
		if err := ap.Silos.Reload(ctx, a.judge.Silo.Silo.Name); err != nil {
			return nil, err
		}
		out := make([][]byte, len(a.segments))
		for i, rows := range a.segments {
			out[i] = make([]byte, len(rows))
		}
		j.outcomes[a] = out
		acts, err := j.roots(ctx, a, recovering)
		if err != nil {
			return nil, err
		}
		j.place(a, acts, recovering)
	}
	for _, t := range s.Tables {
		if j.rows[t.Name] == nil {
			continue
		}
		j.queries = append(j.queries, connectors.Query{Table: t.Name})
		for _, k := range t.Key {
			if i := s.Column(t.Name, k); i >= 0 {
				j.keys[t.Name] = append(j.keys[t.Name], i)
			}
		}
	}
	return j, nil
}

// place enters the rows of a plan that the rewrite is to drop or change; acts holds the roots that go ahead.
func (j *rewriteJob) place(a *application, acts map[int64]bool, recovering bool) {
	out := j.outcomes[a]
	for i, seg := range a.plan.Groups[a.position].Segments {
		for k, r := range a.segments[i] {
			switch {
			case seg.Kind == plan.Root && out[i][k] != 0:
			case !acts[r.Root]:
				out[i][k] = plan.Drift
			default:
				out[i][k] = gone(recovering) // until the rewrite meets it
				if j.rows[seg.Table] == nil {
					j.rows[seg.Table] = map[connectors.Key]placed{}
				}
				j.rows[seg.Table][r.Key] = placed{a, i, k}
			}
		}
	}
}

// roots reads the governed rows of a plan and decides them anew; acts holds the positions of those that go
// ahead.
func (j *rewriteJob) roots(ctx context.Context, a *application, recovering bool) (acts map[int64]bool, err error) {
	g := a.judge
	acts = map[int64]bool{}
	byKey := map[connectors.Key]int{}
	q := connectors.Query{Table: g.Table.Name, Keys: &connectors.Keys{Fields: g.Table.Key}}
	for k, r := range a.segments[0] {
		q.Keys.Tuples = append(q.Keys.Tuples, r.Key)
		byKey[r.Key] = k
		acts[r.Root] = true // a row that is gone takes its dependents along
	}
	for b, err := range j.store.Conn.Scan(ctx, q) {
		if err != nil {
			return nil, err
		}
		for row := range int(b.Rows.NumRows()) {
			key, _ := connectors.KeyOf(b.Rows, g.Key, row)
			k, planned := byKey[key]
			if !planned {
				continue
			}
			r := a.segments[0][k]
			switch g.Still(b.Rows, row, r, a.plan.RunID, later(a.asOf, a.Setup.Now())) {
			case judge.Drifted:
				acts[r.Root] = false
				j.outcomes[a][0][k] = plan.Drift
			case judge.Already:
				j.outcomes[a][0][k] = plan.Done
				if recovering {
					j.outcomes[a][0][k] = plan.Recovered
				}
			}
		}
	}
	return acts, nil
}

// edit says what happens to the rows of one batch of the backup.
func (j *rewriteJob) edit(b connectors.Batch) (connectors.Edit, error) {
	edit := connectors.Edit{Ops: make([]connectors.Op, b.Rows.NumRows())}
	setting := make([]judge.Planned, len(edit.Ops))
	nulls := map[string][]bool{}
	changes := false
	for row := range edit.Ops {
		at, planned := j.at(b, row)
		if !planned {
			continue
		}
		r := at.row()
		j.outcomes[at.app][at.segment][at.position] = plan.Done
		switch r.Change {
		case judge.Delete:
			edit.Ops[row] = connectors.Delete
		case judge.SetNull:
			edit.Ops[row] = connectors.Update
			for _, f := range r.Fields {
				if nulls[f] == nil {
					nulls[f] = make([]bool, len(edit.Ops))
				}
				nulls[f][row] = true
			}
		default:
			edit.Ops[row], setting[row], changes = connectors.Update, r, true
		}
	}

	if changes {
		if err := j.assign(&edit, b, setting); err != nil {
			return edit, err
		}
	}
	for f, marks := range nulls {
		edit.Set = append(edit.Set, forget(f, marks))
	}
	return edit, nil
}

// at finds a row of a batch in its plan.
func (j *rewriteJob) at(b connectors.Batch, row int) (placed, bool) {
	key, ok := connectors.KeyOf(b.Rows, j.keys[b.Table], row)
	if !ok {
		return placed{}, false
	}
	at, planned := j.rows[b.Table][key]
	return at, planned
}

// assign adds the new values of governed rows. A row belongs to one silo; silos that share a table by
// discriminator set their own rows.
func (j *rewriteJob) assign(edit *connectors.Edit, b connectors.Batch, setting []judge.Planned) error {
	for _, a := range j.apps {
		if a.judge.Table.Name != b.Table {
			continue
		}
		mine := make([]connectors.Op, len(edit.Ops))
		some := false
		for row := range mine {
			changes := edit.Ops[row] == connectors.Update && setting[row].Change != judge.None
			if changes && a.judge.Mine(b.Rows, row) {
				mine[row], some = connectors.Update, true
			}
		}
		if !some {
			continue
		}
		set, err := a.judge.Assign(b, mine, setting)
		if err != nil {
			return err
		}
		edit.Set = append(edit.Set, set...)
	}
	return nil
}

// forget sets a field of some rows to NULL.
func forget(field string, marks []bool) connectors.Assignment {
	col := new(connectors.Column)
	for range marks {
		col.AppendNull()
	}
	return connectors.Assignment{Field: field, Rows: marks, Values: col.Array()}
}

// verify reads the rewritten file: what was to go is gone, what was to change has changed, and the registry
// is where it was.
func (j *rewriteJob) verify(ctx context.Context, rewritten connectors.Source) error {
	queries := make([]connectors.Query, 0, len(j.queries))
	for _, q := range j.queries {
		t, _ := j.store.Tables.Find(q.Table)
		if len(t.Key) == 0 {
			continue
		}
		q.Keys = &connectors.Keys{Fields: t.Key}
		for key := range j.rows[q.Table] {
			q.Keys.Tuples = append(q.Keys.Tuples, key)
		}
		queries = append(queries, q)
	}
	for b, err := range rewritten.Scan(ctx, queries...) {
		if err != nil {
			return err
		}
		for row := range int(b.Rows.NumRows()) {
			if at, planned := j.at(b, row); planned {
				if err := j.changed(b, row, at); err != nil {
					return err
				}
			}
		}
	}
	for _, a := range j.apps {
		head, err := a.Silos.Registry.Head(ctx, a.judge.Silo.Silo.Name)
		if err != nil {
			return err
		}
		if head != a.judge.State.Standings.Head() {
			return errors.Join(errMoved, connectors.ErrTransient)
		}
	}
	return nil
}

// changed refuses a row of the rewritten file that is not as it was to be.
func (j *rewriteJob) changed(b connectors.Batch, row int, at placed) error {
	switch r := at.row(); r.Change {
	case judge.Delete:
		return fmt.Errorf("table %s: a row that was to be erased is still there", b.Table)
	case judge.SetNull:
		for _, f := range r.Fields {
			if i := j.store.Column(b.Table, f); i >= 0 && b.Rows.Column(i).(*array.Binary).IsValid(row) {
				return fmt.Errorf("table %s: a reference that was to be forgotten is still there", b.Table)
			}
		}
	default:
		if !at.app.judge.HoldsNew(b.Rows, row, r) {
			return fmt.Errorf("table %s: a row that was to be changed is as it was", b.Table)
		}
	}
	return nil
}

// outcome is the journal's line for one group, segment by segment: governed rows and dependents, then owned
// parents.
func (j *rewriteJob) outcome(a *application) []byte {
	var out []byte
	for _, o := range j.outcomes[a] {
		out = append(out, o...)
	}
	return out
}
