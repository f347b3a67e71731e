package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sort"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"lethe/pipeline/registry/keystore"
)

// ErrGate says that the output gate found what looks like personal data in the report. The report is in quarantine, the journal intact.
var ErrGate = errors.New("the report may hold personal data")

// Gate judges the distinct strings of a column before a report is published.
type Gate interface {
	Check(table, column string, values []string) error
}

// Publication is a report to be made.
type Publication struct {
	Facts     Facts
	Decisions iter.Seq2[[]Decision, error]
	Actions   iter.Seq2[[]Action, error]
	Root      string // the reports folder
	Date      string // civil date of the run
	Signer    *keystore.Signer
	Gate      Gate
}

// Published is a report that stands.
type Published struct {
	ReportPath     string
	ManifestSHA256 string // hex
}

// Manifest lists everything a run published. It is signed.
type Manifest struct {
	Run      Run            `json:"run"`
	Files    []ManifestFile `json:"files"`
	Previous string         `json:"previous_manifest"`
	Key      string         `json:"key"`
}

// ManifestFile is one file of a report.
type ManifestFile struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
}

// Publish writes the Parquet tables, the page and the signed manifest of a run.
func Publish(ctx context.Context, p Publication) (Published, error) {
	w := &publisher{Publication: p, files: map[string]*tableFile{}}
	err := errors.Join(
		put(w, "runs", []Run{p.Facts.Run}, nil),
		put(w, "inventory", p.Facts.Inventory, nil),
		put(w, "findings", p.Facts.Findings, nil),
		put(w, "summary", p.Facts.Summary, func(s *Summary) string { return s.Silo }),
		put(w, "plan", p.Facts.Plans, nil),
		put(w, "approvals", p.Facts.Approvals, nil),
		put(w, "exceptions", p.Facts.Exceptions, nil),
		put(w, "backups", p.Facts.Backups, nil),
	)
	if err == nil {
		err = stream(w, "decisions", p.Decisions, func(d *Decision) string { return d.Silo })
	}
	if err == nil {
		err = stream(w, "actions", p.Actions, func(a *Action) string { return a.Silo })
	}
	if err = errors.Join(err, w.close()); err != nil {
		return Published{}, fmt.Errorf("publish report: %w", err)
	}
	return w.manifest()
}

type publisher struct {
	Publication
	files map[string]*tableFile
}

type tableFile struct {
	path    string
	file    *os.File
	w       *pqarrow.FileWriter
	builder *array.RecordBuilder
	rows    int64
}

func (w *publisher) open(table, silo string, schema *arrow.Schema) (*tableFile, error) {
	if silo == "" {
		silo = "_"
	}
	key := table + "/" + silo
	if f := w.files[key]; f != nil {
		return f, nil
	}
	rel := filepath.Join("table="+table, "date="+w.Date, "run="+w.Facts.Run.RunID, "silo="+silo+".parquet")
	path := filepath.Join(w.Root, rel)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	pw, err := pqarrow.NewFileWriter(schema, file, parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithVersion(parquet.V2_LATEST)), pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, err
	}
	f := &tableFile{path: rel, file: file, w: pw, builder: array.NewRecordBuilder(memory.DefaultAllocator, schema)}
	w.files[key] = f
	return f, nil
}

func put[T any](w *publisher, table string, rows []T, silo func(*T) string) error {
	bySilo := map[string][]T{"": nil}
	if silo != nil {
		delete(bySilo, "")
	}
	for i := range rows {
		s := ""
		if silo != nil {
			s = silo(&rows[i])
		}
		bySilo[s] = append(bySilo[s], rows[i])
	}
	schema := Schema[T]()
	for s, rows := range bySilo {
		f, err := w.open(table, s, schema)
		if err != nil {
			return err
		}
		Append(f.builder, rows)
		rec := f.builder.NewRecord()
		f.rows += rec.NumRows()
		err = f.w.WriteBuffered(rec)
		rec.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

func stream[T any](w *publisher, table string, batches iter.Seq2[[]T, error], silo func(*T) string) error {
	for rows, err := range batches {
		if err != nil {
			return err
		}
		if err := put(w, table, rows, silo); err != nil {
			return err
		}
	}
	return nil
}

func (w *publisher) close() error {
	var err error
	for _, f := range w.files {
		err = errors.Join(err, f.w.Close())
	}
	return err
}

func (w *publisher) manifest() (Published, error) {
	m := Manifest{Run: w.Facts.Run, Previous: w.Facts.Run.PreviousManifest, Key: w.Signer.Public()}
	for _, f := range w.files {
		file, err := os.Open(filepath.Join(w.Root, f.path))
		if err != nil {
			return Published{}, err
		}
		h := sha256.New()
		n, err := io.Copy(h, file)
		if err = errors.Join(err, file.Close()); err != nil {
			return Published{}, err
		}
		m.Files = append(m.Files, ManifestFile{Path: filepath.ToSlash(f.path), Bytes: n, Rows: f.rows, SHA256: hex.EncodeToString(h.Sum(nil))})
	}
	sort.Slice(m.Files, func(i, j int) bool { return m.Files[i].Path < m.Files[j].Path })
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return Published{}, err
	}
	sum := sha256.Sum256(body)
	dir := filepath.Join(w.Root, "manifests", "date="+w.Date, "run="+w.Facts.Run.RunID)
	err = errors.Join(os.MkdirAll(dir, 0o750), os.WriteFile(filepath.Join(dir, "manifest.json"), body, 0o640),
		os.WriteFile(filepath.Join(dir, "manifest.sig"), w.Signer.Sign("manifest", body), 0o640))
	return Published{ManifestSHA256: hex.EncodeToString(sum[:])}, err
}
