package plan

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/judge"
	"lethe/pipeline/setup"
)

// Segment is the planned rows of one table: the governed rows themselves, dependents of one rank, or owned
// parents. Two files hold it, row by row alike: the actions in the clear, by keyed reference, and the keys,
// encrypted to the plan's own identity.
type Segment struct {
	Table   string `json:"table"`
	Kind    Kind   `json:"kind"`
	Rank    int    `json:"rank"`
	Rows    int64  `json:"rows"`
	Actions string `json:"actions"` // file name
	Keys    string `json:"keys"`
	// The sha256 of the files, hex.
	ActionsDigest string `json:"actions_sha256"`
	KeysDigest    string `json:"keys_sha256"`
}

// Kind says what the rows of a segment are.
type Kind string

// The kinds of segments.
const (
	Root      Kind = "root"      // governed rows
	Dependent Kind = "dependent" // rows that go with them, or forget them
	Owned     Kind = "owned"     // parents that only they referred to
)

var keySchema = arrow.NewSchema([]arrow.Field{
	{Name: "root", Type: arrow.PrimitiveTypes.Int64},
	{Name: "key", Type: arrow.BinaryTypes.Binary},
	{Name: "guard", Type: &arrow.FixedSizeBinaryType{ByteWidth: len(judge.Guard{})}},
	{Name: "subject", Type: &arrow.FixedSizeBinaryType{ByteWidth: 32}},
	{Name: "record", Type: &arrow.FixedSizeBinaryType{ByteWidth: 32}},
	{Name: "change", Type: arrow.BinaryTypes.String},
	{Name: "fields", Type: arrow.BinaryTypes.String},
}, nil)

// Writer writes the two files of a segment.
type Writer struct {
	folder  string
	segment Segment
	actions *audit.Spool[audit.Action]
	file    *os.File
	sealed  io.WriteCloser
	keys    *ipc.Writer
	b       *array.RecordBuilder
	pending int
}

// NewSegment creates the two files of a segment in a plan's folder, which must not exist; the keys are
// encrypted to the recipient.
func NewSegment(folder, name string, s Segment, to age.Recipient) (*Writer, error) {
	s.Actions, s.Keys = name+".actions.arrow", name+".keys.arrow.age"
	w := &Writer{folder: folder, segment: s, b: array.NewRecordBuilder(memory.DefaultAllocator, keySchema)}
	var err error
	if w.actions, err = audit.NewSpool[audit.Action](filepath.Join(folder, s.Actions)); err != nil {
		return nil, err
	}
	if w.file, err = os.OpenFile(filepath.Join(folder, s.Keys), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	if w.sealed, err = age.Encrypt(w.file, to); err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	w.keys = ipc.NewWriter(w.sealed, ipc.WithSchema(keySchema))
	return w, nil
}

// Add writes a row: what executing it needs, and what the report says of it.
func (w *Writer) Add(r judge.Planned, a audit.Action) error {
	w.b.Field(0).(*array.Int64Builder).Append(r.Root)
	w.b.Field(1).(*array.BinaryBuilder).Append([]byte(r.Key))
	w.b.Field(2).(*array.FixedSizeBinaryBuilder).Append(r.Guard[:])
	w.b.Field(3).(*array.FixedSizeBinaryBuilder).Append(r.Subject[:])
	w.b.Field(4).(*array.FixedSizeBinaryBuilder).Append(r.Record[:])
	w.b.Field(5).(*array.StringBuilder).Append(string(r.Change))
	w.b.Field(6).(*array.StringBuilder).Append(strings.Join(r.Fields, ";"))
	w.segment.Rows++
	if w.pending++; w.pending >= audit.SpoolRows {
		if err := w.flush(); err != nil {
			return err
		}
	}
	return w.actions.Append(a)
}

func (w *Writer) flush() error {
	rec := w.b.NewRecord()
	defer rec.Release()
	w.pending = 0
	return w.keys.Write(rec)
}

// Close makes the files durable and returns the segment, with its rows counted and its files digested.
func (w *Writer) Close() (Segment, error) {
	err := errors.Join(w.flush(), w.keys.Close(), w.sealed.Close(), w.file.Sync(), w.file.Close(), w.actions.Close())
	w.b.Release()
	if err != nil {
		return w.segment, fmt.Errorf("write segment: %w", err)
	}
	if w.segment.ActionsDigest, err = audit.FileDigest(filepath.Join(w.folder, w.segment.Actions)); err != nil {
		return w.segment, err
	}
	w.segment.KeysDigest, err = audit.FileDigest(filepath.Join(w.folder, w.segment.Keys))
	return w.segment, err
}

// ReadRows decrypts a segment's rows. Fewer or more of them than the plan counts are [setup.ErrChanged].
func ReadRows(folder string, s Segment, id age.Identity) ([]judge.Planned, error) {
	f, err := os.Open(filepath.Join(folder, s.Keys))
	if err != nil {
		return nil, fmt.Errorf("read segment: %w", err)
	}
	defer f.Close()
	clearText, err := age.Decrypt(f, id)
	if err != nil {
		return nil, fmt.Errorf("read segment %s: %w", s.Keys, err)
	}
	r, err := ipc.NewReader(clearText, ipc.WithSchema(keySchema))
	if err != nil {
		return nil, fmt.Errorf("read segment %s: %w", s.Keys, err)
	}
	defer r.Release()

	rows := make([]judge.Planned, 0, s.Rows)
	for r.Next() {
		rec := r.Record()
		for i := range int(rec.NumRows()) {
			rows = append(rows, rowOf(rec, i))
		}
	}
	if err := r.Err(); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read segment %s: %w", s.Keys, err)
	}
	if int64(len(rows)) != s.Rows {
		return nil, fmt.Errorf("read segment %s: %d rows where the plan has %d: %w",
			s.Keys, len(rows), s.Rows, setup.ErrChanged)
	}
	return rows, nil
}

// rowOf copies a row out of a batch of keySchema, whose memory the reader takes back.
func rowOf(rec arrow.Record, i int) judge.Planned {
	p := judge.Planned{
		Root:   rec.Column(0).(*array.Int64).Value(i),
		Key:    connectors.Key(rec.Column(1).(*array.Binary).Value(i)),
		Change: judge.Change(strings.Clone(rec.Column(5).(*array.String).Value(i))),
	}
	copy(p.Guard[:], rec.Column(2).(*array.FixedSizeBinary).Value(i))
	copy(p.Subject[:], rec.Column(3).(*array.FixedSizeBinary).Value(i))
	copy(p.Record[:], rec.Column(4).(*array.FixedSizeBinary).Value(i))
	if f := rec.Column(6).(*array.String).Value(i); f != "" {
		p.Fields = strings.Split(strings.Clone(f), ";")
	}
	return p
}
