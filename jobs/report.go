package jobs

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline"
)

func reportCommand(c *Command) *cobra.Command {
	var fromJournal bool
	cmd := &cobra.Command{
		Use: "report [run]", Short: "Make the report of a run anew from the journal", Args: cobra.MaximumNArgs(1),
		Example: "  lethe report --from-journal",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			r, err := pipeline.Republish(cmd.Context(), p, strings.Join(args, ""))
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "report    %s\nmanifest  %s\ncheckpoint  %s\n", r.Report, r.Manifest, r.Checkpoint)
			return nil
		},
	}
	cmd.Flags().BoolVar(&fromJournal, "from-journal", true, "the journal is what reports are made from")
	return cmd
}
