// Package mssqldump reads and rewrites scripts of SQL Server that hold rows: those of Management Studio ('generate
// scripts' with data, also of its extensions), and what other tools and people wrote in T-SQL. They are UTF-16 or UTF-8,
// with or without a mark, plain, gzip or zstd; one byte a character where the option encoding says which.
//
// The file is a stream. Scan answers all its queries in one pass, in the script's order; a cursor is the ordinal of a row
// in its table. A batch of statements ends with a line GO, statements with whatever begins the next. Rewrite copies
// everything that no edit touches byte for byte, as seen after decompression.
//
// Table names are without their schema where that is dbo, else schema.table; names are the same in any case, as on nearly
// every server. What is done under a condition (IF, BEGIN) is not followed: a table that is filled or changed there, by
// INSERT ... SELECT, UPDATE or the like, is in the catalog and its rows are refused. What a routine does is done another day.
//
// Values are literals, in CAST or not; days and times also the bytes that Management Studio wrote before 2016. Whether day
// or month comes first is what SET DATEFORMAT says, and refused where nothing does. A new value is written as Management
// Studio writes it, and refused where it is not sure that the type takes it.
//
// A script of a whole database ends with ALTER DATABASE ... SET READ_WRITE. Others have no end that proves them whole:
// they are read with `complete: unchecked`.
package mssqldump

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// Connector opens scripts by path.
var Connector = connectors.Connector{
	Name:    "mssqldump",
	About:   "scripts of SQL Server Management Studio with rows, UTF-16 or UTF-8: .sql, .sql.gz, .sql.zst",
	Suffix:  dumpfile.Suffixes,
	Options: options,
	Open:    Open,
	Fits: func(path string) bool {
		f := format{opening: textfile.Options{Name: filepath.Base(path)}}
		head, err := f.head(path)
		return err == nil && Recognises(head)
	},
}

// options are those of a dump, and in which characters a script of one byte a character is written.
var options = append(slices.Clone(dumpfile.Options), connectors.OptionSpec{
	Name: "encoding",
	About: "one of " + strings.Join(slices.Sorted(maps.Keys(charsets)), ", ") + "; the characters of a script that is " +
		"neither UTF-8 nor UTF-16",
	Check: func(value string) error {
		if charsets[value] == nil {
			return errors.New("not known")
		}
		return nil
	},
})

// Open opens the script at the path o.DSN. The file is looked at, not read: Tables does the first pass. With o.Rewrite
// the Source is a connectors.Rewriter.
func Open(ctx context.Context, o connectors.Options) (connectors.Source, error) {
	f := format{catalog: o.Catalog, unchecked: o.Unchecked, home: dumpfile.HomeOf(o),
		encoding: o.Extra["encoding"]}
	s := &source{Name: cmp.Or(o.Name, filepath.Base(o.DSN)), Path: o.DSN, Shelf: o.Shelf}
	err := connectors.CheckOptions(options, o.Extra)
	if err == nil {
		f.opening, err = dumpfile.Opening(o)
	}
	if s.Format = f; err != nil {
		return nil, s.Fail("open", "", err, "")
	}
	switch {
	case o.DSN == "":
		return nil, s.Fail("open", "", fmt.Errorf("no path: %w", connectors.ErrConfig), "give the path of a script")
	case o.ApplyDSN != "":
		return nil, s.Fail("open", "", fmt.Errorf("a script is not changed in place: %w", connectors.ErrConfig),
			"leave out apply_dsn; `rewrite:` lets it be written anew")
	case len(o.Files) > 0:
		return nil, s.Fail("open", "", fmt.Errorf("a script has no files to be set one by one: %w", connectors.ErrConfig),
			"leave out files")
	}
	if _, err := textfile.StampOn(o.Shelf, o.DSN); errors.Is(err, connectors.ErrConfig) {
		return nil, s.Fail("open", "", err, textfile.NoFile)
	} else if err != nil {
		return nil, s.Fail("open", "", err, "give the path of a script")
	}
	if _, err := f.head(o.DSN); err != nil {
		return nil, s.Fail("open", "", err, "")
	}
	if o.Rewrite {
		return &rewriter{source: s, format: f}, ctx.Err()
	}
	return s, ctx.Err()
}

// headBytes is how much of a script is looked at to tell what it is.
const headBytes = 64 << 10

// Recognises reports whether the first bytes of a decoded text look like a script of SQL Server.
func Recognises(head []byte) bool {
	lower := bytes.ToLower(head)
	has := func(marks ...string) bool {
		return slices.ContainsFunc(marks, func(m string) bool { return bytes.Contains(lower, []byte(m)) })
	}
	if bytes.IndexByte(head, '`') >= 0 && has("engine=", "/*!40") || has("postgresql database dump", "sqlite format",
		"\npragma ") {
		return false
	}
	lines := bytes.Split(bytes.ReplaceAll(lower, []byte("\r"), nil), []byte("\n"))
	if slices.ContainsFunc(lines, func(l []byte) bool { return string(bytes.TrimSpace(l)) == "go" }) {
		return true
	}
	return has("insert [", "insert into [", "identity_insert", "[dbo].", "/****** object:")
}

