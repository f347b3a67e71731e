// Package mysqldump reads and rewrites the files that mysqldump and mariadb-dump write, and the exports of
// phpMyAdmin, HeidiSQL, Adminer, Navicat, SQLyog and Sequel Pro: plain, gzip or zstd, with one line for an INSERT or for a row, with or
// without CREATE TABLE, with keys in it or in ALTER TABLE behind the rows; and the folders of mydumper and of
// mysqldump --tab, whose rows may stand in texts that LOAD DATA reads.
//
// A table that a statement changes in a way that is not followed here is in the catalog, and its rows are
// refused. A table kept with its history (WITH SYSTEM VERSIONING) that was dumped with --dump-history has the
// fields row_start and row_end, and the second ends its key, since the file has a row for each state.
//
// The file is a stream. Scan answers all its queries in one pass, in the file's order; a cursor is the
// ordinal of a row in its table. A batch ends where another table begins. Rewrite copies everything that no
// edit touches byte for byte, as seen after decompression.
//
// A value is a literal, or a function that plainly converts one (TO_DATE('03.02.1980', 'DD.MM.YYYY'), CAST('x' AS CHAR(1)));
// of any other the row is refused, or the value read as NULL where Unchecked is set and the file is only read.
//
// With Unchecked, a file that is only read may be a script of another database: -- begins a comment whatever follows, INSERTs
// may leave fields out, and name those of tables that the file does not create.
//
// What is not in the file cannot be known: a field that the server computes and that the file has no value
// for (MySQL leaves generated columns out) is NULL. Where a row's text differs from a key asked for in
// case, accents or trailing spaces only, the file is refused, since a dump does not say what the server's
// collation makes of it.
package mysqldump

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// Connector opens dumps by path.
var Connector = connectors.Connector{
	Name: "mysqldump",
	About: "files of mysqldump, mariadb-dump, phpMyAdmin, HeidiSQL, Adminer, Navicat, SQLyog and Sequel Pro: .sql, " +
		".sql.gz, .sql.zst; folders of mysqldump --tab and of mydumper",
	Suffix:  append(slices.Clone(dumpfile.Suffixes), "/"),
	Options: options,
	Open:    Open,
	Fits: func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || !info.IsDir() || isFolder(path)
	},
}

// Open opens the dump at the path o.DSN. The file is looked at, not read: Tables does the first pass. With
// o.Rewrite the Source is a connectors.Rewriter.
func Open(ctx context.Context, o connectors.Options) (connectors.Source, error) {
	f := format{catalog: o.Catalog, unchecked: o.Unchecked, home: dumpfile.HomeOf(o), says: &dumpfile.Says{}}
	s := &source{Name: cmp.Or(o.Name, filepath.Base(o.DSN)), Path: o.DSN, Shelf: o.Shelf, Says: f.says}
	err := connectors.CheckOptions(options, o.Extra)
	if err == nil {
		f.opening, err = dumpfile.Opening(o)
	}
	if s.Format = f; err != nil {
		return nil, s.Fail("open", "", err, "")
	}
	if o.DSN == "" {
		return nil, s.Fail("open", "", fmt.Errorf("no path: %w", connectors.ErrConfig), "give the path of a dump")
	}
	if info, err := os.Stat(o.DSN); o.Shelf == nil && err == nil && info.IsDir() {
		return f.openFolder(s, o)
	}
	if _, err := textfile.StampOn(o.Shelf, o.DSN); errors.Is(err, connectors.ErrConfig) {
		return nil, s.Fail("open", "", err, textfile.NoFile)
	} else if err != nil {
		return nil, s.Fail("open", "", err, "")
	}
	t, err := f.Open(o.DSN)
	if err != nil {
		return nil, s.Fail("open", "", err, "")
	}
	defer t.Close()
	w := textfile.NewWindow(ctx, t, textfile.WindowBytes)
	if err := w.More(); len(w.Rest()) == 0 && errors.Is(err, connectors.ErrDamaged) {
		return nil, s.Fail("open", "", err, "")
	}
	if !t.Packing.Plain() {
		if err := textfile.Check(w.Rest(), foreign...); err != nil {
			return nil, s.Fail("open", "", err, "")
		}
	}
	if o.Rewrite {
		return &rewriter{source: s, format: f}, nil
	}
	return s, nil
}

// openFolder opens a dump that is a folder.
func (f format) openFolder(s *source, o connectors.Options) (connectors.Source, error) {
	l, err := layoutOf(o.Extra)
	if err != nil {
		return nil, s.Fail("open", "", fmt.Errorf("%w: %w", err, connectors.ErrConfig), "")
	}
	folder := folderFormat{format: f, layout: l}
	s.Folder, s.Format = true, folder
	if _, err := indexOf(o.DSN); err != nil {
		return nil, s.Fail("open", "", err, "")
	}
	if o.Rewrite {
		return &folderRewriter{source: s, format: folder}, nil
	}
	return s, nil
}

// format reads the dumps of mysqldump.
type format struct {
	opening   textfile.Options // with the name that the bytes stand for: the original's, when they are a rewritten copy
	catalog   []connectors.Table
	unchecked bool
	home      dumpfile.Home
	before    []*table // what a file held before it was rewritten, of which the new file may show no trace
	says      *dumpfile.Says
	again     *again // of a rewritten copy: what each pass over it is held against; else nil
}

// source is a dump that is only read.
type source = dumpfile.Source[*table, *target]

