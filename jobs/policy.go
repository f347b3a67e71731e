package jobs

import "github.com/spf13/cobra"

func policyCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{Use: "policy",
		Short: "Look at the policy: what to correct, what it means in words, what a change of it would do"}
	cmd.AddCommand(policyLintCommand(c), policyExplainCommand(c), policyNoticeCommand(c), policyProcessingCommand(c), policyDiffCommand(c),
		policyAdoptCommand(c),
		policyJurisdictionsCommand(c), policyCodesCommand(c))
	return cmd
}
