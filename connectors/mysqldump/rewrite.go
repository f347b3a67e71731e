package mysqldump

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"lethe/connectors"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// The points of a rewrite at which tests kill it.
const (
	pointWritten  = "temporary file written"
	pointVerified = "verified"
	pointReady    = "before rename"
	pointRenamed  = "after rename"
)

// rewriter is a dump that may be written anew.
type rewriter struct {
	*source
	format format
	hook   func(point string) error // of tests; nil
}

// Rewrite writes the dump anew to a temporary file .NAME.lethe-* beside it, compressed as it was, and reads
// that back before it takes the place of the original. It keeps mode, owner and time of modification, so
// that a backup still expires on its day, and computes NAME.sha256 and NAME.md5 anew where they exist. Only
// after an error behind the last rename (of a side-car, or the folder's fsync) is the original gone
// already: the new, verified file stands there. Temporary files of runs that were killed are removed at the
// start. A statement whose rows are all deleted goes whole.
//
// Where a row changes, its generated values become DEFAULT: MariaDB puts them into its dumps, and the old
// values may shine through.
func (r *rewriter) Rewrite(ctx context.Context, q []connectors.Query, edit connectors.EditFunc,
	verify func(connectors.Source) error) (connectors.RewriteReport, error) {
	path, err := filepath.EvalSymlinks(r.Path)
	if err != nil {
		return connectors.RewriteReport{}, r.Fail("rewrite", "", textfile.Error(err), "")
	}
	j := &job{rewriter: r, target: path, edit: edit, verify: verify}
	defer j.discard()
	if err := j.run(ctx, q); err != nil {
		return connectors.RewriteReport{}, r.Fail("rewrite", "", err, rewriteHint(err))
	}
	return j.report, nil
}

func rewriteHint(err error) string {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return "the original is as it was; the folder needs free space for a second copy of the file"
	}
	if errors.Is(err, errSecondName) {
		return mendSecondName
	}
	return ""
}

// job is one rewrite.
type job struct {
	*rewriter
	target string // the path whose bytes are replaced, symbolic links resolved
	edit   connectors.EditFunc
	verify func(connectors.Source) error

	info    os.FileInfo // of the original
	temp    string      // "" once it has been renamed
	swapped bool        // the new file is in place
	report  connectors.RewriteReport
	sums    []*sidecar
	withMD5 bool
	rows    map[dumpfile.TableID]int64 // that the new file must hold
	written *written                   // its bytes, as they were handed to the system
}

func (j *job) run(ctx context.Context, q []connectors.Query) error {
	if err := j.begin(); err != nil {
		return err
	}
	touched, err := j.write(ctx, q)
	if err != nil {
		return err
	}
	if !touched {
		j.report.After = j.report.Before
		return nil
	}
	if err := j.reached(pointWritten); err != nil {
		return err
	}
	if err := j.readBack(ctx); err != nil {
		return err
	}
	if err := j.reached(pointVerified); err != nil {
		return err
	}
	if err := j.unchanged(); err != nil {
		return err
	}
	return j.replace()
}

// reached is a named point of the rewrite.
func (j *job) reached(point string) error {
	if j.hook == nil {
		return nil
	}
	return j.hook(point)
}

// begin looks at the original and clears what a killed run left.
func (j *job) begin() error {
	info, err := os.Stat(j.target)
	if err != nil {
		return textfile.Error(err)
	}
	j.info = info
	if linked(info) {
		return fmt.Errorf("%w: %w", errSecondName, connectors.ErrConfig)
	}
	if err := clearTemporary(j.target); err != nil {
		return err
	}
	j.sums, err = sidecars(j.target)
	return err
}

