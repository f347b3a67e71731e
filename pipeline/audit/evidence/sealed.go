package evidence

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"lethe/pipeline/audit/manifest"
	"lethe/pipeline/audit/sealed"
)

// sealed checks what a file holds that is encrypted for readers, where one of the identities opens it. It is opened in
// a throwaway folder that nobody else can read.
func (v *verifier) sealed(ctx context.Context, f manifest.File, path string) (err error) {
	if len(v.identities) == 0 {
		v.shut++
		return nil
	}
	folder, err := os.MkdirTemp("", "lethe-verify.")
	if err != nil {
		return fmt.Errorf("cannot be opened: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	clearText := filepath.Join(folder, "rows.parquet")
	_, digest, err := sealed.Open(path, clearText, v.identities)
	if errors.Is(err, sealed.ErrOther) {
		v.shut++
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot be opened: %w", err)
	}
	v.opened++
	if digest != f.Clear {
		return fmt.Errorf("holds other rows than were signed: digest %.16s, signed was %.16s", digest, f.Clear)
	}
	return rowsOf(ctx, f, clearText)
}

// unopened says how much was only held against its digest.
func (v *verifier) unopened() {
	if v.shut+v.opened == 0 {
		return
	}
	note := fmt.Sprintf("%d files are encrypted for the readers of their silos", v.shut+v.opened)
	if v.opened > 0 {
		note += fmt.Sprintf("; %d were opened, and hold the rows that were signed", v.opened)
	}
	if v.shut > 0 {
		note += fmt.Sprintf("; of %d only the digests of the files were checked, which who reads them can go on from "+
			"with --identity FILE", v.shut)
	}
	v.report.Notes = append(v.report.Notes, note)
}
