// Package journal is the durable record of what Lethe meant to do and what came of it: runs, plans,
// what people answered, and one row for each chunk of changes, written before the change (the intent) and completed
// after it (the outcome). Reports are projected from it. Its rows are sealed: [Journal.Whole] says whether nobody else
// wrote to it.
package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"lethe/pipeline/journal/packed"
	"lethe/pipeline/journal/sealed"
	"lethe/pipeline/registry/keystore"
)

// ErrCorrupt says that the journal cannot be read. Restore the state folder from a copy; never delete it
// while a plan is unsettled.
var ErrCorrupt = errors.New("journal corrupt")

// Journal is an open journal. It is used by one process at a time: the run's lock sees to that.
type Journal struct {
	db    *sql.DB
	state string // its folder
	seals sealed.Seals
}

const schema = `
CREATE TABLE IF NOT EXISTS run (
	run_id TEXT PRIMARY KEY, run_key TEXT NOT NULL, apply INTEGER NOT NULL, as_of TEXT NOT NULL,
	started_at TEXT NOT NULL,
	ended_at TEXT, exit_code INTEGER, facts BLOB, manifest TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS run_by_key ON run (run_key);
CREATE TABLE IF NOT EXISTS plan (
	plan_id TEXT PRIMARY KEY, run_id TEXT NOT NULL, part TEXT NOT NULL, digest TEXT NOT NULL, created_at TEXT NOT NULL,
	valid_until TEXT NOT NULL, state TEXT NOT NULL, run_settled TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS answer (seq INTEGER PRIMARY KEY, about TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS leaf (
	place INTEGER PRIMARY KEY, body BLOB NOT NULL, signed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS chunk (
	id INTEGER PRIMARY KEY, run_id TEXT NOT NULL, plan_id TEXT NOT NULL REFERENCES plan,
	grp INTEGER NOT NULL, first INTEGER NOT NULL,
	rows INTEGER NOT NULL, intent_at TEXT NOT NULL, outcome BLOB, settled_at TEXT, UNIQUE (plan_id, grp, first));
CREATE TABLE IF NOT EXISTS refusal (
	plan_id TEXT NOT NULL REFERENCES plan, grp INTEGER NOT NULL, row INTEGER NOT NULL, class TEXT NOT NULL,
	by_name TEXT NOT NULL, at TEXT NOT NULL, source TEXT NOT NULL, tbl TEXT NOT NULL, record TEXT NOT NULL,
	destroys INTEGER NOT NULL, policy TEXT NOT NULL, next_try TEXT NOT NULL, PRIMARY KEY (plan_id, grp, row));
CREATE INDEX IF NOT EXISTS refusal_by_record ON refusal (source, tbl, record);
CREATE TABLE IF NOT EXISTS self (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS rewrite (
	file TEXT PRIMARY KEY, rewritten_at TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS made (
	target TEXT NOT NULL, source TEXT NOT NULL, tbl TEXT NOT NULL, folder TEXT NOT NULL, PRIMARY KEY (target,
		source, tbl, folder));
CREATE TABLE IF NOT EXISTS answered (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, hash TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tried (id INTEGER PRIMARY KEY, key TEXT NOT NULL, at TEXT NOT NULL, fits INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS head (
	silo TEXT PRIMARY KEY, seq INTEGER NOT NULL, hash TEXT NOT NULL, writes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS seals (id INTEGER PRIMARY KEY, box BLOB NOT NULL);
`

// Open opens the journal in the given state folder, and makes it if the folder has none. What is written is sealed with
// the sealer of the keystore; without one, which a company has that was given no keys yet, a journal that is sealed can
// only be read.
func Open(ctx context.Context, state string, sealer *keystore.Sealer) (*Journal, error) {
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	file := &url.URL{Path: filepath.Join(state, "journal.db")} // a folder's name may hold ? and #
	dsn := "file:" + file.EscapedPath() + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)" +
		"&_pragma=synchronous(full)&_pragma=foreign_keys(on)"
	s := sealed.Seals{Sealer: sealer, Schema: schema, Tables: sealedTables}
	db, err := driver.Open(dsn, s.Connect)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		if err := failure(state, "open", err); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("open journal in %s: %w: %w: put the state folder back from a copy", state,
			ErrCorrupt, err)
	}
	j := &Journal{db, state, s}
	if err := j.moveOver(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return j, nil
}

