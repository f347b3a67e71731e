package journal

import (
	"context"

	"lethe/pipeline/journal/packed"
)

// shrinkPages is from how many free pages on a journal is worth writing anew: a megabyte.
const shrinkPages = 1 << 8

// Shrink gives back the room of what was forgotten, where that is most of the journal.
func (j *Journal) Shrink(ctx context.Context) error {
	var all, free int
	err := j.db.QueryRowContext(ctx, `SELECT page_count, freelist_count FROM pragma_page_count,
		pragma_freelist_count`).Scan(&all, &free)
	if err != nil || free < shrinkPages || free < all/2 {
		return j.wrap("shrink", err)
	}
	_, err = j.db.ExecContext(ctx, `VACUUM`)
	return j.wrap("shrink", err)
}

// PackFacts packs what a journal of an earlier build holds as it is.
func (j *Journal) PackFacts(ctx context.Context) error {
	plain, err := j.runs(ctx, `WHERE substr(facts, 1, 1) = x'7b'`, -1)
	if err != nil {
		return err
	}
	for _, r := range plain {
		body, err := packed.Pack(r.Facts)
		if err == nil {
			_, err = j.db.ExecContext(ctx, `UPDATE run SET facts = ? WHERE run_id = ?`, body, r.ID)
		}
		if err != nil {
			return j.wrap("pack facts", err)
		}
	}
	return nil
}

// EndRefusals forgets which rows of a plan that has ended were refused.
func (j *Journal) EndRefusals(ctx context.Context, planID string) error {
	return j.endOf(ctx, `DELETE FROM refusal`, planID)
}

// EndChunks forgets what came of each row of a plan that has ended.
func (j *Journal) EndChunks(ctx context.Context, planID string) error {
	return j.endOf(ctx, `DELETE FROM chunk`, planID)
}

func (j *Journal) endOf(ctx context.Context, verb, planID string) error {
	_, err := j.db.ExecContext(ctx, verb+` WHERE plan_id = (SELECT plan_id FROM plan WHERE plan_id = ?
		AND state NOT IN ('`+Waiting+`', '`+Approved+`'))`, planID)
	return j.wrap("end what is over its term", err)
}
