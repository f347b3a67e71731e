// Package parquet writes the tables of a night as Parquet files, and reads them back. Its nouns: Table
// (one table, being written), File (one that stands written) and Content (what reading one back found).
// Writing and reading are two libraries, so that one proves the other.
package parquet

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/schema"
	"golang.org/x/sync/errgroup"

	"lethe/pipeline/audit"
)

const (
	schemaVersion = "3"

	// decodeRows is the most rows of a file that Publish decodes value by value; of larger files it opens
	// every page and decodes the first rows. Verify always decodes.
	decodeRows = 1 << 12
	// chunkRows are handed to the column writers at once.
	chunkRows = 1 << 13
	// groupRows is the most rows that wait in memory for their row group to be full, over all silos of a
	// table: with four times as many, a night of millions of decisions took 490 MB instead of 220.
	groupRows = 1 << 17
	// smallRows is below how many rows a file has no statistics, which took more than half of it and say nothing
	// that its few rows do not, and is compressed by zstd only where a column has longText bytes of different texts.
	// The Parquet writer makes a zstd encoder anew for each page, with tables of half a megabyte: ten tables of a
	// few rows cost more than all else that a night did, to save some kilobytes. From fewRows on the rest is
	// compressed by snappy, which keeps nothing.
	smallRows = 1 << 8
	fewRows   = 1 << 5
	longText  = 1 << 11
)

// Table writes one table, a Parquet file for each silo. Rows keep their order, and where pages and row
// groups end depends on the rows alone, not on how they came in batches: the same rows give the same
// bytes.
type Table[T any] struct {
	name     string
	folder   string // the publication's temporary folder
	place    string // date=D/run=R
	keys     metadata.KeyValueMetadata
	gate     audit.Gate
	root     *schema.GroupNode
	props    *parquet.WriterProperties
	small    []parquet.WriterProperty // of a file with fewer than smallRows
	columns  []*column
	parts    []*part[T] // by silo
	buffered int        // rows in row groups that are not ended
	limit    int        // groupRows
}

// File is a file that stands written: its slash path below the reports folder, and what is in it.
type File struct {
	Path   string
	Bytes  int64
	Rows   int64
	SHA256 string // hex
}

// part is the file of one silo.
type part[T any] struct {
	silo    string
	path    string // slash path below the reports folder
	file    *os.File
	sum     *counter
	w       *file.Writer
	group   file.BufferedRowGroupWriter
	dicts   []dictionary // by column, of the row group
	inGroup int
	pending []T
	first   []T // a sample
	rows    int64
}

// counter counts and digests what passes. A library that is told of a failed write may panic instead of saying
// so: it is told that all went well, nothing more is written, and failed says what went wrong.
type counter struct {
	w      io.Writer
	n      int64
	h      hash.Hash
	failed error
}

func (c *counter) Write(p []byte) (int, error) {
	if c.failed == nil {
		var n int
		n, c.failed = c.w.Write(p)
		c.n += int64(n)
		c.h.Write(p[:n])
	}
	return len(p), nil
}

// NewTable begins the table of a run's night, below a folder that is not yet published. The gate sees
// each string that is written.
func NewTable[T any](name, folder, date string, run audit.Run, gate audit.Gate) (*Table[T], error) {
	columns := audit.Columns(reflect.TypeFor[T]())
	t := &Table[T]{name: name, folder: folder, place: "date=" + date + "/run=" + run.RunID, gate: gate,
		limit: groupRows}
	options := []parquet.WriterProperty{parquet.WithVersion(parquet.V2_LATEST), parquet.WithCreatedBy("lethe"),
		parquet.WithDictionaryDefault(false), parquet.WithBatchSize(chunkRows), parquet.WithDataPageSize(4 << 20)}
	for i, f := range columns {
		t.columns = append(t.columns, &column{Column: f, index: i, seen: map[string]struct{}{}})
		switch f.Kind {
		case audit.Text, audit.List:
			options = append(options, parquet.WithDictionaryFor(leaf(f), true), parquet.WithStatsFor(leaf(f), false))
		case audit.Reference: // random bytes
			options = append(options, parquet.WithStatsFor(f.Name, false),
				parquet.WithCompressionFor(f.Name, compress.Codecs.Uncompressed))
		}
	}
	t.small = append(slices.Clone(options), parquet.WithStats(false))
	t.props = parquet.NewWriterProperties(append(options,
		parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(1))...)
	var err error
	if t.root, err = schemaOf(columns); err != nil {
		return nil, fmt.Errorf("table %s: %w", name, err)
	}
	for _, kv := range [][2]string{
		{"audit.schema", schemaVersion}, {"audit.table", name}, {"audit.run_id", run.RunID},
		{"audit.as_of", run.AsOf.UTC().Format(time.RFC3339Nano)}, {"audit.tool_version", run.ToolVersion},
	} {
		if err := t.keys.Append(kv[0], kv[1]); err != nil {
			return nil, fmt.Errorf("table %s: %w", name, err)
		}
	}
	return t, nil
}

