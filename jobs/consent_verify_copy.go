package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/copies/snapshot"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

func consentVerifyCopyCommand(c *Command) *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:     "verify-copy <folder>",
		Short:   "Check the signed snapshot in a folder, with nothing but the public key",
		Args:    cobra.ExactArgs(1),
		Example: "  lethe consent verify-copy var/copies/crm --key lethe-ed25519:...",
		RunE: func(_ *cobra.Command, args []string) error {
			public, err := keystore.ParsePublic(key)
			if err != nil {
				return fmt.Errorf("%w: --key: %w", setup.ErrUsage, err)
			}
			m, err := snapshot.Verify(args[0], public)
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(m)
			}
			fmt.Fprintln(c.Out, m.Words())
			return nil
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "public `key` of who signs, as lethe keys create printed it")
	if err := cmd.MarkFlagRequired("key"); err != nil {
		panic(err)
	}
	return cmd
}
