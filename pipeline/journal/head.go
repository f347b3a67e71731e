package journal

import (
	"context"
	"database/sql"
	"errors"
)

// Head is where the chain of a silo of the registry ended, and how often the silo was written to, when that was last
// noted: by each command that writes to the registry, between the nights too.
type Head struct {
	Silo   string
	Seq    int64
	Hash   string // hex
	Writes int64
}

// NoteHeads notes how silos stand that were written to. A silo of which more is known already stays as it is: that of an
// older copy; anew, two people said that the nights go on with these, and nothing else is known any more.
func (j *Journal) NoteHeads(ctx context.Context, heads []Head, anew bool) error {
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return j.wrap("note the registry", err)
	}
	if err := noteHeads(ctx, tx, heads, anew); err != nil {
		return j.wrap("note the registry", errors.Join(err, tx.Rollback()))
	}
	return j.wrap("note the registry", tx.Commit())
}

func noteHeads(ctx context.Context, tx *sql.Tx, heads []Head, anew bool) error {
	if anew {
		if _, err := tx.ExecContext(ctx, `DELETE FROM head`); err != nil {
			return err
		}
	}
	for _, h := range heads {
		var known int64
		err := tx.QueryRowContext(ctx, `SELECT writes FROM head WHERE silo = ?`, h.Silo).Scan(&known)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			_, err = tx.ExecContext(ctx, `INSERT INTO head (silo, seq, hash, writes) VALUES (?, ?, ?, ?)`, h.Silo, h.Seq,
				h.Hash, h.Writes)
		case err == nil && known < h.Writes:
			_, err = tx.ExecContext(ctx, `UPDATE head SET seq = ?, hash = ?, writes = ? WHERE silo = ?`, h.Seq, h.Hash,
				h.Writes, h.Silo)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Heads are the silos as they were last noted, in no order.
func (j *Journal) Heads(ctx context.Context) (heads []Head, err error) {
	rows, err := j.db.QueryContext(ctx, `SELECT silo, seq, hash, writes FROM head`)
	if err != nil {
		return nil, j.wrap("read how the registry was", err)
	}
	defer rows.Close()
	for rows.Next() {
		var h Head
		if err := rows.Scan(&h.Silo, &h.Seq, &h.Hash, &h.Writes); err != nil {
			return nil, j.wrap("read how the registry was", err)
		}
		heads = append(heads, h)
	}
	return heads, j.wrap("read how the registry was", rows.Err())
}
