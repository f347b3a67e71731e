package jobs

import (
	"github.com/spf13/cobra"

	"lethe/pipeline/setup"
)

func applyCommand(c *Command) *cobra.Command {
	var f nightFlags
	cmd := &cobra.Command{
		Use:     "apply",
		Short:   "Apply the plans that have been approved, and settle what a crash interrupted",
		Args:    cobra.NoArgs,
		Example: "  lethe apply",
		RunE:    func(cmd *cobra.Command, _ []string) error { return night(cmd.Context(), c, f, setup.ApplyOnly) },
	}
	f.register(cmd, false)
	f.registerOperator(cmd)
	f.registerProfile(cmd)
	return cmd
}
