package whole

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lethe/pipeline/registry/chain"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/hashed"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/seal"
)

// veilPage is how many events are veiled at a time.
const veilPage = 5000

// veil veils a silo of a registry of before: its events are written anew, and the chain that hashes them, its rows
// sealed and veiled. An event of the silo's says which hashes the chain had until then: at its end, and where a night
// saw it last.
func veil(ctx context.Context, s *chain.Store, tx *database.Txn, v chain.Silo, seen chain.Head) error {
	was := former(v.Head)
	if seen.Seq > 0 && seen.Seq != v.Seq {
		was = former(seen) + "," + was
	}
	if err := veilEvents(ctx, s, tx, &v); err != nil {
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

// undate veils when the holds and requests of a silo were, which is all that is not veiled yet.
func undate(ctx context.Context, s *chain.Store, tx *database.Txn, v chain.Silo, _ chain.Head) error {
	whole, err := s.FindSilo(ctx, tx.Handle, v.Silo)
	if err != nil {
		return err
	}
	return whole.Book.Undate(ctx, tx)
}

// blank takes away when the holds and requests were of a silo whose key is gone, since nobody can veil it; that they
// were, and are over, stays. Nothing else of it leads to anybody.
func blank(ctx context.Context, _ *chain.Store, tx *database.Txn, v chain.Silo, _ chain.Head) error {
	for _, t := range []seal.Table{seal.Hold, seal.Request} {
		for _, column := range seal.Placed(t) {
			if err := v.Book.Blank(ctx, tx, t, column); err != nil {
				return err
			}
		}
	}
	return nil
}

// former is a head as a Rechained event names it; hashed.Walk reads it.
func former(h chain.Head) string {
	return strconv.FormatInt(h.Seq, 10) + ":" + fmt.Sprintf("%x", h.Hash)
}

func veilEvents(ctx context.Context, s *chain.Store, tx *database.Txn, v *chain.Silo) error {
	sealer, err := s.Sealer(v)
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

// asTheyStand are the silos, by name, to be sealed anew: nothing of them is checked, and what is veiled can be read
// where the key is there. Of a registry of before, nothing is veiled.
func asTheyStand(ctx context.Context, s *chain.Store, tx *database.Txn) ([]chain.Silo, error) {
	selectAny := chain.SelectSilo
	if s.Before == tables.Unsealed {
		selectAny = strings.Replace(selectAny, "s.seal", "NULL", 1)
	}
	rows, err := tx.Query(ctx, selectAny+` ORDER BY s.name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []chain.Silo
	for rows.Next() {
		v, _, err := s.Closed(rows)
		if err != nil {
			return nil, err
		}
		sealer, err := s.Sealer(&v)
		switch {
		case errors.Is(err, keystore.ErrDestroyed) || errors.Is(err, keystore.ErrMissing):
			v.Keyless = err
		case err != nil:
			return nil, err
		case s.Before != tables.Unsealed:
			v.Book = seal.Blind(v.Silo, v.ID, sealer)
		}
		v.Book.Before(s.Before)
		list = append(list, v)
	}
	return list, rows.Err()
}
