package evidence

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/registry/keystore"
)

// Files are what a run published besides its manifest, as that names them.
func Files(root string, s Standing, key keystore.PublicKey) ([]expiry.File, error) {
	name := ManifestPath(root, s.Date, s.RunID)
	body, err := readSmall(name)
	if err != nil {
		return nil, err
	}
	sig, err := readSmall(filepath.Join(filepath.Dir(name), signatureName))
	if err != nil {
		return nil, err
	}
	m, err := openManifest(body, sig, key)
	if err == nil && m.runID() != s.RunID {
		err = errors.New("it is of another run")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrEdited, name, err)
	}
	files := make([]expiry.File, len(m.Files))
	for i, f := range m.Files {
		files[i] = expiry.File(f)
	}
	return files, nil
}

// purged checks what purges left, and that they removed nothing but what was over its term.
func (v *verifier) purged(ctx context.Context) error {
	for _, p := range v.purges.Purges {
		for _, f := range p.Made {
			delete(v.unclaimed, f.Path)
			err := v.file(ctx, manifestFile(f))
			if expired := v.purges.Published(f, errors.Is(err, fs.ErrNotExist)); err != nil && !expired {
				v.problem("%s %v", f.Path, reason(err))
			}
		}
		for _, name := range p.Files() {
			delete(v.unclaimed, name)
		}
	}
	v.purges.End(v.report.Answers)
	v.report.Problems = append(v.report.Problems, v.purges.Problems...)
	v.report.Notes = append(v.report.Notes, v.purges.Notes...)
	return ctx.Err()
}
