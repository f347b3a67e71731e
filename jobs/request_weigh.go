package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/policy"
	"lethe/pipeline/setup"
)

func requestWeighCommand(c *Command) *cobra.Command {
	var s scope
	var by enterFlags
	var outcome, purpose string
	cmd := &cobra.Command{
		Use:   "weigh <request>",
		Short: "Say whether an erasure outweighs a legitimate interest or a public task, for which the data are kept",
		Args:  cobra.ExactArgs(1),
		Long: `Say what came of weighing a request for erasure against the purposes that rest on a legitimate interest or a
public task. Somebody who asks to be erased from these objects to them (Art. 17(1)(c), 21(1)), and nothing decides that
but a person: until then their rows are kept, blocked.

  upheld       the person's reasons weigh more, or there are none to keep the data: the ground ends
  overridden   compelling reasons of the company outweigh theirs: the ground stays, and the person is told which

What rests on a contract, a law or a consent is not weighed. An objection is weighed by closing it.`,
		Example: "  lethe request weigh request-1b9d6bcd --silo customers --outcome upheld",
		RunE: func(cmd *cobra.Command, args []string) error {
			if outcome != weighUpheld && outcome != weighOverridden {
				return fmt.Errorf("%w: --outcome %q: use %s or %s", setup.ErrUsage, outcome, weighUpheld, weighOverridden)
			}
			return c.withRegistry(cmd.Context(), s.silo, func(o opened) error {
				return weigh(cmd.Context(), c, o, by, s.silo, args[0], outcome, purpose)
			})
		},
	}
	s.register(cmd, "")
	by.register(cmd)
	cmd.Flags().StringVar(&outcome, "outcome", "", weighUpheld+" or "+weighOverridden)
	cmd.Flags().StringVar(&purpose, "purpose", "", "only this purpose; default all that are weighed")
	required(cmd, "outcome")
	return cmd
}

// What comes of weighing.
const (
	weighUpheld     = "upheld"
	weighOverridden = "overridden"
)

func weigh(ctx context.Context, c *Command, o opened, by enterFlags, silo, id, outcome, purpose string) error {
	purposes := weighed(o.p, silo)
	switch {
	case len(purposes) == 0:
		return fmt.Errorf("%w: no purpose of silo %s rests on a legitimate interest or a public task: nothing is weighed",
			setup.ErrUsage, silo)
	case purpose != "" && !slices.Contains(purposes, purpose):
		return fmt.Errorf("%w: --purpose %q: weighed are %s", setup.ErrUsage, purpose, strings.Join(purposes, ", "))
	case purpose != "":
		purposes = []string{purpose}
	}
	if err := by.request(ctx, c, o, silo, id, func() error {
		return o.registry.WeighRequest(ctx, silo, id, by.as, outcome == weighUpheld, purposes...)
	}, "weigh", outcome, strings.Join(purposes, ",")); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "request %s is %s against %s; next: lethe request fulfil %[1]s --silo %[4]s\n", id, outcome,
		strings.Join(purposes, ", "), silo)
	return nil
}

// weighed are the purposes of a silo whose ground gives way to an objection.
func weighed(p *setup.Setup, silo string) (purposes []string) {
	for _, s := range p.Silos {
		if s.Silo.Name != silo {
			continue
		}
		for _, r := range s.Silo.Rules {
			if r.Basis == policy.LegitimateInterest || r.Basis == policy.PublicTask {
				purposes = append(purposes, r.Purpose)
			}
		}
	}
	slices.Sort(purposes)
	return slices.Compact(purposes)
}
