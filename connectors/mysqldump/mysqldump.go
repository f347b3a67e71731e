// Package mysqldump reads and rewrites the files that mysqldump and mariadb-dump write: plain, gzip or zstd, with one line for an INSERT or for a row, with
// or without CREATE TABLE.
//
// The file is a stream. Scan answers all its queries in one pass, in the file's order; a cursor is the ordinal of a row in its table. A batch ends
// where another table begins. Rewrite copies everything that no edit touches byte for byte, as seen after decompression.
//
// What is not in the file cannot be known: a field that the server computes and that the file has no value for (MySQL leaves generated columns out) is NULL.
// Where a row's text differs from a key asked for in case, accents or trailing spaces only, the file is refused, since a dump does not say what the
// server's collation makes of it.
package mysqldump

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"lethe/connectors"
	"lethe/connectors/internal/textfile"
)

// Connector opens dumps by path.
var Connector = connectors.Connector{
	Name:   "mysqldump",
	About:  "files of mysqldump and mariadb-dump: .sql, .sql.gz, .sql.zst",
	Suffix: []string{".sql", ".sql.gz", ".sql.zst"},
	Open:   Open,
}

// Open opens the dump at the path o.DSN. The file is looked at, not read: Tables does the first pass. With o.Rewrite the Source is a connectors.Rewriter.
func Open(ctx context.Context, o connectors.Options) (connectors.Source, error) {
	s := &source{name: o.Name, path: o.DSN, file: filepath.Base(o.DSN), catalog: o.Catalog, unchecked: o.Unchecked}
	if s.name == "" {
		s.name = s.file
	}
	for key := range o.Extra {
		return nil, s.fail("open", "", fmt.Errorf("unknown key %q: %w", key, connectors.ErrConfig), "")
	}
	if o.DSN == "" {
		return nil, s.fail("open", "", fmt.Errorf("no path: %w", connectors.ErrConfig), "give the path of a dump")
	}
	if _, err := textfile.StampOf(o.DSN); errors.Is(err, connectors.ErrConfig) {
		return nil, s.fail("open", "", err, "give the path of a dump")
	} else if err != nil {
		return nil, s.fail("open", "", err, "")
	}
	t, err := s.open()
	if err != nil {
		return nil, s.fail("open", "", err, "")
	}
	defer t.Close()
	w := textfile.NewWindow(ctx, t, textfile.WindowBytes)
	if err := w.More(); len(w.Rest()) == 0 && errors.Is(err, connectors.ErrDamaged) {
		return nil, s.fail("open", "", err, "")
	}
	if t.Packing.Compression != textfile.None {
		if err := textfile.Check(w.Rest(), foreign...); err != nil {
			return nil, s.fail("open", "", err, "")
		}
	}
	if o.Rewrite {
		return &rewriter{source: s}, nil
	}
	return s, nil
}

// Recognises reports whether the first bytes of a decompressed file look like those of mysqldump or mariadb-dump. The suffix .sql alone
// does not tell: pg_dump uses it too.
func Recognises(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	for _, start := range []string{"-- MySQL dump", "-- MariaDB dump", "-- mysqldump", "/*M!999999\\-", "/*!999999\\-", "/*!40101 SET", "/*!40100 SET", "/*!40000 ", "/*!50503 SET"} {
		if bytes.HasPrefix(head, []byte(start)) {
			return true
		}
	}
	for _, mark := range []string{"PostgreSQL", "PRAGMA "} {
		if bytes.Contains(head, []byte(mark)) {
			return false
		}
	}
	return slices.ContainsFunc([]string{"INSERT INTO `", "CREATE TABLE `", "DROP TABLE IF EXISTS `", "USE `", "ENGINE=", "\n/*!40"}, func(mark string) bool {
		return bytes.Contains(head, []byte(mark))
	})
}

// source is a dump that is only read.
type source struct {
	name      string
	path      string // of the bytes
	file      string // the name it stands for; that of the original when path is a rewritten copy
	catalog   []connectors.Table
	unchecked bool
	hook      func(point string) error // of tests; nil

	mu    sync.Mutex
	known *contents // of the file as it was under known.stamp
}

// contents is what a pass over the file found in it.
type contents struct {
	stamp  textfile.Stamp
	tables []*table // of applications, sorted by their reported names
}

func (s *source) fail(op, table string, err error, hint string) error {
	var known *connectors.Error
	if errors.As(err, &known) {
		return err
	}
	if hint == "" {
		hint = hintFor(err)
	}
	return &connectors.Error{Op: op, Source: s.name, Table: table, Err: err, Hint: hint}
}

func hintFor(err error) string {
	switch {
	case errors.Is(err, errTrailer):
		return "take the dump anew, or set `complete: unchecked` if it was made with --compact or --skip-comments"
	case errors.Is(err, errNoFields):
		return "name a file with its CREATE TABLE statements by `schema:` or its live source by `of:`"
	case errors.Is(err, errCharset):
		return "take the dump with --default-character-set=utf8mb4"
	}
	return ""
}

var (
	errTrailer  = fmt.Errorf("the line '-- Dump completed' is missing at the end: %w", connectors.ErrDamaged)
	errNoFields = errors.New("the file does not say what the fields of a table are")
)

// Close forgets what is known of the file; each pass closes what it opened.
func (s *source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = nil
	return nil
}

