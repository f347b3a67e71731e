// Package csvdir reads a folder of CSV files, or one such file: as exports of an application come. A file
// is a table that bears its name without the ending; other files of the folder, and folders in it, are left
// alone. Files may be gzip or zstd.
//
// The format is RFC 4180: fields that hold the delimiter, a quote or a line break stand in quotes, quotes
// within them are doubled. The delimiter is the one of comma, semicolon, tab and bar by which the first
// rows fall into equally many fields, or that of a first line `sep=;`. An empty field is NULL unless it
// stands in quotes, and so is \N. The first row names the fields. Three keys of the source say otherwise:
// `header: none` names them c1, c2, ...; `delimiter: tab` (or one character); `encoding: windows-1252` (a
// name of the WHATWG list), where the text is not UTF-8 and no byte order mark says so. Lines may end in carriage
// returns alone. Opened without proof (Options.Unchecked), text
// that is not UTF-8 is read as Windows-1252.
//
// All fields are text and there are no keys, unless the catalog given at Open says more of a table of that
// name. Values are compared byte by byte. A row with more or fewer fields than the first one ends the scan
// with ErrDamaged: whoever guesses which field is missing reads e-mail addresses as names.
package csvdir

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"lethe/connectors"
	"lethe/connectors/delimited"
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

var options = []connectors.OptionSpec{{
	Name:  "header",
	About: "none or first; whether the first row names the fields, as it does by default",
	Check: checkHeader,
}, {
	Name:  "delimiter",
	About: "tab, or one character of ASCII; found out by default",
	Check: func(value string) error { _, err := parseDelimiter(value); return err },
}, {
	Name:  "encoding",
	About: "a name of the WHATWG list such as windows-1252; UTF-8 by default",
	Check: func(value string) error { _, err := delimited.Encoding(value); return err },
}}

// source is an open folder.
type source struct {
	name     string
	database string
	files    map[string]string // of tables, their paths
	others   map[string]int    // what else is in the folder: how many of each ending
	catalog  []connectors.Table
	format   format // as the configuration says; a delimiter of 0 is looked for
	encoding string // "": UTF-8, or what a byte order mark says
	guess    bool   // what is not UTF-8 is Windows-1252
}

// Open opens the folder or the file at the path o.DSN, to be read only. The files are listed, not read.
func Open(ctx context.Context, o connectors.Options) (connectors.Source, error) {
	s := &source{name: o.Name, files: map[string]string{}, others: map[string]int{}, catalog: o.Catalog,
		guess: o.Unchecked}
	if s.name == "" {
		s.name = filepath.Base(o.DSN)
	}
	if o.DSN == "" {
		return nil, s.fail("open", "", fmt.Errorf("no path: %w", connectors.ErrConfig),
			"give the path of a folder of CSV files")
	}
	if o.ApplyDSN != "" || o.Rewrite {
		return nil, s.fail("open", "", fmt.Errorf("CSV files are only read: %w", connectors.ErrConfig),
			"leave out apply_dsn and rewrite")
	}
	if err := connectors.CheckOptions(options, o.Extra); err != nil {
		return nil, s.fail("open", "", err, "")
	}
	s.configure(o.Extra)
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
		s.files[s.database] = path
		return s, ctx.Err()
	}
	s.database = filepath.Base(path)
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, s.fail("open", "", textfile.Error(err), "")
	}
	for _, e := range entries {
		table, ok := tableOf(e.Name())
		if !ok || e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			s.others[endingOf(e)]++
			continue
		}
		if s.files[table] != "" {
			return nil, s.fail("open", table, fmt.Errorf("two files are that table: %w", connectors.ErrConfig),
				"move one of "+filepath.Base(s.files[table])+" and "+e.Name()+" out of the folder")
		}
		s.files[table] = filepath.Join(path, e.Name())
	}
	if len(s.files) == 0 {
		return nil, s.fail("open", "", fmt.Errorf("no CSV file in the folder: %w", connectors.ErrConfig),
			"their names end in "+strings.Join(endings, ", "))
	}
	return s, ctx.Err()
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

// configure takes over options, which have been checked.
func (s *source) configure(extra map[string]string) {
	s.format.headless = extra["header"] == "none"
	if value, ok := extra["delimiter"]; ok {
		s.format.delimiter, _ = parseDelimiter(value)
	}
	if value, ok := extra["encoding"]; ok {
		s.encoding, s.guess = value, false
	}
}

func checkHeader(value string) error {
	if value != "none" && value != "first" {
		return errors.New("neither")
	}
	return nil
}

func parseDelimiter(value string) (byte, error) {
	switch {
	case value == "tab":
		return '\t', nil
	case len(value) == 1 && value[0] < 0x80 && strings.Trim(value, "\"\r\n\\ ") != "":
		return value[0], nil
	}
	return 0, errors.New("no delimiter")
}

func (s *source) fail(op, table string, err error, hint string) error {
	if errors.Is(err, errFields) || errors.Is(err, errQuote) {
		hint = "quote the fields that hold a delimiter, a quote or a line break and double the quotes in them, or " +
			"name the delimiter by `options: {delimiter: ...}`; best is a new export"
	}
	return &connectors.Error{Op: op, Source: s.name, Table: table, Err: err, Hint: hint}
}

// Close does nothing: each scan closes what it opened.
func (s *source) Close() error { return nil }

