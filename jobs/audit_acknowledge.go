package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/duties"
)

func auditAcknowledgeCommand(c *Command) *cobra.Command {
	var people witnessFlags
	var comment string
	var leapt bool
	cmd := &cobra.Command{
		Use: "acknowledge", Short: "Go on though answers are lost, or the clock leapt, before two people", Args: cobra.NoArgs,
		Long: `Say that answers of people are lost for good, so that the nights go on without them. It is for when the
chain of answers does not hold and no copy of the state folder, or of the folder answers of the reports, has
what is missing. What follows no more is moved aside. Nothing that was said before counts for a plan that
waits: it is asked anew. That they were lost, and who said so, stays in the chain, and every later report
shows it. With --clock: say that the machine's clock is right, which went on by more than breakers.pause_days (40) between
two runs. Compare it with another clock first. What is due since then may go from then on as on any night.

It takes a custodian, and an owner or the data protection officer.`,
		Example: "  lethe audit acknowledge --as bo --key bo.key --as dora --key dora.key --comment \"a disk was lost\"\n" +
			"  lethe audit acknowledge --clock --as bo --key bo.key --as dora --key dora.key --comment \"we were closed\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			two, err := people.load(cmd.Context(), c, p)
			if err != nil {
				return err
			}
			if leapt {
				text, err := duties.Clock(cmd.Context(), p, two, comment)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "acknowledged by %s and %s: %s\n", two[0].Name, two[1].Name, text)
				return nil
			}
			lost, err := duties.Acknowledge(cmd.Context(), p, two, comment)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "answers up to number %d are acknowledged as lost by %s and %s; plans that wait are "+
				"asked anew\n", lost, two[0].Name, two[1].Name)
			return nil
		},
	}
	people.register(cmd)
	cmd.Flags().StringVar(&comment, "comment", "", "why; it stands in the report")
	cmd.Flags().BoolVar(&leapt, "clock", false, "the machine's clock is right, which went on by many days between two runs")
	required(cmd, "comment")
	return cmd
}
