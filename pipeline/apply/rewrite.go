package apply

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
	"lethe/pipeline/stores"
)

// rewrite executes the groups of a plan that are in one backup file: the governed rows are decided anew, then one streamed rewrite drops and
// changes what stands, is read back, and takes the file's place.
func (ap *Applier) rewrite(ctx context.Context, s *stores.Store, p *plan.Sealed, apps []*application, chunks []journal.Chunk) (done bool, err error) {
	rewriter, ok := s.Conn.(connectors.Rewriter)
	if !ok {
		return false, fmt.Errorf("%w: backup %s may not be rewritten: configure `rewrite:`", setup.ErrConfig, s.Name)
	}
	settled := map[int]bool{}
	recovering := false
	for _, c := range chunks {
		for _, a := range apps {
			if c.Group == a.position && c.Outcome != nil {
				settled[c.Group] = true
			} else if c.Group == a.position {
				recovering = true
			}
		}
	}
	if len(settled) == len(apps) {
		return true, nil
	}
	if err := state.MayWrite(ap.Setup, ap.Tonight.Until); err != nil {
		return false, err
	}
	if !recovering {
		digest, err := audit.FileDigest(s.Path)
		if err != nil {
			return false, err
		}
		_, ours, err := ap.Journal.LastRewrite(ctx, s.Path)
		if err != nil {
			return false, err
		}
		if digest != p.Files[s.Name] && digest != ours { // another plan may have rewritten it since
			ap.Notes.Problem(fmt.Errorf("%w: backup %s changed since plan %s was made: this night plans anew", setup.ErrExpired, s.Name, p.PlanID))
			return false, plan.Lapse(ctx, ap.Setup, ap.Journal, p, ap.Tonight.RunID)
		}
	}
	intents := make([]journal.Chunk, len(apps))
	for i, a := range apps {
		intents[i], err = ap.Journal.Intend(ctx, journal.Chunk{RunID: ap.Tonight.RunID, PlanID: p.PlanID, Group: a.position, First: 0, Rows: a.units(), IntentAt: ap.Setup.Now()})
		if err != nil {
			return false, err
		}
	}
	ap.Setup.Crash("rewrite_intent")
	job, err := ap.confirm(ctx, s, apps, recovering)
	if err != nil {
		ap.Stores.FailedSource(s, err)
		return false, nil
	}
	report, err := rewriter.Rewrite(ctx, job.queries, job.edit, func(rewritten connectors.Source) error {
		ap.Setup.Crash("rewrite_read_back")
		return job.verify(ctx, rewritten)
	})
	if err != nil {
		ap.Stores.FailedSource(s, err)
		ap.backupRow(s.Name, func(b *audit.Backup) { b.Status = "waiting" })
		return false, nil
	}
	ap.Setup.Crash("rewritten")
	after := hex.EncodeToString(report.After.SHA256[:])
	if err := ap.Journal.Rewritten(ctx, s.Path, ap.Tonight.AsOf, after); err != nil {
		return false, err
	}
	ap.backupRow(s.Name, func(b *audit.Backup) {
		b.Before, b.After, b.Status, b.LastRewrite, b.Pending, b.Size = hex.EncodeToString(report.Before.SHA256[:]), after, "rewritten", ap.Tonight.AsOf, 0, report.After.Size
	})
	for i, a := range apps {
		if settled[a.position] {
			continue
		}
		if err := ap.Journal.Settle(ctx, intents[i].ID, ap.Tonight.RunID, job.outcome(a), ap.Setup.Now()); err != nil {
			return false, err
		}
	}
	ap.Setup.Crash("rewrite_settled")
	return true, nil
}

func (ap *Applier) backupRow(source string, change func(*audit.Backup)) {
	for i := range ap.Notes.Facts.Backups {
		if ap.Notes.Facts.Backups[i].Source == source {
			change(&ap.Notes.Facts.Backups[i])
		}
	}
}

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

// confirm decides the governed rows of a backup anew, and returns the job for what still stands.
func (ap *Applier) confirm(ctx context.Context, s *stores.Store, apps []*application, recovering bool) (*rewriteJob, error) {
	j := &rewriteJob{store: s, apps: apps, outcomes: map[*application][][]byte{}, rows: map[string]map[connectors.Key]placed{}, keys: map[string][]int{}}
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
		for i, seg := range a.plan.Groups[a.position].Segments {
			for k, r := range a.segments[i] {
				switch {
				case seg.Kind == plan.Root && out[i][k] != 0:
				case !acts[r.Root]:
					out[i][k] = plan.Drift
				default:
					out[i][k] = plan.Gone // until the rewrite meets it
					if recovering {
						out[i][k] = plan.Recovered
					}
					if j.rows[seg.Table] == nil {
						j.rows[seg.Table] = map[connectors.Key]placed{}
					}
					j.rows[seg.Table][r.Key] = placed{a, i, k}
				}
			}
		}
	}
	for _, t := range s.Tables {
		if j.rows[t.Name] == nil {
			continue
		}
		j.queries = append(j.queries, connectors.Query{Table: t.Name})
		for _, k := range t.Key {
			for i, f := range t.Fields {
				if f.Name == k {
					j.keys[t.Name] = append(j.keys[t.Name], i)
				}
			}
		}
	}
	return j, nil
}

// roots reads the governed rows of a plan and decides them anew; acts holds the positions of those that go ahead.
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
		key, ok := connectors.KeyOf(b.Rows, j.keys[b.Table], row)
		if !ok {
			continue
		}
		at, planned := j.rows[b.Table][key]
		if !planned {
			continue
		}
		r := at.app.segments[at.segment][at.position]
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
	if changes { // a row belongs to one silo; silos that share a table by discriminator set their own rows
		for _, a := range j.apps {
			if a.judge.Table.Name != b.Table {
				continue
			}
			mine := make([]connectors.Op, len(edit.Ops))
			any := false
			for row := range mine {
				if edit.Ops[row] == connectors.Update && setting[row].Change != judge.None && a.judge.Mine(b.Rows, row) {
					mine[row], any = connectors.Update, true
				}
			}
			if !any {
				continue
			}
			set, err := a.judge.Assign(b, mine, setting)
			if err != nil {
				return edit, err
			}
			edit.Set = append(edit.Set, set...)
		}
	}
	for f, marks := range nulls {
		col := new(connectors.Column)
		for range marks {
			col.AppendNull()
		}
		edit.Set = append(edit.Set, connectors.Assignment{Field: f, Rows: marks, Values: col.Array()})
	}
	return edit, nil
}

// verify reads the rewritten file: what was to go is gone, what was to change has changed, and the registry is where it was.
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
			key, _ := connectors.KeyOf(b.Rows, j.keys[b.Table], row)
			at, ok := j.rows[b.Table][key]
			if !ok {
				continue
			}
			r := at.app.segments[at.segment][at.position]
			switch r.Change {
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

// outcome is the journal's line for one group, segment by segment: governed rows and dependents, then owned parents.
func (j *rewriteJob) outcome(a *application) []byte {
	var out []byte
	for _, o := range j.outcomes[a] {
		out = append(out, o...)
	}
	return out
}
