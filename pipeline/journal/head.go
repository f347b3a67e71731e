package journal

import "context"

// Head is where the chain of a silo of the registry ended, and how often the silo was written to, when that was last
// noted: by each command that writes to the registry, between the nights too.
type Head struct {
	Silo   string
	Seq    int64
	Hash   string // hex
	Writes int64
}

// NoteHeads notes how silos stand that were written to. A silo of which more is known stays as it is: that is an older
// copy's. anew: two people said that the nights go on with these, and nothing else is known any more.
func (j *Journal) NoteHeads(ctx context.Context, heads []Head, anew bool) error {
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return j.wrap("note the registry", err)
	}
	defer func() { _ = tx.Rollback() }() // of what is not committed
	if anew {
		if _, err := tx.ExecContext(ctx, `DELETE FROM head`); err != nil {
			return j.wrap("note the registry", err)
		}
	}
	for _, h := range heads {
		if _, err := tx.ExecContext(ctx, `INSERT INTO head (silo, seq, hash, writes) VALUES (?, ?, ?, ?)
			ON CONFLICT (silo) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, writes = excluded.writes
			WHERE excluded.writes > writes`, h.Silo, h.Seq, h.Hash, h.Writes); err != nil {
			return j.wrap("note the registry", err)
		}
	}
	return j.wrap("note the registry", tx.Commit())
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
