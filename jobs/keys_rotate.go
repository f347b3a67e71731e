package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/keys"
)

func keysRotateCommand(c *Command) *cobra.Command {
	var silo string
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Give a silo a new version of its key, and carry all references over to it",
		Args:  cobra.NoArgs,
		Long: `A new version of the silo's key is a secret over the one before: every reference in the registry
(people, records, flags, tombstones) is replaced by its own reference under that secret, in one
transaction, and a rekeyed event in the chain says so. Nobody need be at hand for it, rows that are gone
included. Who has the old key only can compute no reference made from then on. What the chain's past
events say of themselves stays as it was written: an old delivery is still recognised, and references of
before the rotation stay in those events until they are purged.

It is refused while a plan of the silo is not settled. If it is interrupted, run it again; until then
everything that uses the registry refuses to. A registry, or a keystore, that was put back from a copy
of before is noticed in the same way, and rotate carries such a registry over once more.`,
		Example: "  lethe keys rotate --silo newsletter",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			version, carried, err := keys.Rotate(cmd.Context(), p, silo)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "silo %s uses version %d of its key; %d references were carried over\n", silo,
				version, carried)
			fmt.Fprintf(c.Out, "nothing needs version %d any more: keep a copy of the keystore, then lethe keys "+
				"retire --silo %s --version %[1]d\n", version-1, silo)
			return nil
		},
	}
	cmd.Flags().StringVar(&silo, "silo", "", "the silo")
	required(cmd, "silo")
	return cmd
}
