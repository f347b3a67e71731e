package registry

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"lethe/pipeline/registry/event"
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
	err := r.store.EachOf(ctx, silo, `SELECT target, object, sent_seq, acked_seq, copy_rows, digest, attempts,
		error_code, sent_at, acked_at FROM sync_delivery
		WHERE silo = ? ORDER BY target, object`, func(rows *sql.Rows) error {
		var d Delivery
		var digest sql.RawBytes
		var sent, acked int64
		if err := rows.Scan(&d.Target, &d.Object, &d.SentSeq, &d.AckedSeq, &d.Rows, &digest, &d.Attempts, &d.Error,
			&sent, &acked); err != nil {
			return err
		}
		copy(d.Digest[:], digest)
		d.SentAt, d.AckedAt = event.Instant(sent), event.Instant(acked)
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
	return r.eachWrite(ctx, silo, "record delivery", `INSERT INTO sync_delivery (silo, target, object, sent_seq,
		acked_seq, copy_rows, digest, attempts, error_code, sent_at, acked_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`+r.store.Replacing("sync_delivery", "silo, target, object",
		"sent_at", "sent_seq", "acked_seq", "copy_rows", "digest", "attempts", "error_code", "acked_at"), 1,
		func(silo int64, _ int) []any {
			return []any{silo, d.Target, d.Object, d.SentSeq, d.AckedSeq, d.Rows, d.Digest[:], d.Attempts, d.Error,
				event.Micros(d.SentAt), event.Micros(d.AckedAt)}
		})
}

// DropDelivery forgets a delivery whose copy is no longer granted.
func (r *Registry) DropDelivery(ctx context.Context, silo, target, object string) error {
	return r.eachWrite(ctx, silo, "drop delivery", `DELETE FROM sync_delivery WHERE silo = ? AND target = ?
		AND object = ?`, 1,
		func(silo int64, _ int) []any { return []any{silo, target, object} })
}
