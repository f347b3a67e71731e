package incidents

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/journal"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// lookBack is how many runs are asked for the newest that looked.
const lookBack = 60

// List are the hints of the newest run that looked, with what people have said of them since.
func List(ctx context.Context, p *setup.Setup) (hints []audit.Hint, err error) {
	j, b, err := state.Book(ctx, p)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	return list(ctx, p, j, b.Chain)
}

func list(ctx context.Context, p *setup.Setup, j *journal.Journal, said answers.Chain) ([]audit.Hint, error) {
	runs, err := j.Runs(ctx, lookBack)
	if err != nil {
		return nil, err
	}
	for _, r := range runs {
		if len(r.Facts) == 0 {
			continue
		}
		f, err := state.FactsOf(r)
		if err != nil {
			return nil, err
		}
		if f.Run.Phases != syncWord {
			assess(p, f.Hints, said)
			return f.Hints, nil
		}
	}
	return nil, nil
}

// Assess lets somebody who may say what a hint was, and what follows. The next run keeps it no longer, unless what it
// rests on is still so.
func Assess(ctx context.Context, p *setup.Setup, hint, actor, comment string, signer *keystore.Signer) (err error) {
	person, err := p.Signs(actor, signer)
	if err != nil {
		return err
	}
	if !MayAssess(person) {
		return fmt.Errorf("%w: to assess a hint takes an owner of a silo, a custodian or the data protection officer",
			setup.ErrConfig)
	}
	if strings.TrimSpace(comment) == "" {
		return fmt.Errorf("%w: --comment: say what happened, and whether it is notified", setup.ErrConfig)
	}
	j, b, err := state.Book(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	hints, err := list(ctx, p, j, b.Chain)
	if err != nil {
		return err
	}
	for _, h := range hints {
		if h.HintID == hint {
			_, err = state.Say(ctx, p, b, answers.Answer{Act: answers.Assess, About: answers.AboutIncident(hint),
				Actor: actor, Comment: comment}, signer, nil)
			return err
		}
	}
	return fmt.Errorf("%w: there is no hint %q: `lethe incident list` has them", setup.ErrConfig, hint)
}
