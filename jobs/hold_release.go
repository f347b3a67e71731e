package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/answers"
	"lethe/pipeline/duties"
)

func holdReleaseCommand(c *Command) *cobra.Command {
	var s scope
	var people witnessFlags
	cmd := &cobra.Command{
		Use: "release <hold>", Short: "End a legal hold", Args: cobra.ExactArgs(1),
		Long: "End a legal hold. What it protected is decided by the rules again from the next night on, and may " +
			"be erased then; so it takes two people with their keys: owners of the silo, custodians or the data " +
			"protection officer.",
		Example: "  lethe hold release hold-1b9d6bcd --silo customers --as anna --key anna.key --as bo --key bo.key",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withRegistry(cmd.Context(), s.silo, func(o opened) error {
				two, err := people.load(cmd.Context(), c, o.p)
				if err != nil {
					return err
				}
				if err := o.p.Proven(two); err != nil {
					return err
				}
				h, err := duties.HoldInForce(cmd.Context(), o.registry, s.silo, args[0])
				if err != nil {
					return err
				}
				err = duties.HoldSigned(cmd.Context(), o.p, answers.HoldRelease, s.silo, h, two, func() error {
					return o.registry.ReleaseHold(cmd.Context(), s.silo, h.ID, two[0].Name, two[1].Name)
				})
				if err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "hold %s is released by %s and %s\n", args[0], two[0].Name, two[1].Name)
				return nil
			})
		},
	}
	s.register(cmd, "")
	people.register(cmd)
	return cmd
}
