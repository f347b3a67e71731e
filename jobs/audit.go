package jobs

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"lethe/pipeline/audit/evidence"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

func auditCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "Prove the reports"}
	var key, answer string
	verify := &cobra.Command{
		Use:   "verify [reports folder]",
		Short: "Check signatures, digests, row counts and answers of all reports; detects change after signing",
		Args:  cobra.MaximumNArgs(1),
		Example: "  lethe audit verify\n" +
			"  lethe audit verify ./copy-of-reports --key 'lethe-ed25519:...'   # without configuration, on another " +
			"machine",
		RunE: func(cmd *cobra.Command, args []string) error {
			folder, public := "", key
			if len(args) == 1 {
				folder = args[0]
			}
			if folder == "" || public == "" {
				p, _, err := c.load(cmd.Context())
				if err != nil {
					return err
				}
				if folder == "" {
					folder = p.Reports
				}
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
			report, err := evidence.Verify(cmd.Context(), folder, parsed)
			err = errors.Join(err, report.Has(answer))
			for _, line := range report.Lines() {
				fmt.Fprintln(c.Out, line)
			}
			if err != nil {
				return fmt.Errorf("%w: %w", setup.ErrTampered, err)
			}
			return nil
		},
	}
	verify.Flags().StringVar(&key, "key", "", "public `key` of the runner, as lethe keys create printed it")
	verify.Flags().StringVar(&answer, "answer", "", "`hash` that somebody was given when they answered: it must still be "+
		"in the chain")
	cmd.AddCommand(verify, auditAcknowledgeCommand(c))
	return cmd
}
