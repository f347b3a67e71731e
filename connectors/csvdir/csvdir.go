// Package csvdir reads and rewrites a folder of CSV files, or one such file: as exports of an application come. A file
// is a table that bears its name without the ending, or with it where two files would bear one; other files of the
// folder, and folders in it, are left alone but where Options.Files names them. Files may be gzip or zstd.
//
// The format is RFC 4180: fields that hold the delimiter, a quote or a line break stand in quotes, quotes
// within them are doubled. What a file does otherwise is found out of its beginning (delimited.Sniff): another
// delimiter, or a first line `sep=;`; other quotes, or none; backslashes before what would end a field, as MySQL,
// PostgreSQL and PHP write them; lines of title before the names of the fields, no names, words for NULL, UTF-16.
// An empty field is NULL unless it stands in quotes, and so is \N. Lines may end in carriage returns alone; lines at
// the end that are no row (a count, a total, `\.`) are passed. Keys of the source say otherwise (options), for all files
// or for some; Assumed says what was found. Opened without proof (Options.Unchecked), text
// that is not UTF-8 is read as Windows-1252.
//
// All fields are text and there are no keys, unless the catalog given at Open says more of a table of that
// name. Values are compared byte by byte. A row with more or fewer fields than the first one ends the reading of its
// file with ErrDamaged: whoever guesses which field is missing reads e-mail addresses as names. So does a file that can
// be read in several ways. Each file stands for itself: one that cannot be read is Table.Unreadable, or an error of
// its own (Error.Alone).
package csvdir

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"lethe/connectors"
	"lethe/connectors/delimited"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/keyset"
	"lethe/connectors/internal/textfile"
)

var endings = []string{".csv", ".csv.gz", ".csv.zst", ".tsv", ".tsv.gz", ".tsv.zst"}

// Connector opens folders and files by path.
var Connector = connectors.Connector{
	Name:    "csvdir",
	About:   "a folder of CSV files, a table each, or one file: .csv, .csv.gz, .csv.zst, .tsv",
	Suffix:  append([]string{"/"}, endings...),
	Options: options,
	Open:    Open,
}

// source is an open folder.
type source struct {
	name     string
	database string
	files    map[string]file // by table
	others   map[string]int  // what else is in the folder: how many of each ending
	catalog  []connectors.Table

	mu    sync.Mutex
	known map[string]known // how files were found to be written, by table
}

// known is how a file was found to be written, as long as it is the same.
type known struct {
	stamp   textfile.Stamp
	layout  delimited.Layout
	assumed map[string]string
	hint    string
}

// file is where a table is, and how it is to be read.
type file struct {
	path string
	settings
}

// Open opens the folder or the file at the path o.DSN, to be read, or to be written anew as well. The files are listed, not
// read.
func Open(ctx context.Context, o connectors.Options) (connectors.Source, error) {
	s := &source{name: o.Name, files: map[string]file{}, others: map[string]int{}, catalog: o.Catalog,
		known: map[string]known{}}
	if s.name == "" {
		s.name = filepath.Base(o.DSN)
	}
	if o.DSN == "" {
		return nil, s.fail("open", "", fmt.Errorf("no path: %w", connectors.ErrConfig),
			"give the path of a folder of CSV files")
	}
	if o.ApplyDSN != "" {
		return nil, s.fail("open", "", fmt.Errorf("CSV files are not changed in place: %w", connectors.ErrConfig),
			"leave out apply_dsn; with rewrite: the files are written anew")
	}
	if err := checkSettings(o); err != nil {
		return nil, s.fail("open", "", err, "")
	}
	path, err := filepath.Abs(o.DSN)
	if err != nil {
		return nil, s.fail("open", "", err, "")
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, s.fail("open", "", textfile.Error(err), "give the path of a folder of CSV files")
	}
	if !info.IsDir() {
		s.database, _ = tableOf(path)
		set, err := settingsOf(o, filepath.Base(path))
		if err != nil {
			return nil, s.fail("open", "", err, "")
		}
		s.files[s.database] = file{path, set}
		return s.opened(o, path, false), ctx.Err()
	}
	s.database = filepath.Base(path)
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, s.fail("open", "", textfile.Error(err), "")
	}
	if err := s.list(o, path, entries); err != nil {
		return nil, err
	}
	return s.opened(o, path, true), ctx.Err()
}

