package mysqldump

import (
	"context"

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
}

// Rewrite writes the dump anew to a temporary file beside it, packed as it was, and reads that back before it takes the
// place of the original, as package anew says. A statement whose rows are all deleted goes whole.
//
// Where a row changes, its generated values become DEFAULT: MariaDB puts them into its dumps, and the old
// values may shine through.
func (r *rewriter) Rewrite(ctx context.Context, q []connectors.Query, edit connectors.EditFunc,
	verify func(connectors.Source) error) (connectors.RewriteReport, error) {
	report, err := r.rewrite(ctx, q, edit, verify)
	if err != nil {
		return connectors.RewriteReport{}, r.Fail("rewrite", "", err, anew.Hint(err))
	}
	return report, nil
}

// job is one rewrite.
type job struct {
	*rewriter
	*anew.Job
	edit    connectors.EditFunc
	verify  func(connectors.Source) error
	counts  []connectors.RewriteCount
	rows    map[dumpfile.TableID]int64 // that the new file must hold
	beside  [32]byte                   // what lies in an archive beside the dump
	written *anew.Passing              // its bytes, as they were handed to the system
}

func (r *rewriter) rewrite(ctx context.Context, q []connectors.Query, edit connectors.EditFunc,
	verify func(connectors.Source) error) (report connectors.RewriteReport, err error) {
	begun, err := anew.Begin(r.Shelf, r.Path, r.hook)
	if err != nil {
		return report, err
	}
	defer begun.Discard()
	j := &job{rewriter: r, Job: begun, edit: edit, verify: verify}
	touched, err := j.write(ctx, q)
	if err == nil && touched {
		err = j.Finish(func(temp string) error { return j.readBack(ctx, temp) })
	}
	report.Before, report.After, report.Tables = j.Before, j.After, j.counts
	if !touched {
		report.After = report.Before
	}
	return report, err
}

// write streams the original through edit into the temporary file.
func (j *job) write(ctx context.Context, q []connectors.Query) (touched bool, err error) {
	targets, err := j.Prepare(ctx, q)
	if err != nil {
		return false, err
	}
	before := j.Digest()
	o := j.format.opening
	o.Tee, o.Foreign, o.Beside = before, foreign, &j.beside
	in, err := textfile.OpenWith(j.Target(), o)
	if err != nil {
		return false, err
	}
	defer in.Close()
	f, err := j.Create()
	if err != nil {
		return false, err
	}
	defer f.Close()
	j.written = &anew.Passing{Writer: f}
	out, err := anew.NewWriter(j.written, in.Packing)
	if err != nil {
		return false, err
	}
	defer out.Close()

	e := dumpfile.NewEditor[*target](j.edit)
	e.Out = out.Put
	w := rewriting(textfile.NewWindow(ctx, in, textfile.WindowBytes), targets, e)
	if err := w.run(); err != nil {
		return false, err
	}
	if err := j.format.whole(w); err != nil {
		return false, err
	}
	if err := out.Close(); err != nil {
		return false, err
	}
	if err := j.Wrote(f, before); err != nil {
		return false, err
	}
	j.rows = map[dumpfile.TableID]int64{}
	for id, t := range w.tables {
		j.rows[id] = t.Seen
	}
	for t, count := range e.Counts {
		j.rows[t.ID] -= count.Deleted
	}
	j.counts = e.Counted()
	return e.Touched, nil
}

// rewriting connects a walker with the editor. A value that only the server can compute is refused, even where reading passes
// over it.
func rewriting(in *textfile.Window, targets map[dumpfile.TableID]*target, e *editor) *walker {
	w := newWalker(in)
	w.targets, w.editor, w.out, w.flush = targets, e, e.Text, e.Flush
	e.Writing = &writing{dialect: &w.dialect}
	e.Count(targets)
	for _, g := range targets {
		g.unchecked = false
	}
	w.onRow = func(t *target, tuple []byte, values []span) error {
		if err := e.Turn(t); err != nil {
			return err
		}
		taken, err := t.take(w.dialect, tuple, values)
		if err != nil {
			return w.At(0, "%w", err)
		}
		return e.Row(tuple, taken)
	}
	return w
}
