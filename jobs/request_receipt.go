package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/audit/receipts"
	"lethe/pipeline/audit/tilelog"
	"lethe/pipeline/chronicle"
	"lethe/pipeline/erased"
	"lethe/pipeline/registry"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/requests"
	"lethe/pipeline/setup"
)

func requestReceiptCommand(c *Command) *cobra.Command {
	var silo, to string
	var by enterFlags
	cmd := &cobra.Command{
		Use:   "receipt <request>",
		Short: "Write what proves to the person, and to anybody, that their data were erased, and since when",
		Args:  cobra.ExactArgs(1),
		Long: `Write the receipt of an erasure that is closed: a small file that names nobody. In it stands what was said when the
request was closed (when it was asked for, what stays for which reasons, when the last backup with it is gone), its place
in the log of nights, and who saw it there. Whoever has the public keys checks it without us: lethe audit receipt FILE.

The first night after the request was closed commits to it. A receipt that is written after the data protection officer
cosigned the log says since when at the latest what it says was published.

The code is the person's alone, and stands in the letter: with it, and an address of theirs, the receipt is shown to be
of that person. It is not in the file.`,
		Example: "  lethe request receipt request-1b9d6bcd --to receipt.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.writeReceipt(cmd.Context(), by, silo, args[0], to)
		},
	}
	cmd.Flags().StringVar(&silo, "silo", "", "of the request, where several silos have one of that name")
	cmd.Flags().StringVar(&to, "to", "", "`file` that is not there yet")
	by.register(cmd)
	required(cmd, "to")
	return cmd
}

func (c *Command) writeReceipt(ctx context.Context, by enterFlags, silo, id, to string) error {
	p, _, err := c.load(ctx)
	if err != nil {
		return err
	}
	asks, err := requests.Any(ctx, p, requests.Which{Silo: silo, IDs: []string{id}})
	if err != nil {
		return err
	}
	if len(asks) != 1 {
		return fmt.Errorf("%w: several silos have a request %s: name one with --silo", setup.ErrUsage, id)
	}
	if err := by.may(ctx, c, p, asks[0].Silo, id); err != nil {
		return err
	}
	says, err := stated(&asks[0].Asked)
	if err != nil {
		return err
	}
	code, err := erased.CodeOf(p, asks[0].Silo, id)
	if err != nil {
		return err
	}
	body, night, err := receiptOf(p, says, code)
	if err != nil {
		return err
	}
	return c.withRegistry(ctx, asks[0].Silo, func(o opened) error {
		if err := by.request(ctx, c, o, asks[0].Silo, id, func() error { return writeNew(to, body) }, "receipt"); err != nil {
			return err
		}
		fmt.Fprintf(c.Out, "receipt of request %s: %s\nthe night of %s committed to it, entry %d of the log\n", id, to,
			night.Entry.Date, night.Place)
		if !slices.ContainsFunc(night.Cosignatures, func(s tilelog.Cosignature) bool { return s.Known }) {
			fmt.Fprintln(c.Out, "nobody cosigned the log since: it proves what was published, and not when; write it again "+
				"after `lethe audit cosign`")
		}
		fmt.Fprintf(c.Out, "code    %s\n        for the person alone: it is in their letter, and not in the receipt\n", code)
		return nil
	})
}

// stated is what the receipt of a request says, or why there is none.
func stated(a *cases.Asked) (receipts.Statement, error) {
	says, ok := erased.Stated(a)
	switch {
	case ok:
		return says, nil
	case a.Kind != cases.RequestErasure:
		return says, fmt.Errorf("%w: request %s is for %s, and receipts are of erasures", registry.ErrRefused, a.ID, a.Kind)
	case a.Closed.IsZero():
		return says, fmt.Errorf("%w: request %s is open: what its receipt says is looked at when it is closed: lethe "+
			"request close %[2]s", registry.ErrRefused, a.ID)
	case a.Outcome == cases.OutcomeRefused:
		return says, fmt.Errorf("%w: request %s was refused: nothing was erased", registry.ErrRefused, a.ID)
	}
	return says, fmt.Errorf("%w: request %s was closed before there were receipts: the letter, and `lethe audit receipt RUN` "+
		"of the night that erased, say what was done", registry.ErrRefused, a.ID)
}

// receiptOf makes the receipt of what a night has committed to.
func receiptOf(p *setup.Setup, says receipts.Statement, code receipts.Code) (body []byte, in tilelog.Proven, err error) {
	signer, err := p.Keys.Runner()
	if err != nil {
		return nil, in, err
	}
	key := signer.PublicKey()
	log, nights, broken, err := receipts.Nights(p.Reports, key)
	if err != nil {
		return nil, in, fmt.Errorf("%w: %w: lethe audit verify", evidence.ErrEdited, err)
	}
	night, ok := receipts.Find(nights, code.Commitment(says))
	switch {
	case !ok && len(broken) > 0:
		return nil, in, fmt.Errorf("%w: %s is missing, or is not what was published: put it back from a copy of the "+
			"reports, or let the next night commit to it again: lethe run", evidence.ErrEdited, broken[0])
	case !ok:
		return nil, in, fmt.Errorf("%w: no night has committed to it yet: `lethe run` does", registry.ErrRefused)
	}
	signed, err := tilelog.Covering(p.Reports, night.Place, key)
	if err != nil {
		return nil, in, err
	}
	proof, err := log.Prove(night.Place, signed, key)
	if err != nil {
		return nil, in, fmt.Errorf("%w: %w", evidence.ErrEdited, err)
	}
	receipt, err := receipts.New(says, code, night.List, proof)
	if err != nil {
		return nil, in, err
	}
	if body, err = receipt.Bytes(); err != nil {
		return nil, in, err
	}
	_, witnesses := chronicle.Witnesses(p)
	proven, err := receipts.Check(body, key, witnesses)
	return body, proven.Night, err
}

// writeNew writes a file that only its owner can read, and that is not there yet.
func writeNew(path string, body []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if os.IsExist(err) {
		return fmt.Errorf("%w: --to: %s is there already: name one that is not", setup.ErrUsage, path)
	}
	if err != nil {
		return fmt.Errorf("%w: --to: %w", setup.ErrConfig, err)
	}
	_, err = f.Write(body)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("%w: --to: %w", setup.ErrConfig, err)
	}
	return nil
}
