package jobs

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/keys"
)

func keysRevokeCommand(c *Command) *cobra.Command {
	var people witnessFlags
	var comment string
	cmd := &cobra.Command{
		Use: "revoke <person>", Short: "Revoke a person's signing key, from this moment on", Args: cobra.ExactArgs(1),
		Long: `Revoke the key of a person, named as under people or by the public key itself. From then on it signs nothing
any more, and what it signed counts no more for what is still to be done: a plan that it approved, an order that
it signed, wait for others. What was done, and a policy that is in force, stay. Everybody revokes their own key
alone, at once. That of somebody else takes two of the owners, custodians, data protection officers and admins,
together or one after the other within a week; until the second signs it counts. It cannot be undone: the person
makes a new key, and two others adopt it.

Until then one person alone can hold what the key approved: reject or object to the plan, revoke the order, or put
a file named stop into the state folder, which holds every night.`,
		Example: "  lethe keys revoke anna --as anna --key anna.key --comment \"I lost my laptop\"\n" +
			"  lethe keys revoke anna --as bo --key bo.key --as dora --key dora.key --comment \"her laptop was stolen\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			who, err := people.load(cmd.Context(), c, p)
			if err != nil {
				return err
			}
			key, done, err := keys.Revoke(cmd.Context(), p, args[0], comment, who)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "%s: revoke of key %s recorded\n", strings.Join(people.as, " and "), key)
			if !done {
				fmt.Fprintln(c.Out, "it counts until a second person signs it too, within a week: an owner, a custodian, the "+
					"data protection officer or an admin\nto hold at once what it approved: `lethe approve PLAN --reject`, "+
					"`lethe order revoke`, or a file named stop in the state folder")
				return nil
			}
			fmt.Fprintln(c.Out, "a new one: `lethe keys new`, its public key under people, then `lethe policy adopt` by two "+
				"others")
			return nil
		},
	}
	people.register(cmd)
	cmd.Flags().StringVar(&comment, "comment", "", "why; it stands in the report")
	required(cmd, "comment")
	return cmd
}
