package csvdir

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"lethe/connectors"
	"lethe/connectors/delimited"
	"lethe/connectors/internal/anew"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

type editor = dumpfile.Editor[*target]

// rewriter is a folder, or a file, that may be written anew.
type rewriter struct {
	*source
	path   string // of the folder, or the file
	folder bool
	hook   func(anew.Point) error // of tests; nil
}

// Rewrite writes the files anew in which something changes: each in its own encoding, layout, ends of lines and packing,
// so that all that no edit touches is the very same bytes. A folder changes places with a new one, in which the other
// files are hard links, as anew.Folder says; a single file with a new file, as anew.Job says. The new files are read back
// as if nothing were known of them: one that would be read otherwise by now (its only row is gone, say) is refused, until
// options say how it is to be read.
func (r *rewriter) Rewrite(ctx context.Context, q []connectors.Query, edit connectors.EditFunc,
	verify func(connectors.Source) error) (connectors.RewriteReport, error) {
	j := &job{rewriter: r, editor: dumpfile.NewEditor[*target](edit), written: map[string]written{}}
	do := j.file
	if r.folder {
		do = j.wholeFolder
	}
	report, err := do(ctx, q, verify)
	if err != nil {
		return connectors.RewriteReport{}, r.failRewrite(err)
	}
	report.Tables = j.editor.Counted()
	return report, nil
}

func (r *rewriter) failRewrite(err error) error {
	var known *connectors.Error
	if errors.As(err, &known) {
		return err
	}
	hint := anew.Hint(err)
	if errors.Is(err, errOtherwise) {
		hint = "say by `options:` or `files:` how the file is written (`header`, `delimiter`, `quote`, `escape`, `null`), " +
			"so that it does not hang on its rows"
	}
	return r.fail("rewrite", "", err, hint)
}

// job is one rewrite.
type job struct {
	*rewriter
	editor  *editor
	written map[string]written // by table, the files of which something changed
}

// written is what a new file must hold.
type written struct {
	rows   int64
	layout delimited.Layout
}

// errOtherwise says that a new file would be read in another way than the old.
var errOtherwise = fmt.Errorf("without the rows that go the file would be read in another way than before: %w",
	connectors.ErrRefused)

// errNoRow says that nothing would be left of a file.
var errNoRow = fmt.Errorf("no row would be left in a file that has no names of fields: remove the file: %w",
	connectors.ErrRefused)

// errBytes says that a text cannot be written as the bytes that it was.
var errBytes = fmt.Errorf("its text is in bytes that could not be written as they are (old ends of lines, or an encoding "+
	"in several ways): %w", errors.ErrUnsupported)

// queries are the files that are asked for, by table.
func (j *job) queries(q []connectors.Query) (map[string]connectors.Query, error) {
	byTable := map[string]connectors.Query{}
	for _, query := range q {
		if _, ok := j.files[query.Table]; !ok {
			return nil, j.fail("rewrite", query.Table, fmt.Errorf("no such table: %w", connectors.ErrSchemaChanged), "")
		}
		if _, twice := byTable[query.Table]; twice {
			return nil, j.fail("rewrite", query.Table,
				fmt.Errorf("a table can be asked for once in a pass: %w", connectors.ErrConfig), "")
		}
		byTable[query.Table] = query
	}
	return byTable, nil
}

// file writes a single file anew.
func (j *job) file(ctx context.Context, q []connectors.Query,
	verify func(connectors.Source) error) (report connectors.RewriteReport, err error) {
	queries, err := j.queries(q)
	if err != nil {
		return report, err
	}
	begun, err := anew.Begin(nil, j.path, j.hook)
	if err != nil {
		return report, err
	}
	defer begun.Discard()
	before, after := begun.Digest(), begun.Digest()
	f, err := begun.Create()
	if err != nil {
		return report, err
	}
	defer f.Close()
	query, asked := queries[j.database]
	if !asked {
		if err := before.ReadFile(begun.Target()); err != nil {
			return report, err
		}
	} else if _, err := j.write(ctx, begun.Target(), query, before, io.MultiWriter(f, after), nil); err != nil {
		return report, err
	}
	if err := begun.Wrote(f, before); err != nil {
		return report, err
	}
	if len(j.written) > 0 {
		begun.Holds(after)
		err = begun.Finish(func(temp string) error {
			return j.readBack(ctx, func(string) string { return temp }, verify)
		})
		return connectors.RewriteReport{Before: begun.Before, After: begun.After}, err
	}
	return connectors.RewriteReport{Before: begun.Before, After: begun.Before}, nil
}

