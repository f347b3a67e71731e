package jobs

import (
	"fmt"

	"github.com/spf13/cobra"
)

func requestPauseCommand(c *Command) *cobra.Command {
	var s scope
	var by enterFlags
	cmd := &cobra.Command{
		Use:   "pause <request>",
		Short: "Let the term rest while the person is asked to show who they are",
		Args:  cobra.ExactArgs(1),
		Long: `Let the term of a request rest from now on, because there are reasonable doubts who asks and the person
was asked to show it (Art. 12(6)). Ask at once, and for no more than it takes. What is overdue already
cannot be paused. What opening the request did stays in force. A request that was paused for a month
stands in ` + "`lethe status`" + ` and in every report: somebody who never shows who they are is answered
with a refusal, close --outcome refused --exception '12(2)'.`,
		Example: "  lethe request pause request-1b9d6bcd --silo customers",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withRegistry(cmd.Context(), s.silo, func(o opened) error {
				if err := by.request(cmd.Context(), c, o, s.silo, args[0], func() error {
					return o.registry.PauseRequest(cmd.Context(), s.silo, args[0])
				}, "pause"); err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "request %s is paused; when the person has shown who they are: lethe request "+
					"resume %s --silo %s\n", args[0], args[0], s.silo)
				return nil
			})
		},
	}
	s.register(cmd, "")
	by.register(cmd)
	return cmd
}
