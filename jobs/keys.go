package jobs

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline"
	"lethe/pipeline/registry/keystore"
)

func (c *Command) keysCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "Create the keystore, the keys of silos and the signing keys of people"}
	var out string
	person := &cobra.Command{
		Use: "new", Short: "Make a person's signing key, and print the public key for the configuration", Args: cobra.NoArgs,
		Example: "  lethe keys new --out anna.key",
		RunE: func(*cobra.Command, []string) error {
			public, err := keystore.NewPerson(out)
			if err != nil {
				return fmt.Errorf("%w: %w", pipeline.ErrConfig, err)
			}
			fmt.Fprintln(c.Out, public)
			return nil
		},
	}
	person.Flags().StringVar(&out, "out", "", "file for the secret key; only its owner may read it")
	if err := person.MarkFlagRequired("out"); err != nil {
		panic(err)
	}
	create := &cobra.Command{
		Use: "create", Short: "Create the keystore and the keys that the configuration's silos lack", Args: cobra.NoArgs,
		Example: "  lethe keys create",
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := Load(c.config)
			if err != nil {
				return err
			}
			path, identity := config.abs(config.Keystore.Path), config.abs(strings.TrimPrefix(config.Keystore.Identity, "file:"))
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				if err := keystore.Create(path, identity); err != nil {
					return fmt.Errorf("%w: %w", pipeline.ErrConfig, err)
				}
				fmt.Fprintf(c.Out, "created the keystore %s, opened by %s: keep a copy of both, apart from each other\n", relative(path), relative(identity))
			}
			k, err := keystore.Open(cmd.Context(), path, identity)
			if err != nil {
				return err
			}
			if err := k.EnsureRunner(); err != nil {
				return err
			}
			for _, silo := range slices.Sorted(maps.Keys(config.Silos)) {
				if err := k.EnsureSilo(silo); err != nil {
					return err
				}
				fmt.Fprintf(c.Out, "silo %s has its key\n", silo)
			}
			runner, err := k.Runner()
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "reports are signed by %s: give this to the data protection officer\n", runner.Public())
			return nil
		},
	}
	cmd.AddCommand(person, create)
	return cmd
}
