package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/audit/sealed"
	"lethe/pipeline/registry/person"
	"lethe/pipeline/setup"
)

func keysNewCommand(c *Command) *cobra.Command {
	var out string
	var reader bool
	var passphrase string
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Make a person's signing key, or a reader's identity, and print the public key for the configuration",
		Long: `Make a person's signing key and print its public half, which goes under people. On a terminal it asks for a
passphrase, with which the file is encrypted (age, scrypt): whoever copies the file cannot sign with it. Elsewhere
--passphrase says where one stands, and without it there is none, as for an operator's key that cron uses.
"lethe keys passphrase" gives it another one.`,
		Args: cobra.NoArgs,
		Example: "  lethe keys new --out anna.key\n  lethe keys new --out anna.key --passphrase file:anna.pass\n" +
			"  lethe keys new --reader --out anna-reader.key",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if reader && passphrase != "" {
				return fmt.Errorf("%w: a reader's identity is a file of age: `age -p` encrypts it", setup.ErrUsage)
			}
			if reader {
				recipient, err := sealed.NewIdentity(out)
				if err != nil {
					return fmt.Errorf("%w: %w", setup.ErrConfig, err)
				}
				fmt.Fprintln(c.Out, recipient)
				return nil
			}
			text, asked, err := c.newPassphrase(cmd.Context(), "--passphrase", passphrase, out)
			if err != nil {
				return err
			}
			public, err := person.New(out, text)
			if err != nil {
				return fmt.Errorf("%w: %w", setup.ErrConfig, err)
			}
			if asked && text == "" {
				fmt.Fprintf(c.Err, "%s has no passphrase: whoever copies it signs as you\n", out)
			}
			fmt.Fprintln(c.Out, public)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file for the secret key; only its owner may read it")
	cmd.Flags().BoolVar(&reader, "reader", false, "make an identity of age, for readers: of a silo")
	cmd.Flags().StringVar(&passphrase, "passphrase", "", "where the passphrase for it stands: file:PATH or env:NAME; without "+
		"it a terminal is asked")
	required(cmd, "out")
	return cmd
}
