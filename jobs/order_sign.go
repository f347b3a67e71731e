package jobs

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/orders"
	"lethe/pipeline/setup"
)

func orderSignCommand(c *Command) *cobra.Command {
	var signer signerFlags
	var comment string
	var all bool
	cmd := &cobra.Command{
		Use: "sign <order>...", Short: "Sign standing orders of the configuration, as they stand there",
		Long: `Sign standing orders, each named by its place in the configuration or by the beginning of its digest, as
"lethe order list" has them; with --all, each that one may sign and has not. What is signed is printed. An order
is in force once an owner of its silo and a custodian have signed it, and the policy is adopted. Its last day can
be six months from now at the latest: a longer permission is signed again.`,
		Example: "  lethe order sign 1 --as anna --key anna.key\n" +
			"  lethe order sign --all --as bo --key bo.key --comment \"as agreed in May\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return fmt.Errorf("%w: name the orders, or take --all", setup.ErrUsage)
			}
			return c.sayToOrders(cmd, args, &signer, comment, orders.Sign)
		},
	}
	signer.register(cmd, "who signs: a name under people, an owner of the silo or a custodian")
	cmd.Flags().BoolVar(&all, "all", false, "each that one may sign and has not")
	cmd.Flags().StringVar(&comment, "comment", "", "why; it stands in the report")
	return cmd
}

// sayToOrders lets somebody sign or revoke orders, and says how each stands then.
func (c *Command) sayToOrders(cmd *cobra.Command, names []string, signer *signerFlags, comment string,
	say func(context.Context, *setup.Setup, orders.Saying) ([]orders.Standing, error)) error {
	p, _, err := c.load(cmd.Context())
	if err != nil {
		return err
	}
	me, err := signer.load(cmd.Context(), c, p)
	if err != nil {
		return err
	}
	list, err := say(cmd.Context(), p, orders.Saying{Actor: me[0].Name, Signer: me[0].Signer, Comment: comment,
		Orders: names})
	for _, s := range list {
		fmt.Fprintf(c.Out, "%s: %s of order %s recorded: %s\n", me[0].Name, cmd.Name(), s.Name(), s.Text)
		switch {
		case s.Revoked != nil:
			fmt.Fprintln(c.Out, "  it is revoked")
		case len(s.Missing) > 0:
			fmt.Fprintf(c.Out, "  still needed: %s\n", strings.Join(s.Missing, " and "))
		case p.Adopted != p.PolicyDigest:
			fmt.Fprintln(c.Out, "  it is signed, and counts once the policy is adopted")
		default:
			fmt.Fprintf(c.Out, "  it is in force until %s\n", s.Order.Until)
		}
	}
	return err
}
