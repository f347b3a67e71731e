package plan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/audit/spool"
	"lethe/pipeline/change"
	"lethe/pipeline/judge"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// Set is the changes of one source. Two files hold them, row by row alike: the actions by keyed reference, encrypted
// for the keystore, and the changes, with the keys of their rows, encrypted to the plan's own identity.
type Set struct {
	Source string        `json:"source"`
	Silos  []string      `json:"silos"`  // under which its rows are decided
	Tables []string      `json:"tables"` // that it changes
	Edges  []change.Edge `json:"edges"`
	Rows   int64         `json:"rows"`
	// Keys are the fields of the primary keys of its tables, for who looks at the rows.
	Keys          map[string][]KeyField `json:"keys,omitempty"`
	Stands        map[string][]string   `json:"stands,omitempty"` // by table: what its rows stood in
	Actions       string                `json:"actions"`          // file name
	Changes       string                `json:"changes"`
	ActionsDigest string                `json:"actions_sha256"` // of the file, hex
	ChangesDigest string                `json:"changes_sha256"`
}

// KeyField is a field of a table's primary key.
type KeyField struct {
	Name     string `json:"name"`
	Personal bool   `json:"personal,omitempty"` // its values say something of people, or may: they are not shown
}

var changeSchema = arrow.NewSchema([]arrow.Field{
	{Name: "unit", Type: arrow.PrimitiveTypes.Int64},
	{Name: "level", Type: arrow.PrimitiveTypes.Int64},
	{Name: "kind", Type: arrow.BinaryTypes.String},
	{Name: "silo", Type: arrow.BinaryTypes.String},
	{Name: "table", Type: arrow.BinaryTypes.String},
	{Name: "key", Type: arrow.BinaryTypes.Binary},
	{Name: "op", Type: arrow.BinaryTypes.String},
	{Name: "fields", Type: arrow.BinaryTypes.String},
	{Name: "detach", Type: arrow.BinaryTypes.String},
	{Name: "guard", Type: &arrow.FixedSizeBinaryType{ByteWidth: len(judge.Guard{})}},
	{Name: "subject", Type: &arrow.FixedSizeBinaryType{ByteWidth: 32}},
	{Name: "record", Type: &arrow.FixedSizeBinaryType{ByteWidth: 32}},
	{Name: "refs", Type: arrow.BinaryTypes.Binary},
	{Name: "mapping", Type: arrow.PrimitiveTypes.Int64},
	{Name: "rule", Type: arrow.BinaryTypes.String},
	{Name: "ended", Type: arrow.PrimitiveTypes.Int32},
	{Name: "due", Type: arrow.PrimitiveTypes.Int32},
}, nil)

// withoutWhy is the schema of the plans of earlier versions, which may still wait.
var withoutWhy = arrow.NewSchema(changeSchema.Fields()[:14], nil)

// Why is what stands behind a change: of a row that goes along, behind that of the row that it goes with.
type Why struct {
	Rule  string        // that gave the reason; "" none did
	Ended calendar.Date // the day on which the last ground ended that let the row be kept; zero: none with a day
	Due   calendar.Date // the first day on which it has to be gone; zero: none
}

// Actions yields what the report says of the rows of a set.
func (p *Sealed) Actions(s Set, keys *keystore.Keystore) iter.Seq2[[]audit.Action, error] {
	return spool.Read[audit.Action](filepath.Join(p.Folder, s.Actions), keys)
}

// Writer writes the two files of a set.
type Writer struct {
	folder  string
	set     Set
	actions *spool.Spool[audit.Action]
	file    *os.File
	sealed  io.WriteCloser
	packer  spool.Packer
	changes *ipc.Writer
	b       *array.RecordBuilder
	pending int
}

// NewWriter begins a set in the folder of a plan, whose identity alone reads its changes.
func NewWriter(folder, name string, s Set, to age.Recipient, keys *keystore.Keystore) (*Writer, error) {
	s.Actions, s.Changes = name+".actions.arrow", name+".changes.arrow.age"
	w := &Writer{folder: folder, set: s, b: array.NewRecordBuilder(memory.DefaultAllocator, changeSchema)}
	var err error
	if w.actions, err = spool.New[audit.Action](filepath.Join(folder, s.Actions), keys); err != nil {
		return nil, err
	}
	if w.file, err = os.OpenFile(filepath.Join(folder, s.Changes), os.O_CREATE|os.O_EXCL|os.O_WRONLY,
		0o600); err != nil {
		return nil, fmt.Errorf("create set: %w", err)
	}
	if w.sealed, err = age.Encrypt(w.file, to); err != nil {
		return nil, fmt.Errorf("create set: %w", err)
	}
	if w.packer, err = spool.NewPacker(w.sealed); err != nil {
		return nil, fmt.Errorf("create set: %w", err)
	}
	w.changes = ipc.NewWriter(w.packer, ipc.WithSchema(changeSchema))
	return w, nil
}