// Hint says what to do about an error of the format's own.
func (format) Hint(err error) string {
	switch {
	case errors.Is(err, errTrailer):
		return "take the dump anew, or set `complete: unchecked` if it was made with --compact or --skip-comments"
	case errors.Is(err, errExport):
		return "export it anew, or set `complete: unchecked` if it was made without what stands there"
	case errors.Is(err, errCharset):
		return "take the dump with --default-character-set=utf8mb4"
	}
	return ""
}

var errExport = errors.New("the end is missing")

var errTrailer = fmt.Errorf("the line '-- Dump completed' is missing at the end: %w", connectors.ErrDamaged)

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
	w := f.reading(in)
	if err := w.run(); err != nil {
		return nil, err
	}
	if err := f.whole(w); err != nil {
		return nil, err
	}
	tables, err := f.tables(w)
	if err != nil {
		return nil, err
	}
	return tables, f.again.holds(tables)
}

// tables are those of applications that a walk over a whole file met, sorted by name.
func (f format) tables(w *walker) ([]*table, error) {
	home, err := f.home.Among(w.databases)
	if err != nil {
		return nil, err
	}
	tables := slices.DeleteFunc(f.all(w, home), func(t *table) bool {
		return slices.Contains(systemDatabases, t.ID.Database) || w.others[t.ID]
	})
	created := slices.ContainsFunc(tables, func(t *table) bool { return t.Created })
	for _, t := range tables {
		t.Report(func(id dumpfile.TableID) string {
			if id.Database != "" && id.Database != home {
				return id.Database + "." + id.Name
			}
			return id.Name
		}, f.opening.Name)
		if err := f.describe(t, home, created); err != nil {
			return nil, err
		}
		if t.history {
			t.addHistory()
		}
		t.beside, t.bits = tables, make([]int, len(t.Fields))
		t.sets = make([]charset, len(t.Fields)) // what no declaration says is taken for UTF-8
		for i, f := range t.Fields {
			t.bits[i] = bitLength(f.Type)
			if i < len(t.charsets) && t.charsets[i] != "" {
				t.sets[i] = charsetNamed(t.charsets[i])
			}
		}
	}
	dumpfile.Sort(tables, (*table).names)
	return tables, dumpfile.Distinct(tables)
}

// all lists the tables of a file, with those that it does not mention because they have no row: a dump
// without CREATE TABLE has all that the catalog knows, a rewritten one all that it had.
func (f format) all(w *walker, home string) []*table {
	tables := slices.Clone(w.order)
	for _, was := range f.before {
		t := w.tables[was.ID]
		switch {
		case t == nil && !was.Created:
			tables = append(tables, was.without())
		case t != nil && t.Seen == 0:
			t.history = was.history
		}
	}
	created := slices.ContainsFunc(tables, func(t *table) bool { return t.Created })
	if f.before != nil || created || len(tables) == 0 || home == "" && len(w.databases) > 0 {
		return tables
	}
	id := dumpfile.TableID{Database: home}
	for _, known := range f.catalog {
		id.Name = known.Name
		if w.tables[id] == nil && !w.others[id] {
			tables = append(tables, &table{Entry: dumpfile.Entry{ID: id}})
		}
	}
	return tables
}

// whole reports whether a walk came to what stands at the end of every dump.
func (f format) whole(w *walker) error {
	if f.says != nil {
		f.says.Note(time.DateTime, w.ended)
	}
	switch {
	case w.complete || f.unchecked:
		return nil
	case w.tool != nil:
		return fmt.Errorf("%w: it is an export of %s, which ends with %s: %w", errExport, w.tool.name, w.tool.ending,
			connectors.ErrDamaged)
	}
	return errTrailer
}

// describe takes the fields of a table that the file does not create from the catalog given at Open. Those of
// another database than the source's own are not in a live source's catalog: their rows cannot be read. Where nobody checks
// the file, its INSERTs may name them; without that, its rows are not read, and those of others are that the file creates.
func (f format) describe(t *table, home string, others bool) error {
	if t.Created || len(t.Fields) > 0 {
		return nil
	}
	names := []string{t.Name}
	if home == "" {
		names = append(names, t.ID.Name)
	}
	for _, name := range names {
		for _, known := range f.catalog {
			if known.Name == name && len(known.Fields) > 0 {
				known.Name, known.Database = t.Name, t.Database
				t.Table = known
				return nil
			}
		}
	}
	err := fmt.Errorf("table %s: %w: %w", t.Name, dumpfile.ErrNoFields, connectors.ErrConfig)
	if f.unchecked && len(t.named) > 0 {
		t.Fields = t.named
		return nil
	}
	if f.unchecked && others {
		t.Unread = err
		return nil
	}
	if home != "" && t.ID.Database != "" && t.ID.Database != home {
		t.Unread, err = err, nil
	}
	return err
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
	w := f.reading(in)
	w.targets, w.flush = targets, batches.Flush
	w.onRow = w.gatherInto(batches)
	if err := w.run(); err != nil {
		return err
	}
	if err := f.whole(w); err != nil || f.again == nil {
		return err
	}
	tables, err := f.tables(w)
	if err != nil {
		return err
	}
	return f.again.holds(tables)
}

// gatherInto takes rows into batches.
func (w *walker) gatherInto(batches *dumpfile.Batches) func(*target, []byte, []span) error {
	return func(g *target, tuple []byte, values []span) error {
		if err := batches.Begin(&g.Target); err != nil {
			return err
		}
		taken, err := g.take(w.dialect, tuple, values)
		if err != nil {
			return w.At(0, "%w", err)
		}
		if !taken {
			return nil
		}
		return batches.End()
	}
}
