// Package pgdump reads and rewrites the plain files that pg_dump and pg_dumpall write: as they are, gzip or zstd, with
// COPY or INSERT, whatever the options; also SQL scripts that other tools or people wrote for PostgreSQL. It reads the
// archives of pg_dump (-Fc, -Fd, -Ft) as the text that pg_restore would write of them: package pgarchive. The lines
// that an error names are those of that text.
//
// The file is a stream. Scan answers all its queries in one pass, in the file's order; a cursor is the
// ordinal of a row in its table. Keys and references stand at the end of a dump, so Tables reads the whole
// file, once for as long as it does not change. Rewrite copies everything that no edit touches byte for byte, as seen
// after decompression. Of a folder the files of untouched data stay what they are, and the new folder takes the place of
// the old one in one step.
//
// Table names are without their schema where that is public, else schema.table. A partition is no table: its rows are
// those of the root, under whose name or its own they stand. Children (INHERITS) are tables of their own. Timestamps
// with an offset are brought to UTC, bytea to raw bytes, bool to t and f; arrays, ranges, enumerations and whatever
// else are the server's text. A table that a statement changes in a way that is not followed (UPDATE, DROP COLUMN) is
// in the catalog, and its rows are refused.
//
// A new value is written as the server writes it, in the character set of the file, and refused where it is not sure
// that the type takes it, as the file could not be restored: of types not known here (xml, ranges, what extensions
// bring) only NULL is written. CHECK and EXCLUDE constraints are not evaluated. Triggers and rules run for no row of a
// restored file: they stand behind the rows.
//
// What is not in the file cannot be known: a generated field, which pg_dump leaves out, is NULL. Where a
// dump of data alone names its fields they are text, unless the catalog given at Open knows more.
package pgdump

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/pgarchive"
	"lethe/connectors/internal/textfile"
)

// Connector opens dumps by path.
var Connector = connectors.Connector{
	Name:    "pgdump",
	About:   "files of pg_dump and pg_dumpall: .sql, .sql.gz, .sql.zst, archives (-Fc, -Ft, -Fd)",
	Suffix:  append(slices.Clone(dumpfile.Suffixes), ".dump", ".dmp", ".backup", ".pgdump", ".custom", "/"),
	Options: dumpfile.Options,
	Open:    Open,
	Fits: func(path string) bool {
		if pgarchive.Is(nil, path) {
			return true
		}
		head, err := textfile.Head(path, headBytes)
		return err == nil && Recognises(head)
	},
}

// Open opens the dump at the path o.DSN. The file is looked at, not read: Tables does the first pass. With o.Rewrite
// the Source is a connectors.Rewriter.
func Open(ctx context.Context, o connectors.Options) (connectors.Source, error) {
	f := format{catalog: o.Catalog, unchecked: o.Unchecked, home: dumpfile.HomeOf(o)}
	f.archive = o.DSN != "" && pgarchive.Is(o.Shelf, o.DSN)
	s := &source{Name: cmp.Or(o.Name, filepath.Base(o.DSN)), Path: o.DSN, Shelf: o.Shelf}
	err := connectors.CheckOptions(dumpfile.Options, o.Extra)
	if err == nil {
		f.opening, err = dumpfile.Opening(o)
	}
	if s.Format = f; err != nil {
		return nil, s.Fail("open", "", err, "")
	}
	if o.DSN == "" {
		return nil, s.Fail("open", "", fmt.Errorf("no path: %w", connectors.ErrConfig), "give the path of a dump")
	}
	if o.ApplyDSN != "" {
		return nil, s.Fail("open", "", fmt.Errorf("a dump is not changed in place: %w", connectors.ErrConfig),
			"leave out apply_dsn; `rewrite:` lets it be written anew")
	}
	if len(o.Files) > 0 {
		return nil, s.Fail("open", "", fmt.Errorf("a dump has no files to be set one by one: %w", connectors.ErrConfig),
			"leave out files")
	}
	if f.archive {
		return f.openArchive(ctx, s, o)
	}
	if _, err := textfile.StampOn(o.Shelf, o.DSN); errors.Is(err, connectors.ErrConfig) {
		return nil, s.Fail("open", "", err, textfile.NoFile)
	} else if err != nil {
		return nil, s.Fail("open", "", err, "give the path of a dump")
	}
	head, err := textfile.HeadWith(o.DSN, headBytes, f.opening)
	if err != nil {
		return nil, s.Fail("open", "", err, "")
	}
	for _, mark := range []string{"-- MySQL dump", "-- MariaDB dump", "/*M!999999"} {
		if bytes.HasPrefix(head, []byte(mark)) {
			return nil, s.Fail("open", "", fmt.Errorf("it is a dump of MySQL or MariaDB: %w", connectors.ErrDamaged),
				"open it with the connector mysqldump")
		}
	}
	if o.Rewrite {
		return &rewriter{source: s, format: f}, ctx.Err()
	}
	return s, ctx.Err()
}

