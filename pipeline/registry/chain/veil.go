package chain

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/hashed"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/seal"
)

// veilPage is how many events are veiled at a time.
const veilPage = 5000

// Veil veils a silo of a registry of before: its events are written anew, and the chain that hashes them, its rows
// sealed and veiled. An event of the silo's says which hashes the chain had until then: at its end, and where a night
// saw it last. One whose key is gone stays as it is: nothing of it leads to anybody.
func (s *Store) Veil(ctx context.Context, tx *database.Txn, v Silo, seen Head) error {
	if v.Keyless != nil {
		return nil
	}
	was := former(v.Head)
	if seen.Seq > 0 && seen.Seq != v.Seq {
		was = former(seen) + "," + was
	}
	if err := s.veilEvents(ctx, tx, &v); err != nil {
		return err
	}
	if err := s.Seal(ctx, tx, v); err != nil || v.Seq == 0 {
		return err
	}
	w, err := s.Writer(ctx, tx, v.Silo)
	if err != nil {
		return err
	}
	return w.Own(ctx, event.Rechained, s.Now(), event.Details{Was: was}, nil)
}

// former is a head as a Rechained event names it; hashed.Walk reads it.
func former(h Head) string { return strconv.FormatInt(h.Seq, 10) + ":" + fmt.Sprintf("%x", h.Hash) }

func (s *Store) veilEvents(ctx context.Context, tx *database.Txn, v *Silo) error {
	sealer, err := s.sealer(sealerOf{v.Silo, v.version})
	if err != nil {
		return err
	}
	setEvent, err := tx.Prepared(ctx, `UPDATE event SET occurred_at = ?, effective_from = ?, effective_until = ?,
		recorded_at = ?, idem = ?, commitment = ?, hash = ? WHERE silo = ? AND seq = ?`)
	if err != nil {
		return err
	}
	defer setEvent.Close()
	setPayload, err := tx.Prepared(ctx, `UPDATE event_payload SET collection = ?, details = ?, refs = ?, content = ?,
		evidence_salt = ?, block = ? WHERE silo = ? AND seq = ?`)
	if err != nil {
		return err
	}
	defer setPayload.Close()
	var buf []byte
	v.Hash = hashed.Genesis(v.Silo)
	for last := int64(0); last < v.Seq; {
		events, payloads := [][]any{}, [][]any{}
		err := tx.Each(ctx, tables.WholeEvents+strconv.Itoa(veilPage), func(row database.Row) error {
			h := hashed.HeaderOf(row, func(_ int, text []byte) string { return string(text) })
			var p *hashed.Payload
			if !row.Null(tables.FromPayloadColumn) {
				body := hashed.PayloadOf(row)
				body.Refs = bytes.Clone(body.Refs)
				p = &body
				salt := bytes.Clone(row.ColumnRawBlob(24))
				sealer.Proof(h.Seq, salt)
				block := tables.Block(p.Collection)
				hashed.Veil(sealer, &h, p)
				h.Commitment, buf = p.Commit(buf)
				payloads = append(payloads, []any{p.Collection, p.Details, blob(p.Refs), bytes.Clone(p.Content[:]),
					blob(salt), block, v.ID, h.Seq})
			} else {
				hashed.Veil(sealer, &h, nil)
			}
			v.Hash, buf = h.Hash(v.Silo, v.Hash, buf)
			events = append(events, []any{h.Occurred, h.From, h.Until, h.Recorded, bytes.Clone(h.Idem[:]),
				bytes.Clone(h.Commitment[:]), bytes.Clone(v.Hash[:]), v.ID, h.Seq})
			return nil
		}, v.ID, last)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return &seal.TamperedError{Silo: v.Silo, Seq: last + 1, What: "the event is missing"}
		}
		for _, args := range events {
			if _, err := setEvent.ExecContext(ctx, args...); err != nil {
				return tx.Failed(err)
			}
		}
		for _, args := range payloads {
			if _, err := setPayload.ExecContext(ctx, args...); err != nil {
				return tx.Failed(err)
			}
		}
		last += int64(len(events))
	}
	return nil
}

// blob is bytes as they are written, none as NULL.
func blob(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}
