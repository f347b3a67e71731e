package jobs

import (
	"fmt"

	"github.com/spf13/cobra"
)

func holdApproveCommand(c *Command) *cobra.Command {
	var s scope
	var as string
	cmd := &cobra.Command{
		Use: "approve <hold>", Short: "Approve a legal hold that somebody else placed", Args: cobra.ExactArgs(1),
		Example: "  lethe hold approve hold-1b9d6bcd --silo customers --as bo",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withIntake(cmd.Context(), s.silo, func(o opened) error {
				if err := o.intake.ApproveHold(cmd.Context(), s.silo, args[0], as); err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "hold %s is approved by %s\n", args[0], as)
				return nil
			})
		},
	}
	s.register(cmd, "")
	cmd.Flags().StringVar(&as, "as", "", "who approves it: a name under people, not the one that placed it")
	required(cmd, "as")
	return cmd
}
