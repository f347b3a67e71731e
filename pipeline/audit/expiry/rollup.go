package expiry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/parquet"
	"lethe/pipeline/audit/sealed"
)

// columns are those by which rows are counted, in the order of the key's texts.
var columns = []string{"silo", "source", "object", "action", "change", "reason", "status"}

// Roller counts rows, night by night.
type Roller struct{ counts map[audit.RowRollup]int64 }

// Take counts the rows of a file.
func (r *Roller) Take(ctx context.Context, root string, g Gone) error {
	if r.counts == nil {
		r.counts = map[audit.RowRollup]int64{}
	}
	of, _, _ := strings.Cut(strings.TrimPrefix(g.Path, "table="), "/")
	if strings.HasSuffix(g.Path, sealed.Ends) {
		return counted(ctx, root, g, of)
	}
	rows := int64(0)
	err := parquet.Texts(ctx, filepath.Join(root, filepath.FromSlash(g.Path)), columns, func(t []string) {
		rows++
		r.counts[audit.RowRollup{OfRun: g.RunID, OfDate: g.Date, OfTable: of, Silo: t[0], Source: t[1],
			Object: t[2], Action: t[3], Change: t[4], Reason: t[5], Status: t[6]}]++
	})
	if err == nil && rows != g.Rows {
		err = fmt.Errorf("%d rows, signed were %d", rows, g.Rows)
	}
	if err != nil {
		return fmt.Errorf("count %s: %w", g.Path, err)
	}
	return nil
}

// Count counts a row.
func (r *Roller) Count(row audit.RowRollup) {
	if r.counts == nil {
		r.counts = map[audit.RowRollup]int64{}
	}
	r.counts[row]++
}

// ErrUncounted: the counts that were published beside encrypted rows are missing, or are not theirs.
var ErrUncounted = errors.New("nothing counts what is encrypted")

// Beside is where the counts stand that were published with a file of rows that is encrypted.
func Beside(name string) string {
	_, rest, _ := strings.Cut(name, "/")
	return strings.TrimSuffix("table="+audit.RowRollupTable+"/"+rest, sealed.Ends)
}

// counted holds an encrypted file, which nobody reads here, against the counts that its night published beside it: they
// stay in its place.
func counted(ctx context.Context, root string, g Gone, of string) error {
	beside := Beside(g.Path)
	rows := int64(0)
	err := parquet.Texts(ctx, filepath.Join(root, filepath.FromSlash(beside)), []string{"of_table", "rows"},
		func(t []string) {
			if n, err := strconv.ParseInt(t[1], 10, 64); err == nil && t[0] == of {
				rows += n
			}
		})
	if err == nil && rows != g.Rows {
		err = fmt.Errorf("%d rows are counted in %s, signed were %d", rows, beside, g.Rows)
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrUncounted, g.Path, err)
	}
	return nil
}

// Write writes the counts as a table of a run below a folder that becomes the run's purge, and says which files that
// is.
func (r *Roller) Write(ctx context.Context, folder, date string, run audit.Run, gate audit.Gate) ([]File, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil || len(r.counts) == 0 {
		return nil, err
	}
	t, err := parquet.NewTable[audit.RowRollup](audit.RowRollupTable, folder, date, run, gate)
	if err != nil {
		return nil, err
	}
	defer t.Release()
	for _, row := range r.Rows() {
		if err := t.Add(row.Silo, []audit.RowRollup{row}); err != nil {
			return nil, err
		}
	}
	files, hits, err := t.Close(ctx)
	if err := cmp.Or(err, hits); err != nil {
		return nil, fmt.Errorf("table %s: %w", audit.RowRollupTable, err)
	}
	made := make([]File, len(files))
	for i, f := range files {
		made[i] = File{Path: Place(run.RunID) + "/" + f.Path, Bytes: f.Bytes, Rows: f.Rows, SHA256: f.SHA256}
	}
	return made, nil
}

// Rows are the counts in a fixed order.
func (r *Roller) Rows() []audit.RowRollup {
	rows := make([]audit.RowRollup, 0, len(r.counts))
	for row, n := range r.counts {
		row.Rows = n
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b audit.RowRollup) int {
		return cmp.Or(strings.Compare(a.Silo, b.Silo), strings.Compare(a.OfDate, b.OfDate),
			strings.Compare(a.OfRun, b.OfRun), strings.Compare(a.OfTable, b.OfTable),
			strings.Compare(a.Source, b.Source),
			strings.Compare(a.Object, b.Object), strings.Compare(a.Action, b.Action),
			strings.Compare(a.Change, b.Change), strings.Compare(a.Reason, b.Reason),
			strings.Compare(a.Status, b.Status))
	})
	return rows
}
