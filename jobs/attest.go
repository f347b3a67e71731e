package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"lethe/pipeline/adopted"
	"lethe/pipeline/answers"
	"lethe/pipeline/audit"
	"lethe/pipeline/duties"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/proofs"
	"lethe/pipeline/setup"
	"lethe/pipeline/state"
)

func attestCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{Use: "attest", Short: "Say that something was done which no program sees, such as training",
		Long: `What no program sees: training, the destruction of paper, a look at who has access. Which there are, who answers
for each and for how long one holds stands under attestations: of the configuration.`}
	cmd.AddCommand(attestGiveCommand(c), attestListCommand(c))
	return cmd
}

func attestGiveCommand(c *Command) *cobra.Command {
	var signer signerFlags
	var comment string
	cmd := &cobra.Command{
		Use: "give NAME", Short: "Say that it was done", Args: cobra.ExactArgs(1),
		Long: `Say that something was done which no program sees. It is signed, stands in every later report, and is due again
when its term is over. Its owner may, and a data protection officer.`,
		Example: "  lethe attest give staff-training --as anna --key anna.key --comment \"12 November, all of sales; list in the " +
			"HR folder\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			by, err := signer.load(cmd.Context(), c, p)
			if err != nil {
				return err
			}
			if p, err = adopted.JudgeNow(cmd.Context(), p); err != nil {
				return err
			}
			if err := duties.Attest(cmd.Context(), p, args[0], by[0].Name, comment, by[0].Signer); err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "%s: %s is attested\n", by[0].Name, args[0])
			return nil
		},
	}
	signer.register(cmd, "who says so: its owner, or a data protection officer")
	cmd.Flags().StringVar(&comment, "comment", "", "what was done, and where that is filed; it stands in the evidence")
	return cmd
}

func attestListCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List attestations as they were last given, and the reviews that are due", Args: cobra.NoArgs,
		Example: "  lethe attest list\n  lethe attest list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			return c.listAttested(cmd.Context(), p)
		},
	}
}

// listAttested lists what is asked for, as people last said it.
func (c *Command) listAttested(ctx context.Context, p *setup.Setup) error {
	rows, err := attested(ctx, p)
	if err != nil {
		return err
	}
	lines := make([][]string, len(rows))
	for i, a := range rows {
		lines[i] = []string{a.Name, a.Kind, cmp.Or(a.Owner, "-"), a.Status, cmp.Or(a.DueOn, "-"), cmp.Or(a.LastOn, "-"),
			cmp.Or(a.SaidBy, "-")}
	}
	return c.printList(lines, rows, nil)
}

func attested(ctx context.Context, p *setup.Setup) (rows []audit.Attestation, err error) {
	judged, err := adopted.JudgeNow(ctx, p)
	if err != nil {
		return nil, err
	}
	said := answers.Chain{}
	if state.FileExists(filepath.Join(p.State, "journal.db")) {
		j, b, err := state.Book(ctx, p)
		if err != nil {
			return nil, err
		}
		said = b.Chain
		defer func() { err = errors.Join(err, j.Close()) }()
	}
	return proofs.Attested(judged, said, calendar.DateOf(p.Now(), p.Zone)), nil
}
