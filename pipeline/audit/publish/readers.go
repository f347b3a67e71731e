package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/audit/manifest"
	"lethe/pipeline/audit/parquet"
	"lethe/pipeline/audit/sealed"
)

// recall takes in whose rows are encrypted, and what the run published before. Encrypted again, the same rows are other
// bytes: what stands is taken then, and a silo's rows are encrypted where they were.
func (w *publisher) recall() error {
	if w.Private != "" {
		if err := os.RemoveAll(w.Private); err != nil { // of a run that was killed
			return err
		}
	}
	body, err := os.ReadFile(filepath.Join(w.Root, filepath.FromSlash(w.night()), manifest.Name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		for silo, list := range w.Readers {
			if len(list) > 0 {
				w.sealed = append(w.sealed, silo)
			}
		}
		slices.Sort(w.sealed)
	case err != nil:
		return err
	default:
		var before manifest.Manifest
		if err := json.Unmarshal(body, &before); err != nil {
			return fmt.Errorf("what stands published of the run: %w", err)
		}
		w.sealed, w.standing = before.Sealed, map[string]manifest.File{}
		for _, f := range before.Files {
			w.standing[f.Path] = f
		}
	}
	if len(w.sealed) > 0 && w.Private == "" {
		return errors.New("rows of silos with readers need a place apart until they are encrypted")
	}
	return nil
}

// seals says whether rows of a table are encrypted, of any silo.
func (w *publisher) seals(table string) bool {
	return len(w.sealed) > 0 && slices.Contains(expiry.RowTables(), table)
}

// private says whether a silo's rows are encrypted.
func (w *publisher) private(silo string) bool { return slices.Contains(w.sealed, silo) }

// apart adds rows to the one table, or to the other where they are encrypted.
func apart[T any](w *publisher, rows []T, silo func(*T) string, open, private *parquet.Table[T]) error {
	for len(rows) > 0 {
		name, n := silo(&rows[0]), 1
		for n < len(rows) && silo(&rows[n]) == name {
			n++
		}
		to := open
		if w.private(name) {
			to = private
		}
		if err := to.Add(name, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// seal encrypts files for the readers of their silos.
func (w *publisher) seal(files []parquet.File) error {
	for _, f := range files {
		made := manifest.File{Path: f.Path + sealed.Ends, Rows: f.Rows, Clear: f.SHA256}
		from := filepath.Join(w.Private, filepath.FromSlash(f.Path))
		to := filepath.Join(w.folder, filepath.FromSlash(made.Path))
		var err error
		if before, stands := w.standing[made.Path]; stands {
			made, err = w.again(before, f)
		} else {
			made.Bytes, made.SHA256, err = sealed.Seal(from, to, w.readersOf(f.Path))
		}
		if err != nil {
			return err
		}
		w.files = append(w.files, made)
		if err := os.Remove(from); err != nil {
			return err
		}
	}
	return nil
}

// again takes an encrypted file as it was published, of which the rows are the same.
func (w *publisher) again(before manifest.File, f parquet.File) (manifest.File, error) {
	stands := filepath.Join(w.Root, filepath.FromSlash(before.Path))
	if before.Clear != f.SHA256 {
		return before, fmt.Errorf("%s stands published already, with other rows", before.Path)
	}
	_, digest, err := sealed.Copy(stands, filepath.Join(w.folder, filepath.FromSlash(before.Path)))
	if err != nil || digest != before.SHA256 {
		return before, errors.Join(err,
			fmt.Errorf("%s is missing or was changed, and what is encrypted is other bytes "+
				"when it is encrypted again: put it back from a copy of the reports", before.Path))
	}
	return before, nil
}

// readersOf are the recipients of a file, by the silo that it is of.
func (w *publisher) readersOf(name string) []string {
	for silo, list := range w.Readers {
		if path.Base(name) == "silo="+parquet.SiloName(silo)+".parquet" {
			return list
		}
	}
	return nil
}

// discreet leaves out of what stands in the clear what values of silos with readers look like.
func (w *publisher) discreet() {
	w.Facts.Inventory = slices.Clone(w.Facts.Inventory)
	for i := range w.Facts.Inventory {
		row := &w.Facts.Inventory[i]
		for silo := range strings.SplitSeq(row.Silo, ";") {
			if w.private(silo) {
				row.Shapes = ""
			}
		}
	}
}

// undated leaves out the days of decisions that stand in the clear: who reads those of two silos would find who of the
// one is who of the other by what they have in common.
func (w *publisher) undated(of iter.Seq2[[]audit.Decision, error]) iter.Seq2[[]audit.Decision, error] {
	if of == nil {
		return nil
	}
	return func(yield func([]audit.Decision, error) bool) {
		for rows, err := range of {
			rows = slices.Clone(rows)
			for i := range rows {
				if d := &rows[i]; !w.private(d.Silo) {
					d.Until, d.Due, d.FlaggedAt = "", "", time.Time{}
				}
			}
			if !yield(rows, err) {
				return
			}
		}
	}
}

// countedDecisions passes the decisions on, and counts those that are encrypted.
func (w *publisher) countedDecisions(of iter.Seq2[[]audit.Decision, error]) iter.Seq2[[]audit.Decision, error] {
	if of == nil || !w.seals("decisions") {
		return of
	}
	return func(yield func([]audit.Decision, error) bool) {
		for rows, err := range of {
			for i := range rows {
				if d := &rows[i]; w.private(d.Silo) {
					w.counts.Count(audit.RowRollup{OfRun: w.Facts.Run.RunID, OfDate: w.Date, OfTable: "decisions",
						Silo: d.Silo, Source: d.Source, Object: d.Object, Action: d.Action, Change: d.Change,
						Reason: d.Reason})
				}
			}
			if !yield(rows, err) {
				return
			}
		}
	}
}

// countAction counts an action that is encrypted.
func (w *publisher) countAction(a *audit.Action) {
	if w.private(a.Silo) {
		w.counts.Count(audit.RowRollup{OfRun: w.Facts.Run.RunID, OfDate: w.Date, OfTable: "actions", Silo: a.Silo,
			Source: a.Source, Object: a.Object, Change: a.Change, Reason: a.Reason, Status: a.Status})
	}
}

// rowCounts writes what the rows that are encrypted come to, in the clear.
func (w *publisher) rowCounts(ctx context.Context) error {
	rows := w.counts.Rows()
	if len(rows) == 0 {
		return nil
	}
	return writeRows(ctx, w, audit.RowRollupTable, rows, func(r *audit.RowRollup) string { return r.Silo })
}
