package mssqldump

import (
	"context"
	"fmt"
	"io"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// rewriter is a script that may be written anew.
type rewriter struct {
	*source
	format format
	hook   func(anew.Point) error // of tests; nil
	beside [32]byte               // what lies in an archive beside the dump, as it was read last
}

// Rewrite writes the script anew to a temporary file beside it, in the bytes in which it was written and packed as it
// was, and reads that back before it takes the place of the original, as package anew says. An INSERT whose rows all go
// goes whole; the line GO behind it stays.
func (r *rewriter) Rewrite(ctx context.Context, q []connectors.Query, edit connectors.EditFunc,
	verify func(connectors.Source) error) (connectors.RewriteReport, error) {
	report, err := r.rewrite(ctx, q, edit, verify)
	if err != nil {
		return connectors.RewriteReport{}, r.Fail("rewrite", "", err, anew.Hint(err))
	}
	return report, nil
}

func (r *rewriter) rewrite(ctx context.Context, q []connectors.Query, edit connectors.EditFunc,
	verify func(connectors.Source) error) (report connectors.RewriteReport, err error) {
	j, err := anew.Begin(r.Shelf, r.Path, r.hook)
	if err != nil {
		return report, err
	}
	defer j.Discard()
	e := dumpfile.NewEditor[*target](edit)
	held, err := r.write(ctx, j, q, e)
	if err != nil {
		return report, err
	}
	report.Tables, report.Before, report.After = e.Counted(), j.Before, j.After
	if !e.Touched {
		report.After = report.Before
		return report, nil
	}
	return report, j.Finish(func(temp string) error { return r.readBack(ctx, temp, held, verify) })
}

// write streams the original through the editor into the temporary file, and returns how many rows of each table that
// must hold.
func (r *rewriter) write(ctx context.Context, j *anew.Job, q []connectors.Query,
	e *editor) (held map[dumpfile.TableID]int64, err error) {
	targets, err := r.Prepare(ctx, q)
	if err != nil {
		return nil, err
	}
	before, after := j.Digest(), j.Digest()
	reading := r.format
	reading.opening.Beside = &r.beside
	in, code, err := reading.open(j.Target(), before)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	f, err := j.Create()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out, err := anew.NewWriter(io.MultiWriter(f, after), in.Packing)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	w := newWalker(textfile.NewWindow(ctx, in, textfile.WindowBytes))
	w.targets, w.editor, w.flush = targets, e, e.Flush
	e.Out, e.Writing = code.writer(out.Put), &writing{dialect: &w.dialect, codec: code}
	e.Count(targets)
	for _, g := range targets {
		g.unchecked = false
	}
	w.onRow = func(g *target, r row) error {
		if err := e.Turn(g); err != nil {
			return err
		}
		taken, err := g.take(w.dialect, r.text, r.values)
		if err != nil {
			return err
		}
		return e.Row(r.text, taken)
	}
	if err := r.format.run(w); err != nil {
		return nil, err
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	held = map[dumpfile.TableID]int64{}
	for _, t := range w.order {
		held[t.ID] += t.Seen
	}
	for g, count := range e.Counts {
		held[g.ID] -= count.Deleted
	}
	if err := j.Wrote(f, before); err != nil {
		return nil, err
	}
	j.Holds(after)
	return held, nil
}

// readBack reads the new script in full, compares its tables and rows with what must be in it, and calls verify.
func (r *rewriter) readBack(ctx context.Context, temp string, held map[dumpfile.TableID]int64,
	verify func(connectors.Source) error) error {
	old, err := r.Contents(ctx)
	if err != nil {
		return err
	}
	rewritten, beside := r.format, [32]byte{}
	rewritten.before, rewritten.opening.Beside = old, &beside
	written := &source{Name: r.Name, Path: temp, Shelf: r.Shelf, Format: rewritten}
	now, err := written.Contents(ctx)
	if err != nil {
		return fmt.Errorf("read back the new file: %w", err)
	}
	if beside != r.beside {
		return dumpfile.ErrBeside
	}
	if err := dumpfile.Same(old, now, func(t *dumpfile.Entry) int64 { return held[t.ID] }); err != nil {
		return err
	}
	return verify(written)
}

// Foresee looks at the catalog, and whether the file could be rewritten.
func (r *rewriter) Foresee(ctx context.Context, uses []connectors.Use) (found []connectors.Obstacle, err error) {
	tables, err := r.Tables(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range uses {
		found = append(found, connectors.Tables(tables).CheckUse(u, "path")...)
	}
	return append(found, anew.Foresee(r.Shelf, r.Path)...), nil
}
