package jobs

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"lethe/pipeline/registry/chain"
	"lethe/pipeline/state"
)

func consentVerifyCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Recompute every silo's hash chain", Args: cobra.NoArgs,
		Long: `Recompute every silo's hash chain, and look whether it still has the head that the last night saw: an
event that was changed, removed, added or cut off at the end shows. Then look at every row that stands
beside the chain: each is sealed with the silo's key, over its place and content, and the silo says which
there are; and compare with the chain whose the identifiers are, the holds and who placed, approved and
released them, the requests and their terms. It ends with 12 when anything does not hold. Who can write the database, the
state folder and the reports can make all of them anew; keep a checkpoint, which each run prints,
out of the operator's reach.`,
		Example: "  lethe consent verify",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withRegistry(cmd.Context(), "", func(o opened) error {
				heads, err := o.registry.Heads(cmd.Context())
				if err != nil && !errors.Is(err, chain.ErrTampered) { // of one that is not what it was, below
					return err
				}
				seen, err := state.SeenHeads(cmd.Context(), o.p)
				if err != nil {
					return err
				}
				for silo := range seen { // one that is gone altogether
					if !slices.ContainsFunc(heads, func(h chain.Head) bool { return h.Silo == silo }) {
						heads = append(heads, chain.Head{Silo: silo})
					}
				}
				var errs []error
				for _, h := range heads {
					err := o.registry.Verify(cmd.Context(), h.Silo, seen[h.Silo])
					if err == nil {
						key, _ := o.p.Keys.SiloKey(h.Silo) // none of a silo that ended
						err = o.registry.VerifyRows(cmd.Context(), h.Silo, key)
					}
					if err != nil {
						errs = append(errs, err)
						fmt.Fprintf(c.Out, "%s: does not hold\n", h.Silo)
						continue
					}
					fmt.Fprintf(c.Out, "%s: %d events, chain holds, head %x\n", h.Silo, h.Seq, h.Hash[:8])
				}
				return errors.Join(errs...)
			})
		},
	}
}
