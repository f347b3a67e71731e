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
	"slices"
	"strconv"
	"strings"

	"lethe/pipeline/registry/internal/database"
	"lethe/pipeline/registry/internal/tables"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/registry/keystore/nh"
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

// written is the place of a box's last sum, which is of no table: its rows are how often the box was closed. Boxes of
// earlier builds lack it.
const written = count

// column is one that a tag says: of its key, or else of what stands beside it.
type column struct {
	name string
	kind byte // n a number, v and w one veiled by the row's tag, p one veiled by its place, t a text, b bytes
	key  bool
}

// number reports whether a column is one, and by which of the two numbers of keystore.Sealer.Beside, -1 for none, it is
// veiled.
func (c *column) number() (is bool, veil int) {
	switch c.kind {
	case 'n', 'p':
		return true, -1
	case 'v', 'w':
		return true, int(c.kind - 'v')
	}
	return false, -1
}

// def is how the rows of a table are sealed. What no decision reads is not.
type def struct {
	name    string
	columns []column
}

var defs = [count]def{
	Alias: {"subject_alias", []column{{"alias_ref", 'b', true}, {"collection", 'v', true}}},
	// its rows are read by tables.FactQuery, and sealed as a Fact
	Payload: {"event_payload", nil},
	Link:    {"record_link", []column{{"record_ref", 'b', true}, {"collection", 'v', true}}},
	Hold: {"legal_hold", []column{{"hold", 't', true}, {"case_ref", 't', false}, {"placed_by", 't', false},
		{"placed_at", 'p', false}, {"approved_by", 't', false}, {"review_by", 'p', false}, {"released_by", 't', false},
		{"release_approved_by", 't', false}, {"released_at", 'p', false}}},
	Request: {"request", []column{{"request", 't', true}, {"kind", 't', false}, {"received_at", 'p', false},
		{"due_at", 'p', false}, {"extended_to", 'p', false}, {"extended_on", 'p', false}, {"because", 't', false},
		{"paused_at", 'p', false}, {"paused", 'p', false}, {"closed_at", 'p', false}, {"outcome", 't', false},
		{"exception", 't', false}}},
	Tombstone: {"tombstone", []column{{"record_ref", 'b', true}, {"subject_ref", 'b', true}, {`"system"`, 't', false},
		{"object", 't', false}, {"action", 't', false}, {"plan_digest", 't', false}, {"erased_at", 'v', false},
		{"drop_after", 'w', false}}},
	Flag: {"flag", []column{{"record_ref", 'b', true}, {"reason", 't', true}, {"since", 'v', false}}},
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
		case 'n', 'v', 'w', 'p':
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
		case !c.key || c.kind == 'v': // whose it is stays veiled
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
	Seq, Collection, Block          int64 // Block: that of the collection, by which it is found
	Occurred, From, Until, Recorded int64
	Notice, Evidence                bool // there is one
	Flags                           int64
	Type, Purpose, Details          []byte
}

// FactOf is a row of tables.FactQuery, and the tag that stands in it; both valid until the next row.
func (c *Check) FactOf(row database.Row) (f Fact, tag []byte) {
	f = Fact{Collection: row.ColumnInt64(0), Seq: row.ColumnInt64(1), Type: row.ColumnRawText(2),
		Purpose: row.ColumnRawText(3), Occurred: row.ColumnInt64(4), From: row.ColumnInt64(5),
		Until: row.ColumnInt64(6), Recorded: row.ColumnInt64(7), Notice: row.ColumnInt64(8) != 0,
		Evidence: row.ColumnInt64(9) != 0, Flags: row.ColumnInt64(10), Details: row.ColumnRawText(11),
		Block: row.ColumnInt64(13)}
	if v := c.veil; v != nil {
		v.Times(f.Seq, &f.Occurred, &f.Recorded)
		v.Terms(f.Seq, &f.From, &f.Until)
		if f.Block != 0 {
			f.Collection = v.Whose(f.Seq, f.Collection)
			if len(f.Details) > 0 {
				c.details = v.Unveiled(c.details[:0], f.Seq, f.Details)
				f.Details = c.details
			}
		}
	}
	return f, row.ColumnRawBlob(12)
}

