package jobs

import "github.com/spf13/cobra"

func keysCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: "keys", Short: "Create, list, rotate and destroy keys of silos; create and revoke signing keys of people",
		Long: `Every silo has a key of its own, in the keystore. References to people and records are made with it, so
that nothing in the registry can be linked to anybody, or from one silo to another, without it.
Destroying the key of a silo that has ended makes all its references unlinkable at once, in every copy
and backup of the registry as well.`,
	}
	cmd.AddCommand(keysNewCommand(c), keysCreateCommand(c), keysListCommand(c), keysRotateCommand(c),
		keysRetireCommand(c), keysDestroyCommand(c), keysRevokeCommand(c), keysPassphraseCommand(c))
	return cmd
}
