package jobs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/audit/witness"
	"lethe/pipeline/chronicle"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// cosigning is what audit cosign is asked for.
type cosigning struct{ key, as, runner, held, out, add string }

func auditCosignCommand(c *Command) *cobra.Command {
	var o cosigning
	cmd := &cobra.Command{
		Use:   "cosign [reports folder]",
		Short: "Check the reports on a machine of your own, and sign the log of nights with a key of your own",
		Long: `Check a folder of reports as lethe audit verify does, and that its log goes on from the checkpoint that you
cosigned last; then sign its newest checkpoint with your key, with the time. It is for the data protection
officer, or another witness, with a key that the operator does not have, on a machine of their own: neither
configuration nor keystore is needed.
What you cosigned last stays in a folder of yours (--held), beside your key unless you say otherwise. The first
time, give the public key that lethe keys create printed with --runner; it is remembered.
The cosignature is a small file in log/cosignatures of the reports. Where you cannot write there it is written to
--out, and the operator adds it with lethe audit cosign --add FILE, or copies it there. If anything does not hold,
nothing is signed, and it ends with 12.`,
		Args: cobra.MaximumNArgs(1),
		Example: "  lethe audit cosign ./copy-of-reports --key dora.key --runner 'lethe-ed25519:...'\n" +
			"  lethe audit cosign ./copy-of-reports --key dora.key --out dora.cosignature\n" +
			"  lethe audit cosign --add dora.cosignature",
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.add != "" {
				return c.addCosignature(cmd, o.add)
			}
			if o.key == "" {
				return fmt.Errorf("%w: give your key with --key, or the file of a cosignature with --add", setup.ErrUsage)
			}
			folder := strings.Join(args, "")
			if folder == "" {
				p, _, err := c.load(cmd.Context())
				if err != nil {
					return err
				}
				folder = p.Reports
			}
			return c.cosign(cmd, folder, o)
		},
	}
	cmd.Flags().StringVar(&o.key, "key", "", "`file` with your signing key")
	cmd.Flags().StringVar(&o.as, "as", "", "your `name`, as it stands under the checkpoint; without it the name of the key's file")
	cmd.Flags().StringVar(&o.runner, "runner", "", "public `key` of the runner; needed the first time")
	cmd.Flags().StringVar(&o.held, "held", "", "`folder` for what you cosigned; without it, lethe-witness beside your key")
	cmd.Flags().StringVar(&o.out, "out", "", "`file` for the cosignature, in place of the reports")
	cmd.Flags().StringVar(&o.add, "add", "", "`file` of a cosignature that goes into the reports of the configuration")
	cmd.MarkFlagsMutuallyExclusive("add", "key")
	return cmd
}

// witnessed gives errors of a witness their exit code.
func witnessed(err error) error {
	switch {
	case errors.Is(err, evidence.ErrEdited):
		return fmt.Errorf("%w: %w", setup.ErrTampered, err)
	case errors.Is(err, witness.ErrUnknown):
		return fmt.Errorf("%w: %w", setup.ErrConfig, err)
	}
	return err
}

func (c *Command) cosign(cmd *cobra.Command, folder string, o cosigning) error {
	signer, err := c.signer(cmd.Context(), nil, o.key, 0)
	if err != nil {
		return err
	}
	var runner *keystore.PublicKey
	if o.runner != "" {
		parsed, err := keystore.ParsePublic(o.runner)
		if err != nil {
			return fmt.Errorf("%w: --runner: %w", setup.ErrConfig, err)
		}
		runner = &parsed
	}
	if o.held == "" {
		o.held = filepath.Join(filepath.Dir(o.key), "lethe-witness")
	}
	if o.as == "" {
		o.as = strings.TrimSuffix(filepath.Base(o.key), filepath.Ext(o.key))
	}
	held, err := witness.Open(o.held, folder, runner)
	if err != nil {
		return witnessed(err)
	}
	before := held.Last
	signed, cosignature, report, err := held.Cosign(cmd.Context(), folder, o.as, signer, c.Now())
	for _, line := range report.Lines() {
		fmt.Fprintln(c.Out, line)
	}
	if err != nil {
		fmt.Fprintln(c.Out, "nothing was cosigned")
		return witnessed(err)
	}
	if before == nil {
		fmt.Fprintf(c.Out, "this is the first checkpoint of this log that you cosign: it vouches for what comes after it\n")
	} else {
		fmt.Fprintf(c.Out, "the log goes on from the checkpoint that you cosigned last, of %d entries\n", before.Size)
	}
	fmt.Fprintf(c.Out, "%s cosigned %d entries at %s; what you cosigned is kept in %s\n", cosignature.Name,
		cosignature.Checkpoint.Size, cosignature.At.Format(time.RFC3339), o.held)
	return c.handOver(folder, o.out, signed, cosignature)
}

// handOver writes a cosignature where it was asked for: to a file, or into the reports, or, where those cannot be
// written, to a file in the working folder.
func (c *Command) handOver(folder, out string, signed []byte, cosignature tilelog.Cosignature) error {
	if out == "" {
		name, err := tilelog.AddCosignature(folder, signed, cosignature)
		if err == nil {
			fmt.Fprintf(c.Out, "the cosignature is in %s\n", filepath.Join(folder, filepath.FromSlash(name)))
			return nil
		}
		if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
			return err
		}
		out = "cosignature-" + filepath.Base(tilelog.CosignatureFile(cosignature))
	}
	if err := os.WriteFile(out, signed, 0o644); err != nil { //nolint:gosec // it is to be given away
		return fmt.Errorf("write cosignature: %w", err)
	}
	fmt.Fprintf(c.Out, "the cosignature is in %s: the operator adds it with `lethe audit cosign --add %[1]s`, or copies it to "+
		"%s in the reports\n", out, tilelog.CosignatureFile(cosignature))
	return nil
}

func (c *Command) addCosignature(cmd *cobra.Command, file string) error {
	p, _, err := c.load(cmd.Context())
	if err != nil {
		return err
	}
	signer, err := p.Keys.Runner()
	if err != nil {
		return err
	}
	signed, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w: --add: %w", setup.ErrConfig, err)
	}
	_, witnesses := chronicle.Witnesses(p)
	added, err := witness.Add(p.Reports, signed, signer.PublicKey(), witnesses)
	if err != nil {
		return witnessed(err)
	}
	fmt.Fprintf(c.Out, "%s cosigned %d entries of the log at %s; it is in %s\n", added.Name, added.Checkpoint.Size,
		added.At.Format(time.RFC3339), tilelog.CosignatureFile(added))
	return nil
}