// failure says in words what keeps a journal from being read or written, whatever is in it; nil for what does not.
func failure(state, verb string, err error) error {
	for _, f := range failures {
		if errors.Is(err, f.code) {
			return fmt.Errorf("%s: journal in %s: %s (%w)", verb, state, f.words, err)
		}
	}
	return nil
}

// failures are what a journal may fail of that is whole.
var failures = []struct {
	code  sqlite3.ErrorCode
	words string
}{
	{sqlite3.READONLY, "this user may not write there; " +
		"give the folder and its files to the account that Lethe runs as"},
	{sqlite3.CANTOPEN, "this user may not open it; give the folder and its files to the account that Lethe runs as"},
	{sqlite3.FULL, "the disk is full; free space there: the next start goes on from where this one stopped"},
	{sqlite3.IOERR, "it cannot be read or written; is the disk full, or gone? " +
		"The next start goes on from where this one stopped"},
	{sqlite3.BUSY, "another process is writing it"},
}

// Close closes the journal.
func (j *Journal) Close() error { return j.db.Close() }

// Run is one start of the night.
type Run struct {
	ID        string
	Key       string // job and civil date of as_of
	Apply     bool
	AsOf      time.Time
	StartedAt time.Time
	EndedAt   time.Time // zero: killed, or still at work
	ExitCode  int
	Facts     []byte // audit.Facts as JSON
	Manifest  string // sha256 of the manifest, hex; "": no report was published
}

// Begin records the start of a run.
func (j *Journal) Begin(ctx context.Context, r Run) error {
	_, err := j.db.ExecContext(ctx, `INSERT INTO run (run_id, run_key, apply, as_of, started_at) VALUES (?, ?, ?, ?,
		?)`,
		r.ID, r.Key, r.Apply, stamp(r.AsOf), stamp(r.StartedAt))
	return j.wrap("begin run", err)
}

// End records how a run ended, with the facts its report is made of.
func (j *Journal) End(ctx context.Context, r Run) error {
	facts, err := packed.Pack(r.Facts)
	if err == nil {
		_, err = j.db.ExecContext(ctx, `UPDATE run SET ended_at = ?, exit_code = ?, facts = ? WHERE run_id = ?`,
			stamp(r.EndedAt), r.ExitCode, facts, r.ID)
	}
	return j.wrap("end run", err)
}

// Publish records the manifest of a run's report.
func (j *Journal) Publish(ctx context.Context, runID, manifest string) error {
	_, err := j.db.ExecContext(ctx, `UPDATE run SET manifest = ? WHERE run_id = ?`, manifest, runID)
	return j.wrap("record manifest", err)
}

// Runs returns the latest runs, newest first.
func (j *Journal) Runs(ctx context.Context, limit int) ([]Run, error) { return j.runs(ctx, "", limit) }

// Nights is Runs without those that only brought the applications' copies up to date, of which there may be
// many between two nights.
func (j *Journal) Nights(ctx context.Context, limit int) ([]Run, error) {
	return j.runs(ctx, "WHERE run_key NOT LIKE '%"+SyncOnly+"/%'", limit)
}

// SyncOnly stands in the keys of runs that only bring the applications' copies up to date: JOB/MODE-sync/DATE.
const SyncOnly = "-sync"

func (j *Journal) runs(ctx context.Context, which string, limit int, args ...any) ([]Run, error) {
	rows, err := j.db.QueryContext(ctx, `SELECT run_id, run_key, apply, as_of, started_at, coalesce(ended_at, ''),
		coalesce(exit_code, -1), facts, manifest
		FROM run `+which+` ORDER BY started_at DESC, run_id DESC LIMIT ?1`, append([]any{limit}, args...)...)
	if err != nil {
		return nil, j.wrap("read runs", err)
	}
	defer rows.Close()
	var runs []Run
	for rows.Next() {
		var r Run
		var asOf, started, ended string
		if err := rows.Scan(&r.ID, &r.Key, &r.Apply, &asOf, &started, &ended, &r.ExitCode, &r.Facts,
			&r.Manifest); err != nil {
			return nil, j.wrap("read runs", err)
		}
		if r.Facts, err = packed.Unpack(r.Facts); err != nil {
			return nil, j.wrap("read runs", fmt.Errorf("facts of a run: %w: %w: put the state folder back from a copy",
				ErrCorrupt, err))
		}
		r.AsOf, r.StartedAt, r.EndedAt = parse(asOf), parse(started), parse(ended)
		runs = append(runs, r)
	}
	return runs, j.wrap("read runs", rows.Err())
}