// Said is what an event says of whom: the references that it made known, in one piece.
type Said struct {
	Seq, Collection     int64
	Type, Details, Refs []byte
}

// SaidOf is a row of tables.SaidQuery, valid until the next row. Nothing of it is checked.
func (c *Check) SaidOf(row database.Row) Said {
	s := Said{Seq: row.ColumnInt64(0), Type: row.ColumnRawText(1), Collection: row.ColumnInt64(2),
		Details: row.ColumnRawText(4), Refs: row.ColumnRawBlob(5)}
	if c.veil != nil && row.ColumnInt64(3) != 0 {
		s.Collection = c.veil.Whose(s.Seq, s.Collection)
		if len(s.Details) > 0 {
			c.details = c.veil.Unveiled(c.details[:0], s.Seq, s.Details)
			s.Details = c.details
		}
		s.Refs = bytes.Clone(s.Refs)
		c.veil.Refs(s.Seq, s.Refs)
	}
	return s
}

// EachSaid calls do with what all events of a silo say, in order.
func (b *Book) EachSaid(ctx context.Context, tx *database.Txn, do func(Said) error) error {
	query := tables.SaidQuery
	if b.plain {
		query = tables.SaidQueryBefore
	}
	c := b.Check(Payload)
	return tx.Each(ctx, query+`WHERE p.silo = ? ORDER BY e.seq`, func(row database.Row) error {
		return do(c.SaidOf(row))
	}, b.id)
}

// factLen is how long the text of a Fact without texts is.
const factLen = 1 + 7*8 + 2*2

// first is the byte that a Fact's text begins with.
func (f *Fact) first() byte {
	first := byte(Payload)
	if f.Notice {
		first |= 1 << 6
	}
	if f.Evidence {
		first |= 1 << 7
	}
	return first
}

func (f *Fact) text(buf []byte) []byte { return text(buf, f, f.Type, f.Purpose, f.Details) }

func text[T string | []byte](buf []byte, f *Fact, typ, purpose, details T) []byte {
	buf = append(buf, f.first())
	buf = append(buf, make([]byte, 56)...)
	b := buf[len(buf)-56:]
	binary.BigEndian.PutUint64(b, uint64(f.Seq))
	binary.BigEndian.PutUint64(b[8:], uint64(f.Collection))
	binary.BigEndian.PutUint64(b[16:], uint64(f.Occurred))
	binary.BigEndian.PutUint64(b[24:], uint64(f.From))
	binary.BigEndian.PutUint64(b[32:], uint64(f.Until))
	binary.BigEndian.PutUint64(b[40:], uint64(f.Recorded))
	binary.BigEndian.PutUint64(b[48:], uint64(f.Flags))
	buf = append(binary.BigEndian.AppendUint16(buf, uint16(len(typ))), typ...)
	buf = append(binary.BigEndian.AppendUint16(buf, uint16(len(purpose))), purpose...)
	return append(buf, details...)
}

// Book is the sums of a silo's tables, as a transaction finds them and leaves them.
type Book struct {
	silo   string
	id     int64
	sealer *keystore.Sealer // nil of a silo that ended: nobody can seal or check anything of it
	plain  bool             // of a registry of before, in which nothing is veiled
	dated  bool             // of one of before in which events are veiled, and not when holds and requests were
	blind  bool             // rows are read as they stand, without a look at their seals
	sums   [count + 1]keystore.Sum
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
	err := sealer.Open(box, b.sums[:], beside)
	if err != nil {
		err = sealer.Open(box, b.sums[:written], beside)
	}
	if err != nil {
		return nil, b.Broken("silo", "what it says of the silo's head, or of which rows there are, was changed")
	}
	return b, nil
}

// Blind is the book of a silo whose sums do not hold: rows are read as they stand, without a look at their seals, until
// all are sealed anew.
func Blind(silo string, id int64, sealer *keystore.Sealer) *Book {
	return &Book{silo: silo, id: id, sealer: sealer, blind: true}
}

// Veil is what the silo's events are veiled with; nil where they are not, or nobody has the key any more. It serves one
// goroutine.
func (b *Book) Veil() *keystore.Sealer {
	if b.plain {
		return nil
	}
	return b.sealer
}