// Add writes a change, what the report says of it, and why it is made.
func (w *Writer) Add(c change.Change, a audit.Action, why Why) error {
	w.b.Field(0).(*array.Int64Builder).Append(c.Unit)
	w.b.Field(1).(*array.Int64Builder).Append(int64(c.Level))
	for i, text := range []string{string(c.Kind), c.Silo, c.Table} {
		w.b.Field(2 + i).(*array.StringBuilder).Append(text)
	}
	w.b.Field(5).(*array.BinaryBuilder).Append([]byte(c.Key))
	for i, text := range []string{string(c.Op), joinFields(c.Fields), joinFields(c.Detach)} {
		w.b.Field(6 + i).(*array.StringBuilder).Append(text)
	}
	w.b.Field(9).(*array.FixedSizeBinaryBuilder).Append(c.Guard[:])
	w.b.Field(10).(*array.FixedSizeBinaryBuilder).Append(c.Subject[:])
	w.b.Field(11).(*array.FixedSizeBinaryBuilder).Append(c.Record[:])
	w.b.Field(12).(*array.BinaryBuilder).Append(encodeRefs(c.Refs))
	w.b.Field(13).(*array.Int64Builder).Append(int64(c.Mapping))
	w.b.Field(14).(*array.StringBuilder).Append(why.Rule)
	w.b.Field(15).(*array.Int32Builder).Append(int32(why.Ended))
	w.b.Field(16).(*array.Int32Builder).Append(int32(why.Due))
	w.set.Rows++
	if !slices.Contains(w.set.Silos, c.Silo) {
		w.set.Silos = append(w.set.Silos, c.Silo)
	}
	if !slices.Contains(w.set.Tables, c.Table) {
		w.set.Tables = append(w.set.Tables, c.Table)
	}
	if w.pending++; w.pending >= spool.Rows {
		if err := w.flush(); err != nil {
			return err
		}
	}
	return w.actions.Append(a)
}

func (w *Writer) flush() error {
	rec := w.b.NewRecord()
	defer rec.Release()
	if w.pending = 0; rec.NumRows() >= spool.Rows {
		spool.Room(w.b, rec)
	}
	return w.changes.Write(rec)
}

// Close makes both files durable and returns the set with their digests.
func (w *Writer) Close() (Set, error) {
	err := errors.Join(w.flush(), w.changes.Close(), w.packer.Close(), w.sealed.Close(), w.file.Sync(), w.file.Close(),
		w.actions.Close())
	w.b.Release()
	if err != nil {
		return w.set, fmt.Errorf("write set: %w", err)
	}
	if w.set.ActionsDigest, err = audit.FileDigest(filepath.Join(w.folder, w.set.Actions)); err != nil {
		return w.set, err
	}
	w.set.ChangesDigest, err = audit.FileDigest(filepath.Join(w.folder, w.set.Changes))
	return w.set, err
}

// Changes decrypts the changes of a set.
func (p *Sealed) Changes(s Set, identity age.Identity) (*change.Set, error) {
	set := &change.Set{Edges: s.Edges, Rows: make([]change.Row, 0, s.Rows)}
	for row, err := range p.Entries(s, identity) {
		if err != nil {
			return nil, err
		}
		set.Add(row.Change)
	}
	if err := sound(set, s); err != nil {
		return nil, fmt.Errorf("read set %s: %w: %w", s.Changes, err, setup.ErrChanged)
	}
	return set, nil
}

// Entry is a row of the sealed file of a set: a change, and why.
type Entry struct {
	change.Change
	Why
}

// Entries yields the rows of the sealed file of a set, in its order. After an error there is no more.
func (p *Sealed) Entries(s Set, identity age.Identity) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if err := p.eachSealed(s, identity, func(row Entry) bool { return yield(row, nil) }); err != nil {
			yield(Entry{}, fmt.Errorf("read set %s: %w", s.Changes, err))
		}
	}
}

