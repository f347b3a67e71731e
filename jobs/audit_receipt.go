package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// proving is what audit receipt is asked for.
type proving struct {
	key, folder, check, manifest string
	witnesses                    []string
}

func auditReceiptCommand(c *Command) *cobra.Command {
	var o proving
	cmd := &cobra.Command{
		Use:   "receipt [run]",
		Short: "Prove one night to somebody who gets no other",
		Long: `Print the proof that one night is in the log of nights (C2SP tlog-proof): with the night's manifest it shows
that the night is what was signed, and, by the cosignature under the checkpoint, that somebody else saw it there at a
time, so that it was not written later. Who gets both, and files of that night, needs nothing of the others: --check
looks at such a proof with public keys alone, and --manifest says whether it is of that manifest, in which each file
of the night stands with its SHA-256.`,
		Args: cobra.MaximumNArgs(1),
		Example: "  lethe audit receipt 01a22889-118f-73ad-866d-bf65d60beacd > night.tlog-proof\n" +
			"  lethe audit receipt --check night.tlog-proof --manifest manifest.json --key 'lethe-ed25519:...'",
		RunE: func(cmd *cobra.Command, args []string) error {
			if (o.check != "") == (len(args) == 1) {
				return fmt.Errorf("%w: name the run, or the file of a proof with --check", setup.ErrUsage)
			}
			if o.check != "" {
				return witnessed(c.checkReceipt(o))
			}
			return witnessed(c.receipt(cmd, o, args[0]))
		},
	}
	cmd.Flags().StringVar(&o.folder, "reports", "", "`folder` of reports; without it, that of the configuration")
	cmd.Flags().StringVar(&o.key, "key", "", "public `key` of the runner; without it, that of the configuration")
	cmd.Flags().StringVar(&o.check, "check", "", "`file` of a proof")
	cmd.Flags().StringVar(&o.manifest, "manifest", "", "`file` of the manifest that the proof is to be of")
	cmd.Flags().StringArrayVar(&o.witnesses, "witness", nil, "public `key` of who cosigned; may be given again")
	return cmd
}

func (c *Command) receipt(cmd *cobra.Command, o proving, run string) error {
	if o.folder == "" || o.key == "" {
		p, _, err := c.load(cmd.Context())
		if err != nil {
			return err
		}
		runner, err := p.Keys.Runner()
		if err != nil {
			return err
		}
		o.folder, o.key = cmp.Or(o.folder, p.Reports), cmp.Or(o.key, runner.Public())
	}
	key, err := keystore.ParsePublic(o.key)
	if err != nil {
		return fmt.Errorf("%w: --key: %w", setup.ErrConfig, err)
	}
	_, newest, err := tilelog.Newest(o.folder, key)
	if err != nil {
		return fmt.Errorf("%w: %w", evidence.ErrEdited, err)
	}
	entries, err := tilelog.Entries(o.folder, newest.Size)
	if err != nil {
		return fmt.Errorf("%w: %w", evidence.ErrEdited, err)
	}
	l, err := tilelog.New(entries)
	if err != nil {
		return err
	}
	place := l.Find(run)
	if place < 0 {
		return fmt.Errorf("%w: the log in %s has no run %s: `lethe audit verify` lists the nights with their runs",
			setup.ErrConfig, filepath.Join(o.folder, tilelog.Folder), run)
	}
	signed, err := tilelog.Covering(o.folder, place, key)
	if err != nil {
		return err
	}
	proof, err := l.Prove(place, signed, key)
	if err != nil {
		return fmt.Errorf("%w: %w", evidence.ErrEdited, err)
	}
	_, err = c.Out.Write(proof)
	return err
}

func (c *Command) checkReceipt(o proving) error {
	key, err := keystore.ParsePublic(o.key)
	if err != nil {
		return fmt.Errorf("%w: --key: %w", setup.ErrConfig, err)
	}
	against, err := (&heldFlags{witnesses: o.witnesses}).load(key)
	if err != nil {
		return err
	}
	body, err := os.ReadFile(o.check)
	if err != nil {
		return fmt.Errorf("%w: --check: %w", setup.ErrConfig, err)
	}
	p, err := tilelog.CheckProof(body, key, against.Witnesses)
	if errors.Is(err, tilelog.ErrOther) || errors.Is(err, tilelog.ErrForged) {
		return fmt.Errorf("%w: %s: %w", evidence.ErrEdited, o.check, err)
	}
	if err != nil {
		return err
	}
	if o.manifest != "" {
		digest, err := audit.FileDigest(o.manifest)
		if err != nil {
			return fmt.Errorf("%w: --manifest: %w", setup.ErrConfig, err)
		}
		if digest != p.Entry.Manifest {
			return fmt.Errorf("%w: %s is not the manifest of the proof, whose digest is %s: ask for manifest.json of run %s",
				evidence.ErrEdited, o.manifest, p.Entry.Manifest, p.Entry.Run)
		}
	}
	fmt.Fprintf(c.Out, "the night of %s, run %s, is entry %d of the log %s\nits manifest is %s\n", p.Entry.Date, p.Entry.Run,
		p.Place, p.Checkpoint.Origin, p.Entry.Manifest)
	for _, s := range p.Cosignatures {
		if s.Known {
			fmt.Fprintf(c.Out, "%s saw it there at %s, among %d entries\n", s.Name, s.At.Format(time.RFC3339), s.Checkpoint.Size)
			continue
		}
		fmt.Fprintf(c.Out, "a cosignature of %s was not checked: give --witness and their public key\n", s.Name)
	}
	if len(p.Cosignatures) == 0 {
		fmt.Fprintln(c.Out, "nobody cosigned it: it proves that the runner's key signed it, not when")
	}
	return nil
}
