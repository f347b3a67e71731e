package journal

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/journal/sealed"
	"lethe/pipeline/registry/keystore"
)

// ErrAltered is [sealed.ErrAltered].
var ErrAltered = sealed.ErrAltered

// sealedTables are those whose rows are sealed, in the order of their sums in the box: a new one comes last. The
// answers are not: they are a chain of their own, which people sign, and of which only the end is kept here; nor is the
// log, which stands in the reports with its signed checkpoints.
var sealedTables = []sealed.Table{
	sealedBy("run", 1, "run_id", "run_key", "apply", "as_of", "started_at", "ended_at", "exit_code", "facts",
		"manifest"),
	sealedBy("plan", 1, "plan_id", "run_id", "part", "digest", "created_at", "valid_until", "state", "run_settled"),
	sealedBy("chunk", 3, "plan_id", "grp", "first", "id", "run_id", "rows", "intent_at", "outcome", "settled_at"),
	sealedBy("refusal", 3, "plan_id", "grp", "row", "class", "by_name", "at", "source", "tbl", "record", "destroys",
		"policy", "next_try"),
	sealedBy("self", 1, "id"),
	sealedBy("rewrite", 1, "file", "rewritten_at", "sha256"),
	sealedBy("made", 4, "target", "source", "tbl", "folder"),
	sealedBy("answered", 1, "id", "seq", "hash"),
	sealedBy("tried", 1, "id", "key", "at", "fits"),
	sealedBy("head", 1, "silo", "seq", "hash", "writes"),
}

// sealedBy is a table by its columns, of which so many are its key.
func sealedBy(name string, key int, columns ...string) sealed.Table {
	return sealed.Table{Name: name, Columns: columns, Key: key}
}

// Writes is how often anything was written to the journal: an older copy says less. 0 says that it is not sealed, which
// one of an earlier build is not.
func (j *Journal) Writes(ctx context.Context) (int64, error) {
	sums, err := j.sums(ctx)
	if err != nil || sums == nil {
		return 0, err
	}
	return sums[len(sums)-1].Rows, nil
}

// sums are those of the box; nil where there is none.
func (j *Journal) sums(ctx context.Context) ([]keystore.Sum, error) { return j.sumsIn(ctx, j.db) }

func (j *Journal) sumsIn(ctx context.Context, in interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) ([]keystore.Sum, error) {
	if j.seals.Sealer == nil {
		return nil, nil
	}
	var box []byte
	err := in.QueryRowContext(ctx, `SELECT box FROM seals`).Scan(&box)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, j.wrap("read seals", err)
	}
	return j.seals.Open(box)
}

// raise lets the journal say that it was written to so often, at the least.
func (j *Journal) raise(ctx context.Context, tx *sql.Tx, writes int64) error {
	sums, err := j.sumsIn(ctx, tx)
	if err != nil || sums == nil {
		return err
	}
	last := &sums[len(sums)-1]
	last.Rows = max(last.Rows, writes)
	_, err = tx.ExecContext(ctx, `UPDATE seals SET box = ?`, j.seals.Sealer.Box(sums, nil))
	return err
}

// Whole makes sure that every row is as Lethe wrote it, that none is gone, and that the journal is not older than the
// one that had so many writes. It returns [ErrAltered], with the first row that is not.
func (j *Journal) Whole(ctx context.Context, writes int64) error {
	if j.seals.Sealer == nil {
		return nil
	}
	tx, err := j.db.BeginTx(ctx, nil) // a night may be at work
	if err != nil {
		return j.wrap("read seals", err)
	}
	return errors.Join(j.whole(ctx, tx, writes), tx.Rollback())
}

