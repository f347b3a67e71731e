package jobs

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	asklint "lethe/pipeline/ask/lint"
	"lethe/pipeline/plan"
	"lethe/pipeline/policy/lint"
	"lethe/pipeline/setup"
)

func policyLintCommand(c *Command) *cobra.Command {
	var strict bool
	cmd := &cobra.Command{
		Use: "lint", Short: "Remark on the policy: reviews, terms, names, fields that nobody needs", Args: cobra.NoArgs,
		Long: `Look at every silo and say what somebody should look at: reviews that are due, one period for unlike
data, terms that a regulator or the notice contradicts, starting dates that any update resets, that stand for
none or lie too early, fields that no rule needs, special categories without a ground, names that no table has.

Sources that do not answer, and personal data that no night has looked for, are said not to have been
checked. What a night would refuse ends with exit code 2; other remarks do so with --strict only.`,
		Example: "  lethe policy lint\n  lethe policy lint --strict   # before a policy is merged",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			found, err := asklint.Policy(cmd.Context(), p)
			if err != nil {
				return err
			}
			remarks := found.Remarks
			if c.json {
				starts := []plan.Start{}
				for _, s := range found.Starts {
					starts = append(starts, plan.StartOf(s))
				}
				err = c.printJSON(struct {
					Remarks   []lint.Remark `json:"remarks"`
					Starts    []plan.Start  `json:"starts"`
					Unchecked []string      `json:"unchecked"`
				}{append([]lint.Remark{}, remarks...), starts,
					append([]string{}, found.Unchecked...)})
			} else {
				for _, r := range remarks {
					fmt.Fprintf(c.Out, "%s  %s\n", r.Code, r)
				}
				for _, s := range found.Starts {
					fmt.Fprintf(c.Out, "looked at  %s: %s\n", s.Source, s.Said())
				}
				for _, u := range found.Unchecked {
					fmt.Fprintln(c.Out, "not checked  "+u)
				}
			}
			if err != nil {
				return err
			}
			refused := slices.DeleteFunc(slices.Clone(remarks), func(r lint.Remark) bool { return !r.Refused })
			switch {
			case len(refused) > 0:
				return fmt.Errorf("%w: a night would refuse this policy: %s", setup.ErrConfig, refused[0])
			case strict && len(remarks) > 0:
				return fmt.Errorf("%w: %d remarks, and --strict allows none", setup.ErrConfig, len(remarks))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "end with exit code 2 when there is any remark")
	return cmd
}
