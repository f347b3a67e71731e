package chain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
)

// TamperedError names the first event of a silo's chain that is not as it was written. Seq is one past the
// end when events are missing there.
type TamperedError struct {
	Silo string
	Seq  int64
	What string // in words, no values
}

// Error names the place, and what to do.
func (e *TamperedError) Error() string {
	return fmt.Sprintf("registry, silo %q, event %d: %s; restore the registry from a copy and import again what "+
		"came since", e.Silo, e.Seq, e.What)
}

// Is makes errors.Is(err, ErrTampered) true.
func (e *TamperedError) Is(target error) bool { return target == ErrTampered }

// Verify recomputes a silo's whole chain, with the payloads that still exist, and compares it with the
// stored head. since is the silo's head as an earlier run's manifest holds it (the zero Head for none): it
// must still be in the chain, which finds a cut tail and a chain written anew. The error is a
// *TamperedError for what is wrong. A silo that the registry does not know is sound unless since says that
// it had events.
func (l *Log) Verify(ctx context.Context, silo string, since Head) error {
	return l.verify(ctx, silo, since, false)
}

// VerifySince is Verify of what came after since only: that since's last event is still there, and all that
// follows continues it. What was changed before, Verify finds; between the nights this is cheap enough to
// be asked every hour.
func (l *Log) VerifySince(ctx context.Context, silo string, since Head) error {
	return l.verify(ctx, silo, since, since.Seq > 0)
}

func (l *Log) verify(ctx context.Context, silo string, since Head, tail bool) error {
	tx, err := l.store.Begin(ctx, true)
	if err != nil {
		return fmt.Errorf("verify silo %q: %w", silo, err)
	}
	defer tx.End()
	s, err := scanSilo(tx.Row(ctx, selectSilo, silo))
	if err == sql.ErrNoRows {
		if since.Seq > 0 {
			return &TamperedError{silo, 1, "the silo is gone, which had events when an earlier run saw it"}
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("verify silo %q: %w", silo, err)
	}
	c := verification{silo: silo, last: genesis(silo), since: since}
	if since.Seq == 0 {
		c.sinceSeen = true
	}
	from := int64(0)
	if tail {
		var hash []byte
		if err := tx.Row(ctx, `SELECT hash FROM event WHERE silo = ?
			AND seq = ?`, s.ID, since.Seq).Scan(&hash); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("verify silo %q: %w", silo, err)
		}
		if hash != nil && !bytes.Equal(hash, since.Hash[:]) {
			return &TamperedError{silo, since.Seq, "it is not the event that an earlier run saw"}
		}
		if hash == nil {
			return &TamperedError{silo, s.Seq + 1,
				fmt.Sprintf("the chain ends before event %d, which an earlier run saw", since.Seq)}
		}
		c.seq, c.last, c.sinceSeen, from = since.Seq, since.Hash, true, since.Seq
	}
	err = tables.AllEvents(ctx, tx, s.ID, from, c.step)
	if err != nil {
		return fmt.Errorf("verify silo %q: %w", silo, err)
	}
	switch {
	case !c.sinceSeen:
		return &TamperedError{silo, c.seq + 1, fmt.Sprintf("the chain ends before event %d, which an earlier run saw",
			since.Seq)}
	case s.Seq != c.seq || s.Hash != c.last:
		return &TamperedError{silo, c.seq + 1, "the stored head is not the end of the chain"}
	case len(c.severed) > 0:
		return &TamperedError{silo, c.firstSevered(), "its payload is gone and no purge says so"}
	}
	return nil
}

// chain is the state of a verification.
type verification struct {
	silo      string
	seq       int64
	last      [sha256.Size]byte
	since     Head
	sinceSeen bool
	severed   map[int64]bool // events without payload that no purge has named yet
	buf       []byte
	texts     [tables.FromPayloadColumn]database.Texts
}

func (c *verification) step(row database.Row) error {
	text := func(column int) string { return c.texts[column].Text(row.ColumnRawText(column)) }
	h := header{seq: row.ColumnInt64(0), typ: text(1), purpose: text(2), version: text(3), basis: text(4),
		occurred: row.ColumnInt64(5), zone: text(6),
		from: row.ColumnInt64(7), until: row.ColumnInt64(8), recorded: row.ColumnInt64(9), method: text(10),
		source: text(11), notice: text(13)}
	idem, commitment, hash := row.ColumnRawBlob(12), row.ColumnRawBlob(14), row.ColumnRawBlob(15)
	c.seq++
	if h.seq != c.seq {
		return &TamperedError{c.silo, c.seq, "the event is missing"}
	}
	copy(h.idem[:], idem)
	copy(h.commitment[:], commitment)
	var sum [sha256.Size]byte
	sum, c.buf = h.hash(c.silo, c.last, c.buf)
	if !bytes.Equal(sum[:], hash) || len(commitment) != sha256.Size || len(idem) != len(h.idem) {
		return &TamperedError{c.silo, c.seq, "it does not continue the chain: it, or the one before it, was changed"}
	}
	c.last = sum
	if c.seq == c.since.Seq {
		if sum != c.since.Hash {
			return &TamperedError{c.silo, c.seq, "it is not the event that an earlier run saw"}
		}
		c.sinceSeen = true
	}
	if row.Null(16) { // severed
		if c.severed == nil {
			c.severed = map[int64]bool{}
		}
		c.severed[c.seq] = true
		return nil
	}
	p := payload{collection: row.ColumnInt64(17), flags: row.ColumnInt64(18), details: string(row.ColumnRawText(19)),
		refs: row.ColumnRawBlob(23)}
	copy(p.content[:], row.ColumnRawBlob(20))
	copy(p.salt[:], row.ColumnRawBlob(21))
	copy(p.evidence[:], row.ColumnRawBlob(22))
	if sum, c.buf = p.commit(c.buf); sum != h.commitment {
		return &TamperedError{c.silo, c.seq, "its payload or its evidence was changed"}
	}
	if event.Type(h.typ) == event.PayloadPurged {
		return c.purged(p.details)
	}
	return nil
}

// purged takes the events that a purge names off the list of those whose payload is gone without a reason.
func (c *verification) purged(text string) error {
	var d event.Details
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return &TamperedError{c.silo, c.seq, "a purge that cannot be read"}
	}
	for field := range strings.SplitSeq(d.Seqs, ",") {
		seq, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return &TamperedError{c.silo, c.seq, "a purge that cannot be read"}
		}
		delete(c.severed, seq)
	}
	return nil
}

func (c *verification) firstSevered() int64 {
	first := int64(0)
	for seq := range c.severed {
		if first == 0 || seq < first {
			first = seq
		}
	}
	return first
}