// eachSealed hands the rows of the sealed file of a set over until there is one that is the last wanted.
func (p *Sealed) eachSealed(s Set, identity age.Identity, more func(Entry) bool) error {
	f, err := os.Open(filepath.Join(p.Folder, s.Changes))
	if err != nil {
		return err
	}
	defer f.Close()
	clearText, err := age.Decrypt(f, identity)
	if err != nil {
		return err
	}
	stream, err := spool.Unpack(clearText)
	if err != nil {
		return err
	}
	defer stream.Close()
	r, err := ipc.NewReader(stream, ipc.WithAllocator(new(spool.Recycled)))
	if err != nil {
		return err
	}
	defer r.Release()
	if !r.Schema().Equal(changeSchema) && !r.Schema().Equal(withoutWhy) {
		return fmt.Errorf("another version of lethe sealed it: %w", setup.ErrChanged)
	}
	words := interned{}
	for r.Next() {
		rec := r.Record()
		for i := range int(rec.NumRows()) {
			row, err := readSealed(rec, i, words)
			if err != nil {
				return err
			}
			if !more(row) {
				return nil
			}
		}
	}
	if err := r.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// interned keeps one copy of words that rows repeat.
type interned map[string]string

func (w interned) of(text string) string {
	if known, ok := w[text]; ok {
		return known
	}
	own := strings.Clone(text)
	w[own] = own
	return own
}

func readSealed(rec arrow.Record, i int, words interned) (row Entry, err error) {
	text := func(column int) string { return words.of(rec.Column(column).(*array.String).Value(i)) }
	c := change.Change{
		Unit: rec.Column(0).(*array.Int64).Value(i), Level: int(rec.Column(1).(*array.Int64).Value(i)),
		Kind: change.Kind(text(2)), Silo: text(3), Table: text(4),
		Key:     connectors.Key(rec.Column(5).(*array.Binary).Value(i)),
		Mapping: int(rec.Column(13).(*array.Int64).Value(i)), Op: judge.Change(text(6)), Fields: splitFields(text(7)),
		Detach: splitFields(text(8)),
	}
	copy(c.Guard[:], rec.Column(9).(*array.FixedSizeBinary).Value(i))
	copy(c.Subject[:], rec.Column(10).(*array.FixedSizeBinary).Value(i))
	copy(c.Record[:], rec.Column(11).(*array.FixedSizeBinary).Value(i))
	c.Refs, err = decodeRefs(rec.Column(12).(*array.Binary).Value(i))
	row.Change = c
	if rec.NumCols() > 14 {
		row.Why = Why{Rule: text(14), Ended: calendar.Date(rec.Column(15).(*array.Int32).Value(i)),
			Due: calendar.Date(rec.Column(16).(*array.Int32).Value(i))}
	}
	return row, err
}

// sound checks that references lead to rows of the same unit, by edges of the set.
func sound(set *change.Set, s Set) error {
	if int64(len(set.Rows)) != s.Rows {
		return fmt.Errorf("%d rows where the plan has %d", len(set.Rows), s.Rows)
	}
	for i := range set.Rows {
		for _, r := range set.Rows[i].Refs {
			if r.Row < 0 || r.Row >= len(set.Rows) || r.Edge < 0 || r.Edge >= len(set.Edges) ||
				set.Rows[r.Row].Unit != set.Rows[i].Unit {
				return errors.New("a row refers to none of its unit")
			}
		}
	}
	return nil
}

// joinFields joins the names of fields by a byte that no name has.
func joinFields(fields []string) string { return strings.Join(fields, "\x1f") }

func splitFields(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\x1f")
}

func encodeRefs(refs []change.Ref) []byte {
	var b []byte
	for _, r := range refs {
		b = binary.AppendUvarint(b, uint64(r.Row))
		b = binary.AppendUvarint(b, uint64(r.Edge))
		does := byte(r.Does)
		if r.Owns {
			does |= ownsBit
		}
		named := r.To != judge.Guard{}
		if named {
			does |= namedBit
		}
		if b = append(append(b, does), r.Guard[:]...); named {
			b = append(b, r.To[:]...)
		}
	}
	return b
}

// Bits in the byte of what a row does: it owns the one that it refers to; that one is referred to by other values than
// its key.
const (
	ownsBit  = 0x80
	namedBit = 0x40
)

var errRefs = errors.New("damaged references")

func decodeRefs(b []byte) ([]change.Ref, error) {
	var refs []change.Ref
	for len(b) > 0 {
		var r change.Ref
		for _, to := range []*int{&r.Row, &r.Edge} {
			v, n := binary.Uvarint(b)
			if n <= 0 {
				return nil, errRefs
			}
			*to, b = int(v), b[n:]
		}
		if len(b) < 1+len(r.Guard) {
			return nil, errRefs
		}
		r.Does, r.Owns = change.Does(b[0]&^(ownsBit|namedBit)), b[0]&ownsBit != 0
		named := b[0]&namedBit != 0
		copy(r.Guard[:], b[1:])
		if b = b[1+len(r.Guard):]; named {
			if len(b) < len(r.To) {
				return nil, errRefs
			}
			copy(r.To[:], b)
			b = b[len(r.To):]
		}
		refs = append(refs, r)
	}
	return refs, nil
}
