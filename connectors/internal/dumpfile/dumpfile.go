// Package dumpfile is what connectors of database dumps have in common: a Source that reads its file in
// passes, the tables that a pass finds (Entry), a query on its way through a pass (Target) and the batches
// that it fills (Batches). How the statements of an engine are read is the connector's: its Format.
//
// Nothing here is called for every value: what reads a value stands in the connector, so that the compiler
// sees the call.
package dumpfile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lethe/connectors"
	"lethe/connectors/internal/packed"
	"lethe/connectors/internal/textfile"
)

// ErrNoFields: neither the file nor a catalog given at Open says what fields a table has.
var ErrNoFields = errors.New("the file does not say what the fields of a table are")

// errStop ends a walk early, on purpose.
var errStop = errors.New("stop")

// TableID names a table within a file. What the file does not name, or what the engine does not know, is "".
type TableID struct{ Database, Schema, Name string }

// Entry is a table as the file describes it.
type Entry struct {
	ID TableID
	connectors.Table
	Refs    []TableID // of each foreign key
	Created bool      // by the file itself
	Seen    int64     // rows

	// Unread says why the rows cannot be read though the file is whole; nil: they can.
	Unread error
	// Absent says why the file does not hold the rows, and the table is not in the catalog; "": it does.
	Absent string
}

func (e *Entry) entry() *Entry { return e }

// Index is the place of a field in the table, -1 if it has none of that name.
func (e *Entry) Index(field string) int {
	return slices.IndexFunc(e.Fields, func(f connectors.Field) bool { return f.Name == field })
}

// Report gives the table, and those it refers to, the names under which they are reported. A file that names no
// database stands for one.
func (e *Entry) Report(qualify func(TableID) string, file string) {
	e.Name, e.Database = qualify(e.ID), e.ID.Database
	if e.Database == "" {
		e.Database = stem(file)
	}
	for i, ref := range e.Refs {
		e.ForeignKeys[i].RefTable = qualify(ref)
	}
}

// stem is the name of a file without folder and endings.
func stem(path string) string {
	name := filepath.Base(path)
	for _, suffix := range []string{".gz", ".zst", ".sql"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return name
}

// Described is a connector's own table: a pointer to a struct that embeds Entry.
type Described interface{ entry() *Entry }

// Sort ends a survey: the tables have their counts of rows and what names these (NameRows), and are sorted by their
// reported names. usable may refuse fields as a key of a table.
func Sort[T Described](tables []T, usable func(t T, fields []string) bool) {
	for _, t := range tables {
		t.entry().Rows = t.entry().Seen
		t.entry().NameRows(func(fields []string) bool { return usable == nil || usable(t, fields) })
	}
	slices.SortFunc(tables, func(a, b T) int { return strings.Compare(a.entry().Name, b.entry().Name) })
}

// Format is how the dumps of an engine are read. T is what is known of a table, G a query on its way.
type Format[T Described, G any] interface {
	// Survey reads the whole dump at a path and returns the tables of applications in it, as Sort leaves them.
	Survey(ctx context.Context, path string) ([]T, error)
	// Target makes the target of a query for a table.
	Target(t T, q connectors.Query) (G, error)
	// Walk reads the dump at a path and hands the rows of the targets' tables to them.
	Walk(ctx context.Context, path string, targets map[TableID]G, batches *Batches) error
	// Hint says what to do about an error of the format's own, "" for others.
	Hint(err error) string
	// Open opens the text of the dump at a path.
	Open(path string) (*textfile.Text, error)
}

// Source is an open dump.
type Source[T Described, G any] struct {
	Name   string // of the source, in errors
	Path   string // of the bytes
	Format Format[T, G]
	Folder bool             // the dump is a folder of files
	Shelf  connectors.Shelf // where the file lies; nil: in a folder of this machine

	// Expected are the tables that the file is expected to hold, sorted by name: a scan does not look for them first,
	// and whoever expects them compares what it met. nil: a pass of its own finds them.
	Expected []T

	Says *Says // when the dump was made; nil: it never says

	mu    sync.Mutex
	known []T            // nil: nothing yet
	stamp textfile.Stamp // of the file when known was read
}

// Says is when a dump says that it was made, as a pass finds it.
type Says struct {
	mu   sync.Mutex
	made connectors.Made
}

// Note notes it. What cannot be read is not noted.
func (s *Says) Note(layout, text string) {
	at, err := time.Parse(layout, text)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = connectors.Made{At: at, Civil: true}
}

// Made returns when the dump says that it was made, as far as it was read.
func (s *Source[T, G]) Made() connectors.Made {
	if s.Says == nil {
		return connectors.Made{}
	}
	s.Says.mu.Lock()
	defer s.Says.mu.Unlock()
	return s.Says.made
}

// Fail gives an error its place and the hint that belongs to it, unless it has them.
func (s *Source[T, G]) Fail(op, table string, err error, hint string) error {
	var known *connectors.Error
	if errors.As(err, &known) {
		if known.Source != "" {
			return err
		}
		table, err = known.Table, known.Err // of a table, from within a walk
	}
	if hint == "" {
		hint = cmp.Or(s.Format.Hint(err), packed.Hint(err))
	}
	if table != "" && errors.Is(err, errors.ErrUnsupported) {
		hint = "leave the table out by `skip:`, or take the dump without that statement"
	}
	if errors.Is(err, ErrAlike) {
		hint = "write such texts in the database as what they refer to, or declare a collation that tells them apart " +
			"(_bin), and take the dump anew; this one is left as it is, and ends by `keep`"
	}
	if errors.Is(err, ErrNoFields) {
		hint = "name a file with its CREATE TABLE statements by `schema:` or its live source by `of:`"
	}
	if errors.Is(err, ErrDatabases) {
		hint = "say which by `options: {database: NAME}`, or take a dump of that database alone"
	}
	return &connectors.Error{Op: op, Source: s.Name, Table: table, Err: err, Hint: hint}
}

// Text opens the dump as the programs of its engine read it.
func (s *Source[T, G]) Text(ctx context.Context) (io.ReadCloser, error) {
	if s.Folder {
		if info, err := os.Stat(s.Path); err == nil && info.IsDir() {
			return nil, s.Fail("restore", "", fmt.Errorf("it is a folder of files: %w", errors.ErrUnsupported), "")
		}
	}
	text, err := s.Format.Open(s.Path)
	if err != nil {
		return nil, s.Fail("restore", "", err, "")
	}
	return opened{text, s}, ctx.Err()
}

// opened is the text of a dump, whose errors say whose they are.
type opened struct {
	*textfile.Text
	of interface {
		Fail(op, table string, err error, hint string) error
	}
}

func (o opened) Read(p []byte) (int, error) {
	n, err := o.Text.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = o.of.Fail("restore", "", err, "")
	}
	return n, err
}

