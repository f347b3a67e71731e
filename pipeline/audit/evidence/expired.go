package evidence

import (
	"context"
	"errors"
	"io/fs"

	"lethe/pipeline/audit/expiry"
)

// saw makes sure that a purge rests on no fewer answers than a night before it saw: a policy that people have replaced
// since is in force no more.
func (v *verifier) saw(p expiry.Purge) {
	if v.report.Checkpoint == nil {
		v.problem("%s stands in no log of nights that can be believed: ask for the whole folder of reports again",
			expiry.Place(p.RunID))
	}
	for _, n := range v.report.Nights {
		lost, _ := v.said.Lacks(n.answers)
		if n.RunID < p.RunID && n.answers.Length > p.Answers && len(lost) == 0 {
			v.problem("%s rests on %d answers of people, and the night of %s had seen %d: ask who holds the runner's "+
				"key", expiry.Place(p.RunID), p.Answers, n.Date, n.answers.Length)
			return
		}
	}
}

// purged checks what purges left, and that they removed nothing but what was over its term.
func (v *verifier) purged(ctx context.Context) error {
	for _, p := range v.purges.Purges {
		v.saw(p)
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
	v.purges.End(v.said)
	v.report.Problems = append(v.report.Problems, v.purges.Problems...)
	v.report.Notes = append(v.report.Notes, v.purges.Notes...)
	return ctx.Err()
}
