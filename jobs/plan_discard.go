package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/plan"
	"lethe/pipeline/registry/keystore"
)

func planDiscardCommand(c *Command) *cobra.Command {
	var as, key, comment string
	cmd := &cobra.Command{
		Use:   "discard <plan>",
		Short: "End a plan that cannot be opened, or that nobody wants any more",
		Long: `End a plan that has not begun, whatever its folder looks like: edited, incomplete, without its key.
Nothing in the sources is touched. The plan's key is destroyed if it is there, the folder stays as evidence, and
the answer stands signed in the next report. The next night plans the rows anew.`,
		Args:    cobra.ExactArgs(1),
		Example: "  lethe plan discard 0190f3 --as anna --key anna.key --comment \"its folder was lost with a disk\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			signer, err := keystore.LoadPerson(key)
			if err != nil {
				return err
			}
			id, err := plan.Discard(cmd.Context(), p, args[0], as, comment, signer)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "%s: discard recorded; plan %s is rejected, and the next night plans its rows anew\n", as, id)
			return nil
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who discards it: a name under people")
	cmd.Flags().StringVar(&key, "key", "", "file with that person's signing key")
	cmd.Flags().StringVar(&comment, "comment", "", "why; it stands in the report")
	for _, f := range []string{"as", "key", "comment"} {
		if err := cmd.MarkFlagRequired(f); err != nil {
			panic(err)
		}
	}
	return cmd
}
