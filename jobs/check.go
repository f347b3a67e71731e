package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/jobs/schedule"
	"lethe/pipeline/ask"
)

func checkCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Check configuration, keys, registry and sources, and change nothing", Args: cobra.NoArgs,
		Example: "  lethe check",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, cfg, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			checks, err := ask.Check(cmd.Context(), p)
			for _, line := range append(checks, schedule.Remarks(cfg.Schedule, cfg.Controller.Timezone, c.Now())...) {
				fmt.Fprintln(c.Out, line)
			}
			return err
		},
	}
}
