package jobs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lethe/jobs/config"
	"lethe/pipeline/adopted"
	"lethe/pipeline/answers"
	"lethe/pipeline/ask/whatif"
	"lethe/pipeline/setup"
)

func policyAdoptCommand(c *Command) *cobra.Command {
	var as, key, comment string
	var uncounted bool
	cmd := &cobra.Command{
		Use: "adopt", Short: "Say what the configuration's policy has otherwise than the adopted one, and adopt it",
		Long: `Say what the policy of the configuration has otherwise than the one that people adopted, and who has to
adopt it; with --as and --key, adopt it. Until it is adopted no standing order counts, and every plan that
destroys asks people. What keeps more (a longer term, a narrower limit) takes one person, a change of people
two, and all else an owner of each silo concerned and a custodian. They are judged by the people of the
adopted policy.

The rows of the live sources are decided by both policies, and those that are decided otherwise counted: who
signs signs that number as well, and the report has it. --uncounted leaves that out, where the sources are large
or cannot be reached from here. "lethe policy diff OLD.yaml" says it row by row of each table.`,
		Example: "  lethe policy adopt\n  lethe policy adopt --as anna --key anna.key --comment \"newsletter: 12 months\"",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, cfg, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			if (as == "") != (key == "") {
				return fmt.Errorf("%w: --as and --key go together", setup.ErrUsage)
			}
			a, err := adopted.Look(cmd.Context(), p)
			if err != nil {
				return err
			}
			if a.InForce == p.PolicyDigest {
				fmt.Fprintf(c.Out, "policy %s is in force: nothing differs\n", a.InForce)
				return nil
			}
			printAdoption(c, p, a)
			var effect *answers.Effect
			if a.InForce != "" && !uncounted {
				effect = c.effect(cmd.Context(), p, cfg, a.InForce)
			}
			if as == "" {
				fmt.Fprintf(c.Out, "to adopt it: %s, each by lethe policy adopt --as NAME --key FILE\n",
					strings.Join(a.Missing, " and "))
				return nil
			}
			signer, err := c.signer(cmd.Context(), p, key, 0)
			if err != nil {
				return err
			}
			missing, err := adopted.Sign(cmd.Context(), p, as, comment, effect, signer)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "%s: adopt recorded\n", as)
			if len(missing) > 0 {
				fmt.Fprintf(c.Out, "still needed: %s\n", strings.Join(missing, " and "))
			} else {
				fmt.Fprintf(c.Out, "policy %s is in force\n", p.PolicyDigest)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who adopts it: a name under people")
	cmd.Flags().StringVar(&key, "key", "", "file with that person's signing key")
	cmd.Flags().StringVar(&comment, "comment", "", "why; it stands in the report")
	cmd.Flags().BoolVar(&uncounted, "uncounted", false, "do not read the sources to count the rows that are decided otherwise")
	return cmd
}

// effect counts and prints what the configuration's policy does with the rows as they are, compared with the one in
// force; nil, with the reason printed, where that cannot be known.
func (c *Command) effect(ctx context.Context, p *setup.Setup, cfg *config.Config, inForce string) *answers.Effect {
	result, err := c.compareWith(ctx, p, cfg, inForce)
	if err != nil {
		fmt.Fprintf(c.Out, "the rows that it decides otherwise are not counted: %s\n", p.Names.Text(err.Error()))
		return nil
	}
	printEffect(c, result)
	return &result.Effect
}

// compareWith decides every row of the live sources by the policy in force and by the configuration's.
func (c *Command) compareWith(ctx context.Context, p *setup.Setup, cfg *config.Config,
	inForce string) (whatif.Comparison, error) {
	before, err := adopted.Read(p, inForce)
	if err != nil {
		return whatif.Comparison{}, err
	}
	under, err := cfg.Under(before.Text)
	if err != nil {
		return whatif.Comparison{}, err
	}
	old, err := c.build(ctx, under)
	if err != nil {
		return whatif.Comparison{}, err
	}
	stop := c.progress(p)
	defer stop()
	return whatif.Compare(ctx, old, p, time.Time{})
}

// printEffect says how many rows of each silo are decided otherwise, and how.
func printEffect(c *Command, r whatif.Comparison) {
	for _, silo := range slices.Sorted(maps.Keys(r.Effect.Silos)) {
		fmt.Fprintf(c.Out, "  silo %s: %d rows are decided otherwise%s\n", silo, r.Effect.Silos[silo], r.Becomes(silo))
	}
	for _, n := range r.Notes {
		fmt.Fprintln(c.Out, "  note: "+n)
	}
}

func printAdoption(c *Command, p *setup.Setup, a adopted.Adoption) {
	if a.InForce == "" {
		fmt.Fprintf(c.Out, "policy %s is the first\n", p.PolicyDigest)
		return
	}
	fmt.Fprintf(c.Out, "in force  %s\nproposed  %s, which %s\n", a.InForce, p.PolicyDigest, a.Kind)
	for _, line := range a.Lines {
		fmt.Fprintln(c.Out, "  "+line)
	}
}
