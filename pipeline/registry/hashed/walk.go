package hashed

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
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
	Keyless   bool           // the silo has no key any more, so that nothing says who wrote what came last
	severed   map[int64]bool // events without payload that no purge has named yet
	buf       []byte
	texts     [tables.FromPayloadColumn]database.Texts
}

// Step recomputes the next event, a row of tables.AllEvents. Its error is a *seal.TamperedError.
func (c *Walk) Step(row database.Row) error {
	h := HeaderOf(row, func(column int, text []byte) string { return c.texts[column].Text(text) })
	idem, commitment, hash := row.ColumnRawBlob(12), row.ColumnRawBlob(14), row.ColumnRawBlob(15)
	c.Seq++
	if h.Seq != c.Seq {
		return c.broken("the event is missing")
	}
	var sum [sha256.Size]byte
	sum, c.buf = h.Hash(c.Silo, c.Last, c.buf)
	if !bytes.Equal(sum[:], hash) || len(commitment) != sha256.Size || len(idem) != len(h.Idem) {
		return c.broken("it does not continue the chain: it, or the one before it, was changed")
	}
	c.Last = sum
	if c.Seq == c.Since {
		c.SinceSeen = sum == c.SinceHash
	}
	if row.Null(16) { // severed
		if c.severed == nil {
			c.severed = map[int64]bool{}
		}
		c.severed[c.Seq] = true
		return nil
	}
	p := PayloadOf(row)
	if sum, c.buf = p.Commit(c.buf); sum != h.Commitment {
		return c.broken("its payload or its evidence was changed")
	}
	switch event.Type(h.Type) {
	case event.PayloadPurged:
		return c.purged(p.Details)
	case event.Rechained:
		return c.rechained(p.Details)
	}
	return nil
}

// rechained takes the head that an earlier run saw for one that the chain had before it was written anew, if the event
// says so.
func (c *Walk) rechained(text string) error {
	var d event.Details
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return c.broken("a new beginning that cannot be read")
	}
	if c.Keyless { // nobody could have written it since, and so anybody
		return nil
	}
	for was := range strings.SplitSeq(d.Was, ",") {
		if c.Since > 0 && was == fmt.Sprintf("%d:%x", c.Since, c.SinceHash) {
			c.SinceSeen = true
		}
	}
	return nil
}

// HeaderOf is the header of a row of tables.AllEvents, as it is stored; text makes a text of those of a column.
func HeaderOf(row database.Row, text func(column int, text []byte) string) Header {
	t := func(column int) string { return text(column, row.ColumnRawText(column)) }
	h := Header{Seq: row.ColumnInt64(0), Type: t(1), Purpose: t(2), Version: t(3), Basis: t(4),
		Occurred: row.ColumnInt64(5), Zone: t(6),
		From: row.ColumnInt64(7), Until: row.ColumnInt64(8), Recorded: row.ColumnInt64(9), Method: t(10),
		Source: t(11), Notice: t(13)}
	copy(h.Idem[:], row.ColumnRawBlob(12))
	copy(h.Commitment[:], row.ColumnRawBlob(14))
	return h
}

// PayloadOf is the payload of such a row, which has one, valid until the next row.
func PayloadOf(row database.Row) Payload {
	p := Payload{Collection: row.ColumnInt64(17), Flags: row.ColumnInt64(18), Details: string(row.ColumnRawText(19)),
		Refs: row.ColumnRawBlob(23)}
	copy(p.Content[:], row.ColumnRawBlob(20))
	copy(p.Salt[:], row.ColumnRawBlob(21))
	copy(p.Evidence[:], row.ColumnRawBlob(22))
	return p
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
