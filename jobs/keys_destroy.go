package jobs

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/keys"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

func keysDestroyCommand(c *Command) *cobra.Command {
	var end keyEnd
	cmd := &cobra.Command{
		Use:   "destroy",
		Short: "End a silo: forget all its people, and destroy its key before two witnesses",
		Args:  cobra.NoArgs,
		Long: `Everything that the registry holds of the silo's people is purged, then the silo's keys are destroyed,
so that copies and backups of the registry and the reports link to nobody any more. The chain of the
silo's events stays, and can still be verified. It cannot be undone.

It is refused while something needs the key: a legal hold, an open request, a plan that is not settled,
a tombstone for which a backup may still bring back the record, or rows of the silo that the last night
saw. Two people of the configuration sign that the key is gone; their signatures, with the key's id, are
the evidence, in the folder destroyed of the keystore and, as a digest, in the registry. If the command
is interrupted, run it again.

Afterwards take the silo, and the roles of its owners, out of the configuration: runs refuse a silo
whose key was destroyed.`,
		Example: "  lethe keys destroy --silo newsletter --as anna --key anna.key --as bo --key bo.key --because " +
			"\"the newsletter ended in 2026\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := end.run(cmd.Context(), c, func(p *setup.Setup,
				witnesses []setup.Witness) ([]keystore.Evidence, error) {
				if strings.TrimSpace(end.because) == "" {
					return nil, fmt.Errorf("%w: --because: say why the silo ends; it stands in the evidence",
						setup.ErrUsage)
				}
				return keys.Destroy(cmd.Context(), p, end.silo, end.because, witnesses)
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "take silo %s out of the configuration\n", end.silo)
			return nil
		},
	}
	end.register(cmd, "the silo that ends")
	return cmd
}
