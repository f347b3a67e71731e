package jobs

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/plan"
	"lethe/pipeline/registry/keystore"
)

func approveCommand(c *Command) *cobra.Command {
	var as, key, comment string
	var reject, object bool
	cmd := &cobra.Command{
		Use:   "approve <plan>",
		Short: "Sign an answer to a plan: approve, reject, or object",
		Long: `Sign an answer to a plan that waits: approve, reject, or object. Until its first row is changed an
approved plan can be taken back: --reject ends it, --object makes it wait again.`,
		Args: cobra.ExactArgs(1),
		Example: "  lethe approve 0190f3 --as anna --key anna.key\n" +
			"  lethe approve 0190f3 --as bo --key bo.key --reject --comment \"wrong table\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			signer, err := keystore.LoadPerson(key)
			if err != nil {
				return err
			}
			decision := "approve"
			if reject {
				decision = "reject"
			} else if object {
				decision = "object"
			}
			state, err := plan.Approve(cmd.Context(), p, args[0], as, decision, comment, signer)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "%s: %s recorded; the plan is %s\n", as, decision, state)
			if state == "waiting" {
				missing, err := plan.WaitsFor(cmd.Context(), p, args[0])
				if err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "still needed: %s\n", strings.Join(missing, ", "))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who answers: a name under people")
	cmd.Flags().StringVar(&key, "key", "", "file with that person's signing key")
	cmd.Flags().StringVar(&comment, "comment", "", "why; it stands in the report")
	cmd.Flags().BoolVar(&reject, "reject", false, "reject the plan: it is never applied")
	cmd.Flags().BoolVar(&object, "object", false, "object as data protection officer")
	cmd.MarkFlagsMutuallyExclusive("reject", "object")
	for _, f := range []string{"as", "key"} {
		if err := cmd.MarkFlagRequired(f); err != nil {
			panic(err)
		}
	}
	return cmd
}