// openArchive opens an archive, of which the table of contents is read.
func (f format) openArchive(ctx context.Context, s *source, o connectors.Options) (connectors.Source, error) {
	if o.Shelf == nil {
		info, err := os.Stat(o.DSN)
		if err != nil {
			return nil, s.Fail("open", "", textfile.Error(err), "")
		}
		s.Folder = info.IsDir()
	}
	t, err := f.Open(o.DSN)
	if err != nil {
		return nil, s.Fail("open", "", err, "")
	}
	t.Close()
	contents, err := pgarchive.Contents(o.Shelf, o.DSN)
	if err != nil {
		return nil, s.Fail("open", "", err, "")
	}
	s.Says = &dumpfile.Says{}
	s.Says.Note(time.DateTime, contents.Made)
	if o.Rewrite {
		return &rewriter{source: s, format: f}, ctx.Err()
	}
	return s, ctx.Err()
}

// headBytes is how much of a file is looked at to tell what it is.
const headBytes = 64 << 10

// Recognises reports whether the first bytes of a decompressed file look like those of pg_dump. The suffix
// .sql alone does not tell: mysqldump uses it too.
func Recognises(head []byte) bool {
	lower := bytes.ToLower(head)
	has := func(marks ...string) bool {
		return slices.ContainsFunc(marks, func(m string) bool { return bytes.Contains(lower, []byte(m)) })
	}
	switch {
	case has("-- postgresql database"):
		return true
	case bytes.IndexByte(head, 0) >= 0 || bytes.IndexByte(head, '`') >= 0 || has("mysql dump", "mariadb dump",
		"engine=", "auto_increment", "/*!40", "\npragma ", "sqlite"):
		return false
	}
	return has(" from stdin;", "standard_conforming_strings", "client_encoding", "search_path", "pg_catalog",
		"character varying", "create extension", "\n\\connect ", "\n\\c ",
		"alter table only ", "bytea", "serial", "timestamptz", "jsonb", "with time zone", "without time zone",
		"insert into public.", "create table public.", `insert into "`, `create table "`,
		"owner to ", "bpchar")
}

// format reads the dumps of pg_dump.
type format struct {
	opening   textfile.Options // with the name that the bytes stand for: the original's, when they are a rewritten copy
	catalog   []connectors.Table
	unchecked bool
	home      dumpfile.Home
	archive   bool
	before    []*table // what a file held before it was rewritten, of which the new file may show no trace
}

// source is a dump that is only read.
type source = dumpfile.Source[*table, *target]

// Open opens the file of a dump.
func (f format) Open(path string) (*textfile.Text, error) {
	if f.archive {
		script, err := pgarchive.Open(f.opening.Shelf, path)
		if err != nil {
			return nil, textfile.Error(err)
		}
		return textfile.Of(script), nil
	}
	return textfile.OpenWith(path, f.opening)
}

// Hint says what to do about an error of the format's own.
func (format) Hint(err error) string {
	switch {
	case errors.Is(err, errTrailer):
		return "take the dump anew, or set `complete: unchecked` if pg_dump did not write it"
	case errors.Is(err, errStatistics):
		return mendStatistics
	case errors.Is(err, errStray):
		return mendStray
	case errors.Is(err, errCharset):
		return "take the dump with --encoding=UTF8"
	case errors.Is(err, pgarchive.ErrVersion):
		return "take the dump with pg_dump of PostgreSQL 9 to 18, or as plain text (-Fp), and look for a newer lethe"
	}
	return ""
}

var errTrailer = fmt.Errorf("the line '-- PostgreSQL database dump complete' is missing at the end: %w",
	connectors.ErrDamaged)

// Survey reads a whole dump for its tables.
func (f format) Survey(ctx context.Context, path string) (tables []*table, err error) {
	text, err := f.Open(path)
	if err != nil {
		return nil, err
	}
	err = dumpfile.Pass(ctx, text, func(in *textfile.Window) (err error) {
		tables, err = f.survey(in)
		return err
	})
	return tables, err
}