// Find returns the run of an id; ok is false for one that the journal does not know.
func (j *Journal) Find(ctx context.Context, id string) (r Run, ok bool, err error) {
	runs, err := j.runs(ctx, "WHERE run_id = ?2", 1, id)
	if err != nil || len(runs) == 0 {
		return Run{}, false, err
	}
	return runs[0], true, nil
}

// older are the published runs that began before the newest so many nights.
const older = ` manifest <> '' AND started_at < (SELECT min(started_at) FROM (SELECT started_at FROM run
	WHERE manifest <> '' AND run_key NOT LIKE '%` + SyncOnly + `/%' ORDER BY started_at DESC LIMIT ?1))`

// Outdated returns the ids of the runs whose report is published and that began before the newest so many nights;
// and of those that were cut off before the given one began, which have no report.
func (j *Journal) Outdated(ctx context.Context, nights int, current string) (ids []string, err error) {
	rows, err := j.db.QueryContext(ctx, `SELECT run_id FROM run WHERE`+older+`
		OR ended_at IS NULL AND run_id <> ?2`, nights, current)
	if err != nil {
		return nil, j.wrap("read runs", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, j.wrap("read runs", err)
		}
		ids = append(ids, id)
	}
	return ids, j.wrap("read runs", rows.Err())
}

// DropFacts forgets what the reports were made of that began before the newest so many nights: they are published.
func (j *Journal) DropFacts(ctx context.Context, nights int) error {
	_, err := j.db.ExecContext(ctx, `UPDATE run SET facts = NULL WHERE facts IS NOT NULL AND`+older, nights)
	return j.wrap("forget facts", err)
}

// TakeOver gives a run what runs that never ended had settled, so that its report holds it. The caller has
// the lock, so that nobody else is at work.
func (j *Journal) TakeOver(ctx context.Context, runID string) error {
	const cutOff = ` IN (SELECT run_id FROM run WHERE ended_at IS NULL AND run_id <> ?)`
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return j.wrap("take over", err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE chunk SET run_id = ? WHERE outcome IS NOT NULL AND run_id`+cutOff,
		runID, runID)
	if err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE plan SET run_settled = ? WHERE run_settled`+cutOff, runID, runID)
	}
	if err != nil {
		return j.wrap("take over", errors.Join(err, tx.Rollback()))
	}
	return j.wrap("take over", tx.Commit())
}

// Plan is a sealed plan as the journal knows it; its rows stand in the plan's folder.
type Plan struct {
	ID         string
	RunID      string
	Part       string // reversible or destructive
	Digest     string // sha256 of plan.json, hex
	CreatedAt  time.Time
	ValidUntil time.Time
	State      string
	SettledIn  string // the run that settled it
}

// The states of a plan.
const (
	Waiting  = "waiting"  // for approval
	Approved = "approved" // may be applied; also one that was begun and interrupted
	Settled  = "settled"  // every row has an outcome
	Lapsed   = "expired"  // not approved in time, or stale
	Rejected = "rejected" // by a person
	// Withdrawn is one that nobody had answered when a newer one took its place.
	Withdrawn = "withdrawn"
)

// PutPlan records a sealed plan.
func (j *Journal) PutPlan(ctx context.Context, p Plan) error {
	_, err := j.db.ExecContext(ctx, `INSERT INTO plan (plan_id, run_id, part, digest, created_at, valid_until, state)
		VALUES (?, ?, ?, ?, ?, ?, ?)`,
		p.ID, p.RunID, p.Part, p.Digest, stamp(p.CreatedAt), stamp(p.ValidUntil), p.State)
	return j.wrap("record plan", err)
}

// SetPlanState moves a plan on; runID is the run that does it. One that has ended stays as it ended.
func (j *Journal) SetPlanState(ctx context.Context, planID, state, runID string) error {
	_, err := j.db.ExecContext(ctx, `UPDATE plan SET state = ?1, run_settled = ?2 WHERE plan_id = ?3
		AND state IN (?1, '`+Waiting+`', '`+Approved+`')`, state, runID, planID)
	return j.wrap("update plan", err)
}

