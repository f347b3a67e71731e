package pipeline

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/policy/calendar"
)

// cadence says whether a backup is rewritten tonight: when its oldest pending erasure has waited long enough, not too often, and not when the
// file is gone before that (decisions.md, 25). Until then what should be gone is beyond use, and counted.
func (n *night) cadence(ctx context.Context, s *store) error {
	if !s.backup() {
		return nil
	}
	b := audit.Backup{Source: s.Name, Application: s.Application, Path: s.Path, Engine: s.Connector, TakenAt: s.TakenAt, Strategy: "rewrite", Status: "ok"}
	if info, err := os.Stat(s.Path); err == nil {
		b.Size = info.Size()
	}
	if !s.Keep.IsZero() {
		b.ExpiresAt = calendar.EndOf(calendar.DateOf(s.TakenAt, n.Zone), s.Keep).Start(n.Zone)
	}
	oldest := calendar.Date(0)
	for _, g := range s.groups {
		for i := range g.roots {
			r := &g.roots[i]
			if r.change == noChange || r.change.reversible() {
				continue
			}
			b.Pending++
			if oldest == 0 || r.due.Known() && r.due < oldest {
				oldest = r.due
			}
		}
	}
	b.Oldest = oldest.String()
	var err error
	if b.LastRewrite, _, err = n.journal.LastRewrite(ctx, s.Path); err != nil {
		return err
	}
	b.Strategy, b.Why = "rewrite", "nothing in it is due"
	switch _, can := s.open.(connectors.Rewriter); {
	case !can || s.Rewrite == nil:
		b.Strategy, b.Why = "age_out", "rewriting is not configured: what is due is beyond use until the file expires"
		if b.ExpiresAt.IsZero() {
			b.Strategy = "beyond_use"
		}
	case b.Pending == 0:
	case n.today < calendar.EndOf(oldest, s.Rewrite.After) && oldest.Known() && !s.Rewrite.After.IsZero():
		b.Why = fmt.Sprintf("the oldest erasure is due since %s; the file is rewritten %s later", oldest, s.Rewrite.After)
	case !b.LastRewrite.IsZero() && !s.Rewrite.AtMostEvery.IsZero() && n.today < calendar.EndOf(calendar.DateOf(b.LastRewrite, n.Zone), s.Rewrite.AtMostEvery):
		b.Why = fmt.Sprintf("rewritten on %s, at most every %s", calendar.DateOf(b.LastRewrite, n.Zone), s.Rewrite.AtMostEvery)
	case !b.ExpiresAt.IsZero() && b.ExpiresAt.Before(n.asOf):
		b.Strategy, b.Why = "age_out", "the file is past its end and should be deleted, not rewritten"
	default:
		s.due, b.Why = true, "erasures are due in it"
	}
	if b.Pending > 0 {
		b.Status = "waiting"
	}
	if s.due {
		digest, err := fileDigest(s.Path)
		if err != nil {
			return err
		}
		s.digest, b.Before = digest, digest
	}
	n.facts.Backups = append(n.facts.Backups, b)
	return nil
}

