// Package seal is what keeps the rows of a registry that stand beside the chains from being believed when somebody
// else than Lethe wrote them. Each row carries a Tag over its place and content, each silo a box of sums that say
// which rows there are; both are made with keys of the silo (keystore.Sealer), which are not in the database. A row
// that was changed, added, moved to another silo or table, removed, or put back as it once was does not fit them.
//
//   - Book is a silo's sums while a transaction lasts: Each reads a table, Change changes rows of one, Add seals a
//     row that is to be written, Whole checks every table, Renew seals all of them anew.
//   - Check reads the rows of one table by a query of the caller's own.
//   - Fact is what the tag of an event's payload says.
//   - TamperedError names what does not hold.
package seal

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/keystore"
)

// Table is one whose rows are sealed.
type Table int

// The tables. Their order is that of the sums in a box: a new one comes last.
const (
	Alias Table = iota
	Payload
	Link
	Hold
	Request
	Tombstone
	Flag
	Delivery
	Pass
	Key
	count
)

// column is one that a tag says: of its key, or else of what stands beside it.
type column struct {
	name string
	kind byte // n a number, t a text, b bytes
	key  bool
}

// def is how the rows of a table are sealed. What no decision reads is not.
type def struct {
	name    string
	columns []column
}

var defs = [count]def{
	Alias: {"subject_alias", []column{{"alias_ref", 'b', true}, {"collection", 'n', true}}},
	// its rows are read by tables.FactQuery, and sealed as a Fact
	Payload: {"event_payload", nil},
	Link:    {"record_link", []column{{"record_ref", 'b', true}, {"collection", 'n', true}}},
	Hold: {"legal_hold", []column{{"hold", 't', true}, {"case_ref", 't', false}, {"placed_by", 't', false},
		{"placed_at", 'n', false}, {"approved_by", 't', false}, {"review_by", 'n', false}, {"released_by", 't', false},
		{"release_approved_by", 't', false}, {"released_at", 'n', false}}},
	Request: {"request", []column{{"request", 't', true}, {"kind", 't', false}, {"received_at", 'n', false},
		{"due_at", 'n', false}, {"extended_to", 'n', false}, {"extended_on", 'n', false}, {"because", 't', false},
		{"paused_at", 'n', false}, {"paused", 'n', false}, {"closed_at", 'n', false}, {"outcome", 't', false},
		{"exception", 't', false}}},
	Tombstone: {"tombstone", []column{{"record_ref", 'b', true}, {"subject_ref", 'b', true}, {`"system"`, 't', false},
		{"object", 't', false}, {"action", 't', false}, {"plan_digest", 't', false}, {"erased_at", 'n', false},
		{"drop_after", 'n', false}}},
	Flag: {"flag", []column{{"record_ref", 'b', true}, {"reason", 't', true}, {"since", 'n', false}}},
	Delivery: {"sync_delivery", []column{{"target", 't', true}, {"object", 't', true}, {"sent_seq", 'n', false},
		{"acked_seq", 'n', false}, {"copy_rows", 'n', false}, {"digest", 'b', false}, {"attempts", 'n', false},
		{"error_code", 't', false}, {"sent_at", 'n', false}, {"acked_at", 'n', false}}},
	Pass: {"expiry_pass", []column{{"purpose", 't', true}, {"since_through", 'n', false}}},
	Key: {"silo_key", []column{{"key_version", 'n', true}, {"state", 't', false}, {"created_at", 'n', false},
		{"destroyed_at", 'n', false}, {"evidence", 'b', false}}},
}

// Columns of rows that Each reads.
const (
	TombstoneDropAfter = 7
)

// names are the columns of a table, in order; those of its key only.
func (d *def) names(key bool) (list []string) {
	for _, c := range d.columns {
		if c.key || !key {
			list = append(list, c.name)
		}
	}
	return list
}

// query reads the columns of a silo's rows, and their tags after them.
func (d *def) query() string {
	return `SELECT ` + strings.Join(d.names(false), ", ") + `, seal FROM ` + d.name + ` WHERE silo = ?`
}

// text is what a tag is made of: the table and the columns, each so that it cannot run into the next. What is NULL
// is empty.
func (d *def) text(buf []byte, t Table, row database.Row) []byte {
	buf = append(buf, byte(t))
	for i := range d.columns {
		switch d.columns[i].kind {
		case 'n':
			buf = Number(buf, row.ColumnInt64(i))
		case 't':
			buf = Bytes(buf, row.ColumnRawText(i))
		default:
			buf = Bytes(buf, row.ColumnRawBlob(i))
		}
	}
	return buf
}

