package pipeline

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"lethe/connectors"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/judge"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// PlanDocument is plan.json: what a plan would do, in numbers. Its digest is what people approve. The rows stand beside it, in segments.
type PlanDocument struct {
	PlanID       string            `json:"plan_id"`
	RunID        string            `json:"run_id"`
	Part         Part              `json:"part"`
	AsOf         time.Time         `json:"as_of"`
	ValidUntil   time.Time         `json:"valid_until"`
	PolicyDigest string            `json:"policy_digest"`
	Heads        string            `json:"registry_heads"`
	Schemas      map[string]string `json:"schemas"`         // by source: fingerprint of the tables that the plan touches
	Files        map[string]string `json:"files,omitempty"` // by backup: sha256 of the file as planned
	Counts       []PlanCount       `json:"counts"`
	Questions    []string          `json:"questions"`
	Groups       []PlanGroup       `json:"groups"`
}

// Part says what a plan does for good.
type Part string

// The parts of a night's plan.
const (
	partReversible  Part = "reversible"  // blocks and unblocks
	partDestructive Part = "destructive" // clears, anonymizes, deletes
)

// PlanCount is one line of what a plan would do.
type PlanCount struct {
	Silo      string  `json:"silo"`
	Source    string  `json:"source"`
	Table     string  `json:"table"`
	Change    string  `json:"change"`
	Reason    string  `json:"reason"`
	Rows      int64   `json:"rows"`
	Percent   float64 `json:"percent"` // of the table's rows
	OldestDue string  `json:"oldest_due,omitempty"`
}

// PlanGroup is the rows of one silo's table, with what follows from them.
type PlanGroup struct {
	Silo     string    `json:"silo"`
	Source   string    `json:"source"`
	Table    string    `json:"table"`
	Segments []Segment `json:"segments"`
}

// Segment is the planned rows of one table: the governed rows themselves, dependents of one rank, or owned parents. Two files hold
// it, row by row alike: the actions in the clear, by keyed reference, and the keys, encrypted to the plan's own identity.
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
	kindRoot      Kind = "root"      // governed rows
	kindDependent Kind = "dependent" // rows that go with them, or forget them
	kindOwned     Kind = "owned"     // parents that only they referred to
)

// plan is a sealed plan in hand.
type plan struct {
	PlanDocument
	folder string
	digest string
	state  string
}

var keySchema = arrow.NewSchema([]arrow.Field{
	{Name: "root", Type: arrow.PrimitiveTypes.Int64},
	{Name: "key", Type: arrow.BinaryTypes.Binary},
	{Name: "guard", Type: &arrow.FixedSizeBinaryType{ByteWidth: len(judge.Guard{})}},
	{Name: "subject", Type: &arrow.FixedSizeBinaryType{ByteWidth: 32}},
	{Name: "record", Type: &arrow.FixedSizeBinaryType{ByteWidth: 32}},
	{Name: "change", Type: arrow.BinaryTypes.String},
	{Name: "fields", Type: arrow.BinaryTypes.String},
}, nil)

// segmentWriter writes the two files of a segment.
type segmentWriter struct {
	folder  string
	segment Segment
	actions *audit.Spool[audit.Action]
	file    *os.File
	sealed  io.WriteCloser
	keys    *ipc.Writer
	b       *array.RecordBuilder
	pending int
}

func newSegment(folder, name string, s Segment, to age.Recipient) (*segmentWriter, error) {
	s.Actions, s.Keys = name+".actions.arrow", name+".keys.arrow.age"
	w := &segmentWriter{folder: folder, segment: s, b: array.NewRecordBuilder(memory.DefaultAllocator, keySchema)}
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

func (w *segmentWriter) add(r judge.Planned, a audit.Action) error {
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

func (w *segmentWriter) flush() error {
	rec := w.b.NewRecord()
	defer rec.Release()
	w.pending = 0
	return w.keys.Write(rec)
}

func (w *segmentWriter) close() (Segment, error) {
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

// readKeys decrypts a segment's rows.
func readKeys(folder string, s Segment, id age.Identity) ([]judge.Planned, error) {
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
			rows = append(rows, p)
		}
	}
	if err := r.Err(); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read segment %s: %w", s.Keys, err)
	}
	if int64(len(rows)) != s.Rows {
		return nil, fmt.Errorf("read segment %s: %d rows where the plan has %d: %w", s.Keys, len(rows), s.Rows, setup.ErrChanged)
	}
	return rows, nil
}

// write makes a plan durable: the segments are there already, plan.json comes last, by rename.
func (p *plan) write() error {
	body, err := json.MarshalIndent(p.PlanDocument, "", "  ")
	if err != nil {
		return fmt.Errorf("seal plan: %w", err)
	}
	sum := sha256.Sum256(body)
	p.digest = hex.EncodeToString(sum[:])
	return state.WriteFile(filepath.Join(p.folder, "plan.json"), body)
}

// openPlan reads a sealed plan of a state folder and checks it against the digest that the journal recorded when it was sealed, and its segments against the plan.
func openPlan(state string, entry journal.Plan) (*plan, error) {
	folder := filepath.Join(state, "plans", entry.ID)
	body, err := os.ReadFile(filepath.Join(folder, "plan.json"))
	if err != nil {
		return nil, fmt.Errorf("open plan: %w", err)
	}
	sum := sha256.Sum256(body)
	p := &plan{folder: folder, digest: hex.EncodeToString(sum[:])}
	if p.digest != entry.Digest {
		return nil, fmt.Errorf("open plan %s: plan.json was edited after it was sealed: %w: reject it and let the next night plan anew", filepath.Base(folder), setup.ErrChanged)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p.PlanDocument); err != nil {
		return nil, fmt.Errorf("open plan %s: %w", filepath.Base(folder), err)
	}
	for _, g := range p.Groups {
		for _, s := range g.Segments {
			for file, want := range map[string]string{s.Actions: s.ActionsDigest, s.Keys: s.KeysDigest} {
				got, err := audit.FileDigest(filepath.Join(folder, file))
				if err != nil {
					return nil, err
				}
				if got != want {
					return nil, fmt.Errorf("open plan %s: %s was edited after it was sealed: %w: reject the plan and let the next night plan anew", p.PlanID, file, setup.ErrChanged)
				}
			}
		}
	}
	return p, nil
}

// rows counts the planned rows of all segments.
func (p *plan) rows() (n int64) {
	for _, g := range p.Groups {
		for _, s := range g.Segments {
			n += s.Rows
		}
	}
	return n
}

// usual is the median of a plan line over the last finished runs; 0 where there is no history.
func usual(history []audit.Facts, c PlanCount) float64 {
	var rows []int64
	for _, f := range history {
		for _, p := range f.Plans {
			if p.Silo == c.Silo && p.Source == c.Source && p.Object == c.Table && p.Change == c.Change && p.Reason == c.Reason {
				rows = append(rows, p.Rows)
			}
		}
	}
	if len(rows) == 0 {
		return 0
	}
	slices.Sort(rows)
	if m := len(rows) / 2; len(rows)%2 == 1 {
		return float64(rows[m])
	} else {
		return float64(rows[m-1]+rows[m]) / 2
	}
}
