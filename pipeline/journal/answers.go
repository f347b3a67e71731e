package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
)

// Answers returns what people answered, by its place in the chain.
func (j *Journal) Answers(ctx context.Context) (map[int64][]byte, error) {
	rows, err := j.db.QueryContext(ctx, `SELECT seq, body FROM answer`)
	if err != nil {
		return nil, j.wrap("read answers", err)
	}
	defer rows.Close()
	bodies := map[int64][]byte{}
	for rows.Next() {
		var seq int64
		var body []byte
		if err := rows.Scan(&seq, &body); err != nil {
			return nil, j.wrap("read answers", err)
		}
		bodies[seq] = body
	}
	return bodies, j.wrap("read answers", rows.Err())
}

// ErrMovedOn says that a plan is not in the state any more that it was read in, or that it has begun.
var ErrMovedOn = errors.New("the plan has moved on")

// Move moves a plan from the state that it was read in to another. Intents are how many it was seen to have on record:
// if it has others by now, it is not moved.
type Move struct {
	Plan    Plan
	To      string
	Intents int
}

// PutAnswer records an answer at its place, and moves a plan with it: both or neither. One that stands there already is
// not written again; another one in its place is an error.
func (j *Journal) PutAnswer(ctx context.Context, seq int64, about string, body []byte, m *Move) error {
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return j.wrap("record answer", err)
	}
	if m != nil {
		err = m.in(ctx, tx)
	}
	if err == nil {
		err = putAnswer(ctx, tx, seq, about, body)
	}
	if err != nil {
		return j.wrap("record answer", errors.Join(err, tx.Rollback()))
	}
	return j.wrap("record answer", tx.Commit())
}

func (m *Move) in(ctx context.Context, tx *sql.Tx) error {
	res, err := tx.ExecContext(ctx, `UPDATE plan SET state = ?, run_settled = '' WHERE plan_id = ? AND state = ?
		AND (SELECT count(*) FROM chunk WHERE chunk.plan_id = plan.plan_id) = ?`, m.To, m.Plan.ID, m.Plan.State,
		m.Intents)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(ErrMovedOn, err)
	}
	return nil
}

func putAnswer(ctx context.Context, tx *sql.Tx, seq int64, about string, body []byte) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO answer (seq, about, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
		seq, about, body); err != nil {
		return err
	}
	var stands []byte
	if err := tx.QueryRowContext(ctx, `SELECT body FROM answer WHERE seq = ?`, seq).Scan(&stands); err != nil {
		return err
	}
	if !bytes.Equal(stands, body) {
		return fmt.Errorf("another answer stands at place %d: try again", seq)
	}
	return lastAnswer(ctx, tx, seq, body)
}

// lastAnswer remembers, sealed, which answer was recorded last, so that it cannot be taken away before a night saw it.
func lastAnswer(ctx context.Context, tx *sql.Tx, seq int64, body []byte) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO answered (id, seq, hash) VALUES (1, ?, ?)
		ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash`, seq,
		fmt.Sprintf("%x", sha256.Sum256(body)))
	return err
}

// LastAnswer is the place of the answer that was recorded last, and the SHA-256 of its body, hex; 0 where none was.
func (j *Journal) LastAnswer(ctx context.Context) (seq int64, hash string, err error) {
	err = j.db.QueryRowContext(ctx, `SELECT seq, hash FROM answered`).Scan(&seq, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", nil
	}
	return seq, hash, j.wrap("read answers", err)
}

// RestoreAnswer puts an answer to its place, whatever stands there.
func (j *Journal) RestoreAnswer(ctx context.Context, seq int64, about string, body []byte) error {
	last, _, err := j.LastAnswer(ctx)
	if err != nil {
		return err
	}
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return j.wrap("restore answer", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO answer (seq, about, body) VALUES (?, ?, ?)
		ON CONFLICT (seq) DO UPDATE SET about = excluded.about, body = excluded.body`, seq, about, body)
	if err == nil && seq > last { // who signed it was cut off before the journal had it
		err = lastAnswer(ctx, tx, seq, body)
	}
	if err != nil {
		return j.wrap("restore answer", errors.Join(err, tx.Rollback()))
	}
	return j.wrap("restore answer", tx.Commit())
}

// CutAnswers takes out the answers after a place.
func (j *Journal) CutAnswers(ctx context.Context, last int64) error {
	_, err := j.db.ExecContext(ctx, `DELETE FROM answer WHERE seq > ?`, last)
	return j.wrap("cut answers", err)
}

// moveOver ends the plans that people answered under an earlier build, whose answers were in no chain: the night plans
// their rows anew and asks again. One that has begun stays as it is, and needs its approvals again.
func (j *Journal) moveOver(ctx context.Context) error {
	var old int
	err := j.db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'approval'`).Scan(&old)
	if err != nil || old == 0 {
		return j.wrap("open", err)
	}
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return j.wrap("open", err)
	}
	for _, statement := range []string{
		`CREATE TABLE IF NOT EXISTS taken_back (id INTEGER PRIMARY KEY, plan_id TEXT NOT NULL)`,
		`UPDATE plan SET state = '` + Lapsed + `', run_settled = run_id
			WHERE state IN ('` + Waiting + `', '` + Approved + `') AND plan_id IN
			(SELECT plan_id FROM approval UNION SELECT plan_id FROM taken_back)
			AND NOT EXISTS (SELECT 1 FROM chunk WHERE chunk.plan_id = plan.plan_id)`,
		`ALTER TABLE approval RENAME TO approval_before`,
		`ALTER TABLE taken_back RENAME TO taken_back_before`,
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return j.wrap("open", errors.Join(err, tx.Rollback()))
		}
	}
	return j.wrap("open", tx.Commit())
}
