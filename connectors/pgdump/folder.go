package pgdump

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
	"lethe/connectors/internal/pgarchive"
	"lethe/connectors/internal/textfile"
)

// errStray says that a folder holds more than the archive.
var errStray = errors.New("the folder holds what its table of contents does not name")

const mendStray = "move it away: nobody restores it, and rows in it would stay; side-cars are SHA256SUMS, MD5SUMS, and " +
	"the names of its files with .sha256 or .md5"

// rewriteFolder writes an archive that is a folder anew: a new file for the data of each entry that is touched, beside all
// others as they are. The new folder takes the place of the old one at once.
func (r *rewriter) rewriteFolder(ctx context.Context, q []connectors.Query, e *editor,
	verify func(connectors.Source) error) (report connectors.RewriteReport, err error) {
	a, err := r.edits(ctx, q, e)
	if err != nil {
		return report, err
	}
	if strays, err := r.strays(); err != nil {
		return report, err
	} else if len(strays) > 0 {
		return report, fmt.Errorf("%w, %s: %w", errStray, strays[0], connectors.ErrConfig)
	}
	j, err := anew.BeginFolder(r.Path, r.hook)
	if err != nil {
		return report, err
	}
	defer j.Discard()
	if err := pgarchive.RewriteDirectory(j.Target(), j, a); err != nil {
		return report, err
	}
	held, err := a.held(ctx, r)
	if err != nil {
		return report, err
	}
	if err := j.Wrote(); err != nil {
		return report, err
	}
	report.Tables, report.Before, report.After = e.Counted(), j.Before, j.Before
	if !e.Touched {
		return report, nil
	}
	err = j.Finish(func(temp string) error { return r.readBack(ctx, temp, held, verify) })
	report.After = j.After
	return report, err
}

// strays are files that belong neither to the archive nor to its side-cars.
func (r *rewriter) strays() ([]string, error) {
	strays, err := pgarchive.Strays(r.Path)
	if err != nil {
		return nil, textfile.Error(err)
	}
	return slices.DeleteFunc(strays, anew.IsSidecar), nil
}

// foreseeFolder says what stands in the way of writing the folder anew.
func (r *rewriter) foreseeFolder() []connectors.Obstacle {
	found := anew.ForeseeFolder(r.Path)
	if strays, err := r.strays(); err == nil && len(strays) > 0 { // else rewriting will tell
		found = append(found, connectors.Obstacle{Kind: connectors.ErrConfig, DSN: "path",
			What: errStray.Error() + ": " + strays[0], Mend: mendStray})
	}
	return found
}
