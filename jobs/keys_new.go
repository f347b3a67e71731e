package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

func keysNewCommand(c *Command) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:     "new",
		Short:   "Make a person's signing key, and print the public key for the configuration",
		Args:    cobra.NoArgs,
		Example: "  lethe keys new --out anna.key",
		RunE: func(*cobra.Command, []string) error {
			public, err := keystore.NewPerson(out)
			if err != nil {
				return fmt.Errorf("%w: %w", setup.ErrConfig, err)
			}
			fmt.Fprintln(c.Out, public)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file for the secret key; only its owner may read it")
	required(cmd, "out")
	return cmd
}