// Number appends a number to the text of a tag.
func Number(buf []byte, n int64) []byte { return binary.BigEndian.AppendUint64(buf, uint64(n)) }

// Bytes appends bytes to the text of a tag, with their length.
func Bytes[T string | []byte](buf []byte, b T) []byte {
	return append(binary.BigEndian.AppendUint32(buf, uint32(len(b))), b...)
}

// place names a row by its key: of references the first digits.
func (d *def) place(row database.Row) string {
	var words []string
	for i, c := range d.columns {
		switch {
		case !c.key:
		case c.kind == 'n':
			words = append(words, c.name+" "+strconv.FormatInt(row.ColumnInt64(i), 10))
		case c.kind == 't':
			words = append(words, c.name+" "+string(row.ColumnRawText(i)))
		default:
			ref := row.ColumnRawBlob(i)
			words = append(words, c.name+" "+hex.EncodeToString(ref[:min(len(ref), 4)])+"...")
		}
	}
	return "the row " + strings.Join(words, ", ")
}

// Fact is what the tag of an event's payload says: all that the state of a collection is made of.
type Fact struct {
	Seq, Collection                 int64
	Occurred, From, Until, Recorded int64
	Notice, Evidence                bool // there is one
	Flags                           int64
	Type, Purpose, Details          []byte
}

// FactOf is a row of tables.FactQuery, and the tag that stands in it; both valid until the next row.
func FactOf(row database.Row) (f Fact, tag []byte) {
	return Fact{Collection: row.ColumnInt64(0), Seq: row.ColumnInt64(1), Type: row.ColumnRawText(2),
		Purpose: row.ColumnRawText(3), Occurred: row.ColumnInt64(4), From: row.ColumnInt64(5),
		Until: row.ColumnInt64(6), Recorded: row.ColumnInt64(7), Notice: row.ColumnInt64(8) != 0,
		Evidence: row.ColumnInt64(9) != 0, Flags: row.ColumnInt64(10), Details: row.ColumnRawText(11),
	}, row.ColumnRawBlob(12)
}

func (f *Fact) text(buf []byte) []byte { return text(buf, f, f.Type, f.Purpose, f.Details) }

func text[T string | []byte](buf []byte, f *Fact, typ, purpose, details T) []byte {
	first := byte(Payload)
	if f.Notice {
		first |= 1 << 6
	}
	if f.Evidence {
		first |= 1 << 7
	}
	buf = append(buf, first)
	for _, n := range [...]int64{f.Seq, f.Collection, f.Occurred, f.From, f.Until, f.Recorded, f.Flags} {
		buf = Number(buf, n)
	}
	buf = append(binary.BigEndian.AppendUint16(buf, uint16(len(typ))), typ...)
	buf = append(binary.BigEndian.AppendUint16(buf, uint16(len(purpose))), purpose...)
	return append(buf, details...)
}

// Book is the sums of a silo's tables, as a transaction finds them and leaves them.
type Book struct {
	silo   string
	id     int64
	sealer *keystore.Sealer // nil of a silo that ended: nobody can seal or check anything of it
	sums   [count]keystore.Sum
	left   int64 // the rows that the last Change left
	buf    []byte
}

// New is the book of a silo that has no rows yet.
func New(silo string, id int64, sealer *keystore.Sealer) *Book {
	return &Book{silo: silo, id: id, sealer: sealer}
}

// Open opens the box of a silo. beside is the text that it was closed with.
func Open(silo string, id int64, sealer *keystore.Sealer, box, beside []byte) (*Book, error) {
	b := New(silo, id, sealer)
	if sealer == nil {
		return b, nil
	}
	if err := sealer.Open(box, b.sums[:], beside); err != nil {
		return nil, b.Broken("silo", "what it says of the silo's head, or of which rows there are, was changed")
	}
	return b, nil
}

// Sealed reports whether the silo has a key to check its rows with: one that ended has none.
func (b *Book) Sealed() bool { return b.sealer != nil }

// Box closes the sums, with a text that stands beside them.
func (b *Book) Box(beside []byte) []byte { return b.sealer.Box(b.sums[:], beside) }

// Broken is the error of a table that is not as it was written.
func (b *Book) Broken(table, what string) error {
	return &TamperedError{Silo: b.silo, Table: table, What: what}
}