// rewrite executes the groups of a plan that are in one backup file: the governed rows are decided anew, then one streamed rewrite drops and
// changes what stands, is read back, and takes the file's place.
func (n *night) rewrite(ctx context.Context, s *store, p *plan, apps []*application, chunks []journal.Chunk) (done bool, err error) {
	rewriter, ok := s.open.(connectors.Rewriter)
	if !ok {
		return false, fmt.Errorf("%w: backup %s may not be rewritten: configure `rewrite:`", ErrConfig, s.Name)
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
	if err := n.mayWrite(); err != nil {
		return false, err
	}
	if !recovering {
		digest, err := fileDigest(s.Path)
		if err != nil {
			return false, err
		}
		_, ours, err := n.journal.LastRewrite(ctx, s.Path)
		if err != nil {
			return false, err
		}
		if digest != p.Files[s.Name] && digest != ours { // another plan may have rewritten it since
			n.problem(fmt.Errorf("%w: backup %s changed since plan %s was made: this night plans anew", ErrExpired, s.Name, p.PlanID))
			return false, n.lapse(ctx, p)
		}
	}
	intents := make([]journal.Chunk, len(apps))
	for i, a := range apps {
		intents[i], err = n.journal.Intend(ctx, journal.Chunk{RunID: n.run.ID, PlanID: p.PlanID, Group: a.position, First: 0, Rows: a.units(), IntentAt: n.Now()})
		if err != nil {
			return false, err
		}
	}
	n.Crash("rewrite_intent")
	job, err := n.confirm(ctx, s, apps, recovering)
	if err != nil {
		n.failedSource(s, err)
		return false, nil
	}
	report, err := rewriter.Rewrite(ctx, job.queries, job.edit, func(rewritten connectors.Source) error {
		n.Crash("rewrite_read_back")
		return job.verify(ctx, rewritten)
	})
	if err != nil {
		n.failedSource(s, err)
		n.backupRow(s.Name, func(b *audit.Backup) { b.Status = "waiting" })
		return false, nil
	}
	n.Crash("rewritten")
	after := hex.EncodeToString(report.After.SHA256[:])
	if err := n.journal.Rewritten(ctx, s.Path, n.asOf, after); err != nil {
		return false, err
	}
	n.backupRow(s.Name, func(b *audit.Backup) {
		b.Before, b.After, b.Status, b.LastRewrite, b.Pending, b.Size = hex.EncodeToString(report.Before.SHA256[:]), after, "rewritten", n.asOf, 0, report.After.Size
	})
	for i, a := range apps {
		if settled[a.position] {
			continue
		}
		if err := n.journal.Settle(ctx, intents[i].ID, n.run.ID, job.outcome(a), n.Now()); err != nil {
			return false, err
		}
	}
	n.Crash("rewrite_settled")
	return true, nil
}

func (n *night) backupRow(source string, change func(*audit.Backup)) {
	for i := range n.facts.Backups {
		if n.facts.Backups[i].Source == source {
			change(&n.facts.Backups[i])
		}
	}
}

// rewriteJob is what one rewrite drops and changes.
type rewriteJob struct {
	night    *night
	store    *store
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
func (n *night) confirm(ctx context.Context, s *store, apps []*application, recovering bool) (*rewriteJob, error) {
	j := &rewriteJob{night: n, store: s, apps: apps, outcomes: map[*application][][]byte{}, rows: map[string]map[connectors.Key]placed{}, keys: map[string][]int{}}
	for _, a := range apps {
		if err := n.reload(ctx, a.group.silo.Silo.Name); err != nil {
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
				case seg.Kind == "root" && out[i][k] != 0:
				case !acts[r.root]:
					out[i][k] = rowDrift
				default:
					out[i][k] = rowGone // until the rewrite meets it
					if recovering {
						out[i][k] = rowRecovered
					}
					if j.rows[seg.Table] == nil {
						j.rows[seg.Table] = map[connectors.Key]placed{}
					}
					j.rows[seg.Table][r.key] = placed{a, i, k}
				}
			}
		}
	}
	for _, t := range s.tables {
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
	g := a.group
	acts = map[int64]bool{}
	byKey := map[connectors.Key]int{}
	q := connectors.Query{Table: g.table.Name, Keys: &connectors.Keys{Fields: g.table.Key}}
	for k, r := range a.segments[0] {
		q.Keys.Tuples = append(q.Keys.Tuples, r.key)
		byKey[r.key] = k
		acts[r.root] = true // a row that is gone takes its dependents along
	}
	for b, err := range j.store.open.Scan(ctx, q) {
		if err != nil {
			return nil, err
		}
		for row := range int(b.Rows.NumRows()) {
			key, _ := connectors.KeyOf(b.Rows, g.key, row)
			k, planned := byKey[key]
			if !planned {
				continue
			}
			r := a.segments[0][k]
			switch g.still(b.Rows, row, r, a.plan.RunID, later(a.asOf, a.Now())) {
			case drifted:
				acts[r.root] = false
				j.outcomes[a][0][k] = rowDrift
			case already:
				j.outcomes[a][0][k] = rowDone
				if recovering {
					j.outcomes[a][0][k] = rowRecovered
				}
			}
		}
	}
	return acts, nil
}

// edit says what happens to the rows of one batch of the backup.
func (j *rewriteJob) edit(b connectors.Batch) (connectors.Edit, error) {
	edit := connectors.Edit{Ops: make([]connectors.Op, b.Rows.NumRows())}
	setting := make([]plannedRow, len(edit.Ops))
	nulls := map[string][]bool{}
	var group *group
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
		j.outcomes[at.app][at.segment][at.position] = rowDone
		switch r.change {
		case erase:
			edit.Ops[row] = connectors.Delete
		case setNull:
			edit.Ops[row] = connectors.Update
			for _, f := range r.fields {
				if nulls[f] == nil {
					nulls[f] = make([]bool, len(edit.Ops))
				}
				nulls[f][row] = true
			}
		default:
			edit.Ops[row], setting[row], group = connectors.Update, r, at.app.group
		}
	}
	if group != nil { // a row belongs to one silo; silos that share a table by discriminator set their own rows
		for _, a := range j.apps {
			if a.group.table.Name != b.Table {
				continue
			}
			mine := make([]connectors.Op, len(edit.Ops))
			any := false
			for row := range mine {
				if edit.Ops[row] == connectors.Update && setting[row].change != noChange && a.group.mine(b.Rows, row) {
					mine[row], any = connectors.Update, true
				}
			}
			if !any {
				continue
			}
			set, err := a.group.assign(b, mine, setting)
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
		t, _ := j.store.table(q.Table)
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
			switch r.change {
			case erase:
				return fmt.Errorf("table %s: a row that was to be erased is still there", b.Table)
			case setNull:
				for _, f := range r.fields {
					if i := j.store.column(b.Table, f); i >= 0 && b.Rows.Column(i).(*array.Binary).IsValid(row) {
						return fmt.Errorf("table %s: a reference that was to be forgotten is still there", b.Table)
					}
				}
			default:
				if !at.app.group.holdsNew(b.Rows, row, r) {
					return fmt.Errorf("table %s: a row that was to be changed is as it was", b.Table)
				}
			}
		}
	}
	for _, a := range j.apps {
		head, err := a.registry.Head(ctx, a.group.silo.Silo.Name)
		if err != nil {
			return err
		}
		if head != a.group.state.standings.Head() {
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

func (s *store) column(table, field string) int {
	t, _ := s.table(table)
	for i, f := range t.Fields {
		if f.Name == field {
			return i
		}
	}
	return -1
}

// TakenAt is when a backup file was written, as far as its own time says.
func TakenAt(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