func clearTemporary(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), connectors.TemporaryPrefix(path)) {
			if err := os.Remove(filepath.Join(filepath.Dir(path), e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// discard removes the temporary files that are still there. Once the new file is in place its side-cars are
// kept: the next rewrite puts them in place.
func (j *job) discard() {
	if j.swapped {
		return
	}
	if j.temp != "" {
		os.Remove(j.temp)
	}
	for _, s := range j.sums {
		if s.temp != "" {
			os.Remove(s.temp)
		}
	}
}

// write streams the original through edit into the temporary file.
func (j *job) write(ctx context.Context, q []connectors.Query) (touched bool, err error) {
	targets, err := j.Prepare(ctx, q)
	if err != nil {
		return false, err
	}
	j.withMD5 = slices.ContainsFunc(j.sums, func(s *sidecar) bool { return s.md5 })
	before := newDigest(j.withMD5)
	in, err := textfile.OpenWith(j.target, textfile.Options{Name: j.format.file, Tee: before, Foreign: foreign})
	if err != nil {
		return false, err
	}
	defer in.Close()
	f, err := os.CreateTemp(filepath.Dir(j.target), connectors.TemporaryPrefix(j.target)+"*")
	if err != nil {
		return false, err
	}
	j.temp = f.Name()
	defer f.Close()
	j.written = &written{Writer: f}
	out, err := writeBehind(j.written, in.Packing)
	if err != nil {
		return false, err
	}
	defer out.close()

	e := &editor{out: out, edit: j.edit, counts: map[*target]*connectors.RewriteCount{}}
	w := j.walk(textfile.NewWindow(ctx, in, textfile.WindowBytes), targets, e)
	if err := w.run(); err != nil {
		return false, err
	}
	if err := j.format.whole(w); err != nil {
		return false, err
	}
	if err := out.close(); err != nil {
		return false, err
	}
	if before.size != j.info.Size() {
		return false, errMoved
	}
	j.report.Before = connectors.FileState{Path: j.Path, Size: before.size, SHA256: before.sha()}
	for _, s := range j.sums {
		if err := s.agrees(before); err != nil {
			return false, err
		}
	}
	j.rows = map[dumpfile.TableID]int64{}
	for id, t := range w.tables {
		j.rows[id] = t.Seen
	}
	for t, count := range e.counts {
		j.report.Tables = append(j.report.Tables, *count)
		j.rows[t.ID] -= count.Deleted
	}
	slices.SortFunc(j.report.Tables, func(a, b connectors.RewriteCount) int {
		return strings.Compare(a.Table, b.Table)
	})
	return e.touched, f.Sync()
}

// walk connects a walker with the editor.
func (j *job) walk(in *textfile.Window, targets map[dumpfile.TableID]*target, e *editor) *walker {
	w := newWalker(in)
	w.targets, w.editor, w.out, w.flush = targets, e, e.text, e.flush
	e.dialect = &w.dialect
	for _, t := range targets {
		e.counts[t] = &connectors.RewriteCount{Table: t.Name}
	}
	w.onRow = func(t *target, tuple []byte, values []span) error {
		if t != e.current {
			if err := e.flush(); err != nil {
				return err
			}
			e.current = t
		}
		t.Ordinal++
		taken, err := t.take(w.dialect, tuple, values)
		if err != nil {
			return w.At(0, "%w", err)
		}
		row := -1
		if taken {
			row = e.rows
			e.rows++
		}
		e.addRow(evRow, tuple, row)
		if t.Builder.Full(t.MaxRows) || len(e.held) > heldBytes {
			return e.flush()
		}
		return nil
	}
	return w
}

var errMoved = fmt.Errorf("the file was changed by someone else while it was being rewritten: %w",
	connectors.ErrTransient)

// unchanged checks that the original still holds the bytes that were read.
func (j *job) unchanged() error {
	info, err := os.Stat(j.target)
	if err != nil {
		return textfile.Error(err)
	}
	if !os.SameFile(info, j.info) || info.Size() != j.info.Size() || !info.ModTime().Equal(j.info.ModTime()) {
		return errMoved
	}
	now, err := digestOf(j.target, false)
	if err != nil {
		return err
	}
	if now.sha() != j.report.Before.SHA256 {
		return errMoved
	}
	return nil
}

// replace puts the new file in the place of the original.
func (j *job) replace() error {
	if err := j.dress(j.temp); err != nil {
		return err
	}
	for _, s := range j.sums {
		if err := s.write(j); err != nil {
			return err
		}
	}
	if err := j.reached(pointReady); err != nil {
		return err
	}
	if err := os.Rename(j.temp, j.target); err != nil {
		return err
	}
	j.temp, j.swapped = "", true
	if err := j.reached(pointRenamed); err != nil {
		return err
	}
	for _, s := range j.sums {
		if err := os.Rename(s.temp, s.path); err != nil {
			return err
		}
		s.temp = ""
	}
	return syncFolder(filepath.Dir(j.target))
}

// dress gives a temporary file owner, mode and times of the original, and syncs it.
func (j *job) dress(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if st, ok := j.info.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil {
			return fmt.Errorf("keep the owner: %w", err)
		}
	}
	if err := f.Chmod(j.info.Mode().Perm()); err != nil {
		return fmt.Errorf("keep the mode: %w", err)
	}
	if err := os.Chtimes(path, j.info.ModTime(), j.info.ModTime()); err != nil {
		return fmt.Errorf("keep the time: %w", err)
	}
	return f.Sync()
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
