package mysqldump

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// A folder is a dump of mydumper, or of mysqldump --tab. Each file of it is read as if by a session of its own.

// kind says who wrote a folder.
type kind int

const (
	noDump kind = iota
	byMydumper
	byTab // mysqldump --tab, mariadb-dump --tab
)

// kindOf tells by what is in a folder who wrote it.
func kindOf(path string, names []string) kind {
	if slices.Contains(names, metadataName) {
		if head, err := textfile.Head(filepath.Join(path, metadataName), 200); err == nil && startedMark.Match(head) {
			return byMydumper
		}
	}
	for _, name := range names {
		text, ok := strings.CutSuffix(name, ".txt")
		if !ok || !slices.Contains(names, text+".sql") {
			continue
		}
		if head, err := textfile.Head(filepath.Join(path, text+".sql"), 400); err == nil && dumpHeader(head) != nil {
			return byTab
		}
	}
	return noDump
}

// isFolder reports whether a folder is a dump, whatever else lies in it.
func isFolder(path string) bool {
	entries, err := os.ReadDir(path)
	if err != nil {
		return false
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return kindOf(path, names) != noDump
}

// dumpHeader is the line in which mysqldump says which database it read, nil if b does not begin as its files do.
func dumpHeader(b []byte) []byte {
	dump := false
	for line := range bytes.Lines(b) {
		dump = dump || bytes.HasPrefix(line, []byte("-- MySQL dump ")) || bytes.HasPrefix(line, []byte("-- MariaDB dump "))
		switch {
		case dump && bytes.HasPrefix(line, []byte("-- Host: ")):
			return bytes.TrimSpace(line)
		case len(bytes.TrimSpace(line)) == 0, bytes.HasPrefix(line, []byte("--")), bytes.HasPrefix(line, []byte("/*M!")):
		default:
			return nil
		}
	}
	return nil
}

// piece is a file in which rows of a table stand.
type piece struct {
	part
	load *load // how they are written; nil: as INSERT
}

// standsIn notes that rows of a table stand in a file.
func (t *table) standsIn(p part, l *load) {
	if n := len(t.pieces); n == 0 || t.pieces[n-1].part != p {
		t.pieces = append(t.pieces, piece{p, l})
	}
}

// index is what is in a folder, by the names of its files.
type index struct {
	kind   kind
	schema []part // in the order in which they are read
	rows   []part // SQL that holds rows, or says where they are
	texts  map[string]bool
	meta   *metadata // of mydumper
}

// part is a file of SQL, and the database that it is about.
type part struct{ name, database string }

var errFolder = fmt.Errorf("the folder holds no dump of mydumper, nor of mysqldump --tab: %w", connectors.ErrConfig)

// indexOf finds out what the files of a folder are. One that is none of the dump's is an error.
func indexOf(path string) (index, error) {
	names, err := textfile.FolderNames(path)
	if err != nil {
		return index{}, err
	}
	switch kindOf(path, names) {
	case byMydumper:
		return mydumper(path, names)
	case byTab:
		return tabs(path, names)
	}
	return index{}, errFolder
}

func stranger(name, why string) error {
	return fmt.Errorf("%s is no file of this dump: %s: %w", name, why, connectors.ErrDamaged)
}

// tabs lists the files of mysqldump --tab: of each table one of SQL and one of rows.
func tabs(path string, names []string) (index, error) {
	x := index{kind: byTab, texts: map[string]bool{}}
	var header []byte
	for _, name := range names {
		sql, ok := strings.CutSuffix(name, ".sql")
		if !ok {
			continue
		}
		head, err := textfile.Head(filepath.Join(path, name), 400)
		if err != nil {
			return x, fmt.Errorf("%s: %w", name, err)
		}
		now := dumpHeader(head)
		switch {
		case now == nil:
			return x, stranger(name, "mysqldump did not write it")
		case header != nil && !bytes.Equal(header, now):
			return x, stranger(name, "it says that it is of another host or database than the others")
		}
		header = now
		x.schema = append(x.schema, part{name: name})
		x.texts[sql+".txt"] = false
	}
	for _, name := range names {
		_, known := x.texts[name]
		switch {
		case known:
			x.texts[name] = true
		case !strings.HasSuffix(name, ".sql") && !anew.IsSidecar(name):
			return x, stranger(name, "no .sql of its name creates a table")
		}
	}
	return x, nil
}

// folderFormat reads the dumps that are folders.
type folderFormat struct {
	format
	layout *layout          // of --tab
	reused *textfile.Reused // by the files of one pass
}

// Hint says what to do about an error of the format's own.
func (f folderFormat) Hint(err error) string {
	switch {
	case errors.Is(err, errLayout):
		return "if it was taken with options, say which: options: {fields_terminated_by: \",\", fields_enclosed_by: '\"', " +
			"fields_escaped_by: none, lines_terminated_by: \"\\r\\n\"}; else take the dump anew"
	case errors.Is(err, errUnfinished):
		return "take the dump anew, or set `complete: unchecked` to read what is there"
	case errors.Is(err, errFolder):
		return textfile.NoFile
	}
	return f.format.Hint(err)
}

var (
	errUnfinished = fmt.Errorf("mydumper did not finish it: %w", connectors.ErrDamaged)
	errChanged    = fmt.Errorf("the folder changed while it was being read: %w", connectors.ErrTransient)
)

// Survey reads a whole folder for its tables.
func (f folderFormat) Survey(ctx context.Context, path string) (tables []*table, err error) {
	err = unchanged(path, func() error {
		tables, err = f.surveyed(ctx, path)
		return err
	})
	return tables, err
}

// unchanged reports whether a folder stayed as it was while it was read.
func unchanged(path string, read func() error) error {
	was, err := textfile.StampOfFolder(path)
	if err != nil {
		return err
	}
	failed := read()
	if now, err := textfile.StampOfFolder(path); err != nil || now != was {
		return errors.Join(errChanged, err)
	}
	return failed
}

func (f folderFormat) surveyed(ctx context.Context, path string) ([]*table, error) {
	f.reused = new(textfile.Reused)
	x, err := indexOf(path)
	if err != nil {
		return nil, err
	}
	if x.meta != nil && !x.meta.finished && !f.unchecked {
		return nil, errUnfinished
	}
	w := newWalker(nil)
	for _, p := range slices.Concat(x.schema, x.rows) {
		if err := f.survey(ctx, path, w, x, p); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	for name, read := range x.texts {
		if x.kind == byMydumper && !read {
			return nil, stranger(name, "no statement loads it")
		}
	}
	if x.meta != nil {
		w.ended = x.meta.ended
	}
	if f.says != nil {
		f.says.Note(time.DateTime, w.ended)
	}
	tables, err := f.tables(w)
	if err != nil || x.meta == nil {
		return tables, err
	}
	if err := x.meta.holds(tables); err != nil {
		return nil, err
	}
	tables = append(tables, x.meta.gaps(x.rows)...)
	dumpfile.Sort(tables, (*table).names)
	return tables, nil
}

// survey reads a file of SQL, and the rows that it has read from others.
func (f folderFormat) survey(ctx context.Context, path string, w *walker, x index, p part) error {
	trailers, tables := w.trailers, len(w.order)
	if err := f.sql(ctx, path, w, p, nil); err != nil {
		return err
	}
	if x.kind == byTab && w.trailers == trailers && !f.unchecked {
		return errTrailer
	}
	loads := w.loads
	if text := strings.TrimSuffix(p.name, ".sql") + ".txt"; x.kind == byTab && x.texts[text] {
		if len(w.order) != tables+1 {
			return stranger(text, "its .sql creates no table, or several")
		}
		l := *f.layout
		if l.charset = w.dialect.charset; l.charset == utf8mb4 {
			l.charset = either
		}
		loads = append(loads, load{file: text, id: w.order[tables].ID, layout: &l})
	}
	for _, l := range loads {
		if _, known := x.texts[l.file]; !known {
			return fmt.Errorf("%s, from which it reads rows, is not in the folder: %w", l.file, connectors.ErrDamaged)
		}
		x.texts[l.file] = true
		if err := f.text(ctx, path, w, &l, nil); err != nil {
			return fmt.Errorf("%s: %w", l.file, err)
		}
		if err := w.tables[l.id].fitsText(&l); err != nil {
			return fmt.Errorf("%s: %w", l.file, err)
		}
	}
	return nil
}

// fitsText holds the rows of a text that names no fields against those of the table, which --dump-history adds two to.
func (t *table) fitsText(l *load) error {
	if l.columns != nil || t == nil || t.arity == 0 || !t.Created {
		return nil
	}
	shown, all := t.shown(), t.all()
	switch {
	case t.arity == len(shown):
		return nil
	case t.arity == len(all): // INVISIBLE ones among them
		l.columns = all
		return nil
	case t.versioned && t.arity == len(shown)+2 && len(t.stamps) == 0:
		t.history, l.columns = true, append(shown, rowStart, rowEnd)
		return nil
	}
	return fmt.Errorf("its rows have %d values, and table %s has %d fields: %w: %w", t.arity, t.ID.Name, len(shown), errLayout,
		connectors.ErrDamaged)
}

// begin begins a file, whose session knows nothing of the one before.
func (w *walker) begin(name, database string, in *textfile.Window) {
	w.Window = dumpfile.Window{Window: in}
	w.part, w.from, w.database, w.dialect, w.utc = part{name, database}, nil, database, dialect{}, false
	w.variables, w.delimiter, w.lastText, w.loads = map[string]mode{}, []byte{';'}, nil, nil
}

// open opens a file of a folder, whose bytes go to tee too.
func (f folderFormat) open(path, name string, o textfile.Options) (*textfile.Text, error) {
	o.Name, o.Foreign, o.Reused = name, foreign, f.reused
	return textfile.OpenWith(filepath.Join(path, name), o)
}

// sql reads a file of SQL.
func (f folderFormat) sql(ctx context.Context, path string, w *walker, p part, t *textfile.Text) (err error) {
	if t == nil {
		if t, err = f.open(path, p.name, textfile.Options{}); err != nil {
			return err
		}
	}
	return dumpfile.Pass(ctx, t, func(in *textfile.Window) error {
		w.begin(p.name, p.database, in)
		return w.run()
	})
}

// text reads a file of rows.
func (f folderFormat) text(ctx context.Context, path string, w *walker, l *load, t *textfile.Text) (err error) {
	if t == nil {
		if t, err = f.open(path, l.file, textfile.Options{}); err != nil {
			return err
		}
	}
	return dumpfile.Pass(ctx, t, func(in *textfile.Window) error {
		w.begin(l.file, l.id.Database, in)
		w.from = l
		return w.text(l.id, l.columns, l.layout)
	})
}

// Walk reads the files that hold rows of the targets, and gathers these into batches.
func (f folderFormat) Walk(ctx context.Context, path string, targets map[dumpfile.TableID]*target,
	batches *dumpfile.Batches) error {
	w := newWalker(nil)
	f.reused = new(textfile.Reused)
	w.targets, w.onRow = targets, w.gatherInto(batches) // a batch does not end with a file
	return unchanged(path, func() error {
		err := f.each(targets, func(p piece) error { return f.piece(ctx, path, w, p, nil) })
		if err != nil {
			return err
		}
		return batches.Flush()
	})
}

// each goes through the files that hold rows of the targets.
func (f folderFormat) each(targets map[dumpfile.TableID]*target, do func(p piece) error) error {
	found := map[string]piece{}
	for _, t := range targets {
		for _, p := range t.pieces {
			found[p.name] = p
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if err := do(found[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// piece reads a file that holds rows.
func (f folderFormat) piece(ctx context.Context, path string, w *walker, p piece, t *textfile.Text) error {
	if p.load == nil {
		return f.sql(ctx, path, w, p.part, t)
	}
	return f.text(ctx, path, w, p.load, t)
}
