// Package pgdump reads the plain files that pg_dump and pg_dumpall write: as they are, gzip or zstd, with
// COPY or INSERT, whatever the options; also SQL scripts that other tools or people wrote for PostgreSQL.
// Archives (-Fc, -Ft, -Fd) become such a file with pg_restore.
//
// The file is a stream. Scan answers all its queries in one pass, in the file's order; a cursor is the
// ordinal of a row in its table. Keys and references stand at the end of a dump, so Tables reads the whole
// file, once for as long as it does not change.
//
// Table names are without their schema where that is public, else schema.table. Partitions and children are
// tables of their own, which hold the rows that stand under their names. Timestamps with an offset are
// brought to UTC, bytea to raw bytes, bool to t and f; arrays, ranges, enumerations and whatever else are
// the server's text.
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
	"path/filepath"
	"slices"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// Connector opens dumps by path.
var Connector = connectors.Connector{
	Name:    "pgdump",
	About:   "plain files of pg_dump and pg_dumpall: .sql, .sql.gz, .sql.zst",
	Suffix:  []string{".sql", ".sql.gz", ".sql.zst"},
	Options: dumpfile.Options,
	Open:    Open,
	Fits: func(path string) bool {
		head, err := textfile.Head(path, headBytes)
		return err == nil && Recognises(head)
	},
}

// Open opens the dump at the path o.DSN, to be read only. The file is looked at, not read: Tables does the
// first pass.
func Open(ctx context.Context, o connectors.Options) (connectors.Source, error) {
	s := &dumpfile.Source[*table, *target]{Name: cmp.Or(o.Name, filepath.Base(o.DSN)), Path: o.DSN,
		Format: format{file: o.DSN, catalog: o.Catalog, unchecked: o.Unchecked, home: dumpfile.HomeOf(o)}}
	if err := connectors.CheckOptions(dumpfile.Options, o.Extra); err != nil {
		return nil, s.Fail("open", "", err, "")
	}
	if o.DSN == "" {
		return nil, s.Fail("open", "", fmt.Errorf("no path: %w", connectors.ErrConfig), "give the path of a dump")
	}
	if o.ApplyDSN != "" || o.Rewrite {
		return nil, s.Fail("open", "", fmt.Errorf("a dump of PostgreSQL is only read: %w", connectors.ErrConfig),
			"leave out apply_dsn and rewrite, and let it expire: keep")
	}
	if _, err := textfile.StampOf(o.DSN); errors.Is(err, connectors.ErrConfig) {
		return nil, s.Fail("open", "", err, textfile.NoFile)
	} else if err != nil {
		return nil, s.Fail("open", "", err, "give the path of a dump")
	}
	head, err := textfile.Head(o.DSN, headBytes)
	if err != nil {
		return nil, s.Fail("open", "", err, "")
	}
	for _, mark := range []string{"-- MySQL dump", "-- MariaDB dump", "/*M!999999"} {
		if bytes.HasPrefix(head, []byte(mark)) {
			return nil, s.Fail("open", "", fmt.Errorf("it is a dump of MySQL or MariaDB: %w", connectors.ErrDamaged),
				"open it with the connector mysqldump")
		}
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
	case bytes.IndexByte(head, '`') >= 0 || has("mysql dump", "mariadb dump", "engine=", "auto_increment", "/*!40",
		"\npragma ", "sqlite"):
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
	file      string
	catalog   []connectors.Table
	unchecked bool
	home      dumpfile.Home
}

// Open opens the file of a dump.
func (format) Open(path string) (*textfile.Text, error) { return textfile.Open(path) }

// Hint says what to do about an error of the format's own.
func (format) Hint(err error) string {
	switch {
	case errors.Is(err, errTrailer):
		return "take the dump anew, or set `complete: unchecked` if pg_dump did not write it"
	case errors.Is(err, errCharset):
		return "take the dump with --encoding=UTF8"
	}
	return ""
}

var errTrailer = fmt.Errorf("the line '-- PostgreSQL database dump complete' is missing at the end: %w",
	connectors.ErrDamaged)

// Survey reads a whole dump for its tables.
func (f format) Survey(in *textfile.Window) ([]*table, error) {
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
	tables = append(tables, w.absent...)
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
	for _, t := range tables {
		t.Report(qualify, f.file)
		if !t.Created {
			if err := f.describe(t); err != nil {
				return nil, err
			}
		}
	}
	dumpfile.Sort(tables)
	return tables, dumpfile.Distinct(tables) // "a.b" of public, and b of a
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
func (f format) Walk(in *textfile.Window, targets map[dumpfile.TableID]*target, batches *dumpfile.Batches) error {
	w := newWalker(in)
	w.unchecked, w.targets, w.flush = f.unchecked, targets, batches.Flush
	w.onRow = func(g *target, row []byte, values []span) error {
		if err := batches.Begin(&g.Target); err != nil {
			return err
		}
		taken, err := g.take(w.dialect, row, values)
		if err != nil || !taken {
			return err
		}
		return batches.End()
	}
	return f.run(w)
}
