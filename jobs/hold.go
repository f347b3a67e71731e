package jobs

import "github.com/spf13/cobra"

func holdCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: "hold", Short: "Place, approve, release and list legal holds",
		Long: `A legal hold keeps data that are needed for a claim or a proceeding: nothing it covers is expired,
erased or anonymized, not even on request (GDPR Art. 17(3)(e)), and its use is blocked for everything
else. It is in force from the moment one person places it; another person approves it. To release it
takes two people with their keys, because what it protected may be erased the night after.`,
	}
	cmd.AddCommand(holdPlaceCommand(c), holdApproveCommand(c), holdReleaseCommand(c), holdListCommand(c))
	return cmd
}
