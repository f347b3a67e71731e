// Package pgdump reads the plain files that pg_dump and pg_dumpall write: as they are, gzip or zstd, with COPY or INSERT, whatever the options; also SQL scripts
// that other tools or people wrote for PostgreSQL. Archives (-Fc, -Ft, -Fd) become such a file with pg_restore.
//
// The file is a stream. Scan answers all its queries in one pass, in the file's order; a cursor is the ordinal of a row in its table. Keys and references stand at
// the end of a dump, so Tables reads the whole file, once for as long as it does not change.
//
// Table names are without their schema where that is public, else schema.table. Partitions and children are tables of their own, which hold the rows that stand under
// their names. Timestamps with an offset are brought to UTC, bytea to raw bytes, bool to t and f; arrays, ranges, enumerations and whatever else are the server's text.
//
// What is not in the file cannot be known: a generated field, which pg_dump leaves out, is NULL. Where a dump of data alone names its fields they are text, unless
// the catalog given at Open knows more.
package pgdump

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
	Name:   "pgdump",
	About:  "plain files of pg_dump and pg_dumpall: .sql, .sql.gz, .sql.zst",
	Suffix: []string{".sql", ".sql.gz", ".sql.zst"},
	Open:   Open,
	Fits: func(path string) bool {
		head, err := textfile.Head(path, headBytes)
		return err == nil && Recognises(head)
	},
}

// Open opens the dump at the path o.DSN, to be read only. The file is looked at, not read: Tables does the first pass.
func Open(ctx context.Context, o connectors.Options) (connectors.Source, error) {
	s := &source{name: o.Name, path: o.DSN, catalog: o.Catalog, unchecked: o.Unchecked}
	if s.name == "" {
		s.name = filepath.Base(o.DSN)
	}
	for key := range o.Extra {
		return nil, s.fail("open", "", fmt.Errorf("unknown key %q: %w", key, connectors.ErrConfig), "")
	}
	if o.DSN == "" {
		return nil, s.fail("open", "", fmt.Errorf("no path: %w", connectors.ErrConfig), "give the path of a dump")
	}
	if o.ApplyDSN != "" || o.Rewrite {
		return nil, s.fail("open", "", fmt.Errorf("a dump of PostgreSQL is only read: %w", connectors.ErrConfig), "leave out apply_dsn and rewrite, and let it expire: keep")
	}
	if _, err := textfile.StampOf(o.DSN); err != nil {
		return nil, s.fail("open", "", err, "give the path of a dump")
	}
	head, err := textfile.Head(o.DSN, headBytes)
	if err != nil {
		return nil, s.fail("open", "", err, "")
	}
	for _, mark := range []string{"-- MySQL dump", "-- MariaDB dump", "/*M!999999"} {
		if bytes.HasPrefix(head, []byte(mark)) {
			return nil, s.fail("open", "", fmt.Errorf("it is a dump of MySQL or MariaDB: %w", connectors.ErrDamaged), "open it with the connector mysqldump")
		}
	}
	return s, ctx.Err()
}

// headBytes is how much of a file is looked at to tell what it is.
const headBytes = 64 << 10

// Recognises reports whether the first bytes of a decompressed file look like those of pg_dump. The suffix .sql alone does not tell: mysqldump uses it too.
func Recognises(head []byte) bool {
	lower := bytes.ToLower(head)
	has := func(marks ...string) bool {
		return slices.ContainsFunc(marks, func(m string) bool { return bytes.Contains(lower, []byte(m)) })
	}
	switch {
	case has("-- postgresql database"):
		return true
	case bytes.IndexByte(head, '`') >= 0 || has("mysql dump", "mariadb dump", "engine=", "auto_increment", "/*!40", "\npragma ", "sqlite"):
		return false
	}
	return has(" from stdin;", "standard_conforming_strings", "client_encoding", "search_path", "pg_catalog", "character varying", "create extension", "\n\\connect ", "\n\\c ",
		"alter table only ", "bytea", "serial", "timestamptz", "jsonb", "with time zone", "without time zone", "insert into public.", "create table public.", `insert into "`, `create table "`,
		"owner to ", "bpchar")
}

// source is an open dump.
type source struct {
	name      string
	path      string
	catalog   []connectors.Table
	unchecked bool

	mu    sync.Mutex
	known *contents // of the file as it was under known.stamp
}

// contents is what a pass over the file found in it.
type contents struct {
	stamp  textfile.Stamp
	tables []*table // sorted by their reported names
}

