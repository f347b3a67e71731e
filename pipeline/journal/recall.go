package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"

	"lethe/pipeline/journal/packed"
)

// ID is the name that a journal gave itself when it was first asked: a copy of it has the same, and another journal
// another one.
func (j *Journal) ID(ctx context.Context) (id string, err error) {
	_, err = j.db.ExecContext(ctx, `INSERT INTO self (id) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM self)`, rand.Text())
	if err == nil {
		err = j.db.QueryRowContext(ctx, `SELECT id FROM self`).Scan(&id)
	}
	return id, j.wrap("read the journal's id", err)
}

// Unknown returns those of the runs that the journal does not know, in their order.
func (j *Journal) Unknown(ctx context.Context, ids []string) ([]string, error) {
	rows, err := j.db.QueryContext(ctx, `SELECT run_id FROM run`)
	if err != nil {
		return nil, j.wrap("read runs", err)
	}
	defer rows.Close()
	known := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, j.wrap("read runs", err)
		}
		known[id] = true
	}
	unknown := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return known[id] })
	return unknown, j.wrap("read runs", rows.Err())
}

// Recall records runs that ended and were published, as their reports have them: all or none. From then on the journal
// says that as often anything was written to it as they say.
func (j *Journal) Recall(ctx context.Context, runs []Run, writes int64) error {
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return j.wrap("recall runs", err)
	}
	for _, r := range runs {
		facts, err := packed.Pack(r.Facts)
		if err != nil {
			return j.wrap("recall runs", errors.Join(err, tx.Rollback()))
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO run (run_id, run_key, apply, as_of, started_at, ended_at,
			exit_code, facts, manifest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, r.ID, r.Key, r.Apply, stamp(r.AsOf),
			stamp(r.StartedAt), stamp(r.EndedAt), r.ExitCode, facts, r.Manifest); err != nil {
			return j.wrap("recall runs", errors.Join(err, tx.Rollback()))
		}
	}
	if err := j.raise(ctx, tx, writes); err != nil {
		return j.wrap("recall runs", errors.Join(err, tx.Rollback()))
	}
	return j.wrap("recall runs", tx.Commit())
}
