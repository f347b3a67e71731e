package jobs

import "github.com/spf13/cobra"

func orderCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: "order", Short: "Standing orders: what unattended nights may do, and who signed it",
		Long: `A standing order lets a night destroy rows of a silo for named reasons, up to so many a night and until a
day, without asking people each time. What stands under "orders:" in the configuration is a proposal. It is in
force once an owner of the silo and a custodian have signed it as it stands, for six months at most, and no
longer when somebody edits it or revokes it, or when one of them loses the role or the key.`,
	}
	cmd.AddCommand(orderListCommand(c), orderSignCommand(c), orderRevokeCommand(c))
	return cmd
}
