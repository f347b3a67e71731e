package pgdump

import (
	"context"
	"errors"
	"fmt"
	"io"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// rewriter is a dump that may be written anew.
type rewriter struct {
	*source
	format format
	hook   func(anew.Point) error // of tests; nil
	beside [32]byte               // what lies in an archive beside the dump, as it was read last
}

// Rewrite writes the dump anew to a temporary file beside it, packed as it was, and reads that back before it takes
// the place of the original, as package anew says. A COPY keeps its header when all of its rows are deleted; an INSERT
// goes whole.
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
	e := dumpfile.NewEditor[*target](edit)
	if r.Folder {
		return r.rewriteFolder(ctx, q, e, verify)
	}
	j, err := anew.Begin(r.Shelf, r.Path, r.hook)
	if err != nil {
		return report, err
	}
	defer j.Discard()
	write := r.write
	if r.format.archive {
		write = r.writeArchive
	}
	held, err := write(ctx, j, q, e)
	if err != nil {
		return report, err
	}
	report.Tables = e.Counted()
	report.Before, report.After = j.Before, j.After
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
	o := r.format.opening
	o.Tee, o.Beside = before, &r.beside
	in, err := textfile.OpenWith(j.Target(), o)
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
	e.Out = out.Put
	w := r.format.walk(textfile.NewWindow(ctx, in, textfile.WindowBytes), targets, e)
	if err := r.format.run(w); err != nil {
		return nil, err
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	if e.Touched && w.statistics {
		return nil, fmt.Errorf("%w: %w", errStatistics, errors.ErrUnsupported)
	}
	held = map[dumpfile.TableID]int64{}
	for _, t := range w.order {
		held[w.root(t.ID)] += t.Seen
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

// walk connects a walker with the editor. What cannot be followed is refused, even where reading passes over it.
func (f format) walk(in *textfile.Window, targets map[dumpfile.TableID]*target, e *editor) *walker {
	w := newWalker(in)
	w.targets, w.editor, w.flush = targets, e, e.Flush
	e.Writing = &writing{dialect: &w.dialect}
	e.Count(targets)
	for _, g := range targets {
		g.unchecked = false
	}
	w.onRow = func(g *target, r row) error {
		if err := e.Turn(g); err != nil {
			return err
		}
		taken, err := g.take(w.dialect, r.text, r.values)
		switch {
		case err != nil:
			return err
		case len(r.end) > 0: // of COPY
			return e.Line(r.text, r.end, taken)
		}
		return e.Row(r.text, taken)
	}
	return w
}

// readBack reads the new file in full, compares its tables and rows with what must be in it, and calls verify.
func (r *rewriter) readBack(ctx context.Context, temp string, held map[dumpfile.TableID]int64,
	verify func(connectors.Source) error) error {
	old, err := r.Contents(ctx)
	if err != nil {
		return err
	}
	if r.format.archive {
		if err := sameContents(r.Shelf, r.Path, temp); err != nil {
			return err
		}
	}
	rewritten, beside := r.format, [32]byte{}
	rewritten.before, rewritten.opening.Beside = old, &beside
	written := &source{Name: r.Name, Path: temp, Shelf: r.Shelf, Format: rewritten, Folder: r.Folder}
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
	known, err := r.Contents(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range known {
		if t.ID.Name == plannerStatistics {
			found = append(found, connectors.Obstacle{Kind: errors.ErrUnsupported, DSN: "path",
				What: errStatistics.Error(), Mend: mendStatistics})
		}
	}
	if r.Folder {
		return append(found, r.foreseeFolder()...), nil
	}
	return append(found, anew.Foresee(r.Shelf, r.Path)...), nil
}
