package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/audit/receipts"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/registry/identifier"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// proving is what audit receipt is asked for.
type proving struct {
	key, folder, manifest string
	witnesses             []string

	code, country string
	subjects      []string
}

func auditReceiptCommand(c *Command) *cobra.Command {
	var o proving
	cmd := &cobra.Command{
		Use:   "receipt <run|file>",
		Short: "Prove one night to somebody who gets no other; check such a proof, or a person's receipt",
		Long: `Of a run, print the proof that its night is in the log of nights (C2SP tlog-proof): with the night's manifest it
shows that the night is what was signed, and, by the cosignature under the checkpoint, that somebody else saw it there at
a time, so that it was not written later. Who gets both, and files of that night, needs nothing of the others.

Of a file, check it with public keys alone, without configuration and network:
  a proof of a night        --manifest says whether it is of that manifest, in which each file of the night stands with
                            its SHA-256
  a receipt of an erasure   as lethe request receipt writes it: what it says, and since when. --code says whether it is of
                            the request with that code, and with --subject whether it is of the person with that address`,
		Args: cobra.ExactArgs(1),
		Example: "  lethe audit receipt 01a22889-118f-73ad-866d-bf65d60beacd > night.tlog-proof\n" +
			"  lethe audit receipt night.tlog-proof --manifest manifest.json --key 'lethe-ed25519:...'\n" +
			"  lethe audit receipt receipt.json --key 'lethe-ed25519:...' --witness 'lethe-ed25519:...'",
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := os.ReadFile(args[0])
			switch {
			case errors.Is(err, fs.ErrNotExist) && runID.MatchString(args[0]):
				return witnessed(c.receipt(cmd, o, args[0]))
			case err != nil:
				return fmt.Errorf("%w: %w: name the run, as lethe audit verify lists them, or the file of a proof or of a "+
					"receipt", setup.ErrUsage, err)
			}
			return witnessed(c.checkReceipt(o, args[0], body))
		},
	}
	cmd.Flags().StringVar(&o.folder, "reports", "", "`folder` of reports; without it, that of the configuration")
	cmd.Flags().StringVar(&o.key, "key", "", "public `key` of the runner; of a run, without it that of the configuration")
	cmd.Flags().StringVar(&o.manifest, "manifest", "", "`file` of the manifest that a proof is to be of")
	cmd.Flags().StringArrayVar(&o.witnesses, "witness", nil, "public `key` of who cosigned; may be given again")
	cmd.Flags().StringVar(&o.code, "code", "", "of a receipt, as the letter has it")
	cmd.Flags().StringArrayVar(&o.subjects, "subject", nil, "kind=value of whom a receipt is to be; may be given again")
	cmd.Flags().StringVar(&o.country, "country", "", "country of phone numbers without a prefix (ISO 3166-1)")
	return cmd
}

// runID is the name of a run: a UUID.
var runID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

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

// checkReceipt checks the file of a proof or of a receipt.
func (c *Command) checkReceipt(o proving, file string, body []byte) error {
	if o.key == "" {
		return fmt.Errorf("%w: --key: give the public key of the runner, as the company published it", setup.ErrUsage)
	}
	key, err := keystore.ParsePublic(o.key)
	if err != nil {
		return fmt.Errorf("%w: --key: %w", setup.ErrConfig, err)
	}
	against, err := (&heldFlags{witnesses: o.witnesses}).load(key)
	if err != nil {
		return err
	}
	if receipts.Is(body) {
		err = c.checkPersons(o, body, key, against.Witnesses)
	} else {
		err = c.checkNight(o, body, key, against.Witnesses)
	}
	if errors.Is(err, tilelog.ErrOther) || errors.Is(err, tilelog.ErrForged) || errors.Is(err, receipts.ErrOther) {
		return fmt.Errorf("%w: %s: %w", evidence.ErrEdited, file, err)
	}
	return err
}

// checkNight checks the proof of a night.
func (c *Command) checkNight(o proving, body []byte, key keystore.PublicKey, witnesses []keystore.PublicKey) error {
	if o.code != "" || len(o.subjects) > 0 {
		return fmt.Errorf("%w: --code and --subject are of a person's receipt, and this is the proof of a night",
			setup.ErrUsage)
	}
	p, err := tilelog.CheckProof(body, key, witnesses)
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
	c.printSeen(p)
	return nil
}

// printSeen says who saw an entry in the log, and when.
func (c *Command) printSeen(p tilelog.Proven) {
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
}

// checkPersons checks the receipt of an erasure, and says what it says.
func (c *Command) checkPersons(o proving, body []byte, key keystore.PublicKey, witnesses []keystore.PublicKey) error {
	if o.manifest != "" {
		return fmt.Errorf("%w: --manifest is of the proof of a night, and this is a person's receipt", setup.ErrUsage)
	}
	if len(o.subjects) > 0 && o.code == "" {
		return fmt.Errorf("%w: --subject: whose a receipt is shows only with its --code, which the person's letter has",
			setup.ErrUsage)
	}
	p, err := receipts.Check(body, key, witnesses)
	if err != nil {
		return err
	}
	whose, err := o.whose(body, p.Statement)
	if err != nil {
		return err
	}
	for _, line := range append(p.Statement.Lines(), whose...) {
		fmt.Fprintln(c.Out, line)
	}
	fmt.Fprintf(c.Out, "the night of %s, run %s, committed to it: entry %d of the log %s\n", p.Night.Entry.Date,
		p.Night.Entry.Run, p.Night.Place, p.Night.Checkpoint.Origin)
	c.printSeen(p.Night)
	return nil
}

// whose says of which request and person a receipt is, as far as that is asked.
func (o proving) whose(body []byte, says receipts.Statement) (lines []string, err error) {
	if o.code == "" {
		return nil, nil
	}
	code, err := receipts.ParseCode(o.code)
	if err != nil {
		return nil, fmt.Errorf("%w: --code: %w", setup.ErrUsage, err)
	}
	if same, err := receipts.OfCode(body, code); err != nil || !same {
		return nil, errors.Join(err, fmt.Errorf("%w: it is of another request than the code", receipts.ErrOther))
	}
	lines = append(lines, "the code is that of this receipt")
	for _, text := range o.subjects {
		s, err := parseSubject(text)
		if err != nil {
			return nil, err
		}
		normal, err := identifier.Normalise(s.Kind, []byte(s.Value), o.country, nil)
		if err != nil {
			return nil, fmt.Errorf("%w: --subject: %s: %w", setup.ErrUsage, s.Kind, err)
		}
		if !slices.Contains(says.Persons, code.Mark(s.Kind, normal)) {
			return nil, fmt.Errorf("%w: it is not of the person with this %s", receipts.ErrOther, s.Kind)
		}
		lines = append(lines, "it is of the person with this "+s.Kind)
	}
	return lines, nil
}
