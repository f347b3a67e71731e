package jobs

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/adopted"
	"lethe/pipeline/setup"
)

func policyAdoptCommand(c *Command) *cobra.Command {
	var as, key, comment string
	cmd := &cobra.Command{
		Use: "adopt", Short: "Say what the configuration's policy has otherwise than the adopted one, and adopt it",
		Long: `Say what the policy of the configuration has otherwise than the one that people adopted, and who has to
adopt it; with --as and --key, adopt it. Until it is adopted no standing order counts, and every plan that
destroys asks people. What keeps more (a longer term, a narrower limit) takes one person, a change of people
two, and all else an owner of each silo concerned and a custodian. They are judged by the people of the
adopted policy. "lethe policy diff OLD.yaml" counts what the change does with the rows as they are.`,
		Example: "  lethe policy adopt\n  lethe policy adopt --as anna --key anna.key --comment \"newsletter: 12 months\"",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
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
			if as == "" {
				fmt.Fprintf(c.Out, "to adopt it: %s, each by lethe policy adopt --as NAME --key FILE\n",
					strings.Join(a.Missing, " and "))
				return nil
			}
			signer, err := c.signer(cmd.Context(), p, key, 0)
			if err != nil {
				return err
			}
			missing, err := adopted.Sign(cmd.Context(), p, as, comment, signer)
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
	return cmd
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
