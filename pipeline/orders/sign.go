package orders

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lethe/pipeline/answers"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

// Saying is what somebody says of orders.
type Saying struct {
	Actor, Comment string
	Signer         *keystore.Signer
	Orders         []string // by place or digest; none: all that the person may sign and has not
}

// Sign signs orders of the configuration, and returns how each of them stands then. Nothing is signed where one of them
// cannot be.
func Sign(ctx context.Context, p *setup.Setup, say Saying) ([]Standing, error) {
	return say.to(ctx, p, answers.Order, say.maySign)
}

// Revoke takes orders out of force: one person is enough, an owner of the silo, a custodian or the data protection
// officer.
func Revoke(ctx context.Context, p *setup.Setup, say Saying) ([]Standing, error) {
	if strings.TrimSpace(say.Comment) == "" {
		return nil, fmt.Errorf("%w: --comment: say why the order is revoked", setup.ErrConfig)
	}
	return say.to(ctx, p, answers.Revoke, func(_ *setup.Setup, person setup.Person, s Standing) error {
		switch {
		case !may(person, s.Order.Silo) && !person.Is("dpo"):
			return fmt.Errorf("%w: to revoke order %s takes an owner of %s, a custodian or the data protection officer",
				setup.ErrConfig, s.Name(), s.Order.Silo)
		case s.Revoked != nil || len(s.Signed) == 0:
			return fmt.Errorf("%w: order %s is not signed: there is nothing to revoke", setup.ErrConfig, s.Name())
		}
		return nil
	})
}

// to records what is said to each order that is meant, if it may be said to all of them.
func (say Saying) to(ctx context.Context, p *setup.Setup, act answers.Act,
	allowed func(*setup.Setup, setup.Person, Standing) error) (said []Standing, err error) {
	person, err := p.Signs(say.Actor, say.Signer)
	if err != nil {
		return nil, err
	}
	j, b, err := state.Book(ctx, p)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	all, err := Look(p, b.Chain)
	if err != nil {
		return nil, err
	}
	meant, err := say.meant(p, person, all)
	if err != nil {
		return nil, err
	}
	for _, s := range meant {
		if err := allowed(p, person, s); err != nil {
			return nil, err
		}
	}
	for _, s := range meant {
		a := answers.Answer{Act: act, About: About(s.Order.Silo), Digest: s.Digest, Rows: s.Order.MaxRows,
			Actor: say.Actor, Comment: say.Comment, Document: s.Text}
		if _, err := state.Say(ctx, p, b, a, say.Signer, nil); err != nil {
			return said, err
		}
		now, err := standing(p, b.Chain, s.Text, s.Order)
		if err != nil {
			return said, err
		}
		now.Place = s.Place
		said = append(said, now)
	}
	return said, nil
}

// meant are the orders that somebody names; without a name those of the configuration that the person may sign and has
// not.
func (say Saying) meant(p *setup.Setup, person setup.Person, all []Standing) (meant []Standing, err error) {
	for _, name := range say.Orders {
		s, err := find(all, name)
		if err != nil {
			return nil, err
		}
		meant = append(meant, s)
	}
	if len(say.Orders) > 0 {
		return meant, nil
	}
	for _, s := range all {
		if say.maySign(p, person, s) == nil {
			meant = append(meant, s)
		}
	}
	if len(meant) == 0 {
		return nil, fmt.Errorf("%w: there is no order that %s may sign and has not: `lethe order list` says how each "+
			"stands", setup.ErrConfig, say.Actor)
	}
	return meant, nil
}

// maySign refuses a signature that would not count.
func (say Saying) maySign(p *setup.Setup, person setup.Person, s Standing) error {
	refuse := func(words string, args ...any) error {
		return fmt.Errorf("%w: order %s of silo %s: %s", setup.ErrConfig, s.Name(), s.Order.Silo,
			fmt.Sprintf(words, args...))
	}
	end := calendar.EndOf(calendar.DateOf(p.Now(), p.Zone), Longest)
	switch {
	case s.Place == 0, s.Over:
		return refuse("%s", s.Why())
	case s.Order.Until > end:
		return refuse("until %s: an order is signed for six months at most: write a day up to %s", s.Order.Until, end)
	case !may(person, s.Order.Silo):
		return refuse("to sign it takes an owner of the silo or a custodian")
	case slices.ContainsFunc(s.Signed, func(o answers.Signed) bool { return o.Answer.Key == say.Signer.Public() }):
		return refuse("%s has signed it already: another person has to", say.Actor)
	}
	return nil
}
