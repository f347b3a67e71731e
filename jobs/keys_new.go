package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/audit/sealed"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

func keysNewCommand(c *Command) *cobra.Command {
	var out string
	var reader bool
	cmd := &cobra.Command{
		Use:     "new",
		Short:   "Make a person's signing key, or a reader's identity, and print the public key for the configuration",
		Args:    cobra.NoArgs,
		Example: "  lethe keys new --out anna.key\n  lethe keys new --reader --out anna-reader.key",
		RunE: func(*cobra.Command, []string) error {
			if reader {
				recipient, err := sealed.NewIdentity(out)
				if err != nil {
					return fmt.Errorf("%w: %w", setup.ErrConfig, err)
				}
				fmt.Fprintln(c.Out, recipient)
				return nil
			}
			public, err := keystore.NewPerson(out)
			if err != nil {
				return fmt.Errorf("%w: %w", setup.ErrConfig, err)
			}
			fmt.Fprintln(c.Out, public)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file for the secret key; only its owner may read it")
	cmd.Flags().BoolVar(&reader, "reader", false, "make an identity of age, for readers: of a silo")
	required(cmd, "out")
	return cmd
}