// Add appends rows to the file of a silo.
func (t *Table[T]) Add(silo string, rows []T) error {
	p, err := t.part(silo)
	if err != nil {
		return err
	}
	for len(rows) > 0 {
		n := min(len(rows), chunkRows-len(p.pending))
		p.first = append(p.first, rows[:min(n, sampleRows-len(p.first))]...)
		p.pending, rows = append(p.pending, rows[:n]...), rows[n:]
		if len(p.pending) == chunkRows {
			if err := t.flush(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// AddBySilo appends rows to the files of the silos they belong to.
func (t *Table[T]) AddBySilo(rows []T, silo func(*T) string) error {
	for len(rows) > 0 {
		name, n := silo(&rows[0]), 1
		for n < len(rows) && silo(&rows[n]) == name {
			n++
		}
		if err := t.Add(name, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// part is the file of a silo, begun when it is first asked for.
func (t *Table[T]) part(silo string) (*part[T], error) {
	bySilo := func(p *part[T], silo string) int { return strings.Compare(p.silo, silo) }
	at, found := slices.BinarySearchFunc(t.parts, silo, bySilo)
	if found {
		return t.parts[at], nil
	}
	p := &part[T]{silo: silo, path: "table=" + t.name + "/" + t.place + "/silo=" + siloName(silo) + ".parquet"}
	full := filepath.Join(t.folder, filepath.FromSlash(p.path))
	if err := os.MkdirAll(filepath.Dir(full), 0o750); err != nil {
		return nil, err
	}
	var err error
	if p.file, err = os.OpenFile(full, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640); err != nil {
		return nil, err
	}
	p.sum = &counter{w: p.file, h: sha256.New()}
	t.parts = slices.Insert(t.parts, at, p)
	return p, nil
}

// siloName is the silo's name as part of a file name: '_' for none, and whatever could mean something to
// a file system as %XX.
func siloName(silo string) string {
	if silo == "" {
		return "_"
	}
	var b strings.Builder
	for i := range len(silo) {
		switch c := silo[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_' && len(silo) > 1:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// flush hands the pending rows of a part to its row group, and ends the largest row group when too many
// rows wait.
func (t *Table[T]) flush(p *part[T]) error {
	if p.w == nil {
		props := t.props
		if len(p.pending) < smallRows { // all there are
			props = t.smallFor(p.pending)
		}
		p.w = file.NewParquetWriter(p.sum, t.root, file.WithWriterProps(props), file.WithWriteMetadata(t.keys))
	}
	whole := p.pending
	if p.rows == 0 && len(whole) == chunkRows { // a group for the sample, and the row that the reader looks at next
		p.pending = whole[:sampleRows+1]
		if err := errors.Join(t.put(p), t.endGroup(p)); err != nil {
			return err
		}
		p.pending = whole[sampleRows+1:]
	}
	if err := t.put(p); err != nil {
		return err
	}
	clear(whole)
	p.pending = whole[:0]
	if t.buffered < t.limit {
		return nil
	}
	return t.endGroup(slices.MaxFunc(t.parts, func(a, b *part[T]) int { return cmp.Compare(a.inGroup, b.inGroup) }))
}

// smallFor are the properties of a file that has these few rows.
func (t *Table[T]) smallFor(few []T) *parquet.WriterProperties {
	options, rows := slices.Clone(t.small), reflect.ValueOf(few)
	if len(few) >= fewRows {
		options = append(options, parquet.WithCompression(compress.Codecs.Snappy))
	}
	for _, c := range t.columns {
		if c.different(rows) >= longText {
			options = append(options, parquet.WithCompressionFor(leaf(c.Column), compress.Codecs.Zstd),
				parquet.WithCompressionLevelFor(leaf(c.Column), 1))
		}
	}
	return parquet.NewWriterProperties(options...)
}

// put writes the pending rows of a part into its row group.
func (t *Table[T]) put(p *part[T]) error {
	if len(p.pending) == 0 {
		return nil
	}
	if p.group == nil {
		p.group, p.dicts = p.w.AppendBufferedRowGroup(), make([]dictionary, len(t.columns))
	}
	rows := reflect.ValueOf(p.pending)
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for _, c := range t.columns {
		w, err := p.group.Column(c.index)
		if err != nil {
			return fmt.Errorf("table %s column %s: %w", t.name, c.Name, err)
		}
		work.Go(func() error {
			if err := c.write(w, rows, &p.dicts[c.index]); err != nil {
				return fmt.Errorf("table %s column %s: %w", t.name, c.Name, err)
			}
			if len(c.fresh) >= newStrings {
				c.judge(t.gate, t.name)
			}
			return nil
		})
	}
	if err := cmp.Or(work.Wait(), p.sum.failed); err != nil {
		return err
	}
	n := len(p.pending)
	p.rows, p.inGroup, t.buffered = p.rows+int64(n), p.inGroup+n, t.buffered+n
	return nil
}

// endGroup writes the row group that a part has open.
func (t *Table[T]) endGroup(p *part[T]) error {
	if p.group == nil {
		return nil
	}
	err := p.group.Close()
	t.buffered -= p.inGroup
	p.group, p.dicts, p.inGroup = nil, nil, 0
	return cmp.Or(err, p.sum.failed)
}

// Close ends every file and makes it durable, reads it back, and returns the files, by silo. Of a table
// without rows there is one empty file. The second result is what the gate has against the strings.
func (t *Table[T]) Close(ctx context.Context) ([]File, error, error) {
	if len(t.parts) == 0 {
		if _, err := t.part(""); err != nil {
			return nil, nil, err
		}
	}
	var files []File
	var hits []error
	for _, p := range t.parts {
		err := t.flush(p)
		if err == nil {
			err = t.endGroup(p)
		}
		if err == nil {
			err = cmp.Or(p.w.Close(), p.sum.failed)
		}
		if err == nil {
			err = p.file.Sync()
		}
		if err != nil {
			return nil, nil, fmt.Errorf("write %s: %w", p.path, err)
		}
		sum := hex.EncodeToString(p.sum.h.Sum(nil))
		files = append(files, File{Path: p.path, Bytes: p.sum.n, Rows: p.rows, SHA256: sum})
		full := filepath.Join(t.folder, filepath.FromSlash(p.path))
		back, err := readBack(ctx, full, decodeRows, t.sampler(p.first))
		if err == nil {
			err = t.compare(back, p.rows)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read back %s: %w", p.path, err)
		}
	}
	for _, c := range t.columns {
		c.judge(t.gate, t.name)
		hits = append(hits, c.hits...)
	}
	return files, errors.Join(hits...), nil
}

// compare checks what was read back against what was written.
func (t *Table[T]) compare(back Content, rows int64) error {
	if back.Rows != rows {
		return fmt.Errorf("%d rows, want %d", back.Rows, rows)
	}
	if !slices.EqualFunc(back.Columns, t.columns, func(name string, c *column) bool { return name == c.Name }) {
		return fmt.Errorf("columns %v are not those of the table", back.Columns)
	}
	return nil
}

// Empty says that no row was added.
func (t *Table[T]) Empty() bool { return len(t.parts) == 0 }

// Release closes what is still open, of a publication that failed.
func (t *Table[T]) Release() {
	for _, p := range t.parts {
		p.file.Close()
	}
}
