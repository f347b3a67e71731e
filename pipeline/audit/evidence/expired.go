package evidence

import (
	"context"
	"errors"
	"io/fs"

	"lethe/pipeline/audit/expiry"
	"lethe/pipeline/registry/keystore"
)

// Files are what a run published besides its manifest, as that names them.
func Files(root string, s Standing, key keystore.PublicKey) ([]expiry.File, error) {
	m, _, err := s.open(root, key)
	return m.Files, err
}

// purged checks what purges left, and that they removed nothing but what was over its term.
func (v *verifier) purged(ctx context.Context) error {
	for _, p := range v.purges.Purges {
		for _, f := range p.Made {
			delete(v.unclaimed, f.Path)
			err := v.file(ctx, f)
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
