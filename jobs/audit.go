package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/audit/stamp"
	"lethe/pipeline/chronicle"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

func auditCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "Prove the reports"}
	var key, answer string
	var held heldFlags
	verify := &cobra.Command{
		Use:   "verify [reports folder]",
		Short: "Check signatures, digests, row counts, the log and answers of all reports",
		Long: `Check a folder of reports, or a copy of one, with public keys alone: the signature of each night, the digest
and the row count of each file, the registry's heads from night to night, the chain of what people answered,
and the log of nights, in which each manifest is an entry. It names the file, the night or the answer that is
missing, was altered, replaced or put in, with the next step, and ends with 12.
A checkpoint that was kept out of the operator's reach (--since) shows whether the newest nights were taken
away, and whether the nights up to there are still the same; so does a cosignature (lethe audit cosign).
Without either it detects change after signing, not by who holds the runner's key.`,
		Args: cobra.MaximumNArgs(1),
		Example: "  lethe audit verify\n" +
			"  lethe audit verify ./copy-of-reports --key 'lethe-ed25519:...'   # without configuration, on another " +
			"machine\n" +
			"  lethe audit verify ./copy-of-reports --key 'lethe-ed25519:...' --since checkpoint-of-last-month\n" +
			"  lethe audit verify --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			folder, public, p := strings.Join(args, ""), key, (*setup.Setup)(nil)
			if folder == "" || public == "" {
				var err error
				if p, _, err = c.load(cmd.Context()); err != nil {
					return err
				}
				folder = cmp.Or(folder, p.Reports)
				if public == "" {
					runner, err := p.Keys.Runner()
					if err != nil {
						return err
					}
					public = runner.Public()
				}
			}
			parsed, err := keystore.ParsePublic(public)
			if err != nil {
				return fmt.Errorf("%w: --key: %w", setup.ErrConfig, err)
			}
			against, err := held.load(parsed)
			if err != nil {
				return err
			}
			if p != nil { // whom the configuration knows
				_, witnesses := chronicle.Witnesses(p)
				against.Witnesses = append(against.Witnesses, witnesses...)
				if p.Timestamps != nil && against.Roots == nil {
					against.Roots = p.Timestamps.Roots
				}
			}
			if len(args) > 0 {
				if _, err := os.Stat(folder); err != nil {
					return fmt.Errorf("%w: open reports: %w: give the folder of reports, or a copy of it", setup.ErrConfig, err)
				}
			}
			report, err := evidence.VerifyAgainst(cmd.Context(), folder, parsed, against)
			err = errors.Join(err, report.Has(answer))
			if c.json {
				err = errors.Join(err, c.printJSON(verified(report)))
			} else if err == nil || !report.OK() || len(report.Nights) > 0 { // else it has nothing to say
				for _, line := range report.Lines() {
					fmt.Fprintln(c.Out, line)
				}
			}
			if err != nil {
				return fmt.Errorf("%w: %w", setup.ErrTampered, err)
			}
			return nil
		},
	}
	verify.Flags().StringVar(&key, "key", "", "public `key` of the runner, as lethe keys create printed it")
	held.register(verify)
	verify.Flags().StringVar(&answer, "answer", "", "`hash` that somebody was given when they answered: it must still be "+
		"in the chain")
	cmd.AddCommand(verify, auditCosignCommand(c), auditReceiptCommand(c), auditAcknowledgeCommand(c))
	return cmd
}

// heldFlags are what somebody has to hold a folder of reports against, besides the runner's key.
type heldFlags struct {
	since, tsa, identity string
	witnesses            []string
}

func (h *heldFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&h.since, "since", "", "`checkpoint` that you keep: the file of one, or SIZE:ROOT as a run prints it")
	cmd.Flags().StringArrayVar(&h.witnesses, "witness", nil, "public `key` of who cosigns; may be given again")
	cmd.Flags().StringVar(&h.identity, "identity", "", "`file` of a reader's identity: what it opens is checked too")
	cmd.Flags().StringVar(&h.tsa, "tsa", "", "`file` with the root certificate of the time stamp authority, in PEM")
}

func (h *heldFlags) load(key keystore.PublicKey) (against evidence.Against, err error) {
	for _, text := range h.witnesses {
		witness, err := keystore.ParsePublic(text)
		if err != nil {
			return against, fmt.Errorf("%w: --witness: %w", setup.ErrConfig, err)
		}
		against.Witnesses, against.Cosigned = append(against.Witnesses, witness), append(against.Cosigned, witness)
	}
	if against.Identities, err = identitiesOf(h.identity); err != nil {
		return against, err
	}
	if h.tsa != "" {
		pem, err := os.ReadFile(h.tsa)
		if err == nil {
			against.Roots, err = stamp.Roots(pem)
		}
		if err != nil {
			return against, fmt.Errorf("%w: --tsa: %w", setup.ErrConfig, err)
		}
	}
	if h.since == "" {
		return against, nil
	}
	c, err := evidence.ReadCheckpoint(h.since, os.ReadFile, key)
	if errors.Is(err, evidence.ErrEdited) {
		return against, fmt.Errorf("%w: --since: %w", setup.ErrTampered, err)
	}
	if err != nil {
		return against, fmt.Errorf("%w: --since: %w", setup.ErrConfig, err)
	}
	against.Since = &c
	return against, nil
}
