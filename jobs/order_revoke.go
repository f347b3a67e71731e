package jobs

import (
	"github.com/spf13/cobra"

	"lethe/pipeline/orders"
)

func orderRevokeCommand(c *Command) *cobra.Command {
	var signer signerFlags
	var comment string
	cmd := &cobra.Command{
		Use: "revoke <order>...", Short: "Take standing orders out of force; one person is enough",
		Long: `Take standing orders out of force, from this moment on: what they would let go waits for people. It takes
an owner of the silo, a custodian or the data protection officer. A night that is at work begins no plan under it
any more. An order that was revoked can be signed anew.`,
		Args:    cobra.MinimumNArgs(1),
		Example: "  lethe order revoke 1 --as dora --key dora.key --comment \"an audit is going on\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.sayToOrders(cmd, args, &signer, comment, orders.Revoke)
		},
	}
	signer.register(cmd, "who revokes: a name under people")
	cmd.Flags().StringVar(&comment, "comment", "", "why; it stands in the report")
	required(cmd, "comment")
	return cmd
}
