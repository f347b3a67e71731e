package jobs

import (
	"github.com/spf13/cobra"

	"lethe/pipeline/setup"
)

func runCommand(c *Command) *cobra.Command {
	var f nightFlags
	cmd := &cobra.Command{
		Use: "run", Short: "Do one night: discover, plan, apply what is approved, report", Args: cobra.NoArgs,
		Example: "  lethe run                        # says what it would do\n" +
			"  lethe run --apply --until 05:00  # for cron and systemd",
		RunE: func(cmd *cobra.Command, _ []string) error { return night(cmd.Context(), c, f, setup.WholeNight) },
	}
	f.register(cmd, true)
	f.registerOperator(cmd)
	f.registerProfile(cmd)
	return cmd
}
