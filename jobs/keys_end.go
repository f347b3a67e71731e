package jobs

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// keyEnd is what the commands that destroy keys share: the silo, why, and the two people who see it.
type keyEnd struct {
	silo, because string
	people        witnessFlags
}

func (e *keyEnd) register(cmd *cobra.Command, silo string) {
	cmd.Flags().StringVar(&e.silo, "silo", "", silo)
	cmd.Flags().StringVar(&e.because, "because", "", "why; it stands in the evidence")
	e.people.register(cmd)
	required(cmd, "silo", "because")
}

// run destroys keys before the witnesses, and prints the evidence of each.
func (e *keyEnd) run(ctx context.Context, c *Command,
	destroy func(*setup.Setup, []setup.Witness) ([]keystore.Evidence, error)) error {
	p, _, err := c.load(ctx)
	if err != nil {
		return err
	}
	witnesses, err := e.people.load(ctx, c, p)
	if err != nil {
		return err
	}
	destroyed, err := destroy(p, witnesses)
	if err != nil {
		return err
	}
	for _, d := range destroyed {
		fmt.Fprintf(c.Out, "key %s of silo %s was destroyed on %s, evidence %x\n", d.KeyID[:16], e.silo,
			dayOf(d.DestroyedAt, p.Zone), d.Digest())
	}
	return nil
}
