package audit

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

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/schema"
	"golang.org/x/sync/errgroup"
)

const (
	schemaVersion = "1"

	// decodeRows is the most rows of a file that Publish decodes value by value; of larger files it opens every page. Verify always decodes.
	decodeRows = 1 << 17
	// chunkRows are handed to the column writers at once.
	chunkRows = 1 << 13
	// groupRows is the most rows that wait in memory for their row group to be full, over all silos of a table:
	// with four times as many, a night of millions of decisions took 490 MB instead of 220.
	groupRows = 1 << 18
	// newStrings is how many strings of a column that were not seen before go to the gate at once; seenStrings, how many are remembered.
	newStrings  = 1 << 12
	seenStrings = 1 << 16
	// dictEntries and dictBytes bound the dictionary that a column keeps for itself; beyond them the values go to the writer one by one.
	dictEntries = 1 << 12
	dictBytes   = 1 << 19
	// smallRows is below how many rows a file is not compressed. The Parquet writer makes a zstd encoder anew for each page, with tables of half a megabyte: ten
	// tables of a few rows cost more than all else that a night did, to save some kilobytes.
	smallRows = 1 << 8
)

// sheet writes one table, a Parquet file for each silo. Rows keep their order, and where pages and row groups end depends on the rows
// alone, not on how they came in batches: the same rows give the same bytes.
type sheet[T any] struct {
	table    string
	folder   string // the publication's temporary folder
	place    string // date=D/run=R
	keys     metadata.KeyValueMetadata
	gate     Gate
	root     *schema.GroupNode
	props    *parquet.WriterProperties
	small    *parquet.WriterProperties // of a file with fewer than smallRows
	columns  []*column
	parts    []*part[T] // by silo
	buffered int        // rows in row groups that are not ended
	limit    int        // groupRows
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
	rows    int64
}

// column holds the buffers of one column, filled anew for each chunk.
type column struct {
	name   string
	index  int
	text   []byte
	values []parquet.ByteArray
	fixed  []parquet.FixedLenByteArray
	longs  []int64
	ints   []int32
	floats []float64
	bools  []bool
	levels []int16
	seen   map[string]struct{}
	fresh  []string // not yet judged by the gate
	hits   []error
}

// dictionary numbers the strings of one column in the order in which the Parquet writer saw them first, so that it can be given numbers: the
// writer's own table costs an allocation for each value.
type dictionary struct {
	index map[string]int32
	bytes int
	last  string
	at    int32 // of last
}

// counter counts and digests what passes.
type counter struct {
	w io.Writer
	n int64
	h hash.Hash
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	c.h.Write(p[:n])
	return n, err
}

func newSheet[T any](table, folder, date string, run Run, gate Gate) (*sheet[T], error) {
	arrowSchema := Schema[T]()
	s := &sheet[T]{table: table, folder: folder, place: "date=" + date + "/run=" + run.RunID, gate: gate, limit: groupRows}
	options := []parquet.WriterProperty{parquet.WithVersion(parquet.V2_LATEST), parquet.WithCreatedBy("lethe"),
		parquet.WithDictionaryDefault(false), parquet.WithBatchSize(chunkRows), parquet.WithDataPageSize(4 << 20)}
	for i, f := range arrowSchema.Fields() {
		s.columns = append(s.columns, &column{name: f.Name, index: i, seen: map[string]struct{}{}})
		switch reflect.TypeFor[T]().Field(i).Type {
		case reflect.TypeFor[string]():
			options = append(options, parquet.WithDictionaryFor(f.Name, true))
			options = append(options, parquet.WithStatsFor(f.Name, false))
		case refType: // random bytes
			options = append(options, parquet.WithStatsFor(f.Name, false), parquet.WithCompressionFor(f.Name, compress.Codecs.Uncompressed))
		}
	}
	s.small = parquet.NewWriterProperties(options...)
	s.props = parquet.NewWriterProperties(append(options, parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(1))...)
	var err error
	if s.root, err = parquetSchema(arrowSchema); err != nil {
		return nil, fmt.Errorf("table %s: %w", table, err)
	}
	for _, kv := range [][2]string{{"audit.schema", schemaVersion}, {"audit.table", table}, {"audit.run_id", run.RunID},
		{"audit.as_of", run.AsOf.UTC().Format(time.RFC3339Nano)}, {"audit.tool_version", run.ToolVersion}} {
		if err := s.keys.Append(kv[0], kv[1]); err != nil {
			return nil, fmt.Errorf("table %s: %w", table, err)
		}
	}
	return s, nil
}