func (s *source) fail(op, table string, err error, hint string) error {
	var known *connectors.Error
	if errors.As(err, &known) {
		return err
	}
	switch {
	case errors.Is(err, errTrailer):
		hint = "take the dump anew, or set `complete: unchecked` if pg_dump did not write it"
	case errors.Is(err, errNoFields):
		hint = "name a file with its CREATE TABLE statements by `schema:` or its live source by `of:`"
	case errors.Is(err, errCharset):
		hint = "take the dump with --encoding=UTF8"
	}
	return &connectors.Error{Op: op, Source: s.name, Table: table, Err: err, Hint: hint}
}

var (
	errTrailer  = fmt.Errorf("the line '-- PostgreSQL database dump complete' is missing at the end: %w", connectors.ErrDamaged)
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
	t, err := textfile.Open(s.path)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	w := newWalker(textfile.NewWindow(ctx, t, textfile.WindowBytes))
	w.unchecked = s.unchecked
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
	c := &contents{}
	var databases []string
	for _, t := range w.order {
		if t.id.schema == "pg_catalog" || t.id.schema == "information_schema" || w.others[t.id] {
			continue
		}
		c.tables = append(c.tables, t)
		if !slices.Contains(databases, t.id.database) {
			databases = append(databases, t.id.database)
		}
	}
	qualify := func(id tableID) string {
		name := id.name
		if id.schema != "public" {
			name = id.schema + "." + name
		}
		if len(databases) > 1 && id.database != "" {
			name = id.database + "." + name
		}
		return name
	}
	for _, t := range c.tables {
		t.Name, t.Database = qualify(t.id), t.id.database
		if t.Database == "" {
			t.Database = stem(s.path)
		}
		for i, ref := range t.refs {
			t.ForeignKeys[i].RefTable = qualify(ref)
		}
		if !t.created {
			if err := s.describe(t); err != nil {
				return nil, err
			}
		}
		t.Table.Rows = t.rows
	}
	slices.SortFunc(c.tables, func(a, b *table) int { return strings.Compare(a.Name, b.Name) })
	for i := range c.tables {
		if i > 0 && c.tables[i].Name == c.tables[i-1].Name { // "a.b" of public, and b of a
			return nil, fmt.Errorf("two tables are called %s: %w", c.tables[i].Name, connectors.ErrConfig)
		}
	}
	return c, nil
}

// describe takes the fields of a table that the file does not create from the catalog given at Open, or leaves them as the file names them.
func (s *source) describe(t *table) error {
	for _, known := range s.catalog {
		if known.Name == t.Name || known.Name == t.id.name {
			known.Name = t.Name
			t.Table = known
			t.info = make([]typeInfo, len(known.Fields))
			for i, f := range known.Fields {
				p := parser{schema: &schema{}, l: lexer{b: []byte(f.Type), eof: true}}
				p.advance()
				_, t.info[i] = p.typ()
				t.info[i].kind, t.info[i].form = f.Kind, formOf(f.Kind) // the type may be a domain
			}
			return nil
		}
	}
	if len(t.Fields) == 0 && s.unchecked {
		for i := range t.arity {
			t.Fields = append(t.Fields, connectors.Field{Name: fmt.Sprintf("c%d", i+1), Type: "text", Kind: connectors.Text, Nullable: true})
			t.info = append(t.info, typeInfo{kind: connectors.Text})
		}
	}
	if len(t.Fields) == 0 {
		return fmt.Errorf("table %s: %w: %w", t.Name, errNoFields, connectors.ErrConfig)
	}
	return nil
}

func stem(path string) string {
	name := filepath.Base(path)
	for _, suffix := range []string{".gz", ".zst", ".sql"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return name
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
		g.unchecked = s.unchecked
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
	t, err := textfile.Open(s.path)
	if err != nil {
		return err
	}
	defer t.Close()
	w := newWalker(textfile.NewWindow(ctx, t, textfile.WindowBytes))
	w.unchecked, w.targets = s.unchecked, targets
	w.collect(func(b connectors.Batch) error {
		if !yield(b, nil) {
			return errStop
		}
		return ctx.Err()
	})
	if err := w.run(); err != nil {
		return err
	}
	if !w.complete && !s.unchecked {
		return errTrailer
	}
	return nil
}

// collect makes the walker gather the rows of its targets into batches and hand these to out. A batch ends where another table begins.
func (w *walker) collect(out func(connectors.Batch) error) {
	var current *target
	w.flush = func() error {
		if current == nil || current.builder.Rows() == 0 {
			return nil
		}
		return out(current.builder.Batch(current.cursor()))
	}
	w.onRow = func(g *target, row []byte, values []span) error {
		if g != current {
			if err := w.flush(); err != nil {
				return err
			}
			current = g
		}
		g.ordinal++
		wanted, err := g.wanted(w.dialect, row, values)
		if err == nil && wanted {
			err = g.fill(w.dialect, row, values)
		}
		if err != nil {
			return err
		}
		if wanted && g.builder.Full(g.maxRows) {
			return w.flush()
		}
		return nil
	}
}
