package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// Leaf is an entry of the log of what was published, at its place. It is recorded before anything of the log is
// written, so that however that ends, the log has one order.
type Leaf struct {
	Body   []byte
	Signed bool // a checkpoint that covers it stands in the reports
}

// Leaves returns the log's entries in their order.
func (j *Journal) Leaves(ctx context.Context) ([]Leaf, error) {
	rows, err := j.db.QueryContext(ctx, `SELECT place, body, signed FROM leaf ORDER BY place`)
	if err != nil {
		return nil, j.wrap("read the log", err)
	}
	defer rows.Close()
	var list []Leaf
	for rows.Next() {
		var place int
		var l Leaf
		if err := rows.Scan(&place, &l.Body, &l.Signed); err != nil {
			return nil, j.wrap("read the log", err)
		}
		if place != len(list) {
			return nil, j.wrap("read the log", fmt.Errorf("%w: entry %d of the log is missing: put the state folder "+
				"back from a copy", ErrCorrupt, len(list)))
		}
		list = append(list, l)
	}
	return list, j.wrap("read the log", rows.Err())
}

// PutLeaves records entries from a place on, all or none. Those that stand there already are not written again; others
// in their place are an error.
func (j *Journal) PutLeaves(ctx context.Context, place int64, bodies [][]byte) error {
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return j.wrap("record the log", err)
	}
	for i, body := range bodies {
		at := place + int64(i)
		var stands []byte
		_, err := tx.ExecContext(ctx, `INSERT INTO leaf (place, body) VALUES (?, ?) ON CONFLICT DO NOTHING`, at, body)
		if err == nil {
			err = tx.QueryRowContext(ctx, `SELECT body FROM leaf WHERE place = ?`, at).Scan(&stands)
		}
		if err == nil && !bytes.Equal(stands, body) {
			err = fmt.Errorf("another entry stands at place %d of the log", at)
		}
		if err != nil {
			return j.wrap("record the log", errors.Join(err, tx.Rollback()))
		}
	}
	return j.wrap("record the log", tx.Commit())
}

// SignLeaves records that a checkpoint over the first so many entries stands.
func (j *Journal) SignLeaves(ctx context.Context, size int64) error {
	_, err := j.db.ExecContext(ctx, `UPDATE leaf SET signed = 1 WHERE place < ? AND signed = 0`, size)
	return j.wrap("record the log", err)
}

// Published returns the runs that were published, without their facts, in the order in which they began.
func (j *Journal) Published(ctx context.Context) ([]Run, error) {
	rows, err := j.db.QueryContext(ctx, `SELECT run_id, as_of, manifest FROM run WHERE manifest <> ''
		ORDER BY started_at, run_id`)
	if err != nil {
		return nil, j.wrap("read runs", err)
	}
	defer rows.Close()
	var runs []Run
	for rows.Next() {
		var r Run
		var asOf string
		if err := rows.Scan(&r.ID, &asOf, &r.Manifest); err != nil {
			return nil, j.wrap("read runs", err)
		}
		r.AsOf = parse(asOf)
		runs = append(runs, r)
	}
	return runs, j.wrap("read runs", rows.Err())
}
