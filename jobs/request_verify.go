package jobs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/registry/cases"
	"lethe/pipeline/setup"
)

// How somebody showed who they are, and for whom they ask: words, so that no number or copy of a document is kept.
var (
	waysOfShowing = []string{"account", "call_back", "document", "in_person", "known_address", "signature"}
	requesters    = []string{"self", "representative", "parent", "guardian", "heir"}
)

func requestVerifyCommand(c *Command) *cobra.Command {
	var s scope
	var by enterFlags
	var shown, requester string
	cmd := &cobra.Command{
		Use:   "verify <request>",
		Short: "Note that the person has shown who they are, so that their data may be looked for",
		Args:  cobra.ExactArgs(1),
		Long: `Note by what the person who asks has shown who they are. Ask for no more than it takes (Art. 12(6), 11(2)),
and keep no copy: one word of how it was shown stands in the registry, nothing of a document. Who asks for somebody
else has shown that they may: ` + strings.Join(requesters[1:], ", ") + `.

Until then nothing is found, exported or fulfilled.`,
		Example: "  lethe request verify request-1b9d6bcd --silo customers --by known_address\n" +
			"  lethe request verify request-1b9d6bcd --silo customers --by document --for parent",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(waysOfShowing, shown) {
				return fmt.Errorf("%w: --by %q: use %s", setup.ErrUsage, shown, strings.Join(waysOfShowing, ", "))
			}
			if !slices.Contains(requesters, requester) {
				return fmt.Errorf("%w: --for %q: use %s", setup.ErrUsage, requester, strings.Join(requesters, ", "))
			}
			return c.withRegistry(cmd.Context(), s.silo, func(o opened) error {
				step := verifiedBy(shown, requester, by.as)
				if err := by.request(cmd.Context(), c, o, s.silo, args[0], func() error {
					return o.registry.NoteRequest(cmd.Context(), s.silo, args[0], step)
				}, "verify", step.How); err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "request %s is verified (%s); next: lethe request find %s\n", args[0],
					strings.ReplaceAll(step.How, "_", " "), args[0])
				return nil
			})
		},
	}
	s.register(cmd, "")
	by.register(cmd)
	cmd.Flags().StringVar(&shown, "by", "", "how: "+strings.Join(waysOfShowing, ", "))
	cmd.Flags().StringVar(&requester, "for", requesters[0], "who asks: "+strings.Join(requesters, ", "))
	required(cmd, "by")
	return cmd
}

// verifiedBy is what is noted of how somebody showed who they are.
func verifiedBy(shown, requester, by string) cases.Step {
	step := cases.Step{Name: cases.StepVerified, How: shown, By: by}
	if requester != requesters[0] {
		step.How += ", for " + requester
	}
	return step
}