func (j *Journal) whole(ctx context.Context, tx *sql.Tx, writes int64) error {
	var alien string
	err := tx.QueryRowContext(ctx,
		`SELECT name FROM main.sqlite_schema WHERE type IN ('trigger', 'view')`).Scan(&alien)
	if err == nil {
		return fmt.Errorf("%w: somebody let it act by itself (%s), which Lethe does not", ErrAltered, alien)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return j.wrap("read seals", err)
	}
	sums, err := j.sumsIn(ctx, tx)
	if err != nil {
		return err
	}
	switch {
	case sums == nil && writes > 0:
		return fmt.Errorf("%w: it is not sealed, and it was when the last report was made", ErrAltered)
	case sums == nil:
		return nil
	case sums[len(sums)-1].Rows < writes:
		return fmt.Errorf("%w: it is older than the last report: put back from a copy", ErrAltered)
	}
	for i := range sealedTables {
		if err := j.wholeTable(ctx, tx, i, sums[i]); err != nil {
			return err
		}
	}
	return nil
}

// wholeTable reads a table and holds it against its sum.
func (j *Journal) wholeTable(ctx context.Context, tx *sql.Tx, table int, want keystore.Sum) error {
	t := sealedTables[table]
	rows, err := tx.QueryContext(ctx, fmt.Sprintf(`SELECT %s, seal, %s(%d, %s) FROM %s ORDER BY rowid`,
		strings.Join(t.Columns[:t.Key], " || ' ' || "), sealed.FnTag, table, t.Of(""), t.Name))
	if err != nil {
		return j.wrap("read seals", err)
	}
	defer rows.Close()
	var sum keystore.Sum
	sealer := j.seals.Sealer.Clone()
	for rows.Next() {
		var place string
		var stands, tag []byte
		if err := rows.Scan(&place, &stands, &tag); err != nil {
			return j.wrap("read seals", err)
		}
		if !bytes.Equal(stands, tag) {
			return fmt.Errorf("%w: table %s, row %s is not as it was written", ErrAltered, t.Name, place)
		}
		sealer.Add(&sum, keystore.Tag(tag))
	}
	switch err := rows.Err(); {
	case err != nil:
		return j.wrap("read seals", err)
	case sum == want:
		return nil
	case sum.Rows < want.Rows:
		return fmt.Errorf("%w: table %s: %d of its rows are gone", ErrAltered, t.Name, want.Rows-sum.Rows)
	case sum.Rows > want.Rows:
		return fmt.Errorf("%w: table %s has %d rows that were there before and were removed", ErrAltered, t.Name,
			sum.Rows-want.Rows)
	}
	return fmt.Errorf("%w: table %s: rows of it are as they were before, and not as they were last written", ErrAltered,
		t.Name)
}

// Seal seals the rows of a journal of an earlier build, which had no seals, as they stand. One that is sealed stays as
// it is.
func (j *Journal) Seal(ctx context.Context) error {
	sums, err := j.sums(ctx)
	if err != nil || sums != nil || j.seals.Sealer == nil {
		return err
	}
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return j.wrap("seal", err)
	}
	for i, t := range sealedTables {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(`UPDATE %s SET seal = %s(%d, %s)`, t.Name, sealed.FnTag, i,
			t.Of(""))); err != nil {
			return j.wrap("seal", errors.Join(err, tx.Rollback()))
		}
	}
	if err := j.count(ctx, tx); err != nil {
		return j.wrap("seal", errors.Join(err, tx.Rollback()))
	}
	return j.wrap("seal", tx.Commit())
}

// count makes the box of the rows that stand.
func (j *Journal) count(ctx context.Context, tx *sql.Tx) error {
	sums := make([]keystore.Sum, len(sealedTables)+1)
	sums[len(sums)-1].Rows = 1
	sealer := j.seals.Sealer.Clone()
	for i, t := range sealedTables {
		rows, err := tx.QueryContext(ctx, `SELECT seal FROM `+t.Name)
		if err != nil {
			return err
		}
		for rows.Next() {
			var tag []byte
			if err := rows.Scan(&tag); err != nil {
				return errors.Join(err, rows.Close())
			}
			sealer.Add(&sums[i], keystore.Tag(slices.Clone(tag)))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO seals (id, box) VALUES (1, ?)`, sealer.Box(sums, nil))
	return err
}
