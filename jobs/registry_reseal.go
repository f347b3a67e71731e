package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/duties"
)

func registryResealCommand(c *Command) *cobra.Command {
	var people witnessFlags
	var comment string
	cmd := &cobra.Command{
		Use: "reseal", Short: "Go on with a registry whose rows do not hold, before two people", Args: cobra.NoArgs,
		Long: `Seal the rows of the registry anew. It is for when runs end with 12 because a row of the registry is not as it
was written, and no copy of the registry is left to be put back. Every chain of events is recomputed and compared with
what the last night saw of it: one that does not hold is refused, and so are holds and requests that the events say
otherwise. References of people are put back, or taken out, as the events say. Flags, traces of erased rows, record links,
deliveries to copies and the marks of expiry have nothing else that proves them: they are taken as they stand. What did
not hold is printed, and signed by both people in the chain of answers; until two people have approved a plan no standing
order lets one go.

It takes a custodian, and an owner or the data protection officer. If it is interrupted, run it again.`,
		Example: "  lethe registry reseal --as bo --key bo.key --as dora --key dora.key --comment \"somebody wrote to it\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			two, err := people.load(cmd.Context(), c, p)
			if err != nil {
				return err
			}
			done, err := duties.Reseal(cmd.Context(), p, two, comment)
			if err != nil {
				return err
			}
			for _, r := range done {
				fmt.Fprintf(c.Out, "did not hold: %v\n", r.What)
				if r.Put+r.TakenOut > 0 {
					fmt.Fprintf(c.Out, "%s: %d references put back and %d taken out, as the events say\n", r.Silo, r.Put,
						r.TakenOut)
				}
			}
			fmt.Fprintf(c.Out, "the rows of %d silos are sealed as they stand, as %s and %s said\n", len(done), two[0].Name,
				two[1].Name)
			return nil
		},
	}
	people.register(cmd)
	cmd.Flags().StringVar(&comment, "comment", "", "what happened; it stands in the report")
	required(cmd, "comment")
	return cmd
}