// Sealed reports whether the silo has a key to check its rows with: one that ended has none.
func (b *Book) Sealed() bool { return b.sealer != nil }

// Box closes the sums, with a text that stands beside them, and counts that.
func (b *Book) Box(beside []byte) []byte {
	b.sums[written].Rows++
	return b.sealer.Box(b.sums[:], beside)
}

// Writes is how often the silo's box was closed: whoever puts its rows back as they once were puts this back as well.
func (b *Book) Writes() int64 { return b.sums[written].Rows }

// Since is the error of a silo, seq events long, that was written to fewer times than was noted.
func (b *Book) Since(seq, noted int64) error {
	if b.sealer == nil || b.Writes() >= noted {
		return nil
	}
	return &TamperedError{Silo: b.silo, Seq: seq + 1, What: fmt.Sprintf("an older copy stands in its place: it was "+
		"written to %d times when that was last noted, and %d times here", noted, b.Writes())}
}

// Broken is the error of a table that is not as it was written.
func (b *Book) Broken(table, what string) error {
	return &TamperedError{Silo: b.silo, Table: table, What: what}
}

// Pair seals a row of Alias or Link that is to be written, and veils its collection.
func (b *Book) Pair(t Table, ref []byte, collection int64) (tag keystore.Tag, veiled int64) {
	b.buf = Number(Bytes(append(b.buf[:0], byte(t)), ref), collection)
	tag = b.add(t)
	return tag, collection ^ b.sealer.Beside(tag)[0]
}

