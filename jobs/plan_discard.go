package jobs

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/plan"
)

func planDiscardCommand(c *Command) *cobra.Command {
	var people witnessFlags
	var comment string
	cmd := &cobra.Command{
		Use:   "discard <plan>",
		Short: "End a plan that cannot be opened, or that nobody wants any more, by two people",
		Long: `End a plan that has not begun, whatever its folder looks like: edited, incomplete, without its key; or one
that has begun and that no night can finish. Nothing in the sources is touched. The plan's key is destroyed if it
is there, the folder stays as evidence, and the answers stand signed in the next report. The next night plans the
rows anew. Two people sign it, together or one after the other: owners of its silos, a custodian, the data
protection officer. One alone can reject a plan that has not begun, with "lethe approve --reject".`,
		Args: cobra.ExactArgs(1),
		Example: "  lethe plan discard 0190f3 --as anna --key anna.key --as bo --key bo.key --comment \"its folder was " +
			"lost with a disk\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			who, err := people.load(cmd.Context(), c, p)
			if err != nil {
				return err
			}
			id, done, err := plan.Discard(cmd.Context(), p, args[0], comment, who)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "%s: discard recorded; ", strings.Join(people.as, " and "))
			if !done {
				fmt.Fprintf(c.Out, "plan %s goes on until another one signs it\nstill needed: a second person: an owner of "+
					"one of its silos, a custodian or the data protection officer\n", id)
				return nil
			}
			fmt.Fprintf(c.Out, "plan %s is rejected, and the next night plans its rows anew\n", id)
			return nil
		},
	}
	people.register(cmd)
	cmd.Flags().StringVar(&comment, "comment", "", "why; it stands in the report")
	required(cmd, "comment")
	return cmd
}
