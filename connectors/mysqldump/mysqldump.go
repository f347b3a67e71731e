// Package mysqldump reads and rewrites the files that mysqldump and mariadb-dump write: plain, gzip or
// zstd, with one line for an INSERT or for a row, with or without CREATE TABLE.
//
// The file is a stream. Scan answers all its queries in one pass, in the file's order; a cursor is the
// ordinal of a row in its table. A batch ends where another table begins. Rewrite copies everything that no
// edit touches byte for byte, as seen after decompression.
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
	"path/filepath"
	"slices"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// Connector opens dumps by path.
var Connector = connectors.Connector{
	Name:   "mysqldump",
	About:  "files of mysqldump and mariadb-dump: .sql, .sql.gz, .sql.zst",
	Suffix: []string{".sql", ".sql.gz", ".sql.zst"},
	Open:   Open,
}

// Open opens the dump at the path o.DSN. The file is looked at, not read: Tables does the first pass. With
// o.Rewrite the Source is a connectors.Rewriter.
func Open(ctx context.Context, o connectors.Options) (connectors.Source, error) {
	f := format{file: filepath.Base(o.DSN), catalog: o.Catalog, unchecked: o.Unchecked}
	s := &source{Name: cmp.Or(o.Name, f.file), Path: o.DSN, Format: f}
	if err := connectors.CheckOptions(nil, o.Extra); err != nil {
		return nil, s.Fail("open", "", err, "")
	}
	if o.DSN == "" {
		return nil, s.Fail("open", "", fmt.Errorf("no path: %w", connectors.ErrConfig), "give the path of a dump")
	}
	if _, err := textfile.StampOf(o.DSN); errors.Is(err, connectors.ErrConfig) {
		return nil, s.Fail("open", "", err, "give the path of a dump")
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
	if t.Packing.Compression != textfile.None {
		if err := textfile.Check(w.Rest(), foreign...); err != nil {
			return nil, s.Fail("open", "", err, "")
		}
	}
	if o.Rewrite {
		return &rewriter{source: s, format: f}, nil
	}
	return s, nil
}

// format reads the dumps of mysqldump.
type format struct {
	file      string // the name that the bytes stand for; that of the original when they are a rewritten copy
	catalog   []connectors.Table
	unchecked bool
}

// source is a dump that is only read.
type source = dumpfile.Source[*table, *target]

// Hint says what to do about an error of the format's own.
func (format) Hint(err error) string {
	switch {
	case errors.Is(err, errTrailer):
		return "take the dump anew, or set `complete: unchecked` if it was made with --compact or --skip-comments"
	case errors.Is(err, errCharset):
		return "take the dump with --default-character-set=utf8mb4"
	}
	return ""
}

var errTrailer = fmt.Errorf("the line '-- Dump completed' is missing at the end: %w", connectors.ErrDamaged)

// Survey reads a whole dump for its tables.
func (f format) Survey(in *textfile.Window) ([]*table, error) {
	w := newWalker(in)
	if err := w.run(); err != nil {
		return nil, err
	}
	if err := f.whole(w); err != nil {
		return nil, err
	}
	qualify := func(id dumpfile.TableID) string {
		if len(w.databases) > 1 && id.Database != "" {
			return id.Database + "." + id.Name
		}
		return id.Name
	}
	var tables []*table
	for _, t := range w.order {
		if slices.Contains(systemDatabases, t.ID.Database) || w.others[t.ID] {
			continue
		}
		t.Report(qualify, f.file)
		if !t.Created {
			if err := f.describe(t); err != nil {
				return nil, err
			}
		}
		t.bits = make([]int, len(t.Fields))
		for i, f := range t.Fields {
			t.bits[i] = bitLength(f.Type)
		}
		tables = append(tables, t)
	}
	dumpfile.Sort(tables)
	return tables, nil
}

// whole reports whether a walk came to the line that stands at the end of every dump.
func (f format) whole(w *walker) error {
	if !w.complete && !f.unchecked {
		return errTrailer
	}
	return nil
}

// describe takes the fields of a table that the file does not create from the catalog given at Open.
func (f format) describe(t *table) error {
	for _, name := range []string{t.Name, t.ID.Name} {
		for _, known := range f.catalog {
			if known.Name == name && len(known.Fields) > 0 {
				known.Name, known.Database = t.Name, t.Database
				t.Table = known
				return nil
			}
		}
	}
	return fmt.Errorf("table %s: %w: %w", t.Name, dumpfile.ErrNoFields, connectors.ErrConfig)
}

// Walk reads a whole dump and gathers the rows of the targets into batches.
func (f format) Walk(in *textfile.Window, targets map[dumpfile.TableID]*target, batches *dumpfile.Batches) error {
	w := newWalker(in)
	w.targets, w.flush = targets, batches.Flush
	w.onRow = func(g *target, tuple []byte, values []span) error {
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
	if err := w.run(); err != nil {
		return err
	}
	return f.whole(w)
}
