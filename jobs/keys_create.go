package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"lethe/jobs/config"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

func keysCreateCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use:     "create",
		Short:   "Create the keystore and the keys that the configuration's silos lack",
		Args:    cobra.NoArgs,
		Example: "  lethe keys create",
		RunE:    func(cmd *cobra.Command, _ []string) error { return createKeys(cmd.Context(), c) },
	}
}

func createKeys(ctx context.Context, c *Command) error {
	cfg, err := config.Load(c.config)
	if err != nil {
		return err
	}
	path, identity := cfg.KeystoreFiles()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := keystore.Create(path, identity); err != nil {
			return fmt.Errorf("%w: %w", setup.ErrConfig, err)
		}
		fmt.Fprintf(c.Out, "created the keystore %s, opened by %s: keep a copy of both, apart from each other\n",
			relative(path), relative(identity))
	}
	k, err := keystore.Open(ctx, path, identity)
	if err != nil {
		return err
	}
	if err := k.EnsureRunner(); err != nil {
		return err
	}
	for _, silo := range slices.Sorted(maps.Keys(cfg.Silos)) {
		if err := k.EnsureSilo(silo); err != nil {
			return err
		}
		fmt.Fprintf(c.Out, "silo %s has its key\n", silo)
	}
	runner, err := k.Runner()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "reports and copies are signed by %s: give this to the data protection officer\n",
		runner.Public())
	return nil
}