// Pair seals a row of Alias or Link that is to be written.
func (b *Book) Pair(t Table, ref []byte, collection int64) keystore.Tag {
	b.buf = Number(Bytes(append(b.buf[:0], byte(t)), ref), collection)
	return b.add(t)
}

// Fact seals a payload that is to be written; its texts are given apart.
func (b *Book) Fact(f Fact, typ, purpose, details string) keystore.Tag {
	b.buf = text(b.buf[:0], &f, typ, purpose, details)
	return b.add(Payload)
}

func (b *Book) add(t Table) keystore.Tag {
	tag := b.sealer.Row(b.buf)
	b.sealer.Add(&b.sums[t], tag)
	return tag
}

// Tag seals a row of which the columns are given in their order, without counting it: Change does. Numbers are
// int64, texts strings and bytes []byte.
func (b *Book) Tag(t Table, columns ...any) keystore.Tag {
	b.buf = append(b.buf[:0], byte(t))
	for _, c := range columns {
		switch c := c.(type) {
		case int64:
			b.buf = Number(b.buf, c)
		case string:
			b.buf = Bytes(b.buf, c)
		case []byte:
			b.buf = Bytes(b.buf, c)
		}
	}
	return b.sealer.Row(b.buf)
}

// Gone takes rows that were removed out of the sums, by their tags as they stood.
func (b *Book) Gone(t Table, tags ...[]byte) error {
	for _, tag := range tags {
		if len(tag) != len(keystore.Tag{}) {
			return b.Broken(defs[t].name, "a row without a seal")
		}
		b.sealer.Take(&b.sums[t], keystore.Tag(tag))
	}
	return nil
}

// Check is a reading of the rows of one table.
type Check struct {
	book   *Book
	sealer *keystore.Sealer
	t      Table
	sum    keystore.Sum
	buf    []byte
}

// Check begins to read the rows of a table.
func (b *Book) Check(t Table) *Check {
	c := &Check{book: b, t: t, buf: make([]byte, 0, 256)}
	if b.sealer != nil {
		c.sealer = b.sealer.Clone()
	}
	return c
}

// Row takes a row whose columns stand in their order, the tag after them. Its error names the row.
func (c *Check) Row(row database.Row) error {
	if c.sealer == nil {
		return nil
	}
	d := &defs[c.t]
	c.buf = d.text(c.buf[:0], c.t, row)
	tag := c.sealer.Row(c.buf)
	if !bytes.Equal(tag[:], row.ColumnRawBlob(len(d.columns))) {
		return c.book.Broken(d.name, d.place(row)+" is not as it was written")
	}
	c.sealer.Add(&c.sum, tag)
	return nil
}

// Fact takes the payload of an event, and its tag. Its error names the event.
func (c *Check) Fact(f *Fact, seal []byte) error {
	if c.sealer == nil {
		return nil
	}
	c.buf = f.text(c.buf[:0])
	tag := c.sealer.Row(c.buf)
	if !bytes.Equal(tag[:], seal) {
		return &TamperedError{Silo: c.book.silo, Seq: f.Seq, What: "it, or its payload, is not as it was written"}
	}
	c.sealer.Add(&c.sum, tag)
	return nil
}

// End says whether the rows that were taken are all there are, and no others.
func (c *Check) End() error {
	d, want := &defs[c.t], &c.book.sums[c.t]
	switch {
	case c.sealer == nil || c.sum == *want:
		return nil
	case c.sum.Rows < want.Rows:
		return c.book.Broken(d.name, fmt.Sprintf("%d of its rows are gone", want.Rows-c.sum.Rows))
	case c.sum.Rows > want.Rows:
		return c.book.Broken(d.name, fmt.Sprintf("it has %d rows that were there before and were removed",
			c.sum.Rows-want.Rows))
	}
	return c.book.Broken(d.name, "rows of it are as they were before, and not as they were last written")
}

// Each calls do with all rows of a table, in the order of their keys: its columns, as defs has them.
func (b *Book) Each(ctx context.Context, tx *database.Txn, t Table, do func(database.Row) error) error {
	c := b.Check(t)
	d := &defs[t]
	query := d.query()
	if b.sealer == nil { // a registry of before there were seals has none to read
		query = strings.Replace(query, ", seal FROM", " FROM", 1)
	}
	err := tx.Each(ctx, query+` ORDER BY `+strings.Join(d.names(true), ", "), func(row database.Row) error {
		if err := c.Row(row); err != nil {
			return err
		}
		return do(row)
	}, b.id)
	if err != nil {
		return err
	}
	return c.End()
}
