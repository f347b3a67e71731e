package jobs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"lethe/pipeline/registry/person"
	"lethe/pipeline/setup"
)

func keysPassphraseCommand(c *Command) *cobra.Command {
	var key, to string
	var remove bool
	cmd := &cobra.Command{
		Use: "passphrase", Short: "Encrypt the file of a signing key with a passphrase, or with another one",
		Args: cobra.NoArgs,
		Long: `Write the file of a person's signing key anew, encrypted with a passphrase that is asked for on the terminal, or
that stands where --new says. The key is the same one, and so is what it signed. Copies of the file stay as they are:
who may have one signs with it under the passphrase of before, or without any. Then "lethe keys revoke" ends the key.`,
		Example: "  lethe keys passphrase --key anna.key\n" +
			"  lethe keys passphrase --key anna.key --passphrase file:old.pass --new file:new.pass",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			var p *setup.Setup
			if _, err := os.Stat(c.config); !errors.Is(err, fs.ErrNotExist) { // one's own machine has no configuration
				if p, _, err = c.load(ctx); err != nil {
					return err
				}
			}
			f, err := person.Read(key)
			if err != nil {
				return err
			}
			_, old, err := c.unlock(ctx, p, f, 0)
			if err != nil {
				return err
			}
			passphrase, asked := "", true
			if !remove {
				if passphrase, asked, err = c.newPassphrase(ctx, "--new", to, key); err != nil {
					return err
				}
			}
			if !asked {
				return fmt.Errorf("%w: ask for the new passphrase on a terminal, or say where it stands, with --new file:PATH or "+
					"env:NAME; --remove takes it away", setup.ErrUsage)
			}
			if err := f.Change(old, passphrase); err != nil {
				return fmt.Errorf("%w: %w", setup.ErrConfig, err)
			}
			if passphrase == "" {
				fmt.Fprintf(c.Out, "%s has no passphrase: whoever copies it signs as you\n", key)
				return nil
			}
			fmt.Fprintf(c.Out, "%s is encrypted; copies of it from before are not\n", key)
			return nil
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "file with the signing key")
	cmd.Flags().StringVar(&to, "new", "", "where the new passphrase stands: file:PATH or env:NAME; without it a terminal is asked")
	cmd.Flags().BoolVar(&remove, "remove", false, "take the passphrase away")
	cmd.MarkFlagsMutuallyExclusive("new", "remove")
	required(cmd, "key")
	return cmd
}
