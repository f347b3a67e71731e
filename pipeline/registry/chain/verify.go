package chain

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"lethe/pipeline/registry/hashed"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
)

// Verify recomputes a silo's whole chain, with the payloads that still exist, and compares it with the
// stored head. since is the silo's head as an earlier run's manifest holds it (the zero Head for none): it
// must still be in the chain, and as much must have been written to the silo: that finds a cut tail, a chain written
// anew, and rows beside it that were put back. The error is a *TamperedError for what is wrong. A silo that the
// registry does not know is sound unless since says that it had events.
func (l *Log) Verify(ctx context.Context, silo string, since Head) error {
	return l.verify(ctx, silo, since, false)
}

// VerifySince is Verify of what came after since only: that its last event is still there, and all that follows goes
// on from it. What was changed before, Verify finds; this is cheap enough to be asked every hour.
func (l *Log) VerifySince(ctx context.Context, silo string, since Head) error {
	return l.verify(ctx, silo, since, since.Seq > 0)
}

func (l *Log) verify(ctx context.Context, silo string, since Head, tail bool) error {
	tx, err := l.store.Begin(ctx, true)
	if err != nil {
		return fmt.Errorf("verify silo %q: %w", silo, err)
	}
	defer tx.End()
	s, err := l.store.FindSilo(ctx, tx.Handle, silo)
	if errors.Is(err, ErrUnknownSilo) {
		if since.Seq > 0 {
			return &TamperedError{Silo: silo, Seq: 1, What: "the silo is gone, which had events when an earlier run " +
				"saw it"}
		}
		return nil
	}
	if err != nil && !errors.Is(err, ErrTampered) {
		return fmt.Errorf("verify silo %q: %w", silo, err)
	}
	// of a head that does not hold, the first event that does not either says more
	return cmp.Or(l.store.Walk(ctx, tx, s, since, tail), err, s.Book.Since(s.Seq, since.Writes))
}

// Walk recomputes the chain of a silo; tail: what came after since only.
func (s *Store) Walk(ctx context.Context, tx *database.Txn, v Silo, since Head, tail bool) error {
	silo := v.Silo
	c := hashed.Walk{Silo: silo, Last: hashed.Genesis(silo), Since: since.Seq, SinceHash: since.Hash,
		SinceSeen: since.Seq == 0, Keyless: v.Keyless != nil}
	from := int64(0)
	if tail {
		var hash []byte
		if err := tx.Row(ctx, `SELECT hash FROM event WHERE silo = ?
			AND seq = ?`, v.ID, since.Seq).Scan(&hash); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("verify silo %q: %w", silo, err)
		}
		if !bytes.Equal(hash, since.Hash[:]) { // or it was written anew since: the whole chain says
			return s.Walk(ctx, tx, v, since, false)
		}
		c.Seq, c.Last, c.SinceSeen, from = since.Seq, since.Hash, true, since.Seq
	}
	if err := tables.AllEvents(ctx, tx, v.ID, from, c.Step); err != nil {
		return fmt.Errorf("verify silo %q: %w", silo, err)
	}
	switch {
	case !c.SinceSeen && c.Seq >= since.Seq:
		return &TamperedError{Silo: silo, Seq: since.Seq, What: "it is not the event that an earlier run saw"}
	case !c.SinceSeen:
		return &TamperedError{Silo: silo, Seq: c.Seq + 1,
			What: fmt.Sprintf("the chain ends before event %d, which an earlier run saw", since.Seq)}
	case v.Seq != c.Seq || v.Hash != c.Last:
		return &TamperedError{Silo: silo, Seq: c.Seq + 1, What: "the stored head is not the end of the chain"}
	case c.FirstSevered() > 0:
		return &TamperedError{Silo: silo, Seq: c.FirstSevered(), What: "its payload is gone and no purge says so"}
	}
	return nil
}