// wholeFolder writes those files of a folder anew in which something changes.
func (j *job) wholeFolder(ctx context.Context, q []connectors.Query,
	verify func(connectors.Source) error) (report connectors.RewriteReport, err error) {
	queries, err := j.queries(q)
	if err != nil {
		return report, err
	}
	begun, err := anew.BeginFolder(j.path, j.hook)
	if err != nil {
		return report, err
	}
	defer begun.Discard()
	packers := new(anew.Reused)
	for _, table := range slices.Sorted(maps.Keys(queries)) {
		if err := j.oneOf(ctx, begun, packers, queries[table]); err != nil {
			return report, err
		}
	}
	if err := begun.Wrote(); err != nil {
		return report, err
	}
	if len(j.written) > 0 {
		err = begun.Finish(func(temp string) error {
			return j.readBack(ctx, func(old string) string { return filepath.Join(temp, filepath.Base(old)) }, verify)
		})
		return connectors.RewriteReport{Before: begun.Before, After: begun.After}, err
	}
	return connectors.RewriteReport{Before: begun.Before, After: begun.Before}, nil
}

// oneOf writes one file of a folder anew, unless nothing changes in it.
func (j *job) oneOf(ctx context.Context, begun *anew.Folder, packers *anew.Reused, q connectors.Query) error {
	name := filepath.Base(j.files[q.Table].path)
	f, err := begun.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	touched, err := j.write(ctx, filepath.Join(begun.Target(), name), q, begun.Reading(name), f, packers)
	if err != nil {
		return err
	}
	if !touched {
		return begun.Drop(name)
	}
	return nil
}

// write streams a file through edit into to, and reports whether something changed. tee gets the bytes of the file.
func (j *job) write(ctx context.Context, path string, q connectors.Query, tee, to io.Writer,
	packers *anew.Reused) (touched bool, err error) {
	defer func() {
		if known := (*connectors.Error)(nil); err != nil && !errors.As(err, &known) {
			err = j.fail("rewrite", q.Table, err, anew.Hint(err))
		}
	}()
	of := j.files[q.Table]
	of.path = path
	pass := &pass{editor: j.editor}
	pass.was.SetSeed(maphash.MakeSeed())
	pass.is.SetSeed(pass.was.Seed())
	r, err := j.openAs(ctx, q.Table, of, textfile.Options{Tee: tee, UTF16: true}, pass)
	if err != nil {
		return false, err
	}
	defer r.text.Close()
	if packers == nil {
		packers = new(anew.Reused)
	}
	out, err := packers.NewWriter(to, r.text.Packing)
	if err != nil {
		return false, err
	}
	defer out.Close()
	rows, err := j.rows(r, pass, q, out.Put)
	if err != nil {
		return false, err
	}
	if err := out.Close(); err != nil {
		return false, err
	}
	if touched = j.editor.Touched; touched {
		if rows == 0 && r.layout.Headless {
			return false, errNoRow
		}
		j.written[q.Table] = written{rows, r.layout}
	}
	return touched, nil
}

// rows streams the rows of a file through edit, and returns how many stay.
func (j *job) rows(r *reader, pass *pass, q connectors.Query, put func([]byte) error) (int64, error) {
	g, err := newTarget(r, q)
	if err != nil {
		return 0, err
	}
	e := j.editor
	e.Count(map[dumpfile.TableID]*target{{}: g})
	e.Begin(func(b []byte) error {
		encoded, err := pass.coding.Encode(b)
		if err != nil {
			return fmt.Errorf("%w: %w", err, errBytes)
		}
		return put(encoded)
	})
	e.Writing = &writing{layout: r.layout, coding: pass.coding, guess: r.guess}
	if err := put([]byte(pass.coding.Mark)); err != nil {
		return 0, err
	}
	if err := pass.begin(); err != nil {
		return 0, err
	}
	var rows int64
	for {
		row, n, err := r.next()
		if err != nil {
			return 0, err
		}
		if n == 0 {
			break
		}
		rows++
		if err := errors.Join(pass.err, e.Turn(g)); err != nil {
			return 0, err
		}
		taken, err := g.take(row, r.cells)
		if err != nil {
			return 0, err
		}
		body := bytesBefore(row)
		if err := e.Line(row[:body], row[body:], taken); err != nil {
			return 0, err
		}
		pass.hash(row)
		r.Window.Drop(n)
	}
	if err := errors.Join(pass.err, e.Flush()); err != nil {
		return 0, err
	}
	if pass.was.Sum64() != pass.is.Sum64() {
		return 0, errBytes
	}
	return rows - e.Counts[g].Deleted, nil
}

