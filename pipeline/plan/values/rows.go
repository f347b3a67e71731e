package values

import (
	"context"
	"fmt"
	"slices"

	"lethe/pipeline/answers"
	"lethe/pipeline/plan"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Rows lets who looks at the keys of a plan's rows sign it, before they see any. Who is nil where nobody is named: a
// plan of a silo that has people who read it (reader:SILO) refuses that; others are shown to whoever reaches the
// keystore.
func Rows(ctx context.Context, p *setup.Setup, sealed *plan.Sealed, who *setup.Witness) error {
	var silos []string
	for _, s := range sealed.Sets {
		silos = append(silos, s.Silos...)
	}
	if who == nil {
		if i := slices.IndexFunc(silos, func(silo string) bool { return p.Held["reader:"+silo] }); i >= 0 {
			return fmt.Errorf("%w: rows of silo %s are shown to people who have the role reader:%[2]s: say who looks, "+
				"with --as NAME and --key FILE", setup.ErrConfig, silos[i])
		}
		return nil
	}
	person, err := p.Signs(who.Name, who.Signer)
	if err != nil {
		return err
	}
	for _, silo := range silos {
		if !person.Owns(silo) && !person.Is("reader:"+silo) && !person.Is("custodian") && !person.Is("dpo") {
			return fmt.Errorf("%w: --rows shows whose rows they are: it takes an owner or a reader of each silo of "+
				"the plan, a custodian or the data protection officer, and %s is none for silo %s", setup.ErrConfig,
				who.Name, silo)
		}
	}
	j, book, err := state.Book(ctx, p)
	if err != nil {
		return err
	}
	defer j.Close()
	a := answers.Answer{Act: answers.Look, About: answers.AboutRows(sealed.PlanID), Digest: sealed.Digest,
		Actor: who.Name}
	for _, s := range sealed.Sets {
		a.Rows += s.Rows
	}
	_, err = state.Say(ctx, p, book, a, who.Signer, nil)
	return err
}
