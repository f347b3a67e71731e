package jobs

import (
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/registry"
)

func registryCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{Use: "registry", Short: "Create the consent registry"}
	cmd.AddCommand(&cobra.Command{
		Use: "init", Short: "Create an empty registry where the configuration says", Args: cobra.NoArgs,
		Example: "  lethe registry init",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			if err := registry.Create(cmd.Context(), p.Registry); err != nil {
				return err
			}
			fmt.Fprintln(c.Out, "created the registry: import consents with `lethe consent import`")
			return nil
		},
	})
	return cmd
}