// Withdraw ends a plan that waits and about which nobody has answered; done is false for one that somebody has.
func (j *Journal) Withdraw(ctx context.Context, planID, about, runID string) (done bool, err error) {
	res, err := j.db.ExecContext(ctx, `UPDATE plan SET state = '`+Withdrawn+`', run_settled = ?1 WHERE plan_id = ?2
		AND state = '`+Waiting+`' AND NOT EXISTS (SELECT 1 FROM answer WHERE about = ?3)`, runID, planID, about)
	if err != nil {
		return false, j.wrap("withdraw plan", err)
	}
	n, err := res.RowsAffected()
	return n == 1, j.wrap("withdraw plan", err)
}

// Plans returns the plans in any of the states, oldest first; no state means all.
func (j *Journal) Plans(ctx context.Context, states ...string) ([]Plan, error) {
	rows, err := j.db.QueryContext(ctx, `SELECT plan_id, run_id, part, digest, created_at, valid_until, state,
		run_settled FROM plan ORDER BY created_at, plan_id`)
	if err != nil {
		return nil, j.wrap("read plans", err)
	}
	defer rows.Close()
	var plans []Plan
	for rows.Next() {
		var p Plan
		var created, until string
		if err := rows.Scan(&p.ID, &p.RunID, &p.Part, &p.Digest, &created, &until, &p.State, &p.SettledIn); err != nil {
			return nil, j.wrap("read plans", err)
		}
		p.CreatedAt, p.ValidUntil = parse(created), parse(until)
		if len(states) == 0 || slices.Contains(states, p.State) {
			plans = append(plans, p)
		}
	}
	return plans, j.wrap("read plans", rows.Err())
}

// Chunk is some neighbouring rows of one group of a plan, changed in one transaction (a live store) or one
// rewrite (a file).
type Chunk struct {
	ID       int64
	RunID    string
	PlanID   string
	Group    int   // position of the group in the plan
	First    int64 // position of the chunk's first root row in the group
	Rows     int64 // root rows of the chunk
	IntentAt time.Time
	// one Status for each planned row, roots first, then the dependents of each segment; nil: not known yet
	Outcome   []byte
	SettledAt time.Time
}

// Intend makes the intent of a chunk durable, before anything is changed. Asking again for the same rows
// returns the chunk that is there.
func (j *Journal) Intend(ctx context.Context, c Chunk) (Chunk, error) {
	_, err := j.db.ExecContext(ctx, `INSERT INTO chunk (run_id, plan_id, grp, first, rows, intent_at) VALUES (?, ?, ?,
		?, ?, ?)
		ON CONFLICT (plan_id, grp, first) DO NOTHING`, c.RunID, c.PlanID, c.Group, c.First, c.Rows, stamp(c.IntentAt))
	if err != nil {
		return c, j.wrap("record intent", err)
	}
	err = j.db.QueryRowContext(ctx, `SELECT id FROM chunk WHERE plan_id = ? AND grp = ? AND first = ?`, c.PlanID,
		c.Group, c.First).Scan(&c.ID)
	return c, j.wrap("record intent", err)
}

// Outcomes is what became of the rows of a chunk.
type Outcomes struct {
	Chunk   int64
	Of      []byte    // each row
	Refused []Refusal // what the database refused
}

// Settle makes the outcomes of chunks durable, with what the database refused of them: all or nothing. runID is the
// run that settles them, which may not be the one that began.
func (j *Journal) Settle(ctx context.Context, runID string, at time.Time, chunks ...Outcomes) error {
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return j.wrap("record outcome", err)
	}
	for _, c := range chunks {
		res, failed := tx.ExecContext(ctx, `UPDATE chunk SET outcome = ?, settled_at = ?, run_id = ? WHERE id = ?
			AND outcome IS NULL`, c.Of, stamp(at), runID, c.Chunk)
		if err = failed; err == nil {
			var n int64
			if n, err = res.RowsAffected(); err == nil && n != 1 {
				err = fmt.Errorf("chunk %d: %w", c.Chunk, ErrCorrupt)
			}
		}
		if err == nil {
			err = j.refuse(ctx, tx, c.Refused)
		}
		if err != nil {
			return j.wrap("record outcome", errors.Join(err, tx.Rollback()))
		}
	}
	return j.wrap("record outcome", tx.Commit())
}

