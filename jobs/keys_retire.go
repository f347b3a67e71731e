package jobs

import (
	"github.com/spf13/cobra"

	"lethe/pipeline/keys"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

func keysRetireCommand(c *Command) *cobra.Command {
	var end keyEnd
	var version int
	cmd := &cobra.Command{
		Use:   "retire",
		Short: "Destroy, before two witnesses, a version of a key that a later one has replaced",
		Args:  cobra.NoArgs,
		Long: `The secret of the old version is destroyed. What later versions need of it, from which it cannot be
computed, is in their files.`,
		Example: "  lethe keys retire --silo newsletter --version 1 --as anna --key anna.key --as bo --key bo.key " +
			"--because \"yearly rotation\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return end.run(cmd.Context(), c, func(p *setup.Setup,
				witnesses []setup.Witness) ([]keystore.Evidence, error) {
				e, err := keys.Retire(cmd.Context(), p, end.silo, version, end.because, witnesses)
				return []keystore.Evidence{e}, err
			})
		},
	}
	cmd.Flags().IntVar(&version, "version", 0, "the version that was replaced")
	end.register(cmd, "the silo")
	required(cmd, "version")
	return cmd
}
