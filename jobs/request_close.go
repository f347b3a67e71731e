package jobs

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/setup"
)

// exceptionRE is a place in the GDPR: 17(3)(e), 12(5).
var exceptionRE = regexp.MustCompile(`^[1-9][0-9]?(\([1-9][0-9]?\))?(\([a-z]\))?$`)

func requestCloseCommand(c *Command) *cobra.Command {
	var s scope
	var by enterFlags
	var outcome, exception string
	cmd := &cobra.Command{
		Use: "close <request>", Short: "Close a request that was answered", Args: cobra.ExactArgs(1),
		Long: `Close a request that was answered. The person was told, with the reason where it was refused
(Art. 12(4)).

  completed       done as asked. Of an erasure, close it after a night erased the data; that every earlier
                  consent was withdrawn stays recorded. Of an objection, it was upheld.
  partly_refused  part of it had to be refused, for example because a legal hold keeps the data: --exception 17(3)(e)
  refused         --exception says by what: 12(5) for a request that is manifestly unfounded. Of an
                  objection, it was overridden: 21(1).`,
		Example: "  lethe request close request-1b9d6bcd --silo customers --outcome completed\n" +
			"  lethe request close request-1b9d6bcd --silo customers --outcome partly_refused --exception '17(3)(e)'",
		RunE: func(cmd *cobra.Command, args []string) error {
			if exception != "" && !exceptionRE.MatchString(exception) {
				return fmt.Errorf("%w: --exception: name the place in the GDPR as 17(3)(e)", setup.ErrUsage)
			}
			return c.withRegistry(cmd.Context(), s.silo, func(o opened) error {
				if err := by.request(cmd.Context(), c, o, s.silo, args[0], func() error {
					return o.registry.CloseRequest(cmd.Context(), s.silo, args[0], outcome, exception)
				}, "close", outcome, exception); err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "request %s is closed: %s\n", args[0],
					strings.TrimSpace(strings.ReplaceAll(outcome, "_", " ")+" "+exception))
				return nil
			})
		},
	}
	s.register(cmd, "")
	by.register(cmd)
	cmd.Flags().StringVar(&outcome, "outcome", "", "completed, partly_refused or refused")
	cmd.Flags().StringVar(&exception, "exception", "", "what allows to refuse, such as 17(3)(e)")
	required(cmd, "outcome")
	return cmd
}