// Tables returns the catalog. It reads the whole file, once for as long as its size and time stay the same; Table.Rows is then exact.
func (s *source) Tables(ctx context.Context) ([]connectors.Table, error) {
	c, err := s.contents(ctx)
	if err != nil {
		return nil, s.fail("catalog", "", err, "")
	}
	list := make([]connectors.Table, len(c.tables))
	for i, t := range c.tables {
		list[i] = t.Table
	}
	return list, nil
}

func (s *source) contents(ctx context.Context) (*contents, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := textfile.StampOf(s.path)
	if err != nil {
		return nil, err
	}
	if s.known != nil && s.known.stamp == now {
		return s.known, nil
	}
	t, err := s.open()
	if err != nil {
		return nil, err
	}
	defer t.Close()
	w := newWalker(textfile.NewWindow(ctx, t, textfile.WindowBytes))
	if err := w.run(); err != nil {
		return nil, err
	}
	c, err := s.finish(w)
	if err != nil {
		return nil, err
	}
	c.stamp = now
	s.known = c
	return c, nil
}

// finish makes the catalog of what a walk over the whole file found.
func (s *source) finish(w *walker) (*contents, error) {
	if !w.complete && !s.unchecked {
		return nil, errTrailer
	}
	qualify := func(id tableID) string {
		if len(w.databases) > 1 && id.database != "" {
			return id.database + "." + id.name
		}
		return id.name
	}
	c := &contents{}
	for _, t := range w.order {
		if slices.Contains(systemDatabases, t.id.database) || w.others[t.id] {
			continue
		}
		t.Name = qualify(t.id)
		if !t.created {
			if err := s.describe(t); err != nil {
				return nil, err
			}
		}
		t.Database = t.id.database
		if t.Database == "" {
			t.Database = stem(s.file)
		}
		for i, ref := range t.refs {
			t.ForeignKeys[i].RefTable = qualify(ref)
		}
		t.bits = make([]int, len(t.Fields))
		for i, f := range t.Fields {
			t.bits[i] = bitLength(f.Type)
		}
		t.Rows = t.rows
		c.tables = append(c.tables, t)
	}
	slices.SortFunc(c.tables, func(a, b *table) int { return strings.Compare(a.Name, b.Name) })
	return c, nil
}

// describe takes the fields of a table that the file does not create from the catalog given at Open.
func (s *source) describe(t *table) error {
	for _, name := range []string{t.Name, t.id.name} {
		for _, known := range s.catalog {
			if known.Name == name && len(known.Fields) > 0 {
				reported := t.Name
				t.Table = known
				t.Name = reported
				return nil
			}
		}
	}
	return fmt.Errorf("table %s: %w: %w", t.Name, errNoFields, connectors.ErrConfig)
}

func stem(file string) string {
	for _, suffix := range []string{".gz", ".zst", ".sql"} {
		file = strings.TrimSuffix(file, suffix)
	}
	return file
}

// prepare makes the targets of the queries.
func (s *source) prepare(ctx context.Context, q []connectors.Query) (map[tableID]*target, error) {
	c, err := s.contents(ctx)
	if err != nil {
		return nil, err
	}
	targets := make(map[tableID]*target, len(q))
	for _, query := range q {
		i := slices.IndexFunc(c.tables, func(t *table) bool { return t.Name == query.Table })
		if i < 0 {
			return nil, s.fail("scan", query.Table, fmt.Errorf("no such table: %w", connectors.ErrSchemaChanged), "")
		}
		t := c.tables[i]
		g, err := newTarget(t, query)
		if err == nil && targets[t.id] != nil {
			err = fmt.Errorf("a table can be asked for once in a pass: %w", connectors.ErrConfig)
		}
		if err != nil {
			return nil, s.fail("scan", query.Table, err, "")
		}
		targets[t.id] = g
	}
	return targets, nil
}

// Scan answers all queries in one pass, in the file's order. A table can be asked for once.
func (s *source) Scan(ctx context.Context, q ...connectors.Query) iter.Seq2[connectors.Batch, error] {
	return func(yield func(connectors.Batch, error) bool) {
		if err := s.scan(ctx, q, yield); err != nil && err != errStop {
			yield(connectors.Batch{}, s.fail("scan", "", err, ""))
		}
	}
}

func (s *source) scan(ctx context.Context, q []connectors.Query, yield func(connectors.Batch, error) bool) error {
	targets, err := s.prepare(ctx, q)
	if err != nil || len(targets) == 0 {
		return err
	}
	t, err := s.open()
	if err != nil {
		return err
	}
	defer t.Close()
	w := newWalker(textfile.NewWindow(ctx, t, textfile.WindowBytes))
	w.targets = targets
	var current *target
	w.flush = func() error {
		if current == nil || current.builder.Rows() == 0 {
			return nil
		}
		if !yield(current.builder.Batch(current.cursor()), nil) {
			return errStop
		}
		return ctx.Err()
	}
	w.onRow = func(g *target, tuple []byte, values []span) error {
		if g != current {
			if err := w.flush(); err != nil {
				return err
			}
			current = g
		}
		g.ordinal++
		wanted, err := g.wanted(w.dialect, tuple, values)
		if err == nil && wanted {
			err = g.fill(w.dialect, tuple, values)
		}
		if err != nil {
			return w.at("%w", err)
		}
		if wanted && g.builder.Full(g.maxRows) {
			return w.flush()
		}
		return nil
	}
	if err := w.run(); err != nil {
		return err
	}
	if !w.complete && !s.unchecked {
		return errTrailer
	}
	return nil
}