// Tables returns the catalog. It reads the beginning of each file; the number of rows is not known.
func (s *source) Tables(ctx context.Context) ([]connectors.Table, error) {
	var list []connectors.Table
	for table := range s.files {
		r, err := s.open(ctx, table)
		if err != nil {
			return nil, s.fail("catalog", table, err, "")
		}
		r.text.Close()
		list = append(list, r.table)
	}
	slices.SortFunc(list, func(a, b connectors.Table) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// reader is an open file behind its header.
type reader struct {
	*textfile.Window
	text   *textfile.Text
	format format
	table  connectors.Table
	cells  []cell
}

// open opens the file of a table, finds out about its format and reads its header.
func (s *source) open(ctx context.Context, table string) (_ *reader, err error) {
	t, err := textfile.OpenWith(s.files[table], textfile.Options{UTF16: true})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	text, err := delimited.Decode(t, s.encoding)
	if err != nil {
		return nil, err
	}
	r := &reader{Window: textfile.NewWindow(ctx, delimited.Lines(text), textfile.WindowBytes), text: t, format: s.format}
	if err := r.More(); err != nil && err != io.EOF {
		return nil, err
	}
	r.begin()
	r.table = connectors.Table{Database: s.database, Name: table, Rows: -1}
	names, err := r.names()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if s.guess && !utf8.ValidString(name) {
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
		t.Key = known.Key
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
					yield(connectors.Batch{}, s.fail("scan", q.Table, err, ""))
				}
				return
			}
		}
	}
}

var errStop = errors.New("stop") // the caller wants no more

// batchRows is the most rows of a batch where the query does not say.
const batchRows = 1 << 14

func (s *source) scan(ctx context.Context, q connectors.Query, yield func(connectors.Batch, error) bool) error {
	if s.files[q.Table] == "" {
		return fmt.Errorf("no such table: %w", connectors.ErrSchemaChanged)
	}
	r, err := s.open(ctx, q.Table)
	if err != nil {
		return err
	}
	defer r.text.Close()
	sel, err := newSelection(r.table, q, s.guess)
	if err != nil {
		return err
	}
	maxRows := cmp.Or(q.MaxRows, batchRows)
	for ordinal := int64(1); ; ordinal++ {
		row, n, err := r.next()
		if err != nil {
			return err
		}
		if n > 0 {
			if ordinal > sel.after && sel.wanted(row, r.cells) {
				sel.fill(row, r.cells)
			}
			r.Drop(n)
		}
		if sel.builder.Full(maxRows) || n == 0 && sel.builder.Rows() > 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if !yield(sel.builder.Batch(connectors.Cursor(strconv.FormatInt(ordinal, 10))), nil) {
				return errStop
			}
		}
		if n == 0 {
			return nil
		}
	}
}

// selection is what a query asks for.
type selection struct {
	builder   *connectors.Builder
	fields    []int // of each column of the batch, its place in a row
	texts     []bool
	keyFields []int
	keys      map[connectors.Key]struct{} // nil: every row
	after     int64
	guess     bool
	scratch   []byte
	key       []byte
}

func newSelection(t connectors.Table, q connectors.Query, guess bool) (*selection, error) {
	sel := &selection{guess: guess}
	var err error
	if sel.builder, err = connectors.NewBuilder(t, q.Fields); err != nil {
		return nil, err
	}
	index := func(name string) int {
		return slices.IndexFunc(t.Fields, func(f connectors.Field) bool { return f.Name == name })
	}
	for _, f := range t.Fields {
		sel.texts = append(sel.texts, f.Kind != connectors.Binary)
	}
	if q.Fields == nil {
		for i := range t.Fields {
			sel.fields = append(sel.fields, i)
		}
	}
	for _, name := range q.Fields {
		sel.fields = append(sel.fields, index(name))
	}
	if q.After != "" {
		if sel.after, err = strconv.ParseInt(string(q.After), 10, 64); err != nil || sel.after < 0 {
			return nil, fmt.Errorf("the cursor is none of a CSV file: %w", connectors.ErrConfig)
		}
	}
	if q.Keys == nil {
		return sel, nil
	}
	sel.keys = make(map[connectors.Key]struct{}, len(q.Keys.Tuples))
	for _, key := range q.Keys.Tuples {
		sel.keys[key] = struct{}{}
	}
	for _, name := range q.Keys.Fields {
		i := index(name)
		if i < 0 {
			return nil, fmt.Errorf("no field %s: %w", name, connectors.ErrSchemaChanged)
		}
		sel.keyFields = append(sel.keyFields, i)
	}
	return sel, nil
}

// value returns the value of a field of a row; it is valid until the next call.
func (sel *selection) value(field int, row []byte, cells []cell) (v []byte, null bool) {
	c := cells[field]
	v = row[c.start:c.end]
	switch {
	case !c.quoted && (len(v) == 0 || len(v) == 2 && v[0] == '\\' && v[1] == 'N'):
		return nil, true
	case c.doubled:
		sel.scratch = undouble(sel.scratch[:0], v)
		v = sel.scratch
	}
	if sel.guess && sel.texts[field] && !utf8.Valid(v) {
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

// wanted reports whether the query asks for the row.
func (sel *selection) wanted(row []byte, cells []cell) bool {
	if sel.keys == nil {
		return true
	}
	sel.key = sel.key[:0]
	for _, field := range sel.keyFields {
		v, null := sel.value(field, row, cells)
		if null {
			return false
		}
		sel.key = append(binary.AppendUvarint(sel.key, uint64(len(v))), v...)
	}
	_, ok := sel.keys[connectors.Key(sel.key)]
	return ok
}

// fill adds the row to the batch.
func (sel *selection) fill(row []byte, cells []cell) {
	for col, field := range sel.fields {
		if v, null := sel.value(field, row, cells); null {
			sel.builder.AppendNull(col)
		} else {
			sel.builder.Append(col, v)
		}
	}
	sel.builder.EndRow()
}
