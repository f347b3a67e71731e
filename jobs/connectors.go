package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/jobs/config"
)

func connectorsCommand(c *Command) *cobra.Command {
	return &cobra.Command{Use: "connectors", Short: "List what Lethe can open", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			for _, k := range config.Connectors() {
				fmt.Fprintf(c.Out, "%-10s %s\n", k.Name, k.About)
				for _, o := range k.Options {
					fmt.Fprintf(c.Out, "%-10s options: %-13s %s\n", "", o.Name, o.About)
				}
			}
			return nil
		}}
}