// Chunks returns the chunks of a plan in the order of their rows.
func (j *Journal) Chunks(ctx context.Context, planID string) ([]Chunk, error) {
	rows, err := j.db.QueryContext(ctx, `SELECT id, run_id, grp, first, rows, intent_at, outcome, coalesce(settled_at,
		'') FROM chunk WHERE plan_id = ? ORDER BY grp, first`, planID)
	if err != nil {
		return nil, j.wrap("read chunks", err)
	}
	defer rows.Close()
	var chunks []Chunk
	for rows.Next() {
		c := Chunk{PlanID: planID}
		var intent, settled string
		if err := rows.Scan(&c.ID, &c.RunID, &c.Group, &c.First, &c.Rows, &intent, &c.Outcome, &settled); err != nil {
			return nil, j.wrap("read chunks", err)
		}
		c.IntentAt, c.SettledAt = parse(intent), parse(settled)
		chunks = append(chunks, c)
	}
	return chunks, j.wrap("read chunks", rows.Err())
}

// Rewritten records that a backup file has been rewritten.
func (j *Journal) Rewritten(ctx context.Context, file string, at time.Time, sha256 string) error {
	_, err := j.db.ExecContext(ctx, `INSERT INTO rewrite (file, rewritten_at, sha256) VALUES (?, ?, ?)
		ON CONFLICT (file) DO UPDATE SET rewritten_at = excluded.rewritten_at, sha256 = excluded.sha256`, file,
		stamp(at), sha256)
	return j.wrap("record rewrite", err)
}

// LastRewrite returns when a backup file was last rewritten, and the sha256 it then had, hex; zero if never.
func (j *Journal) LastRewrite(ctx context.Context, file string) (at time.Time, sha256 string, err error) {
	var text string
	err = j.db.QueryRowContext(ctx, `SELECT rewritten_at, sha256 FROM rewrite
		WHERE file = ?`, file).Scan(&text, &sha256)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, "", nil
	}
	return parse(text), sha256, j.wrap("read rewrite", err)
}

// Made is what was made for an application outside Lethe: a table with its views in a source, or a folder of
// snapshots. It is remembered before it is made, and until it is known to be gone.
type Made struct {
	Target string
	Source string
	Table  string // "" for a folder
	Folder string // absolute; "" for a table
}

// PutMade remembers what is about to be made.
func (j *Journal) PutMade(ctx context.Context, m Made) error {
	_, err := j.db.ExecContext(ctx,
		`INSERT INTO made (target, source, tbl, folder) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, m.Target,
		m.Source, m.Table, m.Folder)
	return j.wrap("record copy", err)
}

// DropMade forgets what is gone.
func (j *Journal) DropMade(ctx context.Context, m Made) error {
	_, err := j.db.ExecContext(ctx, `DELETE FROM made WHERE target = ? AND source = ? AND tbl = ? AND folder = ?`,
		m.Target, m.Source, m.Table, m.Folder)
	return j.wrap("forget copy", err)
}

// AllMade lists what was made and is not known to be gone.
func (j *Journal) AllMade(ctx context.Context) (list []Made, err error) {
	rows, err := j.db.QueryContext(ctx,
		`SELECT target, source, tbl, folder FROM made ORDER BY target, source, tbl, folder`)
	if err != nil {
		return nil, j.wrap("read copies", err)
	}
	defer rows.Close()
	for rows.Next() {
		var m Made
		if err := rows.Scan(&m.Target, &m.Source, &m.Table, &m.Folder); err != nil {
			return nil, j.wrap("read copies", err)
		}
		list = append(list, m)
	}
	return list, j.wrap("read copies", rows.Err())
}

func (j *Journal) wrap(verb string, err error) error {
	if err == nil {
		return nil
	}
	if known := failure(j.state, verb, err); known != nil {
		return known
	}
	if errors.Is(err, sqlite3.CORRUPT) || errors.Is(err, sqlite3.NOTADB) {
		err = fmt.Errorf("%w in %s: %w: put the state folder back from a copy", ErrCorrupt, j.state, err)
	}
	return fmt.Errorf("journal: %s: %w", verb, err)
}

const layout = "2006-01-02T15:04:05.000000000Z" // fixed width, so that text order is time order

func stamp(t time.Time) string { return t.UTC().Format(layout) }

func parse(s string) time.Time {
	t, err := time.Parse(layout, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