// add appends rows to the file of a silo.
func (s *sheet[T]) add(silo string, rows []T) error {
	p, err := s.part(silo)
	if err != nil {
		return err
	}
	for len(rows) > 0 {
		n := min(len(rows), chunkRows-len(p.pending))
		p.pending, rows = append(p.pending, rows[:n]...), rows[n:]
		if len(p.pending) == chunkRows {
			if err := s.flush(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// addBySilo appends rows to the files of the silos they belong to.
func (s *sheet[T]) addBySilo(rows []T, silo func(*T) string) error {
	for len(rows) > 0 {
		name, n := silo(&rows[0]), 1
		for n < len(rows) && silo(&rows[n]) == name {
			n++
		}
		if err := s.add(name, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (s *sheet[T]) part(silo string) (*part[T], error) {
	at, found := slices.BinarySearchFunc(s.parts, silo, func(p *part[T], silo string) int { return strings.Compare(p.silo, silo) })
	if found {
		return s.parts[at], nil
	}
	p := &part[T]{silo: silo, path: "table=" + s.table + "/" + s.place + "/silo=" + siloName(silo) + ".parquet"}
	full := filepath.Join(s.folder, filepath.FromSlash(p.path))
	if err := os.MkdirAll(filepath.Dir(full), 0o750); err != nil {
		return nil, err
	}
	var err error
	if p.file, err = os.OpenFile(full, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640); err != nil {
		return nil, err
	}
	p.sum = &counter{w: p.file, h: sha256.New()}
	s.parts = slices.Insert(s.parts, at, p)
	return p, nil
}

// siloName is the silo's name as part of a file name: '_' for none, and whatever could mean something to a file system as %XX.
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

// flush hands the pending rows of a part to its row group, and ends the largest row group when too many rows wait.
func (s *sheet[T]) flush(p *part[T]) error {
	if p.w == nil {
		props := s.props
		if len(p.pending) < smallRows { // all there are
			props = s.small
		}
		p.w = file.NewParquetWriter(p.sum, s.root, file.WithWriterProps(props), file.WithWriteMetadata(s.keys))
	}
	if len(p.pending) == 0 {
		return nil
	}
	if p.group == nil {
		p.group, p.dicts = p.w.AppendBufferedRowGroup(), make([]dictionary, len(s.columns))
	}
	rows := reflect.ValueOf(p.pending)
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for _, c := range s.columns {
		w, err := p.group.Column(c.index)
		if err != nil {
			return fmt.Errorf("table %s column %s: %w", s.table, c.name, err)
		}
		work.Go(func() error {
			if err := c.write(w, rows, &p.dicts[c.index]); err != nil {
				return fmt.Errorf("table %s column %s: %w", s.table, c.name, err)
			}
			if len(c.fresh) >= newStrings {
				c.judge(s.gate, s.table)
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	n := len(p.pending)
	p.rows, p.inGroup, s.buffered = p.rows+int64(n), p.inGroup+n, s.buffered+n
	clear(p.pending)
	p.pending = p.pending[:0]
	if s.buffered < s.limit {
		return nil
	}
	return s.endGroup(slices.MaxFunc(s.parts, func(a, b *part[T]) int { return cmp.Compare(a.inGroup, b.inGroup) }))
}

func (s *sheet[T]) endGroup(p *part[T]) error {
	if p.group == nil {
		return nil
	}
	err := p.group.Close()
	s.buffered -= p.inGroup
	p.group, p.dicts, p.inGroup = nil, nil, 0
	return err
}

// write puts one column of the rows (a slice of structs) into a column writer.
func (c *column) write(w file.ColumnChunkWriter, rows reflect.Value, dict *dictionary) error {
	n := rows.Len()
	var err error
	switch w := w.(type) {
	case *file.ByteArrayColumnChunkWriter:
		if rows.Type().Elem().Field(c.index).Type.Kind() == reflect.String {
			return c.writeStrings(w, rows, dict)
		}
		c.values = c.values[:0]
		for i := range n {
			c.values = append(c.values, rows.Index(i).Field(c.index).Bytes())
		}
		_, err = w.WriteBatch(c.values, nil, nil)
	case *file.FixedLenByteArrayColumnChunkWriter:
		c.fixed = c.fixed[:0]
		for i := range n {
			f := rows.Index(i).Field(c.index)
			c.fixed = append(c.fixed, f.Slice(0, f.Len()).Bytes())
		}
		_, err = w.WriteBatch(c.fixed, nil, nil)
	case *file.Int64ColumnChunkWriter:
		c.longs, c.levels = c.longs[:0], c.levels[:0]
		if rows.Type().Elem().Field(c.index).Type == timeType {
			c.fillTimes(rows)
			_, err = w.WriteBatch(c.longs, c.levels, nil)
			break
		}
		for i := range n {
			c.longs = append(c.longs, rows.Index(i).Field(c.index).Int())
		}
		_, err = w.WriteBatch(c.longs, nil, nil)
	case *file.Int32ColumnChunkWriter:
		c.ints = c.ints[:0]
		for i := range n {
			c.ints = append(c.ints, int32(rows.Index(i).Field(c.index).Int()))
		}
		_, err = w.WriteBatch(c.ints, nil, nil)
	case *file.Float64ColumnChunkWriter:
		c.floats = c.floats[:0]
		for i := range n {
			c.floats = append(c.floats, rows.Index(i).Field(c.index).Float())
		}
		_, err = w.WriteBatch(c.floats, nil, nil)
	case *file.BooleanColumnChunkWriter:
		c.bools = c.bools[:0]
		for i := range n {
			c.bools = append(c.bools, rows.Index(i).Field(c.index).Bool())
		}
		_, err = w.WriteBatch(c.bools, nil, nil)
	default:
		err = fmt.Errorf("no writer for %T", w)
	}
	return err
}

// writeStrings writes runs of known strings as numbers of the dictionary, and each new one as itself, which teaches the writer its number.
func (c *column) writeStrings(w *file.ByteArrayColumnChunkWriter, rows reflect.Value, d *dictionary) error {
	if d.index == nil {
		d.index = map[string]int32{}
	}
	c.ints = c.ints[:0]
	n := rows.Len()
	for i := range n {
		v := rows.Index(i).Field(c.index).String()
		if v != d.last || len(d.index) == 0 {
			at, known := d.index[v]
			if !known {
				c.note(v)
				if err := c.writeIndices(w); err != nil {
					return err
				}
				if len(d.index) >= dictEntries || d.bytes+len(v) > dictBytes {
					return c.writePlain(w, rows, i)
				}
				c.values = append(c.values[:0], parquet.ByteArray(v))
				if _, err := w.WriteBatch(c.values, nil, nil); err != nil {
					return err
				}
				d.last, d.at, d.bytes = v, int32(len(d.index)), d.bytes+len(v)
				d.index[v] = d.at
				continue
			}
			d.last, d.at = v, at
		}
		c.ints = append(c.ints, d.at)
	}
	return c.writeIndices(w)
}

func (c *column) writeIndices(w *file.ByteArrayColumnChunkWriter) error {
	if len(c.ints) == 0 {
		return nil
	}
	data := array.NewData(arrow.PrimitiveTypes.Int32, len(c.ints), []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.ints))}, nil, 0, 0)
	defer data.Release()
	numbers := array.NewInt32Data(data)
	defer numbers.Release()
	c.ints = c.ints[:0]
	return w.WriteDictIndices(numbers, nil, nil)
}

// writePlain writes the strings from row i on as they are.
func (c *column) writePlain(w *file.ByteArrayColumnChunkWriter, rows reflect.Value, i int) error {
	c.text, c.longs, c.values = c.text[:0], c.longs[:0], c.values[:0]
	for ; i < rows.Len(); i++ {
		v := rows.Index(i).Field(c.index).String()
		c.note(v)
		c.text = append(c.text, v...)
		c.longs = append(c.longs, int64(len(c.text)))
	}
	from := int64(0)
	for _, to := range c.longs {
		c.values = append(c.values, c.text[from:to:to])
		from = to
	}
	_, err := w.WriteBatch(c.values, nil, nil)
	return err
}

// note remembers a string that the gate has to see.
func (c *column) note(v string) {
	if _, known := c.seen[v]; known || v == "" {
		return
	}
	if len(c.seen) >= seenStrings {
		clear(c.seen)
	}
	c.seen[v] = struct{}{}
	c.fresh = append(c.fresh, v)
}

func (c *column) fillTimes(rows reflect.Value) {
	for i := range rows.Len() {
		t := rows.Index(i).Field(c.index).Addr().Interface().(*time.Time)
		if t.IsZero() {
			c.levels = append(c.levels, 0)
			continue
		}
		c.levels = append(c.levels, 1)
		c.longs = append(c.longs, t.UnixMicro())
	}
}

func (c *column) judge(gate Gate, table string) {
	if len(c.fresh) == 0 {
		return
	}
	if err := gate.Check(table, c.name, c.fresh); err != nil && len(c.hits) < 10 {
		c.hits = append(c.hits, err)
	}
	c.fresh = nil
}

// close ends every file and makes it durable, reads it back, and returns the entries of the manifest. Of a table without rows there is one empty file.
// The second result is what the gate has against the strings.
func (s *sheet[T]) close(ctx context.Context) ([]manifestFile, error, error) {
	if len(s.parts) == 0 {
		if _, err := s.part(""); err != nil {
			return nil, nil, err
		}
	}
	var files []manifestFile
	var hits []error
	for _, p := range s.parts {
		err := s.flush(p)
		if err == nil {
			err = s.endGroup(p)
		}
		if err == nil {
			err = p.w.Close()
		}
		if err == nil {
			err = p.file.Sync()
		}
		if err != nil {
			return nil, nil, fmt.Errorf("write %s: %w", p.path, err)
		}
		files = append(files, manifestFile{Path: p.path, Bytes: p.sum.n, Rows: p.rows, SHA256: hex.EncodeToString(p.sum.h.Sum(nil))})
		back, err := readBack(ctx, filepath.Join(s.folder, filepath.FromSlash(p.path)), decodeRows)
		if err == nil {
			err = s.compare(back, p.rows)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read back %s: %w", p.path, err)
		}
	}
	for _, c := range s.columns {
		c.judge(s.gate, s.table)
		hits = append(hits, c.hits...)
	}
	return files, errors.Join(hits...), nil
}

// compare checks what was read back against what was written.
func (s *sheet[T]) compare(back parquetFacts, rows int64) error {
	if back.rows != rows {
		return fmt.Errorf("%d rows, want %d", back.rows, rows)
	}
	if !slices.EqualFunc(back.columns, s.columns, func(name string, c *column) bool { return name == c.name }) {
		return fmt.Errorf("columns %v are not those of the table", back.columns)
	}
	return nil
}

// release closes what is still open, of a publication that failed.
func (s *sheet[T]) release() {
	for _, p := range s.parts {
		p.file.Close()
	}
}
