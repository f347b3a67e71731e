package jobs

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"lethe/pipeline/incidents"
)

func incidentCommand(c *Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: "incident", Short: "Hints of an incident that nights noticed, and what people said of them",
		Long: `A hint is a sign that something may have happened that has to be notified (Art. 33): a source that looks as if
it had been put back from a backup, rows or values that are gone and that Lethe did not end, people in test
data, evidence that does not hold. It is no breach before somebody says so; if it is one, it may have to be
notified within 72 hours of when the controller knew.`,
	}
	cmd.AddCommand(incidentListCommand(c), incidentAssessCommand(c))
	return cmd
}

func incidentListCommand(c *Command) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the hints of the newest night", Args: cobra.NoArgs, Example: "  lethe incident list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			hints, err := incidents.List(cmd.Context(), p)
			if err != nil {
				return err
			}
			rows := [][]string{}
			for _, h := range hints {
				state := "open; the 72 hours end " + h.ClockUntil.In(p.Zone).Format(time.DateTime)
				if !h.ClosedAt.IsZero() {
					state = "assessed by " + h.AssessedBy + ": " + h.Assessment
				}
				rows = append(rows, []string{h.HintID, h.Kind, h.Source, h.Object, fmt.Sprint(h.Rows),
					h.NoticedAt.In(p.Zone).Format(time.DateTime), state})
			}
			return c.printList(rows, hints, nil)
		},
	}
}

func incidentAssessCommand(c *Command) *cobra.Command {
	var signer signerFlags
	var comment string
	cmd := &cobra.Command{
		Use: "assess HINT", Short: "Say what a hint was, and what follows", Args: cobra.ExactArgs(1),
		Long: `Say what a hint was: a false alarm, or what happened, whether it is notified, and why not. It is signed and stands
in every later report. It takes an owner of a silo, a custodian or the data protection officer.`,
		Example: "  lethe incident assess 8f14e45fceea167a --as dora --key dora.key --comment \"a test restore; no one had access\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			by, err := signer.load()
			if err != nil {
				return err
			}
			if err := incidents.Assess(cmd.Context(), p, args[0], by[0].Name, comment, by[0].Signer); err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "%s: the assessment of hint %s is recorded\n", by[0].Name, args[0])
			return nil
		},
	}
	signer.register(cmd, "who assesses it: a name under people")
	cmd.Flags().StringVar(&comment, "comment", "", "what happened; it stands in the report")
	required(cmd, "comment")
	return cmd
}
