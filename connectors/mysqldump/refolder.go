package mysqldump

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// folderRewriter is a folder that may be written anew.
type folderRewriter struct {
	*source
	format folderFormat
	hook   func(anew.Point) error // of tests; nil
}

// Rewrite writes the files anew in which something changes, each packed as it was, beside hard links to all others, and
// reads that folder back before it takes the place of the original, as anew.Folder says. What mydumper says of a table's
// rows is kept true; a checksum of a table's data, which only a server can compute, is left out where the data changes.
func (r *folderRewriter) Rewrite(ctx context.Context, q []connectors.Query, edit connectors.EditFunc,
	verify func(connectors.Source) error) (connectors.RewriteReport, error) {
	report, err := r.rewrite(ctx, q, edit, verify)
	if err != nil {
		return connectors.RewriteReport{}, r.Fail("rewrite", "", err, anew.Hint(err))
	}
	return report, nil
}

// folderJob is one rewrite.
type folderJob struct {
	*folderRewriter
	*anew.Folder
	editor  *editor
	touched bool
	rows    map[dumpfile.TableID]int64 // of tables of which something changes, how many stay
}

func (r *folderRewriter) rewrite(ctx context.Context, q []connectors.Query, edit connectors.EditFunc,
	verify func(connectors.Source) error) (report connectors.RewriteReport, err error) {
	begun, err := anew.BeginFolder(r.Path, r.hook)
	if err != nil {
		return report, err
	}
	defer begun.Discard()
	e := dumpfile.NewEditor[*target](edit)
	j := &folderJob{folderRewriter: r, Folder: begun, editor: e, rows: map[dumpfile.TableID]int64{}}
	targets, err := r.Prepare(ctx, q)
	if err != nil {
		return report, err
	}
	if err := j.write(ctx, targets); err != nil {
		return report, err
	}
	report.Tables = e.Counted()
	for t, count := range e.Counts {
		if count.Deleted+count.Updated > 0 {
			j.rows[t.ID] = t.Seen - count.Deleted
		}
	}
	if j.touched {
		if err := j.metadata(); err != nil {
			return report, err
		}
	}
	if err := j.Wrote(); err != nil {
		return report, err
	}
	if report.Before, report.After = j.Before, j.Before; j.touched {
		err = j.Finish(func(temp string) error { return j.readBack(ctx, temp, verify) })
		report.Before, report.After = j.Before, j.After
	}
	return report, err
}

// write streams the files that hold rows of the targets through edit into new ones.
func (j *folderJob) write(ctx context.Context, targets map[dumpfile.TableID]*target) error {
	w := rewriting(nil, targets, j.editor)
	format, packers := j.format, new(anew.Reused)
	format.reused = new(textfile.Reused)
	return format.each(targets, func(p piece) error {
		in, err := format.open(j.Target(), p.name, textfile.Options{Tee: j.Reading(p.name)})
		if err != nil {
			return err
		}
		defer in.Close()
		f, err := j.Create(p.name)
		if err != nil {
			return err
		}
		defer f.Close()
		out, err := packers.NewWriter(f, in.Packing)
		if err != nil {
			return err
		}
		defer out.Close()
		e := j.editor
		e.Begin(out.Put)
		if err := format.piece(ctx, j.Target(), w, p, in); err != nil {
			return err
		}
		if err := out.Close(); err != nil {
			return err
		}
		if !e.Touched {
			return j.Drop(p.name)
		}
		j.touched = true
		return nil
	})
}

// metadata keeps true what mydumper says of the tables of which something changed.
func (j *folderJob) metadata() error {
	names, err := textfile.FolderNames(j.Target())
	if err != nil || kindOf(j.Target(), names) != byMydumper {
		return err
	}
	x, err := indexOf(j.Target())
	if err != nil {
		return err
	}
	for _, said := range x.meta.files {
		rows, changed := j.rows[dumpfile.TableID{Database: said.database, Name: said.table}]
		switch {
		case !changed || said.of == metadataName:
		case said.sum:
			err = j.Omit(said.of)
		case said.rows >= 0:
			err = j.put(said.of, []byte(fmt.Sprint(rows)))
		}
		if err != nil {
			return err
		}
	}
	content, err := os.ReadFile(filepath.Join(j.Target(), metadataName))
	if err != nil {
		return textfile.Error(err)
	}
	real, err := databases(j.Target(), names)
	if err != nil {
		return err
	}
	if fresh := rewritten(content, real, j.rows); string(fresh) != string(content) {
		return j.put(metadataName, fresh)
	}
	return nil
}

// put makes a small file anew.
func (j *folderJob) put(name string, content []byte) error {
	f, err := j.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return err
	}
	return f.Close()
}

// readBack reads the new folder in full, compares its tables and rows with what must be in it, and calls verify.
func (j *folderJob) readBack(ctx context.Context, temp string, verify func(connectors.Source) error) error {
	old, err := j.Contents(ctx)
	if err != nil {
		return err
	}
	f := j.format
	f.before = slices.DeleteFunc(slices.Clone(old), func(t *table) bool { return t.Absent != "" })
	now := &source{Name: j.Name, Path: temp, Format: f, Folder: true}
	tables, err := now.Contents(ctx)
	if err != nil {
		return fmt.Errorf("read back the new folder: %w", err)
	}
	err = dumpfile.Same(old, tables, func(t *dumpfile.Entry) int64 {
		if rows, changed := j.rows[t.ID]; changed {
			return rows
		}
		return t.Seen
	})
	if err != nil {
		return err
	}
	return verify(now)
}

// Foresee looks at the catalog, and whether the folder could be rewritten.
func (r *folderRewriter) Foresee(ctx context.Context, uses []connectors.Use) (found []connectors.Obstacle, err error) {
	tables, err := r.Tables(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range uses {
		found = append(found, connectors.Tables(tables).CheckUse(u, "path")...)
	}
	return append(found, anew.ForeseeFolder(r.Path)...), nil
}
