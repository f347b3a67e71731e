package jobs

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/setup"
)

// signerFlags are one person who signs, with the file of their signing key.
type signerFlags struct{ as, key string }

func (s *signerFlags) register(cmd *cobra.Command, who string) {
	cmd.Flags().StringVar(&s.as, "as", "", who)
	cmd.Flags().StringVar(&s.key, "key", "", "file with that person's signing key")
	required(cmd, "as", "key")
}

// load reads the person's key.
func (s *signerFlags) load(ctx context.Context, c *Command, p *setup.Setup) ([]setup.Witness, error) {
	return (&witnessFlags{as: []string{s.as}, keys: []string{s.key}}).load(ctx, c, p)
}

// witnessFlags are the people who act together, each with the file of their signing key.
type witnessFlags struct{ as, keys []string }

func (w *witnessFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&w.as, "as", nil, "who acts: a name under people; given twice, for two people")
	cmd.Flags().StringArrayVar(&w.keys, "key", nil, "file with that person's signing key, in the order of --as")
	required(cmd, "as", "key")
}

// load reads the people's keys.
func (w *witnessFlags) load(ctx context.Context, c *Command, p *setup.Setup) ([]setup.Witness, error) {
	if len(w.as) != len(w.keys) {
		return nil, fmt.Errorf("%w: --as is given %d times and --key %d times: each person has a key",
			setup.ErrUsage, len(w.as), len(w.keys))
	}
	var people []setup.Witness
	for i, name := range w.as {
		signer, err := c.signer(ctx, p, w.keys[i], i)
		if err != nil {
			return nil, err
		}
		people = append(people, setup.Witness{Name: name, Signer: signer})
	}
	return people, nil
}
