package hashed

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"strconv"
	"strings"

	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/seal"
)

// Walk is the state of a verification: where it is, and what it has seen.
type Walk struct {
	Silo      string
	Seq       int64 // the event that was recomputed last
	Last      [sha256.Size]byte
	Since     int64 // an event that an earlier run saw, 0 none
	SinceHash [sha256.Size]byte
	SinceSeen bool
	severed   map[int64]bool // events without payload that no purge has named yet
	buf       []byte
	texts     [tables.FromPayloadColumn]database.Texts
}

// Step recomputes the next event, a row of tables.AllEvents. Its error is a *seal.TamperedError.
func (c *Walk) Step(row database.Row) error {
	text := func(column int) string { return c.texts[column].Text(row.ColumnRawText(column)) }
	h := Header{Seq: row.ColumnInt64(0), Type: text(1), Purpose: text(2), Version: text(3), Basis: text(4),
		Occurred: row.ColumnInt64(5), Zone: text(6),
		From: row.ColumnInt64(7), Until: row.ColumnInt64(8), Recorded: row.ColumnInt64(9), Method: text(10),
		Source: text(11), Notice: text(13)}
	idem, commitment, hash := row.ColumnRawBlob(12), row.ColumnRawBlob(14), row.ColumnRawBlob(15)
	c.Seq++
	if h.Seq != c.Seq {
		return c.broken("the event is missing")
	}
	copy(h.Idem[:], idem)
	copy(h.Commitment[:], commitment)
	var sum [sha256.Size]byte
	sum, c.buf = h.Hash(c.Silo, c.Last, c.buf)
	if !bytes.Equal(sum[:], hash) || len(commitment) != sha256.Size || len(idem) != len(h.Idem) {
		return c.broken("it does not continue the chain: it, or the one before it, was changed")
	}
	c.Last = sum
	if c.Seq == c.Since {
		if sum != c.SinceHash {
			return c.broken("it is not the event that an earlier run saw")
		}
		c.SinceSeen = true
	}
	if row.Null(16) { // severed
		if c.severed == nil {
			c.severed = map[int64]bool{}
		}
		c.severed[c.Seq] = true
		return nil
	}
	p := Payload{Collection: row.ColumnInt64(17), Flags: row.ColumnInt64(18), Details: string(row.ColumnRawText(19)),
		Refs: row.ColumnRawBlob(23)}
	copy(p.Content[:], row.ColumnRawBlob(20))
	copy(p.Salt[:], row.ColumnRawBlob(21))
	copy(p.Evidence[:], row.ColumnRawBlob(22))
	if sum, c.buf = p.Commit(c.buf); sum != h.Commitment {
		return c.broken("its payload or its evidence was changed")
	}
	if event.Type(h.Type) == event.PayloadPurged {
		return c.purged(p.Details)
	}
	return nil
}

// purged takes the events that a purge names off the list of those whose payload is gone without a reason.
func (c *Walk) purged(text string) error {
	var d event.Details
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return c.broken("a purge that cannot be read")
	}
	for field := range strings.SplitSeq(d.Seqs, ",") {
		seq, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return c.broken("a purge that cannot be read")
		}
		delete(c.severed, seq)
	}
	return nil
}

// FirstSevered is the first event without a payload that no purge names; 0 there is none.
func (c *Walk) FirstSevered() int64 {
	first := int64(0)
	for seq := range c.severed {
		if first == 0 || seq < first {
			first = seq
		}
	}
	return first
}

func (c *Walk) broken(what string) error {
	return &seal.TamperedError{Silo: c.Silo, Seq: c.Seq, What: what}
}
