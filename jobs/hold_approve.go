package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/answers"
	"lethe/pipeline/duties"
	"lethe/pipeline/setup"
)

func holdApproveCommand(c *Command) *cobra.Command {
	var s scope
	var by signerFlags
	cmd := &cobra.Command{
		Use: "approve <hold>", Short: "Approve a legal hold that somebody else placed", Args: cobra.ExactArgs(1),
		Long: "Approve a legal hold that somebody else placed. One that is approved already is signed once more: for " +
			"holds of before people signed them, and where a person's key is another one now (F_HOLD_UNSIGNED).",
		Example: "  lethe hold approve hold-1b9d6bcd --silo customers --as bo --key bo.key",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withRegistry(cmd.Context(), s.silo, func(o opened) error {
				h, err := duties.HoldInForce(cmd.Context(), o.registry, s.silo, args[0])
				if err != nil {
					return err
				}
				me, err := by.load(cmd.Context(), c, o.p)
				if err != nil {
					return err
				}
				if h.ApprovedBy == "" && h.PlacedBy == by.as {
					return fmt.Errorf("%w: %s placed hold %s: another one must approve it", setup.ErrConfig, by.as, h.ID)
				}
				err = duties.HoldSigned(cmd.Context(), o.p, answers.HoldApprove, s.silo, h, me, func() error {
					if h.ApprovedBy != "" {
						return nil
					}
					return o.registry.ApproveHold(cmd.Context(), s.silo, h.ID, by.as)
				})
				if err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "hold %s is approved by %s\n", args[0], by.as)
				return nil
			})
		},
	}
	s.register(cmd, "")
	by.register(cmd, "who approves it: a name under people, not the one that placed it")
	return cmd
}
