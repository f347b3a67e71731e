package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/policy"
)

func (c *Command) policyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "Look at the policy: its rules, and the codes of decisions"}
	cmd.AddCommand(&cobra.Command{
		Use: "codes", Short: "List the codes of decisions with their meaning", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var rows [][]string
			for _, code := range policy.Codes() {
				rows = append(rows, []string{string(code), code.Article(), code.Words()})
			}
			table(c.Out, rows)
			return nil
		},
	}, &cobra.Command{
		Use: "lint", Short: "Remarks on the policy that are no errors", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			for _, s := range p.Silos {
				for _, line := range s.Lint(c.Now()) {
					fmt.Fprintln(c.Out, line)
				}
			}
			return nil
		},
	})
	return cmd
}
