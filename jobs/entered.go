package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"lethe/pipeline/duties"
	"lethe/pipeline/setup"
)

// enterFlags are who enters something in other people's name.
type enterFlags struct{ as, key string }

func (e *enterFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&e.as, "as", "", "who does this: a name under people; needed where somebody has the role "+
		"user:SILO")
	cmd.Flags().StringVar(&e.key, "key", "", "file with that person's signing key")
}

// named is the person, if one was named.
func (e *enterFlags) named(ctx context.Context, c *Command, p *setup.Setup) (*setup.Witness, error) {
	if (e.as == "") != (e.key == "") {
		return nil, fmt.Errorf("%w: --as and --key go together", setup.ErrUsage)
	}
	if e.as == "" {
		return nil, nil
	}
	who, err := (&signerFlags{as: e.as, key: e.key}).load(ctx, c, p)
	if err != nil {
		return nil, err
	}
	return &who[0], nil
}

// request lets who does something with a request sign it, and then does it.
func (e *enterFlags) request(ctx context.Context, c *Command, o opened, silo, id string, do func() error,
	what ...string) error {
	who, err := e.named(ctx, c, o.p)
	if err != nil {
		return err
	}
	return duties.EnteredBy(ctx, o.p, entry(silo, id, what), who, do)
}

// entry is what somebody does with a request.
func entry(silo, id string, what []string) duties.Entry {
	return duties.Entry{Silo: silo, Request: id, What: what, Roles: []string{"dpo"}}
}

// may refuses who may do nothing with a request, before anything is looked for.
func (e *enterFlags) may(ctx context.Context, c *Command, p *setup.Setup, silo, id string) error {
	who, err := e.named(ctx, c, p)
	if err != nil {
		return err
	}
	return entry(silo, id, nil).May(p, who)
}

// digestOfFile is the SHA-256 of a file that can be read twice, hex; "" of what comes through a pipe.
func digestOfFile(path string) string {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}
