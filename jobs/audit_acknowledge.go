package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/duties"
)

func auditAcknowledgeCommand(c *Command) *cobra.Command {
	var people witnessFlags
	var comment string
	cmd := &cobra.Command{
		Use: "acknowledge", Short: "Go on without answers of people that are lost, before two people", Args: cobra.NoArgs,
		Long: `Say that answers of people are lost for good, so that the nights go on without them. It is for when the
chain of answers does not hold and no copy of the state folder, or of the folder answers of the reports, has
what is missing. What follows no more is moved aside. Nothing that was said before counts for a plan that
waits: it is asked anew. That they were lost, and who said so, stays in the chain, and every later report
shows it. It takes a custodian, and an owner or the data protection officer.`,
		Example: "  lethe audit acknowledge --as bo --key bo.key --as dora --key dora.key --comment \"a disk was lost\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			two, err := people.load()
			if err != nil {
				return err
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
	required(cmd, "comment")
	return cmd
}
