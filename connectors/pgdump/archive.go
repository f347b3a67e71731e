package pgdump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/pgarchive"
	"lethe/connectors/internal/textfile"
)

// errStatistics says that values of rows stand elsewhere than in them.
var errStatistics = errors.New("the file holds statistics of the planner, in which values of rows stand")

const mendStatistics = "take the dump with --no-statistics; this one is left as it is, and ends by `keep`"

// archiveEditor edits the data of an archive, entry by entry.
type archiveEditor struct {
	ctx     context.Context
	format  format
	targets map[dumpfile.TableID]*target
	editor  *editor
	before  *walker // what stands before the data, as it was read
	touched bool
}

// writeArchive writes an archive anew through the editor, and returns how many rows of each table it must hold.
func (r *rewriter) writeArchive(ctx context.Context, j *anew.Job, q []connectors.Query,
	e *editor) (held map[dumpfile.TableID]int64, err error) {
	a, err := r.edits(ctx, q, e)
	if err != nil {
		return nil, err
	}
	in, err := pgarchive.OpenFile(r.Shelf, j.Target())
	if err != nil {
		return nil, textfile.Error(err)
	}
	defer in.Close()
	f, err := j.Create()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	seeks, closes, err := seekable(f)
	if err != nil {
		return nil, err
	}
	defer closes()
	before, after := j.Digest(), j.Digest()
	if err := pgarchive.Rewrite(in, before, seeks, a); err != nil {
		return nil, err
	}
	if _, err := seeks.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	to := io.Writer(after)
	if seeks != f {
		to = io.MultiWriter(f, after)
	}
	if _, err := io.Copy(to, seeks); err != nil {
		return nil, err
	}
	if err := j.Wrote(f, before); err != nil {
		return nil, err
	}
	j.Holds(after)
	return a.held(ctx, r)
}

// seekable is a file like one that is written, in which places can be gone back to: those of data stand before them in an
// archive. One on a Shelf takes a file of this machine that has no name, and is gone with the process.
func seekable(f anew.File) (*os.File, func(), error) {
	if own, is := f.(*os.File); is {
		return own, func() {}, nil
	}
	aside, err := os.CreateTemp("", "lethe-archive-")
	if err != nil {
		return nil, nil, err
	}
	return aside, func() { aside.Close() }, os.Remove(aside.Name())
}

// edits prepares the edits of an archive.
func (r *rewriter) edits(ctx context.Context, q []connectors.Query, e *editor) (*archiveEditor, error) {
	targets, err := r.Prepare(ctx, q)
	if err != nil {
		return nil, err
	}
	e.Count(targets)
	for _, g := range targets {
		g.unchecked = false
	}
	return &archiveEditor{ctx: ctx, format: r.format, targets: targets, editor: e}, nil
}

// held is how many rows of each table the new archive must hold.
func (a *archiveEditor) held(ctx context.Context, r *rewriter) (map[dumpfile.TableID]int64, error) {
	old, err := r.Contents(ctx)
	if err != nil {
		return nil, err
	}
	a.editor.Touched = a.touched
	held := map[dumpfile.TableID]int64{}
	for _, t := range old {
		held[t.ID] = t.Seen
	}
	for g, count := range a.editor.Counts {
		held[g.ID] -= count.Deleted
	}
	return held, nil
}

// Begin reads what stands before the data.
func (a *archiveEditor) Begin(t *pgarchive.TOC) error {
	a.before = newWalker(textfile.NewWindow(a.ctx, strings.NewReader(t.Prelude()), textfile.WindowBytes))
	a.before.targets = a.targets
	if err := a.before.run(); err != nil {
		return err
	}
	for _, e := range t.Entries {
		if strings.Contains(e.Defn, attributeStatistics) {
			a.before.statistics = true
		}
	}
	return nil
}

// Wants reports whether an entry has rows of a table that is asked for. That of a partition has those of the whole.
func (a *archiveEditor) Wants(e *pgarchive.Entry) bool {
	id := dumpfile.TableID{Database: a.before.database, Schema: a.before.decoded(e.Namespace),
		Name: a.before.decoded(e.Tag)}
	return e.Desc == "TABLE DATA" && a.targets[a.before.root(id)] != nil
}

// Edit writes the rows of an entry as the editor says.
func (a *archiveEditor) Edit(entry *pgarchive.Entry, rows io.Reader, out io.Writer) (touched bool, err error) {
	z := anew.Behind(out)
	defer z.Close()
	text := textfile.Of(io.NopCloser(rows))
	defer text.Close()
	e := a.editor
	header := len(entry.Copy) // which stands in the table of contents
	e.Begin(func(b []byte) error {
		n := min(header, len(b))
		header -= n
		return z.Put(b[n:])
	})
	w := a.format.walk(textfile.NewWindow(a.ctx, io.MultiReader(strings.NewReader(entry.Copy), text),
		textfile.WindowBytes), a.targets, e)
	w.schema, w.dialect = a.before.schema, a.before.dialect
	if err := w.run(); err != nil {
		return false, fmt.Errorf("%s: %w", entry.What(), err)
	}
	if err := z.Close(); err != nil {
		return false, err
	}
	a.touched = a.touched || e.Touched
	if e.Touched && a.before.statistics {
		return false, fmt.Errorf("%w: %w", errStatistics, errors.ErrUnsupported)
	}
	return e.Touched, nil
}

// sameContents compares the tables of contents of two archives, but for the places of data.
func sameContents(shelf connectors.Shelf, path, other string) error {
	var lists [2][]pgarchive.Entry
	for i, p := range []string{path, other} {
		t, err := pgarchive.Contents(shelf, p)
		if err != nil {
			return err
		}
		for _, e := range t.Entries {
			e.Place = 0
			lists[i] = append(lists[i], *e)
		}
	}
	if !slices.Equal(lists[0], lists[1]) {
		return fmt.Errorf("read back the new file: its table of contents is not as it was: %w", connectors.ErrDamaged)
	}
	return nil
}