// bytesBefore is how much of a row stands before what ends its line.
func bytesBefore(row []byte) int {
	n := len(row)
	if n > 0 && row[n-1] == '\n' {
		n--
	}
	if n > 0 && n < len(row) && row[n-1] == '\r' {
		n--
	}
	return n
}

// pass is what of a text is no row, on its way into the new file; and whether the text can be written as the bytes that
// it was.
type pass struct {
	editor  *editor
	coding  delimited.Coding
	begun   bool
	waiting []byte // before the editor began
	err     error
	was, is maphash.Hash // of the bytes of the text; of what its text is, encoded
}

// text takes what is no row.
func (p *pass) text(b []byte) {
	p.hash(b)
	if !p.begun {
		p.waiting = append(p.waiting, b...)
		return
	}
	p.err = errors.Join(p.err, p.editor.Text(b))
}

func (p *pass) begin() error {
	p.begun = true
	return p.editor.Text(p.waiting)
}

// hash takes a part of the text as it is read.
func (p *pass) hash(b []byte) {
	encoded, err := p.coding.Encode(b)
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("%w: %w", err, errBytes)
	}
	p.is.Write(encoded)
}

// readBack reads the new files as if nothing were known of them, compares them with what must be in them, and calls verify.
func (j *job) readBack(ctx context.Context, place func(old string) string, verify func(connectors.Source) error) error {
	now := &source{name: j.name, database: j.database, catalog: j.catalog, known: map[string]known{},
		files: map[string]file{}}
	for table, of := range j.files {
		of.path = place(of.path)
		now.files[table] = of
	}
	for _, table := range slices.Sorted(maps.Keys(j.written)) {
		if err := j.same(ctx, now, table); err != nil {
			return fmt.Errorf("read back the new file: %w", err)
		}
	}
	return verify(now)
}

// same holds a new file against what was written.
func (j *job) same(ctx context.Context, now *source, table string) error {
	want := j.written[table]
	old, err := j.open(ctx, table)
	if err != nil {
		return err
	}
	old.text.Close()
	r, err := now.open(ctx, table)
	if err != nil {
		return fmt.Errorf("%w: %w", err, errOtherwise)
	}
	defer r.text.Close()
	sameFields := slices.EqualFunc(r.table.Fields, old.table.Fields,
		func(a, b connectors.Field) bool { return a.Name == b.Name })
	was, is := want.layout, r.layout
	word := cmp.Or(was.Null, is.Null) // it matters only where it stands
	if was.Null == is.Null {
		word = ""
	}
	was.Null, is.Null = "", ""
	if was != is || !sameFields {
		return errOtherwise
	}
	for ; ; want.rows-- {
		row, n, err := r.next()
		switch {
		case err != nil:
			return fmt.Errorf("%w: %w", err, errOtherwise)
		case n == 0 && want.rows != 0:
			return errOtherwise
		case n == 0:
			return nil
		}
		if word != "" && slices.ContainsFunc(r.cells, func(c delimited.Cell) bool {
			return !c.Quoted && string(row[c.Start:c.End]) == word
		}) {
			return errOtherwise
		}
		r.Drop(n)
	}
}

// Foresee looks at the catalog, and whether the files could be rewritten.
func (r *rewriter) Foresee(ctx context.Context, uses []connectors.Use) (found []connectors.Obstacle, err error) {
	tables, err := r.Tables(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range uses {
		found = append(found, connectors.Tables(tables).CheckUse(u, "path")...)
	}
	if r.folder {
		return append(found, anew.ForeseeFolder(r.path)...), nil
	}
	return append(found, anew.Foresee(nil, r.path)...), nil
}
