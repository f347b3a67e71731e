package registry

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Hold is a legal hold. It is in force from the moment it is placed, because doubt keeps; who approves it is another person.
type Hold struct {
	ID         string
	CaseRef    string
	PlacedBy   string
	PlacedAt   time.Time
	ApprovedBy string // "" until ApproveHold
	ReviewBy   time.Time
	ReleasedAt time.Time // zero: in force
	ReleasedBy string

	ReleaseApprovedBy string // the second who released it
}

// PlaceHold places a legal hold on a silo's collections, on all of it when none are named.
func (c *Cases) PlaceHold(ctx context.Context, silo string, h Hold, collections ...int32) error {
	what := fmt.Sprintf("place hold %s on silo %q", h.ID, silo)
	if h.ID == "" || h.PlacedBy == "" || h.CaseRef == "" {
		return fmt.Errorf("%s: name the hold, the case and who places it: %w", what, ErrRefused)
	}
	at := cmp.Or(micros(h.PlacedAt), c.store.now().UnixMicro())
	return c.store.write(ctx, what, func(tx *txn) error {
		w, err := c.store.writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		result, err := tx.exec(ctx, `INSERT INTO legal_hold (silo, hold, case_ref, placed_by, placed_at, approved_by, review_by, released_by,
			release_approved_by, released_at) VALUES (?, ?, ?, ?, ?, '', ?, '', '', 0)`+tx.ignoring("silo, hold"), w.silo.id, h.ID, h.CaseRef, h.PlacedBy, at, micros(h.ReviewBy))
		if err := one(result, err, "a hold of this name was placed before; choose another name"); err != nil {
			return err
		}
		return w.system(ctx, HoldPlaced, instant(at), details{Hold: h.ID, By: h.PlacedBy}, collections)
	})
}

// ApproveHold confirms a hold; by must not be who placed it.
func (c *Cases) ApproveHold(ctx context.Context, silo, hold, by string) error {
	return c.store.write(ctx, fmt.Sprintf("approve hold %s on silo %q", hold, silo), func(tx *txn) error {
		w, err := c.store.writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		result, err := tx.exec(ctx, `UPDATE legal_hold SET approved_by = ? WHERE silo = ? AND hold = ? AND approved_by = '' AND placed_by <> ? AND ? <> ''`,
			by, w.silo.id, hold, by, by)
		if err := one(result, err, "there is no such hold to approve, or it was placed by the same person; another one must approve"); err != nil {
			return err
		}
		collections, err := w.heldBy(ctx, hold)
		if err != nil {
			return err
		}
		return w.system(ctx, HoldApproved, instant(w.now), details{Hold: hold, By: by}, collections)
	})
}

// ReleaseHold ends a hold. Two people are needed, because what it protected may be erased the night after.
func (c *Cases) ReleaseHold(ctx context.Context, silo, hold, by, approvedBy string) error {
	what := fmt.Sprintf("release hold %s on silo %q", hold, silo)
	if by == "" || approvedBy == "" || by == approvedBy {
		return fmt.Errorf("%s: two different people must release it: %w", what, ErrRefused)
	}
	return c.store.write(ctx, what, func(tx *txn) error {
		w, err := c.store.writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		result, err := tx.exec(ctx, `UPDATE legal_hold SET released_by = ?, release_approved_by = ?, released_at = ? WHERE silo = ? AND hold = ? AND released_at = 0`,
			by, approvedBy, w.now, w.silo.id, hold)
		if err := one(result, err, "there is no such hold in force"); err != nil {
			return err
		}
		collections, err := w.heldBy(ctx, hold)
		if err != nil {
			return err
		}
		return w.system(ctx, HoldReleased, instant(w.now), details{Hold: hold, By: by + ";" + approvedBy}, collections)
	})
}

// Holds lists a silo's holds, the released ones too, by name.
func (c *Cases) Holds(ctx context.Context, silo string) ([]Hold, error) {
	var holds []Hold
	err := c.store.eachOf(ctx, silo, `SELECT hold, case_ref, placed_by, placed_at, approved_by, review_by, released_by, release_approved_by, released_at FROM legal_hold
		WHERE silo = ? ORDER BY hold`, func(rows *sql.Rows) error {
		var h Hold
		var placed, review, released int64
		if err := rows.Scan(&h.ID, &h.CaseRef, &h.PlacedBy, &placed, &h.ApprovedBy, &review, &h.ReleasedBy, &h.ReleaseApprovedBy, &released); err != nil {
			return err
		}
		h.PlacedAt, h.ReviewBy, h.ReleasedAt = instant(placed), instant(review), instant(released)
		holds = append(holds, h)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read holds of silo %q: %w", silo, err)
	}
	return holds, nil
}
