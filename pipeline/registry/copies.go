package registry

import (
	"context"
	"fmt"
	"time"

	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/seal"
)

// Delivery is where the copy of one target stands: what was sent of a silo's state to one table's copy, and
// what the copy is known to hold. A delivery is acknowledged once the copy was read back after the last
// change.
type Delivery struct {
	Target, Object string // Object is the source and table whose rows the copy is about, "crm.people"
	SentSeq        int64  // the silo's head when the last delivery began
	AckedSeq       int64  // and when the last acknowledged one did; 0: none ever was
	Rows           int64  // of the copy, when it was acknowledged
	Digest         [16]byte
	Attempts       int64     // deliveries begun since the last acknowledged one
	Error          string    // code of what ended the last delivery; "" nothing did
	SentAt         time.Time // when the last delivery began
	AckedAt        time.Time // zero: never
}

// Deliveries lists a silo's deliveries by target and object.
func (r *Registry) Deliveries(ctx context.Context, silo string) ([]Delivery, error) {
	var list []Delivery
	err := r.store.Each(ctx, silo, seal.Delivery, func(row database.Row) error {
		d := Delivery{Target: string(row.ColumnRawText(0)), Object: string(row.ColumnRawText(1)),
			SentSeq: row.ColumnInt64(2), AckedSeq: row.ColumnInt64(3), Rows: row.ColumnInt64(4),
			Attempts: row.ColumnInt64(6), Error: string(row.ColumnRawText(7)),
			SentAt: event.Instant(row.ColumnInt64(8)), AckedAt: event.Instant(row.ColumnInt64(9))}
		copy(d.Digest[:], row.ColumnRawBlob(5))
		list = append(list, d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read deliveries of silo %q: %w", silo, err)
	}
	return list, nil
}

// PutDelivery records how a delivery stands, in the place of what was known of that target and object.
func (r *Registry) PutDelivery(ctx context.Context, silo string, d Delivery) error {
	return r.change(ctx, silo, "record delivery", seal.Delivery, nil, 0, func(w *chain.Writer) error {
		_, err := w.Tx.Exec(ctx, `INSERT INTO sync_delivery (silo, target, object, sent_seq,
			acked_seq, copy_rows, digest, attempts, error_code, sent_at, acked_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`+w.Tx.Replacing("sync_delivery", "silo, target, object",
			"sent_at", "sent_seq", "acked_seq", "copy_rows", "digest", "attempts", "error_code", "acked_at"),
			w.Silo.ID, d.Target, d.Object, d.SentSeq, d.AckedSeq, d.Rows, d.Digest[:], d.Attempts, d.Error,
			event.Micros(d.SentAt), event.Micros(d.AckedAt))
		return err
	})
}

// DropDelivery forgets a delivery whose copy is no longer granted.
func (r *Registry) DropDelivery(ctx context.Context, silo, target, object string) error {
	return r.change(ctx, silo, "drop delivery", seal.Delivery, nil, 0, func(w *chain.Writer) error {
		_, err := w.Tx.Exec(ctx, `DELETE FROM sync_delivery WHERE silo = ? AND target = ? AND object = ?`, w.Silo.ID,
			target, object)
		return err
	})
}
