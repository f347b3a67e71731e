package cases

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/seal"
)

// Hold is a legal hold. It is in force from the moment it is placed, because doubt keeps; who approves it
// is another person.
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
		return fmt.Errorf("%s: name the hold, the case and who places it: %w", what, event.ErrRefused)
	}
	at := cmp.Or(event.Micros(h.PlacedAt), c.store.Now().UnixMicro())
	return c.store.Write(ctx, what, func(tx *database.Txn) error {
		w, err := c.store.Writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		veil := w.Silo.Book.Place(seal.Hold, h.ID).Veil
		if err := changeRow(ctx, w, seal.Hold, "a hold of this name was placed before; choose another name",
			`INSERT INTO legal_hold (silo, hold, case_ref, placed_by, placed_at, approved_by, review_by, released_by,
			release_approved_by, released_at) VALUES (?, ?, ?, ?, ?, '', ?, '', '', 0)`+tx.Ignoring("silo, hold"),
			w.Silo.ID, h.ID, h.CaseRef, h.PlacedBy, veil("placed_at", at),
			veil("review_by", event.Micros(h.ReviewBy))); err != nil {
			return err
		}
		return w.Own(ctx, event.HoldPlaced, event.Instant(at), event.Details{Hold: h.ID, By: h.PlacedBy}, collections)
	})
}

// ApproveHold confirms a hold; by must not be who placed it.
func (c *Cases) ApproveHold(ctx context.Context, silo, hold, by string) error {
	return c.store.Write(ctx, fmt.Sprintf("approve hold %s on silo %q", hold, silo), func(tx *database.Txn) error {
		w, err := c.store.Writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		const hint = "there is no such hold to approve, or it was placed by the same person; another one must approve"
		if err := changeRow(ctx, w, seal.Hold, hint, `UPDATE legal_hold SET approved_by = ? WHERE silo = ? AND hold = ?
			AND approved_by = '' AND placed_by <> ? AND ? <> ''`, by, w.Silo.ID, hold, by, by); err != nil {
			return err
		}
		collections, err := heldBy(ctx, w, hold)
		if err != nil {
			return err
		}
		return w.Own(ctx, event.HoldApproved, event.Instant(w.Now), event.Details{Hold: hold, By: by}, collections)
	})
}

// ReleaseHold ends a hold. Two people are needed, because what it protected may be erased the night after.
func (c *Cases) ReleaseHold(ctx context.Context, silo, hold, by, approvedBy string) error {
	what := fmt.Sprintf("release hold %s on silo %q", hold, silo)
	if by == "" || approvedBy == "" || by == approvedBy {
		return fmt.Errorf("%s: two different people must release it: %w", what, event.ErrRefused)
	}
	return c.store.Write(ctx, what, func(tx *database.Txn) error {
		w, err := c.store.Writer(ctx, tx, silo)
		if err != nil {
			return err
		}
		if err := changeRow(ctx, w, seal.Hold, "there is no such hold in force",
			`UPDATE legal_hold SET released_by = ?, release_approved_by = ?, released_at = ?
			WHERE silo = ? AND hold = ? AND released_at = 0`, by, approvedBy,
			w.Silo.Book.Place(seal.Hold, hold).Veil("released_at", w.Now), w.Silo.ID, hold); err != nil {
			return err
		}
		collections, err := heldBy(ctx, w, hold)
		if err != nil {
			return err
		}
		return w.Own(ctx, event.HoldReleased, event.Instant(w.Now),
			event.Details{Hold: hold, By: by + ";" + approvedBy}, collections)
	})
}

// Holds lists a silo's holds, the released ones too, by name.
func (c *Cases) Holds(ctx context.Context, silo string) ([]Hold, error) {
	var holds []Hold
	err := c.store.Each(ctx, silo, seal.Hold, func(row database.Row) error {
		holds = append(holds, holdOf(row))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read holds of silo %q: %w", silo, err)
	}
	return holds, nil
}

// EachHold calls do with a silo's holds within a transaction, by name.
func EachHold(ctx context.Context, tx *database.Txn, book *seal.Book, do func(Hold) error) error {
	return book.Each(ctx, tx, seal.Hold, func(row database.Row) error { return do(holdOf(row)) })
}

// holdOf is a row of the table legal_hold.
func holdOf(row database.Row) Hold {
	return Hold{ID: string(row.ColumnRawText(0)), CaseRef: string(row.ColumnRawText(1)),
		PlacedBy: string(row.ColumnRawText(2)), PlacedAt: event.Instant(row.ColumnInt64(3)),
		ApprovedBy: string(row.ColumnRawText(4)), ReviewBy: event.Instant(row.ColumnInt64(5)),
		ReleasedBy: string(row.ColumnRawText(6)), ReleaseApprovedBy: string(row.ColumnRawText(7)),
		ReleasedAt: event.Instant(row.ColumnInt64(8))}
}

// changeRow runs a statement that changes one row of a table; where it changes none the hint says why.
func changeRow(ctx context.Context, w *chain.Writer, t seal.Table, hint, statement string, args ...any) error {
	return w.Silo.Book.Change(ctx, w.Tx, t, nil, nil, func() error {
		result, err := w.Tx.Exec(ctx, statement, args...)
		return one(result, err, hint)
	})
}

// held says whether a legal hold in force reaches one of the collections.
func held(ctx context.Context, w *chain.Writer, collections []int32) (bool, error) {
	inForce := map[string]bool{}
	err := EachHold(ctx, w.Tx, w.Silo.Book, func(h Hold) error {
		if h.ReleasedAt.IsZero() {
			inForce[h.ID] = true
		}
		return nil
	})
	if err != nil || len(inForce) == 0 {
		return false, err
	}
	on, err := w.Concerned(ctx, event.HoldPlaced, func(d event.Details) bool { return inForce[d.Hold] })
	return slices.ContainsFunc(on, func(c int32) bool { return c == 0 || slices.Contains(collections, c) }), err
}

// heldBy lists the collections that a hold was placed on.
func heldBy(ctx context.Context, w *chain.Writer, hold string) ([]int32, error) {
	return w.Concerned(ctx, event.HoldPlaced, func(d event.Details) bool { return d.Hold == hold })
}