// Pairs is Pair of a collection that is to be found where it stands.
func (b *Book) Pairs(t Table, ref []byte, collection int64) int64 {
	b.buf = Number(Bytes(append(b.buf[:0], byte(t)), ref), collection)
	return collection ^ b.sealer.Beside(b.sealer.Row(b.buf))[0]
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
// int64, texts strings and bytes []byte. veil is what its veiled columns are stored with.
func (b *Book) Tag(t Table, columns ...any) (tag keystore.Tag, veil [2]int64) {
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
	tag = b.sealer.Row(b.buf)
	return tag, b.sealer.Beside(tag)
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
	book    *Book
	sealer  *keystore.Sealer
	veil    *keystore.Sealer // nil: nothing is veiled, or nobody can lift it
	t       Table
	sum     keystore.Sum
	clear   clear
	buf     []byte
	text    nh.Text
	details []byte
}

// Check begins to read the rows of a table.
func (b *Book) Check(t Table) *Check {
	c := &Check{book: b, t: t, buf: make([]byte, 0, 256)}
	if b.sealer != nil {
		sealer := b.sealer.Clone()
		if !b.blind {
			c.sealer = sealer
		}
		if !b.plain && !(b.dated && slices.Contains(placed, t)) {
			c.veil = sealer
		}
	}
	return c
}

// Row takes a row whose columns stand in their order, the tag after them, and returns it as it is without a veil,
// valid until the next. Its error names the row.
func (c *Check) Row(row database.Row) (database.Row, error) {
	if c.sealer == nil && c.veil == nil {
		return row, nil
	}
	d := &defs[c.t]
	stored := row.ColumnRawBlob(len(d.columns))
	if c.clear.of(row, c.t, c.veil, stored); c.sealer == nil {
		return &c.clear, nil
	}
	c.buf = d.text(c.buf[:0], c.t, &c.clear)
	if !c.holds(c.buf, stored) {
		return nil, c.book.Broken(d.name, d.place(row)+" is not as it was written")
	}
	return &c.clear, nil
}

// Pair is Row of Alias or Link, of which there are most: the reference, valid until the next row, and its collection.
func (c *Check) Pair(row database.Row) (ref []byte, collection int64, err error) {
	ref, collection = row.ColumnRawBlob(0), row.ColumnInt64(1)
	if c.sealer == nil && c.veil == nil {
		return ref, collection, nil
	}
	tag := row.ColumnRawBlob(2)
	if c.veil != nil && len(tag) == len(keystore.Tag{}) {
		collection ^= c.veil.Beside(keystore.Tag(tag))[0]
	}
	if c.sealer == nil || c.pair(ref, collection, tag) {
		return ref, collection, nil
	}
	d := &defs[c.t]
	return nil, 0, c.book.Broken(d.name, d.place(row)+" is not as it was written")
}

// pair reports whether a tag is that of a row of Alias or Link.
func (c *Check) pair(ref []byte, collection int64, tag []byte) bool {
	if !c.sealer.Fits(1 + 4 + len(ref) + 8) {
		c.buf = Number(Bytes(append(c.buf[:0], byte(c.t)), ref), collection)
		return c.holds(c.buf, tag)
	}
	c.text.Begin(byte(c.t))
	c.text.Length(len(ref), 4)
	c.text.Bytes(ref)
	c.text.Number(collection)
	return c.sealer.Holds(&c.sum, &c.text, tag)
}

// holds reports whether a tag is that of a text, and counts the row if it is.
func (c *Check) holds(text, stored []byte) bool {
	tag := c.sealer.Row(text)
	if !bytes.Equal(tag[:], stored) {
		return false
	}
	c.sealer.Add(&c.sum, tag)
	return true
}

// clear is a row beside the chain without its veil.
type clear struct {
	database.Row
	def   *def
	mask  [2]int64
	by    *keystore.Sealer // of numbers that are veiled by their place; nil: none are
	place keystore.Tag
	buf   []byte
}

// of takes a row, the tag that stands in it, and by whom it is veiled, nil for nobody. One without a tag was just
// written, and what the tag veils is not veiled yet.
func (c *clear) of(row database.Row, t Table, by *keystore.Sealer, tag []byte) {
	c.Row, c.def = row, &defs[t]
	if c.mask = [2]int64{}; by != nil && len(tag) == len(keystore.Tag{}) {
		c.mask = by.Beside(keystore.Tag(tag))
	}
	if c.by = nil; by != nil && slices.Contains(placed, t) {
		c.by = by
		c.place, c.buf = placeOf(by, t, row.ColumnRawText(0), c.buf)
	}
}

// ColumnInt64 is that of a database.Row.
func (c *clear) ColumnInt64(i int) int64 {
	n := c.Row.ColumnInt64(i)
	if i >= len(c.def.columns) {
		return n
	}
	if _, veil := c.def.columns[i].number(); veil >= 0 {
		return n ^ c.mask[veil]
	}
	if n != 0 && c.by != nil && c.def.columns[i].kind == 'p' {
		return c.by.Placed(c.place, byte(i), n, true)
	}
	return n
}

// Fact takes the payload of an event, and its tag. Its error names the event.
func (c *Check) Fact(f *Fact, seal []byte) error {
	if c.sealer == nil {
		return nil
	}
	if c.veil != nil && f.Block != tables.Block(f.Collection) || !c.fact(f, seal) {
		return &TamperedError{Silo: c.book.silo, Seq: f.Seq, What: "it, or its payload, is not as it was written"}
	}
	return nil
}

// fact reports whether a tag is that of an event's payload.
func (c *Check) fact(f *Fact, tag []byte) bool {
	if !c.sealer.Fits(factLen + len(f.Type) + len(f.Purpose) + len(f.Details)) {
		c.buf = f.text(c.buf[:0])
		return c.holds(c.buf, tag)
	}
	t := &c.text
	t.Begin(f.first(), f.Seq, f.Collection, f.Occurred, f.From, f.Until, f.Recorded, f.Flags)
	t.Length(len(f.Type), 2)
	t.Bytes(f.Type)
	t.Length(len(f.Purpose), 2)
	t.Bytes(f.Purpose)
	t.Bytes(f.Details)
	return c.sealer.Holds(&c.sum, t, tag)
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
	if b.sealer == nil { // a registry of before there were seals has none to read, and one that ended no use for them
		query = strings.Replace(query, ", seal FROM", " FROM", 1)
	}
	err := tx.Each(ctx, query+` ORDER BY `+strings.Join(d.names(true), ", "), func(row database.Row) error {
		row, err := c.Row(row)
		if err != nil {
			return err
		}
		return do(row)
	}, b.id)
	if err != nil {
		return err
	}
	return c.End()
}
