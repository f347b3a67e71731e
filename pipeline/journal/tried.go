package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// How many wrong passphrases in a row lock a person's key here, and for how long from the last one.
const (
	LockAfter = 5
	LockFor   = time.Hour
)

// triedDays is for how many days a passphrase that was tried is remembered.
const triedDays = 90

// ErrLocked says that no passphrase of a key is tried for a while.
var ErrLocked = errors.New("the key is locked here")

// Unlocked makes sure that a passphrase of a key may be tried: ErrLocked, and until when it may not.
func (j *Journal) Unlocked(ctx context.Context, key string, now time.Time) error {
	return j.unlocked(ctx, j.db, key, now)
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (j *Journal) unlocked(ctx context.Context, in queryer, key string, now time.Time) error {
	var wrong int
	var at sql.NullString
	if err := in.QueryRowContext(ctx, `SELECT count(*), max(at) FROM tried WHERE key = ? AND id >
		(SELECT coalesce(max(id), 0) FROM tried WHERE key = ? AND fits = 1)`, key, key).Scan(&wrong, &at); err != nil {
		return j.wrap("look for passphrases that were tried", err)
	}
	last := parse(at.String)
	if until := last.Add(LockFor); wrong >= LockAfter && now.Before(until) {
		return fmt.Errorf("%w until %s: %d wrong passphrases in a row were given for it, the last at %s", ErrLocked,
			until.UTC().Format(time.RFC3339), wrong, last.UTC().Format(time.RFC3339))
	}
	return nil
}

// Try notes that a passphrase of a key is tried now, before it is, as a wrong one: who is cut off, or tries many at
// once, has tried. The error is ErrLocked where it may not be. Id names the try.
func (j *Journal) Try(ctx context.Context, key string, now time.Time) (id int64, err error) {
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, j.wrap("note a passphrase", err)
	}
	id, err = j.try(ctx, tx, key, now)
	if err != nil {
		return 0, errors.Join(err, tx.Rollback())
	}
	return id, j.wrap("note a passphrase", tx.Commit())
}

func (j *Journal) try(ctx context.Context, tx *sql.Tx, key string, now time.Time) (int64, error) {
	_, err := tx.ExecContext(ctx, `DELETE FROM tried WHERE at < ?`, stamp(now.AddDate(0, 0, -triedDays)))
	if err != nil {
		return 0, j.wrap("note a passphrase", err)
	}
	if err := j.unlocked(ctx, tx, key, now); err != nil {
		return 0, err
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO tried (key, at, fits) VALUES (?, ?, 0)`, key, stamp(now))
	if err != nil {
		return 0, j.wrap("note a passphrase", err)
	}
	return res.LastInsertId()
}

// Fits notes that the passphrase of a try was the right one: those before it count no more.
func (j *Journal) Fits(ctx context.Context, id int64) error {
	_, err := j.db.ExecContext(ctx, `UPDATE tried SET fits = 1 WHERE id = ?`, id)
	return j.wrap("note a passphrase", err)
}

// Tries are the wrong passphrases of a key.
type Tries struct {
	Wrong int
	Last  time.Time
}

// Wrong are the wrong passphrases since an instant, by key.
func (j *Journal) Wrong(ctx context.Context, since time.Time) (map[string]Tries, error) {
	rows, err := j.db.QueryContext(ctx, `SELECT key, count(*), max(at) FROM tried WHERE fits = 0 AND at >= ?
		GROUP BY key`, stamp(since))
	if err != nil {
		return nil, j.wrap("read passphrases that were tried", err)
	}
	defer rows.Close()
	all := map[string]Tries{}
	for rows.Next() {
		var key, last string
		var t Tries
		if err := rows.Scan(&key, &t.Wrong, &last); err != nil {
			return nil, j.wrap("read passphrases that were tried", err)
		}
		t.Last = parse(last)
		all[key] = t
	}
	return all, j.wrap("read passphrases that were tried", rows.Err())
}