func (o opened) Close() error {
	o.Text.Close()
	return nil
}

// Close forgets what is known of the file; each pass closes what it opened.
func (s *Source[T, G]) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = nil
	return nil
}

// Tables returns the catalog. It reads the whole file, once for as long as its size and time stay the same;
// Table.Rows is then exact.
func (s *Source[T, G]) Tables(ctx context.Context) ([]connectors.Table, error) {
	tables, err := s.Contents(ctx)
	if err != nil {
		return nil, s.Fail("catalog", "", err, "")
	}
	list := make([]connectors.Table, 0, len(tables))
	for _, t := range tables {
		if e := t.entry(); e.Absent == "" {
			list = append(list, e.Table)
		}
	}
	return list, nil
}

// Unread returns the tables whose rows the file does not hold.
func (s *Source[T, G]) Unread(ctx context.Context) ([]connectors.Unread, error) {
	tables, err := s.Contents(ctx)
	if err != nil {
		return nil, s.Fail("catalog", "", err, "")
	}
	var list []connectors.Unread
	for _, t := range tables {
		if e := t.entry(); e.Absent != "" {
			list = append(list, connectors.Unread{Name: e.Name, Reason: e.Absent, Unknown: true})
		}
	}
	return list, nil
}

// Contents returns what a pass over the file found in it, sorted by name.
func (s *Source[T, G]) Contents(ctx context.Context) ([]T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := textfile.StampOn(s.Shelf, s.Path)
	if s.Folder {
		now, err = textfile.StampOfFolder(s.Path)
	}
	if err != nil {
		return nil, err
	}
	if s.known != nil && s.stamp == now {
		return s.known, nil
	}
	tables, err := s.Format.Survey(ctx, s.Path)
	if err != nil {
		return nil, err
	}
	s.known, s.stamp = append([]T{}, tables...), now
	return s.known, nil
}

// Pass reads a text that was opened from its beginning, and closes it.
func Pass(ctx context.Context, text *textfile.Text, read func(*textfile.Window) error) error {
	defer text.Close()
	size := textfile.WindowBytes
	if n := 8*text.Size + 1; text.Size > 0 && n < int64(size) {
		size = int(n) // one of many small files; it grows where that is not enough
	}
	return read(textfile.NewWindow(ctx, text, size))
}

// Prepare makes the targets of the queries.
func (s *Source[T, G]) Prepare(ctx context.Context, q []connectors.Query) (map[TableID]G, error) {
	tables, err := s.Expected, error(nil)
	if tables == nil {
		tables, err = s.Contents(ctx)
	}
	if err != nil {
		return nil, err
	}
	targets := make(map[TableID]G, len(q))
	for _, query := range q {
		i := slices.IndexFunc(tables, func(t T) bool {
			return t.entry().Name == query.Table && t.entry().Absent == ""
		})
		if i < 0 {
			return nil, s.Fail("scan", query.Table, fmt.Errorf("no such table: %w", connectors.ErrSchemaChanged), "")
		}
		id := tables[i].entry().ID
		if err := tables[i].entry().Unread; err != nil {
			return nil, s.Fail("scan", query.Table, err, "")
		}
		target, err := s.Format.Target(tables[i], query)
		if _, twice := targets[id]; err == nil && twice {
			err = fmt.Errorf("a table can be asked for once in a pass: %w", connectors.ErrConfig)
		}
		if err != nil {
			return nil, s.Fail("scan", query.Table, err, "")
		}
		targets[id] = target
	}
	return targets, nil
}

// Scan answers all queries in one pass, in the file's order. A table can be asked for once.
func (s *Source[T, G]) Scan(ctx context.Context, q ...connectors.Query) iter.Seq2[connectors.Batch, error] {
	return func(yield func(connectors.Batch, error) bool) {
		if err := s.scan(ctx, q, yield); err != nil && !errors.Is(err, errStop) {
			yield(connectors.Batch{}, s.Fail("scan", "", err, ""))
		}
	}
}

func (s *Source[T, G]) scan(ctx context.Context, q []connectors.Query, yield func(connectors.Batch, error) bool) error {
	targets, err := s.Prepare(ctx, q)
	if err != nil || len(targets) == 0 {
		return err
	}
	batches := &Batches{Out: func(b connectors.Batch) error {
		if !yield(b, nil) {
			return errStop
		}
		return ctx.Err()
	}}
	return s.Format.Walk(ctx, s.Path, targets, batches)
}
