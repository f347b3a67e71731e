package jobs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/policy"
	"lethe/pipeline/registry"
	"lethe/pipeline/state"
)

func registryCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{Use: "registry", Short: "Create the consent registry, move one of an earlier Lethe over, seal it"}
	cmd.AddCommand(registryResealCommand(c))
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
			next := "no silo needs consents in it"
			if slices.ContainsFunc(p.Silos, func(s *policy.Compiled) bool { return !s.Silo.Alone() }) || len(p.Silos) == 0 {
				next = "import consents with `lethe consent import`"
			}
			fmt.Fprintln(c.Out, "created the registry:", next)
			return nil
		},
	})
	cmd.AddCommand(&cobra.Command{
		Use: "upgrade", Short: "Move the registry of the Lethe before over to this one", Args: cobra.NoArgs,
		Long: `Move the registry of the Lethe before over to this one: seal every row that stands beside the chains with the
key of its silo, so that what somebody else writes there is not believed, and veil what would tell, without the
keys, who in one silo is who in another: when events happened, and whose they are, and when holds and requests were. The
chains of a registry whose events are not veiled yet are hashed anew; an event of each silo says which head it had
before. First every chain is recomputed and compared with the head that
the last night saw, the rows beside it with their seals, and the identifiers, holds and requests with what the
events say of them. A registry that does not hold is refused, with 12, and stays as it is. Where it has no seals
yet, flags, tombstones, record links, deliveries to copies and the marks of expiry have nothing that could prove
them: they are taken as they stand, so look first who could write to the registry.

Back it up before, let no other Lethe work meanwhile, and put the new program everywhere. On a server the
account needs ALTER, INDEX and TRIGGER once, as for init. Cut off anywhere, it is finished by asking again; a
registry that is of this version already stays as it is.`,
		Example: "  lethe registry upgrade",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			seen, err := state.SeenHeads(cmd.Context(), p)
			if err != nil {
				return err
			}
			done, err := registry.Upgrade(cmd.Context(), p.Registry, seen)
			if err != nil {
				return err
			}
			if done.Current {
				fmt.Fprintln(c.Out, "the registry is of this version already: nothing was done")
				return nil
			}
			fmt.Fprintf(c.Out, "the chains hold, and the rows beside them are sealed and veiled: %s\n",
				strings.Join(done.Silos, ", "))
			return nil
		},
	})
	return cmd
}