func (f format) survey(in *textfile.Window) ([]*table, error) {
	w := newWalker(in)
	w.unchecked = f.unchecked
	if err := f.run(w); err != nil {
		return nil, err
	}
	var tables []*table
	var databases []string
	for _, t := range w.order {
		if t.ID.Schema == "pg_catalog" || t.ID.Schema == "information_schema" || w.others[t.ID] {
			continue
		}
		tables = append(tables, t)
		if !slices.Contains(databases, t.ID.Database) {
			databases = append(databases, t.ID.Database)
		}
	}
	if len(databases) == 1 && databases[0] == "" { // beside tables of a named one, what has no name is another
		databases = nil
	}
	tables = f.held(w.merged(append(tables, w.absent...)))
	home, err := f.home.Among(databases)
	if err != nil {
		return nil, err
	}
	qualify := func(id dumpfile.TableID) string {
		name := id.Name
		if id.Schema != "public" {
			name = id.Schema + "." + name
		}
		if id.Database != home && id.Database != "" {
			name = id.Database + "." + name
		}
		return name
	}
	file := f.opening.Name
	if f.archive {
		file = strings.TrimSuffix(file, filepath.Ext(file))
	}
	for _, t := range tables {
		t.Report(qualify, file)
		if !t.Created && f.before == nil {
			if err := f.describe(t); err != nil {
				return nil, err
			}
		}
	}
	dumpfile.Sort(tables, (*table).names)
	return tables, dumpfile.Distinct(tables) // "a.b" of public, and b of a
}

// held adds what a file held before it was rewritten: a table that the file does not create is known by its rows alone.
func (f format) held(tables []*table) []*table {
	for _, was := range f.before {
		if was.Created {
			continue
		}
		i := slices.IndexFunc(tables, func(t *table) bool { return t.ID == was.ID })
		if i < 0 {
			i = len(tables)
			tables = append(tables, &table{Entry: dumpfile.Entry{ID: was.ID}})
		}
		seen := tables[i].Seen
		*tables[i] = *was
		tables[i].Seen = seen
	}
	return tables
}

// run reads to the end of a dump, which must be whole.
func (f format) run(w *walker) error {
	if err := w.run(); err != nil {
		return err
	}
	if !w.complete && !f.unchecked {
		return errTrailer
	}
	return nil
}

// describe takes the fields of a table that the file does not create from the catalog given at Open, or
// leaves them as the file names them.
func (f format) describe(t *table) error {
	for _, known := range f.catalog {
		if known.Name == t.Name || known.Name == t.ID.Name {
			known.Name = t.Name
			t.Table = known
			t.info = make([]typeInfo, len(known.Fields))
			for i, field := range known.Fields {
				p := parser{schema: &schema{}, l: lexer{b: []byte(field.Type), eof: true}}
				p.advance()
				_, t.info[i] = p.typ()
				t.info[i].kind, t.info[i].form = field.Kind, formOf(field.Kind) // the type may be a domain
			}
			return nil
		}
	}
	if len(t.Fields) == 0 && f.unchecked {
		for i := range t.arity {
			t.Fields = append(t.Fields, connectors.Field{Name: fmt.Sprintf("c%d", i+1), Type: "text",
				Kind: connectors.Text, Nullable: true})
			t.info = append(t.info, typeInfo{kind: connectors.Text})
		}
	}
	if len(t.Fields) == 0 {
		return fmt.Errorf("table %s: %w: %w", t.Name, dumpfile.ErrNoFields, connectors.ErrConfig)
	}
	return nil
}

// Walk reads a whole dump and gathers the rows of the targets into batches.
func (f format) Walk(ctx context.Context, path string, targets map[dumpfile.TableID]*target,
	batches *dumpfile.Batches) error {
	text, err := f.Open(path)
	if err != nil {
		return err
	}
	return dumpfile.Pass(ctx, text, func(in *textfile.Window) error { return f.gather(in, targets, batches) })
}

func (f format) gather(in *textfile.Window, targets map[dumpfile.TableID]*target, batches *dumpfile.Batches) error {
	w := newWalker(in)
	w.unchecked, w.targets, w.flush = f.unchecked, targets, batches.Flush
	w.onRow = func(g *target, r row) error {
		if err := batches.Begin(&g.Target); err != nil {
			return err
		}
		taken, err := g.take(w.dialect, r.text, r.values)
		if err != nil || !taken {
			return err
		}
		return batches.End()
	}
	return f.run(w)
}