// opened is the source as it may be used.
func (s *source) opened(o connectors.Options, path string, folder bool) connectors.Source {
	if o.Rewrite {
		return &rewriter{source: s, path: path, folder: folder}
	}
	return s
}

// list finds the tables of a folder.
func (s *source) list(o connectors.Options, path string, entries []os.DirEntry) error {
	var names []string
	stems := map[string]int{}
	for _, e := range entries {
		stem, ok := tableOf(e.Name())
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") || !ok && !named(o, e.Name()) {
			s.others[endingOf(e)]++
			continue
		}
		names = append(names, e.Name())
		stems[stem]++
	}
	for _, name := range names {
		table, _ := tableOf(name)
		if stems[table] > 1 { // they may be two exports of one table, or of two
			table = name
		}
		set, err := settingsOf(o, name)
		if err != nil {
			return s.fail("open", table, err, "")
		}
		s.files[table] = file{filepath.Join(path, name), set}
	}
	if len(s.files) == 0 {
		return s.fail("open", "", fmt.Errorf("no CSV file in the folder: %w", connectors.ErrConfig),
			"their names end in "+strings.Join(endings, ", "))
	}
	return nil
}

// tableOf returns the name of the table in a file; ok is false where the name does not end as that of a CSV
// file.
func tableOf(path string) (table string, ok bool) {
	name := filepath.Base(path)
	for _, ending := range slices.Backward(endings) {
		if len(name) > len(ending) && strings.EqualFold(name[len(name)-len(ending):], ending) {
			return name[:len(name)-len(ending)], true
		}
	}
	return strings.TrimSuffix(name, filepath.Ext(name)), false
}

// endingOf says what something in the folder that is no table is.
func endingOf(e os.DirEntry) string {
	switch {
	case e.IsDir():
		return "folders"
	case strings.HasPrefix(e.Name(), "."):
		return "hidden files"
	}
	if ending := strings.ToLower(filepath.Ext(e.Name())); len(ending) > 1 && len(ending) < 7 {
		return ending
	}
	return "other names"
}

// Unread says what else is in the folder, without the names, which may be anybody's.
func (s *source) Unread(context.Context) ([]connectors.Unread, error) {
	if len(s.others) == 0 {
		return nil, nil
	}
	var parts []string
	for _, ending := range slices.Sorted(maps.Keys(s.others)) {
		parts = append(parts, fmt.Sprintf("%d %s", s.others[ending], ending))
	}
	return []connectors.Unread{{Unknown: true, Reason: "what else is in the folder, as its name is not that of a CSV file: " +
		strings.Join(parts, ", ")}}, nil
}

func (s *source) fail(op, table string, err error, hint string) error {
	switch {
	case errors.Is(err, errFields) || errors.Is(err, errQuote) || errors.Is(err, delimited.ErrUnclear):
		hint = "say how the file is written by `delimiter`, `quote`, `escape`, `header_line` or `short_rows` under `options:`, " +
			"or under `files:` for this file alone; best is a new export, with every field in quotes and quotes in them doubled"
	}
	return &connectors.Error{Op: op, Source: s.name, Table: table, Err: err, Hint: hint}
}

// alone is the error of one file, whatever may be wrong with it.
func (s *source) alone(op, table string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	failed := s.fail(op, table, err, "").(*connectors.Error)
	failed.Alone = !errors.Is(err, connectors.ErrSchemaChanged)
	return failed
}

// Close does nothing: each scan closes what it opened.
func (s *source) Close() error { return nil }