// format reads scripts of SQL Server.
type format struct {
	opening   textfile.Options
	catalog   []connectors.Table
	unchecked bool
	home      dumpfile.Home
	encoding  string
	before    []*table // what a script held before it was rewritten, of which the new one may show no trace
}

// source is a script that is only read.
type source = dumpfile.Source[*table, *target]

// Open opens the file of a script; what is read is UTF-8.
func (f format) Open(path string) (*textfile.Text, error) {
	t, _, err := f.open(path, nil)
	return t, err
}

func (f format) open(path string, tee io.Writer) (*textfile.Text, codec, error) {
	o := f.opening
	o.UTF16, o.Foreign = true, foreign
	if tee != nil {
		o.Tee = tee
	}
	t, err := textfile.OpenWith(path, o)
	if err != nil {
		return nil, codec{}, err
	}
	head := make([]byte, 2)
	n, err := io.ReadFull(t.Reader, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		t.Close()
		return nil, codec{}, err
	}
	code := codecOf(head[:n], f.encoding)
	t.Reader = code.reader(io.MultiReader(bytes.NewReader(head[:n]), t.Reader))
	return t, code, nil
}

// foreign is what an export of SQL Server may be that is no script.
var foreign = []textfile.Foreign{
	{Magic: "PK\x03\x04", What: "it is a zip archive: the rows in a .bacpac are in the server's own form, which only a " +
		"server reads: import it and name that server"},
	{Magic: "TAPE", What: "it is a backup of BACKUP DATABASE, which only a server reads: restore it and name that server"},
	{Magic: "MSSQLBAK", What: "it is a packed backup of BACKUP DATABASE, which only a server reads: restore it and name that " +
		"server"},
}

// head is the beginning of the decoded text.
func (f format) head(path string) ([]byte, error) {
	t, err := f.Open(path)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	head := make([]byte, headBytes)
	n, err := io.ReadFull(t, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	return head[:n], textfile.Check(head[:n], foreign...)
}

// Hint says what to do about an error of the format's own.
func (format) Hint(err error) string {
	switch {
	case errors.Is(err, errTrailer):
		return "script the whole database, or set `complete: unchecked` once somebody looked that the end is there"
	case errors.Is(err, errEncoding):
		return "save it as Unicode, or say its characters by `options: {encoding: windows-1252}`"
	case errors.Is(err, errOrder):
		return "put SET DATEFORMAT mdy, or dmy, at the head of the script"
	}
	return ""
}

var errTrailer = fmt.Errorf("it does not end as a script of a whole database (ALTER DATABASE ... SET READ_WRITE): %w",
	connectors.ErrDamaged)

// Survey reads a whole script for its tables.
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
	tables := f.held(w.order)
	var databases []string
	for _, t := range tables {
		if !slices.Contains(databases, t.ID.Database) {
			databases = append(databases, t.ID.Database)
		}
	}
	if len(databases) == 1 && databases[0] == "" {
		databases = nil
	}
	home, err := f.home.Among(databases)
	if err != nil {
		return nil, err
	}
	qualify := func(id dumpfile.TableID) string {
		name := id.Name
		if !strings.EqualFold(id.Schema, "dbo") {
			name = id.Schema + "." + name
		}
		if id.Database != home && id.Database != "" {
			name = id.Database + "." + name
		}
		return name
	}
	for _, t := range tables {
		t.Report(qualify, f.opening.Name)
		if !t.Created && f.before == nil {
			if err := f.describe(t); err != nil {
				return nil, err
			}
		}
	}
	dumpfile.Sort(tables, nil)
	return tables, dumpfile.Distinct(tables)
}

// held adds what a script held before it was rewritten: a table that it does not create is known by its rows alone.
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

// run reads to the end of a script, which must be whole.
func (f format) run(w *walker) error {
	if err := w.run(); err != nil {
		return err
	}
	if !w.complete && !f.unchecked {
		return errTrailer
	}
	return nil
}

// describe takes the fields of a table that the script does not create from the catalog given at Open, or leaves them as
// the script names them.
func (f format) describe(t *table) error {
	for _, known := range f.catalog {
		if !strings.EqualFold(known.Name, t.Name) && !strings.EqualFold(known.Name, t.ID.Name) {
			continue
		}
		known.Name = t.Name
		t.Table = known
		t.info = make([]typeInfo, len(known.Fields))
		for i, field := range known.Fields {
			p := parser{schema: &schema{}, l: lexer{b: []byte(field.Type), eof: true}}
			p.advance()
			t.info[i] = p.typ()
			t.info[i].kind = field.Kind
		}
		return nil
	}
	if len(t.Fields) == 0 && f.unchecked {
		for i := range t.arity {
			t.Fields = append(t.Fields, connectors.Field{Name: fmt.Sprintf("c%d", i+1), Type: "unknown",
				Kind: connectors.Text, Nullable: true})
			t.info = append(t.info, typeInfo{kind: connectors.Text})
		}
	}
	if len(t.Fields) == 0 {
		return fmt.Errorf("table %s: %w: %w", t.Name, dumpfile.ErrNoFields, connectors.ErrConfig)
	}
	return nil
}

// Walk reads a whole script and gathers the rows of the targets into batches.
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
