package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/keys"
)

func keysRevokeCommand(c *Command) *cobra.Command {
	var signer signerFlags
	var comment string
	cmd := &cobra.Command{
		Use: "revoke <person>", Short: "Revoke a person's signing key, from this moment on", Args: cobra.ExactArgs(1),
		Long: `Revoke the key of a person, named as under people or by the public key itself. From then on it signs nothing
any more, and what it signed counts no more for what is still to be done: a plan that it approved, an order that
it signed, wait for others. What was done, and a policy that is in force, stay. Everybody may revoke their own
key; a custodian or an admin that of others. It cannot be undone: the person makes a new key, and two others
adopt it.`,
		Example: "  lethe keys revoke anna --as bo --key bo.key --comment \"her laptop was stolen\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			me, err := signer.load()
			if err != nil {
				return err
			}
			key, err := keys.Revoke(cmd.Context(), p, args[0], me[0].Name, comment, me[0].Signer)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "%s: revoke of key %s recorded\na new one: `lethe keys new`, its public key under people, "+
				"then `lethe policy adopt` by two others\n", me[0].Name, key)
			return nil
		},
	}
	signer.register(cmd, "who revokes it: a name under people")
	cmd.Flags().StringVar(&comment, "comment", "", "why; it stands in the report")
	required(cmd, "comment")
	return cmd
}