// Tables returns the catalog. It reads the beginning of each file; the number of rows is not known.
func (s *source) Tables(ctx context.Context) ([]connectors.Table, error) {
	var list []connectors.Table
	for _, table := range slices.Sorted(maps.Keys(s.files)) {
		r, err := s.open(ctx, table)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			list = append(list, connectors.Table{Database: s.database, Name: table, Rows: -1,
				Unreadable: s.alone("catalog", table, err)})
			continue
		}
		r.text.Close()
		list = append(list, r.table)
	}
	return list, nil
}

// Assumed says how the files are written that are not written as usual, where nobody said it.
func (s *source) Assumed(ctx context.Context) (list []connectors.Assumption, err error) {
	for _, table := range slices.Sorted(maps.Keys(s.files)) {
		r, err := s.open(ctx, table)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil { // Tables says it
			continue
		}
		r.text.Close()
		if len(r.assumed) > 0 || r.hint != "" {
			list = append(list, connectors.Assumption{Table: table, File: filepath.Base(s.files[table].path),
				Options: r.assumed, Hint: r.hint})
		}
	}
	return list, nil
}

// open opens the file of a table, finds out about its format and reads its header.
func (s *source) open(ctx context.Context, table string) (*reader, error) {
	return s.openAs(ctx, table, s.files[table], textfile.Options{UTF16: true}, nil)
}

// openAs is open for a table that stands in some file; pass gets what is read of it and is no row.
func (s *source) openAs(ctx context.Context, table string, of file, o textfile.Options,
	pass *pass) (_ *reader, err error) {
	stamp, err := textfile.StampOf(of.path)
	if err != nil {
		return nil, noConfig(err)
	}
	t, err := textfile.OpenWith(of.path, o)
	if err != nil {
		return nil, noConfig(err)
	}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	r := &reader{text: t, settings: of.settings, assumed: map[string]string{}, pass: pass}
	if err := s.begin(ctx, r, table, stamp); err != nil {
		return nil, err
	}
	r.table = connectors.Table{Database: s.database, Name: table, Rows: -1}
	names, err := r.names()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if of.guess && !utf8.ValidString(name) {
			name = string(fromWindows(nil, []byte(name)))
		}
		r.table.Fields = append(r.table.Fields, connectors.Field{Name: name, Type: "text", Kind: connectors.Text,
			Nullable: true})
	}
	for _, known := range s.catalog {
		if known.Name == table {
			enrich(&r.table, known)
		}
	}
	return r, nil
}

// begin begins to read a file, by what is known of it if it is still the same.
func (s *source) begin(ctx context.Context, r *reader, table string, stamp textfile.Stamp) error {
	s.mu.Lock()
	k, ok := s.known[table]
	s.mu.Unlock()
	if ok && k.stamp == stamp {
		r.layout, r.assumed, r.hint, r.sure = k.layout, k.assumed, k.hint, true
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[table] = known{stamp, r.layout, r.assumed, r.hint}
	return nil
}

// noConfig makes what is wrong with one file of a folder (it is a pipe) no error of the configuration.
func noConfig(err error) error {
	if errors.Is(err, connectors.ErrConfig) {
		return fmt.Errorf("%s: %w", strings.TrimSuffix(err.Error(), ": "+connectors.ErrConfig.Error()),
			connectors.ErrDamaged)
	}
	return err
}

// enrich takes over what another catalog knows of the table.
func enrich(t *connectors.Table, known connectors.Table) {
	here := func(fields []string) bool {
		return !slices.ContainsFunc(fields, func(name string) bool { _, ok := t.Field(name); return !ok })
	}
	for i, f := range t.Fields {
		if k, ok := known.Field(f.Name); ok {
			t.Fields[i] = k
		}
	}
	if here(known.Key) {
		t.Key, t.Alternate = known.Key, known.Alternate
	}
	for _, u := range known.Unique {
		if here(u) {
			t.Unique = append(t.Unique, u)
		}
	}
	for _, fk := range known.ForeignKeys {
		if here(fk.Fields) {
			t.ForeignKeys = append(t.ForeignKeys, fk)
		}
	}
}

// Scan answers the queries one after another, in the order of the rows. A cursor is the ordinal of a row.
func (s *source) Scan(ctx context.Context, queries ...connectors.Query) iter.Seq2[connectors.Batch, error] {
	return func(yield func(connectors.Batch, error) bool) {
		for _, q := range queries {
			if err := s.scan(ctx, q, yield); err != nil {
				if err != errStop {
					yield(connectors.Batch{}, s.alone("scan", q.Table, err))
				}
				return
			}
		}
	}
}

var errStop = errors.New("stop") // the caller wants no more

func (s *source) scan(ctx context.Context, q connectors.Query, yield func(connectors.Batch, error) bool) error {
	if _, ok := s.files[q.Table]; !ok {
		return fmt.Errorf("no such table: %w", connectors.ErrSchemaChanged)
	}
	r, err := s.open(ctx, q.Table)
	if err != nil {
		return err
	}
	defer r.text.Close()
	g, err := newTarget(r, q)
	if err != nil {
		return err
	}
	batches := dumpfile.Batches{Out: func(b connectors.Batch) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !yield(b, nil) {
			return errStop
		}
		return nil
	}}
	for {
		row, n, err := r.next()
		if err != nil {
			return err
		}
		if n == 0 {
			return batches.Flush()
		}
		if err := batches.Begin(&g.Target); err != nil {
			return err
		}
		taken, err := g.take(row, r.cells)
		if err != nil {
			return err
		}
		r.Drop(n)
		if taken {
			if err := batches.End(); err != nil {
				return err
			}
		}
	}
}

// target is a query on its way through a file.
type target struct {
	*dumpfile.Entry
	dumpfile.Target
	layout  delimited.Layout
	guess   bool
	scratch []byte
}

func newTarget(r *reader, q connectors.Query) (*target, error) {
	g := &target{Entry: &dumpfile.Entry{Table: r.table}, guess: r.guess, layout: r.layout}
	asWritten := func([]int) keyset.Fold { return nil }
	var err error
	if g.Target, err = dumpfile.NewTarget(g.Entry, q, asWritten); err != nil {
		return nil, err
	}
	for i := range g.Fields {
		g.Place = append(g.Place, i)
	}
	return g, nil
}

// take takes a row into the batch, if the query asks for it.
func (g *target) take(row []byte, cells []delimited.Cell) (bool, error) {
	if !g.Reached() {
		return false, nil
	}
	for _, field := range g.Keyed {
		v, null := g.value(field, row, cells)
		if null {
			return false, nil
		}
		g.AddKey(v)
	}
	if found, err := g.Found(); !found || err != nil {
		return false, err
	}
	for col, field := range g.Wanted {
		if v, null := g.value(field, row, cells); null {
			g.Builder.AppendNull(col)
		} else {
			g.Builder.Append(col, v)
		}
	}
	g.Builder.EndRow()
	return true, nil
}

// value returns the value of a field of a row; it is valid until the next call.
func (g *target) value(field int, row []byte, cells []delimited.Cell) (v []byte, null bool) {
	c := cells[field]
	if c.Null(row) {
		return nil, true
	}
	if v = g.layout.Text(g.scratch[:0], row, c); len(v) > 0 && &v[0] != &row[c.Start] {
		g.scratch = v
	}
	if g.layout.Null != "" && !c.Quoted && string(v) == g.layout.Null {
		return nil, true
	}
	if g.guess && g.Fields[field].Kind != connectors.Binary && !utf8.Valid(v) {
		v = fromWindows(nil, v)
	}
	return v, false
}

// fromWindows appends text in Windows-1252, as UTF-8.
func fromWindows(to, v []byte) []byte {
	for _, c := range v {
		to = utf8.AppendRune(to, charmap.Windows1252.DecodeByte(c))
	}
	return to
}
